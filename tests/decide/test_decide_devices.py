"""Devices that joined by a link as clients: named by what they say, never by this machine, and none weaker is made."""

import json

import made_up_runs
import pytest
from decide_runs_made_up import content, result, whole

from benchmarks.decide import decisions_of
from benchmarks.decide.measured import read
from benchmarks.decide.missing import missing
from benchmarks.decide.sentences import sentence
from benchmarks.decide.table import lines
from benchmarks.results import Run

FIREFOX = "Firefox 153, 3 cores, loopback"


@pytest.fixture
def saved(tmp_path):
    """Make what a run for a device saved, or of the server that served it."""
    server = content(*whole())

    def make(claims=None, *benchmarks):
        if not benchmarks:
            return server
        info = made_up_runs.of_device({**made_up_runs.about(cores=3), **(claims or {})}, server["machine_info"])
        return {**content(*benchmarks), "machine_info": info}

    return make


@pytest.fixture
def run(saved, tmp_path):
    """Read it."""
    return lambda *about: Run.of(saved(*about), tmp_path / "run.json")


def firefox(seconds=0.003):
    return result("latency", "resnet20", "firefox-wasm", seconds, 1)


def test_a_device_is_a_client_by_its_own_name(run):
    both = decisions_of([run(), run({}, firefox())])
    (device,) = [one for one in both if one.clients.device]
    assert sentence(device) == f"resnet20 on {FIREFOX}: the client (firefox-wasm), whatever the network"
    assert device.model.machine == "xeon-2-cores"
    text = [*lines([device], [])]
    assert f"{FIREFOX}, which joined by a link" in text
    assert not [line for line in text if "firefox" in line and "xeon" in line]


def test_none_weaker_is_made_of_a_device(run):
    both = decisions_of([run(), run({}, firefox())])
    assert [one.clients.factor for one in both if one.clients.device] == [1]
    assert len([one for one in both if not one.clients.device]) == 5


def test_two_devices_that_are_called_alike_are_two(run):
    one, other = run({"memory": 4}, firefox(0.003)), run({"memory": 8}, firefox(0.3))
    decided = [found for found in decisions_of([run(), one, other]) if found.clients.device]
    assert [found.client.later.value for found in decided] == [0.003, 0.3]
    assert {found.clients.device for found in decided} == {FIREFOX}


def test_what_nobody_can_measure_of_a_device_is_not_asked_for(run):
    told = missing(read([run({}, firefox())]))
    assert not [words for words in told if "load or first_inference" in words]
    assert f"resnet20, the first answer of firefox-wasm on {FIREFOX}: nobody can tell" in " ".join(told)
    assert not [words for words in told if "-m blocking" in words]
    assert "resnet20, whether firefox-wasm freezes its page there: no browser but Chromium" in " ".join(told)
    beside = missing(read([run({}, firefox()), run()]))
    assert "chromium-wasm freezes its page" in " ".join(beside)
    assert "firefox" not in " ".join(beside)


def test_the_command_reads_its_file(saved, tmp_path, monkeypatch, capsys):
    from benchmarks.decide import __main__ as command

    files = [tmp_path / "server.json", tmp_path / "device.json"]
    for file, held in zip(
        files, (saved(), saved({"hints": {"model": "\x1b[31mX" + "a" * 500}}, firefox())), strict=True
    ):
        file.write_text(json.dumps(held))
    monkeypatch.setattr("sys.argv", ["decide", *map(str, files)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert "resnet20 on Firefox 153, \\x1b[31mXaaaa" in told
    assert "\x1b" not in told
    assert "a" * 60 not in told
