"""ResNet-20 is the slowest and the most accurate network on every platform."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import STUDYS, Evidence
from benchmarks.figures.study.verdicts import Answer, Claim, Verdict, altogether, is_above, together
from benchmarks.figures.tables import table
from benchmarks.measuring.shares import interval
from benchmarks.results import Row, keys

Place = tuple[str, str]  # machine and platform


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
    said = [answer for of in (slower, better) for answers in of.values() for answer in answers]
    unscored = [place for place in asked if place not in better]
    word = altogether(said) if slower and better else "qualified"
    slow, accurate = (sum(set(answers) == {"yes"} for answers in of.values()) for of in (slower, better))
    scores = f"the most accurate on {accurate} of {len(better)} that were scored" if better else "accuracy not measured"
    short = f"the slowest on {slow} of {len(slower)} platforms, {scores}"
    return Verdict(word, short, [*_sentences(evidence, unscored)], _table(asked, slower, better))


def _times(evidence: Evidence) -> dict[Place, list[Answer]]:
    """Return of each platform whether the first network takes longer than each of the others."""
    rows: dict[tuple[str, str, str], Row] = {}
    for row in evidence.single:
        rows.setdefault((row.machine, str(row.model), str(row.platform)), row)
    return _compared(rows, is_slower)


def _scores(evidence: Evidence) -> dict[Place, list[Answer]]:
    return _compared(evidence.accuracies, is_beyond)


def _compared(
    rows: Mapping[tuple[str, str, str], Row], compare: Callable[[Row, Row], Answer]
) -> dict[Place, list[Answer]]:
    first, *others = STUDYS
    found: dict[Place, list[Answer]] = {}
    for (machine, model, platform), row in rows.items():
        if model == first and all((machine, other, platform) in rows for other in others):
            found[machine, platform] = [compare(row, rows[machine, other, platform]) for other in others]
    return found


def _sentences(evidence: Evidence, unscored: Sequence[Place]) -> Iterator[str]:
    scored = [*evidence.accuracies.values()]
    for model in STUDYS:
        shares = [binomial(row) for row in scored if row.model == model]
        if shares:
            told = words.spread((share.value for share in shares), lambda value: f"{value:.2f}")
            error = max((share.high - share.low) / 2 for share in shares)
            where = f"on {len(shares)} platforms, within {error:.2f} by the binomial error"
            yield f"`{model}` answers {told} % right {where}."
    if unscored:
        names = ", ".join(f"`{platform}` ({machine})" for machine, platform in unscored)
        yield f"Timed and not scored with all three networks: {names}."


def _table(
    asked: Mapping[Place, None], slower: Mapping[Place, list[Answer]], better: Mapping[Place, list[Answer]]
) -> str:
    def cell(answers: list[Answer] | None) -> str:
        return together(answers) if answers else "not measured"

    body = [[f"`{place[1]}`", place[0], cell(slower.get(place)), cell(better.get(place))] for place in asked]
    return table(["platform", "machine", "the slowest?", "the most accurate?"], body, words=4)


SLOWEST = Claim(
    "slowest",
    "ResNet-20 is the slowest and the most accurate network on every platform",
    "On each platform ResNet-20 is held against ResNet-14 and ResNet-8. It is slower where its interval lies above the "
    "other's, and more accurate where its right answers on the 10,000 test images are more by more than the binomial "
    "error of both (95 %); where they do not tell apart, the case is open. Confirmed where all cases say yes, refuted "
    "where all say no, qualified else, and where either is not measured at all.",
    "CIFAR100_DIR=DIR tox run -e accuracy",
    judge,
)
