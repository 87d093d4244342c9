"""Choose and open: parametrisation and fixtures of the benchmarks."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.measuring.reference import Question, ask
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Case, Session, UnavailableError
from benchmarks.run import choices
from benchmarks.run.choices import BASE, PHASES, Target
from benchmarks.settings import settings_of
from models import own
from models.manifest import Artefact

pytest_plugins = (
    "benchmarks.run.options",
    "benchmarks.run.missing",
    "benchmarks.run.identity",
    "benchmarks.run.storage",
    "benchmarks.run.replay",
    "benchmarks.run.terminal",
    "benchmarks.run.compare_fail",
    "benchmarks.run.turns",
    "benchmarks.run.measure",
    "benchmarks.run.openings",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of every model, platform and batch size, named in words: resnet20-chromium-wasm-b1."""
    names = [name for name in ("model", "platform", "batch_size", "caches") if name in metafunc.fixturenames]
    phases = [mark.name for mark in metafunc.definition.iter_markers() if mark.name in PHASES]
    if {"model", "platform"} <= {*names} and phases:
        metafunc.parametrize(names, choices.cases(metafunc.config, phases[0], names))


@pytest.fixture
def file(model: str, request: pytest.FixtureRequest) -> Artefact:
    """The model's file: the manifest's, a stand-in with --build-models, or the user's own, not yet looked into."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
        return choices.artefact(request.config, model)


@pytest.fixture
def case(file: Artefact, platform: str, batch_size: int, request: pytest.FixtureRequest) -> Case:
    """What the platform is asked to open, where this machine has the platform."""
    target, settings = Target.of(platform), settings_of(request.config)
    if reason := PLATFORMS[target.platform].unavailable(settings):
        raise UnavailableError(reason)
    return Case(file, batch_size, target.threads, target.slowdown)


@pytest.fixture
def session(case: Case, platform: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The case opened on its platform."""
    with PLATFORMS[Target.of(platform).platform].open(case, settings_of(request.config)) as opened:
        yield opened


@pytest.fixture
def partner(case: Case, platform: str, session: Session, request: pytest.FixtureRequest) -> Iterator[Session | None]:
    """The same model and batch on ``server-cpu``, which takes turns with the session; None where it is the session."""
    alone = request.config.getoption("benchmark_disable") or request.config.getoption("lockstep")
    if platform == BASE.label or alone:
        yield None
    else:
        with PLATFORMS[BASE.platform].open(replace(case, threads=1, slowdown=1), settings_of(request.config)) as opened:
            yield opened


@pytest.fixture
def one_thread(case: Case, platform: str, session: Session, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The same case on one thread of the same platform."""
    with PLATFORMS[Target.of(platform).platform].open(replace(case, threads=1), settings_of(request.config)) as opened:
        yield opened


@pytest.fixture
def artefact(file: Artefact, session: Session) -> Artefact:
    """The file and what is known of it, once the platform has had its say about a file of the user's own."""
    return own.check(file) if file.is_own else file


@pytest.fixture
def question(case: Case, artefact: Artefact, request: pytest.FixtureRequest) -> Question:
    """Seeded inputs and the reference's answer."""
    return ask(artefact, case.batch_size, dict(request.config.getoption("dim") or ()))
