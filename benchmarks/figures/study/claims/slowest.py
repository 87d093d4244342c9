"""ResNet-20 is the slowest and the most accurate network on every platform."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import STUDYS, Evidence, Place, by_place
from benchmarks.figures.study.verdicts import Answer, Claim, Verdict, altogether, is_above, together
from benchmarks.figures.tables import table
from benchmarks.measuring.shares import interval
from benchmarks.results import Row, keys

Where = tuple[str, str]  # machine and platform


@dataclass(frozen=True)
class Compared:
    """What was found at a place, and the rows that it was found of."""

    answers: Sequence[Answer]
    rows: Sequence[Row]

    @property
    def cell(self) -> str:
        """All answers in a word, with the marks of what they were made of."""
        return words.marked(together(self.answers), *self.rows)


def binomial(row: Row) -> Span:
    """Return the share of right answers, in per cent, with its binomial interval of 95 %."""
    share = row.result.info[keys.TOP1] / 100
    low, high = interval(share, row.result.info["images"])
    return Span(100 * share, 100 * low, 100 * high)


def is_beyond(one: Row, other: Row) -> Answer:
    """Return whether more answers are right, by more than the error of both shares, taken for independent.

    The error is made of the ends that lie towards each other (R. G. Newcombe, Statistics in Medicine 17, 1998,
    873-890). They are of the same images, so that it is smaller: who passes here would pass there.
    """
    ours, theirs = binomial(one), binomial(other)
    more, less = (ours, theirs) if ours.value > theirs.value else (theirs, ours)
    if more.value - less.value <= math.hypot(more.value - more.low, less.high - less.value):
        return "open"
    return "yes" if more is ours else "no"


def is_slower(one: Row, other: Row) -> Answer:
    """Return whether a network takes longer, by more than the intervals of both."""
    return is_above(Span.of(one.figure), Span.of(other.figure))


def judge(evidence: Evidence) -> Verdict | None:
    """Hold ResNet-20 against the other two, on each platform: its time, and its right answers."""
    slower, better = _times(evidence), _scores(evidence)
    if not slower and not better:
        return None
    asked = dict.fromkeys([*slower, *better])
    said = [answer for of in (slower, better) for found in of.values() for answer in found.answers]
    unscored = [place for place in asked if place not in better]
    word = altogether(said) if slower and better else "qualified"
    scores = f"the most accurate on {_counted(better, 'that were scored')}" if better else "accuracy not measured"
    short = f"the slowest on {_counted(slower, 'platforms')}; {scores}"
    return Verdict(word, short, [*_sentences(evidence, unscored)], _table(asked, slower, better))


def _counted(places: Mapping[Where, Compared], what: str) -> str:
    """Count the places that say yes, and those that say neither yes nor no."""
    said = [{*found.answers} for found in places.values()]
    undecided = sum("open" in answers and "no" not in answers for answers in said)
    return f"{said.count({'yes'})} of {len(said)} {what}" + f", open on {undecided}" * bool(undecided)


def _times(evidence: Evidence) -> dict[Where, Compared]:
    """Return of each platform whether the first network takes longer than each of the others."""
    return _compared(by_place(evidence.single), is_slower)


def _scores(evidence: Evidence) -> dict[Where, Compared]:
    return _compared(evidence.accuracies, is_beyond)


def _compared(rows: Mapping[Place, Sequence[Row]], compare: Callable[[Row, Row], Answer]) -> dict[Where, Compared]:
    first, *others = STUDYS
    found: dict[Where, Compared] = {}
    for machine, model, platform in rows:
        if model == first and all((machine, other, platform) in rows for other in others):
            ours = rows[machine, first, platform]
            pairs = [pair for other in others for pair in _pairs(ours, rows[machine, other, platform])]
            of = [row for pair in pairs for row in pair]
            found[machine, platform] = Compared([compare(*pair) for pair in pairs], of)
    return found


def _pairs(ours: Sequence[Row], theirs: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Return what is held against each other: what one run measured, and where no run has both, all."""
    pairs = [(our, their) for our in ours for their in theirs]
    return [(our, their) for our, their in pairs if our.run is their.run] or pairs


def _sentences(evidence: Evidence, unscored: Sequence[Where]) -> Iterator[str]:
    scored = [row for rows in evidence.accuracies.values() for row in rows]
    for model in STUDYS:
        rows = [row for row in scored if row.model == model]
        shares = [binomial(row) for row in rows]
        if shares:
            told = words.spread((share.value for share in shares), lambda value: f"{value:.2f}")
            error = max((share.high - share.low) / 2 for share in shares)
            platforms = len({(row.machine, row.platform) for row in rows})
            where = f"on {platforms} platforms, within {error:.2f} by the binomial error"
            yield f"`{model}` answers {told} % right {where}."
    if unscored:
        names = ", ".join(f"`{platform}` ({machine})" for machine, platform in unscored)
        yield f"Timed and not scored with all three networks: {names}."


def _table(asked: Mapping[Where, None], slower: Mapping[Where, Compared], better: Mapping[Where, Compared]) -> str:
    def cell(found: Compared | None) -> str:
        return found.cell if found else "not measured"

    body = [[f"`{place[1]}`", place[0], cell(slower.get(place)), cell(better.get(place))] for place in asked]
    return table(["platform", "machine", "the slowest?", "the most accurate?"], body, words=4)


SLOWEST = Claim(
    "slowest",
    "ResNet-20 is the slowest and the most accurate network on every platform",
    "On each platform ResNet-20 is held against ResNet-14 and ResNet-8. It is slower where its interval lies above the "
    "other's, and more accurate where its right answers on the 10,000 test images are more by more than the binomial "
    "error of both (95 %); where they do not tell apart, the case is open. Where "
    "one run has both, it is held against itself alone. Confirmed where all cases say yes, refuted "
    "where all say no, qualified else, and where either is not measured at all.",
    "CIFAR100_DIR=DIR tox run -e accuracy",
    judge,
)
