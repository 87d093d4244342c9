"""What other programs say of an error is told in one line, without how they are built."""

from pathlib import Path

import pytest

from models.words import in_a_line

FILE = Path("/models/some net.onnx")
OPSET = (
    "[ONNXRuntimeError] : 1 : FAIL : Load model from /models/some net.onnx failed:/onnxruntime_src/onnxruntime/core/"
    "graph/model_load_utils.h:46 void onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<"
    "std::__cxx11::basic_string<char>, int>&, const onnxruntime::logging::Logger&, bool, int) ONNX Runtime only "
    "*guarantees* support for models stamped with official released onnx opset versions. Opset 99 is under development "
    "and support for this is limited. Current official support for domain ai.onnx is till opset 28.\n"
)
RESHAPE = (
    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Reshape node. Name:'r' Status "
    "Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:84 onnxruntime::ReshapeHelper::"
    "ReshapeHelper(const onnxruntime::TensorShape&, bool) size != 0 && (input_shape_size % size) == 0 was false. The "
    "input tensor cannot be reshaped to the requested shape. Input shape:{1,4}, requested shape:{7,-1}\n"
)
OPENVINO = (
    "Exception from src/inference/src/cpp/core.cpp:84:\nCheck 'false' failed at src/frontends/common_translators/src/"
    "unconverted_ops_report.cpp:151:\nFrontEnd API failed with OpConversionFailure:\nModel wasn't fully converted."
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (OPSET, "its opset is 99, and this runtime knows 28 and older; export it in such a one"),
        (
            RESHAPE,
            "Reshape r: The input tensor cannot be reshaped to the requested shape. Input shape:{1,4}, requested "
            "shape:{7,-1}",
        ),
        (OPENVINO, "Model wasn't fully converted."),
        (
            "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from /models/some net.onnx failed:Protobuf parsing "
            "failed.",
            "this is no ONNX file, or a part of one; fetch or export it again",
        ),
        (
            "Can't create a session. ERROR_CODE: 1, ERROR_MESSAGE: /mnt/s/core/graph/model.cc:203 onnxruntime::Model::"
            "Model(ModelProto &&, const PathString &) Unsupported model IR version: 99, max supported IR version: 13\n",
            "its IR version is 99, and this runtime reads 13 and older; write it in such a one",
        ),
        (
            "failed to call OrtRun(). ERROR_CODE: 1, ERROR_MESSAGE: Non-zero status code returned while running Div "
            "node. Name:'' Status Message: element_wise_ops.cc:703 Compute Integer division by zero",
            "Div: Integer division by zero",
        ),
        (
            "Non-zero status code returned while running Gather node. Name:'it's \x1b[31m' Status Message: out of data",
            "Gather it's \\x1b[31m: out of data",
        ),
        ('Unable to open "/models/some net.onnx"', "Unable to open"),
        ("Bad node spec\n\n==> Context: Bad node: n", "Bad node spec; Bad node: n"),
        ("what it says of a::b(c) stays", "what it says of a::b(c) stays"),
        ("two\n  lines", "two lines"),
    ],
)
def test_an_error_is_told_in_one_line(said, told):
    assert in_a_line(RuntimeError(said), FILE) == told


def test_an_error_without_words_is_told_by_its_kind():
    assert in_a_line(MemoryError()) == "MemoryError()"
