"""The words of the Open Inference Protocol v2: a request's body and an answer's, with binary tensors or in JSON."""

import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Feeds

LENGTH = "Inference-Header-Content-Length"  # of the JSON that stands before binary tensors
BYTES = "BYTES"  # of any length each, with that before them
DTYPES = {
    "BOOL": np.bool_,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
}
DATATYPES = {np.dtype(dtype): name for name, dtype in DTYPES.items()} | {np.dtype(object): BYTES}
INFERENCE = re.compile(r"(?:^|,)\s*infer;[^,]*?dur=([\d.]+)")  # of Server-Timing


class AnswerError(ValueError):
    """An answer is none of the protocol; the message says where it leaves it."""


def datatype(array: NDArray[Any]) -> str:
    """Return the protocol's word for an array's type; raise AnswerError where it has none."""
    if array.dtype not in DATATYPES:
        raise AnswerError(f"the protocol has no datatype for {array.dtype}")
    return DATATYPES[array.dtype]


def request(feeds: Feeds, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    """Return a request's body and its headers; an array of objects holds the bytes of a file in each."""
    if not binary:
        inputs = [_tensor(name, array) | {"data": _numbers(array)} for name, array in feeds.items()]
        return json.dumps({"id": "0", "inputs": inputs}).encode(), {"Content-Type": "application/json"}
    contents = {name: _content(array) for name, array in feeds.items()}
    inputs = [
        _tensor(name, array) | {"parameters": {"binary_data_size": len(contents[name])}}
        for name, array in feeds.items()
    ]
    head = json.dumps({"id": "0", "inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head))}
    return b"".join([head, *contents.values()]), headers


def _tensor(name: str, array: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "shape": [*array.shape], "datatype": datatype(array)}


def _numbers(array: NDArray[Any]) -> list[Any]:
    if datatype(array) == BYTES:
        raise AnswerError("JSON has no bytes, and the server takes no binary tensors")
    numbers: list[Any] = array.ravel().tolist()
    return numbers


def _content(array: NDArray[Any]) -> bytes:
    if datatype(array) == BYTES:
        return b"".join(struct.pack("<I", len(file)) + file for file in array.ravel())
    return array.tobytes()


def answer(content: bytes, length: str | None) -> tuple[dict[str, NDArray[Any]], Mapping[str, Any]]:
    """Return the outputs by name, and the parameters, of an answer whose JSON is *length* bytes long.

    All of it is JSON where that is None. Raises AnswerError where it is otherwise than it says of itself.
    """
    size = _length(content, length)
    try:
        told = json.loads(content[:size])
        tensors, parameters = told["outputs"], told.get("parameters") or {}
        outputs, rest = {}, content[size:]
        for tensor in tensors:
            outputs[tensor["name"]], rest = _output(tensor, rest)
    except AnswerError:
        raise
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise AnswerError(f"its first {size:,} bytes are no JSON") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # whatever stands where something else belongs
        raise AnswerError(f"its JSON is not that of an answer ({error!r})") from None
    if rest:
        raise AnswerError(f"{len(rest):,} bytes stand behind its tensors")
    return outputs, parameters


def _length(content: bytes, length: str | None) -> int:
    if length is None:
        return len(content)
    if not length.isdecimal() or int(length) > len(content):
        raise AnswerError(f"{LENGTH} is {length!r}, and the answer {len(content):,} bytes long")
    return int(length)


def _output(tensor: Mapping[str, Any], rest: bytes) -> tuple[NDArray[Any], bytes]:
    """Return one output, from the JSON or from the front of what is left behind it, and what then is left."""
    name, shape, kind = tensor["name"], tensor["shape"], tensor["datatype"]
    if kind not in DTYPES:
        raise AnswerError(f"output {name!r} is of datatype {kind!r}")
    size = (tensor.get("parameters") or {}).get("binary_data_size")
    wanted, dtype = math.prod(shape), np.dtype(DTYPES[kind])
    if size is None:
        values = np.asarray(tensor["data"]).ravel()
        _check(name, shape, values.size, "numbers", wanted)
        return values.astype(dtype).reshape(shape), rest
    if len(rest) < size:
        raise AnswerError(f"output {name!r} is to have {size:,} bytes, and {len(rest):,} are left")
    _check(name, shape, size, "bytes", wanted * dtype.itemsize)
    return np.frombuffer(rest[:size], dtype).reshape(shape), rest[size:]


def _check(name: str, shape: list[int], found: int, unit: str, wanted: int) -> None:
    if found != wanted:
        raise AnswerError(f"output {name!r} of shape {shape} has {found:,} {unit}, not {wanted:,}")


def computing(server_timing: str | None, parameters: Mapping[str, Any]) -> float | None:
    """Return the seconds of the inference by the server's own word, in the head or in the body; None without one."""
    if told := INFERENCE.search(server_timing or ""):
        return float(told[1]) / 1e3
    milliseconds = parameters.get("infer_ms")
    return milliseconds / 1e3 if isinstance(milliseconds, int | float) else None
