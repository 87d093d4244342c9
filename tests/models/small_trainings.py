"""A training of a few images, for the tests of training and for the process of its own that one of them kills."""

import numpy as np

from models import MODELS
from models.cifar100 import Split, hold_out
from models.training import Job, Recipe, Trainer


def some_data(images=256):
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 100, images)
    pixels = generator.integers(0, 256, (images, 3, 32, 32), np.uint8)
    return Split(pixels, labels.astype(np.int64))


def job(folder, **changes):
    recipe = Recipe(**({"epochs": 3, "batch_size": 64} | changes))
    return Job(MODELS["resnet8"], recipe, folder / "resnet8.pt", folder / "log.jsonl")


def trainer(folder, **changes):
    return Trainer(job(folder, **changes), *hold_out(some_data(), 0.1))
