"""One step of training: kernel by kernel anywhere, replayed from a CUDA graph where there is CUDA.

At batches of 128 these networks keep a GPU waiting for its next kernel. A graph launches all kernels of a step at once,
but reads and writes fixed addresses only: images, labels and learning rate are copied to where it looks for them.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from tqdm import tqdm

WARM_UP = 3  # steps before a capture, in which libraries choose their algorithms and take their memory

Run = Callable[[], Tensor]


class Step(Protocol):
    """Takes one step after the other."""

    @property
    def is_replayed(self) -> bool:
        """Whether the steps come from a graph."""

    def take(self, images: Tensor, targets: Tensor, rate: float, size: int) -> Tensor:
        """Take one step on images of *size* pixels a side at learning rate *rate*.

        Return the loss before it and the number of right answers, float64 [2], on the device, where the next step may
        overwrite them. Nothing waits for the device.
        """


class EagerStep:
    """A step whose kernels are launched one by one."""

    is_replayed = False

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, label_smoothing: float, bfloat16: bool
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.label_smoothing, self.bfloat16 = label_smoothing, bfloat16

    def take(self, images: Tensor, targets: Tensor, rate: float, size: int) -> Tensor:
        """Take one step, as :meth:`Step.take` says."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return self.compute(images, targets, size)

    def compute(self, images: Tensor, targets: Tensor, size: int) -> Tensor:
        """Take one step at the learning rate that the optimizer holds."""
        if size < images.shape[-1]:
            images = interpolate(images, (size, size), mode="bilinear", antialias=True)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits = self.model(images)
            loss = cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        hits = (logits.argmax(1) == targets).sum()
        return torch.stack((loss.detach().double(), hits.double()))


class Recorder(Protocol):
    """Runs a step often enough to be recorded, and records it."""

    def warm_up(self, run: Run) -> None:
        """Call *run* a few times."""

    def record(self, run: Run) -> tuple[Callable[[], None], Tensor]:
        """Record *run* without any effect; return what replays it, and the tensor that then holds its result."""


class CudaGraphs:
    """Records with CUDA, as PyTorch's notes on whole-network capture describe it."""

    def warm_up(self, run: Run) -> None:
        """Call *run* on a stream beside the current one."""
        torch.backends.cudnn.benchmark = True  # the shapes never change: the choice is made once for each size
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                run()
        torch.cuda.current_stream().wait_stream(stream)

    def record(self, run: Run) -> tuple[Callable[[], None], Tensor]:
        """Record *run* in a graph with a memory pool of its own."""
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            with torch.cuda.graph(graph):
                outcome = run()
        finally:
            torch.cuda.set_stream(stream)  # a failed capture leaves its own stream behind
        return graph.replay, outcome


class CapturedStep:
    """A step that is recorded once for each size of images, and replayed; an eager one where it cannot be recorded.

    All graphs share weights, momenta and the buffers for what differs from step to step.
    """

    def __init__(self, eager: EagerStep, recorder: Recorder | None = None) -> None:
        self._eager, self._recorder = eager, recorder or CudaGraphs()
        self._graphs: dict[int, tuple[Callable[[], None], Tensor]] = {}
        self._inputs: tuple[Tensor, Tensor, Tensor] | None = None  # images, labels, learning rate
        self.is_replayed = True

    def take(self, images: Tensor, targets: Tensor, rate: float, size: int) -> Tensor:
        """Take one step, as :meth:`Step.take` says."""
        if self.is_replayed and size not in self._graphs:
            self._try_to_capture(images, targets, rate, size)
        if not self.is_replayed:
            return self._eager.take(images, targets, rate, size)
        self._fill(images, targets, rate)
        replay, outcome = self._graphs[size]
        replay()
        return outcome

    def _try_to_capture(self, images: Tensor, targets: Tensor, rate: float, size: int) -> None:
        try:
            self._fill(images, targets, rate)
            self._graphs[size] = self._capture(size)
        except Exception as error:  # whatever stands against a graph, a training goes on without
            self.is_replayed = False
            self._graphs.clear()
            self._eager.optimizer.zero_grad()
            for group in self._eager.optimizer.param_groups:
                group["fused"] = None
            reason = str(error).partition("\n")[0]
            tqdm.write(f"no CUDA graph of a step at {size} pixels ({type(error).__name__}: {reason}): eager steps")

    def _fill(self, images: Tensor, targets: Tensor, rate: float) -> None:
        """Put what differs from step to step where the graphs look for it."""
        if self._inputs is None:
            self._inputs = torch.empty_like(images), torch.empty_like(targets), torch.zeros((), device=images.device)
            self._prepare_optimizer(self._inputs[2])
        for place, value in zip(self._inputs[:2], (images, targets), strict=True):
            place.copy_(value)
        self._inputs[2].fill_(rate)

    def _prepare_optimizer(self, rate: Tensor) -> None:
        """Make the optimizer read its rate from the device, and give it all momenta: a graph cannot create any.

        Of SGD's implementations only the fused one takes a rate from the device without waiting for it.
        """
        for group in self._eager.optimizer.param_groups:
            group["lr"], group["fused"] = rate, True
            for parameter in group["params"]:
                state = self._eager.optimizer.state[parameter]
                if state.get("momentum_buffer") is None:
                    state["momentum_buffer"] = torch.zeros_like(parameter)  # as the first step would leave it: 0 + g

    def _capture(self, size: int) -> tuple[Callable[[], None], Tensor]:
        assert self._inputs is not None
        images, targets, _ = self._inputs
        run = partial(self._eager.compute, images, targets, size)
        state = self._state()
        kept = [value.clone() for value in state]
        try:
            self._recorder.warm_up(run)
        finally:
            with torch.no_grad():
                for value, before in zip(state, kept, strict=True):
                    value.copy_(before)  # in place: the graphs know the addresses
        self._eager.optimizer.zero_grad()  # so that the graph allocates the gradients that it writes to
        return self._recorder.record(run)

    def _state(self) -> list[Tensor]:
        """Return everything that a step changes: weights, statistics of the batch norms, momenta."""
        momenta = [state["momentum_buffer"] for state in self._eager.optimizer.state.values()]
        return [*self._eager.model.state_dict().values(), *momenta]


def step_on(device: torch.device, eager: EagerStep) -> Step:
    """Return the quickest way to take the steps of *eager* on *device*."""
    return CapturedStep(eager) if device.type == "cuda" else eager
