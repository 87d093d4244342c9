"""Which dimension of a graph's inputs is the batch, and how long all the others are."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.inputs.expressions import computed
from benchmarks.protocol import Shapes
from models.graph import Input
from models.manifest import ModelError

Dims = Mapping[str, int]  # lengths by the name of a dimension, or as input:axis
Place = tuple[str, int]  # an input and one of its axes

# How exporters call a batch, the surest first; where a graph has B and N, N counts something in a sample.
BATCH_WORDS = {"batch", "batchsize", "batchdim", "minibatch", "nbatch", "bs", "bsz"}
OTHER_WORDS = {
    *("seq", "sequence", "seqlen", "length", "len", "heads", "head", "tokens", "token", "beam", "beams", "x", "times"),
    *("boxes", "rois", "objects", "anchors", "points", "nodes", "edges", "frames", "patches", "steps", "words"),
    *("height", "width", "pixels", "channels", "features", "classes"),
}
BATCH_LETTERS = ("b", "n")
# What exporters write where nobody gave a name. Taken for the batch only where nothing else can be.
GENERIC = re.compile(
    r"\?|none|-1|unk(__\d+)?|unknown|(\w+\.)*DynamicDimension\.\d+|[sud]\d+|(dim|axis|sym|symbol|dyn|dynamic)_?\d+"
    r"|\w+_dynamic_axes_\d+|\w+_dim_\d+",
    re.IGNORECASE,
)
# Of those, what is a symbol of one dimension; the others, such as "?", stand for any.
SYMBOL = re.compile(r"(?!\?|none$|-1$|unk$|unknown$).+", re.IGNORECASE)
CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Batch:
    """Where the batch stands, and how long it is where the graph fixes it."""

    places: frozenset[Place]
    fixed: int | None = None

    @property
    def axes(self) -> dict[str, int]:
        """The axis of each input that has the batch."""
        return dict(sorted(self.places))


@dataclass(frozen=True)
class Dimensions:
    """The declared inputs, which dimension of them is the batch (None: none is), and the lengths that were given."""

    inputs: tuple[Input, ...]
    batch: Batch | None
    given: Dims

    @classmethod
    def of(cls, inputs: Sequence[Input], given: Dims | None = None, batch_axes: Iterable[str] = ()) -> "Dimensions":
        """Find the batch; *batch_axes* name it as input:axis, and who gives a length to input:axis says it is none."""
        given, batch_axes = given or {}, [*batch_axes]
        if both := [name for name in batch_axes if name in given]:
            raise ModelError(
                f"--batch-axis {both[0]}: --dim {both[0]}={given[both[0]]} says that it is none; leave out one"
            )
        named = _named(inputs, batch_axes)
        batch = named or _found(inputs)
        if batch:
            lengths = {
                (declared.name, axis): length for declared in inputs for axis, length in enumerate(declared.shape)
            }
            # By a name that nobody chose for a batch, where nobody said that it is the batch either.
            none = {name for name in given if GENERIC.fullmatch(name)} if named is None else set[str]()
            left = frozenset(place for place in batch.places if key(*place) not in given and lengths[place] not in none)
            batch = Batch(left, batch.fixed) if left else None
        return cls(tuple(inputs), batch, given)

    def batch_names(self) -> set[str]:
        """Return what the graph calls its batch."""
        lengths = {declared.name: declared.shape for declared in self.inputs}
        names = {lengths[name][axis] for name, axis in (self.batch.places if self.batch else ())}
        return {name for name in names if isinstance(name, str)}

    def missing(self, known: Shapes | None = None) -> list[str]:
        """Return the free dimensions without a length, as they are to be given; of some inputs the shape is *known*."""
        lengths = {**self.given} | self.bound(known or {})
        places = [
            (declared, axis)
            for declared in self.inputs
            if declared.name not in (known or {})
            for axis in self._open(declared)
            if key(declared.name, axis) not in lengths and not self._is_known(declared.shape[axis], lengths)
        ]
        names = dict.fromkeys(called(declared, axis) for declared, axis in places)
        if_given = self._with_batch({**lengths, **dict.fromkeys(names, 1)}, 1)
        return [name for name in names if computed(name, {**if_given, name: -1}) is None]

    def _open(self, declared: Input) -> Iterator[int]:
        """Yield the axes of an input that are neither fixed nor the batch."""
        places = self.batch.places if self.batch else ()
        for axis, length in enumerate(declared.shape):
            if not isinstance(length, int) and (declared.name, axis) not in places:
                yield axis

    def _is_known(self, length: int | str | None, lengths: Dims) -> bool:
        return length in lengths or computed(str(length), self._with_batch(lengths, 1)) is not None

    def _with_batch(self, lengths: Dims, batch_size: int | None) -> Dims:
        """Return *lengths* with the batch's, which expressions may be made of."""
        return {**lengths, **({} if batch_size is None else dict.fromkeys(self.batch_names(), batch_size))}

    def bound(self, known: Shapes) -> dict[str, int]:
        """Return what the *known* shapes of some inputs say of dimensions that others have, too, by name."""
        shared = {
            length: known[declared.name][axis]
            for declared in self.inputs
            if declared.name in known
            for axis, length in enumerate(declared.shape)
            if isinstance(length, str) and SYMBOL.fullmatch(length)
        }
        return {name: length for name, length in shared.items() if name not in self.given}

    def contradicting(self, known: Shapes) -> Iterator[str]:
        """Yield which lengths were given that are others in the *known* shapes."""
        for declared in self.inputs:
            for axis, (length, found) in enumerate(zip(declared.shape, known.get(declared.name, ()), strict=False)):
                place = key(declared.name, axis)
                name = place if place in self.given else length
                if isinstance(name, str) and not isinstance(length, int) and self.given.get(name, found) != found:
                    yield f"--dim {name}={self.given[name]}: {place} is {found}"

    def shapes(self, batch_size: int | None, known: Shapes | None = None) -> dict[str, tuple[int, ...]]:
        """Return the shape of every input, with a batch of *batch_size*; None of a graph that has no batch.

        Raises ModelError where a length is missing.
        """
        if missing := self.missing(known):
            raise ModelError(f"no length for {', '.join(missing)}; add {options(missing)}")
        known = known or {}
        lengths = {**self.given} | self.bound(known)
        return {
            declared.name: known.get(declared.name) or self._shape(declared, lengths, batch_size)
            for declared in self.inputs
        }

    def _shape(self, declared: Input, lengths: Dims, batch_size: int | None) -> tuple[int, ...]:
        return tuple(self._length(declared, axis, lengths, batch_size) for axis in range(len(declared.shape)))

    def _length(self, declared: Input, axis: int, lengths: Dims, batch_size: int | None) -> int:
        length = declared.shape[axis]
        if isinstance(length, int):
            return length
        if self.batch and (declared.name, axis) in self.batch.places:
            assert batch_size is not None, "a graph with a batch is given one"
            return batch_size
        # A place wins over a name, and what was given over what follows.
        for name in (key(declared.name, axis), str(length)):
            if name in lengths:
                return lengths[name]
        found = computed(str(length), self._with_batch(lengths, batch_size))
        assert found is not None, "what is missing was refused before"
        return found


def key(name: str, axis: int) -> str:
    """Write a place as options name it."""
    return f"{name}:{axis}"


def called(declared: Input, axis: int) -> str:
    """Return a free dimension's name; input:axis where it has none, or one that says nothing."""
    length = declared.shape[axis]
    return length if isinstance(length, str) and re.search(r"\w", length) else key(declared.name, axis)


def options(names: Iterable[str]) -> str:
    """Write the options that give lengths, to be pasted into a shell."""
    import shlex

    return " ".join(f"--dim {shlex.quote(f'{name}=N')}" for name in names)


def free(inputs: Iterable[Input]) -> dict[str, list[Place]]:
    """Return the places of the free dimensions, by every name that an option can give them a length by."""
    places: dict[str, list[Place]] = {}
    for declared in inputs:
        for axis, length in enumerate(declared.shape):
            if not isinstance(length, int):
                names = {key(declared.name, axis), *([length] if length else [])}
                for name in names:
                    places.setdefault(name, []).append((declared.name, axis))
    return places


def axes(inputs: Iterable[Input]) -> dict[str, Place]:
    """Return every axis of every input, as options name it."""
    return {
        key(declared.name, axis): (declared.name, axis) for declared in inputs for axis in range(len(declared.shape))
    }


def _named(inputs: Sequence[Input], batch_axes: Sequence[str]) -> Batch | None:
    """Return the batch that *batch_axes* name, with all dimensions of the same name; None where they name none."""
    there, by_name = axes(inputs), {declared.name: declared for declared in inputs}
    places = [there[name] for name in batch_axes if name in there]
    if not places:
        return None
    lengths = [by_name[name].shape[axis] for name, axis in places]
    named = {length for length in lengths if isinstance(length, str) and SYMBOL.fullmatch(length)}
    fixed = {length for length in lengths if isinstance(length, int)}
    if len(fixed) > 1:
        raise ModelError(f"--batch-axis: {', '.join(batch_axes)} are fixed at {sorted(fixed)}, no one batch")
    return Batch(frozenset(places) | _places(inputs, named), next(iter(fixed), None))


def _found(inputs: Sequence[Input]) -> Batch | None:
    """Return the batch by the names of the dimensions, else by where they stand."""
    lengths = [length for declared in inputs for length in declared.shape]
    names = [*dict.fromkeys(length for length in lengths if isinstance(length, str))]
    if words := {name for name in names if _is_batch(name)}:
        return Batch(_places(inputs, words))
    for letter in BATCH_LETTERS:
        if (letters := {name for name in names if name.lower() == letter}) and not _in_an_image(inputs, letters):
            return Batch(_places(inputs, letters))
    return _first_axis(inputs)


def _in_an_image(inputs: Sequence[Input], letters: set[str]) -> bool:
    """Whether a letter counts something in a sample: boxes, beside pictures whose number the graph fixes."""
    firsts = {declared.shape[0] for declared in inputs if _is_image(declared)}
    return any(isinstance(first, int) for first in firsts) and not firsts & letters


def _is_batch(name: str) -> bool:
    """Whether a name's words say batch, and nothing besides: no product, and no other thing that is counted."""
    if not re.fullmatch(r"[\w.:\- ]+", name):
        return False
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    return bool(words & BATCH_WORDS) and not words & OTHER_WORDS


def _first_axis(inputs: Sequence[Input]) -> Batch | None:
    """Return the first axis as the batch, where all inputs but scalars have the same one, and nobody named it."""
    arrays = [declared for declared in inputs if declared.shape]
    firsts = {declared.shape[0] for declared in arrays}
    if len(firsts) != 1:
        return None
    (first,) = firsts
    places = frozenset((declared.name, 0) for declared in arrays)
    if isinstance(first, int):
        return Batch(places, first) if first == 1 or (first and any(map(_is_image, arrays))) else None
    if first is None:
        return Batch(places)
    if not GENERIC.fullmatch(first):
        return None
    return Batch(places | _places(inputs, [first])) if SYMBOL.fullmatch(first) else Batch(places)


def _is_image(declared: Input) -> bool:
    return len(declared.shape) == 4 and (declared.shape[1] in CHANNELS or declared.shape[3] in CHANNELS)


def _places(inputs: Iterable[Input], names: Iterable[str]) -> frozenset[Place]:
    return frozenset(
        (declared.name, axis) for declared in inputs for axis, length in enumerate(declared.shape) if length in {*names}
    )
