"""What cannot run: skipped with the reason in a sweep, a failure with the same reason if it was asked for by name."""

from collections.abc import Generator

import pytest

from benchmarks.protocol import UnavailableError
from benchmarks.run.choices import Target, phase_of
from benchmarks.run.selection import selection_of
from models.names import shown


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Skip or fail for what turns out to be missing while a case is prepared and opened."""
    return (yield from _skip_or_fail(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Skip or fail for what turns out to be missing only when a case runs."""
    return (yield from _skip_or_fail(item))


def _skip_or_fail(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except UnavailableError as error:
        if phase_of(item) is None:  # not a benchmark, but a test of one
            raise
        target = Target.of(item.callspec.params["platform"])  # type: ignore[attr-defined]  # parametrised by conftest.py
        is_asked_for = target.platform in selection_of(item.config).platforms
        failed, skipped, words = pytest.fail.Exception, pytest.skip.Exception, shown(" ".join(str(error).split()))
        # From None: the error has the same words, and they would be told twice.
        raise (failed(words, pytrace=False) if is_asked_for else skipped(words)) from None
