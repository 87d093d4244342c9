"""From a float32 ONNX file to LiteRT's format, for images in batches of one fixed size.

The converter reads no ONNX: it is given the network in PyTorch, its weights restored from the file.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models import ModelSpec
from models.export import check_logits, logits_of
from models.files import ExportError, replacing
from models.manifest import MODELS_DIR
from models.resnet import restore

BATCH_SIZES = (1, 8, 64)


def to_tflite(source: Path, spec: ModelSpec, batch_size: int, target: Path) -> float:
    """Write *source* to *target*: one input, float32 [batch_size, 3, 32, 32], one output, float32 [batch_size, 100].

    Return how far LiteRT's logits are from onnxruntime's, as a share of the largest. Raises ExportError without the
    converter, where the logits are not alike, and where the file tells of the machine it was made on.
    """
    try:
        import litert_torch
    except ImportError as error:  # it needs an environment of its own
        raise ExportError(f"{target.name}: {error}; run `tox run -e export-tflite -- {spec.name}`") from error
    images = np.random.default_rng(0).standard_normal((batch_size, 3, 32, 32), np.float32)
    converted = litert_torch.convert(restore(source, spec), (torch.from_numpy(images),))
    with replacing(target) as partial:
        converted.export(str(partial))
        _refuse_local_paths(partial.read_bytes(), target.name)
        return check_logits(_litert_logits(partial, images), logits_of(source, images), target.name, "onnxruntime's")


def _refuse_local_paths(content: bytes, name: str) -> None:
    for folder in (str(MODELS_DIR.parent), sys.prefix, tempfile.gettempdir()):
        if folder.encode() in content:
            raise ExportError(f"{name}: the converter wrote the local path {folder} into the file; not kept")


def _litert_logits(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (input_details,), (output_details,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(input_details["index"], images)
    interpreter.invoke()
    logits: NDArray[np.float32] = interpreter.get_tensor(output_details["index"])
    return logits
