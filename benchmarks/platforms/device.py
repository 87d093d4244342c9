"""What onnxruntime's platforms with memory of their own share: a session off the processor, and its two figures."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from benchmarks.platforms import lacking, native
from benchmarks.platforms.graphs import fixed
from benchmarks.protocol import Block, Case, Facts, Feeds, Outputs, PlatformError

ASSIGNMENT = "session.record_ep_graph_assignment_info"
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


def options() -> Any:
    """Return session options under which the processor may compute nothing, and which tell where each node went."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    chosen.add_session_config_entry(ASSIGNMENT, "1")
    return chosen


def model_of(case: Case, chosen: Any) -> str | bytes:
    """Return what a session of the case is made from, the lengths of its inputs told in the session options *chosen*.

    What computes a length would have to run on the processor.
    """
    lengths = fixed(case)
    for name, length in lengths.overrides.items():
        chosen.add_free_dimension_override_by_name(name, length)
    if lengths.copy is None:
        return os.fspath(case.model_file)
    chosen.add_session_config_entry(WEIGHTS_FOLDER, os.fspath(case.model_file.parent))
    return lengths.copy


def prove_provider(case: Case, platform: str, session: Any, provider: str) -> None:
    """Raise PlatformError unless *provider* comes first in *session* and has all the nodes.

    The list of available providers says nothing: it names what the wheel was built for.
    """
    if (first := session.get_providers()[0]) != provider:
        raise PlatformError(f"{platform}: {case.model_file.name}: the session is on {first}, not on {provider}")
    others = {part.ep_name for part in session.get_provider_graph_assignment_info()} - {provider}
    if others:
        words = f"{', '.join(sorted(others))} has a part of the graph"
        if case.artefact.is_own:
            raise lacking.unavailable(platform, case, words)
        raise PlatformError(f"{platform}: {case.model_file.name}: {words}")


@dataclass(frozen=True)
class Bound:
    """A binding, and the inputs' places on the device beside the arrays on the host that belong there."""

    binding: Any
    inputs: list[tuple[Any, NDArray[Any]]]


class BoundEngine:
    """An InferenceSession whose inputs and outputs lie on *device*, copied from and to the host in each inference."""

    def __init__(self, session: Any, device: str) -> None:
        self.input_names = [given.name for given in session.get_inputs()]
        self._outputs = [answer.name for answer in session.get_outputs()]
        self._session, self._device = session, device

    def prepare(self, feeds: Feeds) -> Bound:
        """Return room for the inputs on the device, bound to the session, with the arrays in it."""
        from onnxruntime import OrtValue

        binding = self._session.io_binding()
        places = {name: OrtValue.ortvalue_from_numpy(array, self._device, 0) for name, array in feeds.items()}
        for name, place in places.items():
            binding.bind_ortvalue_input(name, place)
        for name in self._outputs:
            binding.bind_output(name, self._device, 0)
        binding.synchronize_inputs()
        return Bound(binding, [(places[name], array) for name, array in feeds.items()])

    def infer(self, prepared: Bound) -> Any:
        """Copy the arrays to the device, run, and copy the outputs to the host."""
        for place, array in prepared.inputs:
            place.update_inplace(array)
        prepared.binding.synchronize_inputs()
        self._session.run_with_iobinding(prepared.binding)
        prepared.binding.synchronize_outputs()
        return read_back(prepared.binding)

    def outputs(self, answer: Any) -> Outputs:
        """Return the arrays by name."""
        return dict(zip(self._outputs, answer, strict=True))


class ResidentEngine(BoundEngine):
    """The same without the copies; *wait* returns when the outputs of a binding are computed."""

    def __init__(self, session: Any, device: str, wait: Callable[[Any], Any]) -> None:
        super().__init__(session, device)
        self._wait = wait

    def infer(self, prepared: Bound) -> Any:
        """Run on what lies on the device, and wait."""
        self._session.run_with_iobinding(prepared.binding)
        self._wait(prepared.binding)
        return prepared.binding

    def outputs(self, answer: Any) -> Outputs:
        """Copy the outputs to the host and return them by name."""
        return super().outputs(read_back(answer))


def read_back(binding: Any) -> list[NDArray[Any]]:
    """Return the outputs as arrays on the host, in the graph's order; this waits until they are computed."""
    return [value.numpy() for value in binding.get_outputs()]


def synchronize(binding: Any) -> None:
    """Wait until the outputs are computed, on devices where onnxruntime can."""
    binding.synchronize_outputs()


class OffProcessor(native.NativeSession):
    """A case open on a device; the processor's time says nothing of it and is left out."""

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples of *iterations* inferences in plain loops."""
        return replace(super().time(feeds, rounds, iterations), cpu=None)


class HostToHost(OffProcessor):
    """A case open on a device of its own memory; a sample is from arrays on the host to arrays on the host."""

    def __init__(self, case: Case, facts: Facts, session: Any, device: str, wait: Callable[[Any], Any]) -> None:
        super().__init__(case, facts, BoundEngine(session, device))
        self._resident = OffProcessor(case, facts, ResidentEngine(session, device, wait))

    def on_device(self) -> OffProcessor:
        """Return the session whose inputs and outputs stay on the device."""
        return self._resident
