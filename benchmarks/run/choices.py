"""What the command line chooses: models, platforms, batch sizes, precisions, threads, and the cases they make."""

import argparse
import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from benchmarks.measuring.inputs import fixed_batch
from benchmarks.measuring.reference import PRECISIONS
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS, REFUSED
from models import MODELS, graph, manifest, own, stand_in
from models.graph import Input
from models.manifest import Artefact, ModelError, variant

ALL = "all"
SLOWDOWNS = (2, 4, 6)
NAMES = [*MODELS, *(variant(name, precision) for name in MODELS for precision in PRECISIONS if precision != "float32")]
LABEL = re.compile(r"(?P<platform>.+?)(-(?P<threads>\d+)t)?(@(?P<slowdown>\d+)x)?")


@dataclass(frozen=True)
class Target:
    """Where a case runs: on a platform, on so many threads, on a client so many times weaker than this machine."""

    platform: str
    threads: int = 1
    slowdown: int = 1

    @property
    def label(self) -> str:
        """The name in results: ``chromium-wasm-2t@4x``, without what is 1."""
        threads = f"-{self.threads}t" if self.threads > 1 else ""
        return f"{self.platform}{threads}" + (f"@{self.slowdown}x" if self.slowdown > 1 else "")

    @classmethod
    def of(cls, label: str) -> "Target":
        """Read a label."""
        found = LABEL.fullmatch(label)
        assert found is not None
        return cls(found["platform"], int(found["threads"] or 1), int(found["slowdown"] or 1))


BASE = Target("server-cpu")  # what every other target is held against


@dataclass(frozen=True)
class Phase:
    """What the benchmarks of a phase are swept over, where the command line does not say otherwise."""

    words: str
    models: int | None = 1  # of the chosen, the best first; None: all of them
    batch_sizes: tuple[int, ...] = (1,)
    batch_sizes_in_full: tuple[int, ...] = (1,)
    precisions: tuple[str, ...] = ("float32",)


# By the marker of the module that measures it.
PHASES = {
    "latency": Phase("the steady state", None, (1, 8), (1, 8, 64)),
    "device": Phase("the steady state without copies from and to the host", None, (1, 8), (1, 8, 64)),
    "scaling": Phase("the steady state on several threads", 1, (8,), (8,)),
    "load": Phase("from asking for the runtime to an open session, each time anew"),
    "first_inference": Phase("the first two inferences of a fresh session"),
    "memory": Phase("the most memory that process or renderer held"),
    "energy": Phase("joules an inference, where the machine counts them"),
    # 8 divides the 10,000 test images, and is among the sizes that platforms of fixed shapes have.
    "accuracy": Phase("the whole test set (tox run -e accuracy)", None, (8,), (8,), PRECISIONS),
}


def one_of(kind: str, known: Sequence[str], refused: dict[str, str] | None = None) -> Callable[[str], str]:
    """Return a parser of names that tells the known ones, and why a refused one is refused."""

    def parse(text: str) -> str:
        if text in (*known, ALL):
            return text
        why = f": {refused[text]};" if refused and text in refused else ":"
        raise argparse.ArgumentTypeError(f"unknown {kind} {text!r}{why} choose from {', '.join(known)}, or {ALL}")

    return parse


platform = one_of("platform", [*PLATFORMS], REFUSED)
precision = one_of("precision", PRECISIONS)


def threads(text: str) -> int | str:
    """Read ``--threads``: a number up to the machine's cores, or all."""
    if text == ALL:
        return text
    if not (text.isdecimal() and 1 <= int(text) <= CORES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {CORES}, this machine's cores, nor {ALL}")
    return int(text)


def slowdown(text: str) -> int:
    """Read ``--slowdown``: how many times weaker a client is."""
    if text not in map(str, SLOWDOWNS):
        raise argparse.ArgumentTypeError(f"{text!r} is not among {', '.join(map(str, SLOWDOWNS))}")
    return int(text)


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def model(text: str) -> str | Path:
    """Read ``--model``: a name of the catalogue, with a precision or without, or the path of an ONNX file."""
    if text in NAMES:
        return text
    path = Path(text)
    if path.is_file():
        return path
    if path.suffix == ".onnx" or len(path.parts) > 1:
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    known, behind = ", ".join(MODELS), " or ".join(f".{precision}" for precision in PRECISIONS[1:])
    raise argparse.ArgumentTypeError(
        f"unknown model {text!r}: choose from {known}, with {behind} behind or without, or name an ONNX file"
    )


def dim(text: str) -> tuple[str, int]:
    """Read ``--dim``: the name of a free dimension, or input:axis where it has none, and its length."""
    name, equals, length = text.rpartition("=")
    if not (name and equals and length.isdecimal() and int(length) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N with N above zero, such as sequence=128")
    return name, int(length)


def check(config: pytest.Config) -> None:
    """Raise UsageError for what could not be told apart, and for what would have no effect."""
    own_files = _own_files(config)
    for path in _paths(config):
        if path.name in NAMES or not path.samefile(own_files[path.name]):
            raise pytest.UsageError(
                f"--model: more than one model is called {path.name}; results go by the file's name, rename the file"
            )
    dims = [name for name, _ in config.getoption("dim") or ()]
    free = {name for path in own_files.values() for name in graph.free_dimensions(_inputs(path))}
    if unknown := [name for name in dims if name not in free or dims.count(name) > 1]:
        known = ", ".join(sorted(free)) or "none"
        raise pytest.UsageError(
            f"--dim {unknown[0]}: not a free dimension, or given twice; the files' own are: {known}"
        )


def check_effect(config: pytest.Config) -> None:
    """Raise UsageError for choices that apply to nothing else that was chosen."""
    models, platforms = config.getoption("model") or (), config.getoption("platform") or ()
    if config.getoption("precision") and models and not any(model in MODELS for model in models):
        raise pytest.UsageError("--precision has no effect: every --model has a precision already, or is a file")
    clients = [name for name in platforms if name == ALL or PLATFORMS[name].side == "client"]
    if config.getoption("slowdown") and platforms and not clients:
        raise pytest.UsageError("--slowdown has no effect: it is of clients, and every --platform is a server")


def _paths(config: pytest.Config) -> list[Path]:
    return [path for path in config.getoption("model") or () if isinstance(path, Path)]


def _own_files(config: pytest.Config) -> dict[str, Path]:
    """Return the files of the user's own by the names that results go by."""
    return {path.name: path for path in _paths(config)}


@cache
def _inputs(file: Path) -> list[Input]:
    """Return what the file declares; nothing where that cannot be read, which is told when it is measured."""
    try:
        return graph.declared_inputs(graph.read(file))
    except (DecodeError, ModelError):
        return []


def cases(config: pytest.Config, phase: str, names: Sequence[str]) -> list[Any]:
    """Return a parameter set, with an id in words, for every case of a phase; *names* are its parameters'."""
    return [
        _parameters(config, model, target.label, *rest)
        for model in _models(config, phase)
        for target in _targets(config, phase)
        for rest in _rest(config, phase, model, target, names)
    ]


def _rest(
    config: pytest.Config, phase: str, model: str, target: Target, names: Sequence[str]
) -> Iterator[tuple[int | str, ...]]:
    """Yield what a case has beside model and target: a batch size, what caches may hold, both, or neither."""
    sizes = _batch_sizes(config, phase, model) if "batch_size" in names else ()
    caches = PLATFORMS[target.platform].caches if "caches" in names else ()
    return itertools.product(*(axis for axis in (sizes, caches) if axis))


def _models(config: pytest.Config, phase: str) -> list[str]:
    """Return the models asked for, else the chosen ones, of those without a precision the wanted ones."""
    asked_for = config.getoption("model")
    names = asked_for or (manifest.chosen() or [*MODELS])[: PHASES[phase].models]
    wanted = _precisions(config, phase, bool(asked_for))
    found = [form for name in names for form in _forms(getattr(name, "name", name), wanted)]
    return [*dict.fromkeys(name for name in found if name in NAMES or phase != "accuracy")]


def _forms(name: str, precisions: Sequence[str]) -> list[str]:
    return [variant(name, precision) for precision in precisions] if name in MODELS else [name]


def _precisions(config: pytest.Config, phase: str, is_named: bool) -> Sequence[str]:
    """Return the precisions asked for; a model that was named without one is meant as it is."""
    asked_for = config.getoption("precision") or []
    everything = config.getoption("full") and phase == "latency" and not is_named
    if ALL in asked_for or (everything and not asked_for):
        return PRECISIONS
    return asked_for or (["float32"] if is_named else PHASES[phase].precisions)


def _targets(config: pytest.Config, phase: str) -> list[Target]:
    """Return every platform on every number of threads, the clients on every class of weakness."""
    asked_for = config.getoption("platform") or []
    everything = ALL in asked_for or (config.getoption("full") and not asked_for)
    platforms = PLATFORMS if everything else dict.fromkeys(asked_for or DEFAULT_SWEEP)
    if phase == "device":
        platforms = {name: None for name in platforms if PLATFORMS[name].has_device}
    return [
        Target(name, number, slowdown)
        for name in platforms
        for number in _threads(config, phase)
        for slowdown in _slowdowns(config, name)
    ]


def _threads(config: pytest.Config, phase: str) -> Sequence[int]:
    asked_for = config.getoption("threads") or []
    scale = [2**power for power in range(CORES.bit_length()) if 2**power < CORES] + [CORES]
    chosen = scale if ALL in asked_for else [*dict.fromkeys(asked_for)]
    if phase == "scaling":  # one thread is what the others are held against
        return [number for number in chosen or scale if number > 1]
    return chosen or [1]


def _slowdowns(config: pytest.Config, platform: str) -> Sequence[int]:
    asked_for = config.getoption("slowdown") if PLATFORMS[platform].side == "client" else None
    return [*dict.fromkeys(asked_for or [1])]


def _batch_sizes(config: pytest.Config, phase: str, model: str) -> Sequence[int]:
    """Return the sizes asked for, else the one that a file of the user's own has fixed, else the phase's."""
    if asked_for := config.getoption("batch_size"):
        return [*dict.fromkeys(asked_for)]
    fixed = None if model in NAMES else fixed_batch(_inputs(_own_files(config)[model]))
    if fixed:
        return [fixed]
    # In full, fewer bits are measured at batch 1 only: the other sizes would double the sweep and tell little more.
    in_full = config.getoption("full") and model in (*MODELS, *_own_files(config))
    return PHASES[phase].batch_sizes_in_full if in_full else _small(config, phase)


def _small(config: pytest.Config, phase: str) -> Sequence[int]:
    return PHASES[phase].batch_sizes[: 1 if config.getoption("full") else None]


def _parameters(config: pytest.Config, model: str, label: str, *rest: int | str) -> Any:
    words = [_label(config, model), label, *(f"b{one}" if isinstance(one, int) else one for one in rest)]
    return pytest.param(model, label, *rest, id="-".join(words))


def _label(config: pytest.Config, model: str) -> str:
    """Return the model's name with what else decides its figures: a stand-in, the lengths of free dimensions."""
    if model in NAMES:
        return f"{model}.stand-in" if config.getoption("build_models") and manifest.is_absent(model) else model
    free = graph.free_dimensions(_inputs(_own_files(config)[model]))
    return ".".join([model, *(f"{name}={length}" for name, length in config.getoption("dim") or () if name in free)])


def artefact(config: pytest.Config, model: str) -> Artefact:
    """Return the file behind a case's *model*; with ``--build-models`` a stand-in where it is absent."""
    if model not in NAMES:
        return own.load(_own_files(config)[model])
    if config.getoption("build_models"):
        return stand_in.load_or_build(model, config.getoption("data_dir"))
    return manifest.load(model)
