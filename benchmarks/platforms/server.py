"""Platforms on the server: onnxruntime in this process."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime

from benchmarks.protocol import Batch, Block, Facts, Logits, PlatformError
from benchmarks.settings import Settings


class ServerCpu:
    """onnxruntime's CPUExecutionProvider, sequential, on one thread."""

    name = "server-cpu"

    def unavailable(self, settings: Settings) -> str | None:
        """Always there: every build of onnxruntime has the CPU provider."""
        return None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The version of the wheel that runs the models."""
        return {"onnxruntime": onnxruntime.__version__}

    @contextmanager
    def open(self, model: Path, settings: Settings) -> Iterator["NativeSession"]:
        """Open the file on one thread and check that the session kept provider and threads."""
        try:
            session = onnxruntime.InferenceSession(os.fspath(model), _one_thread(), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise PlatformError(f"{self.name}: {model.name} was refused: {error}") from error
        yield NativeSession(self.name, session)


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return options


class NativeSession:
    """An open InferenceSession; samples are read from ``time.perf_counter``."""

    def __init__(self, platform: str, session: onnxruntime.InferenceSession) -> None:
        self._platform, self._session = platform, session
        self._input = session.get_inputs()[0].name
        self._outputs = [session.get_outputs()[0].name]
        self.facts = self._prove()

    def _prove(self) -> Facts:
        provider = self._session.get_providers()[0]
        threads = self._session.get_session_options().intra_op_num_threads
        if (provider, threads) != ("CPUExecutionProvider", 1):
            raise PlatformError(f"{self._platform}: opened on {provider} with {threads} threads, not on one CPU thread")
        resolution = time.get_clock_info("perf_counter").resolution
        return Facts(provider, threads, "time.perf_counter", resolution)

    def run(self, batch: Batch) -> Logits:
        """Run one inference."""
        try:
            logits: Logits = self._session.run(self._outputs, {self._input: batch})[0]
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise PlatformError(f"{self._platform}: the inference failed: {error}") from error
        return logits

    def time(self, batch: Batch, rounds: int) -> Block:
        """Time *rounds* inferences in a plain loop."""
        run, outputs, feeds, clock = self._session.run, self._outputs, {self._input: batch}, time.perf_counter
        samples = [0.0] * rounds
        cpu_start = time.process_time()
        for index in range(rounds):
            start = clock()
            run(outputs, feeds)
            samples[index] = clock() - start
        return Block(samples, time.process_time() - cpu_start)
