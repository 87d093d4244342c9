"""Whether onnxruntime's CPU provider opens a file: ``python -m benchmarks.platforms.as_base PARENT``.

In a process of its own, as everything that opens a file of the user's own: only :mod:`benchmarks.platforms.lacking`
talks to it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.apart import Requests
from models.refused import reason_of
from models.words import in_a_line

RUNTIME = "onnxruntime"


@dataclass(frozen=True)
class AsBase:
    """A file, and what can be asked of it, by name."""

    model: Path

    def refused(self) -> str | None:
        """Say why it is not opened, as it is written or optimised; None if it is."""
        import onnxruntime

        levels = onnxruntime.GraphOptimizationLevel
        for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = level
            options.log_severity_level = 4  # what it has to say is told by the exception
            try:
                onnxruntime.InferenceSession(os.fspath(self.model), options, providers=["CPUExecutionProvider"])
            except Exception as error:  # onnxruntime's exceptions share no base class
                return reason_of(RUNTIME, self.model, str(error)) or in_a_line(error, self.model)
        return None


def main() -> None:
    """Answer until nothing more can be asked."""
    requests = Requests()
    requests.answer(AsBase(*requests.first()), ())


if __name__ == "__main__":
    main()
