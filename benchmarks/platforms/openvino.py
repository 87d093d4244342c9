"""OpenVINO on the processor: it reads the ONNX file itself, and is told the shapes of its inputs."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from benchmarks.platforms import native
from benchmarks.platforms.graphs import with_lengths
from benchmarks.protocol import Case, Facts, Feeds, Outputs, Shapes
from benchmarks.settings import Settings

DEVICE = "CPU"


class ServerOpenVino(native.Installed):
    """OpenVINO's CPU plugin in float32, one stream, static shapes."""

    name, package, runtime = "server-openvino", "openvino", "OpenVINO"

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[native.NativeSession]:
        """Compile the file for the case's batch size and read back what is in force."""
        self.require(settings)
        import openvino

        with self.explained(case), self._source(case) as source:
            model = openvino.Core().read_model(source)
            # Compiling adds names of its own.
            inputs = [_name_in(port, case.shapes) for port in model.inputs]
            outputs = [port.any_name for port in model.outputs]
            model.reshape({name: [*case.shapes[name]] for name in inputs})
            compiled = openvino.Core().compile_model(model, DEVICE, properties(case.threads))
        yield native.NativeSession(case, self._prove(case, compiled), OpenVinoEngine(compiled, inputs, outputs))

    def _source(self, case: Case) -> AbstractContextManager[str | bytes]:
        """Return what is read: of the catalogue's graphs, which do without lengths, the file itself."""
        return with_lengths(case) if case.artefact.is_own else nullcontext(os.fspath(case.model_file))

    def _prove(self, case: Case, compiled: Any) -> Facts:
        wanted = properties(case.threads) | {"EXECUTION_DEVICES": [DEVICE]}
        actual = {name: compiled.get_property(name) for name in wanted}
        actual["INFERENCE_PRECISION_HINT"] = actual["INFERENCE_PRECISION_HINT"].to_string()
        native.prove(case, self.name, actual, wanted)
        details = {"precision": actual["INFERENCE_PRECISION_HINT"], "shapes": "static"}
        return native.facts(self.name, f"OpenVINO {DEVICE}", case.threads, details)


def _name_in(port: Any, shapes: Shapes) -> str:
    """Return what the graph calls an input: it may have other names, too."""
    return next((str(name) for name in port.names if name in shapes), str(port.any_name))


def properties(threads: int) -> dict[str, Any]:
    """Return what a model is compiled with.

    Without the precision, a processor with bfloat16 arithmetic would compute in it; the file decides, not the runtime.
    """
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }


class OpenVinoEngine:
    """A compiled model that reads the caller's arrays and answers with arrays of its own."""

    def __init__(self, compiled: Any, inputs: list[str], outputs: list[str]) -> None:
        self.input_names, self._outputs = inputs, outputs
        self._shapes = {name: tuple(given.shape) for name, given in zip(inputs, compiled.inputs, strict=True)}
        self._request = compiled.create_infer_request()

    def prepare(self, feeds: Feeds) -> Feeds:
        """Return the arrays as they are; raise ValueError where one has another shape than was compiled for.

        An input that nothing in the graph uses may be gone.
        """
        used = {name: array for name, array in feeds.items() if name in self._shapes}
        for name, array in used.items():
            if array.shape != self._shapes[name]:
                raise ValueError(f"{name} has the shape {array.shape}, opened for {self._shapes[name]}")
        return used

    def infer(self, prepared: Feeds) -> Any:
        """Run once; the inputs are not copied, the outputs are."""
        return self._request.infer(prepared, share_inputs=True)

    def outputs(self, answer: Any) -> Outputs:
        """Return the arrays by name."""
        return dict(zip(self._outputs, answer.values(), strict=True))
