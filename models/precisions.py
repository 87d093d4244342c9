"""The same network in fewer bits: int8 by static quantisation, and fp16."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from models.export import strip_metadata

# Signed activations (s8s8) would leave the fast integer instructions of x86 unused.
INT8_METHOD = "static QDQ, unsigned activations, signed weights per channel, ranges seen on {images}"
FP16_METHOD = "float16 weights and arithmetic between float32 inputs and outputs"


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands the calibrator a batch at a time."""

    def __init__(self, batches: Iterable[NDArray[np.float32]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next feed, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"input": batch}


def to_int8(source: Path, target: Path, batches: Iterable[NDArray[np.float32]]) -> None:
    """Write *source* quantised to *target*; the ranges of the activations are seen on *batches* of images."""
    with tempfile.TemporaryDirectory() as folder:
        inferred, raw = Path(folder, "inferred.onnx"), Path(folder, "raw.onnx")
        quant_pre_process(source, inferred, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            inferred,
            raw,
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        _save(onnx.load(raw), target)


def to_fp16(source: Path, target: Path) -> None:
    """Write *source* with float16 inside and float32 inputs and outputs to *target*."""
    converted = OnnxModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    converted.topological_sort()  # the converter appends its casts at the end
    _save(converted.model, target)


def _save(model: onnx.ModelProto, target: Path) -> None:
    onnx.checker.check_model(model, full_check=True)
    onnx.save(strip_metadata(model), target)
