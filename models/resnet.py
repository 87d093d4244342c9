"""The CIFAR ResNets of He et al., "Deep Residual Learning for Image Recognition" (2016), section 4.2.

6n+2 layers: a 3x3 convolution, three stages of n two-layer blocks with 16, 32 and 64 channels, global average
pooling and one linear layer. Where a block changes shape its shortcut is a 1x1 projection (option B). The plain
nets of the same section leave the shortcuts out.
"""

import copy
from pathlib import Path
from typing import Any

import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models import ModelSpec
from models.graph import numbers
from models.manifest import ModelError

CLASSES = 100
IMAGE_SIZE = 32  # pixels a side


class Block(nn.Module):
    """Two 3x3 convolutions and, unless the net is plain, a shortcut around them."""

    def __init__(self, channels_in: int, channels: int, stride: int, plain: bool) -> None:
        super().__init__()
        self.plain = plain
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.norm1: nn.Module = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2: nn.Module = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if not plain and (stride != 1 or channels_in != channels):
            projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        residual = relu(self.norm1(self.conv1(x)))
        residual = self.norm2(self.conv2(residual))
        return relu(residual if self.plain else residual + self.shortcut(x))


class ResNet(nn.Module):
    """Map images, float32 [batch, 3, 32, 32], to logits, float32 [batch, 100]."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, spec.widths[0], 3, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(spec.widths[0])
        self.blocks = nn.Sequential(*_blocks(spec))
        self.head = nn.Linear(spec.widths[-1], CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.blocks(relu(self.norm(self.conv(x))))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


def _blocks(spec: ModelSpec) -> list[Block]:
    blocks_per_stage, remainder = divmod(spec.depth - 2, 6)
    if remainder or blocks_per_stage < 1:
        raise ValueError(f"{spec.name}: depth {spec.depth}, but a CIFAR ResNet has 6n+2 layers (8, 14, 20, …)")
    blocks, channels_in = [], spec.widths[0]
    for stage, channels in enumerate(spec.widths):
        for index in range(blocks_per_stage):
            stride = 2 if stage > 0 and index == 0 else 1
            blocks.append(Block(channels_in, channels, stride, spec.plain))
            channels_in = channels
    return blocks


def fold_batch_norm(model: ResNet) -> ResNet:
    """Return a copy in evaluation mode whose convolutions carry their batch norm as weights and bias."""
    folded = copy.deepcopy(model).eval()
    folded.conv, folded.norm = _fold(folded.conv, folded.norm), nn.Identity()
    for block in folded.modules():
        if isinstance(block, Block):
            block.conv1, block.norm1 = _fold(block.conv1, block.norm1), nn.Identity()
            block.conv2, block.norm2 = _fold(block.conv2, block.norm2), nn.Identity()
            if isinstance(block.shortcut, nn.Sequential):
                block.shortcut = _fold(*block.shortcut)
    return folded


def _fold(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(conv, norm)


def restore(artefact_path: Path, spec: ModelSpec) -> ResNet:
    """Return the folded network in evaluation mode with the weights of a float32 file that export_onnx wrote.

    Raises ModelError naming the first weight that is absent, unexpected, or of another type or shape.
    """
    folded = fold_batch_norm(ResNet(spec))
    load_weights(folded, artefact_path, spec.name)
    return folded


def load_weights(network: nn.Module, artefact_path: Path, name: str) -> None:
    """Give *network*, which is called *name*, the weights of an exported file; raise ModelError as :func:`restore`."""
    # Integers are axes and shapes of the graph, and single numbers the limits of a Clip: no weights.
    held = numbers(onnx.load(artefact_path)).items()
    weights = {name: value for name, value in held if value.dtype.kind != "i" and value.ndim}
    expected = {name: value.numpy() for name, value in network.state_dict().items()}
    _refuse_unlike(weights, expected, f"{artefact_path}: not the float32 weights of {name}")
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})


def _refuse_unlike(weights: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]], complaint: str) -> None:
    kinds = [{name: f"{value.dtype} {[*value.shape]}" for name, value in side.items()} for side in (weights, expected)]
    for name in [*expected, *weights]:
        in_file, in_network = (kind.get(name, "absent") for kind in kinds)
        if in_file != in_network:
            raise ModelError(f"{complaint}: {name} is {in_file} in the file, {in_network} in the network")


def multiply_adds(model: nn.Module, size: int = IMAGE_SIZE) -> int:
    """Count the multiply-adds of the convolutions and linear layers for one image of *size* x *size* pixels."""
    total = 0

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        total += output.numel() * layer.weight[0].numel()

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return total
