"""A platform's answers to a whole test set, held against the labels, the manifest and the reference."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.measuring.reference import open_reference
from benchmarks.measuring.sampler import check, check_whole, readable
from benchmarks.protocol import Block, Facts, Images, Session
from models.cifar100 import Split, normalised_batches, right
from models.manifest import Artefact

# Right answers by which a platform may differ from the manifest. float32 differs where two classes have almost the same
# logit. With fewer bits each runtime rounds in other places, which changes more answers, for better and for worse.
ALLOWED = {"float32": 2, "tf32": 20, "fp16": 20, "int8": 100}


class AccuracyError(Exception):
    """A platform classifies the test set differently from what the manifest says of the file."""


@dataclass(frozen=True)
class Score:
    """Right answers among *images*."""

    images: int
    top1: int
    top5: int
    as_reference: int  # answers that are the reference's, right or wrong

    def facts(self) -> dict[str, Any]:
        """Return the shares, in per cent."""
        counts = {"top1": self.top1, "top5": self.top5, "as_reference": self.as_reference}
        return {"images": self.images, **{name: 100 * count / self.images for name, count in counts.items()}}

    def __str__(self) -> str:
        share = {name: f"{value:.2f} %" for name, value in self.facts().items() if name != "images"}
        return f"top-1 {share['top1']}, top-5 {share['top5']}, {share['as_reference']} as the reference"


def images_of(artefact: Artefact, test_set: Split) -> Images:
    """Return the test set's images with the constants that the model was trained with."""
    constants = artefact.row["normalisation"]
    return Images(test_set.images, constants["mean"], constants["std"])


def classify(session: Session, images: Images, batch_size: int, title: str) -> list[Block]:
    """Return a block for every batch, with a progress bar; raise SampleError for samples that cannot be true."""
    blocks: list[Block] = []
    answers = session.classify(images, batch_size)
    with _progress(title, len(images.pixels)) as bar:
        while True:
            started = time.perf_counter()
            if (block := next(answers, None)) is None:
                break
            check(block, 1, time.perf_counter() - started, session.facts, busy=False)
            blocks.append(readable(block, session.facts))
            bar.update(len(_logits(block)))
    check_whole(blocks, session.facts)
    return blocks


def logits_of(blocks: Iterable[Block]) -> NDArray[np.floating[Any]]:
    """Return the answers of all blocks, [images, classes]."""
    return np.concatenate([_logits(block) for block in blocks])


def _logits(block: Block) -> NDArray[np.floating[Any]]:
    return next(iter(block.outputs.values()))


def reference_classes(artefact: Artefact, images: Images, batch_size: int) -> NDArray[np.intp]:
    """Return the reference's answer to every image."""
    session, classes = open_reference(artefact.path), []
    name = session.get_inputs()[0].name
    with _progress(f"{artefact.name}, reference", len(images.pixels)) as bar:
        for batch in normalised_batches(images.pixels, batch_size, images.mean, images.std):
            classes.append(session.run(None, {name: batch})[0].argmax(1))
            bar.update(len(batch))
    return np.concatenate(classes)


def score(logits: NDArray[np.floating[Any]], test_set: Split, expected: NDArray[np.intp]) -> Score:
    """Count the right answers, and those that are the reference's."""
    top1, top5 = right(logits, test_set.labels)
    return Score(len(logits), top1, top5, int((logits.argmax(1) == expected).sum()))


def check_score(measured: Score, artefact: Artefact, facts: Facts) -> None:
    """Raise AccuracyError where the right answers are not as many as the manifest says of the file."""
    test, of_file = artefact.row["test"], artefact.row["precision"]
    precision = max(of_file, facts.rounding or of_file, key=lambda name: ALLOWED[name])
    expected = round(test["top1"] / 100 * test["images"])
    if measured.images != test["images"] or abs(measured.top1 - expected) > ALLOWED[precision]:
        raise AccuracyError(
            f"{facts.platform}: {artefact.name} is right on {measured.top1:,} of {measured.images:,} images, its "
            f"manifest row says {expected:,} of {test['images']:,}; {precision} may differ by {ALLOWED[precision]}"
        )


def _progress(title: str, images: int) -> "tqdm[Any]":
    return tqdm(total=images, desc=title, unit=" images", leave=False, mininterval=0.5, disable=None)
