"""What a page that joined is held to: it is measured as what it is, and what it cannot is refused with the reason."""

import math
import queue
import re
from types import SimpleNamespace

import numpy as np
import pytest
from devices_made_up import FIREFOX, PIXEL
from test_joined_session import Device as MadeUpDevice
from test_page_session import FEEDS, Doubling

from benchmarks import inputs
from benchmarks.inputs import seeded_feeds
from benchmarks.measuring import sampler
from benchmarks.measuring.parity import check_parity
from benchmarks.measuring.reference import reference
from benchmarks.measuring.sampler import CLOCK_STEPS, Plan, Side, check_whole, draw
from benchmarks.platforms import PLATFORMS, claims, onnxruntime_web
from benchmarks.platforms.joined_pages import JOINED
from benchmarks.platforms.joined_session import JoinedSession, Patience
from benchmarks.platforms.page_runtime import JoinedCase, prove_page
from benchmarks.protocol import Images, UnavailableError
from benchmarks.settings import Settings
from browser_harness import cgroup, packages
from browser_harness.channel import PageError
from browser_harness.host import LocalHost, UnknownHost
from browser_harness.joined import JoinedPage
from browser_harness.joined.browsers import started
from browser_harness.joined.channel import VARIABLE
from browser_harness.joined.control import lent
from browser_harness.joined.entrance import Entrance
from browser_harness.joined.server import joining
from models import manifest, own

OF_A_DEVICE = Settings(device="a device")
TFJS, WEBGPU = PLATFORMS["firefox-tfjs"], PLATFORMS["chromium-webgpu"]
WINDOWS = PIXEL | {"hints": {"platform": "Windows"}}
MACINTOSH = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML) Version/26.0 Safari/605.1.15"


def case_of(**changes):
    return inputs.case_of(manifest.load("resnet8"), **changes)


@pytest.fixture
def device_says(monkeypatch):
    """Have a device that says something of itself; nothing may be asked of this machine in its place."""

    def refuse(*_):
        raise AssertionError("this machine was asked for what a device has")

    def device_says(about):
        monkeypatch.setattr(claims, "borrowed", lambda told: SimpleNamespace(about=lambda: about))
        monkeypatch.setattr("benchmarks.platforms.joined_pages.borrowed", claims.borrowed)
        monkeypatch.setattr(onnxruntime_web, "ask", refuse)
        monkeypatch.setattr(onnxruntime_web.chromium, "find", refuse)

    return device_says


# What a device has


@pytest.mark.parametrize(
    ("about", "system"),
    [
        (WINDOWS, "win32"),
        (PIXEL, "android"),
        (PIXEL | {"hints": None}, "android"),  # which says that it is Linux, too
        (FIREFOX, "linux"),
        (FIREFOX | {"userAgent": MACINTOSH}, "darwin"),
        ({"userAgent": "curl/8.5.0"}, "unknown"),
        ({"userAgent": None, "hints": {"platform": None}}, "unknown"),
    ],
)
def test_a_devices_system_is_what_it_says(device_says, about, system):
    device_says(about)
    assert claims.system(OF_A_DEVICE) == system


@pytest.mark.parametrize(
    ("name", "about", "reason"),
    [
        ("chromium-webgpu", PIXEL, None),
        ("chromium-webgpu", PIXEL | {"adapter": None}, r"the device has no WebGPU adapter; .*, or take chromium-wasm"),
        ("chromium-webgpu", PIXEL | {"adapter": None, "secure": False}, r"no WebGPU adapter; .*plain HTTP.*--https"),
        ("chromium-webgpu", FIREFOX, "the device's browser is firefox"),
        ("chromium-webnn-gpu", WINDOWS, None),
        ("chromium-webnn-gpu", PIXEL, r"WebNN on android .*; measure it on Windows or macOS"),
        ("chromium-wasm", PIXEL, None),
        ("webkit-wasm", PIXEL, "the device's browser is chromium"),
    ],
)
def test_a_device_is_asked_for_what_it_has_and_not_this_machine(device_says, name, about, reason):
    device_says(about)
    found = PLATFORMS[name].unavailable(OF_A_DEVICE)
    if reason is None:
        assert found is None
    else:
        assert re.search(reason, found)
        assert found.startswith(f"{name}: ")


def test_a_page_is_told_what_to_say_where_a_device_has_no_such_provider(device_says):
    device_says(PIXEL)
    assert "chrome://flags" in PLATFORMS["chromium-webnn"].configuration(case_of(), OF_A_DEVICE)["remedy"]
    assert "--browser-path" in PLATFORMS["chromium-webnn"].configuration(case_of(), Settings())["remedy"]
    device_says(PIXEL | {"secure": False})
    assert "--https" in PLATFORMS["chromium-webnn"].configuration(case_of(), OF_A_DEVICE)["remedy"]


def test_a_device_has_one_page_at_a_time(monkeypatch, tiny_model):
    device = MadeUpDevice()
    device.close = lambda timeout: None
    monkeypatch.setattr("benchmarks.platforms.joined_pages.borrowed", lambda told: device)
    platform, case = PLATFORMS["firefox-wasm"], inputs.case_of(own.load(tiny_model))
    monkeypatch.setattr(JoinedSession, "open", lambda session: 0.0)
    words = r"firefox-wasm: tiny\.onnx: two of its pages would be compared, and a device has one"
    refused = pytest.raises(UnavailableError, match=words)
    with JOINED.open(platform, case, OF_A_DEVICE), refused, JOINED.open(platform, case, OF_A_DEVICE):
        pytest.fail("it was opened")
    with JOINED.open(platform, case, OF_A_DEVICE):  # it is let go
        pass


# What is in force in a page

ISOLATED = {"crossOriginIsolated": True, "sharedArrayBuffer": True, "secure": True, "simd": True}
WEBKIT = ISOLATED | {"sharedArrayBuffer": False}
PLAIN = WEBKIT | {"crossOriginIsolated": False, "secure": False}


def with_tensorflow(page, *, threads):
    library = {"backend": "wasm", "librarySimd": True, "libraryThreads": threads, "threads": 1, "processors": 2}
    versions = {"version": packages.pinned("@tensorflow/tfjs-core")}
    versions["backendVersion"] = packages.pinned("@tensorflow/tfjs-backend-wasm")
    build = f"/tfjs/tfjs-backend-wasm-{'threaded-' if threads else ''}simd.wasm"
    return page | library | versions | {"loaded": [*TFJS.scripts, build]}


@pytest.mark.parametrize(
    ("page", "threads", "build"),
    [(ISOLATED, True, "threaded-simd"), (WEBKIT, False, "simd"), (PLAIN, False, "simd")],
)
def test_tensorflow_js_tells_which_build_computes(page, threads, build):
    told = JoinedCase(TFJS, case_of(), Settings()).prove(with_tensorflow(page, threads=threads))
    assert told["build"] == f"tfjs-backend-wasm-{build}"
    assert (told["shared_array_buffer"], told["secure_context"]) == (page["sharedArrayBuffer"], page["secure"])


def test_another_build_than_the_pages_is_told():
    for page, threads in ((ISOLATED, False), (WEBKIT, True)):
        with pytest.raises(PageError, match=f"libraryThreads is {threads} in the page, wanted {not threads}"):
            JoinedCase(TFJS, case_of(), Settings()).prove(with_tensorflow(page, threads=threads))
    loaded = with_tensorflow(ISOLATED, threads=False)["loaded"]
    with pytest.raises(PageError, match=r"threaded-simd\.wasm was not loaded"):
        JoinedCase(TFJS, case_of(), Settings()).prove(with_tensorflow(ISOLATED, threads=True) | {"loaded": loaded})


@pytest.mark.parametrize("name", ["firefox-wasm", "firefox-tfjs"])
@pytest.mark.parametrize(("page", "remedy"), [(WEBKIT, "SharedArrayBuffer; ask"), (PLAIN, "join by --https, or ask")])
def test_more_than_one_thread_is_refused_where_memory_cannot_be_shared(name, page, remedy):
    words = rf"^{name}: resnet8\.onnx: 2 threads were asked for; .*{remedy} for --threads 1$"
    with pytest.raises(UnavailableError, match=words):
        JoinedCase(PLATFORMS[name], case_of(threads=2), Settings()).prove(with_tensorflow(page, threads=False))


def test_a_page_that_is_driven_is_isolated_and_shares_memory():
    page = ISOLATED | {"threads": 1, "clockResolution": 0.005, "loaded": []}
    prove_page(page, 1, set())
    with pytest.raises(PageError, match="sharedArrayBuffer is False in the page, wanted True"):
        prove_page(page | WEBKIT, 1, set())


# Clocks


class Coarse(MadeUpDevice):
    """A device whose clock steps a millisecond; time passes with each inference, and never else."""

    def __init__(self, seconds, now):
        super().__init__()
        self.seconds, self.now = seconds, now

    def call(self, function, argument, timeout):
        answer = super().call(
            function, argument | ({"rounds": 1, "iterations": 0} if "rounds" in argument else {}), timeout
        )
        if function == "open":
            return answer | {"clockResolution": 1.0, "crossOriginIsolated": False}
        if "rounds" in argument:
            answer["samples"] = [self._sample(argument["iterations"]) for _ in range(argument["rounds"])]
        return answer

    def _sample(self, iterations):
        start = self.now[0]
        self.now[0] += self.seconds * iterations
        return (math.floor(self.now[0] * 1e3) - math.floor(start * 1e3)) / iterations


class Lasting(Doubling):
    lifetime = None


@pytest.mark.parametrize(("seconds", "iterations"), [(4e-5, 4096), (0.0013, 128), (0.05, 4), (0.4, 1)])
def test_a_sample_is_100_steps_of_a_clock_of_a_millisecond_told_as_iterations(
    tiny_model, monkeypatch, seconds, iterations
):
    now = [0.0]
    monkeypatch.setattr(sampler.time, "perf_counter", lambda: now[0])
    case = JoinedCase(Lasting(), inputs.case_of(own.load(tiny_model)), Settings())
    session = JoinedSession(case, JoinedPage(Coarse(seconds, now), {}, (), {}, 30), UnknownHost(), Patience(600))
    session.open()
    assert (session.facts.clock_resolution, session.facts.details["cross_origin_isolated"]) == (1e-3, False)
    side, plan = Side(session, FEEDS), Plan(5, 2.0, warmup_rounds=20)
    warm = side.warm_up(plan)
    blocks = [*draw(session, FEEDS, plan, side.estimate(warm), side.iterations)]
    assert {block.iterations for block in blocks} == {iterations}
    shortest = min(value for block in blocks for value in block.seconds)
    assert shortest * iterations >= CLOCK_STEPS * session.facts.clock_resolution
    assert shortest == pytest.approx(seconds, rel=0.02)
    assert {block.cpu for block in blocks} == {None}  # not zero: nobody counts there
    assert session.facts.details["cpu_time_of"] is None


# What counts


def test_threads_that_compile_are_neither_counted_nor_kept(monkeypatch, tmp_path):
    for thread, name, nanoseconds in ((7, "WebKitWebProces", 10**9), (8, "JITWorker", 5 * 10**9)):
        folder = tmp_path / "7/task" / str(thread)
        folder.mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "schedstat").write_text(f"{nanoseconds} 0 0\n")
    kept = []
    monkeypatch.setattr("browser_harness.processes.PROC", tmp_path)
    monkeypatch.setattr("browser_harness.processes.os.sched_setaffinity", lambda thread, cores: kept.append(thread))
    browser = SimpleNamespace(processes=lambda: {"browser": [1], "renderer": [7]})
    host = LocalHost(browser, beside=frozenset({"JITWorker"}))
    host.follow()
    assert host.thread_seconds() == {(7, 7): 1.0}
    host.keep_on(0)
    assert kept == [7]
    assert host.counted == "the processes that compute for the page, without JITWorker, which compile in the background"


# Once for real


def present(name):
    if reason := PLATFORMS[name].unavailable(Settings()):
        pytest.skip(reason)
    return PLATFORMS[name]


@pytest.mark.parametrize("name", ["firefox-wasm", "webkit-wasm"])
def test_a_weaker_browser_is_slowed_whole_and_one_thread_computes(name):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    platform, case = present(name), case_of(slowdown=2)
    with platform.open(case, Settings(timeout=60)) as session:
        host = session._host
        assert host.slowdown == 2
        assert [process for process in host.all_processes() if not host._quota.holds(process)] == []
        host.run_freely()
        feeds, blocks = seeded_feeds(case.model_file, 1), []
        while not blocks or sum(block.cpu.busiest_thread for block in blocks) <= sampler.LEAST_BUSY:
            blocks.append(session.time(feeds, 100))
        check_whole(blocks, session.facts)


@pytest.fixture(scope="module")
def phone():
    """Have a Chromium that came over plain HTTP, as a phone does, and agrees; yield how a run asks it."""
    came = queue.SimpleQueue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Entrance, "transport", lambda entrance, origin: "loopback")  # which needs no consent
        with joining(Entrance(name="phone.test"), on_join=came.put) as server:
            flags = ["--host-resolver-rules=MAP phone.test 127.0.0.1"]
            with started("chromium", server.url, flags=flags), lent(came.get(timeout=60)) as variables:
                yield Settings(device=variables[VARIABLE], device_patience=10)


def test_over_plain_http_a_page_is_measured_as_what_it_is(phone):
    case, platform = case_of(), PLATFORMS["chromium-tfjs"]
    feeds = seeded_feeds(case.model_file, 1)
    with platform.open_fresh(case, phone) as session:
        facts, side = session.facts, Side(session, feeds)
        side.warm_up(Plan(5, 0.2, warmup_rounds=20))
        block = side.draw(3)
    assert check_parity(platform.name, block.outputs, reference(case.model_file, feeds), 1e-5) < 1e-5
    assert facts.clock_resolution == pytest.approx(1e-4)
    assert min(block.seconds) * block.iterations >= 0.6 * CLOCK_STEPS * facts.clock_resolution  # others compute, too
    assert facts.details["build"] == "tfjs-backend-wasm-simd"
    assert not facts.details["cross_origin_isolated"]
    assert block.cpu is None


@pytest.mark.parametrize(
    ("name", "threads", "words"),
    [
        (
            "chromium-wasm",
            2,
            "2 threads were asked for; a page that is not isolated, as over plain HTTP, has one; .*--https",
        ),
        ("chromium-webnn", 1, r"no WebNN \(no navigator\.ml\); a page over plain HTTP has none: .*--https"),
        ("chromium-webgpu", 1, "no WebGPU"),
    ],
)
def test_over_plain_http_what_a_page_lacks_is_refused(phone, name, threads, words):
    with (
        pytest.raises(UnavailableError, match=rf"^{name}: .*{words}"),
        PLATFORMS[name].open(case_of(threads=threads), phone),
    ):
        pytest.fail("it was opened")


def test_what_is_not_isolated_classifies_too(phone):
    shown = Images(np.random.default_rng(1).integers(0, 256, (8, 3, 32, 32), np.uint8), (0.5,) * 3, (0.2,) * 3)
    with PLATFORMS["chromium-wasm"].open_fresh(case_of(batch_size=8), phone) as session:
        (block,) = session.classify(shown, 8)
    assert block.outputs["logits"].shape == (8, 100)
    assert block.seconds[0] >= 0
