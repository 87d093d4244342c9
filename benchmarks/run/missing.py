"""What cannot run: skipped with the reason in a sweep, a failure with the same reason if it was asked for by name."""

from collections.abc import Generator

import pytest

from benchmarks.protocol import UnavailableError
from benchmarks.run.choices import PHASES, Target


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """See to what is found missing while a case is prepared and opened."""
    return (yield from _told_apart(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """See to what is found missing only when a case runs."""
    return (yield from _told_apart(item))


def _told_apart(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except UnavailableError as error:
        if not any(marker.name in PHASES for marker in item.iter_markers()):  # not a benchmark, but a test of one
            raise
        label = item.callspec.params["platform"]  # type: ignore[attr-defined]  # parametrised by conftest.py
        asked_for = Target.of(label).platform in (item.config.getoption("platform") or ())
        pytest.fail(str(error), pytrace=False) if asked_for else pytest.skip(str(error))
