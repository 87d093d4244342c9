"""PyTorch on the processor, as it is written and compiled; the network takes its weights from the ONNX file."""

import atexit
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from types import FunctionType
from typing import Any

from benchmarks.platforms import native
from benchmarks.platforms.native import INPUT, OUTPUT
from benchmarks.protocol import HAS_FOLDER, Case, Feeds, Outputs, UnavailableError
from benchmarks.settings import Settings
from models import MODELS, NETWORKS

COMPILER = "g++"  # what PyTorch calls unless CXX names another


class ServerTorch(native.Installed):
    """PyTorch's operators one by one, in inference mode, channels last, on as many threads as asked for."""

    name, package = "server-torch", "torch"

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[native.NativeSession]:
        """Restore the network; sessions with other numbers of threads may be open, and take turns block by block."""
        self.require(settings)
        with _giving_threads_back():
            with self.explained(case):
                set_threads(case.threads)
                engine = TorchEngine(_network(case, self.name), case.threads)
            details = {"memory_format": "channels_last"}
            yield native.NativeSession(case, native.facts(self.name, "PyTorch CPU", case.threads, details), engine)


class ServerTorchCompiled(ServerTorch):
    """The same network through ``torch.compile`` with its weights frozen, for one batch size."""

    name = "server-torch-compiled"
    patience = 10.0  # the compiler takes half a minute, and more on a busy machine

    def unavailable(self, settings: Settings) -> str | None:
        """Say whether PyTorch or the C++ compiler that it calls is missing."""
        compiler = os.environ.get("CXX", COMPILER)
        if (reason := super().unavailable(settings)) or shutil.which(compiler):
            return reason
        return f"{self.name}: no C++ compiler: {compiler} is not there; install {COMPILER}, or name one in CXX"

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[native.NativeSession]:
        """Compile the network by a first inference, and check that all of it was compiled; later calls may not compile.

        The compiler's cache is this process's own and empty at first: what an earlier run left does not help.
        """
        self.require(settings)
        import torch

        with _giving_threads_back():
            with self.explained(case):
                set_threads(case.threads)
                engine = TorchEngine(self._compile(case), case.threads, case.batch_size)
            facts = native.facts(self.name, "TorchInductor CPU", case.threads, {"freezing": True, "mode": "default"})
            with torch.compiler.set_stance("fail_on_recompile"):
                yield native.NativeSession(case, facts, engine)

    def _compile(self, case: Case) -> Any:
        import torch
        from torch._dynamo.utils import counters
        from torch._inductor import config

        _use_fresh_cache()
        before = {kind: Counter(values) for kind, values in counters.items()}
        compiled: Any = torch.compile(_own_code(_network(case, self.name)), fullgraph=True, dynamic=False)
        images = torch.zeros(case.shapes[INPUT])
        # As an option of torch.compile freezing has no effect. Compiling in this process leaves no helpers running.
        # The number of threads is written into the code; as an option, it tells one cached code from another.
        frozen = config.patch({"freezing": True, "compile_threads": 1, "cpp.threads": case.threads})
        with frozen, torch.compiler.set_stance("default"), torch.inference_mode():
            compiled(images)
        since = {kind: Counter(values) - before.get(kind, Counter()) for kind, values in counters.items()}
        prove_compiled(case, self.name, since)
        return compiled


def prove_compiled(case: Case, platform: str, counted: dict[str, Counter[str]]) -> None:
    """Raise PlatformError unless PyTorch counted one whole graph, compiled, with its convolutions' weights frozen."""
    counts = {
        "graphs compiled": counted.get("stats", Counter())["unique_graphs"],
        "graph breaks": counted.get("graph_break", Counter()).total(),
        "frozen convolutions": counted.get("inductor", Counter())["mkldnn_conv_weight_pack_matcher_count"] > 0,
    }
    wanted = {"graphs compiled": 1, "graph breaks": 0, "frozen convolutions": True}
    native.prove(case, platform, counts, wanted)


def set_threads(threads: int) -> None:
    """Set the threads that PyTorch computes on in the whole process; raise ValueError where it keeps others."""
    import torch

    torch.set_num_threads(threads)
    if (actual := torch.get_num_threads()) != threads:
        raise ValueError(f"PyTorch computes on {actual} threads, wanted {threads}")


@contextmanager
def _giving_threads_back() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        set_threads(before)


def _own_code(network: Any) -> Any:
    """Return a function that runs *network*, of a code object of its own.

    To its code PyTorch ties what it compiles: so sessions open at once neither share nor drop each other's.
    """

    def infer(images: Any) -> Any:
        return network(images)

    return FunctionType(infer.__code__.replace(), infer.__globals__, closure=infer.__closure__)


@cache
def _use_fresh_cache() -> None:
    """Give this process an empty folder for compiled code, which goes when the process ends; a worker has one."""
    if HAS_FOLDER in os.environ:
        return
    from torch._inductor.utils import fresh_cache

    folder = ExitStack()
    folder.enter_context(fresh_cache())
    atexit.register(folder.close)


def _network(case: Case, platform: str) -> Any:
    """Return the case's network, channels last; raise UnavailableError where it is not written in PyTorch."""
    import torch

    from models.in_torch import network_of

    where = f"{platform}: {case.model_file.name}"
    if case.artefact.is_own or case.artefact.name not in MODELS | NETWORKS:
        words = "the network is not written in PyTorch; only the catalogue's float32 models are"
        raise UnavailableError(f"{where}: {words}")
    try:
        return network_of(case.artefact.name, case.model_file).to(memory_format=torch.channels_last)
    except ImportError as error:
        raise UnavailableError(f"{where}: {error}; torchvision defines the network, install it") from error


class TorchEngine:
    """A module that reads the caller's array and answers with an array."""

    def __init__(self, network: Any, threads: int, batch_size: int | None = None) -> None:
        import torch

        self.input_names = [INPUT]
        self._threads, self._batch_size = threads, batch_size

        @torch.inference_mode()
        def infer(images: Any) -> Any:
            return network(images).numpy()

        self.infer = infer

    def prepare(self, feeds: Feeds) -> Any:
        """Return the images as a tensor in the same memory, with the session's threads in force.

        Raises ValueError where they cannot be, or other than *batch_size* images are given.
        """
        import torch

        if self._batch_size not in (None, len(feeds[INPUT])):
            raise ValueError(f"a batch of {len(feeds[INPUT])}, compiled for {self._batch_size}")
        images = torch.from_numpy(feeds[INPUT])
        if torch.get_num_threads() != self._threads:  # another session has had its turn
            set_threads(self._threads)
            self.infer(images)  # starts the threads, and renews what PyTorch kept for the other number
        return images

    def outputs(self, answer: Any) -> Outputs:
        """Return the logits by name."""
        return {OUTPUT: answer}
