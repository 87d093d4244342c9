"""What pairs of processes in lockstep say: all benchmarks are screened, and the suspects are tested on fresh pairs.

The screen only chooses what is measured again. Nothing of it enters the test: the suspects are what looked worst of
many, so that their screened values are too large by the choosing alone. Fresh pairs know nothing of it, and a plain
test of them is as good as if the suspects had been named beforehand.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from benchmarks.gate.verdicts import Effect, Row, Verdict

FEWEST_TURNS = 4  # of fewer a median is no shelter from one of them
FEWEST_SAMPLES = 8  # in a turn, for its lower quartile to leave disturbed ones out
TRIMMED_TURNS = 0.1  # at each end, of the guard's: other programs' doing, for the most part
FEWEST_PAIRS = 3  # of fewer nothing can be said about how they scatter
TRIMMED_FROM = 8  # pairs: with fewer, too much would be trimmed
LEAST_SPREAD = 5e-4  # of log ratios: equal values are a coarse clock, not certainty
MOST_PAIRS = 1000  # whoever needs more is better served by a quieter machine
POWER = 0.95


@dataclass(frozen=True)
class Pair:
    """A pair of processes that measured a benchmark in lockstep: logs of the ratio of the head's to the base's times.

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
    screen: int = 4  # pairs of every benchmark
    confirm: int = 10  # fresh pairs of each suspect
    max_suspects: int = 15
    stored_suspect: float = 0.03  # stored runs that differ by more are suspected
    stored_slower: float = 0.05  # and by more than this slower, where lockstep cannot tell

    def margin_of(self, statistic: str) -> float:
        """Return the slowdown of a statistic that is let pass."""
        return self.mean_margin if statistic == "mean" else self.margin


Pairs = Mapping[str, Sequence[Pair]]  # by the benchmark's name


@dataclass(frozen=True)
class Suspicion:
    """What the screen holds possible of a benchmark, and fresh pairs are asked."""

    benchmark: str
    statistic: str  # the field of Pair
    direction: Verdict  # SLOWER or FASTER

    @property
    def sign(self) -> int:
        """1 for slower, -1 for faster."""
        return 1 if self.direction is Verdict.SLOWER else -1


@dataclass(frozen=True)
class Estimate:
    """The trimmed mean of pairs, in logs, and how far it can be trusted.

    The standard error is Yuen's, from the winsorised standard deviation (J. W. Tukey, D. H. McLaughlin, "Less
    vulnerable confidence and significance procedures for location based on a single sample", Sankhya A 25, 1963,
    331-352; K. K. Yuen, "The two-sample trimmed t for unequal population variances", Biometrika 61, 1974, 165-170).
    One pair is trimmed at each end from TRIMMED_FROM pairs on; of fewer it is Student's.
    """

    value: float
    spread: float  # the winsorised standard deviation
    pairs: int

    @property
    def error(self) -> float:
        """The standard error."""
        return self.spread * _error(self.pairs)

    def p_value(self, margin: float, sign: int) -> float:
        """Return the one-sided p of no more than *margin*, in logs, in the direction of *sign*."""
        return float(stats.t.sf((sign * self.value - margin) / self.error, _degrees(self.pairs)))

    def effect(self, statistic: str, confidence: float) -> Effect:
        """Return it as a ratio less one, with its interval."""
        half = quantile((1 + confidence) / 2, _degrees(self.pairs)) * self.error
        value, low, high = (math.expm1(self.value + step) for step in (0, -half, half))
        return Effect(value, low, high, self.pairs, statistic, confidence)


def log_ratio_of_turns(base: Sequence[Sequence[float]], head: Sequence[Sequence[float]]) -> Pair:
    """Return how much slower the head was in a pair of processes, from the seconds of the samples of each side's turns.

    Turns of the same index are neighbours in time and saw the same state of the machine; the surplus of the longer
    side has no neighbour and is left out. Of neighbours as many samples are taken of each, from the start, and without
    the first, which is cold after the hand-over, where there are more: the quartile of fewer samples is another one.
    Where a turn has so few that its quartile leaves no disturbed sample out, the 10th percentile of all takes its
    place. The guard is the trimmed mean of the turns' log ratios of means: it sees what one turn in ten pays, where a
    median would see only what every other does. The pair is NaN for fewer than FEWEST_TURNS neighbours, and where a
    sample is not a positive finite number.
    """
    neighbours = [*zip(base, head, strict=False)]
    if len(neighbours) < FEWEST_TURNS or not all(map(_are_times, [*base, *head])):
        return Pair(math.nan, math.nan)
    warm = [_warm(*both) for both in neighbours]
    means = [math.log(statistics.fmean(head) / statistics.fmean(base)) for base, head in warm]
    return Pair(_fast(warm), float(stats.trim_mean(means, TRIMMED_TURNS)))


def _fast(turns: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """Return the log ratio of what each side takes when it is let: of the turns one by one, or of all at once."""
    if statistics.median(len(base) for base, _ in turns) < FEWEST_SAMPLES:
        all_base, all_head = (np.concatenate(side) for side in zip(*turns, strict=True))
        return math.log(np.quantile(all_head, 0.1) / np.quantile(all_base, 0.1))
    return statistics.median(math.log(np.quantile(head, 0.25) / np.quantile(base, 0.25)) for base, head in turns)


def _are_times(samples: Sequence[float]) -> bool:
    return len(samples) > 0 and all(math.isfinite(value) and value > 0 for value in samples)


def _warm(base: Sequence[float], head: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return as many samples of each side, without the first, where there are more."""
    count = min(len(base), len(head))
    warm = slice(1 if count > 1 else 0, count)
    return base[warm], head[warm]


def suspects(screened: Pairs, rules: Rules) -> list[str]:
    """Return the names that are to be measured again with fresh pairs: the worst first, at most ``max_suspects``."""
    return [*_suspected(screened, rules)][: rules.max_suspects]


def decide(screened: Pairs, confirmed: Pairs, rules: Rules) -> dict[str, Row]:
    """Return the verdict on every benchmark of *screened*; *confirmed* are the fresh pairs of the suspects."""
    suspected = _suspected(screened, rules)
    measured = {name: suspected[name] for name in [*suspected][: rules.max_suspects]}
    judged = judge(measured, confirmed, rules)

    def row(name: str) -> Row:
        if failed := _failed(name, [*screened[name], *confirmed.get(name, ())]):
            return failed
        return judged.get(name) or _screened(name, screened[name], len(suspected) if name in suspected else 0, rules)

    return {name: row(name) for name in screened}


def _screened(name: str, pairs: Sequence[Pair], suspects: int, rules: Rules) -> Row:
    """Return the verdict on what was not measured again: no suspect, or one of too many *suspects*."""
    effect = _effect(pairs, rules)
    if not suspects:
        return Row(name, Verdict.SAME, effect)
    why = f"suspected, and not measured again: {suspects} suspects; raise --max-suspects, {rules.max_suspects} now"
    return Row(name, Verdict.UNDECIDED, effect, why, rules.confirm)


def judge(suspected: Mapping[str, Sequence[Suspicion]], confirmed: Pairs, rules: Rules) -> dict[str, Row]:
    """Return the verdict on every benchmark of *suspected* by the fresh pairs alone.

    Every suspicion counts among those that are tested, with or without enough pairs to test it.
    """
    everything = [suspicion for suspicions in suspected.values() for suspicion in suspicions]
    p_values = {suspicion: _p_value(suspicion, confirmed, rules) for suspicion in everything}
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


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the estimate of log ratios, one a pair; None of fewer than FEWEST_PAIRS."""
    if len(values) < FEWEST_PAIRS:
        return None
    ordered, cut = np.sort(values), _trimmed(len(values))
    middle = ordered[cut : len(ordered) - cut]
    spread = float(ordered.clip(middle[0], middle[-1]).std(ddof=1))
    return Estimate(float(middle.mean()), max(spread, LEAST_SPREAD), len(values))


@cache
def quantile(probability: float, degrees: int) -> float:
    """Return that quantile of Student's t."""
    return float(stats.t.ppf(probability, degrees))


def _trimmed(pairs: int) -> int:
    return 1 if pairs >= TRIMMED_FROM else 0


def _degrees(pairs: int) -> int:
    """Return the degrees of freedom: one less than the pairs that are not trimmed."""
    return pairs - 2 * _trimmed(pairs) - 1


def _error(pairs: int) -> float:
    """Return the standard error of a spread of 1."""
    degrees = _degrees(pairs)
    return math.sqrt((pairs - 1) / ((degrees + 1) * degrees))


def _values(pairs: Sequence[Pair], statistic: str) -> list[float]:
    return [getattr(pair, statistic) for pair in pairs]


def _effect(pairs: Sequence[Pair], rules: Rules) -> Effect | None:
    estimated = estimate(_values(pairs, "quartile"))
    return estimated.effect("quartile", rules.confidence) if estimated else None


def _failed(name: str, pairs: Sequence[Pair]) -> Row | None:
    if not pairs:
        return Row(name, Verdict.FAILED, why="no pair of processes measured it")
    bad = [pair for pair in pairs if not (math.isfinite(pair.quartile) and math.isfinite(pair.mean))]
    why = f"{len(bad)} of {len(pairs)} pairs are not numbers: too few slices (raise --seconds), or no times"
    return Row(name, Verdict.FAILED, why=why) if bad else None


def _suspected(screened: Pairs, rules: Rules) -> dict[str, list[Suspicion]]:
    """Return what is suspected, by benchmark, the worst first; what failed is not, and cannot pass for it."""
    whole = {name: pairs for name, pairs in screened.items() if not _failed(name, pairs)}
    worst_first = sorted(whole, key=lambda name: (-_excess(whole[name], rules), name))
    suspicions = {name: [*_suspicions(name, whole[name], rules)] for name in worst_first}
    return {name: suspicions[name] for name in worst_first if suspicions[name]}


def _medians(pairs: Sequence[Pair]) -> tuple[float, float]:
    return statistics.median(_values(pairs, "quartile")), statistics.median(_values(pairs, "mean"))


def _excess(pairs: Sequence[Pair], rules: Rules) -> float:
    """Return how far the median pair is beyond the margin of the statistic that is farther beyond its own."""
    quartile, mean = _medians(pairs)
    return max(quartile - math.log1p(rules.margin), mean - math.log1p(rules.mean_margin))


def _suspicions(name: str, pairs: Sequence[Pair], rules: Rules) -> Iterator[Suspicion]:
    quartile, mean = _medians(pairs)
    if quartile > math.log1p(rules.margin) or _may_be_slower(_effect(pairs, rules), rules):
        yield Suspicion(name, "quartile", Verdict.SLOWER)
    if mean > math.log1p(rules.mean_margin):
        yield Suspicion(name, "mean", Verdict.SLOWER)
    # As far as for slower, in logs: where base and head change places, so do the verdicts.
    if -quartile > math.log1p(rules.margin):
        yield Suspicion(name, "quartile", Verdict.FASTER)


def _may_be_slower(effect: Effect | None, rules: Rules) -> bool:
    return effect is None or effect.high >= rules.limit


def _p_value(suspicion: Suspicion, confirmed: Pairs, rules: Rules) -> float:
    values = _values(confirmed.get(suspicion.benchmark, ()), suspicion.statistic)
    estimated = estimate(values) if all(map(math.isfinite, values)) else None
    margin = math.log1p(rules.margin_of(suspicion.statistic))
    return estimated.p_value(margin, suspicion.sign) if estimated else 1.0


@dataclass(frozen=True)
class Shown:
    """What the fresh pairs show, of how many tests."""

    suspicions: set[Suspicion]
    tests: int


def _judged(name: str, suspected: Sequence[Suspicion], shown: Shown, fresh: Sequence[Pair], rules: Rules) -> Row:
    """Return the verdict on a suspect."""
    if failed := _failed(name, fresh):
        return failed if fresh else Row(name, Verdict.FAILED, why="suspected, and no fresh pair measured it")
    if len(fresh) < FEWEST_PAIRS:
        why = f"suspected, and only {len(fresh)} of {rules.confirm} fresh pairs measured it"
        return Row(name, Verdict.UNDECIDED, why=why, more_pairs=max(rules.confirm, FEWEST_PAIRS) - len(fresh))
    if own := [suspicion for suspicion in suspected if suspicion in shown.suspicions]:
        return _shown(name, own, fresh, rules)
    return _not_shown(name, suspected, fresh, rules, shown.tests)


def _shown(name: str, shown: Sequence[Suspicion], fresh: Sequence[Pair], rules: Rules) -> Row:
    """Return the verdict by the weightiest of what is *shown*: slower before faster, the quartile before the mean."""
    first = min(shown, key=lambda suspicion: (-suspicion.sign, suspicion.statistic == "mean"))
    effect = _estimated(fresh, first.statistic).effect(first.statistic, rules.confidence)
    why = f"the mean is {percent(effect.value)} slower, the fast quarter is not" if first.statistic == "mean" else ""
    return Row(name, first.direction, effect, why)


def _not_shown(name: str, suspected: Sequence[Suspicion], fresh: Sequence[Pair], rules: Rules, tests: int) -> Row:
    """Return the verdict where nothing is shown: the same, unless the fresh pairs leave too much open."""
    for statistic in dict.fromkeys(["quartile", *(suspicion.statistic for suspicion in suspected)]):
        estimated, margin = _estimated(fresh, statistic), rules.margin_of(statistic)
        effect = estimated.effect(statistic, rules.confidence)
        if effect.low > margin:  # by itself, though not among so many tests
            why = f"more than {percent(margin)} slower by itself, and not among {tests} tests"
            return Row(name, Verdict.UNDECIDED, effect, why, more_pairs(estimated, margin, rules, tests, exclude=False))
    estimated = _estimated(fresh, "quartile")
    effect = estimated.effect("quartile", rules.confidence)
    if not _may_be_slower(effect, rules):
        return Row(name, Verdict.SAME, effect, "suspected in the screen, not confirmed")
    why = f"it may be up to {percent(effect.high)} slower, and {percent(rules.limit)} cannot be excluded"
    more = more_pairs(estimated, rules.margin, rules, tests)
    if more is None:
        why += f"; nor would {MOST_PAIRS} pairs decide: it needs a quieter machine, or longer benchmarks"
    return Row(name, Verdict.UNDECIDED, effect, why, more)


def _estimated(pairs: Sequence[Pair], statistic: str) -> Estimate:
    estimated = estimate(_values(pairs, statistic))
    assert estimated, f"{len(pairs)} pairs, of at least {FEWEST_PAIRS}"
    return estimated


def more_pairs(now: Estimate, margin: float, rules: Rules, tests: int, *, exclude: bool = True) -> int | None:
    """Return how many pairs more would probably decide, if they are like those there are; None over MOST_PAIRS.

    They decide where the interval ends below the limit, if that is to *exclude* a slowdown, or where one of more than
    *margin* is shown with a probability of POWER as the first of so many *tests*.
    """

    def would_decide(pairs: int) -> bool:
        error, degrees = now.spread * _error(pairs), _degrees(pairs)
        half = quantile((1 + rules.confidence) / 2, degrees) * error
        excluded = exclude and now.value + half < math.log1p(rules.limit)
        needed = quantile(1 - rules.alpha / max(tests, 1), degrees) + quantile(POWER, degrees)
        return excluded or now.value - math.log1p(margin) >= needed * error

    return next((pairs - now.pairs for pairs in range(now.pairs + 1, MOST_PAIRS + 1) if would_decide(pairs)), None)


def percent(value: float) -> str:
    """Return a share in words."""
    return f"{100 * value:.1f} %"
