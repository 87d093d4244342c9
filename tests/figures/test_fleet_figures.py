"""The fleet's figures are made of what is kept, and of nothing that another version measured."""

import argparse
import json
from dataclasses import asdict, replace

import made_up_fleets
import pytest

from benchmarks.figures.fleet import __main__ as figures
from benchmarks.figures.fleet.coordinator import IMAGES, Limit, made_up, measure
from benchmarks.figures.kept import KeptError
from benchmarks.fleet.record import version
from benchmarks.results.fleet import Latency, dump

DEVICE = replace(
    made_up_fleets.DEVICE,
    about={"engine": "chromium", "version": "153.0"},
    platform="chromium-wasm",
    latency=Latency("mean", 4e-3, 5e-4, 8.0, 7.9, 8.1, 4e-3, 5e-4, 3),
)


def fleet(images=1000, seconds=4.4, device=DEVICE):
    """Return what this version measured."""
    done = {"images": images, "drained": images, "seconds": seconds, "busy": 0.44}
    return replace(made_up_fleets.FLEET, suite=version(), devices=(device,), **done)


@pytest.fixture
def options(tmp_path):
    return argparse.Namespace(keep=tmp_path, model="resnet20", images=1000, data_dir=None, seconds=1.0)


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "+0.0 %"), (5.5, "+25.0 %")])
def test_clients_that_equal_a_server_are_told_and_held_to_the_mark(options, capsys, seconds, words):
    device = replace(DEVICE, counted=replace(DEVICE.counted, seconds=seconds))
    for name in ("quotas", "engines"):
        dump(fleet(device=device), options.keep / f"{name}.json")
    is_met = figures.devices(options)
    out = capsys.readouterr().out
    assert is_met == (seconds == 4.4)
    assert f"mark: within 10%: {'met' if is_met else 'missed'}" in out
    assert words in out
    assert "| chromium 153 @4x" in out


@pytest.mark.parametrize(("lost", "efficiency"), [(0.0, "1.00"), (0.1, "0.90")])
def test_scaling_is_the_rate_of_as_many_times_one(options, capsys, lost, efficiency):
    for clients in range(1, figures.MOST + 1):
        images = int(1000 * clients * (1 - lost if clients > 1 else 1))
        dump(fleet(images), options.keep / f"scaling-{clients}.json")
    assert figures.scaling(options) == (lost == 0)
    last = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 8 ")]
    assert last[0].split("|")[3].strip() == efficiency


def test_what_the_coordinator_gave_out_is_kept(options, capsys):
    for clients in figures.CLIENTS:
        for size in figures.SIZES:
            limit = {"suite": version(), **asdict(Limit(clients, size, 100.0, 0.5, 0.25))}
            (options.keep / f"coordinator-{clients}-{size}.json").write_text(json.dumps(limit))
    assert figures.limits(options)
    assert "51,200" in capsys.readouterr().out


def test_what_another_version_measured_is_refused(options):
    dump(replace(fleet(), suite="another"), options.keep / "quotas.json")
    (options.keep / "coordinator-1-1.json").write_text(json.dumps({"suite": "another"}))
    for figure in (figures.devices, figures.limits):
        with pytest.raises(KeptError, match="was measured by another version of the suite: name another --keep"):
            figure(options)


def test_clients_that_compute_nothing_are_given_chunks_and_believed():
    job = made_up()
    assert job.pixels(IMAGES + 8, IMAGES + 16) == job.pixels(8, 16)
    limit = measure(2, 8, 0.2, job)
    assert limit.chunks > 0
    assert limit.images == 8 * limit.chunks
