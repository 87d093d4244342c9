"""The command line's options, and the refusal of what would measure something else than asked for."""

import argparse
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clients import CLIENTS, SLOWDOWNS, client, slowdown
from benchmarks.measuring.reference import PRECISIONS
from benchmarks.measuring.sampler import STARTS
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS
from benchmarks.protocol import WHERES
from benchmarks.remote import RemoteError, origin_of
from benchmarks.run import choices, each, images
from benchmarks.run.selection import selection_of
from benchmarks.settings import positive, settings_of
from browser_harness.joined.found import ENGINES, missing
from browser_harness.network import PROFILES
from models.names import shown


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of cases, and what the platforms and models need to be told."""
    group = parser.getgroup("client or server")
    _add_choices(group)
    words = "the Chrome or Chromium to use; beside --browser the program of that"
    group.addoption("--browser-path", type=Path, metavar="FILE", help=words)
    group.addoption(
        "--allow-software-gpu",
        action="store_true",
        help="time a GPU that is simulated on the processor, labelled, instead of refusing it",
    )
    group.addoption(
        "--inference-timeout",
        type=positive(float),
        default=60.0,
        metavar="SECONDS",
        help="for a call into a page or process, and for opening a model there; PyTorch's compiler has ten times that "
        "(default: 60)",
    )
    group.addoption(
        "--device-patience",
        type=positive(float),
        default=600.0,
        metavar="SECONDS",
        help="in which a device that joined by a link may come back, if it leaves or hides its page (default: 600)",
    )
    group.addoption(
        "--server-url",
        metavar="URL",
        help="a server of the Open Inference Protocol v2, for --platform remote-url; credentials in "
        "$CLIENT_OR_SERVER_TOKEN",
    )
    group.addoption("--server-model", metavar="NAME", help="the model's name on --server-url (default: its own)")
    group.addoption(
        "--starts",
        type=positive(int),
        default=STARTS,
        metavar="N",
        help="fresh pages or processes that a benchmark of the steady state draws from (default: %(default)s)",
    )
    group.addoption("--build-models", action="store_true", help="train a short stand-in where a model's file is absent")
    group.addoption(
        "--data-dir",
        type=Path,
        default=os.environ.get("CIFAR100_DIR") or None,
        help="holds cifar-100-binary/, for the accuracy and --build-models (default: $CIFAR100_DIR); "
        "for the accuracy of an ONNX file also a folder for each class of images",
    )
    images.add_options(group)


def _add_choices(group: Any) -> None:
    """Add what can be chosen among; each option can be repeated."""

    def add(name: str, kind: Any, metavar: str, words: str) -> None:
        group.addoption(name, action="append", type=kind, metavar=metavar, help=f"{words} (repeatable)")

    add("--model", choices.model, "NAME|FILE", "a model, or any ONNX file; default: the chosen three, or the best")
    known = f"default: {', '.join(DEFAULT_SWEEP)}; known: {', '.join(PLATFORMS)}, {choices.ALL}"
    add("--platform", choices.platform, "NAME", known)
    words = f"the default's clients in that browser, which is started here: {', '.join(ENGINES)}"
    add("--browser", choices.browser, "NAME", words)
    add("--batch-size", positive(int), "N", "default: 1 and 8")
    add("--precision", choices.precision, "NAME", f"of the catalogue's models: {', '.join(PRECISIONS)}, all")
    add("--threads", choices.threads, "N|all", "where a platform can take several; default: 1")
    add("--slowdown", slowdown, "N", f"clients so many times weaker: {', '.join(map(str, SLOWDOWNS))}")
    words = f"the same by the field's name, a factor of JavaScript: {', '.join(CLIENTS)}"
    add("--client", client, "NAME", words)
    group.addoption(
        "--where",
        choices=(*WHERES, choices.ALL),
        help="the thread of a page that a client computes in: its main one, as is usual, or a dedicated worker's",
    )
    words = f"between a page and its servers: {', '.join(PROFILES)}, or rtt=60ms,down=10mbit,up=1mbit"
    add("--network", choices.network, "NAME|rtt=…", words)
    add("--dim", choices.dim, "NAME=N", "length of an ONNX file's free dimension, by its name or INPUT:AXIS")
    add("--batch-axis", choices.batch_axis, "INPUT:AXIS", "where an ONNX file's batch stands, if not told by its name")
    words = "what an ONNX file is fed: arrays by the input's name, or a picture, several files for several cases; or a "
    words += "value. A picture is fed to the catalogue's models, too, normalised as --mean and --std say of others"
    add("--input", choices.given_input, "FILE.npz|FILE.jpg|NAME=VALUE", words)
    if not _has_codspeed():  # it is refused in our words, there or not
        group.addoption("--codspeed", action="store_true", help=argparse.SUPPRESS)
    group.addoption("--full", action="store_true", help="sweep over all that there is (tox run -e bench-full)")


def _has_codspeed() -> bool:
    return importlib.util.find_spec("pytest_codspeed") is not None


def pytest_configure(config: pytest.Config) -> None:
    """Name the phases; refuse what would measure something else than asked for."""
    for name, phase in choices.PHASES.items():
        config.addinivalue_line("markers", f"{name}: {phase.words}")
    if fault := next(faults(config), None):
        raise pytest.UsageError(shown(fault))  # which may name what the graph does


def _faults_of_server(config: pytest.Config) -> Iterator[str]:
    """Yield why no server can be reached so, and that one is named which nobody asks."""
    given = [name for name in ("server_url", "server_model") if config.getoption(name) is not None]
    chosen = [PLATFORMS[name] for name in selection_of(config).platforms if name in PLATFORMS]
    if given and not any(getattr(platform, "is_elsewhere", False) for platform in chosen):
        yield f"--{given[0].replace('_', '-')} has no effect: it is of --platform remote-url, which is not chosen"
    if "server_url" in given:
        try:
            origin_of(config.getoption("server_url"))
        except RemoteError as error:
            yield str(error)


def _faults_of_browsers(config: pytest.Config) -> Iterator[str]:
    """Yield which browser was asked for and is not here, or asked for in two ways."""
    browsers, path, settings = config.getoption("browser") or [], config.getoption("browser_path"), settings_of(config)
    if path and len({*browsers}) > 1:
        yield f"--browser-path {path} is one program: leave out all --browser but its own"
    for browser in browsers or (["chromium"] if path else []):
        if reason := missing(browser, settings.program(browser)):
            yield f"--browser {browser}: {reason}" if browsers else reason


def faults(config: pytest.Config) -> Iterator[str]:
    """Yield why the options would measure something else than asked for."""
    yield from each.faults(config)
    yield from selection_of(config).faults()
    yield from _faults_of_server(config)
    yield from _faults_of_browsers(config)
    if config.getoption("codspeed") or (_has_codspeed() and "CODSPEED_ENV" in os.environ):
        yield "--codspeed, or CODSPEED_ENV, has CodSpeed time what pytest-benchmark would; leave it out"
    if config.getoption("benchmark_timer") != "time.perf_counter":
        yield "--benchmark-timer has no effect here: each platform is timed by its own clock"
