"""The ONNX graph as written, on onnxruntime's CPU provider: in this process, or in one that can be ended."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from benchmarks.apart import Apart
from benchmarks.measuring.parity import ParityError
from benchmarks.protocol import Feeds, Outputs
from models.refused import reason_of
from models.words import in_a_line

if TYPE_CHECKING:
    import onnxruntime


class AsWritten:
    """A graph open in this process, without optimisations: what a runtime rewrites is compared with what was exported.

    Raises ParityError where it has no answer: there is nothing to hold a platform's against.
    """

    def __init__(self, model: Path) -> None:
        self._model = model
        with _explained(model):
            self._session = open_reference(model)

    def run(self, feeds: Feeds) -> Outputs:
        """Return its answer."""
        names = [output.name for output in self._session.get_outputs()]
        with _explained(self._model):
            outputs = dict(zip(names, self._session.run(names, feeds), strict=True))
        for name, value in outputs.items():
            if not (isinstance(value, np.ndarray) and value.dtype.kind in "fiub"):
                raise ParityError(f"{self._model.name}: output {name} is no tensor of numbers; it cannot be compared")
        return outputs


def open_reference(model: Path) -> "onnxruntime.InferenceSession":
    """Open the graph as written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])


class AsWrittenApart:
    """The same in a process of its own: what hangs has *timeout* seconds, and what ends it ends nothing else.

    There :class:`benchmarks.measuring.promise.Promise` answers.
    """

    def __init__(self, model: Path, timeout: float) -> None:
        self._model, self._timeout = model, timeout

    def __enter__(self) -> Self:
        self._process = Apart("benchmarks.measuring.promise", self._failed)
        self._process.ask(self._model)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    def open(self) -> None:
        """Open the graph, which has a limit of its own."""
        self.call("open")

    def run(self, feeds: Feeds) -> Outputs:
        """Return its answer."""
        outputs: Outputs = self.call("run", feeds)
        return outputs

    def call(self, *request: Any) -> Any:
        """Ask for what a Promise has, by name."""
        self._process.ask(*request)
        return self._process.answer(self._timeout)

    def _failed(self, words: str) -> ParityError:
        return ParityError(f"{self._model.name}: the reference cannot answer: its process {words}")


@contextmanager
def _explained(model: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ParityError(f"{model.name}: the reference cannot answer: {_said(error, model)}") from error


def _said(error: Exception, model: Path) -> str:
    """Return what onnxruntime lacks, where that is known, else its own words."""
    return reason_of("onnxruntime", model, str(error)) or in_a_line(error, model)
