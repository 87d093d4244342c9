"""Each platform in a page proves what it is, refuses what it is not, and tells what it fetched."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers import ROOT, make_graph

from benchmarks import inputs
from benchmarks.inputs import seeded_feeds
from benchmarks.measuring.parity import check_parity
from benchmarks.measuring.reference import reference
from benchmarks.platforms import onnxruntime_web, page_runtime, page_session
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS, REFUSED
from benchmarks.platforms.driven_pages import DRIVEN
from benchmarks.platforms.onnxruntime_web import ChromiumWebnn, is_software_adapter
from benchmarks.platforms.page_session import PageSession
from benchmarks.platforms.vulkan_devices import Shown
from benchmarks.protocol import Case, Images, PlatformError, Slowdown, UnavailableError
from benchmarks.settings import Settings
from browser_harness import cgroup, chromium, headless_surface, packages, page_files, processes, server
from browser_harness.channel import PageError
from browser_harness.lending import LENDER
from browser_harness.page import Page
from browser_harness.processes import USABLE
from models import manifest, own
from models.cifar100 import normalised_batches

PLATFORMS = {platform.name: platform for platform in CHROMIUM_PLATFORMS}
WASM, TFJS, LITERT = (PLATFORMS[f"chromium-{name}"] for name in ("wasm", "tfjs", "litert"))
WEBNN, WEBNN_GPU, WEBGPU = (PLATFORMS[f"chromium-{name}"] for name in ("webnn", "webnn-gpu", "webgpu"))
ORDINARY = [WASM, TFJS, LITERT, WEBNN]
SOFTWARE_GPU = Settings(timeout=60, allow_software_gpu=True)


def names(platforms):
    return pytest.mark.parametrize("platform", platforms, ids=lambda platform: platform.name)


def case_of(model="resnet8", **changes):
    return inputs.case_of(manifest.load(model), **changes)


def feeds_of(case):
    return seeded_feeds(case.model_file, case.batch_size)


def distance(session, case):
    """Return how far the session's logits are from the reference's, as a share of the largest."""
    feeds = feeds_of(case)
    (expected,), answer = reference(case.model_file, feeds).values(), session.run(feeds)
    assert [*answer] == ["logits"]
    assert answer["logits"].shape == expected.shape
    return np.abs(answer["logits"] - expected).max() / np.abs(expected).max()


# What each is


@pytest.mark.parametrize("batch_size", [1, 8])
@names(ORDINARY)
def test_it_computes_the_reference(platform, batch_size, settings):
    case = case_of(batch_size=batch_size)
    with platform.open_fresh(case, settings) as session:
        assert distance(session, case) < 1e-5
        block = session.time(feeds_of(case), 3)
        assert len(block.seconds) == 3
        assert block.cpu.all_threads >= block.cpu.busiest_thread > 0
        facts = session.facts
    assert (facts.platform, facts.execution_provider) == (platform.name, platform.provider)
    assert facts.threads == (None if platform.threading == "runtime" else 1)
    assert facts.details["cross_origin_isolated"]
    assert facts.details["load_parts"].keys() == {"runtime", "model", "compile", "session"}


def images(count):
    pixels = np.random.default_rng(3).integers(0, 256, (count, 3, 32, 32)).astype(np.uint8)
    return Images(pixels, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


@names(ORDINARY)
def test_it_classifies_images_that_it_normalises_itself(platform, settings):
    case, shown = case_of(batch_size=8), images(20)  # the last batch is filled up
    batches = normalised_batches(shown.pixels, 8, shown.mean, shown.std)
    with platform.open_fresh(case, settings) as session:
        for block, batch in zip(session.classify(shown, 8), batches, strict=True):
            (expected,) = reference(case.model_file, {"input": batch}).values()
            np.testing.assert_allclose(block.outputs["logits"], expected, atol=1e-4)


def test_threads_are_read_back_from_the_runtime(settings):
    case = case_of(threads=2)
    with WASM.open_fresh(case, settings) as session:
        assert session.facts.threads == 2
        assert distance(session, case) < 1e-5


def test_litert_tells_which_build_it_loaded(settings):
    with LITERT.open_fresh(case_of(), settings) as session:
        assert session.facts.details["build"] in LITERT.builds
        assert f"/litert/wasm/{session.facts.details['build']}.wasm" in session.facts.details["fetched"]


def test_the_logged_proof_of_webnn_keeps_the_inferences_quiet(settings):
    with WEBNN.open_fresh(case_of(), settings) as session:
        logged = []
        session._channel.page._page.on("console", lambda message: logged.append(message.text))
        session.time(feeds_of(case_of()), 3)
        assert logged == []


def test_no_platform_is_made_of_webgl_or_an_npu():
    assert REFUSED.keys() == {"chromium-webgl", "chromium-webnn-npu"}
    assert not REFUSED.keys() & PLATFORMS.keys()


def test_importing_them_loads_neither_driver_nor_onnx():
    script = "import sys, benchmarks.platforms.chromium; print(*{'playwright', 'onnx'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""


# What each refuses


@names([LITERT, WEBNN, WEBGPU])
def test_a_platform_without_threads_takes_no_number_of_them(platform, settings):
    words = rf"^{platform.name}: resnet8\.onnx: takes no number of threads, 2 were asked for; .*--threads 1"
    with pytest.raises(UnavailableError, match=words), platform.open(case_of(threads=2), settings):
        pytest.fail("it was opened")


def test_threads_that_fell_to_one_in_silence_are_told(settings, monkeypatch):
    monkeypatch.delitem(server.HEADERS, "Cross-Origin-Opener-Policy")
    words = r"^chromium-wasm: resnet8\.onnx: (crossOriginIsolated is False|threads is 1) in the page, wanted"
    with pytest.raises(PlatformError, match=words), WASM.open(case_of(threads=2), settings):
        pytest.fail("it was opened")


def test_another_number_of_threads_than_asked_for_is_told():
    in_effect = {
        "crossOriginIsolated": True,
        "sharedArrayBuffer": True,
        "simd": True,
        "threads": 1,
        "clockResolution": 0.005,
        "loaded": [],
    }
    with pytest.raises(PageError, match="threads is 1 in the page, wanted 2"):
        page_runtime.prove_page(in_effect, 2, set())


def test_tensorflow_js_caps_its_threads_in_silence(settings):
    threads = os.cpu_count() + 1
    words = rf"^chromium-tfjs: resnet8\.onnx: TensorFlow.js keeps to \d+ thread.* where {threads} were asked for"
    with pytest.raises(UnavailableError, match=words), TFJS.open(case_of(threads=threads), settings):
        pytest.fail("it was opened")


class WithoutOverride(ChromiumWebnn):
    """WebNN as a page gets it that does not know of free dimensions."""

    def session_options(self, case):
        return super().session_options(case) | {"freeDimensionOverrides": {}}


class WithoutWebnn(ChromiumWebnn):
    """WebNN in a browser that has none."""

    flags = ()

    def __init__(self):
        self.name, self.device = "chromium-webnn", "cpu"


def test_webnn_that_runs_in_webassembly_is_told(settings, monkeypatch):
    platform = WithoutOverride("chromium-webnn", "cpu")
    words = r"not all nodes are placed on WebNNExecutionProvider.*; the log says: All nodes placed on \[CPUExec"
    with pytest.raises(PlatformError, match=words), platform.open(case_of(), settings):
        pytest.fail("it was opened")
    monkeypatch.setattr(onnxruntime_web, "precision_of", lambda case: "int8")
    with pytest.raises(UnavailableError, match=rf"{words}.*not int8"), platform.open(case_of(), settings):
        pytest.fail("it was opened")


@pytest.mark.parametrize("platform", [WEBNN, WEBGPU], ids=lambda platform: platform.name)
def test_a_file_of_ones_own_that_does_not_wholly_land_there_is_unavailable(platform, tiny_model, settings):
    log = {"placed": ["All nodes placed on [CPUExecutionProvider]"], "left": ["Conv", "Relu"]}
    in_effect = {"version": packages.pinned("onnxruntime-web")}
    words = rf"^{platform.name}: tiny\.onnx: not all nodes are placed on \w+"
    with pytest.raises(UnavailableError, match=f"{words}, it leaves Conv, Relu; measure it on chromium-wasm$"):
        platform.prove(inputs.case_of(own.load(tiny_model)), in_effect | log, settings)
    with pytest.raises(UnavailableError, match=f"{words}; measure it on server-cpu$"):  # nobody saw it in WebAssembly
        platform.prove(inputs.case_of(own.load(tiny_model)), in_effect | {"placed": []}, settings)


def test_a_log_that_puts_some_nodes_elsewhere_or_says_nothing_is_told(settings):
    in_effect = {
        "version": packages.pinned("onnxruntime-web"),
        "placed": ["Node(s) placed on [CPUExecutionProvider]. 3"],
    }
    with pytest.raises(PageError, match=r"the log says: Node\(s\) placed on \[CPUExecutionProvider\]\. 3"):
        WEBNN.prove(case_of(), in_effect, settings)
    with pytest.raises(PageError, match=r"the log says: nothing on where the nodes are"):
        WEBNN.prove(case_of(), in_effect | {"placed": []}, settings)
    with pytest.raises(PageError, match=r"version is '1\.0' in the page"):
        WEBNN.prove(case_of(), in_effect | {"version": "1.0"}, settings)


def test_a_browser_without_webnn_is_told_with_the_remedy(settings):
    words = r"^chromium-webnn: resnet8\.onnx: this browser has no WebNN \(.+\); .*--browser-path"
    with pytest.raises(UnavailableError, match=words), WithoutWebnn().open(case_of(), settings):
        pytest.fail("it was opened")


def test_webnn_is_told_lengths_that_names_cannot_say(tmp_path, settings):
    nodes = [onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    shapes = [("x", "FLOAT", ["N", 3, "?", "?"])], [("y", "FLOAT", None)]
    artefact = own.load(make_graph(tmp_path / "own.onnx", nodes, *shapes))
    case = Case(artefact, 2, shapes={"x": (2, 3, 8, 6)})
    with WEBNN.open_fresh(case, settings) as session:
        assert session.run({"x": np.ones((2, 3, 8, 6), np.float32)})["y"].shape == (2, 3, 1, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="is so on Linux")
def test_webnn_on_linux_has_only_the_processor(settings):
    assert "chromium-webnn-gpu: Chromium's WebNN on linux is" in WEBNN_GPU.unavailable(settings)


def test_an_npu_cannot_be_proven():
    assert REFUSED["chromium-webnn-npu"].startswith("nothing tells whether an NPU computed")


@pytest.mark.parametrize(
    ("platform", "model", "batch_size", "words"),
    [
        (TFJS, "resnet8.int8", 1, "no TensorFlow.js export; the catalogue's float32 models have one"),
        (LITERT, "resnet8.int8", 1, r"no \.tflite file for batches of 1: it has none of any size"),
        (LITERT, "resnet8", 3, r"no \.tflite file for batches of 3: it has batches of 1, 8, 64"),
    ],
)
def test_what_was_not_exported_is_told(platform, model, batch_size, words, settings):
    case = case_of(model, batch_size=batch_size)
    with pytest.raises(UnavailableError, match=rf"^{platform.name}: {model}\.onnx: {words}"):
        platform.request(case, settings)


def test_a_page_in_which_another_build_was_loaded_is_refused():
    in_effect = {"sharedMemory": False, "isFullyAccelerated": True, "loaded": ["/x"]}
    with pytest.raises(PageError, match="0 builds of LiteRT were loaded; the page loaded /x"):
        LITERT.prove(case_of(), in_effect, Settings())


@pytest.mark.parametrize(("name", "value"), [("sharedMemory", True), ("isFullyAccelerated", False)])
def test_a_litert_with_threads_or_a_part_of_the_model_is_refused(name, value):
    in_effect = {"sharedMemory": False, "isFullyAccelerated": True, name: value}
    with pytest.raises(PageError, match=f"{name} is {value} in the page"):
        LITERT.prove(case_of(), in_effect, Settings())


# Software GPUs


@pytest.fixture(scope="module")
def webgpu():
    """A session on the browser's own software GPU; its first inference takes seconds."""
    with WEBGPU.open(case_of(), SOFTWARE_GPU) as session:
        if not session.facts.is_software:
            pytest.skip("this machine has a GPU")
        yield session


def test_a_software_gpu_is_labelled_and_computes_the_reference(webgpu):
    adapter = webgpu.facts.details["adapter"]
    assert is_software_adapter(adapter)
    assert adapter["features"]
    assert distance(webgpu, case_of()) < 1e-5


def test_processor_time_covers_the_process_of_the_gpu(webgpu):
    before = webgpu._host.thread_seconds()
    webgpu.run(feeds_of(case_of()))
    after = webgpu._host.thread_seconds()
    gpu = webgpu._host._processes["GPU"]
    assert sum(after[thread] - before.get(thread, 0.0) for thread in after if thread[0] in gpu) > 0.01


def test_a_software_gpu_is_refused_by_default(webgpu, settings):
    words = r"^chromium-webgpu: resnet8\.onnx: the only adapter is software \(.+\); pass --allow-software-gpu"
    with pytest.raises(UnavailableError, match=words), WEBGPU.open(case_of(), settings):
        pytest.fail("it was opened")


def adapter(vendor, architecture="", description="", *, fallback=False):
    return {
        "vendor": vendor,
        "architecture": architecture,
        "device": "",
        "description": description,
        "isFallbackAdapter": fallback,
    }


@pytest.mark.parametrize(
    "described",
    [
        adapter("google", "swiftshader"),
        adapter("mesa", "software"),
        adapter("", "", "llvmpipe (LLVM 19.1, 256 bits)"),
        adapter("microsoft", "warp"),
        adapter("", "", "Microsoft Basic Render Driver"),
        adapter("intel", "gen-9", fallback=True),
    ],
)
def test_software_adapters_are_told_from_what_they_say(described):
    assert is_software_adapter(described)
    is_software = {
        "version": packages.pinned("onnxruntime-web"),
        "placed": [f"All nodes placed on [{WEBGPU.placement}]"],
    }
    with pytest.raises(PageError, match="another adapter"):
        WEBGPU.prove(case_of(), is_software | {"adapter": described}, Settings())


def test_webnn_on_a_gpu_tells_the_adapter_and_labels_software(settings):
    in_effect = {"version": packages.pinned("onnxruntime-web"), "placed": [f"All nodes placed on [{WEBNN.placement}]"]}
    real, software = adapter("nvidia", "hopper"), adapter("google", "swiftshader")
    assert WEBNN_GPU.prove(case_of(), in_effect | {"pageAdapter": real}, settings) == {"adapter": real}
    assert not WEBNN_GPU.is_software(in_effect | {"pageAdapter": real})
    labelled = WEBNN_GPU.prove(case_of(), in_effect | {"pageAdapter": software}, SOFTWARE_GPU)
    assert labelled == {"adapter": software}
    assert WEBNN_GPU.is_software(in_effect | {"pageAdapter": software})
    assert WEBNN_GPU.configuration(case_of(), settings)["softwareGpu"]["allowed"] is False


@pytest.mark.parametrize(
    "described",
    [
        adapter("nvidia", "hopper"),
        adapter("nvidia", "", "NVIDIA H200"),
        adapter("nvidia", "", "NVIDIA H100 80GB HBM3"),
        adapter("amd", "rdna-3"),
        adapter("apple", "metal-3"),
        adapter("intel", "gen-9", "Mesa Intel(R) UHD Graphics 620"),
    ],
)
def test_real_adapters_are_not_taken_for_software(described):
    assert not is_software_adapter(described)


GPU = ("NVIDIA H200",)
HEADLESS = {"VK_DRIVER_FILES": "added.json"}


@pytest.fixture
def vulkan(monkeypatch):
    """Say what Vulkan shows, and return the loaders and drivers that are asked; the extension is added to any."""
    asked = []

    def showing(shown, environment=lambda has_gpu: HEADLESS):
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(
            onnxruntime_web, "ask", lambda *loaders, driver=None: asked.append((loaders, driver)) or shown
        )
        monkeypatch.setattr(headless_surface, "environment", environment)
        return asked

    return showing


def test_a_browser_is_put_on_vulkan_only_where_there_is_a_gpu(settings, vulkan):
    vulkan(Shown(GPU))
    assert {"--use-angle=vulkan", "--enable-features=Vulkan"} < {*WEBGPU.browser_flags(settings)}
    vulkan(Shown())
    assert WEBGPU.browser_flags(settings) == WEBGPU.flags
    assert WASM.browser_flags(settings) == ("--disable-gpu",)


def test_the_loader_beside_the_browser_is_asked_for_gpus_too(settings, vulkan):
    asked = vulkan(Shown())
    WEBGPU.browser_flags(settings)
    browser = chromium.find(settings.browser_path).path.resolve()
    assert asked == [(("libvulkan.so.1", str(browser.parent / "libvulkan.so.1")), None)]


@pytest.mark.parametrize(
    ("shown", "environment"),
    [(Shown(GPU), HEADLESS), (Shown(GPU, ("VK_EXT_headless_surface",)), {}), (Shown(), {})],
    ids=["missing", "there", "no GPU"],
)
def test_the_extension_is_added_where_a_gpu_lacks_it_for_the_browser_alone_and_told(
    shown, environment, settings, vulkan
):
    vulkan(shown)
    before = dict(os.environ)
    assert WEBGPU.browser_environment(settings) == environment
    assert WEBNN.browser_environment(settings) == WASM.browser_environment(settings) == {}
    lent = []

    def lend(browser, timeout, flags):
        lent.append(browser.environment)
        raise InterruptedError

    with pytest.raises(InterruptedError), DRIVEN._browser(WEBGPU, case_of(), settings, lend):
        pass
    found = chromium.find(settings.browser_path).environment
    assert (lent, dict(os.environ)) == ([found | environment], before)

    in_effect = {
        "version": packages.pinned("onnxruntime-web"),
        "placed": ["All nodes placed on [WebGpuExecutionProvider]"],
        "adapter": adapter("nvidia", "hopper"),
    }
    told = {"vulkan": "VK_EXT_headless_surface added by headless_surface.c"} if environment else {}
    assert WEBGPU.prove(case_of(), in_effect, settings) == {"adapter": adapter("nvidia", "hopper")} | told


def test_the_driver_with_a_gpu_is_asked_for_by_itself(settings, vulkan):
    asked = vulkan(Shown(GPU), lambda has_gpu: {"has": has_gpu(Path("driver.json"))})
    assert WEBGPU.browser_environment(settings) == {"has": True}
    assert [driver for _, driver in asked] == [None, Path("driver.json")]


def test_a_driver_to_which_the_extension_cannot_be_added_is_refused(settings, vulkan):
    def environment(has_gpu):
        raise headless_surface.ExtensionMissingError("there is no C compiler", "install one")

    vulkan(Shown(GPU), environment)
    assert WEBGPU.unavailable(settings) == (
        "chromium-webgpu: the GPU's Vulkan driver lacks VK_EXT_headless_surface, and there is no C compiler; install "
        "one, or name a driver that has it with VK_DRIVER_FILES"
    )
    # The simulated one needs nothing of that driver.
    assert WEBGPU.unavailable(SOFTWARE_GPU) is None
    assert WEBGPU.browser_flags(SOFTWARE_GPU) == WEBGPU.flags
    assert WEBGPU.browser_environment(SOFTWARE_GPU) == {}


# What is fetched, and the caches


@names(ORDINARY)
def test_only_its_own_files_are_fetched_and_their_bytes_counted(platform, settings):
    case = case_of()
    with platform.open(case, settings) as session:
        fetched, needed = session.facts.details["fetched"], session._needed
        total, wire = (session.facts.details[name] for name in ("fetched_bytes", "fetched_wire_bytes"))
    request = platform.request(case, settings)
    model = {request.urls[name]: file for name, file in request.files.items()}
    engine = page_runtime.engine_url(platform.engine)
    assert fetched.keys() == page_files.FILES.keys() - {"/worker.js"} | {engine} | needed | model.keys()
    assert {url: fetched[url]["decoded"] for url in model} == {url: file.stat().st_size for url, file in model.items()}
    assert {file["encoding"] for url, file in fetched.items() if url not in model} == {"br"}
    assert total == sum(file["decoded"] for file in fetched.values())
    assert wire == sum(file["wire"] for file in fetched.values()) < total / 2
    shipped = session.facts.details["shipped"]
    assert shipped["files"] == len(needed | model.keys())
    assert shipped["runtime"] == sum(fetched[url]["wire"] for url in needed)
    assert shipped["model"] == sum(fetched[url]["wire"] for url in model)


def test_only_runtimes_that_write_scripts_are_let_run_them():
    sources = {platform.name: platform.script_sources for platform in (WASM, LITERT, TFJS, WEBNN, WEBGPU)}
    assert sources == {
        "chromium-wasm": (),
        "chromium-litert": (),
        "chromium-tfjs": ("blob:",),
        "chromium-webnn": ("'unsafe-eval'",),
        "chromium-webgpu": ("'unsafe-eval'",),
    }


@names(ORDINARY)
@pytest.mark.parametrize("caches", ["cold", "warm"])
def test_openings_find_the_caches_they_are_named_after(platform, caches, settings):
    case = case_of()
    feeds = feeds_of(case)
    (expected,) = reference(case.model_file, feeds).values()
    openings = platform.openings(case, feeds, settings, caches)
    for opening in islice(openings, 2):
        assert (opening.facts.details["fetched_bytes"] > 1e6) == (caches == "cold")
        assert ("code_cache" in opening.facts.details) == (caches == "warm")
        assert opening.load == pytest.approx(sum(opening.facts.details["load_parts"].values()))
        came = [row for row in opening.facts.details["waterfall"] if row["wire"]]
        assert sum(row["decoded"] for row in came) > 1e6 if caches == "cold" else not came
        assert opening.first > 0
        assert opening.second > 0
        np.testing.assert_allclose(opening.outputs["logits"], expected, atol=1e-4)
        assert 0 < opening.memory.before < opening.memory.peak
        assert opening.memory.wasm > 1e6
    openings.close()


def test_a_warm_opening_finds_the_scripts_compiled_and_tells_whether_the_webassembly_is(settings):
    openings = WASM.openings(case_of(), feeds_of(case_of()), settings, "warm")
    *_, opening = islice(openings, 2)
    openings.close()
    code_cache = opening.facts.details["code_cache"]
    assert code_cache["js"] > 0
    assert code_cache["wasm"] >= 0  # up to the browser: Chromium 153 keeps none of so short a visit


@names([WASM, WEBNN])
def test_memory_is_that_of_all_processes_that_compute_and_of_this_opening(platform, settings):
    case = case_of()
    with platform.open(case, settings) as session:
        session.opening(feeds_of(case))  # whose peak is not the next one's
        resident = session.opening(feeds_of(case)).memory
        page = max(processes.memory(pid, "VmHWM") for pid in session._host.renderers)
        services = [processes.memory(pid, "VmHWM") for pid in session._host.services]
        assert services
        counted = sum(services) if platform is WEBNN else 0
        assert resident.peak == pytest.approx(page + counted, rel=0.02)
        assert resident.before < resident.peak


def test_a_warm_opening_that_fetched_again_is_told(settings, monkeypatch):
    monkeypatch.setattr(server, "CACHE_CONTROL", "no-store")
    words = r"^chromium-tfjs: resnet8\.onnx: .*/tfjs/tf-core\.min\.js, .* was fetched again, from a warm cache"
    with pytest.raises(PlatformError, match=words):
        next(TFJS.openings(case_of(), feeds_of(case_of()), settings, "warm"))


def test_a_cold_opening_that_was_not_is_told(settings):
    with TFJS.open(case_of(), settings) as session:
        session.opening(feeds_of(case_of()))  # a second one in the same browser
        words = r"^chromium-tfjs: resnet8\.onnx: /model/.* came from a cache, which was to be empty"
        with pytest.raises(PlatformError, match=words):
            session.prove_fetched(all_of_it=True)


def busiest(session):
    """Return the process and thread that has run longest of all that may compute for the page."""
    seconds = session._host.thread_seconds()
    return max(seconds, key=lambda thread: seconds[thread])


def test_a_session_is_renewed_in_another_page_of_the_same_browser(settings, monkeypatch):
    load, loads = Page.load, []
    monkeypatch.setattr(Page, "load", lambda page, *origins: (loads.append(page), load(page, *origins)))
    with LITERT.open(case_of(), settings) as session:
        feeds, facts = feeds_of(case_of()), session.facts
        outputs = session.time(feeds, 100).outputs
        process, _ = busiest(session)
        session.renew()
        np.testing.assert_array_equal(session.time(feeds, 100).outputs["logits"], outputs["logits"])
        assert busiest(session)[0] != process
        assert (len(loads), loads[0] is loads[1]) == (2, True)
        assert session.facts == facts
        assert (facts.surrounding, facts.lifetime) == ("page", 800)
        assert facts.details["fetched_bytes"] > 1e6


@names([WASM, TFJS])
def test_an_output_without_room_in_the_answer_is_sent_by_itself(platform, settings, monkeypatch):
    with platform.open_fresh(case_of(batch_size=3), settings) as session:
        feeds = feeds_of(session._case.case)
        (inline,) = session.run(feeds).values()
        monkeypatch.setattr(page_session, "INLINE", inline.nbytes - 1)
        monkeypatch.setattr(page_session, "PIECE", inline.nbytes - 1)  # a second piece is of one byte
        np.testing.assert_array_equal(session.run(feeds)["logits"], inline)
        assert not any(path.startswith("/outputs") for path in session._channel.fetched())


def test_what_was_opened_afresh_has_borrowed_its_browser(settings):
    with WASM.open_fresh(case_of(), settings) as session:
        outputs, browser = session.run(feeds_of(case_of())), session._channel.page
    with TFJS.open_fresh(case_of(), settings) as session:  # with the same flags
        assert session._channel.page is browser
        assert check_parity("here", session.run(feeds_of(case_of())), outputs, 1e-5) < 1e-5
    LENDER.close()


# On one core


@pytest.mark.skipif(not USABLE, reason="the system does not let choose a core")
@pytest.mark.parametrize("platform", [WASM, LITERT])
def test_what_computes_for_a_page_can_be_kept_on_a_core_and_let_go_before_the_next(platform, settings):
    core, feeds = min(USABLE), feeds_of(case_of())
    with platform.open(case_of(), settings) as session:
        session.keep_on(core)
        session.time(feeds, 100)
        process, thread = busiest(session)
        assert process in session._host.renderers
        assert os.sched_getaffinity(thread) == {core}
        session.keep_on(None)
        assert os.sched_getaffinity(thread) == USABLE
        session.renew()
        session.run(feeds)
        kept = [thread for _process, thread in session._host.thread_seconds() if os.sched_getaffinity(thread) != USABLE]
        assert kept == []


# A weak client


def test_a_weak_client_that_cannot_be_had_is_told(settings, monkeypatch):
    monkeypatch.setattr(cgroup, "unavailable", lambda: "no control groups")
    words = r"^chromium-wasm: resnet8\.onnx: no control groups"
    with pytest.raises(UnavailableError, match=words), WASM.open(case_of(slowdown=2), settings):
        pytest.fail("it was opened")


def test_a_weak_client_is_weak_and_the_obtained_slowdown_told(settings):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    case = case_of(slowdown=4)
    with WASM.open(case, settings) as session:
        assert session.obtained_slowdown(feeds_of(case)) > 1
        block = session.time(feeds_of(case), 100)  # how long it takes depends on what else runs, its share does not
        assert block.cpu.all_threads / sum(block.seconds) < 0.5
        browser = session._host.all_processes()
        assert {*session._host.renderers, *session._host.services} < browser
        groups = {Path(f"/proc/{pid}/cgroup").read_text() for pid in browser}
        assert all("client-or-server-" in group for group in groups)


def test_a_weak_clients_worker_is_as_weak(settings):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    case = replace(case_of(slowdown=4), where="worker")
    with WASM.open(case, settings) as session:
        block = session.time(feeds_of(case), 20)
        assert len(block.computing) == 20
        assert block.cpu.all_threads / sum(block.seconds) < 0.3


@pytest.mark.parametrize("caches", ["cold", "warm"])
def test_openings_of_a_weak_client_tell_the_obtained_slowdown_measured_once(caches, settings, monkeypatch):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    measured = iter([2.3])
    monkeypatch.setattr(PageSession, "obtained_slowdown", lambda session, feeds: next(measured))
    openings = TFJS.openings(case_of(slowdown=2), feeds_of(case_of()), settings, caches)
    slowdowns = [opening.facts.slowdown for opening in islice(openings, 2)]
    openings.close()
    assert slowdowns == [Slowdown(asked=2, obtained=2.3)] * 2


def test_a_process_that_escaped_the_quota_is_told(settings, monkeypatch):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    monkeypatch.setattr(cgroup.Quota, "adopt", lambda quota, browser: None)
    words = r"^chromium-tfjs: resnet8\.onnx: the browser's process \d+ is outside the control group"
    with pytest.raises(PlatformError, match=words), TFJS.open(case_of(slowdown=2), settings):
        pytest.fail("it was opened")
