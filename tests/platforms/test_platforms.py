"""The contract of a platform, held by every one of the catalogue that this machine has."""

import math
import sys
import time
from functools import cache

import numpy as np
import onnx
import pytest
from helpers import make_graph, make_linear, make_many, make_model

from benchmarks.inputs import case_of, seeded_batch, seeded_feeds
from benchmarks.measuring.parity import ParityError, check_parity
from benchmarks.measuring.reference import ROUNDED, TOLERANCES, reference
from benchmarks.measuring.sampler import Plan, draw
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS, local
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Block, Case, Images, PlatformError, UnavailableError
from benchmarks.settings import Settings
from models import manifest, own
from models.cifar100 import MEAN, STD, normalise

BROWSERS = ("chromium", "firefox", "webkit")
OTHER_BROWSERS = {f"{browser}-{runtime}" for browser in BROWSERS[1:] for runtime in ("wasm", "tfjs", "litert")}
# These need what a test machine may lack; the set-up of the test environment makes sure of all others.
CUDA = {"server-cuda", "server-cuda-tf32"}
MAY_BE_ABSENT = {*CUDA, "chromium-webnn-gpu", *OTHER_BROWSERS}
TFJS, LITERT = ({f"{browser}-{runtime}" for browser in BROWSERS} for runtime in ("tfjs", "litert"))
# These run what was exported for them from the catalogue's models; the others any ONNX file.
EXPORTED = {"server-litert", "server-torch", "server-torch-compiled", *TFJS, *LITERT}
# These compute on as many threads as they like.
OWN_THREADS = {*CUDA, "server-webgpu", "chromium-webgpu", "chromium-webnn"}
WEBGPU = {"server-webgpu", "chromium-webgpu"}  # simulated on a machine without a GPU
CLOSE = {"server-cuda-tf32": ROUNDED["tf32"]}  # of the largest logit; others differ in the order of their sums alone
# What a runtime says of an input of another shape, and of a file that is no model; the others are onnxruntime's.
OF_ANOTHER_SHAPE = {
    "server-openvino": r"input has the shape \(.+\), opened for \(.+\)",
    "server-litert": "Dimension mismatch",
    "server-torch": "expected .* to have 3 channels, but got 1",
    "server-torch-compiled": "tensor 'images' size mismatch at index 1",
    **dict.fromkeys(TFJS, r"depth of input \(1\) must match input depth for filter 3"),
    **dict.fromkeys(LITERT, r"Float32\[1, 1, 8, 8\] does not match expected .*Float32\[1, 3, 32, 32\]"),
}
NO_MODEL = {
    **dict.fromkeys(EXPORTED, "only the catalogue's float32 models"),
    **dict.fromkeys(TFJS, "no TensorFlow.js export; the catalogue's float32 models have one"),
}


# Of the servers that a page asks one is tried here; how the others send and travel: tests/platforms/test_remote.py.
TRIED = [*local(), "remote-cpu"]


def fed(batch):
    return {"input": batch}


@pytest.fixture(scope="module")
def settings():
    return Settings(timeout=60, allow_software_gpu=True)


def assert_close(platform, outputs, expected):
    assert math.isfinite(check_parity(platform.name, outputs, expected, CLOSE.get(platform.name, 1e-5)))


def present(name, settings):
    platform = PLATFORMS[name]
    if reason := platform.unavailable(settings):
        pytest.skip(reason) if name in MAY_BE_ABSENT else pytest.fail(reason)
    return platform


def opened(platform, case, settings):
    """Open a case; a page in a browser that may have had others, as it is timed: to start one takes a second."""
    return (platform.open_fresh if platform.side == "client" else platform.open)(case, settings)


@cache
def is_simulated(name):
    """Whether a platform's GPU is the processor here, by what it says of itself."""
    if name not in WEBGPU:
        return False
    settings = Settings(timeout=60, allow_software_gpu=True)
    with opened(present(name, settings), case_of(manifest.load("resnet8")), settings) as session:
        return session.facts.is_software


# Of the module, so that a platform's tests follow each other: what is compiled for one serves the next, in one process.
@pytest.fixture(params=TRIED, scope="module")
def platform(request, settings):
    return present(request.param, settings)


@pytest.fixture(params=[name for name in TRIED if name not in EXPORTED])
def any_file_platform(request, settings):
    return present(request.param, settings)


@pytest.fixture
def case(platform, tiny_model):
    """The least that the platform can run."""
    return case_of(manifest.load("resnet8") if platform.name in EXPORTED else own.load(tiny_model))


@pytest.fixture
def session(platform, case, settings):
    with opened(platform, case, settings) as session:
        yield session


def test_the_catalogue_is_keyed_by_name():
    assert all(name == platform.name for name, platform in PLATFORMS.items())
    assert PLATFORMS.keys() >= {*DEFAULT_SWEEP}


def test_a_platform_says_on_which_side_it_is():
    sides = {"server": "server", "remote": "remote", **dict.fromkeys(BROWSERS, "client")}
    assert all(platform.side == sides[name.split("-")[0]] for name, platform in PLATFORMS.items())


def test_a_platform_says_who_chooses_its_threads():
    threading = {name: platform.threading for name, platform in PLATFORMS.items() if platform.threading != "settable"}
    remote = {name for name in PLATFORMS if name.startswith("remote-url")}
    as_they_like = {*OWN_THREADS, "chromium-webnn-gpu", *remote}
    assert threading == dict.fromkeys(LITERT, "single") | dict.fromkeys(as_they_like, "runtime")


@pytest.mark.parametrize("name", sorted({*LITERT, "chromium-webnn-gpu", *OWN_THREADS}))
def test_a_platform_that_takes_no_number_of_threads_refuses_one(name):
    words = rf"^{name}: resnet8\.onnx: (takes no number of threads, 2 were asked for; |2 threads of the processor mean)"
    refuse_threads(PLATFORMS[name], case_of(manifest.load("resnet8")))
    with pytest.raises(UnavailableError, match=words):
        refuse_threads(PLATFORMS[name], case_of(manifest.load("resnet8"), threads=2))


def test_versions_are_told_without_a_session(platform, settings):
    versions = platform.versions(settings)
    assert versions
    assert all(isinstance(value, str) and value for value in versions.values())


@pytest.mark.parametrize("size", [1, 8])
def test_logits_agree_with_the_reference_and_are_of_the_images_given(platform, case, settings, size):
    feeds = seeded_feeds(case.model_file, size)
    negated = fed(-feeds["input"])
    with opened(platform, case_of(case.artefact, size), settings) as session:
        for given in (feeds, negated):
            assert_close(platform, session.run(given), reference(case.model_file, given))


def test_a_block_holds_as_many_positive_samples_as_rounds(session):
    feeds = fed(seeded_batch(1))
    block = session.time(feeds, 5)
    assert isinstance(block, Block)
    assert len(block.seconds) == 5
    np.testing.assert_array_equal(block.outputs["logits"], session.run(feeds)["logits"])
    assert all(isinstance(value, float) and math.isfinite(value) and value > 0 for value in block.seconds)


def test_a_sample_of_several_inferences_is_their_mean(session):
    feeds = fed(seeded_batch(1))
    start = time.perf_counter()
    block = session.time(feeds, 3, 4)
    wall = time.perf_counter() - start
    assert (len(block.seconds), block.iterations, block.inferences) == (3, 4, 12)
    np.testing.assert_array_equal(block.outputs["logits"], session.run(feeds)["logits"])
    assert 0 < block.duration == pytest.approx(4 * sum(block.seconds))
    assert block.duration <= wall + 3 * session.facts.clock_resolution


def test_a_larger_batch_takes_longer(platform, settings):
    if is_simulated(platform.name):
        pytest.skip("a GPU that is simulated takes as long as it likes")
    fastest = {}
    large = 2048 if platform.name in {*CUDA, *WEBGPU} else 64  # a GPU is not busy with 64
    for size in (1, large):
        with opened(platform, case_of(manifest.load("resnet8"), size), settings) as session:
            drawn = draw(session, fed(seeded_batch(size)), Plan(5, 0.05))
            fastest[size] = min(value for block in drawn for value in block.seconds)
    assert fastest[large] > 4 * fastest[1]


def test_a_batch_of_the_wrong_shape_names_the_platform(session, case):
    name = session.facts.platform
    words = OF_ANOTHER_SHAPE.get(name, "Got invalid dimensions for input: input")
    with pytest.raises((PlatformError, UnavailableError), match=rf"^{name}: {case.model_file.stem}\.onnx: .*{words}"):
        session.run(fed(np.zeros((1, 1, 8, 8), np.float32)))


def test_equal_bytes_in_another_shape_are_another_batch(any_file_platform, tiny_model, settings):
    with opened(any_file_platform, case_of(own.load(tiny_model), 2), settings) as session:
        assert session.run(fed(np.zeros((2, 3, 32, 32), np.float32)))["logits"].shape == (2, 100)
        words = OF_ANOTHER_SHAPE.get(any_file_platform.name, "Got invalid dimensions for input: input")
        with pytest.raises(PlatformError, match=rf"^{any_file_platform.name}: tiny\.onnx: .*{words}"):
            session.run(fed(np.zeros((1, 6, 32, 32), np.float32)))


def test_processor_time_is_about_the_time_spent(platform, settings):
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells the processor time of another process")
    if is_simulated(platform.name):
        pytest.skip("a simulated GPU computes on as many threads as it likes, after its inference too")
    with opened(platform, case_of(manifest.load("resnet8")), settings) as session:
        blocks = list(draw(session, fed(seeded_batch(1)), Plan(30, 0.3)))
    if platform.has_device or platform.side == "remote":
        assert all(block.cpu is None for block in blocks)  # it says nothing of what a GPU computes, or another process
        return
    timed = sum(sum(block.seconds) for block in blocks)
    spent = sum(block.cpu.all_threads for block in blocks)
    assert 0.02 * timed < spent < 5 * timed + 0.5  # a loaded machine leaves little of the wall time


def test_facts_say_what_is_in_force(session, platform):
    facts = session.facts
    assert facts.threads == (None if platform.name in OWN_THREADS else 1)
    assert facts.platform == platform.name
    assert facts.execution_provider
    assert 0 < facts.clock_resolution <= 20e-6
    assert facts.is_software == is_simulated(platform.name)


def test_a_software_gpu_is_refused_unless_it_is_allowed(platform, case):
    if not is_simulated(platform.name):
        pytest.skip("no GPU is asked for")
    with pytest.raises(UnavailableError, match=rf"{platform.name}: .*software.*--allow-software-gpu"):
        platform.open(case, Settings(timeout=60)).__enter__()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "this is no ONNX file"), (b"no model at all" * 100, "this is no ONNX file")],
    ids=["empty", "text"],
)
def test_a_file_that_is_no_model_is_refused(platform, settings, tmp_path, content, words):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(content)
    refusal = UnavailableError if platform.name in EXPORTED else PlatformError
    with (
        pytest.raises(refusal, match=rf"^{platform.name}: broken\.onnx: .*{NO_MODEL.get(platform.name, words)}"),
        opened(platform, Case(own.load(broken), shapes={}), settings),
    ):
        pytest.fail("the platform opened it")


def test_an_unknown_operator_is_refused_with_the_runtimes_words(any_file_platform, settings, tmp_path):
    model = make_model(tmp_path / "strange.onnx", operator="Frobnicate")
    with (
        pytest.raises(PlatformError, match=rf"^{any_file_platform.name}: strange\.onnx: .*Frobnicate"),
        opened(any_file_platform, case_of(own.load(model)), settings),
    ):
        pytest.fail("the platform opened it")


@pytest.mark.parametrize("name", ["server-cpu", "chromium-wasm", "firefox-wasm", "webkit-wasm", "remote-cpu"])
def test_inputs_and_outputs_may_be_several_and_of_many_types(name, settings, tmp_path):
    model = make_many(tmp_path / "many.onnx")
    feeds = seeded_feeds(model, 3, {"sequence": 7, "pixels:1": 5})
    expected = reference(model, feeds)
    shapes = {input_: value.shape for input_, value in feeds.items()}
    with opened(present(name, settings), Case(own.load(model), 3, shapes=shapes), settings) as session:
        outputs = session.time(feeds, 2).outputs
    assert check_parity(name, outputs, expected, 1e-5) < 1e-5
    np.testing.assert_array_equal(outputs["same"], feeds["pixels"])
    assert {value.dtype.name for value in outputs.values()} == {"float32", "uint8", "int64", "float16"}


def test_an_input_may_be_used_by_nothing(any_file_platform, settings, tmp_path):
    declared = [("x", "FLOAT", ["batch", 4]), ("unused", "FLOAT", ["batch", 3])]
    relu = onnx.helper.make_node("Relu", ["x"], ["y"])
    model = make_graph(tmp_path / "a.onnx", [relu], declared, [("y", "FLOAT", ["batch", 4])])
    feeds = seeded_feeds(model, 2)
    with opened(any_file_platform, case_of(own.load(model), 2), settings) as session:
        assert_close(any_file_platform, session.run(feeds), reference(model, feeds))


def test_weights_may_lie_in_a_file_of_their_own(any_file_platform, settings, tmp_path):
    make_linear(tmp_path / "my model.onnx", save_as_external_data=True, location="my weights.bin", size_threshold=0)
    model = tmp_path / "my model.onnx"
    feeds, case = seeded_feeds(model, 2), case_of(own.load(model), 2)
    with opened(any_file_platform, case, settings) as session:
        assert_close(any_file_platform, session.run(feeds), reference(model, feeds))
    (tmp_path / "my weights.bin").unlink()
    words = rf"{any_file_platform.name}: my model\.onnx: .*my weights\.bin"
    with pytest.raises(PlatformError, match=words), opened(any_file_platform, case, settings):
        pytest.fail("the platform opened it")


def test_images_are_normalised_alike_to_the_last_bit(any_file_platform, settings, tmp_path):
    flatten = onnx.helper.make_node("Flatten", ["input"], ["logits"])
    shapes = ("input", "FLOAT", ["batch", 3, 8, 8]), ("logits", "FLOAT", ["batch", 192])
    model = make_graph(tmp_path / "flat.onnx", [flatten], [shapes[0]], [shapes[1]])
    pixels = np.random.default_rng(1).integers(0, 256, (20, 3, 8, 8), np.uint8)
    with opened(any_file_platform, case_of(own.load(model), 10), settings) as session:
        blocks = list(session.classify(Images(pixels, MEAN, STD), 10))
    assert [len(block.seconds) for block in blocks] == [1, 1]
    logits = np.concatenate([block.outputs["logits"] for block in blocks])
    np.testing.assert_array_equal(logits, normalise(pixels, MEAN, STD).reshape(20, 192))


def test_whole_batches_of_images_are_classified_as_the_reference_does(platform, case, settings):
    pixels = np.random.default_rng(1).integers(0, 256, (16, 3, 32, 32), np.uint8)
    with opened(platform, case_of(case.artefact, 8), settings) as session:
        blocks = list(session.classify(Images(pixels, MEAN, STD), 8))
    outputs = {"logits": np.concatenate([block.outputs["logits"] for block in blocks])}
    assert_close(platform, outputs, reference(case.model_file, fed(normalise(pixels))))


@pytest.mark.parametrize(("name", "caches"), [(name, caches) for name in TRIED for caches in PLATFORMS[name].caches])
def test_openings_tell_load_first_inferences_and_memory(name, settings, caches):
    platform = present(name, settings)
    if is_simulated(platform.name):
        pytest.skip("twenty inferences on a simulated GPU take a minute")
    artefact = manifest.load("resnet8")
    feeds = seeded_feeds(artefact.path, 1)
    openings = platform.openings(case_of(artefact), feeds, settings, caches)
    opening = next(openings)
    openings.close()
    assert opening.second > 0
    assert 0 < opening.first < 60
    assert 0 < opening.load < 60
    assert opening.facts.platform == platform.name
    assert_close(platform, opening.outputs, reference(artefact.path, feeds))
    if platform.side == "remote":
        assert (opening.memory.before, opening.memory.peak) == (None, None)
    elif sys.platform.startswith("linux"):
        assert 5e6 < opening.memory.before < opening.memory.peak < 5e9
    assert bool(opening.memory.wasm) == (platform.side == "client")


def test_parity_refuses_wrong_logits(tiny_model):
    expected = reference(tiny_model, seeded_feeds(tiny_model, 2))["logits"]

    def parity(logits):
        return check_parity("here", {"logits": logits}, {"logits": expected}, TOLERANCES["float32"])

    assert parity(expected * np.float32(1 + 1e-6)) < 1e-5
    for wrong, words in (
        (expected * np.float32(1.001), "differ from the reference's by 1.0e-03 of the largest, more than 1e-05"),
        (expected[:1], r"is float32 \[1, 100\], the reference's float32 \[2, 100\]"),
        (expected * np.nan, "differ from the reference's by nan of the largest"),
        (expected[::-1], "differ from the reference's by .* of the largest"),
        (expected.astype(np.float64), r"is float64 \[2, 100\], the reference's float32 \[2, 100\]"),
    ):
        with pytest.raises(ParityError, match=f"^here: logits {words}"):
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
        reference(model, {"ids": np.ones(8, np.int64)})


def test_a_browser_that_is_not_there_is_named(tmp_path):
    nowhere = tmp_path / "no-browser"
    reason = PLATFORMS["chromium-wasm"].unavailable(Settings(browser_path=nowhere))
    assert str(nowhere) in reason
    assert "--browser-path" in reason
    assert PLATFORMS["chromium-wasm"].versions(Settings(browser_path=nowhere)) == {}
