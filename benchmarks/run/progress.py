"""What a person sees while benchmarks run: each one's figure as it ends, and how long the others will take.

All of it is worked out as a test ends, and written with its figure: nothing wakes up while something is timed.
"""

import statistics
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.run.choices import BASE
from benchmarks.run.replay import HEADLINE, IS_DOUBTFUL, MADE_UP
from benchmarks.run.screen import INDENT, Screen, wide, wrapped
from models.names import shown as printable

# What the tests of several phases share, so that the first of a case makes it and the others take no time.
SHARED = ("opened", "loaded")
# By what cases are alike, the closest first: a platform takes as long for any model, if the time decides.
ALIKE = (("phase", "platform", "model"), ("phase", "platform"), ("phase", "model"), ("phase",), ())
CERTAIN = 2  # so many of ALIKE foretell well
IN_TURNS = 2.5  # times what the base takes alone: it takes turns with the base, and most open a browser as well


@dataclass(frozen=True)
class Case:
    """A test, by what decides how long it takes."""

    phase: str
    model: str = ""
    platform: str = ""
    repeats: bool = False  # reports what another test has made already


@dataclass(frozen=True)
class Done:
    """A case that has ended, after so many seconds."""

    case: Case
    seconds: float
    passed: bool = True


@dataclass(frozen=True)
class Left:
    """How long the rest will take, in seconds."""

    seconds: float
    is_rough: bool = False  # some of it is unlike all that was done
    is_least: bool = False  # some of it is of a phase of which nothing was done

    def __str__(self) -> str:
        kind = "at least " if self.is_least else "about " if self.is_rough else ""
        return f"{kind}{spoken(self.seconds)} left"


def left(done: Sequence[Done], cases: Collection[Case]) -> Left:
    """Return how long *cases* will take, from what those took that were done."""
    expected = [_expected(done, case) for case in cases]
    known = {one.case.phase for one in done if one.passed}
    return Left(
        sum(seconds for seconds, _ in expected),
        any(is_rough for _, is_rough in expected),
        any(case.phase not in known and not case.repeats for case in cases),
    )


def _expected(done: Sequence[Done], case: Case) -> tuple[float, bool]:
    """Return how long a case takes, and whether that is known of cases that are not much like it.

    One that was skipped or failed tells of its own platform alone.
    """
    for number, names in enumerate(ALIKE):
        like = [one for one in done if _is_like(one.case, case, names)]
        if seconds := [one.seconds * _times(one.case, case) for one in like if one.passed or number < CERTAIN]:
            return statistics.fmean(seconds), number >= CERTAIN
    return 0.0, not case.repeats


def _times(one: Case, other: Case) -> float:
    """Return how many times as long another case takes, where one of both is the base's."""
    alone = [case.platform == BASE.label for case in (one, other)]
    return {(True, False): IN_TURNS, (False, True): 1 / IN_TURNS}.get((alone[0], alone[1]), 1.0)


def _is_like(one: Case, other: Case, names: Sequence[str]) -> bool:
    return one.repeats == other.repeats and all(getattr(one, name) == getattr(other, name) for name in names)


def spoken(seconds: float) -> str:
    """Write how long it will take, as exactly as anybody can know it: ``2 min 10 s``."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s" if seconds < 10 else f"{5 * round(seconds / 5)} s"
    if seconds < 600:
        minutes, rest = divmod(10 * round(seconds / 10), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@dataclass
class Progress:
    """What of a run is done, and what is not."""

    cases: dict[str, Case] = field(default_factory=dict)  # those to come, by the test's id
    done: list[Done] = field(default_factory=list)
    began: float = 0.0  # of the test that runs
    number: int = 0  # of tests, done or not

    def end(self, name: str, passed: bool) -> None:
        """Note that a test is over."""
        if case := self.cases.pop(name, None):
            self.done.append(Done(case, time.monotonic() - self.began, passed))

    def left_after(self, name: str) -> Left | None:
        """Return how long the others take, while a test that has measured is being closed; None where none is left."""
        others = [case for other, case in self.cases.items() if other != name]
        if not others or name not in self.cases:
            return None
        return left([*self.done, Done(self.cases[name], time.monotonic() - self.began)], others)


PROGRESS = pytest.StashKey[Progress]()
PASSED = pytest.StashKey[bool]()  # of a test, so far


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing."""
    config.stash[PROGRESS] = Progress()


def pytest_collection_finish(session: pytest.Session) -> None:
    """See what is to be done: what was deselected is not among it."""
    progress = session.config.stash[PROGRESS]
    progress.cases = dict(_cases(session.items))
    progress.number = len(progress.cases)


def _cases(items: Iterable[pytest.Item]) -> Iterator[tuple[str, Case]]:
    """Yield each test's id and case."""
    made = set[Any]()
    for item in items:
        params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        what = [name for name in SHARED if name in getattr(item, "fixturenames", ())]
        key = (*what, *map(str, params.values()))
        phase = getattr(item, "originalname", None) or item.name
        yield (
            item.nodeid,
            Case(phase, str(params.get("model")), str(params.get("platform")), bool(what) and key in made),
        )
        made.add(key)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Time a test, with all that is opened and closed for it."""
    progress = item.config.stash[PROGRESS]
    progress.began = time.monotonic()
    item.stash[PASSED] = True
    try:
        return (yield)
    finally:
        progress.end(item.nodeid, item.stash[PASSED])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test took as long as one does that measures."""
    report = yield
    item.stash[PASSED] = item.stash.get(PASSED, True) and report.passed
    return report


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Show a benchmark's figure instead of PASSED, whether it is unstable, and how long the others will take."""
    properties: dict[str, Any] = dict(report.user_properties) if report.when == "call" and report.passed else {}
    if HEADLINE not in properties:
        return None
    is_doubtful = bool(properties[IS_DOUBTFUL])
    notes = ["unstable"] if is_doubtful else []
    notes += [f"made up: {printable(', '.join(names))}"] if (names := properties.get(MADE_UP)) else []
    words = " ".join([str(properties[HEADLINE]), *(f"({note})" for note in notes)])
    if rest := config.stash[PROGRESS].left_after(report.nodeid):
        words += f", {rest}"
    return "passed", ".", (_fitting(words, config), {"yellow" if is_doubtful else "green": True})


def _fitting(words: str, config: pytest.Config) -> str:
    """Return words for behind a test's name: below it where they would go beyond the screen, count included."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not Screen.of(reporter, config).wraps:
        return words
    writer, count = config.get_terminal_writer(), config.stash[PROGRESS].number
    room = writer.fullwidth - len(f" [{count}/{count}] ")
    if writer.width_of_current_line + wide(words) <= room:
        return words
    return "".join(f"\n{row}" for row in wrapped(f"{' ' * INDENT}{words}", room))
