"""What is to be done: the images, and the reference's answer to each, which a device's is held against."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.desk import Answer
from benchmarks.measuring.accuracy import Examination, Expectation, examination_of, expectation_of, reference_logits
from benchmarks.measuring.reference import tolerance_of
from benchmarks.protocol import Images
from models.cifar100 import Split
from models.files import replacing
from models.manifest import Artefact

NUMBER = np.dtype("<f4")  # as a page sends logits
FOLDER = Path(__file__).parents[2] / ".fleet"  # what the reference said, by what it was asked


@dataclass(frozen=True)
class Job:
    """Images that a model is to classify, in batches of one size."""

    artefact: Artefact
    images: Images
    labels: NDArray[np.int64]
    expected: NDArray[np.floating[Any]]  # the reference's logits, [images, classes]
    tolerance: float  # of the largest of them
    batch: int
    wanted: Expectation  # how many are to be right, and who says so

    @property
    def count(self) -> int:
        """How many images."""
        return len(self.labels)

    def pixels(self, start: int, stop: int) -> bytes:
        """Return what a page is sent of some of them."""
        return self.images.pixels[start:stop].tobytes()

    def length(self, images: int) -> int:
        """Return the bytes of the answer to so many of them."""
        return int(images * self.expected.shape[1] * NUMBER.itemsize)

    def answer(self, start: int, stop: int, content: bytes | None) -> Answer:
        """Read what a device sent for the images from *start* to *stop*, and hold it against the reference."""
        expected, nothing = self.expected[start:stop], np.empty(0, np.intp)
        if content is None or len(content) != self.length(stop - start):
            came = "nothing" if content is None else f"{len(content):,} bytes"
            return Answer(nothing, f"{came} came of {self.length(stop - start):,} bytes")
        logits = np.frombuffer(content, NUMBER).reshape(expected.shape)
        return Answer(logits.argmax(1), self._fault(start, logits, expected))

    def _fault(self, start: int, logits: NDArray[Any], expected: NDArray[Any]) -> str:
        """Say which image's logits are not the reference's."""
        allowed = self.tolerance * self._largest
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(logits.astype(np.float64) - expected).max(1)
        wrong = np.flatnonzero(~(off <= allowed))  # so that NaN is wrong
        if not len(wrong):
            return ""
        image = int(wrong[0])
        classes = f"class {logits[image].argmax()} for {expected[image].argmax()}"
        words = "is no number" if np.isnan(off[image]) else f"is off by {off[image] / self._largest:.1e}, {classes}"
        return f"{len(wrong)} of {len(logits)} images are wrong: image {start + image} {words}"

    @cached_property
    def _largest(self) -> float:
        return float(np.abs(self.expected).max())

    def right(self, classes: NDArray[np.intp]) -> int:
        """Return how many images are classified rightly; -1 is no class."""
        return int((classes == self.labels).sum())


def job_of(artefact: Artefact, data: Split, images: int, batch: int) -> Job:
    """Return the job of the first *images* of a test set; all of them are to be right as often as the manifest says."""
    whole = examination_of(artefact, data)
    split = Split(data.images[:images], data.labels[:images])
    first = replace(whole, split=split, images=replace(whole.images, pixels=split.images))
    expected, labels = _reference(artefact, first, _digest(artefact, whole)), first.split.labels
    wanted = expectation_of(artefact, first, expected.argmax(1))
    if wanted.images != images:
        wanted = Expectation(images, int((expected.argmax(1) == labels).sum()), "the reference is right on")
    return Job(artefact, first.images, labels, expected, tolerance_of(artefact), batch, wanted)


def _reference(artefact: Artefact, first: Examination, question: str) -> NDArray[np.floating[Any]]:
    """Return the reference's logits of the *first* images; it takes half a minute, and what it said is kept."""
    file, count = FOLDER / f"{artefact.name}-{question}.npy", len(first.split.labels)
    with suppress(OSError, ValueError, EOFError):  # none is there, or a damaged one
        if len(kept := np.load(file, allow_pickle=False)) >= count:
            return np.asarray(kept[:count])
    print(f"asking the reference about {count:,} images, once for all", flush=True)
    answers = reference_logits(artefact, first)
    with suppress(OSError):  # then it is asked again the next time
        FOLDER.mkdir(exist_ok=True)
        with replacing(file) as partial, partial.open("wb") as content:
            np.save(content, answers)
    return answers


def _digest(artefact: Artefact, whole: Examination) -> str:
    """Return a name of the question: of the file, all images and what answers."""
    import onnxruntime

    images = whole.images
    said = f"{artefact.row['sha256']} {[*images.mean]} {[*images.std]} {onnxruntime.__version__}\0"
    return hashlib.sha256(said.encode() + images.pixels.tobytes()).hexdigest()[:16]
