"""Weights that nobody trained: alike on every machine, and such that the answers tell one image from another.

As PyTorch draws them they depend on the processor, and a deep network then answers all but the same whatever it is
shown: it would agree with the reference whatever a platform computed. So numpy draws them, and the mean and deviation
that a batch norm would give each channel are seen on seeded noise, which is what the networks are timed with. They are
seen in float64 and rounded to few bits: the order in which another processor sums does not reach them.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

IMAGES = 8  # that means and deviations are seen on
BITS = 12  # that they are rounded to
# Of a channel, before its activation. Part of all values lies below zero and part above six, so that every activation
# has something to do; with deviations much larger than means, a rounding in the first layer would decide the answer.
DEVIATIONS, MEANS = (-2.0, 1.0), (0.0, 2.0)  # deviations as powers of two
# Of the logits: what all images share, and what each has of its own. With a smaller shared part the steps of int8,
# which no two runtimes take alike, would be as large as the answer.
SHARED, OWN = 1.5, 0.25
BIASES = (-0.5, 0.5)  # of layers without a batch norm
METHOD = f"numpy's PCG64, uniform; means and deviations of the channels as seen on {IMAGES} images of noise"

Channels = NDArray[np.float64]


def settle(network: nn.Module, layers: Iterable[nn.Conv2d], size: int, seed: int) -> None:
    """Give *network* its weights; of *layers* each channel has a mean and a deviation drawn for it."""
    generator = np.random.default_rng(seed)
    images = torch.from_numpy(generator.standard_normal((IMAGES, 3, size, size)))
    network.double()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _draw(layer, generator)
    hooks = [layer.register_forward_hook(_Norm(layer, generator)) for layer in layers]
    with torch.no_grad():
        answers: Channels = network(images).numpy()
    for hook in hooks:
        hook.remove()
    _spread(_last_linear(network), answers)
    network.float()


def rounded(values: Channels) -> Channels:
    """Return *values* with BITS bits each."""
    fractions, exponents = np.frexp(values)
    kept: Channels = np.ldexp(np.round(fractions * 2**BITS), exponents - BITS)
    return kept


def _draw(layer: nn.Conv2d | nn.Linear, generator: np.random.Generator) -> None:
    """Draw weights by which a layer's answers vary as much as what it is given."""
    bound = math.sqrt(3 / layer.weight[0].numel())
    _set(layer.weight, generator.uniform(-bound, bound, layer.weight.shape))
    assert layer.bias is not None
    _set(layer.bias, generator.uniform(*BIASES, layer.bias.shape))


class _Norm:
    """Gives a convolution's channels their means and deviations when it first runs."""

    def __init__(self, layer: nn.Conv2d, generator: np.random.Generator) -> None:
        self._deviations = np.exp2(generator.uniform(*DEVIATIONS, layer.out_channels))
        self._means = generator.uniform(*MEANS, layer.out_channels)

    def __call__(self, layer: nn.Conv2d, _given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        seen = answer.transpose(0, 1).flatten(1).numpy()
        gains = rounded(self._deviations / seen.std(1))
        offsets = rounded(self._means - gains * seen.mean(1))
        assert layer.bias is not None
        _set(layer.weight, layer.weight.numpy() * gains[:, None, None, None])
        _set(layer.bias, layer.bias.numpy() * gains + offsets)
        of_channels = (torch.from_numpy(values)[:, None, None] for values in (gains, offsets))
        gain, offset = of_channels
        return answer * gain + offset


def _spread(head: nn.Linear, answers: Channels) -> None:
    """Give the logits the deviation OWN from image to image, and SHARED from class to class."""
    shared = answers.mean(0)
    gain = rounded(OWN / answers.std(0).mean())
    assert head.bias is not None
    _set(head.weight, head.weight.numpy() * gain)
    _set(head.bias, head.bias.numpy() * gain + rounded(shared * (SHARED / shared.std() - gain)))


def _last_linear(network: nn.Module) -> nn.Linear:
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


def _set(parameter: Tensor, values: Channels) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values))
