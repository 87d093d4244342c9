"""What a point of the chart is: a model where it is fastest, how often it is right, and who says so."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring.shares import interval
from benchmarks.report.rows.groups import is_ours, meaning, model_of
from benchmarks.results import Row, keys, numbers

OF_IMAGES = 10_000  # test images that the manifest's accuracies are of
WEAKER = re.compile(r"(@\d+x)?(-over-.+)?$")  # what follows a platform's name where client or network are slower


@dataclass(frozen=True)
class Share:
    """How often a model is right, in per cent, and who says so."""

    top1: float
    images: int
    who: str

    @property
    def ends(self) -> tuple[float, float]:
        """The 95 % interval, in per cent."""
        low, high = interval(self.top1 / 100, self.images)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class Point:
    """A model on the platform where it is fastest."""

    row: Row
    share: Share
    file: str = ""  # behind its name, where another file goes by that

    @property
    def cost(self) -> tuple[float, float]:
        """Its latency in seconds, and its accuracy."""
        return self.row.figure.value, self.share.top1

    @property
    def name(self) -> str:
        """Its name in the chart."""
        return f"{self.model}{f' {self.row.signs}' if self.row.signs else ''}"

    @property
    def model(self) -> str:
        """The model's name, with its file where another goes by that."""
        return f"{model_of(self.row)}{self.file}"


class Shares:
    """How often the models are right: as measured where there is that, else as the manifest has it."""

    def __init__(self, measured: Sequence[Row]) -> None:
        """Read the accuracies that were measured; of several of a platform the last counts."""
        self._measured = sorted(filter(is_ours, measured), key=lambda row: row.run.saved)

    def of(self, row: Row) -> Share | None:
        """Return how often a row's model is right; None where nobody trained it, or nobody knows."""
        if without(row):
            return None
        return self._as_measured(row) or self._as_told(row)

    def _as_measured(self, row: Row) -> Share | None:
        """Return what was measured on a machine of the same file: there, else of an own file anywhere."""
        alike = [one for one in self._measured if one.machine == row.machine and one.sha256 == row.sha256]
        here = [one for one in alike if base(one) == base(row)]
        of_any = alike if row.result.info.get(keys.TOP1) is None else []
        return next((share for one in reversed(here or of_any) if (share := _measured(one))), None)

    @staticmethod
    def _as_told(row: Row) -> Share | None:
        top1 = _percent(row.result.info)
        return None if top1 is None else Share(top1, OF_IMAGES, "as the models' manifest tells")


def measured_of(rows: Sequence[Row]) -> list[list[str]]:
    """Return the accuracies that were measured as cells of a table."""
    return [_cells(row, share) for row in rows if is_ours(row) and (share := _measured(row))]


def _measured(row: Row) -> Share | None:
    top1 = _percent(row.result.info)
    images = int(row.result.info.get("images") or OF_IMAGES)
    return None if top1 is None else Share(top1, images, f"measured on {row.platform} by -m accuracy")


def _cells(row: Row, share: Share) -> list[str]:
    top5 = row.result.info.get(keys.TOP5)
    return [
        model_of(row),
        row.precision or numbers.NONE,
        str(row.platform),
        row.machine,
        f"{share.top1:.2f}",
        "{:.2f} to {:.2f}".format(*share.ends),
        f"{top5:.2f}" if isinstance(top5, int | float) else numbers.NONE,
        f"{share.images:,}",
        row.run.file.name,
        meaning(row.marks),
    ]


def without(row: Row) -> str:
    """Return why a row's model has no accuracy; nothing where it may have one."""
    if row.result.is_untrained:
        return "nobody trained it"
    return "a stand-in, trained shortly" if row.result.is_stand_in else ""


def _percent(info: Mapping[str, Any]) -> float | None:
    top1 = info.get(keys.TOP1)
    return float(top1) if isinstance(top1, int | float) and 0 <= top1 <= 100 else None


def base(row: Row) -> str:
    """Return the platform without what makes it slower and answers no other."""
    return WEAKER.sub("", str(row.platform))
