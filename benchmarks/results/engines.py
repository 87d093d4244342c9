"""Pages held against each other by way of the server that each took turns with: a ratio of ratios."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measuring.ratio import Ratio, over
from benchmarks.measuring.starts import Figure
from benchmarks.results import devices
from benchmarks.results.numbers import is_time
from benchmarks.results.tidy import Mark, Row
from browser_harness.about import system_of

ENGINES = re.compile(r"(?:chromium|firefox|webkit)-")  # before a runtime in a page, in a platform's name
CHROMIUM = "chromium-"


def runtime_of(row: Row) -> str:
    """Return what ran: ``server-cpu``; of a page the runtime in it, whatever the engine: ``wasm``."""
    return ENGINES.sub("", str(row.platform), count=1)


def in_turns(rows: Sequence[Row]) -> list[Row]:
    """Return the pages among *rows* that took turns with ``server-cpu``."""
    return [row for row in rows if row.side == "client" and row.ratio and is_time(row.ratio.value)]


def ratio_of(row: Row) -> Ratio:
    """Return the ratio of a page that has one."""
    assert row.ratio is not None
    return row.ratio


def server_of(row: Row) -> str:
    """Return whose ``server-cpu`` a page took turns with."""
    return row.served_by or row.machine


def is_chromium(row: Row) -> bool:
    """Whether it is a page of Chromium's."""
    return str(row.platform).startswith(CHROMIUM)


@dataclass(frozen=True)
class OverChromium:
    """A page of another engine over one of Chromium."""

    row: Row
    chromium: Row

    @property
    def factor(self) -> Figure:
        """How many times Chromium's ratio, with the interval of both."""
        return over(ratio_of(self.row), ratio_of(self.chromium))

    @property
    def marks(self) -> list[Mark]:
        """The marks of both."""
        return [*dict.fromkeys([*self.row.marks, *self.chromium.marks])]


def over_chromium(row: Row, others: Sequence[Row]) -> OverChromium | None:
    """Hold a page against Chromium's with the same runtime on the same device, one that joined before a driven one.

    *others* are pages of the same model, batch size and precision. None of Chromium itself, and where none of
    *others* is known to be on its device.
    """
    alike = [one for one in others if is_chromium(one) and _are_comparable(row, one)]
    found = sorted(alike, key=lambda one: one.served_by is None)
    return OverChromium(row, found[0]) if found and not is_chromium(row) else None


def _are_comparable(row: Row, one: Row) -> bool:
    ways: Sequence[Callable[[Row], str]] = (runtime_of, server_of, lambda page: ratio_of(page).statistic)
    return all(way(row) == way(one) for way in ways) and _are_on_one_device(_told(row), _told(one))


@dataclass(frozen=True)
class Told:
    """Where a browser is, as far as it says that."""

    is_here: bool  # connected by the loopback of the machine that served, or driven there
    model: str | None = None
    system: str | None = None


def _told(row: Row) -> Told:
    if not row.served_by:
        return Told(is_here=True)
    about = devices.of_run(row.run.machine)
    return Told(about.get("transport") == "loopback", devices.model_of(about), system_of(about)[0])


def _are_on_one_device(one: Told, other: Told) -> bool:
    """Whether two browsers that one machine served are on one device, as far as is known.

    Both are on the machine that served: connected by its loopback, and naming no models that differ, as a phone at the
    end of a cable would. Or both name the same model and system.
    """
    if one.is_here and other.is_here:
        return len({one.model, other.model} - {None}) < 2
    return one.model is not None and (one.model, one.system) == (other.model, other.system)
