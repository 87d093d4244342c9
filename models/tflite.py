"""From a float32 ONNX file to LiteRT's format, for images in batches of one fixed size.

The converter reads no ONNX: it is given the network in PyTorch, its weights restored from the file.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models import NETWORKS
from models.export import DEEP_TOLERANCE, TOLERANCE, check_logits, logits_of
from models.files import ExportError, replacing
from models.in_torch import network_of
from models.manifest import MODELS_DIR
from models.resnet import IMAGE_SIZE

BATCH_SIZES = (1, 8, 64)


def to_tflite(source: Path, name: str, batch_size: int, target: Path) -> float:
    """Write *source*, the file of the model *name*, to *target*: images in, logits out, *batch_size* of each.

    Return how far LiteRT's logits are from onnxruntime's, as a share of the largest. Raises ExportError without the
    converter, where the logits are not alike, and where the file tells of the machine it was made on.
    """
    try:
        import litert_torch
    except ImportError as error:  # it needs an environment of its own
        remedy = "networks" if name in NETWORKS else "export-tflite"
        raise ExportError(f"{target.name}: {error}; run `tox run -e {remedy} -- {name}`") from error
    size = NETWORKS[name].size if name in NETWORKS else IMAGE_SIZE
    images = np.random.default_rng(0).standard_normal((batch_size, 3, size, size), np.float32)
    network = _zero_padded(network_of(name, source))
    converted = litert_torch.convert(network, (torch.from_numpy(images),))
    with replacing(target) as partial:
        converted.export(str(partial))
        _refuse_local_paths(partial.read_bytes(), target.name)
        tolerance = DEEP_TOLERANCE if name in NETWORKS else TOLERANCE
        logits, expected = _litert_logits(partial, images), logits_of(source, images)
        return check_logits(logits, expected, target.name, "onnxruntime's", tolerance)


def _zero_padded(network: nn.Module) -> nn.Module:
    """Let poolings take the largest number of zeros, too, instead of minus infinity, which XNNPACK does not pad with.

    Behind a Relu no number is below zero, and the answer is the same; whether it is, is checked on the file.
    """
    for name, layer in [*network.named_modules()]:
        if isinstance(layer, nn.MaxPool2d) and isinstance(layer.padding, int) and layer.padding:
            pooling = nn.MaxPool2d(layer.kernel_size, layer.stride)
            network.set_submodule(name, nn.Sequential(nn.ZeroPad2d(layer.padding), pooling))
    return network


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
