"""A model of the user's own: what its inputs are made of, what is refused, and in whose words."""

import numpy as np
import onnx
import pytest
from helpers import make_graph, make_linear, make_many

from benchmarks.inputs import seeded_batch, seeded_feeds
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.reference import reference
from benchmarks.platforms import graphs
from models import graph, manifest, own
from models.manifest import ModelError


@pytest.fixture
def many(tmp_path):
    return make_many(tmp_path / "many.onnx")


def test_inputs_are_made_from_what_the_graph_declares(many):
    feeds = seeded_feeds(many, 4, {"sequence": 50, "pixels:1": 60})
    assert {name: (value.dtype.name, value.shape) for name, value in feeds.items()} == {
        "ids": ("int64", (4, 50)),
        "values": ("float32", (4, 50)),
        "mask": ("bool", (4, 50)),
        "pixels": ("uint8", (3, 60)),
        "half": ("float16", (2,)),
    }
    assert {*np.unique(feeds["ids"])} == {0, 1}
    assert feeds["pixels"].max() > 200
    again = seeded_feeds(many, 4, {"sequence": 50, "pixels:1": 60})
    assert all(np.array_equal(feeds[name], again[name]) for name in feeds)


def test_the_catalogues_models_are_fed_the_seeded_images(tiny_model):
    np.testing.assert_array_equal(seeded_feeds(tiny_model, 3)["input"], seeded_batch(3))


def test_a_weight_that_is_listed_as_an_input_is_not_fed(tmp_path):
    model = onnx.load(make_linear(tmp_path / "linear.onnx"))
    model.graph.input.append(onnx.helper.make_tensor_value_info("weights", onnx.TensorProto.FLOAT, [64, 8]))
    onnx.save(model, tmp_path / "old.onnx")
    assert [*seeded_feeds(tmp_path / "old.onnx", 2)] == ["x"]


@pytest.mark.parametrize(
    ("dims", "words"),
    [
        ({}, "no length for sequence, pixels:1; add --dim sequence=N --dim pixels:1=N"),
        ({"sequence": 3}, "no length for pixels:1; add --dim pixels:1=N"),
    ],
)
def test_a_dimension_without_a_length_is_named(many, dims, words):
    with pytest.raises(ModelError, match=f"many.onnx: {words}"):
        seeded_feeds(many, 1, dims)


def test_a_type_that_cannot_be_made_up_is_named(tmp_path):
    node = onnx.helper.make_node("Identity", ["words"], ["same"])
    model = make_graph(tmp_path / "text.onnx", [node], [("words", "STRING", ["n"])], [("same", "STRING", ["n"])])
    with pytest.raises(ModelError, match=r"text\.onnx: input words is of type object"):
        seeded_feeds(model, 1)


def test_a_fixed_batch_is_told(tmp_path, many):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    fixed = make_graph(tmp_path / "fixed.onnx", [node], [("x", "FLOAT", [1, 4])], [("y", "FLOAT", [1, 4])])
    assert seeded_feeds(fixed, 1)["x"].shape == (1, 4)
    with pytest.raises(
        ModelError, match=r"fixed\.onnx: the graph has a fixed batch of 1; measure it with --batch-size 1"
    ):
        seeded_feeds(fixed, 8)


def test_what_old_exporters_wrote_for_a_free_dimension_is_free(tmp_path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    old = make_graph(tmp_path / "old.onnx", [node], [("x", "FLOAT", [-1, 4])], [("y", "FLOAT", [-1, 4])])
    assert seeded_feeds(old, 3)["x"].shape == (3, 4)


def test_an_input_that_is_no_tensor_is_named(tmp_path):
    sequence = onnx.helper.make_tensor_sequence_value_info("s", onnx.TensorProto.FLOAT, None)
    node = onnx.helper.make_node("SequenceLength", ["s"], ["n"])
    model = make_graph(tmp_path / "sequence.onnx", [node], [("x", "FLOAT", [1])], [("n", "INT64", [])])
    proto = onnx.load(model)
    proto.graph.input[0].CopyFrom(sequence)
    with pytest.raises(ModelError, match="input s is no tensor with a declared shape"):
        graph.declared_inputs(proto)


def test_weights_in_nodes_count_as_weights(tmp_path):
    value = onnx.helper.make_tensor("v", onnx.TensorProto.FLOAT16, [2], [0.5, 1.5])
    nodes = [onnx.helper.make_node("Constant", [], ["c"], value=value), onnx.helper.make_node("Add", ["x", "c"], ["y"])]
    path = make_graph(tmp_path / "a.onnx", nodes, [("x", "FLOAT16", [2])], [("y", "FLOAT16", [2])])
    assert (graph.precision(onnx.load(path)), graph.parameters(onnx.load(path))) == ("fp16", 2)


def test_an_input_of_an_unknown_type_fails_alone(suite, tmp_path):
    whole = make_linear(tmp_path / "whole.onnx")
    model = onnx.load(whole)
    model.graph.input[0].type.tensor_type.elem_type = 0
    onnx.save(model, tmp_path / "undefined.onnx")
    result = suite.run(f"--model={tmp_path / 'undefined.onnx'}", model=whole)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["undefined.onnx: input x is of an unknown type, 0"])
    with pytest.raises(ModelError, match="input x is of an unknown type, 0"):
        graph.declared_inputs(model)


def make_packed(path, operator, inputs, weights, **attributes):
    node = onnx.helper.make_node(operator, inputs, ["y"], domain="com.microsoft", **attributes)
    return make_graph(path, [node], [("x", "FLOAT", [1, 64])], [("y", "FLOAT", [1, 16])], weights)


def test_numbers_that_share_a_byte_are_counted_one_by_one(tmp_path):
    packed, scales = (
        onnx.numpy_helper.from_array(np.zeros(shape, kind), name)
        for name, shape, kind in (("B", (16, 2, 16), np.uint8), ("s", 32, np.float32))
    )
    path = make_packed(tmp_path / "a.onnx", "MatMulNBits", ["x", "B", "s"], [packed, scales], K=64, N=16, block_size=32)
    assert graph.parameters(graph.read(path)) == 64 * 16 + 32
    path = make_packed(tmp_path / "b.onnx", "MatMulNBits", ["x", "B", "s"], [packed, scales], bits=2, K=128, N=16)
    assert (graph.precision(graph.read(path)), graph.parameters(graph.read(path))) == ("int2", 128 * 16 + 32)
    uint4 = onnx.helper.make_tensor("w", onnx.TensorProto.UINT4, [64, 16], bytes(512), raw=True)
    node = onnx.helper.make_node("DequantizeLinear", ["w", "s"], ["y"])
    path = make_graph(tmp_path / "c.onnx", [node], [("s", "FLOAT", [])], [("y", "FLOAT", [64, 16])], [uint4])
    assert graph.parameters(graph.read(path)) == 64 * 16


def test_weights_of_branches_are_the_graphs_too(tmp_path):
    weight = onnx.numpy_helper.from_array(np.zeros((4, 4), np.float16), "w")
    value = onnx.helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT16, None)
    branch = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["w"], ["t"])], "b", [], [value], [weight])
    node = onnx.helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    path = make_graph(tmp_path / "if.onnx", [node], [("c", "BOOL", [])], [("y", "FLOAT16", [4, 4])])
    assert (graph.precision(graph.read(path)), graph.parameters(graph.read(path))) == ("fp16", 2 * 16)


def test_an_output_that_is_no_tensor_of_numbers_is_named(tmp_path):
    node = onnx.helper.make_node("SequenceConstruct", ["x"], ["s"])
    model = onnx.load(make_graph(tmp_path / "a.onnx", [node], [("x", "FLOAT", [1])], [("s", "FLOAT", [1])]))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_sequence_value_info("s", onnx.TensorProto.FLOAT, [1]))
    onnx.save(model, tmp_path / "sequence.onnx")
    with pytest.raises(ParityError, match=r"sequence\.onnx: output s is no tensor of numbers"):
        reference(tmp_path / "sequence.onnx", seeded_feeds(tmp_path / "sequence.onnx", 1))


@pytest.mark.parametrize(
    ("operator", "kind", "precision"),
    [
        ("QGemm", "FLOAT", "int8"),
        ("MatMulNBits", "FLOAT", "int4"),  # packed into bytes, four bits where it does not say
        ("MatMulBnb4", "FLOAT", "nf4"),
        ("DequantizeLinear", "UINT8", "int8"),
        ("DequantizeLinear", "INT16", "int16"),
        ("DequantizeLinear", "UINT4", "uint4"),
        ("DequantizeLinear", "INT2", "int2"),
        ("DequantizeLinear", "FLOAT4E2M1", "float4e2m1"),
        ("DequantizeLinear", "FLOAT8E4M3FN", "float8e4m3fn"),
        ("Cast", "FLOAT8E5M2", "float8e5m2"),
        ("Cast", "BFLOAT16", "bfloat16"),
        ("Cast", "UINT8", "float32"),  # no weight, but a table of bytes
        ("QuickGelu", "FLOAT", "float32"),
        ("Relu", "DOUBLE", "float64"),
        ("Relu", "FLOAT16", "fp16"),
    ],
)
def test_the_precision_is_read_off_operators_and_weights(tmp_path, operator, kind, precision):
    node = onnx.helper.make_node(operator, ["x"], ["y"])
    weight = onnx.helper.make_tensor("w", getattr(onnx.TensorProto, kind), [1], [1])
    path = make_graph(tmp_path / "a.onnx", [node], [("x", "FLOAT", [1])], [("y", "FLOAT", [1])], [weight])
    assert graph.precision(onnx.load(path)) == precision


def test_a_file_is_hashed_and_described(many):
    artefact = own.check(own.load(many))
    assert (artefact.name, artefact.is_own, artefact.is_stand_in) == ("many.onnx", True, False)
    assert artefact.row["sha256"] == manifest.sha256(many)
    assert (artefact.row["precision"], artefact.row["parameters"]) == ("float32", 0)


def test_weights_in_a_file_of_their_own_are_hashed_too(tmp_path):
    make_linear(tmp_path / "linear.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    row = own.check(own.load(tmp_path / "linear.onnx")).row
    assert row["data_sha256"] == {"weights.bin": manifest.sha256(tmp_path / "weights.bin")}
    assert row["bytes"] == sum((tmp_path / name).stat().st_size for name in ("linear.onnx", "weights.bin"))
    assert row["parameters"] == 64 * 8


def test_a_graph_that_only_the_checker_refuses_is_described(tmp_path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    unshaped = make_graph(tmp_path / "a.onnx", [node], [("x", "FLOAT", [1])], [("y", "FLOAT", None)])
    assert own.check(own.load(unshaped)).row["precision"] == "float32"
    unshaped.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"a\.onnx: it is no ONNX file"):
        own.check(own.load(unshaped))


def test_the_data_files_of_a_graph_are_found(tmp_path):
    make_linear(tmp_path / "linear.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert graph.data_files(graph.read(tmp_path / "linear.onnx")) == ["weights.bin"]
    assert graphs.data_files(tmp_path / "linear.onnx") == {"weights.bin": tmp_path / "weights.bin"}
    (tmp_path / "text.onnx").write_text("no model")
    assert graphs.data_files(tmp_path / "text.onnx") == {}


# In a run


def test_an_own_model_is_measured_under_its_file_name(suite, many):
    options = ["--dim=sequence=5", "--dim=pixels:1=4", "--batch-size=3", "--benchmark-json=out.json"]
    suite.run(*options, model=many).assert_outcomes(passed=2)
    (benchmark, _) = suite.benchmarks()
    assert benchmark["param"] == "many.onnx.sequence=5.pixels:1=4-fake-b1"
    assert benchmark["extra_info"]["inputs"]["ids"] == [1, 5]
    assert benchmark["params"]["model"] == "many.onnx"
    info = benchmark["extra_info"]
    assert (info["own"], info["model_sha256"], info["parity"]) == (True, manifest.sha256(many), 0.0)
    assert "top1" not in info
    assert len(benchmark["stats"]["data"]) == benchmark["stats"]["rounds"]


def test_wrong_answers_of_an_own_model_leave_no_timings(suite, tmp_path):
    result = suite.run("--benchmark-json=out.json", platform="wrong", model=make_linear(tmp_path / "linear.onnx"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["wrong: y differ from the reference's by *"])
    assert not (suite.folder / "out.json").exists()


def test_a_broken_file_fails_alone_and_in_the_platforms_own_words(suite, tmp_path):
    whole, other = make_linear(tmp_path / "whole.onnx"), make_linear(tmp_path / "other.onnx")
    result = suite.run(f"--model={other}", "--platform=broken", "--benchmark-json=out.json", model=whole)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["broken: other.onnx was refused: broken on purpose"])
    assert [benchmark["param"] for benchmark in suite.benchmarks()] == ["whole.onnx-fake-b1", "other.onnx-fake-b1"]


def test_a_fixed_batch_is_the_one_measured_and_another_is_refused(pytester, suite, tmp_path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    fixed = make_graph(tmp_path / "fixed.onnx", [node], [("x", "FLOAT", [8, 3, 4, 4])], [("y", "FLOAT", [8, 3, 4, 4])])
    asked = suite.run("--batch-size=8", model=fixed)  # 1 and 8 by name
    asked.assert_outcomes(passed=1, errors=1)
    asked.stdout.fnmatch_lines(["fixed.onnx: the graph has a fixed batch of 8; measure it with --batch-size 8"])
    swept = pytester.runpytest_subprocess("--benchmark-max-time=0.005", f"--model={fixed}", "--platform=fake", "-rs")
    swept.assert_outcomes(passed=1)
    swept.stdout.fnmatch_lines(["*fixed.onnx-fake-b8*"])


def test_two_files_of_one_name_are_refused(suite, tmp_path):
    (tmp_path / "other").mkdir()
    first, second = make_linear(tmp_path / "linear.onnx"), make_linear(tmp_path / "other" / "linear.onnx")
    result = suite.run(f"--model={second}", model=first)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*more than one model is called linear.onnx*"])
    (tmp_path / "link").mkdir()
    link = tmp_path / "link" / "linear.onnx"
    link.symlink_to(first)
    suite.run(f"--model={link}", model=first).assert_outcomes(passed=1)  # the same file by another way
    renamed = link.with_name("renamed.onnx")
    renamed.symlink_to(first)
    suite.run(f"--model={renamed}", model=first).assert_outcomes(passed=2)


def test_a_file_called_like_a_model_of_the_catalogue_is_refused(suite, tmp_path):
    result = suite.run(model=make_linear(tmp_path / "resnet20"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*more than one model is called resnet20*"])


@pytest.mark.parametrize(
    ("dims", "words"),
    [
        (["--dim=seq=4"], "seq: not a free dimension"),
        (["--dim=sequence=4", "--dim=sequence=5"], "sequence: given twice"),
    ],
)
def test_a_dimension_that_fits_nothing_is_refused(suite, many, dims, words):
    result = suite.run(*dims, model=many)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--dim {words}; the files' own are: batch, sequence, pixels:1 (or INPUT:AXIS)"])


def test_a_graph_that_is_too_large_for_its_format_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**31)  # a hole, which takes no room
    words = r"large\.onnx: the file has 2\.1 GB, and a graph can have 2\.1 GB; save the weights beside"
    with pytest.raises(ModelError, match=words):
        own.load(tmp_path / "large.onnx")
