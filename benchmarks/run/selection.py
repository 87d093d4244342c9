"""What the command line chose, read once, and the cases that it makes of a phase."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import hardware
from benchmarks.measuring.inputs import fixed_batch
from benchmarks.measuring.reference import PRECISIONS
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS
from benchmarks.run.choices import ALL, CATALOGUE, NAMES, Phase, Target
from models import MODELS, NETWORKS, manifest, own, stand_in
from models.manifest import Artefact, ModelError, variant

if TYPE_CHECKING:
    from models.graph import Input


@dataclass(frozen=True)
class Parameters:
    """What a benchmark is run with, and how that is called: ``resnet20-chromium-wasm-b1``."""

    name: str
    values: tuple[str | int, ...]  # model, target's label, then batch size and caches, where the benchmark takes them


@dataclass(frozen=True)
class Selection:
    """The choices of a command line, in its order; where one is empty, the phase decides."""

    models: tuple[str | Path, ...] = ()  # the catalogue's by name, with a precision or without; the user's own by path
    platforms: tuple[str, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    threads: tuple[int | str, ...] = ()
    slowdowns: tuple[int, ...] = ()
    dims: tuple[tuple[str, int], ...] = ()  # lengths of free dimensions
    is_full: bool = False
    builds_stand_ins: bool = False
    data_dir: Path | None = None
    cores: int = field(default_factory=lambda: hardware.CORES)

    @cached_property
    def own_files(self) -> dict[str, Path]:
        """The files of the user's own, by the names that results go by."""
        return {path.name: path for path in self._paths}

    @property
    def _paths(self) -> list[Path]:
        return [path for path in self.models if isinstance(path, Path)]

    def faults(self) -> Iterator[str]:
        """Yield which choices could not be told apart, and which would have no effect on anything else chosen."""
        yield from self._models_of_one_name()
        yield from self._dims_of_no_file()
        if self.precisions and self.models and not any(model in CATALOGUE for model in self.models):
            yield "--precision has no effect: every --model has a precision already, or is a file"
        clients = [name for name in self.platforms if name == ALL or _can_be_weaker(name)]
        if self.slowdowns and self.platforms and not clients:
            yield "--slowdown has no effect: it is of clients, and every --platform is a server"

    def _models_of_one_name(self) -> Iterator[str]:
        for path in self._paths:
            if path.name in NAMES or not path.samefile(self.own_files[path.name]):
                yield (
                    f"--model: more than one model is called {path.name}; "
                    "results go by the file's name, rename the file"
                )

    def _dims_of_no_file(self) -> Iterator[str]:
        free = {dimension for path in self.own_files.values() for dimension in _free_dimensions(path)}
        names = [name for name, _length in self.dims]
        for name in names:
            if name not in free or names.count(name) > 1:
                known = ", ".join(sorted(free)) or "none"
                yield f"--dim {name}: not a free dimension, or given twice; the files' own are: {known}"

    def cases(self, phase: Phase, parameters: Sequence[str]) -> list[Parameters]:
        """Return every case of a phase; *parameters* are the names of those that its benchmark takes."""
        return [
            self._case(model, target, rest)
            for model in self.models_of(phase)
            for target in self.targets_of(phase)
            for rest in self._rest(phase, model, target, parameters)
        ]

    def _rest(
        self, phase: Phase, model: str, target: Target, parameters: Sequence[str]
    ) -> Iterator[tuple[int | str, ...]]:
        """Yield what a case has beside model and target: a batch size, what caches may hold, both, or neither."""
        sizes = self.batch_sizes_of(phase, model) if "batch_size" in parameters else ()
        caches = PLATFORMS[target.platform].caches if "caches" in parameters else ()
        return itertools.product(*(axis for axis in (sizes, caches) if axis))

    def _case(self, model: str, target: Target, rest: tuple[int | str, ...]) -> Parameters:
        words = [f"b{value}" if isinstance(value, int) else value for value in rest]
        return Parameters("-".join([self._model_label(model), target.label, *words]), (model, target.label, *rest))

    def models_of(self, phase: Phase) -> list[str]:
        """Return the models asked for, else the chosen ones; in the precisions wanted, where none is in the name."""
        asked_for = [model.name if isinstance(model, Path) else model for model in self.models]
        names = asked_for or (manifest.chosen() or [*MODELS])[: phase.models]
        precisions = self.precisions_of(phase)
        in_precisions = itertools.chain.from_iterable(_variants(name, precisions) for name in names)
        return [*dict.fromkeys(name for name in in_precisions if name in NAMES or phase.takes_own_files)]

    def precisions_of(self, phase: Phase) -> Sequence[str]:
        """Return the precisions asked for, else the phase's; a model that was named without one is meant as it is."""
        if ALL in self.precisions:
            return PRECISIONS
        if self.precisions:
            return self.precisions
        if self.models:
            return ("float32",)
        return PRECISIONS if self.is_full and phase.every_precision_in_full else phase.precisions

    def targets_of(self, phase: Phase) -> list[Target]:
        """Return every platform on every number of threads, the clients on every class of weakness."""
        everything = ALL in self.platforms or (self.is_full and not self.platforms)
        names = PLATFORMS if everything else dict.fromkeys(self.platforms or DEFAULT_SWEEP)
        return [
            Target(name, number, slowdown)
            for name in names
            if PLATFORMS[name].has_device or not phase.needs_device
            for number in self.threads_of(phase)
            for slowdown in self._slowdowns_of(name)
        ]

    def threads_of(self, phase: Phase) -> list[int]:
        """Return the numbers of threads asked for, else one, or a scale up to all cores where the phase needs it."""
        powers = [2**exponent for exponent in range(self.cores.bit_length())]
        scale = [*(power for power in powers if power < self.cores), self.cores]
        chosen = scale if ALL in self.threads else [*dict.fromkeys(map(int, self.threads))]
        if phase.needs_threads:
            return [number for number in chosen or scale if number > 1]
        return chosen or [1]

    def _slowdowns_of(self, platform: str) -> list[int]:
        return [*dict.fromkeys(self.slowdowns)] if self.slowdowns and _can_be_weaker(platform) else [1]

    def batch_sizes_of(self, phase: Phase, model: str) -> Sequence[int]:
        """Return the sizes asked for, else the one that a file of the user's own has fixed, else the phase's."""
        if self.batch_sizes:
            return [*dict.fromkeys(self.batch_sizes)]
        if model in self.own_files and (fixed := fixed_batch(_inputs(self.own_files[model]))):
            return [fixed]
        # In full, fewer bits are measured at batch 1 only: other sizes would double the sweep and tell little more.
        if self.is_full and (model in CATALOGUE or model in self.own_files):
            return phase.batch_sizes_in_full
        return phase.batch_sizes[:1] if self.is_full else phase.batch_sizes

    def _model_label(self, model: str) -> str:
        """Return the model's name with what else decides its figures: a stand-in, the lengths of free dimensions."""
        if manifest.base_of(model) in NETWORKS and model in NAMES:
            return f"{model}.untrained"
        if model in NAMES:
            return f"{model}.stand-in" if self.builds_stand_ins and manifest.is_absent(model) else model
        free = _free_dimensions(self.own_files[model])
        return ".".join([model, *(f"{name}={length}" for name, length in self.dims if name in free)])

    def model_file(self, model: str) -> Artefact:
        """Return the file behind a case's *model*; a stand-in, trained now, where it is absent and one is wanted."""
        if model in self.own_files:
            return own.load(self.own_files[model])
        if manifest.base_of(model) in NETWORKS:
            return manifest.load(model, manifest.UNTRAINED)
        if self.builds_stand_ins:
            return stand_in.load_or_build(model, self.data_dir)
        return manifest.load(model)


def _can_be_weaker(platform: str) -> bool:
    return PLATFORMS[platform].side == "client"


def _variants(name: str, precisions: Sequence[str]) -> list[str]:
    return [variant(name, precision) for precision in precisions] if name in CATALOGUE else [name]


@cache
def _inputs(file: Path) -> "list[Input]":
    """Return what the file declares; nothing where that cannot be read, which is told when it is measured."""
    from google.protobuf.message import DecodeError

    from models import graph  # not above: a run of the catalogue alone need not wait for onnx to choose

    try:
        return graph.declared_inputs(graph.read(file))
    except (DecodeError, ModelError):
        return []


def _free_dimensions(file: Path) -> set[str]:
    from models import graph

    return graph.free_dimensions(_inputs(file))


SELECTION = pytest.StashKey[Selection]()


def selection_of(config: pytest.Config) -> Selection:
    """Return what a run's command line chose; read when it is first asked for, by whichever plugin comes first."""
    if SELECTION not in config.stash:
        config.stash[SELECTION] = _read(config)
    return config.stash[SELECTION]


def _read(config: pytest.Config) -> Selection:
    def each(option: str) -> tuple[Any, ...]:
        return tuple(config.getoption(option) or ())

    return Selection(
        models=each("model"),
        platforms=each("platform"),
        batch_sizes=each("batch_size"),
        precisions=each("precision"),
        threads=each("threads"),
        slowdowns=each("slowdown"),
        dims=each("dim"),
        is_full=config.getoption("full"),
        builds_stand_ins=config.getoption("build_models"),
        data_dir=config.getoption("data_dir"),
    )
