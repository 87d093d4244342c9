"""Choose and open: options, parametrisation and fixtures of the benchmarks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Batch, Session
from benchmarks.reference import seeded_batch
from benchmarks.settings import positive, settings_of
from models import MODELS, manifest, stand_in
from models.manifest import Artefact

pytest_plugins = ("benchmarks.identity", "benchmarks.report", "benchmarks.replay")

BATCH_SIZES = (1, 8)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of cases, and what the platforms and models need to be told."""
    group = parser.getgroup("client or server")
    group.addoption("--model", action="append", choices=[*MODELS], help="measure this model (repeatable; default: all)")
    group.addoption(
        "--platform", action="append", choices=[*PLATFORMS], help="measure on this platform (repeatable; default: all)"
    )
    group.addoption("--batch-size", action="append", type=positive(int), metavar="N", help="default: 1 and 8")
    group.addoption("--browser-path", type=Path, metavar="FILE", help="the Chrome or Chromium to use")
    group.addoption(
        "--inference-timeout",
        type=positive(float),
        default=60.0,
        metavar="SECONDS",
        help="for one call into a page (default: 60)",
    )
    group.addoption("--build-models", action="store_true", help="train a short stand-in where a model's file is absent")
    group.addoption("--data-dir", type=Path, default=os.environ.get("CIFAR100_DIR") or None, help="for --build-models")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would measure something else than asked for."""
    if config.getoption("benchmark_only") and config.getoption("dist", "no") != "no":
        raise pytest.UsageError("benchmarks disturb each other under pytest-xdist: leave out -n and --dist to measure")
    if config.getoption("benchmark_timer") != "time.perf_counter":
        raise pytest.UsageError("--benchmark-timer has no effect here: each platform is timed by its own clock")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of every model, platform and batch size, named in words: resnet20-chromium-wasm-b1."""
    if {"model", "platform", "batch_size"} <= set(metafunc.fixturenames):
        chosen = metafunc.config.getoption
        cases = [
            pytest.param(model, platform, size, id=f"{_label(model, chosen('build_models'))}-{platform}-b{size}")
            for model in dict.fromkeys(chosen("model") or MODELS)
            for platform in dict.fromkeys(chosen("platform") or PLATFORMS)
            for size in dict.fromkeys(chosen("batch_size") or BATCH_SIZES)
        ]
        metafunc.parametrize(("model", "platform", "batch_size"), cases)


def _label(model: str, build: bool) -> str:
    return f"{model}.stand-in" if build and manifest.is_absent(model) else model


@pytest.fixture
def artefact(model: str, request: pytest.FixtureRequest) -> Artefact:
    """The model's checked file; with --build-models a stand-in where it is absent."""
    if not request.config.getoption("build_models"):
        return manifest.load(model)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
        return stand_in.load_or_build(model, request.config.getoption("data_dir"))


@pytest.fixture
def batch(batch_size: int) -> Batch:
    """The seeded images that every platform is given."""
    return seeded_batch(batch_size)


@pytest.fixture
def session(artefact: Artefact, platform: str, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The model opened on the platform; skips a sweep's missing platform, fails one that was asked for by name."""
    settings = settings_of(request.config)
    if reason := PLATFORMS[platform].unavailable(settings):
        asked_for = request.config.getoption("platform") or settings.browser_path
        pytest.fail(reason, pytrace=False) if asked_for else pytest.skip(reason)
    with PLATFORMS[platform].open(artefact.path, settings) as opened:
        yield opened
