"""Models of the user's own on the command line: each with what it is to be fed, and what of that fits nothing."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import inputs
from benchmarks.inputs import Wishes
from benchmarks.inputs.given import Arrays, Given, of_values
from benchmarks.inputs.pixels import Picture, takes_pictures
from models import own
from models.faults import fault as file_fault
from models.manifest import ModelError
from models.names import shown

if TYPE_CHECKING:
    from models.graph import Input

Lengths = Sequence[tuple[str, int]]
Givens = Sequence[Given]
Files = (Arrays, Picture)


@dataclass(frozen=True)
class OwnModel:
    """A file, and what a person says of its inputs."""

    path: Path
    wishes: Wishes

    @property
    def name(self) -> str:
        """The name that results go by: the file's, and that of the arrays where some were given."""
        name, arrays = own.name_of(self.path), self.wishes.arrays
        return f"{name}.{shown(arrays.name)}" if arrays else name

    @property
    def label(self) -> str:
        """The name with all that decides the figures: lengths and values, and where the batch was said to be."""
        wishes = self.wishes
        words = [f"{name}={value}" for name, value in (*wishes.dims, *wishes.values)]
        words += [f"batch={place}" for place in wishes.batch_axes]
        return ".".join([self.name, *map(shown, words)])

    def only_batch(self) -> list[int | None] | None:
        """Return the only size that it can be measured with, [None] where it has no batch; None where it takes any."""
        try:
            has_batch, size = inputs.only_batch(self.path, self.wishes)
        except ModelError:
            return None
        return None if has_batch and size is None else [size]


def own_models(
    paths: Iterable[Path], dims: Lengths = (), batch_axes: Sequence[str] = (), given: Givens = ()
) -> list[OwnModel]:
    """Return each file with what of the command line concerns it, once for every file of arrays that it takes."""
    return [model for path in dict.fromkeys(paths) for model in _of_file(path, dims, batch_axes, given)]


def _of_file(path: Path, dims: Lengths, batch_axes: Sequence[str], given: Givens) -> Iterator[OwnModel]:
    declared = _inputs(path)
    names = {one.name for one in declared}
    values = tuple(one for one in given if isinstance(one, tuple) and one[0] in names)
    free, axes = _free(declared), _axes(declared)
    wishes = Wishes(
        tuple((name, length) for name, length in dims if name in free),
        tuple(dict.fromkeys(name for name in batch_axes if name in axes)),
        values,
    )
    fitting = [one for one in given if isinstance(one, Files) and _fits(one, declared)]
    choices: list[Arrays | Picture | None] = [*fitting]
    for arrays in choices or [None]:
        yield OwnModel(path, replace(wishes, arrays=arrays))


def faults(
    paths: Sequence[Path], taken: Iterable[str], dims: Lengths, batch_axes: Sequence[str], given: Givens
) -> Iterator[str]:
    """Yield what of the command line cannot be told apart, fits no file, or is missing; names *taken* are others'."""
    yield from _of_one_name(paths, taken)
    yield from filter(None, map(file_fault, paths))
    declared = {path: _inputs(path) for path in paths}
    yield from _dims_of_no_file(declared, dims)
    yield from _fitting_no_file(declared, batch_axes, given)
    models = own_models(paths, dims, batch_axes, given)
    names = [model.name for model in models]
    for model in models:
        if model.wishes.arrays and names.count(model.name) > 1:
            yield f"--input {model.wishes.arrays.path}: two cases would be called {model.name}; rename the file"
        yield from _of_model(model)


def _of_one_name(paths: Sequence[Path], taken: Iterable[str]) -> Iterator[str]:
    first = {own.name_of(path): path for path in reversed(paths)}
    for path in paths:
        if (name := own.name_of(path)) in taken or not path.samefile(first[name]):
            yield f"--model: more than one model is called {name}; results go by the file's name, rename the file"


def _dims_of_no_file(declared: "dict[Path, list[Input]]", dims: Lengths) -> Iterator[str]:
    free = {name for inputs_ in declared.values() for name in _free(inputs_)}
    names = [name for name, _length in dims]
    for name in names:
        if name not in free or names.count(name) > 1:
            words = "given twice" if name in free else "not a free dimension"
            known = ", ".join(dict.fromkeys(_called(declared))) or "none"
            yield f"--dim {name}: {words}; the files' own are: {known} (or INPUT:AXIS)"


def _fitting_no_file(declared: "dict[Path, list[Input]]", batch_axes: Sequence[str], given: Givens) -> Iterator[str]:
    axes = [name for inputs_ in declared.values() for name in _axes(inputs_)]
    for name in batch_axes:
        if name not in axes:
            yield f"--batch-axis {name}: no --model FILE has such an axis; they have {', '.join(axes) or 'none'}"
    names = [one.name for inputs_ in declared.values() for one in inputs_]
    stems = [one.name for one in given if isinstance(one, Files)]
    for one in given:
        if isinstance(one, Files) and stems.count(one.name) > 1:
            yield f"--input {one.path}: another file is called {one.name}, too; cases go by that name, rename one"
        if isinstance(one, Picture):  # told by the selection, which knows the catalogue's models as well
            continue
        try:
            words, wanted = (f"{one[0]}=…", {one[0]}) if isinstance(one, tuple) else (one.path, {*one.names})
        except ModelError as error:
            yield str(error)
            continue
        if not wanted & {*names}:
            yield f"--input {words}: no --model FILE has such an input; they have {', '.join(names) or 'none'}"
    try:
        of_values([one for one in given if isinstance(one, tuple)])
    except ModelError as error:
        yield str(error)


def _of_model(model: OwnModel) -> Iterator[str]:
    """Yield what contradicts itself in the wishes of a model, and which lengths are missing, all at once."""
    from benchmarks.inputs.dimensions import options

    try:
        inputs.check_values(model.path, model.wishes)
        if by_name := inputs.lengths_of_batch(model.path, model.wishes):
            yield f"{own.name_of(model.path)}: {by_name[0]} is the batch; set it with --batch-size, not with --dim"
            return
        if missing := inputs.missing(model.path, model.wishes):
            yield (
                f"{own.name_of(model.path)}: no length for {', '.join(missing)}; add {options(missing)}"
                " (or --batch-axis INPUT:AXIS, where it is the batch)"
            )
    except ModelError as error:
        if model.wishes != Wishes():
            yield f"{own.name_of(model.path)}: {error}"


def _inputs(path: Path) -> "list[Input]":
    """Return what the file declares; nothing where that cannot be read, which is told when it is measured."""
    try:
        return inputs.declared(path)
    except ModelError:
        return []


def _fits(file: Arrays | Picture, declared: "Sequence[Input]") -> bool:
    if isinstance(file, Picture):
        return takes_pictures(declared)
    return bool({one.name for one in declared} & {*_names(file)})


def _names(arrays: Arrays) -> list[str]:
    try:
        return arrays.names
    except ModelError:  # told by faults
        return []


def _free(declared: "Sequence[Input]") -> set[str]:
    from benchmarks.inputs.dimensions import free

    return {*free(declared)}


def _called(declared: "Mapping[Path, Sequence[Input]]") -> Iterator[str]:
    """Yield what the free dimensions of all files are called."""
    from benchmarks.inputs.dimensions import called

    for one in itertools.chain.from_iterable(declared.values()):
        yield from (called(one, axis) for axis, length in enumerate(one.shape) if not isinstance(length, int))


def _axes(declared: "Sequence[Input]") -> list[str]:
    from benchmarks.inputs.dimensions import axes

    return [*axes(declared)]
