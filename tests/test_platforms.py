"""The contract of a platform, held by every one of the catalogue that this machine has."""

import math
import os
import sys

import numpy as np
import onnxruntime
import pytest
from helpers import make_model

from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, PlatformError
from benchmarks.reference import ParityError, check_parity, reference_logits, seeded_batch
from benchmarks.sampler import Plan, draw
from benchmarks.settings import Settings


@pytest.fixture(params=PLATFORMS)
def platform(request, settings):
    platform = PLATFORMS[request.param]
    if reason := platform.unavailable(settings):
        # The set-up of the test environment makes sure of every platform; a skip would hide that it failed.
        pytest.fail(reason)
    return platform


@pytest.fixture
def session(platform, tiny_model, settings):
    with platform.open(tiny_model, settings) as session:
        yield session


def test_the_catalogue_is_keyed_by_name():
    assert all(name == platform.name for name, platform in PLATFORMS.items())


def test_versions_are_told_without_a_session(platform, settings):
    versions = platform.versions(settings)
    assert versions
    assert all(isinstance(value, str) and value for value in versions.values())


def test_logits_agree_with_the_reference_at_every_batch_size(session, tiny_model):
    for size in (1, 2, 8):
        assert check_parity(session, tiny_model, seeded_batch(size)) < 1e-5


def test_parity_is_of_the_images_given(session, tiny_model):
    ones = np.ones((2, 3, 32, 32), np.float32)
    np.testing.assert_allclose(session.run(ones), reference_logits(tiny_model, ones), rtol=1e-4, atol=1e-6)
    assert not np.allclose(session.run(ones), session.run(ones * 2))


def test_a_block_holds_as_many_positive_samples_as_rounds(session):
    block = session.time(seeded_batch(1), 20)
    assert isinstance(block, Block)
    assert len(block.seconds) == 20
    assert all(isinstance(value, float) and math.isfinite(value) and value > 0 for value in block.seconds)


def test_a_larger_batch_takes_longer(session):
    small, large = (list(draw(session, seeded_batch(size), Plan(30, 0.05))) for size in (8, 128))
    assert min(large[-1].seconds) > 4 * min(small[-1].seconds)


def test_processor_time_is_about_the_time_spent(session):
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells the processor time of another process")
    blocks = list(draw(session, seeded_batch(64), Plan(30, 0.3)))
    timed = sum(sum(block.seconds) for block in blocks)
    assert 0.2 * timed < sum(block.cpu_seconds for block in blocks) < 3 * timed


def test_facts_say_what_is_in_force(session):
    facts = session.facts
    assert facts.threads == 1
    assert facts.execution_provider in {"CPUExecutionProvider", "wasm"}
    assert 0 < facts.clock_resolution <= 20e-6


@pytest.mark.parametrize("content", [b"", b"no model at all" * 100], ids=["empty", "text"])
def test_a_file_that_is_no_model_is_refused(platform, settings, tmp_path, content):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(content)
    with pytest.raises(PlatformError, match=rf"{platform.name}: broken\.onnx"), platform.open(broken, settings):
        pytest.fail("the platform opened it")


def test_an_unknown_operator_is_refused_with_the_runtimes_words(platform, settings, tmp_path):
    model = make_model(tmp_path / "strange.onnx", operator="Frobnicate")
    with pytest.raises(PlatformError, match=r"strange\.onnx.*Frobnicate"), platform.open(model, settings):
        pytest.fail("the platform opened it")


def test_a_batch_of_the_wrong_shape_names_the_platform(platform, settings, tiny_model):
    with (
        pytest.raises(PlatformError, match=platform.name),
        platform.open(tiny_model, settings) as session,
    ):
        session.run(np.zeros((1, 1, 8, 8), np.float32))


def test_parity_refuses_wrong_logits(tiny_model):
    class Skewed:
        def __init__(self, change):
            self.change = change

        def run(self, batch):
            return self.change(reference_logits(tiny_model, batch))

    batch = seeded_batch(2)
    assert check_parity(Skewed(lambda logits: logits * (1 + 1e-7)), tiny_model, batch) < 1e-6
    for change in (lambda x: x * 1.001, lambda x: x[:1], lambda x: x * np.nan, lambda x: x[::-1]):
        with pytest.raises(ParityError, match=r"tiny\.onnx"):
            check_parity(Skewed(change), tiny_model, batch)


def test_server_cpu_refuses_another_provider_or_thread_count(tiny_model):
    from benchmarks.platforms.server import NativeSession

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    opened = onnxruntime.InferenceSession(os.fspath(tiny_model), options, providers=["CPUExecutionProvider"])
    with pytest.raises(PlatformError, match=r"server-cpu: opened on CPUExecutionProvider with 2 threads"):
        NativeSession("server-cpu", opened)


def test_a_browser_that_is_not_there_is_named(tmp_path):
    nowhere = tmp_path / "no-browser"
    reason = PLATFORMS["chromium-wasm"].unavailable(Settings(browser_path=nowhere))
    assert str(nowhere) in reason
    assert "--browser-path" in reason
    assert PLATFORMS["chromium-wasm"].versions(Settings(browser_path=nowhere)) == {}
