"""The timing networks in PyTorch as inference has them: each batch norm is part of its convolution."""

from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from models import NetworkSpec
from models.resnet import load_weights


def define(spec: NetworkSpec) -> tuple[nn.Module, list[nn.Conv2d]]:
    """Return torchvision's network in evaluation mode, its weights of no use yet, and the layers that had a norm."""
    import torchvision  # not above: only these networks need it

    network: nn.Module = torchvision.models.get_model(spec.definition, weights=None).eval().requires_grad_(False)
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    normed = []
    for (_, layer), (name, following) in pairwise(layers):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels), requires_grad=False)
            network.set_submodule(name, nn.Identity())
            normed.append(layer)
    return network, normed


def restore(artefact_path: Path, spec: NetworkSpec) -> nn.Module:
    """Return the network with the weights of a float32 file that :mod:`make` wrote.

    Raises ModelError naming the first weight that is absent, unexpected, or of another type or shape.
    """
    network, _ = define(spec)
    load_weights(network, artefact_path, spec.name)
    return network
