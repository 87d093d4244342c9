"""The training loop: one model, one recipe, a checkpoint after every epoch."""

import json
import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad
from tqdm import tqdm

from models.cifar100 import MEAN, STD, Split
from models.resnet import ResNet


class TrainingError(Exception):
    """Training cannot start or go on; the last good checkpoint is kept."""


@dataclass(frozen=True)
class Recipe:
    """Everything besides the data and the versions that decides the trained weights."""

    epochs: int
    seed: int = 0
    batch_size: int = 128
    peak_learning_rate: float = 0.3
    rise: float = 0.2  # share of the steps in which the rate climbs to its peak
    momentum: float = 0.9  # Nesterov
    weight_decay: float = 5e-4  # on weight matrices only; biases and norms are left alone
    label_smoothing: float = 0.05
    crop_padding: int = 4  # reflected pixels around an image before the random 32x32 crop

    def learning_rate(self, progress: float) -> float:
        """Return the rate at *progress* 0…1 of all steps: one cosine cycle (Smith & Topin 2018)."""
        if progress < self.rise:
            share = (1 - math.cos(math.pi * progress / self.rise)) / 2
            return self.peak_learning_rate * (0.04 + 0.96 * share)
        share = (1 + math.cos(math.pi * (progress - self.rise) / (1 - self.rise))) / 2
        return self.peak_learning_rate * (1e-5 + (1 - 1e-5) * share)


def train(name: str, depth: int, recipe: Recipe, data: Split, checkpoint: Path, log: Path) -> ResNet:
    """Train the ResNet of *depth* layers on *data* and return it, on the CPU.

    Goes on from *checkpoint* where that holds the same model and recipe, writes it anew after every epoch
    (atomically), and appends one JSON line an epoch to *log*: epoch, loss, training accuracy (of augmented images),
    learning rate, seconds. Raises TrainingError on a loss that is not finite, or a checkpoint of something else.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    model = ResNet(depth).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = _optimizer(model, recipe)
    first_epoch = _restore(checkpoint, name, recipe, model, optimizer)
    if first_epoch == 0:
        log.unlink(missing_ok=True)
    padded = _padded(data, recipe.crop_padding).to(device)
    labels = torch.from_numpy(data.labels).to(device)
    for epoch in range(first_epoch, recipe.epochs):
        row = {"epoch": epoch + 1, **_epoch(name, epoch, recipe, model, optimizer, padded, labels)}
        _save(checkpoint, name, recipe, epoch + 1, model, optimizer)
        with log.open("a") as lines:
            lines.write(json.dumps(row) + "\n")
        tqdm.write(f"{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
    return model.to("cpu")


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=0.0, momentum=recipe.momentum, nesterov=True)


def _padded(data: Split, padding: int) -> Tensor:
    """Return the images with reflected borders, uint8 [n, 32 + 2p, 32 + 2p, 3]: channels last, as crops are cut."""
    images = torch.from_numpy(data.images.copy())
    return pad(images, (padding,) * 4, mode="reflect").permute(0, 2, 3, 1).contiguous()


def _epoch(
    name: str,
    epoch: int,
    recipe: Recipe,
    model: ResNet,
    optimizer: torch.optim.Optimizer,
    padded: Tensor,
    labels: Tensor,
) -> dict[str, float]:
    model.train()
    steps = len(labels) // recipe.batch_size
    loss_sum, correct, started = 0.0, 0, time.perf_counter()
    # A generator of this epoch alone makes a resumed run draw what an unbroken one would have drawn.
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
    batches = _batches(padded, labels, recipe, generator)
    bar = tqdm(batches, f"{name} epoch {epoch + 1}/{recipe.epochs}", steps, leave=False, mininterval=1, disable=None)
    for step, (images, targets) in enumerate(bar):
        rate = recipe.learning_rate((epoch * steps + step) / (recipe.epochs * steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(images.device.type, torch.bfloat16, enabled=_has_bfloat16(images.device)):
            logits = model(images)
            loss = cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
        if not math.isfinite(value := loss.item()):
            raise TrainingError(f"{name}: loss {value} in epoch {epoch + 1}, step {step}; lower peak_learning_rate")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss_sum += value
        correct += int((logits.argmax(1) == targets).sum())
    return {
        "loss": round(loss_sum / steps, 4),
        "train_accuracy": round(correct / (steps * recipe.batch_size), 4),
        "learning_rate": round(rate, 6),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _batches(
    padded: Tensor, labels: Tensor, recipe: Recipe, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches, each image cropped and flipped at random, normalised, float32 [batch, 3, 32, 32]."""
    device, size, offsets = padded.device, recipe.batch_size, torch.arange(32)
    mean, std = torch.tensor(MEAN, device=device) * 255, torch.tensor(STD, device=device) * 255
    order = torch.randperm(len(labels), generator=generator)
    for start in range(0, len(order) - size + 1, size):
        picked = order[start : start + size]
        shifts = torch.randint(0, 2 * recipe.crop_padding + 1, (2, size, 1), generator=generator)
        rows, columns = shifts[0] + offsets, shifts[1] + offsets
        flip = torch.rand(size, 1, generator=generator) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
        index = (picked[:, None, None], rows[:, :, None], columns[:, None, :])
        crops = padded[tuple(part.to(device) for part in index)]
        yield ((crops.float() - mean) / std).permute(0, 3, 1, 2), labels[picked.to(device)]


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere autocast is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    cpuinfo = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()


def _save(
    path: Path, name: str, recipe: Recipe, epoch: int, model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    state: dict[str, Any] = {
        "name": name,
        "recipe": asdict(recipe),
        "epoch": epoch,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    partial = path.with_suffix(".part")
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        partial.unlink(missing_ok=True)
        raise TrainingError(f"{path}: the checkpoint of epoch {epoch} could not be written: {error}") from error


def _restore(path: Path, name: str, recipe: Recipe, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load the checkpoint where there is one; return the number of epochs it has behind it."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if (state["name"], state["recipe"]) != (name, asdict(recipe)):
        raise TrainingError(
            f"{path} holds {state['name']} after {state['epoch']} epochs of {state['recipe']}, "
            f"not {name} with {asdict(recipe)}; delete the file to begin again"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epoch"])
