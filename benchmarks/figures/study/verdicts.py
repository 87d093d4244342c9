"""A claim, the rule that it is judged by, and the verdict that this gives."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.decide.spans import Span
from benchmarks.figures.study.evidence import Evidence

Word = Literal["confirmed", "qualified", "refuted", "not measured"]
Answer = Literal["yes", "no", "open"]  # of one case; open where its interval does not tell


@dataclass(frozen=True)
class Verdict:
    """What the runs make of a claim."""

    word: Word
    short: str  # why, in a line
    sentences: Sequence[str] = ()
    table: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of the study."""

    anchor: str
    words: str  # the claim
    rule: str  # by which the verdict follows from the figures, in words
    command: str  # that measures what it needs
    judge: Callable[[Evidence], Verdict | None]  # None where nothing was measured

    def measure(self, evidence: Evidence) -> Verdict:
        """Return the verdict."""
        return self.judge(evidence) or Verdict("not measured", f"`{self.command}` measures it")


def at_least(span: Span, mark: float) -> Answer:
    """Return whether a figure reaches a mark: with its whole interval, or with none of it."""
    return "yes" if span.low >= mark else "no" if span.high < mark else "open"


def is_above(one: Span, other: Span) -> Answer:
    """Return whether a figure is above another; open where the intervals overlap."""
    below = other.is_below(one)
    return "open" if below is None else "yes" if below else "no"


def altogether(answers: Iterable[Answer]) -> Word:
    """Return confirmed where each case says yes, refuted where each says no, and qualified else."""
    said = set(answers)
    if not said:
        return "not measured"
    return "confirmed" if said == {"yes"} else "refuted" if said == {"no"} else "qualified"


def together(answers: Iterable[Answer]) -> str:
    """Return what several cases say in a cell of a table."""
    said = {*answers}
    return " / ".join(answer for answer in ("yes", "open", "no") if answer in said)


def quotient(one: Span, other: Span) -> Span:
    """Return a ratio of two figures, by the ends that lie farthest apart."""
    return Span(one.value / other.value, one.low / other.high, one.high / other.low if other.low else float("inf"))
