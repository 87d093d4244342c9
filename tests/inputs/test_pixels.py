"""Inputs that are pixels: the bytes that are uploaded and the floats that the reference sees are the same picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from helpers import FAKE_PLATFORMS, Suite, make_graph, make_many, make_model
from onnx.helper import make_node
from PIL import Image

from benchmarks import inputs
from benchmarks.inputs import Wishes
from benchmarks.inputs.given import Arrays, parse
from benchmarks.inputs.pixels import UNIT, Picture, nearest, normalised, of_channels
from benchmarks.protocol import Normalisation, UnavailableError
from benchmarks.remote import pictures
from benchmarks.remote.pictures import PictureError, decode
from benchmarks.run.choices import PHASES
from benchmarks.run.selection import CIFAR, Selection
from models import cifar100, manifest, own
from models.image_folder import Size
from models.manifest import ModelError

SHADES = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def encoded(image, form, **choices):
    content = io.BytesIO()
    image.save(content, form, **choices)
    return content.getvalue()


def painted(mode="RGB", size=(50, 40)):
    """Return a picture, width before height."""
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8)).convert(mode)


def bare_png(width, height, bits=8, rows=b""):
    """Return a PNG of three channels with any head at all."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def picture(tmp_path):
    """A JPEG of another size than any model takes."""
    path = tmp_path / "cat.jpg"
    path.write_bytes(encoded(painted(), "JPEG"))
    return Picture(path)


def make_image_model(path, shape=("N", 3, 8, 8), kind="FLOAT"):
    nodes = [make_node("GlobalAveragePool", ["x"], ["y"])]
    return make_graph(path, nodes, [("x", kind, [*shape])], [("y", kind, None)])


# What is uploaded, and what the reference sees


@pytest.mark.parametrize(("mean", "std"), [(cifar100.MEAN, cifar100.STD), (SHADES.mean, SHADES.std)])
def test_pixels_become_the_very_bits_that_the_accuracy_normalises_them_to(mean, std):
    every = np.arange(3 * 256, dtype=np.int64).reshape(1, 3, 16, 16).astype(np.uint8)
    np.testing.assert_array_equal(normalised(every, Normalisation(mean, std)), cifar100.normalise(every, mean, std))
    np.testing.assert_array_equal(pictures.normalise(every[0], mean, std), cifar100.normalise(every, mean, std)[0])


@pytest.mark.parametrize("by", [UNIT, CIFAR, SHADES])
def test_every_pixel_comes_back_from_its_float(by):
    every = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(16, 16), (2, 3, 16, 16))
    by = of_channels(by, 3)
    np.testing.assert_array_equal(nearest(normalised(every, by), by), every)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_made_up_input_is_whole_pixels_the_same_in_every_run(tiny_model, batch_size):
    fed, again = (inputs.fed_pixels(tiny_model, batch_size, Wishes(normalisation=CIFAR)) for _ in range(2))
    pixels = fed.pixels["input"]
    assert (pixels.dtype, pixels.shape, len(np.unique(pixels))) == (np.uint8, (batch_size, 3, 32, 32), 256)
    np.testing.assert_array_equal(fed.feeds["input"], cifar100.normalise(pixels))
    np.testing.assert_array_equal(pixels, again.pixels["input"])
    assert (fed.batch_axes, fed.normalisation, fed.encoded) == ({"input": 0}, CIFAR, None)
    assert fed.made_up == ["input"]
    mean, std = "0.5071,0.4865,0.4409", "0.2673,0.2564,0.2762"
    assert fed.sources == {"input": f"made up, as (pixels / 255 - {mean}) / {std}"}


def test_without_a_mean_pixels_are_scaled_and_that_is_told(tiny_model):
    fed = inputs.fed_pixels(tiny_model, 1)
    np.testing.assert_array_equal(fed.feeds["input"], fed.pixels["input"].astype(np.float32) / np.float32(255))
    assert fed.sources == {"input": "made up, as pixels / 255"}
    assert inputs.fed(tiny_model, 1).sources == {"input": "made up"}  # of who uploads no pixels as ever


def test_what_was_given_is_rounded_to_pixels_and_nothing_else(tiny_model, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (1, 3, 32, 32), np.uint8)
    levels = pixels + np.random.default_rng(2).uniform(-0.49, 0.49, pixels.shape).astype(np.float32)
    np.savez(tmp_path / "a.npz", input=(levels / 255).astype(np.float32))
    given = Wishes(arrays=Arrays(tmp_path / "a.npz"))
    fed = inputs.fed_pixels(tiny_model, 1, given)
    np.testing.assert_array_equal(fed.pixels["input"], pixels)
    assert fed.sources["input"].startswith("a.npz ")
    assert fed.sources["input"].endswith(", as pixels / 255")
    assert fed.made_up == []
    words = r"tiny\.onnx: its values are .* but \(pixels / 255 - .*\) / .* are .* to .*; say with --mean and --std"
    np.savez(tmp_path / "a.npz", input=np.full((1, 3, 32, 32), 9, np.float32))
    for wrong in (9.0, -9.0, np.nan, np.inf):
        np.savez(tmp_path / "a.npz", input=np.full((1, 3, 32, 32), wrong, np.float32))
        with pytest.raises(ModelError, match=words):
            inputs.fed_pixels(tiny_model, 1, Wishes(arrays=Arrays(tmp_path / "a.npz"), normalisation=CIFAR))


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (Normalisation((0.5, 0.5), (1.0,)), "--mean has 2 numbers, the input 3 channels; give 1 or 3"),
        (Normalisation((0.5,), (0.0,)), "--std 0 divides by zero"),
    ],
)
def test_a_normalisation_that_does_not_fit_is_refused(tiny_model, by, words):
    with pytest.raises(ModelError, match=f"tiny.onnx: {words}"):
        inputs.fed_pixels(tiny_model, 1, Wishes(normalisation=by))


@pytest.mark.parametrize(
    ("shape", "kind", "found"),
    [
        (("N", 4, 8, 8), "FLOAT", r"x float32 \[1, 4, 8, 8\]"),
        (("N", 8, 8, 3), "FLOAT", r"x float32 \[1, 8, 8, 3\]"),
        (("N", 3, 8), "FLOAT", r"x float32 \[1, 3, 8\]"),
        (("N", 3, 8, 8), "FLOAT16", r"x float16 \[1, 3, 8, 8\]"),
    ],
)
def test_an_input_that_can_be_no_pixels_is_refused(tmp_path, shape, kind, found):
    model = make_image_model(tmp_path / "other.onnx", shape, kind)
    words = r"other\.onnx: uploads as uint8 need one float32 input \[N, 3 or 1, H, W\]; this has "
    with pytest.raises(UnavailableError, match=words + found + "$"):
        inputs.fed_pixels(model, 1)


def test_several_inputs_can_be_no_pixels(tmp_path):
    lengths = (("sequence", 2), ("pixels:1", 3))
    with pytest.raises(UnavailableError, match=r"this has ids int64 \[1, 2\], values float32 \[1, 2\], mask bool"):
        inputs.fed_pixels(make_many(tmp_path / "many.onnx"), 1, Wishes(dims=lengths))


# A picture


@pytest.mark.parametrize("by", [None, SHADES])
def test_a_picture_is_fed_decoded_resized_and_normalised(tiny_model, picture, by):
    wishes = Wishes(arrays=picture, normalisation=by)
    for fed in (inputs.fed(tiny_model, 1, wishes), inputs.fed_pixels(tiny_model, 1, wishes)):
        assert fed.encoded == picture.path.read_bytes()
        with Image.open(picture.path) as image:
            small = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1)[None]
        np.testing.assert_array_equal(fed.pixels["input"], small)
        np.testing.assert_array_equal(fed.feeds["input"], normalised(small, of_channels(by or UNIT, 3)))
        assert fed.sources["input"].startswith("cat.jpg ")
        assert fed.made_up == []
    assert inputs.only_batch(tiny_model, wishes) == (True, 1)
    with pytest.raises(ModelError, match="what was given has batch of 1; measure it with --batch-size 1"):
        inputs.fed(tiny_model, 8, wishes)


def test_a_picture_takes_the_size_and_the_colours_of_the_input(tmp_path, picture):
    model = make_image_model(tmp_path / "free.onnx", ("N", 1, "height", "width"))
    wishes = Wishes(dims=(("height", 6), ("width", 9)), arrays=picture)
    assert inputs.fed(model, 1, wishes).pixels["x"].shape == (1, 1, 6, 9)
    with pytest.raises(ModelError, match="no length for width; add --dim width=N"):
        inputs.fed(model, 1, Wishes(dims=(("height", 6),), arrays=picture))


def test_a_picture_for_a_batch_of_several_or_for_no_image_is_refused(tmp_path, picture):
    eight = make_image_model(tmp_path / "eight.onnx", (8, 3, 8, 8))
    with pytest.raises(ModelError, match=r"--input .*cat\.jpg: one picture, and the graph has a fixed batch of 8"):
        inputs.fed(eight, 8, Wishes(arrays=picture))
    four = make_image_model(tmp_path / "four.onnx", ("N", "channels", 8, 8))
    with pytest.raises(ModelError, match=r"cat\.jpg: uploads as uint8 need .*; this has x float32 \[1, 4, 8, 8\]"):
        inputs.fed(four, 1, Wishes(dims=(("channels", 4),), arrays=picture))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "MPO"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pictures_of_all_usual_kinds_are_decoded(form, mode):
    more = {"save_all": True, "append_images": [painted(mode)]} if form == "MPO" else {}
    content = encoded(painted(mode), form, **more)
    assert decode(content, 3, 20, 30).shape == (3, 20, 30)
    assert decode(content, 1, 20, 30).shape == (1, 20, 30)


def test_pixels_without_loss_are_the_pictures_own():
    image = painted()
    for content in (
        encoded(image, "PNG"),
        encoded(image, "WEBP", lossless=True),
        encoded(image.convert("RGBA"), "PNG"),
    ):
        np.testing.assert_array_equal(decode(content, 3, 40, 50), np.asarray(image).transpose(2, 0, 1))


MOVING = {"save_all": True, "append_images": [painted().rotate(90)]}
REFUSED = {
    "cut off": (encoded(painted(), "JPEG")[:900], "a broken picture .*truncated.*; save it anew"),
    "cut off PNG": (encoded(painted(), "PNG")[:900], "a broken picture .*truncated.*"),
    "text": (b"no picture", "no picture: none of JPEG, PNG, WEBP; save it as one of them"),
    "nothing": (b"", "no picture: none of"),
    "GIF": (encoded(painted(), "GIF"), "no picture: none of"),
    "16 bits": (encoded(Image.fromarray(np.full((4, 4), 300, np.uint16)), "PNG"), "more than 8 bits a channel"),
    "16 bits of three": (bare_png(2, 2, 16, (b"\0" + bytes(12)) * 2), "more than 8 bits a channel; save it with 8"),
    "inks": (encoded(painted("CMYK"), "JPEG"), r"in inks \(CMYK\).*; convert it to RGB"),
    "transparent": (encoded(Image.new("RGBA", (4, 4), (9, 9, 9, 9)), "PNG"), "transparent parts.*; put it on a backgr"),
    "moving": (encoded(painted(), "WEBP", **MOVING), "2 pictures that move; save one of them alone"),
    "moving PNG": (encoded(painted(), "PNG", **MOVING), "2 pictures that move"),
    "large": (bare_png(10_000, 6_000), "too large: 10,000 × 6,000 pixels, more than 50,000,000; make it smaller"),
    "larger": (bare_png(10_000, 10_000), "too large: more than 50,000,000 pixels; make it smaller"),
    "a bomb": (bare_png(60_000, 60_000), "too large: more than 50,000,000 pixels"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_that_all_decode_alike_is_refused_in_a_line(tmp_path, content, words):
    with pytest.raises(PictureError, match=f"^{words}") as refused:
        decode(content, 3, 8, 8)
    assert "\n" not in str(refused.value)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ModelError, match=rf"^--input .*a\.png: {words}"):
        Picture(tmp_path / "a.png").check()


# The command line


def test_a_picture_is_told_by_its_ending(tmp_path, picture):
    assert parse(str(picture.path)) == picture
    (tmp_path / "DOG.PNG").touch()
    assert parse(str(tmp_path / "DOG.PNG")) == Picture(tmp_path / "DOG.PNG")
    for absent in ("absent.webp", "absent.jpeg"):
        with pytest.raises(ValueError, match=f"{absent}: no such file"):
            parse(absent)
    assert parse("image.jpg=1") == ("image.jpg", "1")


def test_a_picture_is_a_case_of_its_own(tmp_path, picture, tiny_model):
    np.savez(tmp_path / "noise.npz", input=np.zeros((1, 3, 32, 32), np.float32))
    words = make_graph(
        tmp_path / "words.onnx", [make_node("Neg", ["i"], ["o"])], [("i", "FLOAT", ["N", 3])], [("o", "FLOAT", None)]
    )
    given = (picture, Arrays(tmp_path / "noise.npz"))
    selection = Selection(models=(tiny_model, words), platforms=("server-cpu",), inputs=given)
    names = [case.name for case in selection.cases(PHASES["load"], ("model", "platform", "batch_size"))]
    assert names == ["tiny.onnx.cat-server-cpu-b1", "tiny.onnx.noise-server-cpu-b1", "words.onnx-server-cpu-b1"]
    assert [*selection.faults()] == []


def test_the_catalogues_models_are_fed_the_one_picture_at_batch_1(picture):
    selection = Selection(models=("resnet8", "resnet18"), platforms=("server-cpu",), inputs=(picture,))
    names = [case.name for case in selection.cases(PHASES["latency"], ("model", "platform", "batch_size"))]
    assert names == ["resnet8.cat-server-cpu-b1", "resnet18.untrained.cat-server-cpu-b1"]
    assert [*selection.faults()] == []
    fed = selection.fed(manifest.load("resnet8"), 1)
    np.testing.assert_array_equal(fed.feeds["input"], cifar100.normalise(picture.pixels(Size(3, 32, 32))))
    (accuracy,) = Selection(models=("resnet8",), platforms=("server-cpu",), inputs=(picture,)).cases(
        PHASES["accuracy"], ("model", "platform", "batch_size")
    )
    assert accuracy.name == "resnet8-server-cpu-b8"


def test_pictures_that_nothing_can_be_fed_are_refused(tmp_path, picture, tiny_model):
    (tmp_path / "dog.png").write_bytes(encoded(painted(), "PNG"))
    dog = Picture(tmp_path / "dog.png")
    (fault,) = Selection(models=("resnet8", tiny_model), inputs=(picture, dog)).faults()
    assert fault.endswith("dog.png: the catalogue's models are fed one picture; leave out the others")
    assert [*Selection(models=(tiny_model,), inputs=(picture, dog)).faults()] == []
    (fault,) = Selection(inputs=(picture,), batch_sizes=(1, 8)).faults()
    assert fault.endswith("cat.jpg: it is one picture, fed in a batch of 1; leave out --batch-size")
    four = make_image_model(tmp_path / "four.onnx", ("N", 4, 8, 8))
    (fault,) = Selection(models=(four,), inputs=(picture,)).faults()
    assert "cat.jpg: no --model FILE takes pictures: uploads as uint8 need one float32 input" in fault
    (tmp_path / "dog.png").write_bytes(b"no picture")
    assert "dog.png: no picture" in next(Selection(inputs=(Picture(tmp_path / "dog.png"),)).faults())


def test_what_a_platform_takes_decides_what_it_is_fed(picture, tiny_model):
    resnet8 = manifest.load("resnet8")
    assert Selection().fed(resnet8, 1).pixels == {}
    fed = Selection().fed(resnet8, 8, "pixels", SHADES)
    np.testing.assert_array_equal(fed.feeds["input"], cifar100.normalise(fed.pixels["input"]))  # by CIFAR's alone
    with pytest.raises(UnavailableError, match=r"^resnet8: which picture\? name one with --input FILE\.jpg$"):
        Selection().fed(resnet8, 1, "image")
    mine = own.load(tiny_model)
    assert Selection(models=(tiny_model,)).fed(mine, 1, "pixels", SHADES).normalisation == SHADES
    pictured = Selection(models=(tiny_model,), inputs=(picture,))
    (name,) = pictured.own_models
    assert pictured.fed(pictured.model_file(name), 1, "image").encoded == picture.path.read_bytes()


UPLOADS = FAKE_PLATFORMS.replace('"arrays"', '"pixels"')


def test_mean_and_std_are_of_who_is_fed_pixels(pytester, outside_xdist, tmp_path, picture):
    model, told = make_model(tmp_path / "tiny.onnx"), ("--mean=.5", "--std=.25")
    suite = Suite(pytester, UPLOADS)
    suite.run(*told, "--benchmark-json=out.json", model=model).assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["extra_info"]["fed"] == {"input": "made up, as (pixels / 255 - 0.5,0.5,0.5) / 0.25,0.25,0.25"}
    for wrong, words in {
        ("--mean=.5",): "--mean alone normalises no pixels: give --mean and --std",
        (*told, "--resize=40"): "--resize has no effect",
    }.items():
        result = suite.run(*wrong, model=model)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert words in result.stderr.str()
    assert "have no effect" in suite.run(*told, model="resnet8").stderr.str()  # which has its own


def test_a_picture_can_be_normalised_for_who_takes_arrays(pytester, outside_xdist, tmp_path, picture):
    model, suite = make_model(tmp_path / "tiny.onnx"), Suite(pytester)
    told = ("--mean=.5", "--std=.25", f"--input={picture.path}")
    suite.run(*told, "--benchmark-json=out.json", model=model).assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["param"] == "tiny.onnx.cat-fake-b1"
    assert benchmark["extra_info"]["fed"]["input"].startswith("cat.jpg ")
