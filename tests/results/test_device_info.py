"""What a saved run says of a device that joined by a link, and what it is called for that."""

import json
from pathlib import Path

import pytest
from devices_made_up import FIREFOX, PIXEL
from made_up_runs import benchmark, content, ratio, run

from benchmarks.compare.__main__ import parser as compare_parser
from benchmarks.compare.__main__ import run as compare
from benchmarks.decide.measured import machine_of
from benchmarks.decide.measured import read as read_sides
from benchmarks.export.columns import machine_id
from benchmarks.gate.baseline import SavedError, refusals
from benchmarks.gate.baseline import load as load_for_gate
from benchmarks.results import alike, devices, keys, load_any
from benchmarks.results.machine import circumstances, fingerprint, machine_name, names
from browser_harness.about import system_of

SERVING = {
    "node": "laptop",
    "system": "Linux",
    "machine": "x86_64",
    "python_version": "3.11.7",
    "cpu": {"brand_raw": "Intel(R) Xeon(R)", "count": 2},
    "gpus": [{"name": "NVIDIA L4"}],
    "simd_flags": ["avx2"],
    "cores": 2,
    "cores_usable": 2,
    "load_average": {"start": [3.0, 2.0, 1.0], "end": [3.0, 2.0, 1.0]},
    "versions": {"onnxruntime": "1.32.0"},
    "suite": "abc",
}


def info(about=FIREFOX, **changed):
    return devices.machine_info({**about, **changed}, SERVING, {"onnxruntime-web": "1.30.0"})


def saved(tmp_path, about=FIREFOX, name="device.json", platform="firefox-wasm", **changed):
    """Return the file of a run for a device."""
    told = content(benchmark(platform=platform, of_starts=0.004, **ratio(6.0)))
    told["machine_info"] = info(about, **changed)
    file = tmp_path / name
    file.write_text(json.dumps(told))
    return file


def test_nothing_of_the_machine_that_serves_stands_in_the_devices_place():
    told = info()
    own = {name: value for name, value in told.items() if name != keys.SERVED_BY}
    for word in ("laptop", "3.11.7", "Xeon", "NVIDIA", "avx2", "x86_64"):
        assert word not in json.dumps({name: value for name, value in own.items() if name != keys.DEVICE})
    assert (own["node"], own["machine"], own["python_version"], own["release"]) == ("unknown",) * 4
    assert (own["system"], own["cpu"], own["load_average"]["start"]) == ("Linux", {"count": 2}, None)
    assert own["versions"] == {"onnxruntime-web": "1.30.0", "firefox": "153.0"}
    assert told[keys.SERVED_BY] == SERVING


def test_an_address_is_not_saved():
    assert "192.168" not in json.dumps(info())


@pytest.mark.parametrize(
    ("user_agent", "system"),
    [
        ("(Android 14; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0", ("Android", "14")),
        ("(iPhone; CPU iPhone OS 19_5 like Mac OS X)", ("iOS", "19.5")),
        ("(iPad; CPU OS 19_5 like Mac OS X)", ("iOS", "19.5")),
        ("(Macintosh; Intel Mac OS X 10_15_7)", ("macOS", "unknown")),
        ("(X11; CrOS x86_64 14541.0.0)", ("ChromeOS", "unknown")),  # codespell:ignore
        ("(Windows NT 10.0; Win64; x64)", ("Windows", "unknown")),
        ("a browser of its own", ("unknown", "unknown")),
        (None, ("unknown", "unknown")),
    ],
)
def test_a_system_is_what_the_browser_says(user_agent, system):
    assert system_of({"userAgent": user_agent}) == system


def test_a_device_is_called_by_what_it_says_of_itself():
    assert devices.short(FIREFOX) == "Firefox 153, 2 cores, http"
    assert devices.short(PIXEL) == "Chromium 153, Pixel 8, 8 cores, https"
    assert devices.short({}) == "a browser that says nothing known"
    assert devices.short({"engine": "webkit", "version": "19.5", "userAgent": "(iPhone; …)", "cores": 1}) == (
        "WebKit 19, iPhone, 1 core"
    )
    assert machine_name(info(), 64, ["NVIDIA L4"]) == "firefox-153-2-cores-http"
    assert machine_name(info(hints={"model": "../../etc"}), 1) == "firefox-153-..-..-etc-2-cores-http"


def test_two_that_say_the_same_are_kept_apart_by_who_came_first():
    assert devices.twins([FIREFOX, PIXEL, FIREFOX]) == [1, 1, 2]
    first, second = info(twin=1), info(twin=2)
    assert machine_name(second, 1) == f"{machine_name(first, 1)}-2"
    assert names([first, second]) == ["Firefox 153, 2 cores, http", "Firefox 153, 2 cores, http (2)"]
    assert [*alike.differences(alike.of_machine(first), alike.of_machine(second))]
    assert fingerprint(first) != fingerprint(second)


def test_a_device_is_alike_to_itself_and_to_no_other_and_to_no_machine():
    again = alike.of_machine(info(address="192.168.0.9", number=3, story={"left": 1}))
    assert [*alike.differences(alike.of_machine(info()), again)] == []
    for other in (info(version="154.0"), info(isolated=True), info(PIXEL), SERVING):
        assert [*alike.differences(alike.of_machine(info()), alike.of_machine(other))], other
        assert [*alike.differences(alike.of_machine(other), alike.of_machine(info()))], other


def test_names_stand_beside_those_of_machines():
    assert names([SERVING, info(), info(PIXEL)]) == [
        "Intel Xeon, NVIDIA L4, 2 cores",
        "Firefox 153, 2 cores, http",
        "Chromium 153, Pixel 8, 8 cores, https",
    ]
    newer = {**SERVING, "cpu": {**SERVING["cpu"], "family": 6, "model": 207}}
    assert names([SERVING, newer]) == [
        "Intel Xeon, NVIDIA L4, 2 cores, Linux, Python 3.11.7",
        "Intel Xeon, NVIDIA L4, 2 cores, model 6.207, Linux, Python 3.11.7",
    ]
    other = info(memory=4)
    assert names([info(), other]) == ["Firefox 153, 2 cores, http, Linux", "Firefox 153, 2 cores, http, Linux, 4 GB"]


def test_all_who_ask_for_a_machine_are_answered(tmp_path):
    run_of_device = load_any(saved(tmp_path))
    assert machine_id(run_of_device.machine) == "firefox-153-2-cores-http"
    assert machine_of(run_of_device).startswith("Firefox 153, 2 cores, http, Linux")
    assert "firefox" in fingerprint(run_of_device.machine)
    assert circumstances(run_of_device.machine) == {"onnxruntime-web": "1.30.0", "firefox": "153.0"}


@pytest.mark.parametrize("value", [None, 3, [], {"engine": [1], "version": None, "hints": 7, "cores": "many"}])
def test_whatever_a_file_says_of_a_device_is_called_something(value, tmp_path):
    told = content(benchmark(platform="firefox-wasm"))
    told["machine_info"][keys.DEVICE] = value
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(told))
    assert names([load_any(file).machine])[0]


def test_gate_and_compare_take_two_devices_for_two(tmp_path, capsys):
    files = [saved(tmp_path), saved(tmp_path, name="other.json", cores=8), saved(tmp_path, name="again.json")]
    first, other, again = map(load_any, files)
    assert any("cores" in words for words in refusals([first], [other]))
    assert refusals([first], [again]) == []
    assert compare(compare_parser().parse_args([str(file) for file in files[:2]]), 120) == 0
    assert "A | B: cores 2 | 8" in capsys.readouterr().out


def test_gate_judges_no_device(tmp_path):
    with pytest.raises(SavedError, match="of a device that joined by a link: nobody watched what else it did"):
        load_for_gate(saved(tmp_path))


def test_decide_takes_a_devices_clients_and_the_server_of_the_machine_that_served():
    device = run("device.json", benchmark(platform="firefox-wasm", of_starts=0.004))
    device.machine.clear()
    device.machine.update(info())
    server = run(Path("server.json"), benchmark(platform="server-cpu", of_starts=0.001))
    (model,) = read_sides([device, server])
    assert [(one.device, one.platform) for one in model.clients.values()] == [
        ("Firefox 153, 2 cores, http", "firefox-wasm")
    ]
    assert (model.machine, [*model.servers]) == (machine_of(server), ["server-cpu"])
