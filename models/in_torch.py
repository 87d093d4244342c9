"""The catalogue's networks in PyTorch, with the weights of their files."""

from pathlib import Path

from torch import nn

from models import MODELS, NETWORKS
from models.networks import definition
from models.resnet import restore


def network_of(name: str, file: Path) -> nn.Module:
    """Return the network called *name*, in evaluation mode, with the weights of its float32 *file*.

    Raises ModelError naming the first weight that is not the network's, ImportError where torchvision is missing.
    """
    return definition.restore(file, NETWORKS[name]) if name in NETWORKS else restore(file, MODELS[name])
