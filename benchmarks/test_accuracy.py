"""The whole test set: do a platform's answers deserve to be timed? Off by default: ``tox run -e accuracy``."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.accuracy import (
    Examination,
    Expectation,
    Score,
    check_score,
    classify,
    examination_of,
    expectation_of,
    logits_of,
    reference_classes,
    score,
)
from benchmarks.measuring.trust import assess_clock
from benchmarks.protocol import Block, Session
from benchmarks.results import keys
from benchmarks.run.identity import of_model
from benchmarks.run.images import own_examination
from benchmarks.run.replay import Record
from benchmarks.run.selection import selection_of
from benchmarks.settings import settings_of
from models import WORK_DIR
from models.cifar100 import Split, load
from models.manifest import Artefact

pytestmark = pytest.mark.accuracy
Expected = Callable[[Artefact, Examination], NDArray[np.intp]]


@pytest.fixture(scope="session")
def official(request: pytest.FixtureRequest) -> Callable[[], Split]:
    """The official test images and their labels, read when they are first asked for."""
    return cache(lambda: load("test", selection_of(request.config).data_dir, WORK_DIR))


@pytest.fixture
def examination(
    model: str, artefact: Artefact, official: Callable[[], Split], request: pytest.FixtureRequest
) -> Examination:
    """The images that the model is put to: the official ones, for a file of the user's own those of ``--data-dir``."""
    if artefact.is_own:
        return own_examination(request.config, selection_of(request.config).own_files[model])
    return examination_of(artefact, official())


@pytest.fixture(scope="session")
def expected(request: pytest.FixtureRequest) -> Expected:
    """The reference's answers to the test set, computed once a model."""
    answers: dict[str, NDArray[np.intp]] = {}
    timeout = settings_of(request.config).timeout

    def ask(artefact: Artefact, examination: Examination) -> NDArray[np.intp]:
        if artefact.name not in answers:
            answers[artefact.name] = reference_classes(artefact, examination, timeout)
        return answers[artefact.name]

    return ask


@pytest.fixture
def examined(
    artefact: Artefact,
    batch_size: int,
    session: Session,
    examination: Examination,
    expected: Expected,
    request: pytest.FixtureRequest,
) -> tuple[Score, Expectation, list[Block]]:
    """The platform's score on the test set, what it is to be, and the samples of its batches; progress is seen."""
    title = f"{artefact.name}, {session.facts.platform}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        answers = expected(artefact, examination)
        blocks = classify(session, examination.images, batch_size, title)
        found = score(logits_of(blocks, examination, session.facts.platform), examination.split, answers)
    return found, expectation_of(artefact, examination, answers), blocks


def test_accuracy(
    artefact: Artefact,
    batch_size: int,
    session: Session,
    examination: Examination,
    examined: tuple[Score, Expectation, list[Block]],
    benchmark: BenchmarkFixture,
    record: Record,
) -> None:
    """Classify every test image; a batch is a sample."""
    found, wanted, blocks = examined
    check_score(found, wanted, artefact, session.facts)
    benchmark.group = f"{artefact.name}, accuracy"
    benchmark.extra_info.update(of_model(artefact) | found.facts() | dict(examination.facts), batch_size=batch_size)
    benchmark.extra_info[keys.TRUST] = assess_clock(blocks, session.facts)
    feeds = examination.feeds(batch_size)
    # A last batch that is not full is filled up, and computed all the same.
    record(session.facts, blocks, batch_size * len(blocks), lambda: session.run(feeds), str(found))
