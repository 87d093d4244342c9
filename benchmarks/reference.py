"""The reference every platform's answers are held against: the ONNX graph as written, on onnxruntime's CPU provider."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.protocol import Feeds, Outputs
from models.manifest import Artefact

# Of the largest reference output. float32 implementations differ by 1e-7 to 5e-7 in the order of their sums. Where an
# intermediate result is rounded to fewer bits, another order moves it by a step: at 11 bits a thousandth, at 8 bits
# 1/64 in the catalogue's models. onnxruntime's CPU provider computes fp16 graphs in float32; a GPU does not.
TOLERANCES = {"float32": 1e-5, "fp16": 1e-2, "bf16": 5e-2, "int8": 5e-2}


PRECISIONS = ("float32", "int8", "fp16")  # of the catalogue's files
OWN_FACTOR = 10  # a network of the user's own may be deeper than the catalogue's, and round more often


class ParityError(Exception):
    """A platform computes something else than the reference; its times would be of another model."""


@dataclass(frozen=True)
class Question:
    """What a session is asked, and how close its answer has to come."""

    feeds: Feeds
    batch_size: int
    expected: Outputs
    tolerance: float


def tolerance_of(artefact: Artefact) -> float:
    """Return the tolerance that the file's precision calls for."""
    return TOLERANCES[artefact.row["precision"]] * (OWN_FACTOR if artefact.is_own else 1)


def reference(model: Path, feeds: Feeds) -> Outputs:
    """Run the graph without optimisations, so that what a runtime rewrites is compared with what was exported."""
    session = open_reference(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def open_reference(model: Path) -> onnxruntime.InferenceSession:
    """Open the graph as written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])


def check_parity(platform: str, outputs: Outputs, expected: Outputs, tolerance: float) -> float:
    """Return the largest difference relative to the output's largest expected value.

    Raises ParityError where that is above *tolerance*, where integers differ at all, and for other names, shapes or
    types.
    """
    if [*outputs] != [*expected]:
        raise ParityError(f"{platform}: outputs {', '.join(outputs)}; the reference has {', '.join(expected)}")
    return max(_compare(platform, name, outputs[name], expected[name], tolerance) for name in expected)


def _compare(platform: str, name: str, found: NDArray[Any], wanted: NDArray[Any], tolerance: float) -> float:
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        was, is_reference = f"{found.dtype} {list(found.shape)}", f"{wanted.dtype} {list(wanted.shape)}"
        raise ParityError(f"{platform}: {name} is {was}, the reference's {is_reference}")
    if wanted.size == 0:
        return 0.0
    if wanted.dtype.kind != "f":
        if not np.array_equal(found, wanted):
            raise ParityError(f"{platform}: {name} differs from the reference's in {np.sum(found != wanted)} places")
        return 0.0
    largest = float(np.abs(wanted.astype(np.float64)).max())
    difference = float(np.abs(found.astype(np.float64) - wanted).max()) / (largest or 1.0)
    if not difference <= tolerance:  # so that NaN fails
        raise ParityError(
            f"{platform}: {name} differ from the reference's by {difference:.1e} of the largest, more than {tolerance}"
        )
    return difference
