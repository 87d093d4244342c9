"""The accuracy benchmark counts right, refuses a platform that answers otherwise, and is off unless asked for."""

import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import FAKE_PLATFORMS, LEAN, ROOT, Suite, clean_environment

from benchmarks.measuring import accuracy
from benchmarks.measuring.accuracy import ALLOWED, AccuracyError, Expectation, Score, check_score, classify, score
from benchmarks.measuring.sampler import SampleError
from benchmarks.measuring.trust import assess_clock
from benchmarks.protocol import Block, Facts, Images
from models.cifar100 import Split, right
from models.manifest import Artefact

HERE = Facts("here", "CPUExecutionProvider", 1, "time.perf_counter", 1e-7)
LABELS = np.array([3, 4, 99, 6])


def logits():
    """Four answers: three are right, and of the wrong one the label comes second."""
    values = np.eye(100, dtype=np.float32)[[3, 4, 99, 7]]
    values[3, 6] = 0.5
    return values


def test_right_answers_are_counted():
    assert right(logits(), LABELS) == (3, 4)
    assert right(-logits(), LABELS) == (0, 0)


def test_a_score_counts_answers_that_are_the_references():
    found = score(logits(), Split(np.zeros((4, 3, 32, 32), np.uint8), LABELS), np.array([3, 4, 5, 7]))
    assert found == Score(images=4, top1=3, top5=4, as_reference=3)
    assert found.facts() == {"images": 4, "top1": 75.0, "top5": 100.0, "as_reference": 75.0}
    assert str(found) == "top-1 75.00 %, top-5 100.00 %, 75.00 % as the reference"


def test_a_batch_that_its_clock_cannot_see_took_a_step_at_most():
    images = Images(np.zeros((2, 3, 32, 32), np.uint8), [0] * 3, [1] * 3)
    batch = Block([0.0], {"logits": np.zeros((1, 100), np.float32)}, None)
    session = SimpleNamespace(facts=HERE, classify=lambda _images, _size: iter([batch, batch]))
    blocks = classify(session, images, 1, "a title")
    assert [block.seconds for block in blocks] == [[1e-7], [1e-7]]
    assert assess_clock(blocks, HERE)["doubts"] == {"clock_steps": "a sample is 1 steps of its clock"}


def answered_at_once(seconds, monkeypatch):
    """Classify three images one by one, in one call that took a second, by batches of so many *seconds*."""
    clock = iter([0.0, 1.0, *[1.0] * 6])
    monkeypatch.setattr(accuracy.time, "perf_counter", lambda: next(clock))
    batch = Block([seconds], {"logits": np.zeros((1, 100), np.float32)}, None)
    session = SimpleNamespace(facts=HERE, classify=lambda _images, _size: iter([batch] * 3))
    return classify(session, Images(np.zeros((3, 3, 32, 32), np.uint8), [0] * 3, [1] * 3), 1, "a title")


def test_batches_that_are_answered_at_once_took_their_calls_time_together(monkeypatch):
    assert [block.seconds for block in answered_at_once(0.3, monkeypatch)] == [[0.3]] * 3
    with pytest.raises(SampleError, match=r"gave 0\.4000 s of samples in a call of 0\.2000 s"):
        answered_at_once(0.4, monkeypatch)


@pytest.mark.parametrize("precision", ALLOWED)
def test_a_score_far_from_the_manifests_is_refused(tmp_path, precision):
    here = replace(HERE, rounding="tf32") if precision == "tf32" else HERE
    of_file = "float32" if precision == "tf32" else precision
    artefact, allowed = Artefact("resnet20", tmp_path / "resnet20.onnx", {"precision": of_file}), ALLOWED[precision]
    wanted = Expectation(10_000, 6883, "its manifest row says")
    for difference in (-allowed, allowed):
        check_score(Score(10_000, 6883 + difference, 9000, 10_000), wanted, artefact, here)
    for difference in (-allowed - 1, allowed + 1):
        with pytest.raises(AccuracyError, match=r"here: resnet20 is right on .* its manifest row says 6,883 of 10,000"):
            check_score(Score(10_000, 6883 + difference, 9000, 10_000), wanted, artefact, here)
    with pytest.raises(AccuracyError, match="of 9,999 images"):
        check_score(Score(9_999, 6883, 9000, 9_999), wanted, artefact, here)


@pytest.mark.parametrize(
    ("images", "precision", "allowed"),
    [(10_000, "fp16", 20), (50_000, "float32", 10), (500, "float32", 2), (1_001, "int8", 11), (10_000, "uint4", 100)],
)
def test_as_large_a_share_of_other_numbers_of_images_may_differ(images, precision, allowed):
    assert Expectation(images, 0, "the reference is right on").allowed(precision) == allowed


# A run on sixty images that ResNet-8 gets right, the first ten at its second guess, and a row that says so.
SIXTY_IMAGES = """
import hashlib, pathlib
import numpy as np
from benchmarks.run.selection import Selection
from benchmarks.measuring.reference import reference
from models import cifar100, manifest
from models.manifest import Artefact
records = np.random.default_rng(1).integers(0, 256, (60, cifar100.RECORD_BYTES), np.uint8)
pixels = cifar100.decode(records.tobytes()).images
ranked = reference(manifest.load("resnet8").path, {"input": cifar100.normalise(pixels)})["logits"].argsort(1)
records[:, 1] = np.where(np.arange(60) < 10, ranked[:, -2], ranked[:, -1])
content = records.tobytes()
pathlib.Path(cifar100.FOLDER).mkdir(exist_ok=True)
pathlib.Path(cifar100.FOLDER, "test.bin").write_bytes(content)
cifar100.FILES["test"] = cifar100._File(60, hashlib.sha1(content).hexdigest())
def sixty(selection, name):
    found = manifest.load(name)
    return Artefact(name, found.path, found.row | {"test": {"images": 60, "top1": 83.33}})
Selection.model_file = sixty
"""


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester, FAKE_PLATFORMS + SIXTY_IMAGES, phases=["accuracy"])


def test_a_platforms_score_and_samples_are_in_the_json(suite):
    result = suite.run("--data-dir=.", "--benchmark-json=out.json", batch_size=25)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_accuracy[[]resnet8-fake-b25] top-1 * %, top-5 * %, 100.00 % as the reference*"])
    (benchmark,) = suite.benchmarks()
    info = benchmark["extra_info"]
    assert (info["images"], info["as_reference"], info["batch_size"], info["precision"]) == (60, 100.0, 25, "float32")
    assert (info["top1"], info["top5"]) == (pytest.approx(100 * 50 / 60), 100.0)
    assert len(benchmark["stats"]["data"]) == 3
    assert benchmark["param"] == "resnet8-fake-b25"


def test_a_platform_that_answers_otherwise_leaves_nothing(suite):
    result = suite.run("--data-dir=.", "--benchmark-json=out.json", platform="contrary")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["contrary: resnet8 is right on * of 60 images, its manifest row says * of 60*"])
    assert not (suite.folder / "out.json").exists()


def test_every_precision_is_taken_unless_told_otherwise(suite):
    listed = suite.pytester.runpytest_subprocess("--collect-only", "-q", "--platform=fake").stdout.str()
    for precision in ("", ".int8", ".fp16"):
        assert f"test_accuracy[resnet20{precision}-fake-b8]" in listed


def test_missing_data_says_where_it_is_looked_for(suite):
    result = suite.run("--data-dir=nowhere")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["nowhere/cifar-100-binary/test.bin: no such file*--data-dir*"])


def test_it_is_off_unless_asked_for():
    def collected(*options):
        command = [sys.executable, "-m", "pytest", *LEAN, "benchmarks/", "--collect-only", "-q", *options]
        run = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
        return set(re.findall(r"(test_\w+)\[", run.stdout))

    assert collected() == {"test_latency"}
    assert collected("-m", "accuracy") == {"test_accuracy"}
    assert collected("-m", "load or memory", "-k", "chromium-wasm") == {"test_load", "test_memory"}
