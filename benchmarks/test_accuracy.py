"""The whole test set: do a platform's answers deserve to be timed? Off by default: ``tox run -e accuracy``."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.accuracy import Score, check_score, classify, images_of, logits_of, reference_classes, score
from benchmarks.measuring.inputs import seeded_feeds
from benchmarks.measuring.trust import assess_clock
from benchmarks.protocol import Block, Session
from benchmarks.results import keys
from benchmarks.run.identity import of_model
from benchmarks.run.replay import Record
from benchmarks.run.selection import selection_of
from models import WORK_DIR
from models.cifar100 import Split, load
from models.manifest import Artefact

REFERENCE_BATCH_SIZE = 100

pytestmark = pytest.mark.accuracy
Expected = Callable[[Artefact], NDArray[np.intp]]


@pytest.fixture(scope="session")
def test_set(request: pytest.FixtureRequest) -> Split:
    """The official test images and their labels."""
    return load("test", selection_of(request.config).data_dir, WORK_DIR)


@pytest.fixture(scope="session")
def expected(test_set: Split) -> Expected:
    """The reference's answers to the test set, computed once a model."""
    return cache(lambda artefact: reference_classes(artefact, images_of(artefact, test_set), REFERENCE_BATCH_SIZE))


@pytest.fixture
def examined(
    artefact: Artefact,
    batch_size: int,
    session: Session,
    test_set: Split,
    expected: Expected,
    request: pytest.FixtureRequest,
) -> tuple[Score, list[Block]]:
    """The platform's score on the test set and the samples of its batches; the progress bars are seen."""
    images, title = images_of(artefact, test_set), f"{artefact.name}, {session.facts.platform}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        blocks = classify(session, images, batch_size, title)
        return score(logits_of(blocks), test_set, expected(artefact)), blocks


def test_accuracy(
    artefact: Artefact,
    batch_size: int,
    session: Session,
    examined: tuple[Score, list[Block]],
    benchmark: BenchmarkFixture,
    record: Record,
) -> None:
    """Classify every test image; a batch is a sample."""
    platform_score, blocks = examined
    check_score(platform_score, artefact, session.facts)
    benchmark.group = f"{artefact.name}, accuracy"
    benchmark.extra_info.update(of_model(artefact) | platform_score.facts(), batch_size=batch_size)
    benchmark.extra_info[keys.TRUST] = assess_clock(blocks, session.facts)
    feeds = seeded_feeds(artefact.path, batch_size)
    record(session.facts, blocks, platform_score.images, lambda: session.run(feeds), str(platform_score))
