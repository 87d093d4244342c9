"""Choose and open: options, parametrisation and fixtures of the benchmarks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import choices
from benchmarks.inputs import seeded_feeds
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Session
from benchmarks.reference import Question, reference, tolerance_of
from benchmarks.settings import positive, settings_of
from models import own
from models.manifest import Artefact

pytest_plugins = ("benchmarks.identity", "benchmarks.report", "benchmarks.replay")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of cases, and what the platforms and models need to be told."""
    group = parser.getgroup("client or server")
    group.addoption(
        "--model",
        action="append",
        type=choices.model,
        metavar="NAME|FILE",
        help="measure this model, or any ONNX file (repeatable; default: the chosen three)",
    )
    group.addoption(
        "--platform", action="append", choices=[*PLATFORMS], help="measure on this platform (repeatable; default: all)"
    )
    group.addoption("--batch-size", action="append", type=positive(int), metavar="N", help="default: 1 and 8")
    group.addoption(
        "--dim", action="append", type=choices.dim, metavar="NAME=N", help="length of an ONNX file's free dimension"
    )
    group.addoption("--browser-path", type=Path, metavar="FILE", help="the Chrome or Chromium to use")
    group.addoption(
        "--inference-timeout",
        type=positive(float),
        default=60.0,
        metavar="SECONDS",
        help="for one call into a page (default: 60)",
    )
    group.addoption("--build-models", action="store_true", help="train a short stand-in where a model's file is absent")
    group.addoption(
        "--data-dir",
        type=Path,
        default=os.environ.get("CIFAR100_DIR") or None,
        help="holds cifar-100-binary/, for the accuracy and --build-models (default: $CIFAR100_DIR)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would measure something else than asked for."""
    if config.getoption("benchmark_only") and config.getoption("dist", "no") != "no":
        raise pytest.UsageError("benchmarks disturb each other under pytest-xdist: leave out -n and --dist to measure")
    if config.getoption("build_models") and config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "two workers would train the same stand-in: leave out -n and --dist with --build-models"
        )
    choices.check(config)
    if config.getoption("benchmark_timer") != "time.perf_counter":
        raise pytest.UsageError("--benchmark-timer has no effect here: each platform is timed by its own clock")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of every model, platform and batch size, named in words: resnet20-chromium-wasm-b1."""
    names = [name for name in ("model", "platform", "batch_size") if name in metafunc.fixturenames]
    if {"model", "platform"} <= {*names}:
        metafunc.parametrize(names, choices.cases(metafunc.config, test_set="test_set" in metafunc.fixturenames))


@pytest.fixture
def file(model: str, request: pytest.FixtureRequest) -> Artefact:
    """The model's file: the manifest's, a stand-in with --build-models, or the user's own, not yet looked into."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
        return choices.artefact(request.config, model)


@pytest.fixture
def session(file: Artefact, platform: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The model opened on the platform; skips a sweep's missing platform, fails one that was asked for by name."""
    settings = settings_of(request.config)
    if reason := PLATFORMS[platform].unavailable(settings):
        asked_for = request.config.getoption("platform") or settings.browser_path
        pytest.fail(reason, pytrace=False) if asked_for else pytest.skip(reason)
    with PLATFORMS[platform].open(file.path, settings) as opened:
        yield opened


@pytest.fixture
def artefact(file: Artefact, session: Session) -> Artefact:
    """The file and what is known of it, once the platform has had its say about a file of the user's own."""
    return own.check(file) if file.is_own else file


@pytest.fixture
def question(artefact: Artefact, batch_size: int, request: pytest.FixtureRequest) -> Question:
    """Seeded inputs and the reference's answer."""
    feeds = seeded_feeds(artefact.path, batch_size, dict(request.config.getoption("dim") or ()))
    return Question(feeds, batch_size, reference(artefact.path, feeds), tolerance_of(artefact))
