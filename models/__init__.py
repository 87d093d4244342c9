"""The models under test: the catalogue, their trained ONNX files, and how those are made.

Adding a model is one line in :data:`MODELS`, then ``tox run -e train -- NAME``.
"""

import os
from dataclasses import dataclass

# As in benchmarks/__init__.py: onnxruntime's wheels send usage data unless this is set before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


@dataclass(frozen=True)
class ModelSpec:
    """A CIFAR ResNet of the catalogue; *depth* counts weighted layers and is 6n+2."""

    name: str
    depth: int


MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec("resnet8", depth=8),
        ModelSpec("resnet14", depth=14),
        ModelSpec("resnet20", depth=20),
    )
}
