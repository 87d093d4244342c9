"""How the machine moved during the run: known at its end only, and then in every interval of the steady state."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.measuring.drift import Visit, drift, widen
from benchmarks.results import keys
from benchmarks.settings import settings_of

REFERENCE = f"{keys.RATIO_TO}server_cpu"
STATES = pytest.StashKey["States"]()


@dataclass
class States:
    """What was seen of the machine's states, and the results whose intervals are to know of them."""

    visits: list[Visit] = field(default_factory=list)
    infos: list[dict[str, Any]] = field(default_factory=list)  # extra_info

    def into_intervals(self, *, of_device: bool = False) -> None:
        """Widen all intervals by what was seen of all states; of a device the ratios', whose other half is ours."""
        if not (seen := drift(self.visits)):
            return
        for info in self.infos:
            (info.setdefault(keys.SERVING, {}) if of_device else info)[keys.DRIFT] = seen.to_json()
            # Not of a ratio to the same platform on one thread: both sides are in the same state, and alike.
            ratios = [info[REFERENCE]] if REFERENCE in info else []
            figures = [] if of_device else info.get(keys.FIGURES, {}).values()
            for figure in [*figures, *ratios]:
                widen(figure, seen)


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing seen."""
    config.stash[STATES] = States()


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-benchmark's, which saves
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Put it into the intervals before they are saved and shown."""
    is_of_device = settings_of(session.config).device is not None
    session.config.stash[STATES].into_intervals(of_device=is_of_device)
    return (yield)
