"""The marks of a chart's lines: what all of them bear stands in the title, and what they mean below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.results.tidy import DOUBT, Mark

LETTERS = 56  # of a line in a chart, as wide letters as those of names are on the whole


def shortened(name: str) -> str:
    """Return a name as it fits into a line: what is left out is in its middle, for the marks stand at its end."""
    half = LETTERS // 2
    return name if len(name) <= LETTERS else f"{name[: half - 1]}…{name[-half:]}"


@dataclass(frozen=True)
class Marked:
    """The marks of a chart: those that all of its lines bear, those of each line, and what they mean."""

    shared: str  # ``untrained``, for the title
    own: Sequence[str]  # behind each line's name
    words: str

    @classmethod
    def of(cls, marks: Sequence[Sequence[Mark]]) -> "Marked":
        """Return the *marks* of each line so divided. A doubt stays with its line: its reasons are the line's own."""
        signs = [[*dict.fromkeys(mark.sign for mark in of_one)] for of_one in marks]
        shared = [sign for sign in (signs[0] if signs else []) if sign != DOUBT and all(sign in one for one in signs)]
        own = [" ".join(sign for sign in one if sign not in shared) for one in signs]
        return cls(", ".join(shared), own, _meaning(mark for of_one in marks for mark in of_one))


def _meaning(marks: Iterable[Mark]) -> str:
    """Say what each mark means; a doubt's reasons are many, and stand in the table."""
    told = dict.fromkeys(
        f"{mark.sign}: {'doubtful, for the reasons in the table' if mark.sign == DOUBT else mark.words}"
        for mark in marks
    )
    return f"{'. '.join(told)}." if told else ""
