"""Choose and open: parametrisation and fixtures of the benchmarks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from benchmarks.inputs import Fed
from benchmarks.measuring.reference import Question, ask
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Case, Session, UnavailableError
from benchmarks.run import nothing
from benchmarks.run.choices import BASE, Target, phase_of
from benchmarks.run.images import preparation_of
from benchmarks.run.selection import selection_of
from benchmarks.settings import settings_of
from browser_harness.network import LOOPBACK
from models import own
from models.manifest import Artefact

# In any order: where two implement the same hook and one must come first, a marker on the hook says so.
pytest_plugins = (
    "benchmarks.run.ending",
    "benchmarks.run.device",
    "benchmarks.run.options",
    "benchmarks.run.missing",
    "benchmarks.run.refusing",
    "benchmarks.run.identity",
    "benchmarks.run.storage",
    "benchmarks.run.saving",
    "benchmarks.run.journal",
    "benchmarks.run.replay",
    "benchmarks.run.progress",
    "benchmarks.run.terminal",
    "benchmarks.run.compare_fail",
    "benchmarks.run.turns",
    "benchmarks.run.drift",
    "benchmarks.run.measure",
    "benchmarks.run.openings",
    "benchmarks.run.blocking",
    "benchmarks.run.budget",
    "benchmarks.run.load",
    "benchmarks.run.reporting",
    "benchmarks.run.each",
)
pytest.register_assert_rewrite(*pytest_plugins)  # now: some import each other, and pytest warns where that was first


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of every model, platform and batch size, named in words: resnet20-chromium-wasm-b1."""
    names = [name for name in ("model", "platform", "batch_size", "caches") if name in metafunc.fixturenames]
    phase = phase_of(metafunc.definition)
    if phase and {"model", "platform"} <= {*names}:
        metafunc.parametrize(names, [*nothing.parameters(metafunc.config, phase, names)])


@pytest.fixture
def model_file(model: str, request: pytest.FixtureRequest) -> Artefact:
    """The model's file: the manifest's, a stand-in with --build-models, or the user's own, not yet looked into."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
        return selection_of(request.config).model_file(model)


@pytest.fixture
def target(platform: str) -> Target:
    """Where the case runs; *platform* is its label."""
    return Target.of(platform)


@pytest.fixture
def fed(model_file: Artefact, batch_size: int | None, target: Target, request: pytest.FixtureRequest) -> Fed:
    """What the model is fed, given or made up; *batch_size* is None of a graph without a batch."""
    takes, preparation = PLATFORMS[target.platform].takes, preparation_of(request.config)
    return selection_of(request.config).fed(model_file, batch_size, takes, preparation.normalisation)


@pytest.fixture
def case(model_file: Artefact, target: Target, request: pytest.FixtureRequest) -> Case:
    """What the platform is asked to open, where this machine has the platform."""
    if reason := PLATFORMS[target.platform].unavailable(settings_of(request.config)):
        raise UnavailableError(reason)
    given: Fed = request.getfixturevalue("fed")
    return Case(
        model_file,
        given.batch_size or 1,
        target.threads,
        target.where,
        target.slowdown,
        target.network,
        shapes=given.shapes,
        normalisation=given.normalisation,
        picture=given.encoded,
    )


def _open(case: Case, target: Target, request: pytest.FixtureRequest) -> AbstractContextManager[Session]:
    """Open the case on its platform: afresh, to be renewed, where the steady state is timed.

    A file of the user's own always: what it makes a runtime do may take for ever or end it, and is then ended alone.
    """
    platform, is_timed = PLATFORMS[target.platform], not request.config.getoption("benchmark_disable")
    is_renewed = is_timed and not {"measure", "animate"}.isdisjoint(request.fixturenames)
    opens = platform.open_fresh if is_renewed or case.artefact.is_own else platform.open
    return opens(case, settings_of(request.config))


@pytest.fixture
def session(case: Case, target: Target, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The case opened on its platform."""
    with _open(case, target, request) as opened:
        opened.facts  # noqa: B018 (waits until a fresh process has opened it, and raises what speaks against it)
        yield opened


@pytest.fixture
def partner(case: Case, target: Target, request: pytest.FixtureRequest) -> Iterator[Session | None]:
    """The same model and batch on ``server-cpu``, which takes turns with the session; None where it is the session.

    Nor over a network: a connection that rests meanwhile begins slowly again, and a ratio to an inference says little.
    It is asked for before the session, so that its process starts while the page is opened.
    """
    is_alone = request.config.getoption("benchmark_disable") or request.config.getoption("lockstep")
    if target == BASE or is_alone or target.network != LOOPBACK:
        yield None
    else:
        with _open(replace(case, threads=1, where="main", slowdown=1, network=LOOPBACK), BASE, request) as opened:
            yield opened


@pytest.fixture
def session_on_one_thread(
    case: Case, target: Target, session: Session, request: pytest.FixtureRequest
) -> Iterator[Session]:
    """The same case on one thread of the same platform, which takes turns with the session."""
    with _open(replace(case, threads=1), target, request) as opened:
        yield opened


@pytest.fixture
def artefact(model_file: Artefact, session: Session) -> Artefact:
    """The model's file, a file of the user's own checked; by now the platform has refused it where it would."""
    return own.check(model_file) if model_file.is_own else model_file


@pytest.fixture
def question(artefact: Artefact, fed: Fed, target: Target, request: pytest.FixtureRequest) -> Question:
    """What the model is fed, and the reference's answer."""
    several, side = selection_of(request.config).several(artefact), PLATFORMS[target.platform].side
    return ask(artefact, fed, several, settings_of(request.config).timeout, side)
