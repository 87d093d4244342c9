"""A run for a device: whose facts are saved, what its person sees, what is refused, and what ends it.

The page is a made-up platform's: what a device's own answers become is tested where they are asked for.
"""

import json
from fnmatch import fnmatch
from types import SimpleNamespace

import pytest
from devices_made_up import FIREFOX, PIXEL, MadeUpDevice
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.results import keys, load
from benchmarks.run import device as plugin
from benchmarks.run.choices import PHASES
from benchmarks.run.device import tell_apart
from benchmarks.run.nothing import empty
from benchmarks.run.selection import Selection
from benchmarks.settings import Settings
from browser_harness.joined.channel import VARIABLE
from browser_harness.joined.control import lent

IN_FIREFOX = (
    FAKE_PLATFORMS
    + """
for name in ("firefox-wasm", "firefox-tfjs", "chromium-wasm"):
    page = FakePlatform("slow")
    page.browser, page.caches = name.partition("-")[0], ("cold", "warm")
    platforms.PLATFORMS[name] = page
choices.PLATFORMS = platforms.PLATFORMS
"""
)


class Comes(MadeUpDevice):
    """A device that is here for so many benchmarks."""

    stays = 99

    def wait(self, seconds):
        super().wait(seconds)
        return len(self.waits) <= self.stays


@pytest.fixture
def device():
    return Comes(FIREFOX | {"number": 3, "twin": 1})


@pytest.fixture
def for_device(pytester, outside_xdist, device, monkeypatch):
    """The suite, run for the device."""
    with lent(device) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield Suite(pytester, IN_FIREFOX, phases=("latency", "memory"))


def saved(suite):
    (file,) = (suite.folder / ".benchmarks").rglob("*.json")
    return file


def test_a_run_is_the_devices_and_its_person_sees_it(for_device, device):
    result = for_device.run("--benchmark-autosave", "-rs", "-m", "latency or memory", platform=None)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED *: a browser tells nobody what its processes hold; *"])
    check_saved(saved(for_device), for_device.folder)
    check_shown(device.shown)


def check_saved(file, folder):
    assert file.relative_to(folder).parts[:2] == (".benchmarks", "firefox-153-2-cores-http")
    run, told = load(file), json.loads(file.read_text())
    assert (run.machine["node"], run.machine["system"], run.machine["cpu"]) == ("unknown", "Linux", {"count": 2})
    assert run.machine[keys.DEVICE]["story"] == {"left": 0, "hidden": 0, "seconds_missed": 0.0, "calls_cut": 0}
    assert run.machine[keys.SERVED_BY]["python_version"].startswith("3.")
    assert run.versions == {"fake": "1.0", "slow": "1.0", "firefox": "153.0"}
    assert [result.params["platform"] for result in run.results] == ["firefox-wasm", "firefox-tfjs"]
    for benchmark in told["benchmarks"]:
        info = benchmark["extra_info"]
        assert info["ratio_to_server_cpu"]["value"] > 1
        assert keys.WITNESS not in info
        assert info[keys.SERVING][keys.WITNESS]["p10"] > 0
        assert info[keys.SERVING].keys() >= {keys.WITNESS, keys.CORES}
        assert not {*plugin.OF_THE_SERVER} & info[keys.TRUST].keys()


def check_shown(shown):
    assert [told["words"] for told in shown if told["words"]] == [
        "resnet8 on firefox-wasm, batch 1",
        "resnet8 on firefox-tfjs, batch 1",
        "memory",
    ]
    assert [(told["done"], told["of"]) for told in shown] == [(0, 3), (1, 3), (1, 3), (2, 3), (2, 3), (3, 3)]
    assert shown[1]["seconds_left"] >= 0
    first, second = shown[-1]["figures"]
    assert (first["model"], first["platform"], second["platform"]) == ("resnet8", "firefox-wasm", "firefox-tfjs")
    assert first["median_ms"] > first["server_ms"] > 0
    assert first["ratio"] > 1
    assert first["interval"][0] <= first["ratio"] <= first["interval"][1]


def test_one_that_leaves_has_saved_what_was_measured_and_the_run_is_not_whole(for_device, device):
    device.stays = 1
    result = for_device.run("--benchmark-autosave", "-m", "latency", platform=None)
    result.stdout.fnmatch_lines(["*Exit: the device left, or hid its page, and did not come back*"])
    run = load(saved(for_device))
    assert [result.params["platform"] for result in run.results] == ["firefox-wasm"]
    assert (result.ret, run.exit_status, [fault.value for fault in run.faults]) == (
        pytest.ExitCode.INTERRUPTED,
        pytest.ExitCode.INTERRUPTED,
        ["interrupted, failed or refused"],
    )


def test_platforms_that_the_device_cannot_have_are_refused():
    in_turns = "a device is held against server-cpu of the machine that serves it, in turns; leave it out"
    another = "the browser of the device that this run is for is firefox; choose from firefox-wasm"
    for name, words in {"server-cpu": in_turns, "remote-cpu": in_turns, "chromium-wasm": another}.items():
        (fault,) = Selection(about=FIREFOX, platforms=(name,)).faults()
        assert fault.startswith(f"--platform {name}: {words}")
    assert [*Selection(about=FIREFOX, platforms=("firefox-wasm", "all")).faults()] == []


def test_what_is_measured_of_a_device_is_what_its_browser_runs():
    def platforms(about, **chosen):
        return {target.platform for target in Selection(about=about, **chosen).targets_of(PHASES["latency"])}

    assert "firefox-wasm" in platforms(FIREFOX)
    assert platforms(PIXEL) == {"chromium-wasm", "chromium-tfjs", "chromium-litert", "chromium-webgpu"}
    for adapter in (None, {"vendor": "google", "isFallback": True}):
        assert "chromium-webgpu" not in platforms(PIXEL | {"adapter": adapter})
    for about in (FIREFOX, PIXEL):
        everything = platforms(about, is_full=True)
        assert all(name.startswith(about["engine"]) for name in everything)
    assert platforms(FIREFOX | {"engine": "unknown"}) == set()


@pytest.mark.parametrize("phase", ["load", "first_inference", "memory", "energy"])
def test_a_phase_that_a_device_cannot_tell_has_no_case_and_says_why(phase):
    selection = Selection(about=FIREFOX)
    assert selection.targets_of(PHASES[phase]) == []
    assert PHASES[phase].untold in empty(selection, PHASES[phase])


@pytest.mark.parametrize(
    ("engine", "told", "dist", "words"),
    [
        ("firefox", None, "each", "a run for a device is one process: leave out -n, --dist and --tx"),
        ("unknown", None, "no", "the device's browser is unknown: nothing is known that could be measured there"),
        ("firefox", "key@nowhere", "no", f"no device is lent by ${VARIABLE} (*); leave that to what starts this"),
    ],
    ids=["by xdist", "unknown", "not lent"],
)
def test_what_is_no_device_is_refused_in_a_line(device, monkeypatch, engine, told, dist, words):
    device.said["engine"] = engine
    config = SimpleNamespace(pluginmanager=SimpleNamespace(register=lambda *_: None), getoption=lambda *_: dist)
    with lent(device) as variables, pytest.raises(pytest.UsageError) as raised:
        settings = Settings(device=told or variables[VARIABLE])
        monkeypatch.setattr(plugin, "settings_of", lambda _: settings)
        plugin.pytest_configure(config)
    assert fnmatch(str(raised.value), words)


def test_doubts_of_the_machine_that_serves_say_so():
    doubts = {"other_programs": "other programs used 1.2 cores", "margin": "other starts may differ by ±33%"}
    unknown = {"stolen": "what a host took", "computing_share": "the processor time"}
    trust = {keys.DOUBTS: doubts, keys.UNKNOWN: unknown, "other_programs": 1.2, "margin": 0.33}
    info = {keys.TRUST: trust, keys.WITNESS: {"p10": 1.0}, "p10": 0.002}
    tell_apart(info)
    assert info[keys.TRUST][keys.DOUBTS] == {
        "other_programs": "on the machine that serves, other programs used 1.2 cores",
        "margin": "other starts may differ by ±33%",
    }
    assert unknown == {
        "stolen": "on the machine that serves, what a host took",
        "computing_share": "the processor time",
    }
    assert trust.keys() == {keys.DOUBTS, keys.UNKNOWN, "margin"}
    serving = {keys.WITNESS: {"p10": 1.0}, "other_programs": 1.2}
    assert info == {keys.TRUST: trust, "p10": 0.002, keys.SERVING: serving}
