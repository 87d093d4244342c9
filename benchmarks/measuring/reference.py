"""The reference every platform's answers are held against: the ONNX graph as written, on onnxruntime's CPU provider."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.inputs import Dims, seeded_feeds
from benchmarks.protocol import Block, Facts, Feeds, Outputs
from models.manifest import Artefact

if TYPE_CHECKING:
    import onnxruntime

# Of the largest reference output. float32 implementations differ by 1e-7 to 5e-7 in the order of their sums. Where an
# intermediate result is rounded to fewer bits, another order moves it by a step: at 11 bits a thousandth, at 8 bits
# 1e-2 to 2e-2 in the catalogue's models. onnxruntime's CPU provider computes fp16 graphs in float32; a GPU does not.
TOLERANCES = {"float32": 1e-5, "fp16": 1e-2, "int8": 5e-2}
# A network of the user's own, or one that is only timed, is deeper than those that were trained, and rounds more often.
OWN_TOLERANCES = {"float64": 1e-4, "float32": 1e-4, "fp16": 2e-2, "bf16": 1e-1, "int8": 1e-1}
PRECISIONS = tuple(TOLERANCES)  # of the catalogue's files
ROUNDED = {"tf32": TOLERANCES["fp16"]}  # by a platform's arithmetic: as many bits as fp16, before it multiplies


class ParityError(Exception):
    """A platform computes something else than the reference; its times would be of another model."""


@dataclass(frozen=True)
class Question:
    """What a session is asked, and how close its answer has to come."""

    artefact: Artefact
    feeds: Feeds
    batch_size: int
    expected: Outputs
    tolerance: float

    def check(self, facts: Facts, outputs: Outputs) -> float:
        """Hold a session's answer against the expected one; see :func:`check_parity`."""
        tolerance = max(self.tolerance, ROUNDED[facts.rounding]) if facts.rounding else self.tolerance
        return check_parity(facts.platform, outputs, self.expected, tolerance)

    def images(self, blocks: Iterable[Block]) -> int:
        """Return how many images the inferences of *blocks* took in."""
        return self.batch_size * sum(len(block.seconds) for block in blocks)

    def shapes(self) -> dict[str, list[int]]:
        """Return the shape of every input."""
        return {name: list(value.shape) for name, value in self.feeds.items()}


def ask(artefact: Artefact, batch_size: int, dims: Dims | None = None) -> Question:
    """Return a file's question: seeded inputs, and the reference's answer to them."""
    feeds = seeded_feeds(artefact.path, batch_size, dims)
    return Question(artefact, feeds, batch_size, reference(artefact.path, feeds), tolerance_of(artefact))


def tolerance_of(artefact: Artefact) -> float:
    """Return the tolerance that the file's precision calls for."""
    return (OWN_TOLERANCES if artefact.is_own or artefact.is_untrained else TOLERANCES)[artefact.row["precision"]]


def reference(model: Path, feeds: Feeds) -> Outputs:
    """Run the graph without optimisations, so that what a runtime rewrites is compared with what was exported.

    Raises ParityError where the reference has no answer: there is nothing to hold a platform's against.
    """
    try:
        session = open_reference(model)
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ParityError(f"{model.name}: the reference cannot answer: {error}") from error
    for name, value in outputs.items():
        if not (isinstance(value, np.ndarray) and value.dtype.kind in "fiub"):
            raise ParityError(f"{model.name}: output {name} is no tensor of numbers; it cannot be compared")
    return outputs


def open_reference(model: Path) -> "onnxruntime.InferenceSession":
    """Open the graph as written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])


def check_parity(platform: str, outputs: Outputs, expected: Outputs, tolerance: float) -> float:
    """Return the largest difference relative to the output's largest expected value.

    Raises ParityError where that is above *tolerance*, where integers, infinities or NaN are not the reference's, and
    for other names, shapes or types.
    """
    if [*outputs] != [*expected]:
        raise ParityError(f"{platform}: outputs {', '.join(outputs)}; the reference has {', '.join(expected)}")
    return max(_compare(platform, name, outputs[name], expected[name], tolerance) for name in expected)


def _compare(platform: str, name: str, output: NDArray[Any], expected: NDArray[Any], tolerance: float) -> float:
    if (output.shape, output.dtype) != (expected.shape, expected.dtype):
        kind, expected_kind = (f"{value.dtype} {list(value.shape)}" for value in (output, expected))
        raise ParityError(f"{platform}: {name} is {kind}, the reference's {expected_kind}")
    exact = np.ones(expected.shape, bool) if expected.dtype.kind != "f" else ~np.isfinite(expected)
    if unequal := np.sum((output != expected)[exact] & ~(np.isnan(output) & np.isnan(expected))[exact]):
        raise ParityError(f"{platform}: {name} differ from the reference's in {unequal} places that must be equal")
    output, expected = output[~exact].astype(np.float64), expected[~exact].astype(np.float64)
    difference = float(np.abs(output - expected).max(initial=0)) / (float(np.abs(expected).max(initial=0)) or 1.0)
    if not difference <= tolerance:  # so that NaN fails
        raise ParityError(
            f"{platform}: {name} differ from the reference's by {difference:.1e} of the largest, more than {tolerance}"
        )
    return difference
