"""The reference every platform's logits are held against: the ONNX graph as written, on onnxruntime's CPU provider."""

import os
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.protocol import Batch, Logits

SEED = 20231
# Of the largest reference logit. float32 implementations differ by 1e-7 to 5e-7 in the order of their sums.
TOLERANCE = 1e-5


class ParityError(Exception):
    """A platform computes something else than the reference; its times would be of another model."""


def seeded_batch(size: int) -> Batch:
    """Return the fixed batch of *size* images, float32 [size, 3, 32, 32], distributed as normalised images are."""
    return np.random.default_rng(SEED).standard_normal((size, 3, 32, 32), np.float32)


def reference_logits(model: Path, batch: Batch) -> Logits:
    """Run the graph without optimisations, so that what a runtime rewrites is compared with what was exported."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])
    logits: Logits = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return logits


def check_parity(platform: str, logits: Logits, expected: Logits) -> float:
    """Return the largest difference relative to the largest expected logit; raise ParityError above TOLERANCE."""
    if logits.shape != expected.shape:
        raise ParityError(f"{platform}: logits of shape {logits.shape}, the reference has {expected.shape}")
    difference = float(np.abs(logits - expected).max() / np.abs(expected).max())
    if not difference <= TOLERANCE:  # so that NaN fails
        raise ParityError(
            f"{platform}: logits differ from the reference's by {difference:.1e} of the largest, more than {TOLERANCE}"
        )
    return difference
