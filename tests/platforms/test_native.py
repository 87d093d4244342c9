"""The server's platforms: the same logits everywhere, each held to its name, and every refusal in plain words."""

import os
import subprocess
import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import ai_edge_litert.interpreter as litert_interpreter
import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from helpers import make_linear

from benchmarks.inputs import case_of, seeded_batch, seeded_feeds
from benchmarks.platforms import cuda, litert, native, pytorch, server, vulkan_devices, webgpu
from benchmarks.platforms.cuda import ServerCuda
from benchmarks.platforms.litert import ServerLiteRt
from benchmarks.platforms.openvino import ServerOpenVino
from benchmarks.platforms.pytorch import ServerTorch, ServerTorchCompiled
from benchmarks.platforms.server import ServerCpu
from benchmarks.platforms.webgpu import ServerWebGpu
from benchmarks.protocol import Images, PlatformError, UnavailableError
from benchmarks.settings import Settings
from models import manifest, own
from models.cifar100 import MEAN, STD

CPU, OPENVINO, LITERT, TORCH = ServerCpu(), ServerOpenVino(), ServerLiteRt(), ServerTorch()
COMPILED, WEBGPU, CUDA = ServerTorchCompiled(), ServerWebGpu(), ServerCuda()
ON_THREADS = [CPU, OPENVINO, LITERT, TORCH]
SOFTWARE = Settings(timeout=30, allow_software_gpu=True)


def by_name(platform):
    return platform.name


def resnet8(batch_size=8, threads=1):
    return case_of(manifest.load("resnet8"), batch_size, threads)


def expected_of(case, feeds):
    return onnxruntime.InferenceSession(os.fspath(case.model_file), providers=["CPUExecutionProvider"]).run(None, feeds)


def difference(case, feeds, outputs):
    """Return how far the only output is from onnxruntime's, as a share of the largest."""
    (expected,), (logits,) = expected_of(case, feeds), outputs.values()
    assert (logits.shape, logits.dtype) == (expected.shape, expected.dtype)
    return np.abs(logits - expected).max() / np.abs(expected).max()


def test_what_is_timed_one_by_one_and_in_rows_is_inferred_as_often_as_was_asked():
    asked = []
    for rounds, iterations in ((3, 1), (3, 4)):
        block, answer = native.timed(
            lambda prepared: asked.append(prepared) or len(asked), "prepared", rounds, iterations
        )
        assert (len(block.seconds), block.iterations, answer) == (rounds, iterations, len(asked))
        assert min(block.seconds) > 0
    assert asked == ["prepared"] * (3 + 12)


def refused(platform, case, words, error=PlatformError, settings=SOFTWARE):
    with pytest.raises(error, match=f"^{platform.name}: {words}"), platform.open(case, settings):
        pytest.fail("a session was opened")


@pytest.fixture
def feeds():
    return {"input": seeded_batch(8)}


# What every platform answers


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("platform", ON_THREADS, ids=by_name)
def test_as_many_threads_compute_as_were_asked_for(platform, threads):
    case, feeds = resnet8(64, threads), {"input": seeded_batch(64)}
    with platform.open(case, SOFTWARE) as session:
        session.run(feeds)
        blocks = [session.time(feeds, 20) for _ in range(3)]
    assert (session.facts.platform, session.facts.threads) == (platform.name, threads)
    assert difference(case, feeds, blocks[-1].outputs) < 1e-5
    at_work = [block.cpu.all_threads / block.cpu.busiest_thread for block in blocks]
    # On a loaded machine one thread may get little to do; it has no share at all where it does not exist.
    assert 1 + 0.02 * (threads - 1) < max(at_work) + 0.01
    # What an earlier test left in this process may compute beside one block, and not beside all.
    assert min(at_work) < threads + 0.5


@pytest.mark.parametrize("platform", [CPU, OPENVINO], ids=by_name)
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_other_precisions_are_read_from_the_same_files(platform, precision, feeds):
    case = case_of(manifest.load(f"resnet8.{precision}"), 8)
    with platform.open(case, SOFTWARE) as session:
        assert difference(case, feeds, session.run(feeds)) < {"fp16": 1e-2, "int8": 1e-1}[precision]


@pytest.mark.parametrize("platform", [CPU, OPENVINO, LITERT], ids=by_name)
def test_the_last_images_are_classified_though_they_fill_no_batch(platform):
    pixels = np.random.default_rng(1).integers(0, 256, (11, 3, 32, 32), np.uint8)
    with platform.open(resnet8(), SOFTWARE) as session, CPU.open(resnet8(), SOFTWARE) as reference:
        blocks, wanted = (
            [*open_session.classify(Images(pixels, MEAN, STD), 8)] for open_session in (session, reference)
        )
    assert [len(block.outputs["logits"]) for block in blocks] == [8, 3]
    for block, expected in zip(blocks, wanted, strict=True):
        np.testing.assert_allclose(block.outputs["logits"], expected.outputs["logits"], rtol=1e-4, atol=1e-4)


def test_openvino_reads_a_file_of_the_users_own(tmp_path):
    case = case_of(own.load(make_linear(tmp_path / "own.onnx")), 2)
    feeds = seeded_feeds(case.model_file, 2)
    with OPENVINO.open(case, SOFTWARE) as session:
        assert difference(case, feeds, session.run(feeds)) < 1e-5
    assert session.facts.details["precision"] == "f32"


# What is missing


@pytest.mark.parametrize("platform", [OPENVINO, LITERT, TORCH, COMPILED, WEBGPU], ids=by_name)
def test_a_missing_package_is_told_with_the_environment_that_has_it(platform, monkeypatch):
    assert platform.versions(SOFTWARE)
    monkeypatch.setattr(native, "installed", lambda package: False)
    reason = f"{platform.name}: {platform.package} is not installed; run `tox run -e {platform.environment}`"
    assert platform.unavailable(SOFTWARE) == reason
    assert platform.versions(SOFTWARE) == {}
    refused(platform, resnet8(), f"{platform.package} is not installed", UnavailableError)


def test_the_other_wheel_is_told():
    reason = "server-cuda: this environment has onnxruntime, not onnxruntime-gpu; run `tox run -e bench-gpu`"
    assert CUDA.unavailable(SOFTWARE) == reason
    assert CUDA.versions(SOFTWARE) == {}
    refused(CUDA, resnet8(), "this environment has onnxruntime, not", UnavailableError)


def test_cuda_with_another_precision_or_a_part_elsewhere_is_found_out(monkeypatch):
    monkeypatch.setattr(cuda, "first_device", lambda: "H")

    class Session:
        def __init__(self, tf32, *providers):
            self.tf32, self.parts = tf32, [SimpleNamespace(ep_name=name) for name in providers]

        def get_providers(self):
            return [cuda.PROVIDER, "CPUExecutionProvider"]

        def get_provider_graph_assignment_info(self):
            return self.parts

        def get_provider_options(self):
            return {cuda.PROVIDER: {"use_tf32": self.tf32}}

    facts = CUDA._prove(resnet8(), Session("0", cuda.PROVIDER))
    assert (facts.execution_provider, facts.details["gpu"], facts.details["tf32"]) == (cuda.PROVIDER, "H", False)
    with pytest.raises(PlatformError, match="use_tf32 is '1', wanted '0'"):
        CUDA._prove(resnet8(), Session("1", cuda.PROVIDER))
    with pytest.raises(PlatformError, match="CPUExecutionProvider has a part of the graph"):
        CUDA._prove(resnet8(), Session("0", cuda.PROVIDER, "CPUExecutionProvider"))
    rounded = ServerCuda("server-cuda-tf32", tf32=True)
    facts = rounded._prove(resnet8(), Session("1", cuda.PROVIDER))
    assert (facts.platform, facts.details["tf32"], facts.rounding) == ("server-cuda-tf32", True, "tf32")
    with pytest.raises(PlatformError, match=r"server-cuda-tf32: .* use_tf32 is '0', wanted '1'"):
        rounded._prove(resnet8(), Session("0", cuda.PROVIDER))


def test_a_gpu_older_than_tf32_is_refused_the_name(monkeypatch):
    monkeypatch.setattr(cuda, "first_device", lambda: "V")
    rounded = ServerCuda("server-cuda-tf32", tf32=True)
    for major, refused_words in (
        (7, "server-cuda-tf32: V has compute capability 7, TensorFloat-32 needs 8"),
        (8, None),
    ):
        monkeypatch.setattr(cuda, "first_device_attribute", lambda number, major=major: major)
        CUDA._refuse_older()
        with pytest.raises(UnavailableError, match=refused_words) if refused_words else nullcontext():
            rounded._refuse_older()


class Driver:
    """libcuda of a machine with as many GPUs, or which answers every call with an error."""

    def __init__(self, gpus, error=0):
        self.gpus, self.error = gpus, error

    def cuInit(self, flags):  # noqa: N802
        return self.error

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = self.gpus
        return 0


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        (Driver(0), "no CUDA device: the driver shows none; check nvidia-smi and CUDA_VISIBLE_DEVICES"),
        (Driver(0, error=100), "no CUDA device: cuInit answered with error 100; check nvidia-smi"),
        (Driver(1), None),
    ],
    ids=["none", "error", "one"],
)
def test_the_driver_is_asked_for_a_gpu(driver, words, monkeypatch):
    monkeypatch.setattr(native, "installed", lambda package: package == "onnxruntime-gpu")
    monkeypatch.setattr(cuda.ctypes, "CDLL", lambda name: driver)
    monkeypatch.setattr(cuda, "asked_apart", cuda.no_device)
    assert CUDA.unavailable(SOFTWARE) == (words and f"server-cuda: {words}")


def test_the_driver_is_asked_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(cuda.ctypes, "CDLL", lambda name: pytest.fail("asked in this process"))
    assert cuda.asked_apart() is None or "check nvidia-smi" in cuda.asked_apart()


def test_a_missing_compiler_is_told(monkeypatch):
    monkeypatch.setenv("CXX", "/nowhere/g++")
    reason = r"no C\+\+ compiler: /nowhere/g\+\+ is not there; install g\+\+, or name one in CXX"
    refused(COMPILED, resnet8(), reason, UnavailableError)
    assert TORCH.unavailable(SOFTWARE) is None


@pytest.mark.parametrize("platform", [LITERT, TORCH, COMPILED], ids=by_name)
def test_a_file_of_the_users_own_is_refused_where_it_takes_more_than_onnx(platform, tiny_model):
    refused(
        platform, case_of(own.load(tiny_model)), r"tiny\.onnx: .*only the catalogue's float32 models", UnavailableError
    )


def test_litert_names_the_batch_sizes_there_are():
    words = r"resnet8\.onnx: no \.tflite file for batches of 2: it has batches of 1, 8, 64; "
    refused(LITERT, resnet8(2), words, UnavailableError)
    refused(LITERT, case_of(manifest.load("resnet8.int8")), r".*it has none of any size", UnavailableError)


def test_an_altered_tflite_file_is_refused(monkeypatch):
    artefact = manifest.load("resnet8")
    derived = {name: row | {"sha256": "0"} for name, row in artefact.row["derived"].items()}
    altered = manifest.Artefact("resnet8", artefact.path, artefact.row | {"derived": derived})
    refused(LITERT, case_of(altered), r"resnet8\.onnx: .*has SHA-256")


# What is not what its name says


def test_another_number_of_threads_is_found_out(monkeypatch):
    case = resnet8()
    real = server.options
    monkeypatch.setattr(server, "options", lambda threads: real(2))
    refused(CPU, case, r"resnet8\.onnx: opened on CPUExecutionProvider with 2 threads, not on 1")
    with pytest.raises(PlatformError, match=r"here: resnet8\.onnx: started 0 threads beside this one, wanted 2"):
        native.prove_started(resnet8(threads=3), "here", native.runtime_threads())
    refused(OPENVINO, resnet8(threads=4096), r"resnet8\.onnx: INFERENCE_NUM_THREADS is \d+, wanted 4096")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INFERENCE_PRECISION_HINT", openvino.Type.bf16),  # the default where the processor has it
        ("EXECUTION_DEVICES", ["GPU"]),
        ("NUM_STREAMS", 2),
    ],
)
def test_openvino_otherwise_than_asked_for_is_found_out(name, value, monkeypatch):
    real = openvino.CompiledModel.get_property
    monkeypatch.setattr(
        openvino.CompiledModel,
        "get_property",
        lambda compiled, asked: value if asked == name else real(compiled, asked),
    )
    refused(OPENVINO, resnet8(), rf"resnet8\.onnx: {name} is .*, wanted")


@pytest.mark.parametrize(
    ("threads", "changed", "words"),
    [
        (2, {"num_threads": 1}, "started 0 threads beside this one, wanted 1"),
        (
            1,
            {"experimental_op_resolver_type": litert_interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES},
            "0 delegates among",
        ),
    ],
    ids=["threads", "XNNPACK"],
)
def test_litert_otherwise_than_asked_for_is_found_out(threads, changed, words, monkeypatch):
    real = litert_interpreter.Interpreter
    monkeypatch.setattr(
        litert_interpreter,
        "Interpreter",
        lambda path, num_threads: real(path, **{"num_threads": num_threads} | changed),
    )
    refused(LITERT, resnet8(threads=threads), rf"resnet8\.onnx: {words}")


def test_a_delegate_of_a_part_is_found_out():
    class Interpreter:
        def _get_ops_details(self):
            return [{"op_name": "CONV_2D"}, {"op_name": "DELEGATE", "inputs": [0, 1], "outputs": [7]}]

    litert.refuse_undelegated(resnet8(), "here", Interpreter(), 0, 7)
    for given, answer in ((2, 7), (0, 8)):
        with pytest.raises(PlatformError, match="1 delegates among 2 operators, not one XNNPACK from input to output"):
            litert.refuse_undelegated(resnet8(), "here", Interpreter(), given, answer)


@pytest.mark.parametrize("platform", [TORCH, COMPILED], ids=by_name)
def test_torch_on_two_numbers_of_threads_takes_turns(platform):
    before, feeds = torch.get_num_threads(), {"input": seeded_batch(64)}
    two, one = resnet8(64, 2), resnet8(64, 1)
    with (
        platform.open(two, SOFTWARE) as on_two,
        CPU.open(one, SOFTWARE) as partner,
        platform.open(one, SOFTWARE) as on_one,
    ):
        for session, threads in [(on_two, 2), (partner, 1), (on_one, 1)] * 3:
            block = session.time(feeds, 10)
            assert difference(one, feeds, block.outputs) < 1e-5
            assert session is partner or torch.get_num_threads() == threads
            spread = block.cpu.all_threads / block.cpu.busiest_thread
            assert 1 + 0.02 * (threads - 1) < spread + 0.01 < threads + 0.5
        if platform is COMPILED:
            images = on_two._engine.prepare(feeds)
            with pytest.raises(RuntimeError, match="num_threads"):
                on_one._engine.infer(images)
    assert torch.get_num_threads() == before


def test_torch_that_keeps_its_threads_is_found_out(monkeypatch):
    with TORCH.open(resnet8(threads=2), SOFTWARE) as session:
        torch.set_num_threads(1)
        with monkeypatch.context() as context:
            context.setattr(torch, "set_num_threads", lambda threads: None)
            with pytest.raises(PlatformError, match=r"^server-torch: resnet8.*computes on 1 threads, wanted 2"):
                session.run({"input": seeded_batch(8)})
            refused(TORCH, resnet8(threads=3), r"resnet8\.onnx: PyTorch computes on 1 threads, wanted 3")


def test_a_network_that_was_not_compiled_is_found_out(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network, **how: network)
    refused(COMPILED, resnet8(), r"resnet8\.onnx: graphs compiled is 0, wanted 1")
    counted = {"stats": Counter(unique_graphs=1), "inductor": Counter(mkldnn_conv_weight_pack_matcher_count=9)}
    pytorch.prove_compiled(resnet8(), "here", counted)
    with pytest.raises(PlatformError, match="graph breaks is 1, wanted 0"):
        pytorch.prove_compiled(resnet8(), "here", counted | {"graph_break": Counter(print=1)})
    with pytest.raises(PlatformError, match="frozen convolutions is False"):
        pytorch.prove_compiled(resnet8(), "here", counted | {"inductor": Counter()})


def test_a_batch_that_would_be_compiled_anew_is_refused():
    engine = pytorch.TorchEngine(None, torch.get_num_threads(), batch_size=8)
    with pytest.raises(ValueError, match="a batch of 2, compiled for 8"):
        engine.prepare({"input": seeded_batch(2)})


@pytest.mark.parametrize("platform", [OPENVINO, LITERT], ids=by_name)
def test_a_batch_of_another_size_than_the_cases_is_refused(platform):
    with (
        platform.open(resnet8(), SOFTWARE) as session,
        pytest.raises(PlatformError, match=rf"^{platform.name}: resnet8\.onnx: the inference failed: "),
    ):
        session.run({"input": seeded_batch(2)})


def test_threads_of_pythons_own_are_not_the_runtimes():
    before, end = native.runtime_threads(), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    native.prove_started(resnet8(), "here", before)
    end.set()
    thread.join()


# The GPU that is simulated on the processor, with the files of the browser


def test_a_simulated_gpu_is_refused_unless_allowed(monkeypatch):
    simulated = webgpu.Vulkan("loader", "driver", ("SwiftShader",), software=True)
    monkeypatch.setattr(webgpu, "vulkan", lambda settings: simulated)
    words = r"the only adapter is software \(SwiftShader\); use a machine with a GPU, or pass --allow-software-gpu$"
    refused(WEBGPU, resnet8(), words, UnavailableError, Settings())
    assert WEBGPU.unavailable(SOFTWARE) is None
    monkeypatch.setattr(webgpu, "vulkan", lambda settings: None)
    refused(WEBGPU, resnet8(), "no GPU that Vulkan knows; install the GPU's driver", UnavailableError)


GPU, SIMULATED = ("NVIDIA H200", 2), ("SwiftShader", 4)


def showing(monkeypatch, folder, shown):
    """Let *shown* stand for Vulkan, by loader and named driver; the browser's files lie in *folder*."""
    (folder / webgpu.LOADER).touch()
    (folder / webgpu.SOFTWARE).touch()

    def devices(loader):
        named = {os.environ.get(name) for name in ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")}
        return shown.get((Path(loader).parent == folder, named == {str(folder / webgpu.SOFTWARE)}), [])

    monkeypatch.setattr(webgpu, "devices", devices)
    monkeypatch.setattr(webgpu, "_browser_folders", lambda settings: [folder])
    webgpu.vulkan.cache_clear()


@pytest.fixture
def forget():
    yield
    webgpu.vulkan.cache_clear()


@pytest.mark.parametrize("of_the_browser", [False, True])
def test_a_gpu_is_taken_by_either_loader_before_a_simulated_one(of_the_browser, tmp_path, monkeypatch, forget):
    shown = {(of_the_browser, False): [SIMULATED, GPU], (True, True): [SIMULATED]}
    showing(monkeypatch, tmp_path, shown)
    loader = str(tmp_path / webgpu.LOADER) if of_the_browser else webgpu.LOADER
    assert webgpu.vulkan(SOFTWARE) == webgpu.Vulkan(loader, None, ("NVIDIA H200",), software=False)


@pytest.mark.parametrize(("shown", "pure"), [([GPU], True), ([GPU, SIMULATED], False)])
def test_a_gpu_that_onnxruntime_does_not_see_is_taken_where_vulkan_shows_nothing_else(
    shown, pure, tmp_path, monkeypatch, forget
):
    showing(monkeypatch, tmp_path, {(False, False): shown})
    loaded = webgpu.vulkan(SOFTWARE)
    assert (loaded.software, loaded.pure) == (False, pure)
    assert loaded.environment == ({webgpu.ALLOW_SOFTWARE: "1"} if pure else {})

    monkeypatch.setattr(webgpu.device, "prove_provider", lambda *arguments: None)
    unseen = SimpleNamespace(device=SimpleNamespace(type=onnxruntime.OrtHardwareDeviceType.CPU, vendor="Intel"))
    monkeypatch.setattr(webgpu, "_simulates", lambda: False)
    if pure:
        facts = WEBGPU._prove(resnet8(), None, unseen, loaded)
        assert (facts.is_software, facts.details["listed_as"]) == (False, "CPU")
    monkeypatch.setattr(webgpu, "_simulates", lambda: True)
    with pytest.raises(PlatformError, match="software GPU is True, wanted False"):
        WEBGPU._prove(resnet8(), None, unseen, loaded)


def test_a_simulated_gpu_is_named_to_loaders_old_and_new(tmp_path, monkeypatch, forget):
    """A loader that reads VK_DRIVER_FILES does not read VK_ICD_FILENAMES."""
    monkeypatch.setenv("VK_DRIVER_FILES", "somebody's")
    showing(monkeypatch, tmp_path, {(True, True): [SIMULATED]})
    loaded = webgpu.vulkan(SOFTWARE)
    assert (loaded.software, loaded.adapters) == (True, ("SwiftShader",))
    assert loaded.environment.keys() == {"VK_ICD_FILENAMES", "VK_DRIVER_FILES", webgpu.ALLOW_SOFTWARE}
    assert os.environ["VK_DRIVER_FILES"] == "somebody's"


def test_vulkan_is_asked_for_gpus_in_a_process_of_its_own(tmp_path):
    """One that no processor simulates is not here, and what cannot be loaded shows none."""
    (tmp_path / "libvulkan.so.1").touch()
    shown = vulkan_devices.ask(str(tmp_path / "missing.so"), str(tmp_path / "libvulkan.so.1"))
    assert shown == vulkan_devices.Shown()
    assert vulkan_devices.real([SIMULATED, GPU]) == ["NVIDIA H200"]


def test_what_a_driver_prints_before_and_after_the_answer_is_none_of_it(monkeypatch):
    answer = 'a driver says so\nshown: {"gpus": ["NVIDIA H200"], "extensions": []}\nand good-bye\n'
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, answer))
    assert vulkan_devices.ask("a talkative one").gpus == ["NVIDIA H200"]


def test_the_clock_of_a_device_covers_its_computing():
    """Its own end of an inference comes long before the outputs are there."""
    case, feeds = resnet8(1), {"input": seeded_batch(1)}
    with WEBGPU.open(case, SOFTWARE) as session:
        blocks = session.time(feeds, 2), session.on_device().time(feeds, 2)
        engine = session._engine
        bound = engine.prepare(feeds)
        start = time.perf_counter()
        engine._session.run_with_iobinding(bound.binding)
        bound.binding.synchronize_outputs()
        alone = time.perf_counter() - start
    for block in blocks:
        assert difference(case, feeds, block.outputs) < 1e-5
        assert block.cpu is None
        if session.facts.is_software:
            assert min(block.seconds) > 4 * alone


def test_a_device_is_fed_what_it_is_given():
    case, feeds = resnet8(1), {"input": seeded_batch(1)}
    with WEBGPU.open(case, SOFTWARE) as session:
        for given in (feeds, {"input": -feeds["input"]}):
            assert difference(case, given, session.run(given)) < 1e-5
            assert difference(case, given, session.on_device().run(given)) < 1e-5


def test_a_simulated_gpu_is_labelled_and_leaves_the_rest_alone():
    before = dict(os.environ)
    with WEBGPU.open(resnet8(), SOFTWARE) as session, CPU.open(resnet8(), SOFTWARE) as other:
        assert session.facts.execution_provider == "WebGpuExecutionProvider"
        assert session.facts.is_software == webgpu.vulkan(SOFTWARE).software
        assert session.facts.details["adapters"]
        assert (other.facts.execution_provider, other.facts.threads) == ("CPUExecutionProvider", 1)
    assert dict(os.environ) == before
    refused(WEBGPU, resnet8(threads=2), r"resnet8\.onnx: 2 threads of the processor", UnavailableError)


def test_a_simulated_gpu_in_a_real_ones_place_is_found_out():
    vulkan = webgpu.vulkan(SOFTWARE)
    with WEBGPU.explained(resnet8()):
        adapter, session = WEBGPU._session(resnet8(), vulkan)
    claimed = webgpu.Vulkan(vulkan.loader, vulkan.driver, ("a GPU",), not vulkan.software)
    with pytest.raises(PlatformError, match=rf"software GPU is {vulkan.software}, wanted {not vulkan.software}"):
        WEBGPU._prove(resnet8(), session, adapter, claimed)
