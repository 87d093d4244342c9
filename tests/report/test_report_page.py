"""The page: answers first, machines with their doubts, no text that does anything, nothing that is asked for."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from decide_runs_made_up import client, content, figure, result, whole

from benchmarks.report import page as pages
from benchmarks.report import summary
from benchmarks.report.content import Chart, Material, Section, Table, Verdict, Words
from benchmarks.report.page import page
from benchmarks.report.sections.answers import answers
from benchmarks.report.sections.figures import figures
from benchmarks.report.sections.machines import machines
from benchmarks.report.summary import Summary
from benchmarks.results import Run, keys
from benchmarks.results.reading import Refused
from models.names import tame

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "a & b 'c' `d`",
    "\u202egnp.exe\u2066\x1b[31m\x00\ud800\n",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "datum['x'] + ('a')[0]",
    "x" * 3000,
]


def run(tmp_path, *benchmarks, name="run.json", **about):
    return Run.of(content(*benchmarks, **about), tmp_path / name)


def ratio(value, share=0.01):
    ends = {} if share is None else {"low": value * (1 - share), "high": value * (1 + share)}
    told = {"statistic": "p10", "value": value, "ours": value, "theirs": 1.0, "pairs": 9, "starts": 5, **ends}
    return {"ratio_to_server_cpu": told}


def doubt(**doubts):
    return {keys.TRUST: {keys.DOUBTS: doubts}}


def verdicts(*runs):
    section = answers(Material.of(runs))
    return {part.title: part for part in section.parts if isinstance(part, Verdict)}


def words(section):
    return " ".join(sentence for part in section.parts if isinstance(part, Words) for sentence in part.sentences)


def table(section, caption):
    (found,) = [part for part in section.parts if isinstance(part, Table) and part.caption == caption]
    return found


# The answers


def test_where_both_sides_were_measured_decide_answers_and_weaker_clients_stand_below(tmp_path):
    (verdict,) = verdicts(run(tmp_path, *whole())).values()
    assert (verdict.title, verdict.chip.side, verdict.chip.word) == ("resnet20", "client", "client")
    assert verdict.words == "resnet20 answers earlier on the client (chromium-wasm), whatever the network."
    assert (verdict.chip.of, verdict.chips) == ("on lighthouse-slow-4g, p75-2026, cable", [])
    assert any(words.startswith("First answers on p75-2026: client ") for words in verdict.conditions)
    (weaker,) = verdict.tables
    name, networks, where, *_ = weaker.rows[-1]
    assert name.startswith("a low-end mobile (10x")
    assert (networks, where.partition(" ms ")[0]) == ("client", "the server, below 12.9")


def test_untrained_models_are_answered_for_last(tmp_path):
    timing = client("resnet50", 0.2, **{keys.UNTRAINED: True})
    timing += [result("latency", "resnet50", "server-cpu", 0.1, 1, **{keys.UNTRAINED: True})]
    assert [*verdicts(run(tmp_path, *timing, *whole()))] == ["resnet20", "resnet50 (untrained)"]


def test_a_server_that_answers_first_on_some_networks_alone_is_told_by_network(tmp_path):
    slow = verdicts(run(tmp_path, *whole(later=0.2)))["resnet20"]
    assert {chip.side for chip in slow.chips} == {"client", "server"}
    assert (slow.chip.side, slow.chip.word) == ("depends", "it depends")
    twice, *_ = verdicts(run(tmp_path, *whole(later=0.1)))["resnet20"].tables[0].rows
    assert twice[1] == "lighthouse-slow-4g: client, p75-2026: server, cable: server"


def test_an_answer_for_weaker_clients_alone_says_so(tmp_path):
    weak = {keys.SLOWDOWN: {"asked": 4}}
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        result("latency", "resnet20", "chromium-wasm@4x", 0.2, 1, **weak),
    ]
    told = verdicts(run(tmp_path, *rows))["resnet20"].words
    assert told.startswith("With a mid-tier mobile (4x, emulated) resnet20 answers earlier on the server, below ")


def test_clients_of_another_machine_than_the_servers_say_both(tmp_path):
    phone = run(tmp_path, *client("resnet20", 0.05), name="phone.json", machine="Phone")
    both = answers(Material.of([run(tmp_path, *whole()), phone])).parts
    assert [(one.title, one.machine) for one in both] == [("resnet20", "Xeon, 2 cores"), ("resnet20", "Phone, 2 cores")]
    told = [verdict.conditions[0] for verdict in both]
    assert (told[0].startswith("The server is"), told[1]) == (False, "The server is on Xeon, 2 cores.")


def test_marks_that_decide_does_not_tell_stand_beside_its_answer(tmp_path):
    told = verdicts(run(tmp_path, *whole(), exit_status=2))["resnet20"].words
    assert told.endswith("(not whole).")


def test_where_one_side_alone_was_measured_the_fastest_and_what_is_missing_are_told(tmp_path):
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        result("latency", "resnet20", "server-openvino", 0.0009, 1, **ratio(0.9), **doubt(stolen="the host took 9 %")),
        result("latency", "resnet20", "server-torch", 0.002, 1, **ratio(2.0)),
    ]
    verdict = verdicts(run(tmp_path, *rows))["resnet20"]
    assert (verdict.chip.side, verdict.chip.word) == ("open", "one side alone")
    assert verdict.words == ("server-openvino is the fastest: 0.900 times the time of server-cpu (0.891 to 0.909) (!).")
    assert verdict.conditions == ["Xeon, 2 cores, latency of batch 1."]
    assert verdict.more == [
        "Not measured: its latency on a client; this measures it: pytest benchmarks/ --benchmark-only --model resnet20 "
        "--platform chromium-wasm --batch-size 1."
    ]


@pytest.mark.parametrize(
    ("value", "share", "side", "told"),
    [
        (3.0, 0.1, "server", "server-cpu is the fastest, and next chromium-wasm with 3.00 times"),
        (1.02, 0.1, "undecided", "server-cpu and chromium-wasm are not told apart: 1.02 times"),
        (0.5, 0.1, "client", "chromium-wasm is the fastest: 0.500 times"),
        (0.5, None, "undecided", "chromium-wasm takes 0.500 times the time of server-cpu (too few starts for an"),
        (4.0, None, "undecided", "chromium-wasm takes 4.00 times the time of server-cpu (too few starts for an"),
    ],
)
def test_of_larger_batches_the_side_that_computes_faster_is_told(tmp_path, value, share, side, told):
    about = {keys.BATCH_SIZE: 8}
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 8, **about),
        result("latency", "resnet20", "chromium-wasm", 0.001 * value, 8, **about, **ratio(value, share)),
    ]
    verdict = verdicts(run(tmp_path, *rows))["resnet20"]
    assert (verdict.chip.side, verdict.chip.of) == (side, "inference alone")
    assert told in verdict.words
    assert "latency of batch 8" in verdict.conditions[0]


def test_without_an_interval_a_ratio_is_told_and_neither_faster_nor_alike_is_claimed(tmp_path):
    rows = [
        result("latency", "resnet20", "server-cpu", 0.03, 1),
        result("latency", "resnet20", "server-cuda", 0.0006, 1, **ratio(0.0212, None)),
    ]
    told = verdicts(run(tmp_path, *rows))["resnet20"].words
    assert told == "server-cuda takes 0.0212 times the time of server-cpu (too few starts for an interval)."


@pytest.mark.parametrize(
    ("server", "client", "side", "told"),
    [
        ((0.5, 0.1), (0.4, 0.05), "client", "chromium-wasm is the fastest: 0.400"),
        # faster than server-cpu for sure, but not than the fastest server
        ((0.5, 0.1), (0.46, 0.1), "undecided", "chromium-wasm and server-cuda are not told apart: 0.460 times"),
        # of the fastest server nobody knows
        ((0.5, None), (0.4, 0.05), "undecided", "chromium-wasm and server-cuda are not told apart: 0.400 times"),
        ((0.97, 0.1), (0.99, 0.1), "undecided", "server-cpu, server-cuda and chromium-wasm are not told apart: 0.970"),
        # server-cpu itself is faster for sure
        ((0.5, None), (3.0, 0.1), "server", "server-cuda takes 0.500 times the time of server-cpu (too few starts"),
        ((1.5, 0.5), (1.2, 0.1), "server", "server-cpu and server-cuda are not told apart: 1.50 times"),
    ],
)
def test_a_side_is_the_faster_where_its_interval_lies_below_the_others(tmp_path, server, client, side, told):
    about = {keys.BATCH_SIZE: 8}  # of batches nothing is decided with a network
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 8, **about),
        result("latency", "resnet20", "server-cuda", 0.001, 8, **about, **ratio(*server)),
        result("latency", "resnet20", "chromium-wasm", 0.001, 8, **about, **ratio(*client)),
    ]
    verdict = verdicts(run(tmp_path, *rows))["resnet20"]
    assert verdict.chip.side == side
    assert verdict.words.startswith(told)


def test_two_runs_and_two_machines_are_never_one(tmp_path):
    def of(value, name, machine="Xeon"):
        rows = [
            result("latency", "resnet20", "server-cpu", 0.001, 1),
            result("latency", "resnet20", "server-torch", 0.001 * value, 1, **ratio(value)),
        ]
        return run(tmp_path, *rows, name=f"{name}.json", machine=machine)

    verdict = verdicts(of(2.0, "before"), of(3.0, "after"), of(0.5, "other", "Ryzen"))["resnet20"]
    (by_run,) = verdict.tables
    assert [row[:2] for row in by_run.rows] == [
        ["before", "Xeon, 2 cores, latency of batch 1"],
        ["after", "Xeon, 2 cores, latency of batch 1"],
        ["other", "Ryzen, 2 cores, latency of batch 1"],
    ]
    assert ["2.00" in by_run.rows[0][2], "3.00" in by_run.rows[1][2], "0.500" in by_run.rows[2][2]] == [True] * 3


def test_a_simulated_gpu_is_no_answer(tmp_path):
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        result("latency", "resnet20", "server-webgpu", 0.0001, 1, **ratio(0.1), **{keys.SOFTWARE_GPU: True}),
    ]
    told = verdicts(run(tmp_path, *rows))["resnet20"]
    assert "0.1" not in told.words
    assert "not compared" in told.words


def test_what_says_no_latency_names_the_command_that_measures_it(tmp_path):
    rows = [result("load", model, "chromium-wasm", 0.3, "cold") for model in ("resnet8", "resnet14")]
    told = words(answers(Material.of([run(tmp_path, *rows, exit_status=2)])))
    assert "an inference takes of resnet8 (not whole), resnet14 (not whole); this measures it: pytest " in told
    assert "--model resnet8 --model resnet14 --platform server-cpu --platform chromium-wasm" in told


def test_runs_that_do_not_belong_together_say_so_and_are_shown_all_the_same(tmp_path):
    other = [result("latency", "resnet20", "server-cpu", 0.001, 1, **{keys.MODEL_SHA256: "another"})]
    section = answers(Material.of([run(tmp_path, *whole()), run(tmp_path, *other, name="other.json")]))
    assert "other.json: its resnet20 is another file" in words(section)
    assert [part.title for part in section.parts if isinstance(part, Verdict)] == ["resnet20"]


# The machines


def test_a_machine_is_told_as_far_as_it_tells_itself(tmp_path):
    about = content(result("latency", "resnet20", "server-cpu", 0.001, 1))
    about["machine_info"] |= {
        "cpu": {"brand_raw": "Xeon", "family": 6, "model": 85},
        "cores": 4,
        "quota": 1.5,
        "simd_flags": ["avx2", "fma"],
        "gpus": [{"name": "H200", "driver": "580.1", "memory_bytes": 150 * 2**30}],
        "system": "Linux",
        "release": "6.1",
    }
    device = {**about, "machine_info": {"node": "phone"}}
    runs = [Run.of(one, tmp_path / name) for one, name in ((about, "a.json"), (device, "b.json"))]
    told = {row[0]: row[1:] for row in table(machines(Material.of(runs)), "What each machine is").rows}
    assert told["processor"] == ["Xeon, model 6.85", "not told"]
    assert told["cores"] == ["2 of 4", "not told"]
    assert told["quota"] == ["1.5 cores", "not told"]
    assert told["GPUs"] == ["H200 (driver 580.1, 150 GiB)", "not told"]
    assert told["instruction sets"] == ["avx2, fma", "not told"]
    assert "frequency governor" not in told


def test_each_run_says_what_it_was_made_by_and_how_it_ended(tmp_path):
    about = content(result("latency", "resnet20", "server-cpu", 0.001, 1, **doubt(stolen="x")), exit_status=137)
    about |= {"commit_info": {"id": "a" * 40, "dirty": True}}
    about["machine_info"] |= {"suite": "141511d9a70b", "load_average": {"start": [0.25, 1, 1]}}
    section = machines(Material.of([Run.of(about, tmp_path / "a.json")]))
    (row,) = table(section, "Runs").rows
    assert row[1:4] == [f"{tmp_path}/a.json", "2026-11-26 00:00:00", "killed before it was saved"]
    assert row[4:] == ["aaaaaaaaaaaa, files changed", "141511d9a70b", "0.2", "1", "1"]


def test_versions_that_differ_are_told_and_those_that_are_alike_are_not(tmp_path):
    abouts = [content(result("latency", "resnet20", "server-cpu", 0.001, 1)) for _ in range(2)]
    for about, version in zip(abouts, ("1.31", "1.32"), strict=True):
        about["machine_info"] |= {"versions": {"onnxruntime": version, "numpy": "2.4"}}
    runs = [Run.of(about, tmp_path / f"{number}.json") for number, about in enumerate(abouts)]
    found = table(machines(Material.of(runs)), "Versions that differ between the runs")
    assert found.rows == [["onnxruntime", "1.31", "0"], ["onnxruntime", "1.32", "1"]]
    more = [Run.of(abouts[1], tmp_path / f"{number}.json") for number in range(2, 6)]
    found = table(machines(Material.of([*runs, *more])), "Versions that differ between the runs")
    assert found.rows == [["onnxruntime", "1.31", "0"], ["onnxruntime", "1.32", "the other 5 runs"]]


def test_doubts_of_a_kind_stand_together_with_what_to_do(tmp_path):
    rows = [
        result("latency", "resnet20", f"server-{number}", 0.001, 1, **doubt(drift=f"drifted by {percent:+}%"))
        for number, percent in enumerate((95, 20, 1147, -8, 21, 22))  # as words 1147 stands before 20
    ]
    section = machines(Material.of([run(tmp_path, *rows, result("latency", "resnet8", "server-cpu", 0.001, 1))]))
    (row,) = table(section, "What is doubtful (!)").rows
    assert row[:3] == ["Xeon, 2 cores", "drifted by -8% to +1147%", "6 of 7"]
    assert row[3].endswith("test_latency[resnet20-server-3-b1], and 2 more")
    assert row[4] == "warm up longer with --benchmark-warmup-iterations"


def test_what_the_machines_do_not_tell_is_told_and_a_hidden_fact_is_not_an_empty_one(tmp_path):
    silent = {keys.TRUST: {keys.DOUBTS: {}, keys.UNKNOWN: {"stolen": "what a host took"}}}
    about = content(
        result("latency", "resnet20", "server-cpu", 0.001, 1, **silent),
        result("latency", "resnet8", "server-cpu", 0.001, 1),
    )
    about["machine_info"]["simd_flags"] = None
    section = machines(Material.of([Run.of(about, tmp_path / "a.json")]))
    ((machine, *told),) = table(section, "What is unknown").rows
    assert told == ["what a host took", "1 of 2", "test_latency[resnet20-server-cpu-b1]"]
    identity = {row[0]: row[1] for row in table(section, "What each machine is").rows}
    assert (machine, identity["instruction sets"]) == ("Xeon, 2 cores", "not told by the system")


def test_refused_files_are_told_with_the_reason(tmp_path):
    material = Material.of([run(tmp_path, *whole())], [Refused("bad.json", "it is cut")])
    caption = "Files, and benchmarks of files, that are not shown"
    assert table(machines(material), caption).rows == [["bad.json", "it is cut"]]


# All figures


def test_every_benchmark_is_there_with_its_figure_and_its_marks(tmp_path):
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 1, images_per_second=990.0),
        result("latency", "resnet20", "chromium-wasm", 0.003, 1, **ratio(3.0), **doubt(stolen="9 % stolen")),
        result("offline", "resnet20", "server-cpu", 0.003, 1, **{keys.QUERIES_PER_SECOND: figure(1500.0)}),
    ]
    first, second, third = (row[1:] for row in figures(Material.of([run(tmp_path, *rows)])).parts[0].rows)
    assert first[:-2] == ["1.00 ms (0.990 to 1.01)", "", "1.00 ms", "–", "–", "5", "990 images/s"]
    assert (second[1], second[4]) == ("(!) 9 % stolen", "3.00 (2.97 to 3.03)")
    assert third[6:] == ["1,500 queries/s (1,485 to 1,515)", "Xeon, 2 cores", "run.json"]


def test_the_title_tells_the_days_and_what_it_holds_and_marks_are_explained(tmp_path):
    runs = [run(tmp_path, *whole()), run(tmp_path, name="b.json", started="2026-11-28T00:00:00", exit_status=1)]
    told = Summary.of(Material.of(runs))
    assert told.title == "Client or server? resnet20 on Xeon, 2 cores, from 26 to 28 November 2026"
    assert told.holds.startswith("resnet20 on Xeon, 2 cores: 8 benchmarks of 3 platforms in 2 runs, measured from 26 ")
    assert [*told.sides] == ["server", "client", "remote"]
    assert [row[0] for row in told.marks.rows] == ["emulated network"]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (["2026-11-26"], "on 26 November 2026"),
        (["2026-12-01", "2026-11-26", "2026-11-30"], "from 26 November to 1 December 2026"),
        (["2026-12-31", "2027-01-01"], "from 31 December 2026 to 1 January 2027"),
        (["2026-01-02", "2027-01-01"], "from 2 January 2026 to 1 January 2027"),
    ],
)
def test_days_are_told_as_people_read_them(days, told):
    assert summary._days(f"{day}T10:00:00" for day in days) == told


def test_a_run_of_no_commit_is_of_an_unknown_version(tmp_path):
    about = content(*whole()) | {"commit_info": {"id": "unversioned"}}
    assert Summary.of(Material.of([Run.of(about, tmp_path / "a.json")])).holds.endswith("by an unknown version")


def test_another_suites_file_asks_no_question_and_has_no_sides(tmp_path):
    unnamed = [{"name": "test_a", "stats": {"median": 1.0}}]
    plain = Run.of({"machine_info": {}, "datetime": "2026-11-26", "benchmarks": unnamed}, tmp_path / "plain.json")
    told = Summary.of(Material.of([plain]))
    assert (told.heading, told.sides) == ("Benchmarks", {})


# The page


def test_of_several_machines_each_is_a_heading_above_its_own_and_of_one_none_is(tmp_path):
    here, phone = (run(tmp_path, *whole(), name=name, machine=name) for name in ("Xeon", "Phone"))
    one, several = (page(Material.of(runs)).text for runs in ([here], [here, phone]))
    assert '<h3 class="machine">' not in one
    latency = several.partition('<section id="latency"')[2].partition("</section>")[0]
    assert re.findall("<h[34].*?>(.*?)</h[34]>", latency)[:2] == ["Xeon, 2 cores", "resnet20, batch 1"]
    assert latency.count('<h3 class="machine">') == 2


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.headings = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data):
        self.texts.append(data)


def of_names(tmp_path, name):
    """Return a page on which everything that can have a name has this one."""
    rows = [*whole(model=name), result("latency", "resnet8", name, 0.001, 1, **doubt(stolen=name))]
    about = content(*rows) | {"commit_info": {"id": name, "dirty": False}}
    about["machine_info"] |= {
        "cpu": {"brand_raw": name},
        **dict.fromkeys(("node", "system", "suite"), name),
        "simd_flags": [name],
        "versions": {name: name},
        "gpus": [{"name": name, "driver": name}],
    }
    return page(Material.of([Run.of(about, tmp_path / "run.json")], [Refused(name, name)])).text


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    return Elements(of_names(tmp_path_factory.mktemp("harmless"), "harmless"))


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_file_does_anything(tmp_path, harmless, hostile):
    text = of_names(tmp_path, hostile)
    text.encode()
    seen = Elements(text)
    assert {*seen.tags} <= {*harmless.tags}
    assert not {"script", "img", "iframe", "object"} & {*seen.tags}
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert tame(hostile) in "".join(seen.texts)
    assert tame(text.replace("\n", "")) == text.replace("\n", "")


def test_the_page_asks_for_nothing_and_its_headings_are_in_order(tmp_path):
    text = page(Material.of([run(tmp_path, *whole(), *client("resnet8", 0.002))])).text
    seen = Elements(text)
    links = [value for _, name, value in seen.attributes if name in ("src", "href", "srcset", "data", "action")]
    assert all(value.startswith(("#", "data:,")) for value in links)
    assert "url(" not in re.sub(r"url\(#", "", text)
    assert "@import" not in text
    assert (seen.tags.count("style"), seen.tags.count("link"), seen.tags.count("main")) == (1, 1, 1)
    assert seen.headings[:2] == [1, 2]
    assert all(after - before <= 1 for before, after in zip(seen.headings, seen.headings[1:], strict=False))
    ids = [value for _, name, value in seen.attributes if name == "id"]
    assert len(ids) == len({*ids})
    assert {value[1:] for value in links if value.startswith("#") and len(value) > 1} <= {*ids}


def test_the_answers_come_first_and_the_same_files_make_the_same_page(tmp_path):
    texts = [page(Material.of([run(tmp_path, *whole())])).text for _ in range(2)]
    assert texts[0] == texts[1]
    anchors = re.findall(r'<section id="([a-z-]+)"', texts[0])
    assert anchors[0] == "answers"
    assert {"machines", "figures"} <= {*anchors}


CHART = Chart("Latency", "ms", "a bar", {"mark": "bar", "data": {"values": []}}, Table("t", ["a"], [["kept"]]))


def test_a_chart_that_cannot_be_drawn_and_a_section_that_cannot_be_made_say_so(tmp_path, monkeypatch):
    def broken(material):
        raise KeyError("platform <b>")

    def drawn(material):
        return Section("drawn", "Drawn", "", [replace(CHART, spec={"mark": {"type": "no such mark"}})])

    monkeypatch.setattr(pages, "SECTIONS", (broken, drawn))
    made = page(Material.of([run(tmp_path, *whole())]))
    assert made.problems[0] == "broken could not be made: KeyError 'platform <b>'"
    assert made.problems[1].startswith("Latency could not be drawn: ")
    assert "platform &lt;b&gt;" in made.text
    assert "kept" in made.text


def test_numbers_without_end_and_text_that_drives_are_taken_out_of_a_chart():
    spec = {"data": {"values": [{"x": float("nan"), "y": [float("inf"), 1, "a\u202eb"]}]}, "width": 3}
    assert pages._clean(spec) == {"data": {"values": [{"x": None, "y": [None, 1, "a\\u202eb"]}]}, "width": 3}


def test_text_in_any_script_stays_as_it_is():
    assert tame("模型 × שלום é 🙂") == "模型 × שלום é 🙂"


def contrast(first, second):
    """Return the contrast of two colours, as WCAG 2 defines it."""

    def luminance(colour):
        parts = [int(part, 16) / 255 for part in re.findall("..", colour if len(colour) == 6 else colour * 2)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_the_page_and_on_its_cards(theme):
    palette = dict(
        re.findall(r"--([\w-]+): #(\w+);", re.findall(r":root \{(.*?)\}", pages.TEMPLATE.read_text(), re.S)[theme])
    )
    for ground in ("paper", "card"):
        for name in ("ink", "dim", "server", "client", "remote", "doubt"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
