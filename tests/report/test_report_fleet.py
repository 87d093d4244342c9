"""Fleets in the report: what each device and all did, each chunk in the picture, the lost ones told as lost."""

import json
from dataclasses import replace
from pathlib import Path

import made_up_fleets
import pytest
from made_up_fleets import chunks, device, fleet, save
from made_up_runs import about, benchmark
from made_up_runs import save as save_run
from report_parts import charts, texts

from benchmarks.report.content import FleetFile, Material, Words
from benchmarks.report.page import page
from benchmarks.report.reading import read
from benchmarks.report.sections.fleet import fleet as section_of
from benchmarks.report.sections.fleet.strips import merged
from benchmarks.report.summary import Summary
from benchmarks.results.fleet import FleetChunk, ServerRate

FATES = ["count", "beaten", "late", "lost, for it left", "lost, for nothing came in time"]


def material(*fleets):
    return Material.of([], fleets=[FleetFile(Path(f"{number}.json"), one) for number, one in enumerate(fleets)])


def section(*fleets):
    return section_of(material(*fleets))


def titled(found, begins):
    return next(chart for chart in charts(found) if chart.title.startswith(begins))


def words(found):
    return " ".join(sentence for part in found.parts if isinstance(part, Words) for sentence in part.sentences)


def test_images_a_second_of_each_of_all_and_of_the_server():
    found = section(fleet(device(1, 100.0), device(2, 50.0, slowdown=4), seconds=12.0))
    chart = titled(found, "Images a second")
    rates = {cells[0]: cells[3] for cells in chart.table.rows}
    assert rates == {
        "1 firefox 153": "100",
        "2 firefox 153 @4x": "50.0",
        "all devices together": "167",
        "server-cpu, one process": "950",
    }
    assert chart.clock.startswith("Inside the clock, of a device: from taking a chunk")
    assert "emulated" in texts(chart)
    assert "1 of the 4 is marked" in chart.alternative
    assert words(found).startswith(
        "resnet20, batch 1, 2 devices: 2,000 images in 12.0 s by 2 devices, 167 a second, given out by Intel Xeon, "
        "2 cores by a process that was busy for 8 % of the time; 700 are right (35.00 %)."
    )


def test_clients_that_equal_a_server_stand_measured_beside_computed():
    chart = titled(section(fleet(device(1, 100.0))), "Devices that equal a server")
    (cells,) = chart.table.rows
    assert cells[:5] == ["1 firefox 153", "9.50", "9.52", "8.57 to 10.5", "0.998"]
    assert cells[6] == "8.33 ms"  # of 10 ms, five sixths
    assert ["measured on the job" in texts(chart), "computed from latencies" in texts(chart)] == [True, True]


def test_what_latencies_do_not_explain_is_told():
    slow = fleet(device(1, 100.0), servers=[ServerRate("before", 1, 1000, 2.0, 1.0)])
    assert "not within 10% of what latencies say: 1 firefox 153" in words(section(slow))
    alone = fleet(device(1, 100.0, latency=None, no_latency="it came late"))
    chart = titled(section(alone), "Devices that equal")
    assert chart.table.rows[0][2] == "–"
    assert "it came late" in chart.table.rows[0]
    without = section(fleet(device(1, 100.0), servers=[]))
    assert "how many equal a server is not known of 1 firefox 153" in words(without)


def lossy():
    """Return a job in which each thing became of a chunk."""
    fates = ("beaten", "late", "left", "hung", "lied", "failed")
    lost = [FleetChunk(2, 10 * at, 10 * at + 10, float(at), at + 1.0, fate) for at, fate in enumerate(fates)]
    lost += [FleetChunk(2, 90, 99, 6.0, None, "open"), FleetChunk(2, 60, 70, 7.0, 7.5, "counted", is_hidden=True)]
    told = {"left": 1, "hung": 1, "lied": 1}  # as its device counts them: what is drawn is said
    devices = device(1, 100.0), device(2, 10.0, 10, lost=told, sent_home="it lied twice")
    return fleet(*devices, chunks=[*chunks(1, 8.0), *lost], seconds=8.0, images=1100, drained=1010)


def test_what_hung_until_a_job_was_given_up_is_no_work_of_it():
    after = [FleetChunk(1, 90, 95, 7.0, 60.0, "hung"), FleetChunk(1, 95, 99, 61.0, None, "open")]
    given_up = fleet(device(1, 100.0), chunks=[*chunks(1, 6.0), *after], seconds=8.0, images=1100, drained=1000)
    (cells,) = titled(section(given_up), "Chunks over time").table.rows
    assert cells[2:4] == ["7.00", "88 %"]


def test_each_chunk_is_in_the_picture_as_what_became_of_it():
    found = section(lossy())
    chart = titled(found, "Chunks over time")
    assert [cells[4:] for cells in chart.table.rows] == [
        ["10", *["0"] * 7, "0"],
        ["1", "1", "1", "1", "1", "1", "1", "1", "1"],
    ]
    assert [*chart.table.head[4:]][:5] == FATES
    assert [cells[2:4] for cells in chart.table.rows] == [["8.00", "100 %"], ["8.50", "106 %"]]
    filled, hollow = ([row["p"].count("M") for row in chart.spec["layer"][layer]["data"]["values"]] for layer in (0, 1))
    assert filled == [1, 10, 1, 1, 1, 1]  # ground and chunks of one, ground, hidden, beaten, and the line of the other
    assert hollow == [5, 1]
    assert "3 lost" not in chart.alternative
    assert "5 chunks lost" in chart.alternative
    assert "2 firefox 153 was given nothing more: it lied twice." in words(found)


def test_a_part_is_no_whole_and_its_answers_are_not_judged():
    found = words(section(lossy()))
    assert "(not whole): 1,010 of 1,100 images in 8.00 s" in found
    assert "how many of them are to be right nobody says" in found


def test_a_wrong_number_of_right_answers_is_told():
    found = words(section(fleet(device(), right=699)))
    assert "699 are right (69.90 %), but 700 are to be" in found


def test_narrow_chunks_run_into_each_other_and_wide_ones_do_not():
    assert merged([(0.0, 10.0), (10.0, 20.0)]) == [(0.0, 9.2), (10.0, 19.2)]
    assert merged([(at / 4, (at + 1) / 4) for at in range(400)]) == [(0.0, 100.0)]
    assert merged([(0.0, 0.5), (50.0, 50.5)]) == [(0.0, 0.5), (50.0, 50.5)]


def test_more_devices_are_a_curve_beside_as_many_times_the_fewest():
    jobs = [fleet(*(device(at + 1) for at in range(number)), seconds=10 + number) for number in (4, 1, 2)]
    chart = titled(section(*jobs), "More devices")
    assert [cells[:2] for cells in chart.table.rows] == [["1", "90.9"], ["2", "167"], ["4", "286"]]
    assert chart.table.rows[-1][3] == "3.14"
    assert chart.alternative == "1: 90.9 images a second; 4: 286, 79 % of as many times the rate of the fewest."
    ideal = chart.spec["layer"][0]["data"]["values"]
    assert [(one["devices"], round(one["rate"])) for one in ideal] == [(0, 0), (4, 364)]


@pytest.mark.parametrize("other", [{"model": "resnet8"}, {"batch": 8}, {"model_sha256": "0" * 64}, {"drained": 1}])
def test_jobs_that_are_not_alike_are_no_curve(other):
    one, two = fleet(device()), fleet(device(1), device(2), **other)
    assert not [chart for chart in charts(section(one, two)) if chart.title.startswith("More devices")]


def test_a_job_that_nobody_did_is_shown_as_that():
    found = page(material(fleet(seconds=0.0, images=10, drained=0, chunks=[], servers=[], busy=None)))
    assert found.problems == []
    assert "0 of 10 images" in found.text


def test_the_head_counts_fleets():
    summary = Summary.of(material(fleet(device())))
    assert summary.heading == "Client or server?"
    assert summary.holds == (
        "resnet20: 0 benchmarks in 0 runs and 1 fleet, measured on 27 November 2026 by suite 0123456789ab"
    )


HOSTILE = "</svg><script>alert(1)</script>\u202e" + "x" * 900


def test_what_a_fleet_says_is_escaped_and_shortened():
    claims = about(engine=HOSTILE, version=HOSTILE, hints={"model": HOSTILE})
    one = device(1, claims=claims, lost={HOSTILE: 1}, platform=HOSTILE, sent_home=HOSTILE, no_latency=HOSTILE)
    made = page(material(replace(fleet(one), model=HOSTILE, wanted_by=HOSTILE)))
    assert made.problems == []
    assert not [text for text in ("<script>", "\u202e", "x" * 300) if text in made.text]


# Files


def test_fleets_are_read_among_runs_and_damaged_ones_are_refused(tmp_path, ended):
    run, whole = save_run(tmp_path / "run.json", benchmark()), save(tmp_path / "fleet.json", device())
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps(json.loads(whole.read_text()) | {"seconds": "long"}))
    found = read([tmp_path])
    assert [[one.file for one in found.runs], [one.file for one in found.fleets]] == [[run], [whole]]
    (refused,) = found.refused
    assert refused.file == str(damaged)
    assert "no fleet" in refused.why
    code, _, why = ended(whole, "--out", tmp_path / "fleet.html")
    assert (code, why) == (0, "")
    assert "Many clients, one job" in (tmp_path / "fleet.html").read_text()


@pytest.mark.parametrize("module", ["compare", "export", "decide"])
def test_others_refuse_a_fleet_with_who_reads_it(tmp_path, monkeypatch, capsys, module):
    from importlib import import_module

    file = str(save(tmp_path / "fleet.json", made_up_fleets.device()))
    monkeypatch.setattr("sys.argv", [module, *(["--format", "csv"] if module == "export" else [file]), file])
    with pytest.raises(SystemExit) as ending:
        import_module(f"benchmarks.{module}.__main__").main()
    told = capsys.readouterr()
    words = f"{told.out}{told.err}{ending.value.code}"
    assert "no run of this suite: a fleet, which `tox run -e report` shows" in words
    assert "Traceback" not in words
