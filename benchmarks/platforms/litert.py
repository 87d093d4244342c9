"""LiteRT on the processor, through XNNPACK; it runs the `.tflite` files that were made from the ONNX files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cpu_session import runtime_threads
from benchmarks.platforms import native
from benchmarks.platforms.exports import litert_file
from benchmarks.platforms.native import INPUT, OUTPUT
from benchmarks.protocol import Case, Facts, Feeds, Outputs, PlatformError
from benchmarks.settings import Settings


class ServerLiteRt(native.Installed):
    """LiteRT's interpreter with all operators in XNNPACK, on as many threads as asked for."""

    name, package = "server-litert", "ai-edge-litert"

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[native.NativeSession]:
        """Open the file made for the case's batch size; check threads, delegate and shape."""
        self.require(settings)
        with self.explained(case):
            path = litert_file(self.name, case)
        from ai_edge_litert.interpreter import Interpreter

        threads = runtime_threads()
        with self.explained(case):
            interpreter = Interpreter(os.fspath(path), num_threads=case.threads)
            interpreter.allocate_tensors()
        details = native.prove_started(case, self.name, threads)
        yield native.NativeSession(case, self._prove(case, interpreter, details), LiteRtEngine(interpreter))

    def _prove(self, case: Case, interpreter: Any, details: dict[str, Any]) -> Facts:
        (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
        native.prove(case, self.name, {"batch size": int(given["shape"][0])}, {"batch size": case.batch_size})
        refuse_undelegated(case, self.name, interpreter, given["index"], answer["index"])
        details["file"] = f"b{case.batch_size}.tflite"
        return native.facts(self.name, "XNNPACK", case.threads, details)


def refuse_undelegated(case: Case, platform: str, interpreter: Any, given: int, answer: int) -> None:
    """Raise PlatformError unless one delegate computes all the way from the input *given* to the output *answer*.

    XNNPACK is the only delegate that the interpreter takes of itself.
    """
    operators = interpreter._get_ops_details()  # there is no public way to ask
    delegates = [operator for operator in operators if operator["op_name"] == "DELEGATE"]
    if len(delegates) != 1 or given not in delegates[0]["inputs"] or [*delegates[0]["outputs"]] != [answer]:
        words = f"{len(delegates)} delegates among {len(operators)} operators, not one XNNPACK from input to output"
        raise PlatformError(f"{platform}: {case.model_file.name}: {words}")


class LiteRtEngine:
    """An interpreter; its input and output live in memory of its own, and the copies from and to it are timed."""

    def __init__(self, interpreter: Any) -> None:
        (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
        self.input_names = [INPUT]
        self._interpreter, self._given, self._answer = interpreter, given["index"], answer["index"]

    def prepare(self, feeds: Feeds) -> NDArray[Any]:
        """Return the images as the interpreter takes them."""
        return np.ascontiguousarray(feeds[INPUT])

    def infer(self, prepared: NDArray[Any]) -> NDArray[Any]:
        """Copy the images in, run, and copy the logits out."""
        self._interpreter.set_tensor(self._given, prepared)
        self._interpreter.invoke()
        logits: NDArray[Any] = self._interpreter.get_tensor(self._answer)
        return logits

    def outputs(self, answer: NDArray[Any]) -> Outputs:
        """Return the logits by name."""
        return {OUTPUT: answer}
