"""A platform's answers to a whole test set, held against the labels, the manifest and the reference."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.measuring.as_written import AsWritten, AsWrittenApart
from benchmarks.measuring.sampler import check, check_whole, readable
from benchmarks.protocol import Block, Facts, Feeds, Images, Outputs, Session, filled
from models.cifar100 import DataError, Split, normalised_batches, right
from models.manifest import Artefact

if TYPE_CHECKING:
    from models.classifier import Classifier

# Right answers by which a platform may differ from the manifest. float32 differs where two classes have almost the same
# logit. With fewer bits each runtime rounds in other places, which changes more answers, for better and for worse.
ALLOWED = {"float64": 2, "float32": 2, "tf32": 20, "fp16": 20, "int8": 100}
OF_IMAGES = 10_000
FEWER_BITS = ALLOWED["int8"]  # what a file of the user's own may differ by whose precision the catalogue does not have
REFERENCE_BATCH_SIZE = 100
REFERENCE_BYTES = 64_000_000  # of images that the reference is asked about at once, where those are large


class AccuracyError(Exception):
    """A platform classifies the test set differently from what the manifest, or the reference, says of the file."""


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


@dataclass(frozen=True)
class Examination:
    """Images that a model is put to, with their labels."""

    model: "Classifier"
    split: Split
    images: Images
    facts: Mapping[str, Any] = field(default_factory=dict)  # told beside a score

    def feeds(self, batch_size: int) -> Feeds:
        """Return the first images as an input."""
        batch = next(normalised_batches(self.images.pixels, batch_size, self.images.mean, self.images.std))
        return {self.model.input: filled(batch, batch_size)}


@dataclass(frozen=True)
class Expectation:
    """How many right answers are wanted, of how many images, and who says so."""

    images: int
    top1: int
    words: str
    of_images: int = OF_IMAGES  # that :data:`ALLOWED` is meant for

    def allowed(self, precision: str) -> int:
        """Return by how many right answers a platform may differ: as large a share of few images, but two at least."""
        return max(2, math.ceil(ALLOWED.get(precision, FEWER_BITS) * self.images / self.of_images))


def examination_of(artefact: Artefact, test_set: Split) -> Examination:
    """Return the test set with the constants that a model of the catalogue was trained with."""
    from models import classifier  # not above: it brings onnx

    constants = artefact.row["normalisation"]
    images = Images(test_set.images, constants["mean"], constants["std"])
    return Examination(classifier.read(artefact.path, {}), test_set, images)


def expectation_of(artefact: Artefact, examination: Examination, expected: NDArray[np.intp]) -> Expectation:
    """Return what the manifest says of a file; of one of the user's own, what the reference answers."""
    if artefact.is_own:
        right_ones = int((expected == examination.split.labels).sum())
        return Expectation(len(expected), right_ones, "the reference is right on")
    test = artefact.row["test"]
    return Expectation(test["images"], round(test["top1"] / 100 * test["images"]), "its manifest row says")


def classify(session: Session, images: Images, batch_size: int, title: str) -> list[Block]:
    """Return a block for every batch, with a progress bar; raise SampleError for samples that cannot be true."""
    blocks: list[Block] = []
    answers = session.classify(images, batch_size)
    waited = 0.0  # less what earlier samples took of it: the answer of one call can be several blocks
    with _progress(title, len(images.pixels)) as bar:
        while True:
            started = time.perf_counter()
            if (block := next(answers, None)) is None:
                break
            waited += time.perf_counter() - started
            check(block, 1, waited, session.facts, busy=False)
            waited -= block.duration
            blocks.append(readable(block, session.facts))
            bar.update(len(next(iter(block.outputs.values()))))
    check_whole(blocks, session.facts)
    return blocks


def logits_of(blocks: Iterable[Block], examination: Examination, platform: str) -> NDArray[np.floating[Any]]:
    """Return the answers of all blocks, [images, classes]."""
    return np.concatenate([_by_class(block.outputs[examination.model.output], platform) for block in blocks])


def _by_class(answers: NDArray[Any], whose: str) -> NDArray[Any]:
    """Return answers as [images, classes]; there may be dimensions of one behind.

    Raises AccuracyError for NaN, which is larger than nothing, and which argmax would take for the largest.
    """
    if np.isnan(answers).any():
        raise AccuracyError(f"{whose}: answers with NaN, which is no class; are --mean and --std the model's own?")
    return answers.reshape(len(answers), -1)


def reference_classes(artefact: Artefact, examination: Examination, timeout: float = 60.0) -> NDArray[np.intp]:
    """Return the reference's answer to every image; it has *timeout* seconds for a batch."""
    return np.concatenate([answers.argmax(1) for answers in _reference_answers(artefact, examination, timeout)])


def reference_logits(artefact: Artefact, examination: Examination, timeout: float = 60.0) -> NDArray[np.floating[Any]]:
    """Return what the reference computes of every image, [images, classes]."""
    return np.concatenate([*_reference_answers(artefact, examination, timeout)])


def _reference_answers(
    artefact: Artefact, examination: Examination, timeout: float
) -> Iterator[NDArray[np.floating[Any]]]:
    model, images, size = examination.model, examination.images, _reference_batch_size(examination)
    title = f"{artefact.name}, reference"
    with _reference(artefact, timeout) as run, _progress(title, len(images.pixels)) as bar:
        for batch in normalised_batches(images.pixels, size, images.mean, images.std):
            answers = run({model.input: filled(batch, size)})[model.output]
            _check_classes(artefact, examination, answers)
            yield _by_class(answers, title)[: len(batch)]
            bar.update(len(batch))


@contextmanager
def _reference(artefact: Artefact, timeout: float) -> Iterator[Callable[[Feeds], Outputs]]:
    """Yield what answers as the reference: of a file of the user's own, which may hang, where it can be ended."""
    if not artefact.is_own:
        yield AsWritten(artefact.path).run
        return
    with AsWrittenApart(artefact.path, timeout) as apart:
        apart.open()
        yield apart.run


def _reference_batch_size(examination: Examination) -> int:
    size = examination.model.size
    return examination.model.batch or max(1, min(REFERENCE_BATCH_SIZE, REFERENCE_BYTES // (4 * size.bytes)))


def _check_classes(artefact: Artefact, examination: Examination, answers: NDArray[Any]) -> None:
    """Raise DataError where a graph that does not declare its classes answers with other than the images have."""
    classes = examination.facts.get("classes")
    if classes is not None and answers[0].size != classes:
        raise DataError(
            f"{artefact.name}: answers with {answers[0].size:,} classes, but --data-dir has images of {classes:,}"
        )


def score(logits: NDArray[np.floating[Any]], test_set: Split, expected: NDArray[np.intp]) -> Score:
    """Count the right answers, and those that are the reference's."""
    top1, top5 = right(logits, test_set.labels)
    return Score(len(logits), top1, top5, int((logits.argmax(1) == expected).sum()))


def check_score(measured: Score, wanted: Expectation, artefact: Artefact, facts: Facts) -> None:
    """Raise AccuracyError where the right answers are not as many as wanted."""
    of_file = artefact.row["precision"]
    precision = max(of_file, facts.rounding or of_file, key=wanted.allowed)
    allowed = wanted.allowed(precision)
    if measured.images != wanted.images or abs(measured.top1 - wanted.top1) > allowed:
        raise AccuracyError(
            f"{facts.platform}: {artefact.name} is right on {measured.top1:,} of {measured.images:,} images, "
            f"{wanted.words} {wanted.top1:,} of {wanted.images:,}; {precision} may differ by {allowed}"
        )


def _progress(title: str, images: int) -> "tqdm[Any]":
    return tqdm(total=images, desc=title, unit=" images", leave=False, mininterval=0.5, disable=None)
