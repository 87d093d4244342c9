"""What a runtime cannot run, told in words, with the platform that can."""

import re
from dataclasses import replace

import onnx
import pytest
from helpers import make_graph, make_linear

from benchmarks.inputs import case_of
from benchmarks.platforms import lacking
from benchmarks.protocol import PlatformError, UnavailableError
from models import own
from models.refused import listed, reason_of


@pytest.fixture
def uint4(tmp_path):
    """A graph that takes four bits apart, which onnxruntime's CPU provider can."""
    weights = onnx.helper.make_tensor("w", onnx.TensorProto.UINT4, [64, 16], bytes(512), raw=True)
    nodes = [onnx.helper.make_node("DequantizeLinear", ["w", "s"], ["y"])]
    path = make_graph(tmp_path / "uint4.onnx", nodes, [("s", "FLOAT", [])], [("y", "FLOAT", [64, 16])], [weights])
    model = onnx.load(path)
    model.opset_import[0].version = 21
    onnx.save(model, path)
    return path


OPSET = (
    "ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 99 is "
    "under development and support for this is limited. Current official support for domain ai.onnx is till opset 26."
)
SAID = {
    "Could not find an implementation for DequantizeLinear(21) node with name ''": "has no DequantizeLinear for uint4 "
    "(opset 21)",
    "Could not find an implementation for Erf(13) node with name 'a'": "has no Erf (opset 13)",
    "Provider type for DequantizeLinear node with name '' is not set.": "has no DequantizeLinear for uint4",
    "Fatal error: my.own:Twist(-1) is not a registered function/op": "does not know the operator my.own:Twist",
    "No Op registered for ZipMap with domain_version of 3": "does not know the operator ZipMap (opset 3)",
    "Error: unsupported data type: 16": "has no type bfloat16",
    "MLDataType for: tensor(complex64) is not currently registered or supported": "has no type complex64",
    "MLDataType for: optional(tensor(float)) is not currently registered": "has no type optional(tensor(float))",
    "Unsupported model IR version: 9, max supported IR version: 5": "knows versions of the format up to 5, this has 9",
    OPSET: "knows opsets up to 26, this has 99",
    OPSET.replace("domain ai.onnx is", "domain ai.onnx.ml is"): "knows opsets of ai.onnx.ml up to 26, this has 99",
    "Unsupported data type FLOAT8E4M3FNUZ expected: BOOL, FLOAT": "has no type float8e4m3fnuz",
    "Node () Op (Optional) output arg (o) type inference failed, inferred types: index=0": "cannot tell the type of "
    "what Optional answers",
    "Summary: -- No conversion rule found for operations: Det-21, my.own.Twist": "has no Det-21, my.own.Twist",
    "Summary:\n-- Conversion is failed for: Conv-16, LSTM-16\n": "cannot convert Conv-16, LSTM-16 of the graph in "
    "these lengths",
    "ERROR_CODE: 6, ERROR_MESSAGE: [ShapeInferenceError] inferred=4 declared=3": "infers other shapes than the graph's "
    "own: inferred=4 declared=3",
    "ERROR_CODE: 6, ERROR_MESSAGE: absl::container_internal::raw_hash_map<>::at": "fails over this graph with a fault "
    "of its own",
    "Loading input model Unsupported type": "does not have all of the graph's types: float32, uint4",
    "Unsupported operation of type: Convert name: t": "has no Convert",
    "Failed to execute 'relu' on 'MLGraphBuilder': No such shape.\n    at V (x)": "refuses relu: No such shape",
    "ERROR_CODE: 9, ERROR_MESSAGE: /src/core/a.cc:5 void a::b(int) No strings": "has not implemented a part of the "
    "graph: No strings",
    "ERROR_CODE: 9, ERROR_MESSAGE: \n    at V (x)": "has not implemented a part of the graph",
    "the page crashed": None,
}


@pytest.mark.parametrize(("said", "words"), SAID.items(), ids=range(len(SAID)))
def test_what_runtimes_say_is_told_in_words(uint4, said, words):
    assert reason_of("it", uint4, said) == (words and f"it {words}")


def test_an_operators_types_are_those_of_the_node_that_is_lacking(tmp_path):
    make, kinds = onnx.helper.make_node, onnx.TensorProto
    nodes = [
        make("Cast", ["x"], ["i"], to=kinds.INT64),
        make("Cast", ["i"], ["b"], to=kinds.BFLOAT16, name="narrow"),
        make("Cast", ["b"], ["y"], to=kinds.FLOAT),
    ]
    path = make_graph(tmp_path / "casts.onnx", nodes, [("x", "FLOAT", [1])], [("y", "FLOAT", [1])])
    said = "Could not find an implementation for Cast(13) node with name '{}'"
    assert reason_of("it", path, said.format("narrow")) == "it has no Cast for int64 to bfloat16 (opset 13)"
    any_of_them = "bfloat16 to float32 or float32 to int64 or int64 to bfloat16"
    assert reason_of("it", path, said.format("")) == f"it has no Cast for {any_of_them} (opset 13)"


def test_sparse_weights_are_told_where_the_graph_has_them(tmp_path):
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    path = make_graph(tmp_path / "sparse.onnx", [node], [("x", "FLOAT", [4])], [("y", "FLOAT", [4])])
    model, values = onnx.load(path), onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    indices = onnx.helper.make_tensor("", onnx.TensorProto.INT64, [1], [2])
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, indices, [4]))
    onnx.save(model, path)
    of_web = "Node input 'w' is not a graph input, initializer, or output of a previous node."
    for said in ("w node not found in graph cache", of_web):
        assert reason_of("it", path, said) == "it reads no sparse weights, such as w"
    assert reason_of("it", path, "v node not found in graph cache") is None


def test_a_list_of_operators_is_no_longer_than_a_line():
    assert listed(["A", "B"]) == "A, B"
    assert listed([*"ABCDEF"]) == "A, B, C, D and 2 more"


NO_KERNEL = "Could not find an implementation for DequantizeLinear(21) node with name ''"


def test_a_platform_that_lacks_something_names_one_that_can(uint4):
    case = case_of(own.load(uint4), None)
    words = "chromium-wasm: uint4.onnx: onnxruntime-web has no DequantizeLinear for uint4 (opset 21)"
    refusal = lacking.refusal("chromium-wasm", "onnxruntime-web", case, NO_KERNEL)
    assert (type(refusal), str(refusal)) == (UnavailableError, f"{words}; measure it on server-cpu")


def test_what_is_not_known_and_what_the_catalogue_has_stay_errors(uint4):
    case = case_of(own.load(uint4), None)
    of_catalogue = case_of(replace(case.artefact, is_own=False), None)
    for given, said in ((case, "the page crashed"), (of_catalogue, "Could not find an implementation for Det(22)")):
        refusal = lacking.refusal("chromium-wasm", "onnxruntime-web", given, said)
        assert (type(refusal), str(refusal)) == (PlatformError, f"chromium-wasm: uint4.onnx: {said}")


def test_no_platform_is_named_where_the_reference_lacks_it_too(tmp_path):
    node = onnx.helper.make_node("Twist", ["x"], ["y"])
    strange = make_graph(tmp_path / "strange.onnx", [node], [("x", "FLOAT", [1])], [("y", "FLOAT", [1])])
    case, said = case_of(own.load(strange)), "No Op registered for Twist with domain_version of 18"
    words = (
        ".*: strange.onnx: .* does not know the operator Twist \\(opset 18\\){}; no platform's answers can be held.*"
    )
    for platform, also in (("server-cpu", ""), ("chromium-wasm", "; the reference lacks it, too")):
        refusal = lacking.refusal(platform, "it", case, said)
        assert isinstance(refusal, PlatformError)
        assert re.fullmatch(words.format(also), str(refusal))
    refusal = lacking.refusal("server-openvino", "OpenVINO", case, "No conversion rule found for operations: Other-1")
    assert "the reference has no answer: onnxruntime does not know the operator Twist" in str(refusal)


def test_the_platform_that_the_reference_runs_on_is_not_told_to_be_measured_on_itself(tmp_path):
    case = case_of(own.load(make_linear(tmp_path / "linear.onnx")))
    refusal = lacking.refusal("server-cpu", "onnxruntime", case, "Could not find an implementation for A(1)")
    assert (type(refusal), str(refusal)) == (PlatformError, "server-cpu: linear.onnx: onnxruntime has no A (opset 1)")


@pytest.fixture
def endless(uint4, monkeypatch):
    """A file that server-cpu is not seen to open."""
    lacking.refused_by_base.cache_clear()
    monkeypatch.setenv("PYTHONPATH", str(uint4.parent))
    (uint4.parent / "onnxruntime.py").write_text("while True: pass\n")
    return uint4


def test_a_runtime_that_hangs_over_the_question_who_can_ends_alone(endless):
    refusal = lacking.refusal("chromium-wasm", "it", case_of(own.load(endless), None), NO_KERNEL, timeout=0.5)
    words = (
        r"chromium-wasm: uint4\.onnx: it has no .*; server-cpu was to open it, and its process did not answer within"
    )
    assert isinstance(refusal, PlatformError)
    assert re.match(words, str(refusal))
