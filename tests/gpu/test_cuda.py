"""The real onnxruntime-gpu: refused in plain words without a GPU, held to all it claims with one.

Nothing is skipped: on each machine a test asks for what is true there. With a GPU, CUDA's libraries are needed as well:
``tox run -e tests-gpu -x testenv:tests-gpu.dependency_groups=bench-gpu``.
"""

import os

import numpy as np
import onnxruntime
import pytest

from benchmarks.hardware import gpus
from benchmarks.inputs import case_of
from benchmarks.measuring.reference import ROUNDED
from benchmarks.platforms import device, native
from benchmarks.platforms.cuda import PROVIDER, ServerCuda, no_device
from benchmarks.protocol import PlatformError, UnavailableError
from models import manifest

HAS_GPU = no_device() is None
CUDA, TF32 = ServerCuda(), ServerCuda("server-cuda-tf32", tf32=True)


@pytest.fixture
def case():
    return case_of(manifest.load("resnet8"), batch_size=8)


@pytest.fixture
def feeds():
    return {"input": np.random.default_rng(0).standard_normal((8, 3, 32, 32), np.float32)}


def session_on_the_processor(case, *providers):
    """Open a session that may fall back, as anyone's first attempt would be."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(device.ASSIGNMENT, "1")
    return onnxruntime.InferenceSession(os.fspath(case.model_file), options, providers=[*providers])


def test_the_wheel_claims_cuda_on_every_machine():
    assert PROVIDER in onnxruntime.get_available_providers()
    assert onnxruntime.get_device() == "GPU"


def test_unavailable_tells_the_reason_in_one_line(settings):
    reason = CUDA.unavailable(settings)
    if HAS_GPU:
        assert reason is None
        assert {"onnxruntime-gpu", "nvidia-driver"} <= CUDA.versions(settings).keys()
        assert gpus()[0]["memory_bytes"] > 0
    else:
        assert reason.startswith("server-cuda: no CUDA device: ")
        assert "check nvidia-smi" in reason
        assert "\n" not in reason
        assert (CUDA.versions(settings), gpus()) == ({}, [])


def test_a_case_is_computed_on_the_gpu_or_refused(case, feeds, settings):
    if not HAS_GPU:
        with pytest.raises(UnavailableError, match=r"^server-cuda: no CUDA device: "), CUDA.open(case, settings):
            pytest.fail("a session was opened without a GPU")
        return
    expected = session_on_the_processor(case, "CPUExecutionProvider").run(None, feeds)[0]
    with CUDA.open(case, settings) as session:
        assert session.facts.execution_provider == PROVIDER
        assert session.facts.details["tf32"] is False
        assert session.facts.details["gpu"] in {gpu["name"] for gpu in gpus()}
        host, on_device = session.time(feeds, 100), session.on_device().time(feeds, 100)
    for block in (host, on_device):
        assert np.abs(block.outputs["logits"] - expected).max() < 1e-4 * np.abs(expected).max()
        assert len(block.seconds) == 100
    assert np.median(on_device.seconds) < np.median(host.seconds)


def test_tf32_is_a_row_of_its_own_and_rounds(case, feeds, settings):
    if not HAS_GPU:
        with pytest.raises(UnavailableError, match=r"^server-cuda-tf32: no CUDA device: "), TF32.open(case, settings):
            pytest.fail("a session was opened without a GPU")
        return
    with CUDA.open(case, settings) as whole, TF32.open(case, settings) as rounded:
        exact, coarse = (session.run(feeds)["logits"] for session in (whole, rounded))
        assert (rounded.facts.platform, rounded.facts.rounding) == ("server-cuda-tf32", "tf32")
    assert 0 < np.abs(coarse - exact).max() < ROUNDED["tf32"] * np.abs(exact).max()


def test_a_fresh_process_tells_the_same(case, feeds, settings):
    if not HAS_GPU:
        with pytest.raises(UnavailableError, match=r"^server-cuda: no CUDA device: "):
            next(CUDA.openings(case, feeds, settings, "process"))
        return
    opening = next(CUDA.openings(case, feeds, settings, "process"))
    assert opening.facts.execution_provider == PROVIDER
    assert 0 < opening.second < opening.load


def test_cuda_that_cannot_be_loaded_is_told_before_a_model_is_read(case, monkeypatch, settings):
    """As on a machine whose GPU can be seen, but where libraries are missing."""
    monkeypatch.setattr(CUDA, "unavailable", lambda settings: None)
    if HAS_GPU:
        with CUDA.open(case, settings) as session:
            assert session.facts.platform == "server-cuda"
        return
    words = (
        r"^server-cuda: resnet8\.onnx: onnxruntime cannot load CUDA; .*it needs CUDA 13.* and cuDNN 9; run `tox run -e"
    )
    with pytest.raises(UnavailableError, match=f"{words} bench-gpu`$"), CUDA.open(case, settings):
        pytest.fail("a session was opened without CUDA")


def test_onnxruntime_itself_is_told_to_refuse_the_processor(case, monkeypatch, settings):
    monkeypatch.setattr(CUDA, "_load", lambda case: None)
    if HAS_GPU:
        assert CUDA.session(case).get_providers()[0] == PROVIDER
        return
    with pytest.raises(PlatformError, match=r"^server-cuda: resnet8\.onnx: .*fallback to CPU EP has been explicitly"):
        CUDA.session(case)


def test_a_session_that_fell_back_is_found_out(case):
    providers = ["CPUExecutionProvider"] if HAS_GPU else [PROVIDER]  # without a GPU it falls back of itself
    session = session_on_the_processor(case, *providers)
    assert session.get_providers() == ["CPUExecutionProvider"]
    words = r"^server-cuda: resnet8\.onnx: the session is on CPUExecutionProvider, not on CUDAExecutionProvider$"
    with pytest.raises(PlatformError, match=words):
        device.prove_provider(case, "server-cuda", session, PROVIDER)


def test_a_part_of_the_graph_on_the_processor_is_found_out(case):
    session = session_on_the_processor(case, "CPUExecutionProvider")

    class PartlyOnCuda:
        get_providers = staticmethod(lambda: [PROVIDER, "CPUExecutionProvider"])
        get_provider_graph_assignment_info = staticmethod(session.get_provider_graph_assignment_info)

    with pytest.raises(PlatformError, match="CPUExecutionProvider has a part of the graph"):
        device.prove_provider(case, "server-cuda", PartlyOnCuda, PROVIDER)


def test_both_wheels_at_once_are_refused(monkeypatch, settings):
    monkeypatch.setattr(native, "installed", lambda package: True)
    assert "onnxruntime and onnxruntime-gpu, over each other" in CUDA.unavailable(settings)


def test_threads_of_the_processor_are_refused(case, monkeypatch, settings):
    monkeypatch.setattr(CUDA, "unavailable", lambda settings: None)
    threads = case_of(case.artefact, 8, threads=2)
    with pytest.raises(UnavailableError, match="2 threads of the processor"), CUDA.open(threads, settings):
        pytest.fail("a session was opened")
