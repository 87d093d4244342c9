"""The page of the study is what the runs say: verdicts follow from figures, and nothing is written by hand."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import ROOT

from benchmarks.decide.spans import Span
from benchmarks.figures.study import __main__ as study
from benchmarks.figures.study.answer import BEGIN, answer_table, put_into, sentences, where
from benchmarks.figures.study.claims import CLAIMS
from benchmarks.figures.study.claims.clients import SEVERAL
from benchmarks.figures.study.claims.saved import NETWORK, PRIVACY, SERVER
from benchmarks.figures.study.claims.slower import SLOWER
from benchmarks.figures.study.claims.slowest import SLOWEST
from benchmarks.figures.study.claims.weak import WEAK
from benchmarks.figures.study.evidence import STUDYS, Evidence
from benchmarks.figures.study.page import GROUPS, page
from benchmarks.figures.study.verdicts import altogether, at_least, is_above, quotient
from benchmarks.figures.study.words import filled, seconds
from benchmarks.results import Run, keys, rows_of

RUNS = ROOT / "docs" / "runs"
NOTHING = Evidence(())


@pytest.fixture(scope="module")
def kept():
    """Return what the runs of this repository say."""
    return Evidence.of(RUNS)


def figure(value, share=0.01):
    return {"value": value, "starts": 5, "low": value * (1 - share), "high": value * (1 + share), "confidence": 0.95}


def timed(model, platform, seconds, ratio=None, share=0.01, phase="latency", **info):
    """Return a benchmark of one image."""
    if ratio:
        paired = {"statistic": "p10", "ours": ratio, "theirs": 1.0, "pairs": 5}
        info[f"{keys.RATIO_TO}server_cpu"] = figure(ratio, share) | paired
    name = f"test_{phase}[{model}-{platform}-b1]"
    figures = dict.fromkeys(("median", "mean", "p10"), figure(seconds, share))
    extra = {keys.STATISTIC: "p10", keys.PRECISION: "float32", keys.THREADS: 1, keys.FIGURES: figures, **info}
    params = {"model": model, "platform": platform, "batch_size": 1}
    return {
        "fullname": f"t.py::{name}",
        "name": name,
        "params": params,
        "stats": {"data": [seconds]},
        "extra_info": extra,
    }


def scored(model, platform, top1):
    return timed(model, platform, 0.001, phase="accuracy", **{keys.TOP1: top1, "images": 10_000})


def weaker(model, platform, rate, share=0.01, factor=4):
    return timed(model, f"{platform}@{factor}x", 1 / rate, share=share, **{keys.SLOWDOWN: {"asked": factor}})


def evidence(*benchmarks, machine="Xeon"):
    """Return what a run says that nobody measured."""
    content = {
        keys.SCHEMA: keys.SCHEMA_NUMBER,
        keys.EXIT_STATUS: 0,
        "machine_info": {"cpu": {"brand_raw": machine}, "cores_usable": 2, "gpus": []},
        "datetime": "2026-11-27T00:00:00",
        "benchmarks": benchmarks,
    }
    return Evidence(rows_of([Run.of(content, Path("run.json"))]))


def test_the_page_is_what_the_runs_say(kept):
    assert study.PAGE.read_text() == page(kept), "python -m benchmarks.figures.study writes it anew"


def test_the_readmes_table_is_what_the_runs_say(kept):
    readme = study.README.read_text()
    assert put_into(readme, kept) == readme, "python -m benchmarks.figures.study writes it anew"


def test_another_run_makes_another_page(tmp_path):
    content = json.loads((RUNS / "timing-networks" / "float32.json").read_text())
    pages = set()
    for factor in (1, 1.01):
        content["benchmarks"][0]["extra_info"][keys.FIGURES]["median"]["value"] *= factor
        file = tmp_path / str(factor) / "timing-networks" / "float32.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content))
        pages.add(page(Evidence.of(tmp_path / str(factor))))
    assert len(pages) == 2


def test_a_hand_edit_is_undone(kept):
    readme = study.README.read_text()
    edited = readme.replace("| `resnet20`", "| `resnet21`")
    assert edited != readme
    assert put_into(edited, kept) == readme


def test_a_readme_without_a_place_is_told(kept):
    with pytest.raises(ValueError, match="no place for the table"):
        put_into(study.README.read_text().replace(BEGIN, ""), kept)


def test_what_is_not_there_is_not_measured():
    text = page(NOTHING)
    assert text.count("**Not measured**") == len(CLAIMS)
    assert all(f"`{claim.command}` measures it" in " ".join(text.split()) for claim in CLAIMS)


def test_the_command_writes_where_it_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["study", "--runs", str(tmp_path), "--out", str(tmp_path / "page.md")])
    study.main()
    assert "page.md" in capsys.readouterr().out
    assert (tmp_path / "page.md").read_text() == page(NOTHING)


@pytest.mark.parametrize(
    ("runs", "out", "why"),
    [
        ("absent", "page.md", "absent: no such folder; name one of runs"),
        (".", "absent/page.md", "page.md cannot be written: there is no folder"),
        (".", ".", "cannot be written: it is a folder"),
    ],
)
def test_where_the_page_cannot_be_made_that_is_told_in_a_line(tmp_path, monkeypatch, runs, out, why):
    monkeypatch.setattr("sys.argv", ["study", "--runs", str(tmp_path / runs), "--out", str(tmp_path / out)])
    with pytest.raises(SystemExit, match=why):
        study.main()
    assert not [*tmp_path.iterdir()]


def test_two_files_by_one_models_name_are_told(tmp_path, monkeypatch):
    content = json.loads((RUNS / "timing-networks" / "float32.json").read_text())
    for name, file in (("study", "latency.json"), ("timing-networks", "float32.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(json.dumps(content))
        content["benchmarks"][0]["extra_info"][keys.MODEL_SHA256] = "0" * 64
    monkeypatch.setattr("sys.argv", ["study", "--runs", str(tmp_path), "--out", str(tmp_path / "page.md")])
    with pytest.raises(
        SystemExit, match=r"its mobilenet-v3-small.* is another file .* than in .*; leave one of them out"
    ):
        study.main()
    assert not (tmp_path / "page.md").exists()


def test_a_file_that_is_no_run_is_told(tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "latency.json").write_text("{}")
    monkeypatch.setattr("sys.argv", ["study", "--runs", str(tmp_path), "--out", str(tmp_path / "page.md")])
    with pytest.raises(SystemExit, match=r"latency\.json: no run of this suite"):
        study.main()
    assert not (tmp_path / "page.md").exists()


def test_each_row_and_each_mark_is_in_the_table(kept):
    text = page(kept)
    tables = text[text.index("## The table") : text.index(f"## {CLAIMS[0].words}")]
    lines = tables.splitlines()
    assert sum(line.startswith("| `") for line in lines) == len(kept.latencies)
    for row in kept.latencies:
        assert sum(wanted(row) for wanted in GROUPS.values()) == 1
        time = seconds(Span.of(row.figure))
        line = next(line for line in lines if f"`{row.model}`" in line and f"`{row.platform}`" in line and time in line)
        assert all(mark.sign in line for mark in row.marks)


def test_machines_are_told_apart(kept):
    assert "H200" in page(kept)
    assert len({row.machine for row in kept.latencies}) == sum(
        line.startswith("### ") for line in page(kept).splitlines()
    )


@pytest.mark.parametrize(
    ("low", "high", "said"), [(10, 11, "yes"), (9, 9.9, "no"), (9, 11, "open"), (0, float("inf"), "open")]
)
def test_a_mark_is_reached_with_the_whole_interval(low, high, said):
    assert at_least(Span(10, low, high), 10) == said


def test_intervals_that_overlap_are_open():
    assert is_above(Span(3, 2.9, 3.1), Span(1, 0.9, 1.1)) == "yes"
    assert is_above(Span(1, 0.9, 1.1), Span(3, 2.9, 3.1)) == "no"
    assert is_above(Span(3, 1, 3.1), Span(1, 0.9, 1.1)) == "open"


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        (["yes", "yes"], "confirmed"),
        (["no", "no"], "refuted"),
        (["yes", "no"], "qualified"),
        (["yes", "open"], "qualified"),
        (["no", "open"], "qualified"),
        ([], "not measured"),
    ],
)
def test_a_verdict_needs_all_cases(answers, word):
    assert altogether(answers) == word


def test_a_quotient_has_the_ends_that_lie_farthest_apart():
    assert quotient(Span(5, 4, 6), Span(0.5, 0.4, 0.6)) == Span(10, 4 / 0.6, 6 / 0.4)


@pytest.mark.parametrize(
    ("wasm", "webnn", "word"), [(12, 11, "confirmed"), (5, 2, "refuted"), (12, 2, "qualified"), (10, 2, "qualified")]
)
def test_slower_by_an_order_of_magnitude(wasm, webnn, word):
    rows = [
        timed("resnet20", name, 0.01, ratio) for name, ratio in (("chromium-wasm", wasm), ("chromium-webnn", webnn))
    ]
    assert SLOWER.measure(evidence(*rows)).word == word


DOUBTFUL = {keys.TRUST: {keys.DOUBTS: {"drift": "drifted"}}}


def test_the_marks_of_the_ratios_that_a_sentence_tells_are_in_it():
    rows = [timed(model, "chromium-wasm", 0.01, ratio) for model, ratio in zip(STUDYS, (5.0, 4.0, 3.0), strict=True)]
    doubtful = timed("resnet20", "chromium-tfjs", 0.01, 6.0, **DOUBTFUL)
    verdict = SLOWER.measure(evidence(*rows, doubtful))
    assert ": 3.00 to 6.00 (!);" in verdict.short
    assert "`chromium-wasm` 3.00 to 5.00, `chromium-tfjs` 6.00 (!)." in verdict.sentences[0]


def test_a_browser_is_held_against_more_threads_of_the_server_too():
    alone = [timed("resnet20", "chromium-wasm", 0.003, 6.0)]
    both = [*alone, timed("resnet20", "server-cpu-2t", 0.0003, 0.5, **{keys.THREADS: 2})]
    assert SLOWER.measure(evidence(*alone)).word == "refuted"
    verdict = SLOWER.measure(evidence(*both))
    assert verdict.word == "qualified"
    assert "`chromium-wasm` against `server-cpu-2t` on Xeon, 2 cores (`resnet20`)" in " ".join(verdict.sentences)


def test_figures_of_two_machines_make_no_ratio():
    ours, theirs = (
        evidence(timed("resnet20", "chromium-wasm", 0.003, 6.0)),
        [timed("resnet20", "server-cpu-2t", 1, 0.5)],
    )
    apart = Evidence([*ours.rows, *evidence(*theirs, machine="EPYC").rows])
    assert SLOWER.measure(apart).word == "refuted"


def of_three(times, scores=(70.0, 67.0, 61.0)):
    """Return the study's networks on a platform."""
    rows = [timed(model, "server-cpu", seconds) for model, seconds in zip(STUDYS, times, strict=True)]
    return evidence(*rows, *(scored(model, "server-cpu", top1) for model, top1 in zip(STUDYS, scores, strict=True)))


@pytest.mark.parametrize(
    ("times", "scores", "word"),
    [
        ((3, 2, 1), (70.0, 67.0, 61.0), "confirmed"),
        ((1, 2, 3), (61.0, 67.0, 70.0), "refuted"),
        ((3, 2, 1), (70.0, 69.5, 61.0), "qualified"),  # 0.5 is within the binomial error of two shares
        ((2.01, 2, 1), (70.0, 67.0, 61.0), "qualified"),  # the intervals overlap
    ],
)
def test_the_slowest_and_the_most_accurate(times, scores, word):
    assert SLOWEST.measure(of_three(times, scores)).word == word


def test_what_does_not_tell_apart_is_counted_as_open_and_not_as_a_no():
    rows = [
        timed(model, platform, seconds, share=share)
        for platform, share in (("server-cpu", 0.01), ("server-torch", 0.3))
        for model, seconds in zip(STUDYS, (3, 2, 1), strict=True)
    ]
    verdict = SLOWEST.measure(evidence(*rows))
    assert "the slowest on 1 of 2 platforms, open on 1;" in verdict.short
    assert "yes / open" in verdict.table


def test_times_without_scores_confirm_nothing():
    rows = [timed(model, "server-cpu", seconds) for model, seconds in zip(STUDYS, (3, 2, 1), strict=True)]
    verdict = SLOWEST.measure(evidence(*rows))
    assert verdict.word == "qualified"
    assert "not measured" in verdict.table


@pytest.mark.parametrize(
    ("four", "ten", "word"),
    [(100, 90, "confirmed"), (70, 30, "refuted"), (100, 30, "qualified"), (79, 30, "qualified")],
)
def test_what_a_weak_client_does(four, ten, word):
    found = evidence(weaker("resnet20", "chromium-wasm", four), weaker("resnet20", "chromium-wasm", ten, factor=10))
    assert WEAK.measure(found).word == word


def test_a_weak_clients_sentences_keep_its_marks_and_tell_what_the_quota_did():
    quick = weaker("resnet20", "chromium-wasm", 100)
    slow = weaker("resnet20", "chromium-tfjs", 30)
    slow["extra_info"] |= {keys.SLOWDOWN_OBTAINED: 9.06, **DOUBTFUL}
    verdict = WEAK.measure(evidence(quick, slow))
    assert verdict.short == "weaker clients that reach it: 1 of 2 (!) emulated, 0 open"
    assert verdict.sentences[0] == (
        "4 times weaker, a second: 30 to 100 (!) emulated; 1 of 2 reach 79; "
        "the quota made their inferences 9.1 times slower."
    )


def test_which_factor_gives_what_the_study_says():
    found = evidence(timed("resnet20", "chromium-wasm", 1 / 316), weaker("resnet20", "chromium-wasm", 80))
    assert "`chromium-wasm` 4.00 (3.96 to 4.04)" in " ".join(WEAK.measure(found).sentences)


def test_weak_clients_of_two_machines_have_tables_of_their_own():
    ours = evidence(timed("resnet20", "chromium-wasm", 1 / 316), weaker("resnet20", "chromium-wasm", 80))
    theirs = evidence(weaker("resnet20", "chromium-wasm", 30), machine="EPYC")
    told = WEAK.measure(Evidence([*ours.rows, *theirs.rows])).table.partition("**EPYC, 2 cores**")
    assert "80" in told[0]
    assert "316" in told[0]
    assert "30" in told[2]
    assert "316" not in told[2]


@pytest.mark.parametrize(("number", "word"), [(4, "confirmed"), (40, "refuted")])
def test_several_clients(kept, number, word):
    equals = [
        replace(one, equal=replace(one.equal, clients=Span(number, number - 1, number + 1))) for one in kept.decisions
    ]
    assert SEVERAL.measure(replace(kept, decisions=equals)).word == word


def test_several_clients_need_a_rate(kept):
    unrated = [replace(one, model=replace(one.model, rates={})) for one in kept.decisions]
    assert SEVERAL.measure(replace(kept, decisions=unrated)).word == "not measured"


def test_cores_are_told(kept):
    assert "2 workers of 1 thread each on 2 cores" in " ".join(SEVERAL.measure(kept).sentences)


def test_a_server_that_is_asked_over_http_has_its_rate_told_and_counts_in_no_verdict(kept):
    verdict = SEVERAL.measure(kept)
    (told,) = [sentence for sentence in verdict.sentences if sentence.startswith("`remote-cpu` carried")]
    (row,) = [row for row in kept.visits if row.phase == "server" and row.platform == "remote-cpu"]
    carried = row.result.info[keys.QUERIES_PER_SECOND]["value"]
    alone = next(one for one in kept.decisions if (one.model.name, one.clients.factor) == ("resnet20", 1))
    assert f"carried {carried:,.0f} a second" in told
    assert f"equalled by {carried * alone.client.later.value:.1f} (" in told
    other = replace(row, result=replace(row.result, info={**row.result.info, keys.MODEL_SHA256: "another"}))
    undecided = SEVERAL.measure(replace(kept, visits=[other])).sentences
    assert any(told.endswith("shared its cores. It is in no verdict.") for told in undecided)
    without = replace(kept, visits=[one for one in kept.visits if one is not row])
    assert SEVERAL.measure(without).word == verdict.word


def test_clients_in_the_line_of_the_verdict_keep_their_marks(kept):
    assert "(!)" not in SEVERAL.measure(kept).short
    assert "(!)" in SEVERAL.measure(replace(kept, decisions=[*map(doubted, kept.decisions)])).short


def test_bytes_are_paid_back(kept):
    verdict = NETWORK.measure(kept)
    one = next(one for one in kept.decisions if one.clients.factor == 1)
    assert verdict.word == "qualified"
    assert f"{one.client.download.wire / 1e6:.1f} MB" in verdict.table


def asking(*paths):
    """Return what a page that computes for itself tells of its requests."""
    return {keys.DETAILS: {keys.FETCHED: {path: {"wire": 1, "decoded": 1, "encoding": None} for path in paths}}}


@pytest.mark.parametrize(
    "told",
    [
        {keys.UPLOAD: {"form": "float32", "bytes": 12288}},
        asking("/index.html", "/model/0", "/v2/models/resnet20/infer"),
        asking("/index.html", "/engines/remote.mjs"),
        {keys.DETAILS: {keys.WATERFALL: [{"path": "/pixels"}]}},
    ],
)
def test_an_input_that_may_have_left_refutes_privacy(kept, told):
    leaky = replace(kept, visits=[*kept.visits, *evidence(timed("resnet20", "chromium-wasm", 0.003, **told)).rows])
    assert PRIVACY.measure(leaky).word == "refuted"


def test_privacy_is_not_said_to_be_measured_by_runs_that_did_not_look(kept):
    verdict = PRIVACY.measure(kept)
    assert verdict.word == "qualified"
    assert "no run watched" in verdict.short


def test_a_server_that_sends_files_instead_is_spared_with_a_but(kept):
    verdict = SERVER.measure(kept)
    assert verdict.word == "qualified"
    doubtful = [
        replace(one, servers=[replace(server, doubts=["drifted"]) for server in one.servers]) for one in kept.decisions
    ]
    assert "(!)" not in verdict.table
    assert "(!)" in SERVER.measure(replace(kept, decisions=doubtful)).table


def test_two_runs_of_a_machine_are_both_shown_and_neither_hides_the_other():
    first, second = (evidence(timed("resnet20", "chromium-wasm", 0.003, ratio)) for ratio in (6.0, 12.0))
    verdict = SLOWER.measure(Evidence([*first.rows, *second.rows]))
    assert "6.00" in verdict.table
    assert "12.00" in verdict.table
    both = [row for rate in (100, 30) for row in evidence(weaker("resnet20", "chromium-wasm", rate)).rows]
    table = WEAK.measure(Evidence(both)).table
    assert "100 " in table
    assert "30 " in table


def test_a_weak_client_of_the_runs_that_decide_counts_too():
    visited = evidence(weaker("resnet20", "chromium-webnn", 30)).rows
    assert WEAK.measure(Evidence((), visits=visited)).word == "refuted"


def test_a_runtime_with_as_many_threads_as_it_likes_is_not_said_to_have_one():
    verdict = SLOWER.measure(evidence(timed("resnet20", "chromium-webnn", 0.001, 2.0, **{keys.THREADS: None})))
    assert "WebNN on as many as it likes" in verdict.short


def test_the_slowest_of_a_run_is_held_against_its_own_and_keeps_its_marks():
    doubt = {keys.TRUST: {keys.DOUBTS: {"drift": "drifted"}}}
    slow = evidence(*(timed(model, "server-cpu", time, **doubt) for model, time in zip(STUDYS, (3, 2, 1), strict=True)))
    quick = evidence(*(timed(model, "server-cpu", time) for model, time in zip(STUDYS, (0.9, 0.6, 0.3), strict=True)))
    verdict = SLOWEST.measure(Evidence([*slow.rows, *quick.rows]))
    assert "the slowest on 1 of 1" in verdict.short
    assert "yes (!)" in verdict.table


def test_clients_keep_the_marks_of_both_sides(kept):
    assert any(one.clients.is_measured and one.clients.factor > 1 for one in kept.decisions)
    assert "times weaker, emulated" in SEVERAL.measure(kept).table
    doubtful = [
        replace(one, servers=[replace(server, doubts=["drifted"]) for server in one.servers]) for one in kept.decisions
    ]
    table = SEVERAL.measure(replace(kept, decisions=doubtful)).table
    assert all("(!)" in line for line in table.splitlines()[2:])


def test_each_run_is_told_with_its_day_and_commit(kept):
    told = page(kept).partition("## The runs")[2]
    for run in kept.runs:
        line = next(line for line in told.splitlines() if f"{run.file.parent.name}/{run.file.name}`" in line)
        assert run.saved[:10] in line
        assert run.commit.id[:9] in line


def test_untrained_and_doubtful_networks_are_marked_in_the_readme(kept):
    lines = {line.split("`")[1]: line for line in answer_table(kept).splitlines() if "`" in line}
    assert "`resnet20` " in lines["resnet20"]
    assert "`resnet50`*" in lines["resnet50"]
    doubtful = {row.model for row in kept.single if row.result.is_untrained and row.result.doubts and row.ratio}
    assert all("(!)" in lines[model] for model in doubtful)


def test_the_readmes_sentences_say_what_its_table_does(kept):
    _, _, *lines = answer_table(kept).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    times, strong, weaker = ([row[at] for row in cells if row[at] != "–"] for at in (2, 3, 4))
    slower, earlier, once, devices = sentences(kept)
    ends = [float(end) for cell in times for end in cell.removesuffix(" (!)").split(" to ")]
    assert f" {min(ends)} to {max(ends)} times" in slower
    assert ("(!)" in slower) == any("(!)" in cell for cell in times)
    for column, clients in ((strong, "models on a client as strong as the server"), (weaker, "on one 4 times weaker")):
        sure = [cell for cell in column if cell.startswith("always")]
        assert re.search(rf"with {len(sure)} of {len(column)}( \(!\))? {clients}", earlier)
    assert all(f"{row[5]}" in once for row in cells if row[0] in ("`resnet20`", "`resnet50`*"))
    assert kept.joined
    assert all(row.machine.removesuffix(", loopback") in devices for row in kept.joined)


def doubted(decision):
    """Return a decision whose client is in doubt."""
    candidates = [replace(one, doubts=["drifted"]) for one in decision.clients.candidates]
    return replace(
        decision,
        clients=replace(decision.clients, candidates=candidates),
        answers=[replace(one, client=candidates[0]) for one in decision.answers],
    )


def test_the_readmes_first_visit_keeps_the_marks_of_its_client(kept):
    def visits(evidence):
        return next(line.split("|")[6:8] for line in answer_table(evidence).splitlines() if "`resnet50`" in line)

    doubtful = replace(kept, decisions=[*map(doubted, kept.decisions)])
    assert not any("(!)" in cell for cell in visits(kept))
    assert all("(!)" in cell for cell in visits(doubtful))
    assert re.search(r"first visit\*\*: [\d.]+ s to \d+ s \(!\)", [*sentences(doubtful)][2])
    assert "s (!)" not in [*sentences(kept)][2]


def test_a_page_that_is_in_doubt_to_freeze_is_marked(kept):
    def frozen(decision, is_doubtful):
        freezes = replace(decision.client.burden, longest_task=Span.exactly(0.1), is_doubtful=is_doubtful)
        candidates = [replace(one, burden=freezes) for one in decision.clients.candidates]
        return replace(decision, clients=replace(decision.clients, candidates=candidates))

    for is_doubtful in (True, False):
        told = answer_table(replace(kept, decisions=[frozen(one, is_doubtful) for one in kept.decisions]))
        cell = next(line for line in told.splitlines() if "`resnet20`" in line).split("|")[4]
        assert cell.strip() == ("always † (!)" if is_doubtful else "always †")


def test_the_readme_tells_of_which_machine_and_client_its_table_is(kept):
    told = where(kept)
    assert told.startswith(f"On {kept.single[0].machine}, ")
    assert all(f"`{one.client.platform}`" in told for one in kept.decisions if one.clients.factor == 1)
    assert where(NOTHING) == ""
    assert "What decides" not in told
    moved = replace(kept, visits=evidence(timed("resnet20", "chromium-wasm", 0.003), machine="EPYC").rows)
    assert "What decides who wins is of EPYC, 2 cores." in " ".join(where(moved).split())


def test_of_what_was_not_measured_the_readme_says_nothing():
    assert [*sentences(NOTHING)] == []


def test_a_line_ends_in_no_code():
    text = filled(f"{'word ' * 24}`tox run -e bench -- --slowdown 4`", "- ")
    assert "\n  `tox run -e bench -- --slowdown 4`" in text
