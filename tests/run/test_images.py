"""The accuracy of a file of the user's own: on a folder of images by class, or refused before anything is opened."""

import numpy as np
import onnx
import psutil
import pytest
from helpers import FAKE_PLATFORMS, Suite, make_graph
from PIL import Image

from benchmarks.inputs import case_of
from benchmarks.measuring.accuracy import AccuracyError, Examination, logits_of, reference_classes
from benchmarks.measuring.parity import ParityError
from benchmarks.platforms import PLATFORMS, batches
from benchmarks.protocol import Block, Images
from benchmarks.settings import Settings
from models import cifar100, classifier, image_folder, own
from models.cifar100 import Split
from models.image_folder import Size, decode, listed
from models.manifest import ModelError

SHADES = {"black": 20, "grey": 120, "white": 240}  # a class each, in the order of their names
THREE = tuple(SHADES.values())
MEAN, STD = 0.5, 0.25
TOLD = (f"--mean={MEAN}", f"--std={STD}")
CHANNELS = {"L": 1, "RGB": 3}


def make_classifier(path, batch="batch", channels=3, size=8, shades=THREE, **shapes):
    """Write a graph that answers with the nearest of *shades*, by the mean of an image."""
    from onnx import helper, numpy_helper

    middles = (np.array(shades, np.float32) / 255 - MEAN) / STD
    weights = [
        numpy_helper.from_array(np.tile(2 * middles / channels, (channels, 1)).astype(np.float32), "matrix"),
        numpy_helper.from_array(-(middles**2), "bias"),
    ]
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix", "bias"], ["logits"]),
    ]
    inputs = [("input", "FLOAT", shapes.get("input", [batch, channels, size, size]))]
    return make_graph(path, nodes, inputs, [("logits", "FLOAT", shapes.get("output", [batch, len(shades)]))], weights)


def make_images(folder, of_a_class=3, size=(8, 8), mode="RGB", mistaken=1):
    """Write images of each shade by class, so many of each with another's shade; width comes before height."""
    others = dict(zip(SHADES, [*SHADES.values()][1:] + [*SHADES.values()][:1], strict=True))
    random = np.random.default_rng(0)
    for name, shade in SHADES.items():
        (folder / name).mkdir(parents=True)
        for number in range(of_a_class):
            of_image = others[name] if number < mistaken else shade
            shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
            pixels = (of_image + random.integers(-9, 10, shape)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return make_images(tmp_path / "images")


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester, FAKE_PLATFORMS, phases=["accuracy", "latency"])


def classify(suite, model, folder, *options, **choices):
    data = [f"--data-dir={folder}"] if folder else []
    return suite.run("-m", "accuracy", *TOLD, *data, *options, model=model, **choices)


def refused(result, words):
    """Hold a run against a refusal: exit code 4, one line of words, and nothing was run."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert words in line
    assert "empty parameter set" not in result.stdout.str()
    assert "passed" not in result.stdout.str()


@pytest.mark.parametrize("batch", ["batch", 4])
@pytest.mark.parametrize("platform", ["server-cpu", "server-openvino", "chromium-wasm", "chromium-webnn"])
def test_a_last_batch_is_filled_up_on_every_kind_of_platform(settings, tmp_path, monkeypatch, platform, batch):
    monkeypatch.setattr(batches, "PART_BYTES", 1000)  # of four images, and one
    model = own.load(make_classifier(tmp_path / "shades.onnx", batch=batch))
    shades = np.array([20, 240, 120, 120, 20, 20, 240, 240, 120], np.uint8)
    pixels = np.broadcast_to(shades[:, None, None, None], (9, 3, 8, 8))
    with PLATFORMS[platform].open(case_of(model, 4), settings) as session:
        blocks = [*session.classify(Images(pixels, [MEAN] * 3, [STD] * 3), 4)]
    assert [block.outputs["logits"].shape for block in blocks] == [(4, 3), (4, 3), (1, 3)]
    answers = np.concatenate([block.outputs["logits"] for block in blocks]).argmax(1)
    assert [THREE[answer] for answer in answers] == shades.tolist()


def test_a_folder_of_images_is_classified(pytester, outside_xdist, folder, tmp_path):
    suite = Suite(pytester, "", phases=["accuracy"])
    model = make_classifier(tmp_path / "shades.onnx")
    result = classify(suite, model, folder, "--benchmark-json=out.json", platform="server-cpu", batch_size=4)
    result.assert_outcomes(passed=1)  # nine images by four: the last batch has one
    (benchmark,) = suite.benchmarks()
    info = benchmark["extra_info"]
    assert (info["images"], info["as_reference"], info["classes"]) == (9, 100.0, 3)
    assert info["top1"] == pytest.approx(100 * 6 / 9)
    assert (info["mean"], info["std"], info["resize"]) == ([MEAN] * 3, [STD] * 3, None)
    assert len(benchmark["stats"]["data"]) == 3


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_classified_in_its_own_size(pytester, outside_xdist, folder, tmp_path, batch):
    suite = Suite(pytester, "", phases=["accuracy"])
    model = make_classifier(tmp_path / "shades.onnx", batch=batch)
    quick = ("-m", "accuracy", *TOLD, f"--data-dir={folder}", "--benchmark-json=out.json", "--platform=server-cpu")
    pytester.runpytest_subprocess(*quick, f"--model={model}", "-p", "no:cacheprovider").assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["param"] == f"shades.onnx-server-cpu-b{batch}"
    assert benchmark["extra_info"]["top1"] == pytest.approx(100 * 6 / 9)
    asked = classify(suite, model, folder, platform="server-cpu", batch_size=batch + 1)
    refused(asked, f"shades.onnx: the graph has a fixed batch of {batch}, not of {batch + 1}; leave out --batch-size")


def test_a_platform_is_held_against_the_references_right_answers(suite, folder, tmp_path):
    result = classify(suite, make_classifier(tmp_path / "shades.onnx"), folder, platform="contrary")
    result.assert_outcomes(failed=1)
    words = "contrary: shades.onnx is right on * of 9 images, the reference is right on 6 of 9; float32 may differ by 2"
    result.stdout.fnmatch_lines([words])


def test_one_channel_is_grey(suite, folder, tmp_path):
    model = make_classifier(tmp_path / "shades.onnx", channels=1)
    classify(suite, model, folder, "--benchmark-json=out.json").assert_outcomes(passed=1)
    assert suite.benchmarks()[0]["extra_info"]["top1"] == pytest.approx(100 * 6 / 9)


def test_what_has_no_images_or_no_constants_is_refused(suite, folder, tmp_path, monkeypatch):
    monkeypatch.delenv("CIFAR100_DIR", raising=False)
    model = make_classifier(tmp_path / "shades.onnx")
    refused(suite.run("-m", "accuracy", model=model), "shades.onnx: -m accuracy has to be told --mean and --std")
    refused(suite.run("-m", "accuracy", "--std=1", model=model), "shades.onnx: -m accuracy has to be told --mean, of")
    refused(classify(suite, model, None), "shades.onnx: -m accuracy has no images; name a folder with --data-dir")
    refused(classify(suite, model, tmp_path / "no"), "no: no such folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(classify(suite, model, empty), "empty: nothing to classify; it has to hold cifar-100-binary/, or a folder")
    (folder / "violet").mkdir()
    (folder / "violet" / "notes.txt").write_text("none yet")
    refused(classify(suite, model, folder), "the class violet has no image: none of its files ends in .jpg, ")


def test_images_of_other_classes_are_refused(suite, folder, tmp_path):
    two = make_classifier(tmp_path / "two.onnx", shades=(20, 240))
    refused(classify(suite, two, folder), "images of 3 classes (black, grey, white), but two.onnx answers with 2; name")


def test_an_image_that_cannot_be_read_is_named(suite, folder, tmp_path):
    model, broken = make_classifier(tmp_path / "shades.onnx"), folder / "grey" / "7.png"
    broken.write_bytes((folder / "grey" / "1.png").read_bytes()[:60])
    refused(classify(suite, model, folder), f"{broken}: not an image that can be read: ")
    broken.write_text("no picture")
    refused(classify(suite, model, folder), f"{broken}: not an image that can be read; mend it, or take it away")
    Image.fromarray(np.full((8, 8), 60_000, np.uint16)).save(broken)
    refused(classify(suite, model, folder), f"{broken}: has more than 8 bits a channel (I;16); convert it")


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"input": ["batch", 8, 8, 3]}, "takes channels last, [batch, 8, 8, 3]; -m accuracy gives [batch, 1 or 3 ch"),
        ({"input": ["batch", 4, 8, 8]}, "takes 4 channels, [batch, 4, 8, 8]; -m accuracy gives"),
        ({"input": ["batch", 3, 64]}, "has 3 dimensions; -m accuracy gives"),
        ({"input": ["batch", 3, "h", "w"]}, "free dimensions beside the batch; set them with --dim h=N --dim w=N"),
        ({"input": ["batch", 3, None, 8]}, "free dimensions beside the batch; set them with --dim input:2=N"),
    ],
)
def test_inputs_that_are_no_images_are_refused(tmp_path, shapes, words):
    model = make_classifier(tmp_path / "odd.onnx", **shapes)
    with pytest.raises(ModelError) as refusal:
        classifier.read(model, {})
    assert str(refusal.value).startswith("odd.onnx: the input input ")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([("x", "UINT8", ["b", 3, 8, 8])], [("x2", "UINT8", ["b", 3])], "the input x takes uint8"),
        ([("x", "FLOAT16", ["b", 3, 8, 8])], [("x2", "FLOAT16", ["b", 3])], "the input x takes float16"),
        ([("x", "FLOAT", ["b", 3]), ("z", "FLOAT", ["b"])], [("x2", "FLOAT", ["b", 3])], "has the inputs x, z"),
        ([("x", "FLOAT", ["b", 3, 8, 8])], [("x2", "FLOAT", ["b", 3, 8, 8])], "outputs are x2, and none of them is"),
    ],
)
def test_graphs_that_are_no_classifiers_are_refused(tmp_path, inputs, outputs, words):
    from onnx import helper

    node = helper.make_node("Identity", ["x"], ["x2"])
    with pytest.raises(ModelError, match=words):
        classifier.read(make_graph(tmp_path / "odd.onnx", [node], inputs, outputs), {})


def test_lengths_of_free_dimensions_are_taken(tmp_path):
    model = make_classifier(tmp_path / "free.onnx", input=["batch", 3, "h", None])
    assert classifier.read(model, {"h": 4, "input:3": 6}).size == Size(3, 4, 6)


def test_another_size_is_refused_with_the_option_that_mends_it(suite, tmp_path):
    folder, model = make_images(tmp_path / "large", size=(20, 12)), make_classifier(tmp_path / "shades.onnx")
    refused(
        classify(suite, model, folder), "0.png: 12 × 20 (height × width), but the model takes 8 × 8; give --resize 8"
    )
    refused(classify(suite, model, folder, "--resize=7"), "--resize 7: smaller than the 8 × 8 that the model takes")
    result = classify(suite, model, folder, "--resize=10", "--benchmark-json=out.json")
    result.assert_outcomes(passed=1)
    assert suite.benchmarks()[0]["extra_info"]["top1"] == pytest.approx(100 * 6 / 9)


@pytest.mark.parametrize("size", [(31, 17), (17, 31), (12, 12), (9, 8)])
def test_images_are_resized_and_cut_as_torchvisions_references_do(tmp_path, size):
    transforms = pytest.importorskip("torchvision.transforms")
    datasets = pytest.importorskip("torchvision.datasets")
    folder = make_images(tmp_path / "images", size=size)
    theirs = datasets.ImageFolder(folder, transforms.Compose([transforms.Resize(9), transforms.CenterCrop((8, 7))]))
    found = listed(folder)
    ours = decode(found, Size(3, 8, 7), resize=9)
    assert ours.labels.tolist() == theirs.targets
    assert [*map(str, found.files)] == [name for name, _label in theirs.samples]
    np.testing.assert_array_equal(ours.images.transpose(0, 2, 3, 1), [np.asarray(image) for image, _label in theirs])


def test_cifar_100_is_one_of_the_folders(suite, tmp_path, monkeypatch):
    records = np.random.default_rng(1).integers(0, 100, (20, cifar100.RECORD_BYTES), np.uint8)
    monkeypatch.setattr(cifar100, "load", lambda *_given: cifar100.decode(records.tobytes()))
    (tmp_path / cifar100.FOLDER).mkdir()
    found = listed(tmp_path)
    assert (found.is_cifar100, len(found.classes), len(found)) == (True, 100, 10_000)
    split = decode(found, Size(3, 32, 32), None)
    np.testing.assert_array_equal(split.images, records[:, 2:].reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(split.labels, records[:, 1])
    assert decode(found, Size(1, 40, 48), 48).images.shape == (20, 1, 40, 48)


def test_more_than_the_memory_holds_is_told(folder, monkeypatch):
    free = psutil.virtual_memory()._replace(available=1_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(cifar100.DataError, match=r"9 images of 224 × 224 take 0\.0 GB of memory, and 0\.0 GB are free"):
        image_folder.check_memory(listed(folder), Size(3, 224, 224), 1000)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--mean=123.675,116.28,103.53", "is of pixels scaled to 0…1, and so from 0 to 1; divide by 255"),
        ("--std=abc", "'abc' is not a number, nor several with commas"),
        ("--resize=0", "0 is not positive"),
    ],
)
def test_bad_values_are_refused(suite, option, words):
    result = suite.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str()


def test_constants_are_of_every_channel(suite, folder, tmp_path):
    model = make_classifier(tmp_path / "shades.onnx")
    spoken = ("-m", "accuracy", f"--data-dir={folder}", "--mean", ".5", ".5", ".5", "--std=.25,.25,.25")
    suite.run(*spoken, "--benchmark-json=out.json", model=model).assert_outcomes(passed=1)
    assert suite.benchmarks()[0]["extra_info"]["mean"] == [0.5] * 3
    two = suite.run("-m", "accuracy", "--mean=.5,.5", "--std=.5", model=model)
    refused(two, "shades.onnx: --mean has 2 numbers, the images 3 channels")
    refused(suite.run("-m", "accuracy", "--mean=0", "--std=0", model=model), "shades.onnx: --std 0 divides by zero")


def test_options_of_images_that_serve_nothing_are_refused(suite, tmp_path):
    refused(suite.run("--mean=.5"), "--mean has no effect: it is of -m accuracy with an ONNX file as --model")
    refused(suite.run("-m", "accuracy", "--mean=.5", "--resize=9"), "--mean, --resize have no effect: they are of -m a")
    model = make_classifier(tmp_path / "shades.onnx")
    refused(suite.run("-m", "latency", *TOLD, model=model), "--mean, --std have no effect")


def test_images_travel_to_a_page_and_to_a_process_part_by_part(monkeypatch):
    images = Images(np.zeros((103, 3, 4, 4), np.uint8), (0, 0, 0), (1, 1, 1))
    monkeypatch.setattr(batches, "PART_BYTES", 1000)
    assert [len(part.pixels) for part in batches.parts(images, 8)] == [16] * 6 + [7]
    assert [len(part.pixels) for part in batches.parts(images, 64)] == [64, 39]


def test_a_process_of_its_own_answers_for_every_image_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "PART_BYTES", 1000)
    model = own.load(make_classifier(tmp_path / "shades.onnx"))
    pixels = np.arange(11 * 192, dtype=np.int64).reshape(11, 3, 8, 8).astype(np.uint8)
    with PLATFORMS["server-cpu"].open_fresh(case_of(model, 4), Settings(timeout=30)) as session:
        blocks = [*session.classify(Images(pixels, [MEAN] * 3, [STD] * 3), 4)]
    assert [block.outputs["logits"].shape for block in blocks] == [(4, 3), (4, 3), (3, 3)]


def answering(path):
    """Return a graph's artefact, and four images that it is put to."""
    artefact, images = own.load(path), np.zeros((4, 3, 8, 8), np.uint8)
    split = Split(images, np.zeros(4, np.int64))
    return artefact, Examination(classifier.read(artefact.path, {}), split, Images(images, [MEAN] * 3, [STD] * 3))


def test_a_reference_that_hangs_ends_alone(tmp_path):
    model = onnx.load(make_classifier(tmp_path / "endless.onnx"))
    shape = ["batch", 3]
    logits = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("a", "b")]
    flags = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, []) for name in ("go", "on")]
    number = onnx.helper.make_tensor_value_info("number", onnx.TensorProto.INT64, [])
    same = [onnx.helper.make_node("Identity", ["a"], ["b"]), onnx.helper.make_node("Identity", ["go"], ["on"])]
    body = onnx.helper.make_graph(same, "body", [number, flags[0], logits[0]], [flags[1], logits[1]])
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "for ever"))
    model.graph.node[-1].output[0] = "once"
    model.graph.node.append(onnx.helper.make_node("Loop", ["", "for ever", "once"], ["logits"], body=body))
    onnx.save(model, tmp_path / "endless.onnx")
    artefact, examination = answering(tmp_path / "endless.onnx")
    with pytest.raises(ParityError, match=r"^endless\.onnx: the reference cannot answer: its process did not answer"):
        reference_classes(artefact, examination, timeout=2)


def test_nan_is_no_answer(tmp_path):
    model = onnx.load(make_classifier(tmp_path / "nan.onnx"))
    model.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(np.full(3, np.nan, np.float32), "bias"))
    onnx.save(model, tmp_path / "nan.onnx")
    artefact, examination = answering(tmp_path / "nan.onnx")
    with pytest.raises(AccuracyError, match=r"^nan\.onnx, reference: answers with NaN, which is no class; are --mean"):
        reference_classes(artefact, examination)
    block = Block([1.0], {"logits": np.full((4, 3), np.nan, np.float32)}, None)
    with pytest.raises(AccuracyError, match=r"^here: answers with NaN"):
        logits_of([block], examination, "here")
