"""Platforms on the server: onnxruntime in this process."""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime

from benchmarks.protocol import Block, CpuTime, Facts, Feeds, Images, Outputs, PlatformError
from benchmarks.settings import Settings
from models.cifar100 import normalised_batches


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
            raise PlatformError(f"{self.name}: {model.name}: {error}") from error
        yield NativeSession(self.name, model.name, session)


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return options


class NativeSession:
    """An open InferenceSession; samples are read from ``time.perf_counter``."""

    def __init__(self, platform: str, model: str, session: onnxruntime.InferenceSession) -> None:
        self._platform, self._model, self._session = platform, model, session
        self._outputs = [answer.name for answer in session.get_outputs()]
        self.facts = self._prove()

    def _prove(self) -> Facts:
        provider = self._session.get_providers()[0]
        threads = self._session.get_session_options().intra_op_num_threads
        if (provider, threads) != ("CPUExecutionProvider", 1):
            raise self._error(f"opened on {provider} with {threads} threads, not on one CPU thread")
        return Facts(self._platform, provider, threads, "time.perf_counter", clock_resolution())

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference."""
        return self.time(feeds, 1).outputs

    def time(self, feeds: Feeds, rounds: int) -> Block:
        """Time *rounds* inferences in a plain loop."""
        run, outputs, clock = self._session.run, self._outputs, time.perf_counter
        samples = [0.0] * rounds
        process, thread = time.process_time(), time.thread_time()
        try:
            for index in range(rounds):
                start = clock()
                answers = run(outputs, feeds)
                samples[index] = clock() - start
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise self._error(f"the inference failed: {error}") from error
        cpu = CpuTime(time.process_time() - process, time.thread_time() - thread)
        return Block(samples, dict(zip(outputs, answers, strict=True)), cpu)

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Time one inference for every batch."""
        name = self._session.get_inputs()[0].name
        for batch in normalised_batches(images.pixels, batch_size, images.mean, images.std):
            yield self.time({name: batch}, 1)

    def _error(self, words: str) -> PlatformError:
        return PlatformError(f"{self._platform}: {self._model}: {words}")


def clock_resolution() -> float:
    """Return the smallest step of ``time.perf_counter`` seen in a thousand, in seconds."""
    readings = [time.perf_counter() for _ in range(1001)]
    return min(later - earlier for earlier, later in itertools.pairwise(readings) if later > earlier)
