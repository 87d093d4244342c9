"""What a person gives to be fed."""

import zipfile

import numpy as np
import pytest
from helpers import make_graph, make_linear
from onnx.helper import make_node

from benchmarks import inputs
from benchmarks.inputs import MADE_UP, Wishes
from benchmarks.inputs.given import Arrays, parse, value
from models.graph import Input
from models.manifest import ModelError


@pytest.fixture
def voice(tmp_path):
    """A graph of a sound, a state and a rate."""
    nodes = [
        make_node("Cast", ["sr"], ["rate"], to=1),
        make_node("Mul", ["input", "rate"], ["y"]),
        make_node("Identity", ["state"], ["z"]),
    ]
    declared = [("input", "FLOAT", ["batch", "n"]), ("state", "FLOAT", [2, "batch"]), ("sr", "INT64", [])]
    return make_graph(tmp_path / "voice.onnx", nodes, declared, [("y", "FLOAT", None), ("z", "FLOAT", None)])


def saved(path, **arrays):
    np.savez(path, **arrays)
    return Arrays(path)


def test_arrays_are_fed_as_they_were_given(voice, tmp_path):
    sound = np.arange(6, dtype=np.float32).reshape(2, 3)
    wishes = Wishes(arrays=saved(tmp_path / "speech.npz", input=sound), values=(("sr", "16000"),))
    fed = inputs.fed(voice, 2, wishes)
    np.testing.assert_array_equal(fed.feeds["input"], sound)
    assert (fed.feeds["sr"], fed.feeds["sr"].dtype, fed.feeds["sr"].shape) == (16000, np.int64, ())
    assert fed.shapes == {"input": (2, 3), "state": (2, 2), "sr": ()}
    assert fed.batch_axes == {"input": 0, "state": 1}
    assert fed.sources["input"].startswith("speech.npz ")
    assert (fed.sources["sr"], fed.sources["state"], fed.made_up, fed.steering) == ("16000", MADE_UP, ["state"], ())
    assert inputs.only_batch(voice, wishes) == (True, 2)


def test_a_batch_of_another_size_than_was_given_is_refused(voice, tmp_path):
    arrays = saved(tmp_path / "speech.npz", input=np.ones((2, 3), np.float32))
    with pytest.raises(ModelError, match="what was given has batch of 2; measure it with --batch-size 2"):
        inputs.fed(voice, 8, Wishes(arrays=arrays))
    none = saved(tmp_path / "none.npz", input=np.ones((0, 3), np.float32))
    with pytest.raises(ModelError, match="the batch of input is 0, and nothing could be counted"):
        inputs.only_batch(voice, Wishes(arrays=none))
    two = saved(tmp_path / "two.npz", input=np.ones((2, 3), np.float32), state=np.ones((2, 5), np.float32))
    with pytest.raises(ModelError, match="batches of different sizes, 2 of input, 5 of state"):
        inputs.only_batch(voice, Wishes(arrays=two))


@pytest.mark.parametrize("name", ["n", "input:1"])
def test_a_length_that_an_array_does_not_have_is_refused(voice, tmp_path, name):
    arrays = saved(tmp_path / "a.npz", input=np.ones((2, 3), np.float32))
    with pytest.raises(ModelError, match=rf"--dim {name}=7: input:1 is 3 in a\.npz; leave out --dim"):
        inputs.fed(voice, 2, Wishes(dims=((name, 7),), arrays=arrays))
    assert inputs.fed(voice, 2, Wishes(dims=((name, 3),), arrays=arrays)).shapes["input"] == (2, 3)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"nothing": np.ones(3)}, "no input is called nothing; they are input, state, sr"),
        ({"input": np.ones((1, 3))}, r"input is float64, the graph's float32; save it as \.astype\('float32'\)"),
        ({"state": np.ones((3, 1), np.float32)}, r"state is \[3, 1\], the graph's \[2, 'batch'\]"),
        ({"sr": np.ones(1, np.int64)}, r"sr is \[1\], the graph's \[\]"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(voice, tmp_path, arrays, words):
    with pytest.raises(ModelError, match=words):
        inputs.fed(voice, 1, Wishes(dims=(("n", 3),), arrays=saved(tmp_path / "a.npz", **arrays)))


@pytest.mark.parametrize(
    "content", [b"", b"no file of NumPy's", b"PK\x03\x04 cut off"], ids=["empty", "text", "cut off"]
)
def test_what_is_no_file_of_arrays_is_named(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"--input .*a\.npz: no file of NumPy's arrays by name"):
        _ = Arrays(tmp_path / "a.npz").names
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", b"\x93NUMPY" + bytes(9999))
    damaged = bytearray((tmp_path / "b.npz").read_bytes())
    damaged[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "b.npz").write_bytes(damaged)
    with pytest.raises(ModelError, match=r"--input .*b\.npz: no file of NumPy's arrays by name"):
        _ = Arrays(tmp_path / "b.npz").names
    np.save(tmp_path / "lone.npy", np.ones(3))
    with pytest.raises(ModelError, match="it is a single array, without a name"):
        _ = Arrays(tmp_path / "lone.npy").names


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("int64", "16000", 16000),
        ("int32", "0x10", 16),
        ("float32", "0.5", 0.5),
        ("float16", "1e-3", np.float16(1e-3)),
        ("bool", "true", True),
        ("bool", "0", False),
    ],
)
def test_a_value_is_read_as_the_inputs_type(kind, text, expected):
    assert value(Input("x", np.dtype(kind), ()), text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int64", "0.5"),
        ("uint8", "300"),
        ("uint8", "-1"),
        ("bool", "2"),
        ("float32", "a"),
        ("float32", "1e39"),
        ("float64", "1e400"),
        ("float16", "7e4"),
    ],
)
def test_a_value_of_another_type_is_refused(kind, text):
    with pytest.raises(ModelError, match=f"--input x={text}: '{text}' is no {kind}, which x is"):
        value(Input("x", np.dtype(kind), ()), text)


def test_infinities_are_values():
    assert value(Input("x", np.dtype(np.float32), ()), "-inf") == -np.inf
    assert np.isnan(value(Input("x", np.dtype(np.float16), ()), "nan"))


def test_a_file_and_a_value_are_told_apart(tmp_path):
    np.savez(tmp_path / "a=b.npz", x=np.ones(1))
    assert parse(str(tmp_path / "a=b.npz")) == Arrays(tmp_path / "a=b.npz")
    assert parse("a=b=3") == ("a=b", "3")
    for text, words in {
        "gone.npz": "no such file",
        "a.GIF": "no picture that every server decodes alike; save it as JPEG, PNG or WEBP",
        "x": "neither a file, FILE.npz or FILE.jpg, nor NAME=VALUE",
        "x=": "neither",
    }.items():
        with pytest.raises(ValueError, match=words):
            parse(text)


# In a run


def test_each_file_of_arrays_is_a_case(suite, voice, tmp_path):
    files = [tmp_path / f"{name}.npz" for name in ("speech", "silence")]
    for size, file in enumerate(files, 1):
        np.savez(file, input=np.ones((size, 4), np.float32))
    options = [f"--input={file}" for file in files]
    result = suite.run(*options, "--input=sr=16000", "--benchmark-json=out.json", model=voice, batch_size=None)
    result.assert_outcomes(passed=2)
    speech, silence = sorted(suite.benchmarks(), key=lambda one: one["param"], reverse=True)
    assert speech["param"] == "voice.onnx.speech.sr=16000-fake-b1"
    assert silence["param"] == "voice.onnx.silence.sr=16000-fake-b2"
    info = silence["extra_info"]
    assert (info["batch_size"], info["inputs"]["input"], info["fed"]["sr"]) == (2, [2, 4], "16000")
    assert info["fed"]["input"].startswith("silence.npz ")
    assert "may_steer" not in info


def test_cases_that_would_have_one_name_are_refused(suite, voice, tmp_path):
    np.savez(tmp_path / "speech.npz", input=np.ones((1, 4), np.float32))
    other = tmp_path / "voice.onnx.speech"
    other.write_bytes(make_linear(tmp_path / "linear.onnx").read_bytes())
    result = suite.run(f"--input={tmp_path / 'speech.npz'}", f"--model={other}", model=voice)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--input *speech.npz: two cases would be called voice.onnx.speech; rename the file"])


def test_an_axis_that_is_named_twice_is_named_once(suite, voice):
    result = suite.run(*["--batch-axis=input:0"] * 2, "--dim=n=4", "--collect-only", "-q", model=voice)
    result.stdout.fnmatch_lines(["*test_latency[[]voice.onnx.n=4.batch=input:0-fake-b1[]]*"])


def test_what_was_made_up_is_told_beside_the_figure(suite, voice):
    result = suite.run("--dim=n=4", "--benchmark-json=out.json", model=voice)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*voice.onnx.n=4-fake-b1* ms*(made up: sr)*"])
    result.stdout.fnmatch_lines(["made up  voice.onnx: sr: values nobody chose*--input sr=VALUE or --input FILE.npz"])
    (info,) = [one["extra_info"] for one in suite.benchmarks()]
    assert (info["may_steer"], info["fed"]) == (["sr"], dict.fromkeys(("input", "state", "sr"), "made up"))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--input=rate=3", "--input rate=…: no --model FILE has such an input; they have input, state, sr"),
        ("--input=sr=x", "voice.onnx: --input sr=x: 'x' is no int64, which sr is"),
        ("--batch-axis=input:7", "--batch-axis input:7: no --model FILE has such an axis; they have input:0, input:1*"),
        ("--batch-axis=input", "*'input' is not INPUT:AXIS with the axis counted from 0, such as x:1"),
        ("--dim=batch=2", "voice.onnx: batch is the batch; set it with --batch-size, not with --dim"),
        ("--dim=state:0=2", "--dim state:0: not a free dimension*"),
        (
            "--starts=1",
            "voice.onnx: no length for n; add --dim n=N (or --batch-axis INPUT:AXIS, where it is the batch)",
        ),
    ],
)
def test_what_fits_nothing_is_refused_before_anything_starts(suite, voice, option, words):
    result = suite.run(option, model=voice)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}"])


def test_a_graph_without_a_batch_says_so_and_refuses_other_sizes(suite, tmp_path):
    node = make_node("Relu", ["x"], ["y"])
    model = make_graph(tmp_path / "a.onnx", [node], [("x", "FLOAT", [64, 4])], [("y", "FLOAT", [64, 4])])
    suite.run("--benchmark-json=out.json", model=model, batch_size=None).assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert (benchmark["param"], benchmark["group"]) == ("a.onnx-fake-no-batch", "a.onnx, no batch")
    info, mean = benchmark["extra_info"], benchmark["stats"]["mean"]
    assert info["batch_size"] is None
    assert info["images_per_second"] == pytest.approx(1 / mean)
    refused = suite.run("--batch-size=8", model=model)
    refused.assert_outcomes(passed=1, errors=1)
    refused.stdout.fnmatch_lines(["a.onnx: the graph has no batch; leave out --batch-size, or name the batch with *"])
    named = suite.run("--batch-axis=x:0", "--benchmark-json=out.json", model=model, batch_size=None)
    named.assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["param"] == "a.onnx.batch=x:0-fake-b64"
    assert benchmark["extra_info"]["images_per_second"] == pytest.approx(64 / benchmark["stats"]["mean"])
