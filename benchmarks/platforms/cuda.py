"""onnxruntime on an NVIDIA GPU. Its wheel claims CUDA on every machine, so the machine is asked first."""

import contextlib
import ctypes
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import hardware
from benchmarks.platforms import device, native
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Case, Facts, Threading, UnavailableError
from benchmarks.settings import Settings
from models.words import in_a_line

WHEEL, OTHER_WHEEL = "onnxruntime-gpu", "onnxruntime"  # both install the same package, over each other
PROVIDER, DEVICE, DRIVER = "CUDAExecutionProvider", "cuda", "libcuda.so.1"
# Since this architecture, the multiplying units take float32 rounded to TensorFloat-32.
FIRST_WITH_TF32 = 8
MAJOR = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
LIBRARIES = ("nvidia-cuda-runtime", "nvidia-cudnn-cu13")


class ServerCuda(native.Installed):
    """onnxruntime's CUDAExecutionProvider alone, on the first GPU.

    TensorFloat-32, the provider's default for float32 models, keeps 10 bits of the mantissa: another arithmetic, and
    so a platform of its own, *tf32*.
    """

    package, environment, runtime = WHEEL, "bench-gpu", "onnxruntime's CUDA provider"
    threading: Threading = "runtime"
    has_device = True

    def __init__(self, name: str = "server-cuda", *, tf32: bool = False) -> None:
        self.name, self.tf32 = name, tf32

    @property
    def provider_options(self) -> dict[str, str]:
        """What the provider is told."""
        return {"use_tf32": str(int(self.tf32))}

    def unavailable(self, settings: Settings) -> str | None:
        """Say which wheel is missing or in the way, or why no GPU can be seen; no session is opened."""
        remedy = f"run `tox run -e {self.environment}`"
        wheels = [name for name in (WHEEL, OTHER_WHEEL) if native.installed(name)]
        if wheels == [OTHER_WHEEL]:
            return f"{self.name}: this environment has {OTHER_WHEEL}, not {WHEEL}; {remedy}"
        if OTHER_WHEEL in wheels:
            return f"{self.name}: this environment has {OTHER_WHEEL} and {WHEEL}, over each other; {remedy}"
        if reason := super().unavailable(settings) or asked_apart():
            return reason if reason.startswith(self.name) else f"{self.name}: no CUDA device: {reason}"
        return None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The versions of the wheel, of CUDA and cuDNN where they are packages, and of the driver."""
        if self.unavailable(settings):
            return {}
        versions = {name: version(name) for name in (WHEEL, *LIBRARIES) if native.installed(name)}
        return versions | {"nvidia-driver": ", ".join({gpu["driver"] for gpu in hardware.gpus()}) or "unknown"}

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[device.HostToHost]:
        """Open the file on the GPU and check that all of it is there."""
        self.require(settings)
        refuse_threads(self, case)
        self._refuse_older()
        session = self.session(case)
        yield device.HostToHost(case, self._prove(case, session), session, DEVICE, device.synchronize)

    def session(self, case: Case) -> Any:
        """Return a session that CUDA alone computes."""
        import onnxruntime

        self._load(case)
        with self.explained(case):
            providers, chosen = [(PROVIDER, self.provider_options)], device.options()
            return onnxruntime.InferenceSession(device.model_of(case, chosen), chosen, providers=providers)

    def _load(self, case: Case) -> None:
        """Load CUDA; raise UnavailableError with the words of onnxruntime and the loader where it cannot be."""
        import onnxruntime

        said = io.StringIO()
        with contextlib.redirect_stdout(said):  # it prints what it cannot load, and goes on
            onnxruntime.preload_dlls()
        try:
            onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), DEVICE, 0)
        except RuntimeError as error:
            words = "; ".join(["onnxruntime cannot load CUDA", *said.getvalue().splitlines(), in_a_line(error)])
            needs = f"it needs CUDA {onnxruntime.cuda_version} and cuDNN 9; run `tox run -e {self.environment}`"
            raise UnavailableError(f"{self.name}: {case.model_file.name}: {words}; {needs}") from error

    def _prove(self, case: Case, session: Any) -> Facts:
        device.prove_provider(case, self.name, session, PROVIDER)
        in_force = session.get_provider_options()[PROVIDER]
        native.prove(case, self.name, in_force, self.provider_options)
        details = {"gpu": first_device(), "tf32": in_force["use_tf32"] == "1", "on_device": "synchronised"}
        facts = native.facts(self.name, PROVIDER, None, details)
        return replace(facts, rounding="tf32") if self.tf32 else facts

    def _refuse_older(self) -> None:
        if self.tf32 and (major := first_device_attribute(MAJOR)) < FIRST_WITH_TF32:
            words = f"{first_device()} has compute capability {major}, TensorFloat-32 needs {FIRST_WITH_TF32}"
            raise UnavailableError(f"{self.name}: {words}; measure server-cuda")


@cache
def asked_apart() -> str | None:
    """Return what :func:`no_device` finds in a process of its own.

    In this one, it would have woken the driver before the clock of an opening starts.
    """
    command = [sys.executable, "-c", f"from {__name__} import no_device; print(no_device() or '')"]
    return subprocess.check_output(command, cwd=Path(__file__).parents[2], text=True).strip() or None


def no_device() -> str | None:
    """Return why the driver shows no GPU, and what to do; None where it shows one."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return f"{DRIVER} is not there; install NVIDIA's driver, check nvidia-smi"
    count = ctypes.c_int()
    for call, arguments in (("cuInit", [0]), ("cuDeviceGetCount", [ctypes.byref(count)])):
        if error := getattr(driver, call)(*arguments):
            return f"{call} answered with error {error}; check nvidia-smi"
    return None if count.value else "the driver shows none; check nvidia-smi and CUDA_VISIBLE_DEVICES"


def first_device() -> str:
    """Return the name of the GPU that CUDA counts first, where sessions are opened; NVML may count otherwise."""
    name = ctypes.create_string_buffer(256)
    driver, handle = _first_device()
    driver.cuDeviceGetName(name, len(name), handle)
    return name.value.decode()


def first_device_attribute(number: int) -> int:
    """Return an attribute of that GPU, by the driver's number for it."""
    value = ctypes.c_int()
    driver, handle = _first_device()
    driver.cuDeviceGetAttribute(ctypes.byref(value), number, handle)
    return value.value


def _first_device() -> tuple[ctypes.CDLL, ctypes.c_int]:
    driver, handle = ctypes.CDLL(DRIVER), ctypes.c_int()
    driver.cuInit(0)
    driver.cuDeviceGet(ctypes.byref(handle), 0)
    return driver, handle
