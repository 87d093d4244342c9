"""The runs of the suite that a decision is made of, each for as little as it needs."""

import argparse
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.decide.measured import NEARBY, Model
from benchmarks.decide.sides import IN_WORKER, classes
from benchmarks.decide.suite import Asked, each
from models import NETWORKS, manifest
from models.own import name_of

SERVERS = ("remote-cpu", "remote-cpu-uint8")
CLIENTS = ("chromium-wasm", "chromium-webnn")
# What is measured unless something else is asked for: the best trained model, and timing networks where they are made.
TIMED = ("mobilenet-v2", "resnet50")
USUAL = ("--batch-size", "1", "--benchmark-max-time=0.5")
FEW = "--benchmark-min-rounds=3"  # openings: of a large network one takes seconds
STARTS = ("--starts", "3")  # of a weaker client: to open a large network there takes ten seconds
SHORT = (*STARTS, FEW)  # what is held against a prediction needs no narrow interval
THREADS = re.compile(r"-(\d+)t$")  # behind a platform that has several, which the suite's own option asks for


def name_of_client(platform: str) -> str:
    """Return the suite's name for a client that results call ``chromium-wasm-2t@worker``."""
    return THREADS.sub("", platform.removesuffix(IN_WORKER))


def clients_words(platforms: Collection[str]) -> list[str]:
    """Return the suite's words for clients as results call them, all of a page's main thread or all of workers."""
    in_worker = any(platform.endswith(IN_WORKER) for platform in platforms)
    names = dict.fromkeys(map(name_of_client, platforms))
    numbers = dict.fromkeys(map(_threads, platforms))
    threads = each("--threads", numbers) if {*numbers} != {"1"} else []
    return [*each("--platform", names), *threads, *(["--where", "worker"] if in_worker else [])]


def _threads(platform: str) -> str:
    found = THREADS.search(platform.removesuffix(IN_WORKER))
    return found[1] if found else "1"


def basis(options: argparse.Namespace, suites: Sequence[str]) -> list[Asked]:
    """Return the runs that tell both sides' own times, without a network.

    Memory is told by the openings that load and first inference are told by, and so costs nothing.
    """
    models = each("--model", options.model or default_models())
    clients = [*each("--platform", options.client or CLIENTS), *_where(options)]
    asked = [name for name in options.server if name.startswith("remote-")]
    timed = each("--platform", dict.fromkeys(["server-cpu", *(one for one in options.server if one not in asked)]))
    # Whether a file of one's own takes pixels nobody knows beforehand; who does names remote-cpu-uint8.
    only_files = bool(options.model) and all(Path(word).is_file() for word in options.model)
    servers = each("--platform", asked or (SERVERS[:1] if only_files else SERVERS))
    common = [*models, *USUAL, *suites]
    nearby = ["--network", f"rtt={NEARBY * 1e3:g}ms"]
    return [
        Asked("later", ["-m", "latency", *timed, *clients, *common]),
        Asked("server", ["-m", "latency or first_inference", *servers, *nearby, *common]),
        Asked("first", ["-m", "load or first_inference or memory", *clients, *_budget(options), FEW, *common]),
    ]


def _where(options: argparse.Namespace) -> list[str]:
    return ["--where", options.where] if options.where else []


def _budget(options: argparse.Namespace) -> list[str]:
    return ["--memory-budget", f"{options.memory_budget}B"] if options.memory_budget else []


def freezing(models: Sequence[Model], options: argparse.Namespace, suites: Sequence[str]) -> list[Asked]:
    """Return the runs that tell whether pages freeze: each model on the platform that answers it first, or on all.

    It is told of the client that a sentence names. Of each other one it takes as long, and decides nothing.
    """
    if not _asks_for_freezing(options):
        return []
    if options.blocking:
        clients = [*each("--platform", options.client or CLIENTS), *_where(options)]
        planned = {"blocking": (clients, [as_asked(options.model, model.name) for model in models])}
    else:
        planned = {
            f"blocking-{name}": (["--platform", name, *_where(options)], names)
            for name, names in _answering(models, options).items()
        }
    return [
        Asked(name, ["-m", "blocking", *clients, *each("--model", names), *USUAL, *STARTS, *suites])
        for name, (clients, names) in planned.items()
        if names
    ]


def weaker(
    models: Sequence[Model], options: argparse.Namespace, slowdowns: Sequence[int], suites: Sequence[str]
) -> list[Asked]:
    """Return the runs of weaker clients, each model on the platform that answers it first on this machine.

    On one that is several times as slow a large model takes minutes.
    """
    phases = "latency or blocking" if _asks_for_freezing(options) else "latency"
    common = [*_where(options), *each("--slowdown", slowdowns), *USUAL, *STARTS, *suites]
    return [
        Asked(f"weak-{name}", ["-m", phases, "--platform", name, *each("--model", names), *common])
        for name, names in _answering(models, options).items()
    ]


def _asks_for_freezing(options: argparse.Namespace) -> bool:
    """Whether it is measured if pages freeze: not for a check, which holds no prediction to it, and takes long."""
    return bool(options.blocking or not options.check)


def _answering(models: Sequence[Model], options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the platforms that answer first on this machine, each with the models that it does so for, as asked."""
    found: dict[str, list[str]] = {}
    for model in models:
        for clients in classes(model, options.client)[:1]:
            found.setdefault(name_of_client(clients.answering.platform), []).append(as_asked(options.model, model.name))
    return found


def default_models() -> list[str]:
    """Return the best trained model, and the timing networks that are there."""
    made = manifest.rows(manifest.UNTRAINED)
    return [*manifest.chosen()[:1], *(name for name in TIMED if name in NETWORKS and name in made)]


def is_of(word: str, name: str) -> bool:
    """Whether a model's name in results is that of what was asked for: of a file, with what it was fed behind it."""
    if not Path(word).is_file():
        return word == name
    of_file = name_of(Path(word))
    return name == of_file or name.startswith(f"{of_file}.")


def as_asked(words: Sequence[str], name: str) -> str:
    """Return the word of the command line that a model was asked for by; the name where it was not."""
    return next((word for word in words if is_of(word, name)), name)
