"""What the command line chose, read once, and the cases that it makes of a phase."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from benchmarks import hardware, inputs
from benchmarks.clients import Client
from benchmarks.inputs import Fed, Wishes
from benchmarks.inputs.given import Given
from benchmarks.inputs.pixels import NEED, Picture
from benchmarks.measuring.reference import PRECISIONS
from benchmarks.platforms import PLATFORMS, in_browser, local, of_device, usual
from benchmarks.platforms.claims import of_device as claimed
from benchmarks.protocol import WHERES, Normalisation, Platform, Takes, UnavailableError, Where
from benchmarks.run.choices import ALL, CATALOGUE, NAMES, NO_BATCH, Phase, Target
from benchmarks.run.own_models import OwnModel, faults, own_models
from benchmarks.settings import settings_of
from browser_harness.network import LOOPBACK, Conditions
from models import MODELS, NETWORKS, cifar100, manifest, own, stand_in
from models.manifest import Artefact, ModelError, variant
from models.names import shown

CIFAR = Normalisation(cifar100.MEAN, cifar100.STD)  # of the models that were trained here


@dataclass(frozen=True)
class Parameters:
    """What a benchmark is run with, and how that is called: ``resnet20-chromium-wasm-b1``."""

    name: str
    values: tuple[
        str | int | None, ...
    ]  # model, target's label, then batch size and caches, where the benchmark takes them


@dataclass(frozen=True)
class Selection:
    """The choices of a command line, in its order; where one is empty, the phase decides."""

    models: tuple[str | Path, ...] = ()  # the catalogue's by name, with a precision or without; the user's own by path
    platforms: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ()  # that the usual clients are to be in
    batch_sizes: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    threads: tuple[int | str, ...] = ()
    wheres: tuple[Where, ...] = ()
    slowdowns: tuple[int, ...] = ()
    clients: tuple[Client, ...] = ()  # slowdowns by the field's names
    networks: tuple[Conditions, ...] = ()
    dims: tuple[tuple[str, int], ...] = ()  # lengths of free dimensions
    batch_axes: tuple[str, ...] = ()  # as input:axis
    inputs: tuple[Given, ...] = ()  # files of arrays, pictures, and values by the input's name
    is_full: bool = False
    builds_stand_ins: bool = False
    data_dir: Path | None = None
    about: Mapping[str, Any] | None = None  # the word of the device that the run is for; None where it is for none
    cores: int = field(default_factory=lambda: hardware.CORES)

    @cached_property
    def own_models(self) -> dict[str, OwnModel]:
        """The files of the user's own with what they are to be fed, by the names that results go by."""
        paths = [model for model in self.models if isinstance(model, Path)]
        return {model.name: model for model in own_models(paths, self.dims, self.batch_axes, self.inputs)}

    @property
    def own_files(self) -> dict[str, Path]:
        """The same files, by the same names."""
        return {name: model.path for name, model in self.own_models.items()}

    @property
    def pictures(self) -> list[Picture]:
        """The pictures that models are to be fed."""
        return [one for one in self.inputs if isinstance(one, Picture)]

    @property
    def picture(self) -> Picture | None:
        """The one that the catalogue's models are fed."""
        return next(iter(self.pictures), None)

    @property
    def option_of_clients(self) -> str | None:
        """The first option given that is of clients alone; None where none was."""
        given = {"--slowdown": self.slowdowns, "--client": self.clients, "--where": self.wheres}
        return next((option for option, values in given.items() if values), None)

    def faults(self) -> Iterator[str]:
        """Yield which choices could not be told apart, and which would have no effect on anything else chosen."""
        paths = [model for model in self.models if isinstance(model, Path)]
        yield from faults(paths, NAMES, self.dims, self.batch_axes, self.inputs)
        yield from self._faults_of_pictures()
        if self.precisions and self.models and not any(model in CATALOGUE for model in self.models):
            yield "--precision has no effect: every --model has a precision already, or is a file"
        if self.browsers and self.platforms:
            words = "a --platform names its browser already: leave out one of the two"
            yield f"--browser {self.browsers[0]} beside --platform {self.platforms[0]}: {words}"
        yield from self._faults_of_device()
        clients = [name for name in self.platforms if name == ALL or _is_client(name)]
        if self.option_of_clients and self.platforms and not clients:
            yield f"{self.option_of_clients} has no effect: it is of clients, and every --platform is a server"
        if self.networks and self.platforms and not [name for name in self.platforms if name == ALL or _asks(name)]:
            yield "--network has no effect: it is between a page and a server, and no --platform has a page"

    def _faults_of_device(self) -> Iterator[str]:
        """Yield which platforms the device cannot have that the run is for."""
        if self.about is None:
            return
        engine = str(self.about.get("engine"))
        known = in_browser(engine)
        if self.browsers:
            yield f"--browser {self.browsers[0]}: this run is for a device, whose browser is {engine}; leave it out"
        if ours := [name for name in self.platforms if name != ALL and not _is_client(name)]:
            words = "a device is held against server-cpu of the machine that serves it, in turns; leave it out"
            yield f"--platform {ours[0]}: {words}"
        elif others := [name for name in self.platforms if name not in (ALL, *known)]:
            words = f"choose from {', '.join(known)}" if known else "nothing is known that could be measured there"
            yield f"--platform {others[0]}: the browser of the device that this run is for is {engine}; {words}"

    def _faults_of_pictures(self) -> Iterator[str]:
        """Yield which pictures are none, or would be fed to nothing."""
        for picture in self.pictures:
            try:
                picture.check()
            except ModelError as error:
                yield str(error)
        has_catalogue = not self.models or any(isinstance(model, str) for model in self.models)
        if has_catalogue and len(self.pictures) > 1:
            words = "the catalogue's models are fed one picture; leave out the others"
            yield f"--input {', '.join(str(picture.path) for picture in self.pictures)}: {words}"
        if has_catalogue and self.picture and {*self.batch_sizes} - {1}:
            yield f"--input {self.picture.path}: it is one picture, fed in a batch of 1; leave out --batch-size"
        own_pictures = [model.wishes.arrays for model in self.own_models.values()]
        if not has_catalogue and (idle := [picture for picture in self.pictures if picture not in own_pictures]):
            yield f"--input {idle[0].path}: no --model FILE takes pictures: {NEED}"

    def cases(self, phase: Phase, parameters: Sequence[str]) -> list[Parameters]:
        """Return every case of a phase; *parameters* are the names of those that its benchmark takes."""
        return [
            self._case(phase, model, target, rest)
            for model in self.models_of(phase)
            for target in self.targets_of(phase)
            for rest in self._rest(phase, model, target, parameters)
        ]

    def _rest(
        self, phase: Phase, model: str, target: Target, parameters: Sequence[str]
    ) -> Iterator[tuple[int | str | None, ...]]:
        """Yield what a case has beside model and target: a batch size, what caches may hold, both, or neither."""
        sizes = self.batch_sizes_of(phase, model) if "batch_size" in parameters else ()
        caches = PLATFORMS[target.platform].caches if "caches" in parameters else ()
        return itertools.product(*(axis for axis in (sizes, caches) if axis))

    def _case(self, phase: Phase, model: str, target: Target, rest: tuple[int | str | None, ...]) -> Parameters:
        words = [NO_BATCH if value is None else f"b{value}" if isinstance(value, int) else value for value in rest]
        name = "-".join([self._model_label(phase, model), target.label, *words])
        return Parameters(name, (model, target.label, *rest))

    def models_of(self, phase: Phase) -> list[str]:
        """Return the models asked for, else the chosen ones; in the precisions wanted, where none is in the name."""
        asked_for = [name for model in self.models for name in self._names_of(model)]
        names = asked_for or (manifest.chosen() or [*MODELS])[: phase.models]
        precisions = self.precisions_of(phase)
        in_precisions = itertools.chain.from_iterable(_variants(name, precisions) for name in names)
        return [*dict.fromkeys(in_precisions)]

    def _names_of(self, model: str | Path) -> list[str]:
        if isinstance(model, str):
            return [model]
        return [name for name, own_model in self.own_models.items() if own_model.path == model]

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
        """Return every platform on every number of threads, the clients of every weakness, and over every network."""
        if self.about is not None and phase.untold:
            return []
        return [
            Target(name, number, slowdown, network, where)
            for name in self._platforms()
            if _has(PLATFORMS[name], phase)
            for number in self.threads_of(phase)
            for where in self._wheres_of(name)
            for slowdown in self._slowdowns_of(name)
            for network in self._networks_of(name, phase)
        ]

    def _platforms(self) -> Iterable[str]:
        """Return the platforms asked for, else the usual; all are those that are not remote, which are named."""
        usually, there_are = usual(self.browsers), local()
        if self.about is not None:
            usually, there_are = of_device(self.about), in_browser(str(self.about.get("engine")))
        everything = there_are if ALL in self.platforms or (self.is_full and not self.platforms) else []
        if self.browsers:
            everything = [name for name in everything if not _is_client(name) or _browser(name) in self.browsers]
        named = [name for name in self.platforms if name != ALL]
        return dict.fromkeys([*everything, *named] or usually)

    def is_normalised(self, model: str, platform: str) -> bool:
        """Whether a model is fed pixels there, and the command line has to say how they are normalised."""
        is_told = model in self.own_models or manifest.base_of(model) in NETWORKS
        is_pictured = self.picture if model in NAMES else isinstance(self.own_models[model].wishes.arrays, Picture)
        return is_told and (bool(is_pictured) or PLATFORMS[platform].takes != "arrays")

    def with_device(self) -> list[str]:
        """Return the platforms that have a memory of their own."""
        return [name for name, platform in PLATFORMS.items() if platform.has_device]

    def servers(self) -> list[str]:
        """Return the platforms that many can ask."""
        return [name for name, platform in PLATFORMS.items() if platform.side != "client"]

    def in_pages(self) -> list[str]:
        """Return the platforms that compute in a page."""
        return [name for name in PLATFORMS if _is_client(name)]

    def threads_of(self, phase: Phase) -> list[int]:
        """Return the numbers of threads asked for, else one, or a scale up to all cores where the phase needs it."""
        powers = [2**exponent for exponent in range(self.cores.bit_length())]
        scale = [*(power for power in powers if power < self.cores), self.cores]
        chosen = scale if ALL in self.threads else [*dict.fromkeys(map(int, self.threads))]
        if phase.needs_threads:
            return [number for number in chosen or scale if number > 1]
        return chosen or [1]

    def _wheres_of(self, platform: str) -> Sequence[Where]:
        """Return the threads of a page asked for, else its main one; what has no page that computes has one only."""
        return self.wheres if self.wheres and _is_client(platform) else ("main",)

    def _slowdowns_of(self, platform: str) -> list[int]:
        """Return the factors asked for, each once: two names of the same one are one case."""
        asked = dict.fromkeys([*self.slowdowns, *(client.factor for client in self.clients)])
        return [*asked] if asked and _is_client(platform) else [1]

    def _networks_of(self, platform: str, phase: Phase) -> list[Conditions]:
        """Return the networks asked for, where one is seen: by requests always, by a page that computes as it loads."""
        is_seen = PLATFORMS[platform].side == "remote" or (phase.loads and _asks(platform))
        return [*dict.fromkeys(self.networks)] if self.networks and is_seen else [LOOPBACK]

    def batch_sizes_of(self, phase: Phase, model: str) -> Sequence[int | None]:
        """Return the sizes asked for, else the one that a file of the user's own takes, else the phase's.

        None is the size of a graph without a batch.
        """
        only = self.own_models[model].only_batch() if model in self.own_models else self._of_picture(phase)
        if self.batch_sizes:
            # A graph without a batch takes one thing at a time.
            return [None if size == 1 and only == [None] else size for size in dict.fromkeys(self.batch_sizes)]
        if only is not None:
            return only
        # In full, fewer bits are measured at batch 1 only: other sizes would double the sweep and tell little more.
        if self.is_full and (model in CATALOGUE or model in self.own_models):
            return phase.batch_sizes_in_full
        return phase.batch_sizes[:1] if self.is_full else phase.batch_sizes

    def _of_picture(self, phase: Phase) -> list[int | None] | None:
        """Return the batch size of the one picture that the catalogue's models are fed; None where there is none."""
        return [1] if self.picture and not phase.classifies else None

    def _model_label(self, phase: Phase, model: str) -> str:
        """Return the model's name with what else decides its figures: a stand-in, a picture, free dimensions."""
        if model not in NAMES:
            return self.own_models[model].label
        words = [model]
        if manifest.base_of(model) in NETWORKS:
            words.append("untrained")
        elif self.builds_stand_ins and manifest.is_absent(model):
            words.append("stand-in")
        if self.picture and not phase.classifies:
            words.append(shown(self.picture.name))
        return ".".join(words)

    def model_file(self, model: str) -> Artefact:
        """Return the file behind a case's *model*; a stand-in, trained now, where it is absent and one is wanted."""
        if model in self.own_models:
            return replace(own.load(self.own_models[model].path), name=model)
        if manifest.base_of(model) in NETWORKS:
            return manifest.load(model, manifest.UNTRAINED)
        if self.builds_stand_ins:
            return stand_in.load_or_build(model, self.data_dir)
        return manifest.load(model)

    def fed(
        self,
        artefact: Artefact,
        batch_size: int | None,
        takes: Takes = "arrays",
        normalisation: Normalisation | None = None,
    ) -> Fed:
        """Return what a model is fed, in batches of *batch_size*, by a platform that *takes* arrays, pixels or images.

        *normalisation* is of models whose own nobody knows. Raises UnavailableError where the model's input can be no
        pixels, and where an image's bytes are to be uploaded and none was given: they are not invented.
        """
        is_trained = not (artefact.is_own or artefact.is_untrained)
        wishes = self.own_models[artefact.name].wishes if artefact.is_own else Wishes(arrays=self.picture)
        wishes = replace(wishes, normalisation=CIFAR if is_trained else normalisation)
        if takes == "arrays":
            return inputs.fed(artefact.path, batch_size, wishes)
        given = inputs.fed_pixels(artefact.path, batch_size, wishes)
        if takes == "image" and given.encoded is None:
            raise UnavailableError(f"{artefact.name}: which picture? name one with --input FILE.jpg")
        return given

    def several(self, artefact: Artefact) -> Fed | None:
        """Return several samples at once for a file of the user's own; None where it takes no other number of them."""
        own_model = self.own_models.get(artefact.name)
        return inputs.several(artefact.path, own_model.wishes) if own_model else None


def _is_client(platform: str) -> bool:
    return PLATFORMS[platform].side == "client"


def _browser(platform: str) -> str | None:
    return getattr(PLATFORMS[platform], "browser", None)


def _asks(platform: str) -> bool:
    """Whether it has a page, which asks a server."""
    return PLATFORMS[platform].side != "server"


def _has(platform: Platform, phase: Phase) -> bool:
    """Whether a platform has what a phase measures."""
    if (phase.is_of_this_machine and platform.side == "remote") or (phase.needs_server and platform.side == "client"):
        return False
    if phase.needs_page and platform.side != "client":
        return False
    return platform.has_device or not phase.needs_device


def _variants(name: str, precisions: Sequence[str]) -> list[str]:
    return [variant(name, precision) for precision in precisions] if name in CATALOGUE else [name]


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
        browsers=each("browser"),
        batch_sizes=each("batch_size"),
        precisions=each("precision"),
        threads=each("threads"),
        wheres={None: (), ALL: WHERES}.get(config.getoption("where"), (config.getoption("where"),)),
        slowdowns=each("slowdown"),
        clients=each("client"),
        networks=each("network"),
        dims=each("dim"),
        batch_axes=each("batch_axis"),
        inputs=each("input"),
        is_full=config.getoption("full"),
        builds_stand_ins=config.getoption("build_models"),
        data_dir=config.getoption("data_dir"),
        about=claimed(settings_of(config)),
    )
