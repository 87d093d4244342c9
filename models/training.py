"""The training loop: one model, one recipe, a checkpoint after every epoch."""

import json
import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad
from tqdm import tqdm

from models.cifar100 import MEAN, STD, Split
from models.resnet import ResNet

METHOD = (
    "SGD with Nesterov momentum, one cosine cycle of the learning rate, label smoothing, random crops of reflected "
    "borders and random flips, bfloat16 autocast where the processor has it"
)


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


@dataclass(frozen=True)
class Job:
    """One training: what is trained, how, and the files that carry it over an interruption."""

    name: str
    depth: int
    recipe: Recipe
    checkpoint: Path
    log: Path  # JSON lines, one an epoch


class Trainer:
    """Trains one model; what it has reached lies in the job's checkpoint after every epoch."""

    def __init__(self, job: Job, data: Split) -> None:
        self.job, self.recipe = job, job.recipe
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(self.recipe.seed)
        self.model = ResNet(job.depth)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(self.model, self.recipe)
        self.images = _padded(data, self.recipe.crop_padding).to(self.device)
        self.labels = torch.from_numpy(data.labels).to(self.device)
        self.steps = len(data.labels) // self.recipe.batch_size
        self.epoch = self._restore()

    def run(self) -> ResNet:
        """Train to the recipe's last epoch and return the model, on the CPU.

        Raises TrainingError on a loss that is not finite and where a checkpoint cannot be written.
        """
        while self.epoch < self.recipe.epochs:
            row = {"epoch": self.epoch + 1, **self._train_epoch()}
            self.epoch += 1
            self._save()
            with self.job.log.open("a" if self.epoch > 1 else "w") as lines:
                lines.write(json.dumps(row) + "\n")
            tqdm.write(f"{self.job.name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
        self.model.to("cpu")
        return self.model

    def _train_epoch(self) -> dict[str, float]:
        """Go through the data once; return loss, accuracy on the augmented images, learning rate and seconds."""
        self.model.train()
        loss_sum, correct, rate, started = 0.0, 0, 0.0, time.perf_counter()
        # A generator of this epoch alone makes a resumed run draw what an unbroken one would have drawn.
        generator = torch.Generator().manual_seed(self.recipe.seed * 100_003 + self.epoch)
        batches = _batches(self.images, self.labels, self.recipe, generator)
        title = f"{self.job.name} epoch {self.epoch + 1}/{self.recipe.epochs}"
        for step, batch in enumerate(tqdm(batches, title, self.steps, leave=False, mininterval=1, disable=None)):
            rate = self.recipe.learning_rate((self.epoch + step / self.steps) / self.recipe.epochs)
            loss, hits = self._train_step(*batch, rate)
            if not math.isfinite(loss):
                raise TrainingError(f"{title}: the loss is {loss} in step {step}; lower peak_learning_rate")
            loss_sum, correct = loss_sum + loss, correct + hits
        return {
            "loss": round(loss_sum / self.steps, 4),
            "train_accuracy": round(correct / (self.steps * self.recipe.batch_size), 4),
            "learning_rate": round(rate, 6),
            "seconds": round(time.perf_counter() - started, 1),
        }

    def _train_step(self, images: Tensor, targets: Tensor, rate: float) -> tuple[float, int]:
        """Take one step at learning rate *rate*; return the loss before it and the number of right answers."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=_has_bfloat16(self.device)):
            logits = self.model(images)
            loss = cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item(), int((logits.argmax(1) == targets).sum())

    def _save(self) -> None:
        state = {
            "name": self.job.name,
            "recipe": asdict(self.recipe),
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        path = self.job.checkpoint
        partial = path.with_suffix(".part")
        try:
            torch.save(state, partial)
            os.replace(partial, path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            partial.unlink(missing_ok=True)
            raise TrainingError(f"{path}: the checkpoint of epoch {self.epoch} was not written: {error}") from error

    def _restore(self) -> int:
        """Load the checkpoint where there is one; return the number of epochs it has behind it."""
        path, job = self.job.checkpoint, self.job
        if not path.exists():
            return 0
        state = torch.load(path, weights_only=True, map_location=self.device)
        if (state["name"], state["recipe"]) != (job.name, asdict(self.recipe)):
            raise TrainingError(
                f"{path} holds {state['name']} after {state['epoch']} epochs of {state['recipe']}, "
                f"not {job.name} with {asdict(self.recipe)}; delete the file to begin again"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["epoch"])


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
        return bool(torch.cuda.is_bf16_supported())
    cpuinfo = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()
