"""The training loop: one model, one recipe, a checkpoint after every epoch."""

import json
import math
import pickle
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad
from tqdm import tqdm

from models import ModelSpec
from models.cifar100 import MEAN, STD, Split, normalised_batches, right
from models.files import replacing
from models.resnet import ResNet
from models.steps import EagerStep, step_on

METHOD = (
    "SGD with Nesterov momentum, one cosine cycle of the learning rate, label smoothing, random crops of reflected "
    "borders, a flip in every other epoch, images that grow to full size on the way, bfloat16 autocast where the "
    "processor has it"
)
FULL_SIZE = 32
REMEDY = "lower peak_learning_rate of Recipe in models/training.py and delete the checkpoint"


class TrainingError(Exception):
    """Training cannot start or go on; the last good checkpoint is kept."""


@dataclass(frozen=True)
class Recipe:
    """Everything besides the data and the versions that decides the trained weights."""

    epochs: int
    seed: int = 0  # of the first weights and of every draw
    batch_size: int = 128  # larger ones need fewer, longer steps and lose accuracy
    peak_learning_rate: float = 0.3  # for this batch size
    rise: float = 0.2  # share of the steps in which the rate climbs to its peak
    momentum: float = 0.9  # Nesterov
    weight_decay: float = 5e-4  # on weight matrices only; biases and norms are left alone
    label_smoothing: float = 0.05  # share of the target that is spread over all classes
    crop_padding: int = 4  # reflected pixels around an image before the random 32x32 crop
    small_sizes: tuple[int, ...] = (20, 24, 28)  # pixels a side of the first images; a step costs their square
    growth: float = 0.6  # share of the epochs spent on small images, each size equally long

    def learning_rate(self, progress: float) -> float:
        """Return the rate at *progress* 0…1 of all steps: one cosine cycle (Smith & Topin 2018)."""
        if progress < self.rise:
            share = (1 - math.cos(math.pi * progress / self.rise)) / 2
            return self.peak_learning_rate * (0.04 + 0.96 * share)
        share = (1 + math.cos(math.pi * (progress - self.rise) / (1 - self.rise))) / 2
        return self.peak_learning_rate * (1e-5 + (1 - 1e-5) * share)

    def image_size(self, progress: float) -> int:
        """Return the pixels a side at *progress*: progressive resizing (Howard 2018; Tan & Le 2021, section 4)."""
        index = int(progress / self.growth * len(self.small_sizes))
        return self.small_sizes[index] if index < len(self.small_sizes) else FULL_SIZE


@dataclass(frozen=True)
class Job:
    """One training: what is trained, how, and the files that carry it over an interruption."""

    spec: ModelSpec
    recipe: Recipe
    checkpoint: Path
    log: Path  # JSON lines, one an epoch

    def read_checkpoint(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds, None where there is none; raise TrainingError where it is damaged."""
        if not self.checkpoint.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise TrainingError(f"{self.checkpoint} is damaged; delete the file to begin again") from error
        return state

    def refuse_unfinished(self) -> None:
        """Raise TrainingError where the checkpoint is of a training that was stopped before its end."""
        state = self.read_checkpoint()
        if state and len(state["log"]) < state["job"]["recipe"]["epochs"]:
            raise TrainingError(
                f"{self.checkpoint} is of an unfinished run: pass --resume to go on, or delete the file"
            )


class Trainer:
    """Trains one model; what it has reached lies in the job's checkpoint after every epoch."""

    def __init__(self, job: Job, data: Split, held_out: Split) -> None:
        self.job, self.recipe, self.held_out = job, job.recipe, held_out
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(self.recipe.seed)
        self.model = ResNet(job.spec)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(self.model, self.recipe)
        eager = EagerStep(self.model, self.optimizer, self.recipe.label_smoothing, _has_bfloat16(self.device))
        self._step = step_on(self.device, eager)
        self.images = _padded(data, self.recipe.crop_padding).to(self.device)
        self.labels = torch.from_numpy(data.labels).to(self.device)
        self.steps = len(data.labels) // self.recipe.batch_size
        self.log: list[dict[str, float]] = []
        self._restore()

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.log)

    def run(self) -> ResNet:
        """Train to the recipe's last epoch and return the model, on the CPU.

        Raises TrainingError on a loss or weights that are not finite and where a checkpoint cannot be written.
        """
        with self._progress() as bar:
            while self.epoch < self.recipe.epochs:
                row = {"epoch": self.epoch + 1, **self._train_epoch(bar), **self._held_out_accuracy()}
                self.log.append(row)
                self._save()
                tqdm.write(f"{self.job.spec.name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
        self.model.to("cpu")
        return self.model

    def _progress(self) -> "tqdm[Any]":
        """Return a bar over the whole training; it counts pixels, so that its time left is right for growing images."""
        work = [self.recipe.image_size(epoch / self.recipe.epochs) ** 2 for epoch in range(self.recipe.epochs)]
        return tqdm(
            total=sum(work) * self.steps,
            initial=sum(work[: self.epoch]) * self.steps,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left",
            mininterval=1,
            disable=None,
        )

    def _train_epoch(self, bar: "tqdm[Any]") -> dict[str, float]:
        """Go through the data once; return loss, accuracy on the augmented images, learning rate and seconds."""
        self.model.train()
        rate, started = 0.0, time.perf_counter()
        totals = torch.zeros(2, dtype=torch.float64, device=self.device)  # of losses and right answers
        size = self.recipe.image_size(self.epoch / self.recipe.epochs)
        title = f"{self.job.spec.name} epoch {self.epoch + 1}/{self.recipe.epochs}"
        bar.set_description_str(title)
        for step, batch in enumerate(_batches(self.images, self.labels, self.recipe, self.epoch)):
            rate = self.recipe.learning_rate((self.epoch + step / self.steps) / self.recipe.epochs)
            outcome = self._train_step(*batch, rate, size)
            if self.device.type == "cpu":  # elsewhere a look at every loss would hold the device up
                _refuse_infinite(outcome[0].item(), title, f"in step {step}")
            totals += outcome
            bar.update(size**2)
        loss_sum, correct = totals.tolist()
        _refuse_infinite(loss_sum, title, "over the epoch")
        return {
            "loss": round(loss_sum / self.steps, 4),
            "train_accuracy": round(correct / (self.steps * self.recipe.batch_size), 4),
            "learning_rate": round(rate, 6),
            "image_size": size,
            "seconds": round(time.perf_counter() - started, 2),
        }

    def _held_out_accuracy(self) -> dict[str, float]:
        """Return the share of right answers on the held-out images, which no step has seen; nothing without any."""
        if not len(self.held_out.labels):
            return {}
        logits = _logits(self.model, self._held_out_batches)
        return {"held_out": round(right(logits, self.held_out.labels)[0] / len(logits), 4)}

    @cached_property
    def _held_out_batches(self) -> list[Tensor]:
        return [*_normalised(self.held_out, self.device)]

    def _train_step(self, images: Tensor, targets: Tensor, rate: float, size: int) -> Tensor:
        """Take one step at learning rate *rate*; return the loss before it and the number of right answers."""
        return self._step.take(images, targets, rate, size)

    def _save(self) -> None:
        """Write checkpoint and log; raise TrainingError where that fails or the weights are no numbers any more."""
        weights, path = self.model.state_dict(), self.job.checkpoint
        if not torch.stack([value.isfinite().all() for value in weights.values()]).all():  # waits for the device once
            raise TrainingError(f"{self.job.spec.name}: epoch {self.epoch} left weights that are no numbers; {REMEDY}")
        state = {"job": self._identity(), "log": self.log, "model": weights, "optimizer": self.optimizer.state_dict()}
        try:
            with replacing(path) as partial:
                torch.save(state, partial)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            raise TrainingError(f"{path}: the checkpoint of epoch {self.epoch} was not written: {error}") from error
        self._write_log()

    def _write_log(self) -> None:
        with replacing(self.job.log) as partial:
            partial.write_text("".join(json.dumps(line) + "\n" for line in self.log))

    def _identity(self) -> dict[str, Any]:
        """Return what has to be the same for a resumed training to go on as it began."""
        spec = self.job.spec
        return {
            "name": spec.name,
            **spec.architecture(),
            "recipe": asdict(self.recipe),
            "images": len(self.labels),
            **self._arithmetic(),
        }

    def _arithmetic(self) -> dict[str, Any]:
        """Return what else decides the order of sums and their rounding."""
        bfloat16 = _has_bfloat16(self.device)
        return {"device": self.device.type, "threads": torch.get_num_threads(), "bfloat16": bfloat16}

    def _restore(self) -> None:
        """Load the checkpoint where there is one, and write the log it holds: a kill may have come between the two."""
        state = self.job.read_checkpoint()
        if state is None:
            return
        if state["job"] != self._identity():
            raise TrainingError(
                f"{self.job.checkpoint} holds {state['job']} after {len(state['log'])} epochs, "
                f"not {self._identity()}; go on with the same options (--threads, --epochs, --seed, --all-images), "
                "or delete the file"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.log = state["log"]
        self._write_log()

    def facts(self) -> dict[str, Any]:
        """Return how the model was trained, for the manifest."""
        return {
            "method": METHOD,
            **asdict(self.recipe),
            "images": len(self.labels),
            "held_out_images": len(self.held_out.labels),
            **self._arithmetic(),
            **({"replayed": True} if self._step.is_replayed else {}),
            "seconds": round(sum(line["seconds"] for line in self.log)),
        }


def logits_of(model: ResNet, data: Split) -> NDArray[np.float32]:
    """Return the model's logits of all images, float32 [n, 100], in evaluation mode, 500 images at a time."""
    return _logits(model, _normalised(data, next(model.parameters()).device))


def _logits(model: ResNet, batches: Iterable[Tensor]) -> NDArray[np.float32]:
    model.eval()
    with torch.no_grad():
        return np.concatenate([model(batch).cpu().numpy() for batch in batches])


def _normalised(data: Split, device: torch.device) -> Iterator[Tensor]:
    return (torch.from_numpy(batch).to(device) for batch in normalised_batches(data.images, 500))


def _refuse_infinite(loss: float, title: str, when: str) -> None:
    if not math.isfinite(loss):
        raise TrainingError(f"{title}: the loss is {loss} {when}; {REMEDY}")


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


def _batches(padded: Tensor, labels: Tensor, recipe: Recipe, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches, each image cropped at random and normalised, float32 [batch, 3, 32, 32].

    Each image is flipped in every other epoch, at random only in which ones: it is seen from both sides equally often
    (K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, section 3.6).
    """
    # A generator of this epoch alone makes a resumed run draw what an unbroken one would have drawn.
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
    device, size = padded.device, recipe.batch_size
    mean, std = torch.tensor(MEAN, device=device) * 255, torch.tensor(STD, device=device) * 255
    steps = len(labels) // size
    order = torch.randperm(len(labels), generator=generator)[: steps * size].view(steps, size)
    shifts = torch.randint(0, 2 * recipe.crop_padding + 1, (steps, 2, size, 1), generator=generator)
    flips = torch.randint(0, 2, (len(labels),), generator=torch.Generator().manual_seed(recipe.seed))
    # What is drawn goes to the device at once: each copy waits for all that the device has to do before it.
    flipped = ((flips[order] + epoch) % 2 == 1)[:, :, None].to(device)
    order, shifts, offsets = order.to(device), shifts.to(device), torch.arange(32, device=device)
    rows, columns = shifts[:, 0] + offsets, shifts[:, 1] + offsets
    columns = torch.where(flipped, columns.flip(2), columns)
    for picked, row, column in zip(order, rows, columns, strict=True):
        crops = padded[picked[:, None, None], row[:, :, None], column[:, None, :]]
        yield ((crops.float() - mean) / std).permute(0, 3, 1, 2), labels[picked]


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere autocast is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    cpuinfo = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()
