"""From a trained ResNet to a committed ONNX file and the manifest row that identifies it."""

import platform
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from models import graph
from models.cifar100 import Split, accuracy, normalise
from models.files import ExportError, replacing
from models.manifest import Row, sha256
from models.resnet import ResNet, fold_batch_norm

OPSET = 18  # taken by onnxruntime and onnxruntime-web alike, with IR version 10
TOLERANCE = 1e-5  # of the largest logit; folding and converting reorder float32 sums, no more
DEEP_TOLERANCE = 1e-4  # of the timing networks, where fifty layers pass a rounding on


def export_onnx(model: ResNet, path: Path) -> None:
    """Write *model* as ONNX: ``input`` float32 [batch, 3, 32, 32] to ``logits`` float32 [batch, 100].

    Batch norm is folded, the batch axis is dynamic, and the exporter's metadata (local paths, stack traces) is
    removed. Raises ExportError where onnxruntime's logits are not the model's.
    """
    folded, example = fold_batch_norm(model), torch.randn(2, 3, 32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            folded,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits"],
            dynamic_shapes={"x": {0: torch.export.Dim("batch")}},
        )
    assert program is not None
    exported = strip_metadata(program.model_proto)
    onnx.checker.check_model(exported, full_check=True)
    with replacing(path) as partial:
        onnx.save(exported, partial)
        _check_parity(model, partial, path.name)


def strip_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove every metadata property and doc string: they carry paths of the machine that exported the file."""
    inside = model.graph
    for part in (model, inside, *inside.node, *inside.input, *inside.output, *inside.value_info, *inside.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def _check_parity(model: ResNet, path: Path, name: str) -> None:
    images = np.random.default_rng(0).standard_normal((5, 3, 32, 32), np.float32)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(images)).numpy()
    check_logits(logits_of(path, images), expected, name, "the trained model's")


def check_logits(
    logits: NDArray[np.float32], expected: NDArray[np.float32], name: str, whose: str, tolerance: float = TOLERANCE
) -> float:
    """Return how far *logits* are from the *expected* ones, as a share of the largest.

    Raises ExportError, in which *whose* says where the expected ones come from, above *tolerance*.
    """
    assert logits.shape == expected.shape
    difference = float(np.abs(logits - expected).max() / np.abs(expected).max())
    if not difference <= tolerance:  # so that NaN fails
        raise ExportError(f"{name}: logits differ from {whose} by {difference:.1e} of the largest; not kept")
    return difference


def logits_of(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits that onnxruntime computes on the CPU, a row for each image, 500 images at a time."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    chunks = [images[start : start + 500] for start in range(0, len(images), 500)]
    return np.concatenate([session.run(["logits"], {"input": chunk})[0] for chunk in chunks])


def file_facts(path: Path, test: Split) -> Row:
    """Return what the manifest says of a trained model's file in any precision."""
    score = accuracy(logits_of(path, normalise(test.images)), test.labels)
    return graph_facts(path) | {"test": {"images": len(test.labels), **score}}


def graph_facts(path: Path) -> Row:
    """Return what the manifest says of any file."""
    model = graph.read(path)
    return {
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "precision": graph.precision(model),
        "opset": model.opset_import[0].version,
        "ir_version": model.ir_version,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
