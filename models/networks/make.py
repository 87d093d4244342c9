"""From a definition to the files of every form and the manifest rows that identify them."""

import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from models import NETWORKS, NetworkSpec, manifest
from models.build import Workshop, export_tfjs, export_tflite
from models.export import DEEP_TOLERANCE, OPSET, check_logits, graph_facts, logits_of, strip_metadata
from models.files import replacing
from models.manifest import Row, sha256, variant
from models.networks import weights
from models.networks.definition import define
from models.precisions import FP16_METHOD, INT8_METHOD, to_fp16, to_int8
from models.resnet import multiply_adds

CALIBRATION = 16  # made-up images that int8's ranges are seen on
BATCH_SIZES = (1,)  # of the files for LiteRT, each as large as the network
INT8 = INT8_METHOD.format(images=f"{CALIBRATION} made-up images")


def make(name: str, shelf: Path = manifest.UNTRAINED) -> Iterator[str]:
    """Write a network in every form beside its manifest, *shelf*; yield a line on each.

    Raises ExportError where a form does not answer as the network does.
    """
    shelf.parent.mkdir(parents=True, exist_ok=True)
    spec, source = NETWORKS[name], shelf.parent / f"{name}.onnx"
    network = settled(spec)
    export(network, spec, source)
    facts = {
        "architecture": spec.architecture(),
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "multiply_adds": multiply_adds(network, spec.size),
        "untrained": True,
        "weights": weights.METHOD,
    }
    yield _write_row(name, source, facts, shelf)
    made = {"from": name, "sha256": sha256(source)}
    for precision, method in {"int8": INT8, "fp16": FP16_METHOD}.items():
        target = source.with_name(f"{variant(name, precision)}.onnx")
        with replacing(target) as written:
            _convert(spec, source, written, precision)
        yield _write_row(variant(name, precision), target, facts | {"made": {**made, "method": method}}, shelf)
    workshop = Workshop(manifest=shelf)
    export_tfjs(name, workshop)
    if importlib.util.find_spec("litert_torch"):
        export_tflite(name, workshop, BATCH_SIZES)
    else:
        yield f"{name}: not made for LiteRT: its converter is not in this environment; see `tox run -e networks`"


def _write_row(name: str, file: Path, facts: Row, shelf: Path) -> str:
    row = {"file": file.name, **graph_facts(file), **facts}
    manifest.write_row(name, row, shelf)
    return f"{file}: {row['bytes']:,} bytes, untrained, SHA-256 {row['sha256'][:12]}…"


def _convert(spec: NetworkSpec, source: Path, target: Path, precision: str) -> None:
    if precision == "int8":
        to_int8(source, target, _noise(spec))
    else:
        to_fp16(source, target)


def settled(spec: NetworkSpec) -> nn.Module:
    """Return the network in float32 with its seeded weights."""
    network, normed = define(spec)
    weights.settle(network, normed, spec.size, spec.seed)
    return network


def export(network: nn.Module, spec: NetworkSpec, file: Path) -> None:
    """Write *network* as ONNX: ``input`` float32 [batch, 3, size, size] to ``logits`` float32 [batch, 1000].

    Raises ExportError where onnxruntime's logits are not the network's.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 3, spec.size, spec.size),),
            input_names=["input"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    exported = strip_metadata(program.model_proto)
    onnx.checker.check_model(exported, full_check=True)
    images = next(_noise(spec))
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    with replacing(file) as partial_file:
        onnx.save(exported, partial_file)
        check_logits(logits_of(partial_file, images), expected, file.name, "the network's", DEEP_TOLERANCE)


def _noise(spec: NetworkSpec) -> Iterator[NDArray[np.float32]]:
    """Yield made-up images of another seed than the weights', a few at a time."""
    generator = np.random.default_rng(spec.seed + 1)
    for _ in range(CALIBRATION // 4):
        yield generator.standard_normal((4, 3, spec.size, spec.size), np.float32)
