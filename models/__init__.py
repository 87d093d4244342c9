"""The models under test: the catalogue, their trained ONNX files, and how those are made.

Adding a model is one line in :data:`MODELS`, then ``tox run -e train -- NAME``; a network that is only timed is one
line in :data:`NETWORKS`, then ``tox run -e networks -- NAME``.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# As in benchmarks/__init__.py: onnxruntime's wheels send usage data unless this is set before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


WORK_DIR = Path(__file__).parents[1] / ".training"  # checkpoints and downloads
WIDTHS = (16, 32, 64)  # channels of the three stages
HALF_WIDTHS = (8, 16, 32)


@dataclass(frozen=True)
class ModelSpec:
    """A candidate: a CIFAR ResNet of *depth* weighted layers (6n+2), or its plain form without shortcuts."""

    name: str
    depth: int
    widths: tuple[int, int, int] = WIDTHS
    plain: bool = False

    def architecture(self) -> dict[str, Any]:
        """Return what decides the graph, as the manifest holds it."""
        return {"depth": self.depth, "widths": list(self.widths), "plain": self.plain}


MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec("resnet8", depth=8),
        ModelSpec("resnet14", depth=14),
        ModelSpec("resnet20", depth=20),
        ModelSpec("resnet8-half", depth=8, widths=HALF_WIDTHS),
        ModelSpec("resnet14-half", depth=14, widths=HALF_WIDTHS),
        ModelSpec("resnet20-half", depth=20, widths=HALF_WIDTHS),
        ModelSpec("plain20", depth=20, plain=True),
    )
}


@dataclass(frozen=True)
class NetworkSpec:
    """A timing network: a *definition* of torchvision with weights that nobody trained (see :mod:`models.networks`)."""

    name: str
    definition: str
    size: int = 224  # of the images, in pixels a side
    seed: int = 0

    def architecture(self) -> dict[str, Any]:
        """Return what decides graph and weights, as the manifest holds it."""
        return {"definition": self.definition, "size": self.size, "seed": self.seed}


NETWORKS: dict[str, NetworkSpec] = {
    spec.name: spec
    for spec in (
        NetworkSpec("mobilenet-v3-small", "mobilenet_v3_small"),
        NetworkSpec("mobilenet-v2", "mobilenet_v2"),
        NetworkSpec("efficientnet-b0", "efficientnet_b0"),
        NetworkSpec("resnet18", "resnet18"),
        NetworkSpec("resnet50", "resnet50"),
    )
}
