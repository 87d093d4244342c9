"""What starts in lockstep say: all benchmarks are screened, and the suspects are tested on fresh starts.

The screen only chooses what is measured again, and how often. Nothing of it enters the test: the suspects are what
looked worst of many, so that their screened values are too large by the choosing alone. Fresh starts know nothing of
it, and a plain test of them is as good as if the suspects, and the number of starts, had been named beforehand.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.gate.verdicts import Effect, Row, Verdict
from benchmarks.measuring.starts import FEWEST_STARTS, Estimate, degrees, error_of_one, estimate, quantile

FEWEST_SAMPLES = 8  # in a turn, for its lower quartile to leave disturbed ones out
TRIMMED_TURNS = 0.1  # at each end, of the guard's: other programs' doing, for the most part
MOST_STARTS = 1000  # whoever needs more is better served by a quieter machine
POWER = 0.95
CAUTION = 1.5  # a spread that a few starts told may be so many times as large


@dataclass(frozen=True)
class LogRatio:
    """How much slower the head was in a start, of both sides at once: logs of the ratio of its to the base's times.

    Each is a middle over neighbouring turns, and NaN where it could not be computed.
    """

    quartile: float  # of the turns' lower quartiles, which the states of a shared machine move least
    mean: float  # trimmed, of their means, the guard: it sees what only some of the inferences pay


@dataclass(frozen=True)
class Rules:
    """What the gate calls slower, and how much it measures to tell."""

    margin: float = 0.01  # a slowdown of so much is let pass
    mean_margin: float = 0.03  # the same of the mean
    limit: float = 0.05  # a slowdown of so much is excluded before a benchmark is called the same
    alpha: float = 0.01  # probability of a false alarm in the whole suite
    confidence: float = 0.99  # of the intervals
    suspicion: float = 0.1  # probability that a screen suspects one that differs by just the margin
    starts: int = 5  # in each pair of processes
    screen: int = 2  # pairs of processes for every benchmark
    least: int = 3  # fresh pairs of processes for each suspect
    confirm: int = 12  # and for one whose starts scatter at most
    max_suspects: int = 15
    stored_suspect: float = 0.03  # stored runs that differ by more are suspected
    stored_slower: float = 0.05  # and by more than this slower, where lockstep cannot tell

    def margin_of(self, statistic: str) -> float:
        """Return the slowdown of a statistic that is let pass."""
        return self.mean_margin if statistic == "mean" else self.margin


Starts = Mapping[str, Sequence[LogRatio]]  # by the benchmark's name


@dataclass(frozen=True)
class Suspicion:
    """What the screen holds possible of a benchmark, and fresh starts are asked."""

    benchmark: str
    statistic: str  # the field of LogRatio
    direction: Verdict  # SLOWER or FASTER

    @property
    def sign(self) -> int:
        """1 for slower, -1 for faster."""
        return 1 if self.direction is Verdict.SLOWER else -1


# The value of a start


def log_ratio_of_turns(base: Sequence[Sequence[float]], head: Sequence[Sequence[float]]) -> LogRatio:
    """Return how much slower the head was in a start, from the seconds of the samples of each side's turns.

    Turns of the same index are neighbours in time and saw the same state of the machine; the surplus of the longer
    side has no neighbour and is left out. Of neighbours as many samples are taken of each, from the start, and without
    the first, which is cold after the hand-over, where there are more: the quartile of fewer samples is another one.
    Where a turn has so few that its quartile leaves no disturbed sample out, the 10th percentile of all takes its
    place. The guard is the trimmed mean of the turns' log ratios of means: it sees what one turn in ten pays, where a
    median would see only what every other does. Both are NaN where there are no neighbours, and where a sample is not
    a positive finite number.
    """
    neighbours = [*zip(base, head, strict=False)]
    if not neighbours or not all(map(_are_times, [*base, *head])):
        return LogRatio(math.nan, math.nan)
    warm = [_warm(*both) for both in neighbours]
    means = [math.log(statistics.fmean(head) / statistics.fmean(base)) for base, head in warm]
    return LogRatio(_fast(warm), _trimmed_mean(means))


def _fast(turns: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """Return the log ratio of what each side takes when it is let: of the turns one by one, or of all at once."""
    if statistics.median(len(base) for base, _ in turns) < FEWEST_SAMPLES:
        all_base, all_head = (np.concatenate(side) for side in zip(*turns, strict=True))
        return math.log(np.quantile(all_head, 0.1) / np.quantile(all_base, 0.1))
    return statistics.median(math.log(np.quantile(head, 0.25) / np.quantile(base, 0.25)) for base, head in turns)


def _trimmed_mean(values: Sequence[float]) -> float:
    cut = int(TRIMMED_TURNS * len(values))
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def _are_times(samples: Sequence[float]) -> bool:
    return len(samples) > 0 and all(math.isfinite(value) and value > 0 for value in samples)


def _warm(base: Sequence[float], head: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return as many samples of each side, without the first, where there are more."""
    count = min(len(base), len(head))
    warm = slice(1 if count > 1 else 0, count)
    return base[warm], head[warm]


# What is measured again, and how often


def suspects(screened: Starts, rules: Rules) -> dict[str, int]:
    """Return what is to be measured again, the worst first, at most ``max_suspects``: by name how many fresh pairs."""
    suspected = _suspected(screened, rules)
    tests = sum(map(len, suspected.values()))

    def fresh(name: str) -> int:
        looks_so = any(_is_likely(suspicion, screened[name], rules) for suspicion in suspected[name])
        return fresh_pairs(screened[name], tests if looks_so else 0, rules)

    return {name: fresh(name) for name in [*suspected][: rules.max_suspects]}


def fresh_pairs(screened: Sequence[LogRatio], tests: int, rules: Rules) -> int:
    """Return how many fresh pairs of processes a suspect needs, as its screened starts scatter.

    With POWER they exclude a slowdown of the limit, where there is none, and find one among so many *tests*; without a
    test they need only exclude it. At least ``least``, at most ``confirm``, and that where too few starts were
    screened to tell.
    """
    seen = estimate(_values(screened, "quartile"))
    if seen is None:
        return rules.confirm
    limit, margin, spread = math.log1p(rules.limit), math.log1p(rules.margin), CAUTION * seen.spread

    def is_enough(pairs: int) -> bool:
        starts = pairs * rules.starts
        error = spread * error_of_one(starts)
        excludes = limit >= _needed((1 + rules.confidence) / 2, starts) * error
        return excludes and (not tests or limit - margin >= _needed(1 - rules.alpha / tests, starts) * error)

    least = max(rules.least, math.ceil(FEWEST_STARTS / rules.starts))
    return next(filter(is_enough, range(least, rules.confirm)), rules.confirm)


def _needed(probability: float, starts: int) -> float:
    """Return how many standard errors a true value lies beyond a bound of that *probability*, to pass it with POWER."""
    left = degrees(starts)
    return quantile(probability, left) + quantile(POWER, left)


# Verdicts


def decide(screened: Starts, confirmed: Starts, rules: Rules) -> dict[str, Row]:
    """Return the verdict on every benchmark of *screened*; *confirmed* are the fresh starts of the suspects."""
    suspected = _suspected(screened, rules)
    measured = {name: suspected[name] for name in [*suspected][: rules.max_suspects]}
    judged = judge(measured, confirmed, rules)

    def row(name: str) -> Row:
        if failed := _failed(name, [*screened[name], *confirmed.get(name, ())]):
            return failed
        return judged.get(name) or _screened(name, screened[name], len(suspected) if name in suspected else 0, rules)

    return {name: row(name) for name in screened}


def _screened(name: str, starts: Sequence[LogRatio], suspects: int, rules: Rules) -> Row:
    """Return the verdict on what was not measured again: no suspect, or one of too many *suspects*."""
    effect = _effect(starts, rules)
    if not suspects:
        return Row(name, Verdict.SAME, effect)
    why = f"suspected, and not measured again: {suspects} suspects; raise --max-suspects, {rules.max_suspects} now"
    return Row(name, Verdict.UNDECIDED, effect, why, fresh_pairs(starts, suspects, rules) * rules.starts)


def judge(suspected: Mapping[str, Sequence[Suspicion]], confirmed: Starts, rules: Rules) -> dict[str, Row]:
    """Return the verdict on every benchmark of *suspected* by the fresh starts alone.

    Every suspicion counts among those that are tested, with or without enough starts to test it.
    """
    everything = [suspicion for suspicions in suspected.values() for suspicion in suspicions]
    p_values = {one: _p_value(one, confirmed.get(one.benchmark, ()), rules) for one in everything}
    shown = Shown(holm(p_values, rules.alpha), len(everything))
    return {
        name: _judged(name, suspicions, shown, confirmed.get(name, ()), rules) for name, suspicions in suspected.items()
    }


def holm(p_values: Mapping[Suspicion, float], alpha: float) -> set[Suspicion]:
    """Return what is shown, with a probability of *alpha* that any of it is false.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979,
    65-70. It holds however the suspicions depend on each other, as those of one benchmark do.
    """
    shown: set[Suspicion] = set()
    for suspicion in sorted(p_values, key=p_values.__getitem__):
        if not p_values[suspicion] <= alpha / (len(p_values) - len(shown)):
            break
        shown.add(suspicion)
    return shown


def effect_of(estimated: Estimate, statistic: str, confidence: float) -> Effect:
    """Return an estimate as a ratio less one, with its interval."""
    low, high = map(math.expm1, estimated.interval(confidence))
    return Effect(math.expm1(estimated.value), low, high, estimated.starts, statistic, confidence)


def _values(starts: Sequence[LogRatio], statistic: str) -> list[float]:
    return [getattr(start, statistic) for start in starts]


def _effect(starts: Sequence[LogRatio], rules: Rules) -> Effect | None:
    estimated = estimate(_values(starts, "quartile"))
    return effect_of(estimated, "quartile", rules.confidence) if estimated else None


def _failed(name: str, starts: Sequence[LogRatio]) -> Row | None:
    if not starts:
        return Row(name, Verdict.FAILED, why="no pair of processes measured it")
    bad = [start for start in starts if not (math.isfinite(start.quartile) and math.isfinite(start.mean))]
    why = f"{len(bad)} of {len(starts)} starts are not numbers: no turns of both sides (raise --seconds), or no times"
    return Row(name, Verdict.FAILED, why=why) if bad else None


def _suspected(screened: Starts, rules: Rules) -> dict[str, list[Suspicion]]:
    """Return what is suspected, by benchmark, the worst first; what failed is not, and cannot pass for it."""
    whole = {name: starts for name, starts in screened.items() if not _failed(name, starts)}
    worst_first = sorted(whole, key=lambda name: (-_excess(whole[name], rules), name))
    suspicions = {name: [*_suspicions(name, whole[name], rules)] for name in worst_first}
    return {name: suspicions[name] for name in worst_first if suspicions[name]}


def _excess(starts: Sequence[LogRatio], rules: Rules) -> float:
    """Return how far the median start is beyond the margin of the statistic that is farther beyond its own."""
    quartile, mean = (statistics.median(_values(starts, statistic)) for statistic in ("quartile", "mean"))
    return max(quartile - math.log1p(rules.margin), mean - math.log1p(rules.mean_margin))


def _suspicions(name: str, starts: Sequence[LogRatio], rules: Rules) -> Iterator[Suspicion]:
    # Faster as far as slower, in logs: where base and head change places, so do the verdicts.
    possible = [
        Suspicion(name, "quartile", Verdict.SLOWER),
        Suspicion(name, "mean", Verdict.SLOWER),
        Suspicion(name, "quartile", Verdict.FASTER),
    ]
    is_open = _may_be_slower(_effect(starts, rules), rules)
    for suspicion in possible:
        if _is_likely(suspicion, starts, rules) or (is_open and suspicion is possible[0]):
            yield suspicion


def _is_likely(suspicion: Suspicion, screened: Sequence[LogRatio], rules: Rules) -> bool:
    """Whether more than noise is beyond the margin, as far as a screen can tell."""
    return _p_value(suspicion, screened, rules) <= rules.suspicion


def _may_be_slower(effect: Effect | None, rules: Rules) -> bool:
    return effect is None or effect.high >= rules.limit


def _p_value(suspicion: Suspicion, starts: Sequence[LogRatio], rules: Rules) -> float:
    values = _values(starts, suspicion.statistic)
    estimated = estimate(values) if all(map(math.isfinite, values)) else None
    margin = math.log1p(rules.margin_of(suspicion.statistic))
    return estimated.p_value(margin, suspicion.sign) if estimated else 1.0


@dataclass(frozen=True)
class Shown:
    """What the fresh starts show, of how many tests."""

    suspicions: set[Suspicion]
    tests: int


def _judged(name: str, suspected: Sequence[Suspicion], shown: Shown, fresh: Sequence[LogRatio], rules: Rules) -> Row:
    """Return the verdict on a suspect."""
    if failed := _failed(name, fresh):
        return failed if fresh else Row(name, Verdict.FAILED, why="suspected, and no fresh start measured it")
    if len(fresh) < FEWEST_STARTS:
        why = f"suspected, and only {len(fresh)} fresh {'start' if len(fresh) == 1 else 'starts'} measured it"
        return Row(name, Verdict.UNDECIDED, why=why, more_starts=rules.least * rules.starts - len(fresh))
    if own := [suspicion for suspicion in suspected if suspicion in shown.suspicions]:
        return _shown(name, own, fresh, rules)
    return _not_shown(name, suspected, fresh, rules, shown.tests)


def _shown(name: str, shown: Sequence[Suspicion], fresh: Sequence[LogRatio], rules: Rules) -> Row:
    """Return the verdict by the weightiest of what is *shown*: slower before faster, the quartile before the mean."""
    first = min(shown, key=lambda suspicion: (-suspicion.sign, suspicion.statistic == "mean"))
    effect = effect_of(_estimated(fresh, first.statistic), first.statistic, rules.confidence)
    why = f"the mean is {percent(effect.value)} slower, the fast quarter is not" if first.statistic == "mean" else ""
    return Row(name, first.direction, effect, why)


def _not_shown(name: str, suspected: Sequence[Suspicion], fresh: Sequence[LogRatio], rules: Rules, tests: int) -> Row:
    """Return the verdict where nothing is shown: the same, unless the fresh starts leave too much open."""
    for statistic in dict.fromkeys(["quartile", *(suspicion.statistic for suspicion in suspected)]):
        estimated, margin = _estimated(fresh, statistic), rules.margin_of(statistic)
        effect = effect_of(estimated, statistic, rules.confidence)
        if effect.low > margin:  # by itself, though not among so many tests
            why = f"more than {percent(margin)} slower by itself, and not among {tests} tests"
            more = more_starts(estimated, margin, rules, tests, exclude=False)
            return Row(name, Verdict.UNDECIDED, effect, why, more)
    estimated = _estimated(fresh, "quartile")
    effect = effect_of(estimated, "quartile", rules.confidence)
    if not _may_be_slower(effect, rules):
        return Row(name, Verdict.SAME, effect, "suspected in the screen, not confirmed")
    why = f"it may be up to {percent(effect.high)} slower, and {percent(rules.limit)} cannot be excluded"
    more = more_starts(estimated, rules.margin, rules, tests)
    if more is None:
        why += f"; nor would {MOST_STARTS} starts decide: it needs a quieter machine, or longer benchmarks"
    return Row(name, Verdict.UNDECIDED, effect, why, more)


def _estimated(starts: Sequence[LogRatio], statistic: str) -> Estimate:
    estimated = estimate(_values(starts, statistic))
    assert estimated, f"{len(starts)} starts, of at least {FEWEST_STARTS}"
    return estimated


def more_starts(now: Estimate, margin: float, rules: Rules, tests: int, *, exclude: bool = True) -> int | None:
    """Return how many starts more would probably decide, if they are like those there are; None over MOST_STARTS.

    They decide where the interval ends below the limit, if that is to *exclude* a slowdown, or where one of more than
    *margin* is shown with a probability of POWER as the first of so many *tests*.
    """

    def would_decide(starts: int) -> bool:
        error = now.spread * error_of_one(starts)
        half = quantile((1 + rules.confidence) / 2, degrees(starts)) * error
        excluded = exclude and now.value + half < math.log1p(rules.limit)
        return excluded or now.value - math.log1p(margin) >= _needed(1 - rules.alpha / max(tests, 1), starts) * error

    enough = next(filter(would_decide, range(now.starts + 1, MOST_STARTS + 1)), None)
    return enough and enough - now.starts


def percent(value: float) -> str:
    """Return a share in words."""
    return f"{100 * value:.1f} %"
