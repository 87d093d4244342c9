"""Platforms on the server: onnxruntime in this process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.cpu_session import SPINNING, options, runtime_threads
from benchmarks.platforms import lacking, native
from benchmarks.protocol import Case, Facts, Feeds, Outputs, PlatformError
from benchmarks.settings import Settings


class ServerCpu(native.FreshProcesses):
    """onnxruntime's CPUExecutionProvider, sequential, on as many threads as asked for."""

    name = "server-cpu"

    def unavailable(self, settings: Settings) -> str | None:
        """Always there: every build of onnxruntime has the CPU provider."""
        return None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The version of the wheel that runs the models."""
        import onnxruntime

        return {"onnxruntime": onnxruntime.__version__}

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[native.NativeSession]:
        """Open the file and check that the session kept provider and threads."""
        import onnxruntime

        threads = runtime_threads()
        try:
            session = onnxruntime.InferenceSession(
                os.fspath(case.model_file), options(case.threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise lacking.refusal(self.name, "onnxruntime", case, error) from error
        yield native.NativeSession(case, self._prove(case, session, threads), OrtEngine(session))

    def _prove(self, case: Case, session: Any, threads_before: set[int] | None) -> Facts:
        provider, in_force = session.get_providers()[0], session.get_session_options()
        threads = in_force.intra_op_num_threads
        if (provider, threads) != ("CPUExecutionProvider", case.threads):
            words = f"opened on {provider} with {threads} threads, not on {case.threads} CPU thread(s)"
            raise PlatformError(f"{self.name}: {case.model_file.name}: {words}")
        details = native.prove_started(case, self.name, threads_before)
        details["spinning"] = in_force.get_session_config_entry(SPINNING) == "1"
        return native.facts(self.name, provider, case.threads, details)


class OrtEngine:
    """An InferenceSession whose inputs and outputs are arrays on the host."""

    def __init__(self, session: Any) -> None:
        self.input_names = [given.name for given in session.get_inputs()]
        self._outputs = [answer.name for answer in session.get_outputs()]
        self.infer = partial(session.run, self._outputs)

    def prepare(self, feeds: Feeds) -> Feeds:
        """Return the arrays as they are."""
        return feeds

    def outputs(self, answer: list[Any]) -> Outputs:
        """Return the arrays by name."""
        return dict(zip(self._outputs, answer, strict=True))
