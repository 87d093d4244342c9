"""The contract of a platform, held by every one of the catalogue that this machine has."""

import math
import os
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import make_graph, make_linear, make_many, make_model

from benchmarks.inputs import seeded_batch, seeded_feeds
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, Images, PlatformError
from benchmarks.reference import TOLERANCES, ParityError, check_parity, reference
from benchmarks.sampler import Plan, draw
from benchmarks.settings import Settings
from models.cifar100 import MEAN, STD, normalise


def fed(batch):
    return {"input": batch}


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
        feeds = seeded_feeds(tiny_model, size)
        expected = reference(tiny_model, feeds)
        assert check_parity(session.facts.platform, session.run(feeds), expected, 1e-5) < 1e-5


def test_parity_is_of_the_images_given(session, tiny_model):
    ones = fed(np.ones((2, 3, 32, 32), np.float32))
    logits = session.run(ones)["logits"]
    np.testing.assert_allclose(logits, reference(tiny_model, ones)["logits"], rtol=1e-4, atol=1e-6)
    assert not np.allclose(logits, session.run(fed(ones["input"] * 2))["logits"])


def test_a_block_holds_as_many_positive_samples_as_rounds(session):
    feeds = fed(seeded_batch(1))
    block = session.time(feeds, 20)
    assert isinstance(block, Block)
    assert len(block.seconds) == 20
    np.testing.assert_array_equal(block.outputs["logits"], session.run(feeds)["logits"])
    assert all(isinstance(value, float) and math.isfinite(value) and value > 0 for value in block.seconds)


def test_a_larger_batch_takes_longer(session):
    drawn = {size: draw(session, fed(seeded_batch(size)), Plan(30, 0.05)) for size in (8, 128)}
    fastest = {size: min(value for block in blocks for value in block.seconds) for size, blocks in drawn.items()}
    assert fastest[128] > 4 * fastest[8]


def test_equal_bytes_in_another_shape_are_another_batch(session):
    assert session.run(fed(np.zeros((2, 3, 32, 32), np.float32)))["logits"].shape == (2, 100)
    with pytest.raises(PlatformError):
        session.run(fed(np.zeros((1, 6, 32, 32), np.float32)))


def test_processor_time_is_about_the_time_spent(session):
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells the processor time of another process")
    blocks = list(draw(session, fed(seeded_batch(64)), Plan(30, 0.3)))
    timed = sum(sum(block.seconds) for block in blocks)
    spent = sum(block.cpu.all_threads for block in blocks)
    assert 0.02 * timed < spent < 3 * timed  # a loaded machine leaves little of the wall time
    assert spent < 1.5 * sum(block.cpu.busiest_thread for block in blocks) + 0.5  # one thread, and some compilation


def test_facts_say_what_is_in_force(session):
    facts = session.facts
    assert facts.threads == 1
    assert facts.platform in PLATFORMS
    assert facts.execution_provider
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


def test_inputs_and_outputs_may_be_several_and_of_many_types(platform, settings, tmp_path):
    model = make_many(tmp_path / "many.onnx")
    feeds = seeded_feeds(model, 3, {"sequence": 7, "pixels:1": 5})
    expected = reference(model, feeds)
    with platform.open(model, settings) as session:
        found = session.time(feeds, 2).outputs
    assert check_parity(platform.name, found, expected, 1e-5) < 1e-5
    np.testing.assert_array_equal(found["same"], feeds["pixels"])
    assert {value.dtype.name for value in found.values()} == {"float32", "uint8", "int64", "float16"}


def test_weights_may_lie_in_a_file_of_their_own(platform, settings, tmp_path):
    make_linear(tmp_path / "my model.onnx", save_as_external_data=True, location="my weights.bin", size_threshold=0)
    model = tmp_path / "my model.onnx"
    feeds = seeded_feeds(model, 2)
    with platform.open(model, settings) as session:
        assert check_parity(platform.name, session.run(feeds), reference(model, feeds), 1e-5) < 1e-5
    (tmp_path / "my weights.bin").unlink()
    words = rf"{platform.name}: my model\.onnx: .*my weights\.bin"
    with pytest.raises(PlatformError, match=words), platform.open(model, settings):
        pytest.fail("the platform opened it")


def test_images_are_normalised_alike_to_the_last_bit(platform, settings, tmp_path):
    flatten = onnx.helper.make_node("Flatten", ["input"], ["logits"])
    shapes = ("input", "FLOAT", ["batch", 3, 8, 8]), ("logits", "FLOAT", ["batch", 192])
    model = make_graph(tmp_path / "flat.onnx", [flatten], [shapes[0]], [shapes[1]])
    pixels = np.random.default_rng(1).integers(0, 256, (25, 3, 8, 8), np.uint8)
    images = Images(pixels, MEAN, STD)
    with platform.open(model, settings) as session:
        blocks = list(session.classify(images, 10))
    assert [len(block.seconds) for block in blocks] == [1, 1, 1]
    found = np.concatenate([block.outputs["logits"] for block in blocks])
    np.testing.assert_array_equal(found, normalise(pixels, MEAN, STD).reshape(25, 192))


def test_a_batch_of_the_wrong_shape_names_the_platform(platform, settings, tiny_model):
    with (
        pytest.raises(PlatformError, match=rf"{platform.name}: tiny\.onnx: "),
        platform.open(tiny_model, settings) as session,
    ):
        session.run(fed(np.zeros((1, 1, 8, 8), np.float32)))


def test_parity_refuses_wrong_logits(tiny_model):
    expected = reference(tiny_model, seeded_feeds(tiny_model, 2))["logits"]

    def parity(logits):
        return check_parity("here", {"logits": logits}, {"logits": expected}, TOLERANCES["float32"])

    assert parity(expected * np.float32(1 + 1e-6)) < 1e-5
    for wrong in (expected * 1.001, expected[:1], expected * np.nan, expected[::-1], expected.astype(np.float64)):
        with pytest.raises(ParityError, match=r"^here: logits"):
            parity(wrong)
    with pytest.raises(ParityError, match=r"^here: outputs other; the reference has logits"):
        check_parity("here", {"other": expected}, {"logits": expected}, 1e-5)


def test_parity_takes_integers_at_their_word():
    wanted = {"classes": np.array([3, 4, 5])}
    assert check_parity("here", wanted, wanted, 1e-5) == 0
    with pytest.raises(ParityError, match="classes differ from the reference's in 1 places"):
        check_parity("here", {"classes": np.array([3, 4, 6])}, wanted, 1e-5)


def test_parity_takes_infinities_at_their_word_and_the_rest_within_tolerance():
    wanted = {"y": np.array([1.0, np.inf, np.nan, -np.inf], np.float32)}
    near = {"y": np.array([1.0 + 1e-6, np.inf, np.nan, -np.inf], np.float32)}
    assert 0 < check_parity("here", near, wanted, 1e-5) < 1e-5
    for index, other in ((0, np.nan), (0, 1.1), (1, -np.inf), (2, 0.0), (3, -3e38)):
        wrong = near["y"].copy()
        wrong[index] = other
        with pytest.raises(ParityError, match="here: y differ"):
            check_parity("here", {"y": wrong}, wanted, 1e-5)


def test_a_reference_without_an_answer_is_told(tmp_path):
    node = onnx.helper.make_node("Gather", ["table", "ids"], ["y"])
    table = onnx.numpy_helper.from_array(np.zeros((1, 4), np.float32), "table")
    shapes = [("ids", "INT64", [8])], [("y", "FLOAT", [8, 4])]
    model = make_graph(tmp_path / "gather.onnx", [node], *shapes, [table])
    with pytest.raises(ParityError, match=r"gather\.onnx: the reference cannot answer: .*indices"):
        reference(model, seeded_feeds(model, 8))


def test_server_cpu_refuses_another_provider_or_thread_count(tiny_model):
    from benchmarks.platforms.server import NativeSession

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    opened = onnxruntime.InferenceSession(os.fspath(tiny_model), options, providers=["CPUExecutionProvider"])
    with pytest.raises(PlatformError, match=r"server-cpu: tiny\.onnx: opened on CPUExecutionProvider with 2 threads"):
        NativeSession("server-cpu", "tiny.onnx", opened)


def test_a_second_thread_shows_in_the_processor_time(tmp_path):
    from benchmarks.platforms.server import NativeSession

    if (os.cpu_count() or 1) < 2:
        pytest.skip("a second thread needs a second core")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    model = make_model(tmp_path / "tiny.onnx")
    session = NativeSession.__new__(NativeSession)  # past the check that would refuse it
    session._platform, session._model, session._outputs = "server-cpu", "tiny", ["logits"]
    session._session = onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])
    cpu = session.time(fed(seeded_batch(64)), 100).cpu
    assert cpu.all_threads > 1.3 * cpu.busiest_thread


def test_a_browser_that_is_not_there_is_named(tmp_path):
    nowhere = tmp_path / "no-browser"
    reason = PLATFORMS["chromium-wasm"].unavailable(Settings(browser_path=nowhere))
    assert str(nowhere) in reason
    assert "--browser-path" in reason
    assert PLATFORMS["chromium-wasm"].versions(Settings(browser_path=nowhere)) == {}
