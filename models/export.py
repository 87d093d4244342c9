"""From a trained ResNet to a committed ONNX file and the manifest row that identifies it."""

import platform
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from models.cifar100 import MEAN, STD, Split, normalise
from models.manifest import sha256
from models.resnet import ResNet, fold_batch_norm, multiply_adds
from models.training import METHOD, Job

OPSET = 18  # taken by onnxruntime and onnxruntime-web alike, with IR version 10
EXPORT_TOLERANCE = 1e-5  # of the largest logit; folding reorders float32 sums, no more


class ExportError(Exception):
    """The exported file does not compute what the trained model computes."""


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
    graph = strip_metadata(program.model_proto)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
    _check_parity(model, path)


def strip_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove every metadata property and doc string: they carry paths of the machine that exported the file."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def _check_parity(model: ResNet, path: Path) -> None:
    images = np.random.default_rng(0).standard_normal((5, 3, 32, 32), np.float32)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(images)).numpy()
    difference = np.abs(logits_of(path, images) - expected).max() / np.abs(expected).max()
    if not difference <= EXPORT_TOLERANCE:
        raise ExportError(f"{path}: logits differ from the trained model's by {difference:.1e} of the largest")


def logits_of(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits that onnxruntime computes on the CPU, float32 [n, 100], 500 images at a time."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    chunks = [images[start : start + 500] for start in range(0, len(images), 500)]
    return np.concatenate([session.run(["logits"], {"input": chunk})[0] for chunk in chunks])


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return top-1 and top-5 accuracy in per cent."""
    ranked = np.argsort(-logits, axis=1, kind="stable")[:, :5] == labels[:, None]
    return {"top1": round(100 * float(ranked[:, 0].mean()), 2), "top5": round(100 * float(ranked.any(1).mean()), 2)}


def precision(graph: onnx.ModelProto) -> str:
    """Return the type of the convolutions' weights, such as ``float32``; raise ExportError where they differ."""
    found = {
        onnx.helper.tensor_dtype_to_np_dtype(w.data_type).name for w in graph.graph.initializer if len(w.dims) == 4
    }
    if len(found) != 1:
        raise ExportError(f"convolution weights of {len(found)} types: {', '.join(sorted(found))}")
    return str(found.pop())


def manifest_row(job: Job, model: ResNet, path: Path, test: Split) -> dict[str, Any]:
    """Describe the exported file at *path*; its accuracy is onnxruntime's on the whole of *test*."""
    graph = onnx.load(path)
    return {
        "file": path.name,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "depth": job.depth,
        "precision": precision(graph),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model),
        "training": {"method": METHOD, **asdict(job.recipe)},
        "test": {"images": len(test.labels), **accuracy(logits_of(path, normalise(test.images)), test.labels)},
        "normalisation": {"mean": MEAN, "std": STD},
        "opset": graph.opset_import[0].version,
        "ir_version": graph.ir_version,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
