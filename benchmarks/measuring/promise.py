"""What the reference can promise of its answer: by how much it differs from itself when it is asked in other ways.

Runs in a process of its own, ``python -m benchmarks.measuring.promise PARENT``, the other end of
:class:`benchmarks.measuring.as_written.AsWrittenApart`. Outputs are compared here, so that only one answer travels.
"""

import math
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.apart import Requests
from benchmarks.measuring.as_written import AsWritten
from benchmarks.measuring.parity import ParityError, check_parity, moved_places
from benchmarks.protocol import Feeds, Outputs

SEED = 4
NUDGES = 4  # one may move little
ROUNDING = 2  # of the type's steps: what a nudged number is moved by
CASTS = 32, 1.0  # of dice, so that two throws alike are no proof; and the seconds after which no more are thrown
LONGEST = 20.0  # seconds that one way of asking may take, as far as that can be told beforehand
LARGEST = 2**28  # bytes of the outputs of several samples, beyond which their memory matters


class Promise:
    """A graph as written, and what can be asked of it, by name."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._feeds: Feeds = {}
        self._expected: Outputs = {}
        self._places: dict[str, list[float]] = {}  # by way of asking: shares of whole numbers that were others

    @cached_property
    def _opened(self) -> AsWritten:
        return AsWritten(self._model)

    def open(self) -> None:
        """Open the graph."""
        self._opened  # noqa: B018 (opens it)

    def run(self, feeds: Feeds) -> Outputs:
        """Return its answer, which the others are compared with."""
        self._feeds, self._expected = feeds, self._opened.run(feeds)
        return self._expected

    def again(self, tolerance: float) -> float:
        """Ask the same again and return by how much the answer differs; raise ParityError where it is random.

        Where nothing in the graph is, threads may round in another order each time: that is within the *tolerance*.
        """
        dice, until = self._dice(), time.monotonic() + CASTS[1]
        differs = [self._again(dice, tolerance)]
        while dice and len(differs) < CASTS[0] and time.monotonic() < until:
            differs.append(self._again(dice, tolerance))
        return max(differs)

    def _again(self, dice: list[str], tolerance: float) -> float:
        answer = self._opened.run(self._feeds)
        if all(map(_same, answer.values(), self._expected.values())):
            return 0.0
        whole = [name for name, value in answer.items() if value.dtype.kind != "f"]
        differs = _difference(answer, self._expected)
        is_rounding = differs is not None and differs <= tolerance
        if not dice and is_rounding and all(_same(answer[name], self._expected[name]) for name in whole):
            return differs or 0.0
        words = f"are random (node {dice[0]})" if dice else "differ from one call to the next"
        raise ParityError(f"{self._model.name}: its outputs {words}: there is no answer to hold a platform's against")

    def _dice(self) -> list[str]:
        from models import graph
        from models.random_nodes import name_of, random_nodes

        return [name_of(node) for node in random_nodes(graph.read(self._model))]

    def nudge(self) -> float | None:
        """Move every floating input by a rounding; return by how much the answer moves, None where none floats.

        Other runtimes round in other places. By how much that moves the outputs depends on graph and input alone.
        """
        generator = np.random.default_rng(SEED)
        if not any(map(_floats, self._feeds.values())):
            return None
        found, until = list[float | None](), time.monotonic() + LONGEST / 2
        while len(found) < NUDGES and (time.monotonic() < until or not found):
            answer = self._opened.run(_nudged(self._feeds, generator))
            found.append(_difference(answer, self._expected))
            self._note("nudge", answer, self._expected)
        return max((value for value in found if value is not None), default=None)

    def batch(self, feeds: Feeds, axes: Mapping[str, int]) -> float | None:
        """Ask several samples at once and one by one; return by how much the answers differ.

        An output where the samples' axis cannot be told is left out; None where that is so of all of them, and where it
        would take too much memory or time.
        """
        if not axes:
            return None
        name, axis = next(iter(axes.items()))
        size = feeds[name].shape[axis]
        start = time.monotonic()
        one = self._opened.run(_sample(feeds, axes, 0))
        seconds, lengths = time.monotonic() - start, sum(value.nbytes for value in one.values())
        if size * lengths > LARGEST or 2 * size * seconds > LONGEST:
            return None
        alone = [one, *(self._opened.run(_sample(feeds, axes, number)) for number in range(1, size))]
        together = self._opened.run(feeds)
        along = {name: _axis_of(one[name], value, size) for name, value in together.items()}
        joined = {
            name: np.concatenate([answer[name] for answer in alone], axis)
            for name, axis in along.items()
            if axis is not None and len({answer[name].shape for answer in alone}) == 1
        }
        self._note("batch", joined, together)
        return _difference(joined, {name: together[name] for name in joined})

    def places(self, way: str) -> float | None:
        """Return in which share of places whole numbers were others, when it was asked in that way; None without any.

        They move where a rounding tips them over: an index of the largest, a threshold, a quantised value.
        """
        return max(self._places.get(way, ()), default=None)

    def _note(self, way: str, outputs: Outputs, expected: Outputs) -> None:
        share = moved_places(outputs, expected)
        self._places.setdefault(way, []).extend([] if share is None else [share])


def _sample(feeds: Feeds, axes: Mapping[str, int], number: int) -> Feeds:
    return {name: value.take([number], axes[name]) if name in axes else value for name, value in feeds.items()}


def _axis_of(one: NDArray[Any], several: NDArray[Any], size: int) -> int | None:
    """Return the axis along which samples lie, the only one where a sample's length is not theirs all; else None."""
    if one.ndim != several.ndim:
        return None
    unlike = [axis for axis in range(one.ndim) if one.shape[axis] != several.shape[axis]]
    is_theirs = len(unlike) == 1 and (one.shape[unlike[0]], several.shape[unlike[0]]) == (1, size)
    return unlike[0] if is_theirs else None


def _floats(value: NDArray[Any]) -> bool:
    """Whether an input is nudged: one of 16 bits has steps so wide that a runtime never moves it by one."""
    return value.dtype.kind == "f" and value.dtype.itemsize >= np.dtype(np.float32).itemsize


def _nudged(feeds: Feeds, generator: np.random.Generator) -> Feeds:
    return {name: _moved(value, generator) if _floats(value) else value for name, value in feeds.items()}


def _moved(value: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
    step = generator.choice([-ROUNDING, ROUNDING], value.shape) * np.finfo(value.dtype).eps
    return np.asarray(value * (1 + step), value.dtype)  # of a scalar too, which numpy makes a number of its own


def _same(output: NDArray[Any], expected: NDArray[Any]) -> bool:
    """Whether two arrays of one type are the same bit for bit, so that NaN is NaN."""
    bits = f"u{expected.itemsize}"
    return np.array_equal(output.view(bits), expected.view(bits))


def _difference(outputs: Outputs, expected: Outputs) -> float | None:
    """Return the largest difference of the floating outputs, as parity measures it; None where none can be compared.

    That is so of other lengths, which data decide, and where infinities or NaN are in other places.
    """
    found = []
    for name in [name for name, value in outputs.items() if value.dtype.kind == "f"]:
        try:
            found.append(check_parity("", {name: outputs[name]}, {name: expected[name]}, math.inf))
        except ParityError:
            continue
    return max(found, default=None)


def main() -> None:
    """Answer until nothing more can be asked."""
    requests = Requests()
    requests.answer(Promise(*requests.first()), (ParityError,))


if __name__ == "__main__":
    main()
