"""A fleet is read as it was saved, and what is none is told in a line."""

import json
from dataclasses import asdict, replace

import made_up_fleets
import pytest
from made_up_fleets import DEVICE

from benchmarks.results.fleet import SCHEMA, Counted, FleetChunk, NotAFleetError, ServerRate, dump, is_one, load

FLEET = replace(
    made_up_fleets.FLEET,
    servers=(ServerRate("before", 1, 8000, 4.0, 3.8), ServerRate("after", 1, 8000, 4.4, 4.2)),
    devices=(DEVICE, replace(DEVICE, number=2, counted=Counted(), latency=None, no_latency="it came later")),
    chunks=(FleetChunk(1, 0, 1000, 0.0, 5.0, "counted"), FleetChunk(2, 0, 1000, 4.0, None, "open", takes_over=0)),
)


def test_a_fleet_is_read_as_it_was_saved(tmp_path):
    dump(FLEET, tmp_path / "fleet.json")
    assert load(tmp_path / "fleet.json") == FLEET
    assert is_one(json.loads((tmp_path / "fleet.json").read_text()))
    assert not is_one({"benchmarks": []})


def test_what_a_fleet_says_of_itself():
    assert (FLEET.is_whole, FLEET.is_right, FLEET.rate) == (True, True, 200)
    assert FLEET.server(1).rate == pytest.approx(16000 / 8.4)
    assert FLEET.server(2) is None
    assert DEVICE.name == "1 firefox 153 @4x"
    assert (DEVICE.counted.rate, Counted().rate) == (pytest.approx(1000 / 4.4), None)
    for other in (replace(FLEET, right=687), replace(FLEET, drained=999)):
        assert not other.is_right


def damaged(**values):
    return {SCHEMA: 1, **json.loads(json.dumps(asdict(FLEET))), **values}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "JSONDecodeError"),
        ([], "TypeError"),
        ({"benchmarks": []}, "KeyError 'fleet_schema'"),
        (damaged(**{SCHEMA: 2}), "it is of schema 2, and this version reads up to 1; update the suite"),
        (damaged(seconds="5"), 'seconds is "5", no number'),
        (damaged(images=-1), "images is -1, no number"),
        (damaged(drained=True), "drained is true, no number"),
        (damaged(saved="yesterday"), "Invalid isoformat string"),
        (damaged(machine=[]), "its machine is []"),
        (damaged(more=1), "more"),
        (
            damaged(servers=[{"when": "before", "workers": 1, "images": 1, "seconds": None, "inferring": 1}]),
            "servers 1 seconds",
        ),
        (damaged(devices=[{**asdict(DEVICE), "lost": {"hung": "many"}}]), "devices 1 lost"),
        (damaged(devices=[{**asdict(DEVICE), "counted": {"chunks": 1, "seconds": float("inf")}}]), "counted seconds"),
    ],
)
def test_what_is_no_fleet_is_told_in_a_line(content, words, tmp_path):
    file = tmp_path / "fleet.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(NotAFleetError, match=r"fleet\.json: no fleet: .*; name a file that") as error:
        load(file)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotAFleetError, match="No such file or directory"):
        load(tmp_path / "none.json")
