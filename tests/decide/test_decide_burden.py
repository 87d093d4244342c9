"""What a client does to its page: what is marked, what is not, and what nobody measured."""

import csv
import io
import json

import pytest
from decide_runs_made_up import (
    COMPRESSED,
    UNCOMPRESSED,
    blocking,
    client,
    memory,
    network,
    remote,
    result,
    run,
    save,
    whole,
)
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.decide import __main__ as command
from benchmarks.decide import formulas, report, runs, table, words
from benchmarks.decide.answers import decide, money
from benchmarks.decide.burden import FRAME, Burden, burden
from benchmarks.decide.measured import Client, Download, Reading, read
from benchmarks.decide.missing import missing
from benchmarks.decide.prices import Prices
from benchmarks.decide.sentences import sentence, sentences_of
from benchmarks.decide.sides import classes, served
from benchmarks.decide.spans import NOTHING, Span
from benchmarks.measuring.starts import Figure
from benchmarks.results import keys
from browser_harness.network import LOOPBACK, PROFILES, Conditions

FAR = Conditions("far", 0.1, 9e6, 3e6)
MB = 10**6
SHORT = Span.exactly(0.001)
seconds = st.floats(0.0, 100.0)
sizes = st.integers(0, 10**10)


def decided(tmp_path, *results, budget=None):
    """Return the decision for the machine as it is, of results beside those that are needed."""
    (model,) = read([run(tmp_path, *whole(later=0.003), *results)])
    return decide(model, classes(model, budget=budget)[0], served(model), [FAR])


def frozen(longest_task, doubts=()):
    """Return a client whose page had a task that long."""
    reading = Reading(Span.exactly(longest_task), "machine", "name", doubts)
    return Client("machine", "chromium-wasm", longest_task=reading)


@given(seconds)
def test_a_page_is_marked_where_its_longest_task_is_longer_than_a_frame(longest_task):
    found = Burden(Span.exactly(longest_task))
    assert found.freezes is found.is_marked is (longest_task > FRAME)
    assert found.is_light is not found.is_marked
    assert bool(found.marks) is found.is_marked


@given(sizes, sizes)
def test_a_page_is_marked_where_it_takes_more_than_its_budget(taken, budget):
    found = Burden(NOTHING, memory=taken, budget=budget)
    assert found.is_over_budget is found.is_marked is (taken > budget)


@given(seconds, st.integers(1, 20), st.integers(1, 20))
def test_a_weaker_client_freezes_no_less(longest_task, factor, by):
    one, other = (burden(None, frozen(longest_task), times) for times in (factor, factor + by))
    assert one.longest_task.value <= other.longest_task.value
    assert (one.is_by_factor, other.is_by_factor) == (factor > 1, True)


def test_what_was_measured_of_a_weaker_client_is_not_computed():
    found = burden(frozen(0.05), frozen(0.02), 4)
    assert (found.longest_task, found.is_by_factor) == (Span.exactly(0.05), False)


def test_what_was_not_measured_is_neither_marked_nor_light():
    for found in (Burden(), Burden(SHORT, budget=1)):
        assert not found.is_marked
        assert not found.is_light
    assert Burden().all_words == ["whether it freezes the page is not measured (-m blocking)"]
    assert Burden(SHORT, budget=1).all_words[1] == "its memory is not measured (-m memory)"
    assert Burden(SHORT).is_light  # there is no budget that it could exceed


def test_the_sentence_tells_that_the_page_freezes_and_who_would_not(tmp_path):
    frozen = [blocking("resnet20", 0.243), *client("resnet20", 0.0035, "chromium-wasm@worker")]
    alone = sentence(decided(tmp_path, *frozen))
    assert "the client (chromium-wasm), whatever the network (freezes the page for 243 ms; no other client is" in alone
    beside = sentence(decided(tmp_path, *frozen, blocking("resnet20", 0.002, "chromium-wasm@worker")))
    assert "(freezes the page for 243 ms; in a worker it would not: 3.50 ms)" in beside
    other = [*client("resnet20", 0.004, "chromium-webnn"), blocking("resnet20", 0.002, "chromium-webnn")]
    assert "; chromium-webnn would not: 4.00 ms)" in sentence(decided(tmp_path, *frozen, *other))


def test_the_client_that_is_marked_still_answers_first_and_the_border_of_the_other_is_told(tmp_path):
    worker = [*client("resnet20", 0.9, "chromium-wasm@worker"), blocking("resnet20", 0.002, "chromium-wasm@worker")]
    found = decided(tmp_path, blocking("resnet20", 0.243), *worker)
    assert (found.client.platform, found.light.client.platform) == ("chromium-wasm", "chromium-wasm@worker")
    assert found.light.border.value == pytest.approx(0.9 - 0.004 - (13543 + 1140) * 8 / 9e6)
    told = [*table.lines([found], [])]
    assert any(line.startswith("* chromium-wasm: 3.00 ms") for line in told)
    assert any(line.startswith("  chromium-wasm@worker: 900 ms") for line in told)
    assert any(
        line.startswith("without those that are marked: chromium-wasm@worker, and the border is") for line in told
    )
    assert sum("client*" in line for line in told) == 1  # later on; first answers are the server's
    star = "* A client that is marked: its page is frozen for more than a frame (1/60 s)"
    assert any(line.startswith(star) for line in told)
    assert told[-1].startswith("resnet20 on ")  # the answers are last: they stand above the prompt


def test_a_client_that_does_not_freeze_is_not_marked(tmp_path):
    found = decided(tmp_path, blocking("resnet20", 0.004))
    assert "freezes" not in sentence(found)
    told = "\n".join(table.lines([found], []))
    assert "does not freeze the page (longest task 4.00 ms, and up to 17% of its frames are missed)" in told
    assert "*" not in told
    assert found.light is None


def test_a_page_that_may_freeze_is_not_told_as_one_that_does_not(tmp_path):
    worker = [
        *client("resnet20", 0.9, "chromium-wasm@worker"),
        blocking("resnet20", 0.012, "chromium-wasm@worker", share=1),
    ]
    found = decided(tmp_path, blocking("resnet20", 0.084, share=0.9), *worker)
    assert "freezes the page for 84.0 ms (8.40 to 160); no other client is known not to" in sentence(found)
    assert "    may freeze the page (longest task 12.0 ms (0 to 24.0), and up to 17% of its frames are missed)" in [
        *table.lines([found], [])
    ]
    assert found.light is None
    alone = Burden(Span.of(Figure(0.001, 1)))
    assert alone.all_words == ["may freeze the page (longest task 1.00 ms (no interval: too few starts))"]
    assert not alone.is_light


def test_a_doubtful_task_says_so(tmp_path):
    doubtful = {keys.TRUST: {keys.DOUBTS: {"rest": "the page drew 31 frames a second at rest"}}}
    assert "freezes the page for 243 ms (!)" in sentence(decided(tmp_path, blocking("resnet20", 0.243, **doubtful)))


def test_weaker_clients_freeze_by_the_factor_unless_it_was_measured(tmp_path):
    brake = {keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.1}
    slowed = [result("latency", "resnet20", "chromium-wasm@4x", 0.012, 1, **brake)]
    slowed.append(blocking("resnet20", 0.05, "chromium-wasm@4x", **brake))
    (model,) = read([run(tmp_path, *whole(), blocking("resnet20", 0.01), *slowed)])
    found = {one.factor: one.answering.burden for one in classes(model)}
    assert {factor: one.longest_task.value for factor, one in found.items()} == pytest.approx(
        {1: 0.01, 2: 0.02, 4: 0.05, 6: 0.06, 10: 0.1}
    )
    assert {factor: one.is_by_factor for factor, one in found.items()} == {
        1: False,
        2: True,
        4: False,
        6: True,
        10: True,
    }
    assert [one.frames_missed for one in found.values()] == pytest.approx([1 / 6, None, 1 / 6, None, None])
    assert found[2].marks == ["freezes the page for 20.0 ms, by the factor"]


def test_memory_is_judged_by_the_budget_of_the_files_or_by_another(tmp_path):
    sizes = [memory("resnet20", 150 * MB), memory("resnet20", 212 * MB, caches="warm")]
    without = decided(tmp_path, *sizes).client.burden
    assert (without.memory, without.is_over_budget) == (212 * MB, None)
    assert without.all_words[1] == "takes 212 MB of memory"
    of_files = [{**one, "extra_info": {**one["extra_info"], keys.MEMORY_BUDGET: 200 * MB}} for one in sizes]
    found = decided(tmp_path, *of_files)
    assert found.client.burden.is_over_budget
    assert "(takes 212 MB of memory, more than the budget of 200 MB; no other client is known not to)" in sentence(
        found
    )
    anew = decided(tmp_path, *of_files, budget=300 * MB).client.burden
    assert (anew.is_marked, anew.all_words[1]) == (False, "takes 212 MB of memory, within the budget of 300 MB")


def test_memory_is_of_the_opening_that_took_most_where_the_run_tells_it(tmp_path):
    told = memory("resnet20", 150 * MB, **{keys.TAKEN: 160 * MB})
    assert decided(tmp_path, told).client.burden.memory == 160 * MB


def test_memory_that_the_system_did_not_tell_is_not_known(tmp_path):
    told = memory("resnet20", 150 * MB)
    del told["extra_info"][f"{keys.MEMORY}before"]
    assert decided(tmp_path, told).client.burden.memory is None


def test_what_is_not_known_of_the_page_is_told_with_the_command(tmp_path):
    (model,) = read([run(tmp_path, *whole())])
    (freezing,) = missing([model])
    assert freezing.startswith("resnet20, whether chromium-wasm freezes its page: run pytest benchmarks/")
    assert freezing.endswith("--model resnet20 -m blocking --platform chromium-wasm")
    _, taking = missing([model], budget=200 * MB)
    assert taking.endswith("--model resnet20 -m memory --platform chromium-wasm")
    (model,) = read([run(tmp_path, *whole(), blocking("resnet20", 0.05))])
    (worker,) = missing([model])
    assert worker.endswith('--model resnet20 -m "latency or blocking" --platform chromium-wasm --where worker')
    (model,) = read([run(tmp_path, *whole(), blocking("resnet20", 0.005))])
    assert missing([model]) == []
    (model,) = read([run(tmp_path, *whole(), *client("resnet20", 0.001, "chromium-webnn"))])
    assert "chromium-webnn" in missing([model])[0]
    assert "chromium-webnn" not in missing([model], ["chromium-wasm"])[0]


def test_a_runtime_in_a_worker_is_a_client_of_its_own(tmp_path):
    brake = {keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.1}
    slowed = result("latency", "resnet20", "chromium-wasm@worker@4x", 0.013, 1, **brake)
    (model,) = read([run(tmp_path, *whole(), *client("resnet20", 0.002, "chromium-wasm@worker"), slowed)])
    assert [one.name for one in model.clients.values()] == [
        "chromium-wasm",
        "chromium-wasm@worker",
        "chromium-wasm@worker@4x",
    ]
    assert classes(model)[0].answering.platform == "chromium-wasm@worker"
    assert {one.platform for one in classes(model, ["chromium-wasm"])[0].candidates} == {
        "chromium-wasm",
        "chromium-wasm@worker",
    }
    (only,) = classes(model, ["chromium-wasm@worker"])[0].candidates
    assert only.platform == "chromium-wasm@worker"
    asked = ["--platform", "chromium-wasm", "--threads", "2", "--where", "worker"]
    assert runs.clients_words(["chromium-wasm-2t@worker"]) == asked
    assert runs.clients_words(["chromium-wasm@worker"]) == ["--platform", "chromium-wasm", "--where", "worker"]


def test_what_is_fetched_is_told_as_it_travels_and_as_it_is_read(tmp_path):
    compressed = client("resnet20", 0.003, fetched=COMPRESSED)
    (model,) = read([run(tmp_path, remote("resnet20", 0.004, 0.001), *compressed)])
    found = classes(model)[0].answering
    assert found.download == Download(3_301_435, 15_004_435, 3)
    told = "\n".join(table.lines([decide(model, classes(model)[0], served(model), [FAR])], []))
    assert "; fetches 3.30 MB (15.0 MB decoded) in 3 files" in told
    (plain,) = read([run(tmp_path, *whole())])
    assert words.download(*vars(classes(plain)[0].answering.download).values()) == "15.0 MB (not compressed) in 3 files"
    assert found.first(FAR, "cold").value < classes(plain)[0].answering.first(FAR, "cold").value - 9  # of 13.3 s
    assert money(model, served(model)[0], found, Prices(1.0, 1.0)).download == pytest.approx(3.301435)
    (line,) = sentences_of(read_results(tmp_path, *compressed, result("latency", "resnet20", "server-cpu", 0.001, 1)))
    assert "before its first answer the client fetches 3.30 MB: " in line


def test_the_main_jobs_sentence_tells_what_the_page_bears_where_the_run_measured_it(tmp_path):
    timed = [*client("resnet20", 0.003), result("latency", "resnet20", "server-cpu", 0.001, 1)]
    (plain,) = sentences_of(read_results(tmp_path, *timed))
    assert "freezes" not in plain
    (line,) = sentences_of(read_results(tmp_path, *timed, blocking("resnet20", 0.243)))
    assert "; the client freezes the page for 243 ms; the server is sent" in line


def read_results(tmp_path, *results):
    return run(tmp_path, *results).results


def waterfall():
    """Return the requests of a load of 0.3 s: a script, then a model and WebAssembly at once."""
    return [
        {"path": "/ort/ort.mjs", "start": 0.0, "response": 0.002, "end": 0.003, "wire": 20_000, "decoded": 70_000},
        {"path": "/model/0", "start": 0.01, "response": 0.012, "end": 0.02, "wire": 1_000_000, "decoded": 1_000_000},
        {
            "path": "/ort/ort.wasm",
            "start": 0.012,
            "response": 0.014,
            "end": 0.03,
            "wire": 2_300_000,
            "decoded": 14_000_000,
            "compiled": 0.2,
        },
    ]


def with_waterfall(tmp_path, *results):
    """Return the clients of a model whose load was seen request by request."""
    saved = whole()
    for one in saved:
        if one["name"].startswith("test_load") and one["name"].endswith("cold]"):
            one["extra_info"][keys.DETAILS] = {keys.FETCHED: COMPRESSED, keys.WATERFALL: waterfall()}
    (model,) = read([run(tmp_path, *saved, *results)])
    return classes(model)


def test_a_first_answer_is_predicted_from_the_requests_where_a_page_saw_them(tmp_path):
    as_it_is, *weaker = with_waterfall(tmp_path)
    requests = as_it_is.answering.waterfalls["cold"]
    assert [one.path for one in requests] == ["/ort/ort.mjs", "/model/0", "/ort/ort.wasm"]
    assert requests[2].compiled == 0.2
    foreseen = formulas.first_load(requests, 0.3, FAR.round_trip, FAR.down, FAR.up)
    assert as_it_is.answering.first(FAR, "cold").value == pytest.approx(foreseen + 0.02)
    assert as_it_is.answering.first(LOOPBACK, "cold").value == pytest.approx(0.32)
    assert as_it_is.answering.first(FAR, "warm").value == pytest.approx(0.32)  # nobody saw its requests: there are none
    last = weaker[-1].answering  # what it compiles while files come takes longer, and hides as much of the network
    assert last.waterfalls["cold"][2].compiled == pytest.approx(2.0)
    assert last.first(FAR, "cold").value < foreseen + 0.02 + 9 * 0.32
    assert last.first(FAR, "cold").value >= 10 * 0.32


def test_a_load_that_was_measured_over_the_network_counts_before_its_requests(tmp_path):
    over = network("far", FAR.round_trip, FAR.down, FAR.up)
    measured = result("load", "resnet20", "chromium-wasm-over-far", 20.0, "cold", **over)
    assert with_waterfall(tmp_path, measured)[0].answering.first(FAR, "cold").value == pytest.approx(20.02)


def test_a_load_whose_files_were_sent_otherwise_does_not_stand_beside_newer_ones(tmp_path):
    def over(fetched):
        sent = {keys.DETAILS: {keys.FETCHED: fetched}}
        return result(
            "load", "resnet20", "chromium-wasm-over-far", 14.9, "cold", **network("far", 0.1, 9e6, 3e6), **sent
        )

    newer = [remote("resnet20", 0.004, 0.001), *client("resnet20", 0.003, fetched=COMPRESSED)]
    for fetched, first, left_out in (
        (UNCOMPRESSED, 4.0, ["older cold loads of chromium-wasm: their files were sent as they are, now compressed"]),
        (COMPRESSED, 14.92, []),
    ):
        older = run(tmp_path, over(fetched), started="2026-11-20T00:00:00")
        (model,) = read([run(tmp_path, *newer), older])
        assert classes(model)[0].answering.first(FAR, "cold").value == pytest.approx(first, abs=0.5)
        assert model.left_out == left_out


def test_json_and_csv_tell_what_the_page_bears(tmp_path):
    worker = [*client("resnet20", 0.9, "chromium-wasm@worker"), blocking("resnet20", 0.002, "chromium-wasm@worker")]
    sizes = [memory("resnet20", 212 * MB), memory("resnet20", 90 * MB, "chromium-wasm@worker")]
    found = decided(tmp_path, blocking("resnet20", 0.243), *worker, *sizes, budget=200 * MB)
    (told,) = json.loads(report.json_text([found], []))["decisions"]
    assert told["instead_of_marked"]["client"] == "chromium-wasm@worker"
    assert told["clients"][0]["burden"] == {
        "freezes": True,
        "longest_task": {"value": 0.243, "low": 0.243, "high": 0.243},
        "frames_missed": pytest.approx(1 / 6),
        "longest_task_is_by_factor": False,
        "longest_task_is_doubtful": False,
        "memory": 212 * MB,
        "memory_budget": 200 * MB,
        "over_budget": True,
        "marks": ["freezes the page for 243 ms", "takes 212 MB of memory, more than the budget of 200 MB"],
    }
    assert told["clients"][0]["loads_seen_by_request"] == {"cold": False, "warm": False}
    assert told["clients"][0]["fetched"]["cold"] == {"bytes": 15_004_435, "decoded": 15_004_435, "files": 3}
    (row,) = csv.DictReader(io.StringIO(report.csv_text([found])))
    assert (row["client_freezes"], row["client_longest_task"], row["client_over_budget"]) == ("True", "0.243", "True")
    assert (row["client_fetches"], row["unmarked_client"]) == ("15004435", "chromium-wasm@worker")
    (row,) = csv.DictReader(io.StringIO(report.csv_text([decided(tmp_path)])))
    assert (row["client_freezes"], row["client_memory"], row["unmarked_client"]) == ("", "", "")


def test_a_budget_is_asked_of_files_and_of_what_is_measured(tmp_path, capsys):
    file = save(tmp_path / "saved.json", *whole(), memory("resnet20", 212 * MB), blocking("resnet20", 0.001))
    options = command.parser().parse_args([str(file), "--memory-budget", "200MB"])
    assert command.run(options) == 0
    assert "(takes 212 MB of memory, more than the budget of 200 MB" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["0MB", "-1MB", "many", "MB", "1e3MB"])
def test_a_budget_that_is_none_is_refused_in_a_line(text, capsys):
    with pytest.raises(SystemExit):
        command.parser().parse_args([f"--memory-budget={text}"])
    assert "--memory-budget" in capsys.readouterr().err.splitlines()[-1]


def test_a_weaker_client_is_no_platform(capsys):
    with pytest.raises(SystemExit):
        command.parser().parse_args(["--client", "mid-tier-mobile"])
    told = capsys.readouterr().err
    assert "'mid-tier-mobile' is no platform: all weaker clients are answered for" in told
    assert "--slowdown mid-tier-mobile measures it" in told


def planned(*asked):
    """Return the runs that a command line makes of the suite, by name."""
    options = command.parser().parse_args([*asked])
    return options, {one.name: " ".join(one.words) for one in runs.basis(options, [])}


def test_where_clients_compute_and_what_they_may_take_is_asked_of_the_suite():
    _, usual = planned("--model", "resnet20")
    assert not any("--where" in words or "--memory-budget" in words for words in usual.values())
    assert "-m load or first_inference or memory" in usual["first"]  # openings tell it anyway
    _, found = planned("--model", "resnet20", "--where", "all", "--memory-budget", "200MB")
    assert "--where all" in found["later"]
    assert "--where all" in found["first"]
    assert "--memory-budget" in found["first"]
    assert "--where" not in found["server"]  # which the suite refuses: there is no client


def test_only_of_the_clients_that_answer_it_is_measured_whether_they_freeze(tmp_path):
    saved = [*whole(), *client("resnet20", 0.002, "chromium-webnn@worker")]
    models = read([run(tmp_path, *saved)])
    options, _ = planned("--where", "all")
    (one,) = runs.freezing(models, options, ["--browser-path", "x"])
    assert (one.name, one.words[:4]) == ("blocking-chromium-webnn", ["-m", "blocking", "--platform", "chromium-webnn"])
    assert one.words[4:8] == ["--where", "all", "--model", "resnet20"]
    assert one.words[-2:] == ["--browser-path", "x"]
    options, _ = planned("--blocking")
    (one,) = runs.freezing(models, options, [])
    assert one.words[2:6] == ["--platform", "chromium-wasm", "--platform", "chromium-webnn"]
    (weak,) = runs.weaker(models, options, [4], [])
    assert weak.words[:2] == ["-m", "latency or blocking"]
    options, _ = planned("--check")  # which holds no prediction to it
    (weak,) = runs.weaker(models, options, [4], [])
    assert (runs.freezing(models, options, []), weak.words[:2]) == ([], ["-m", "latency"])


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["saved.json", "--where", "worker"], "--where is for clients that are measured now; leave the files out"),
        (["saved.json", "--blocking"], "--blocking is for clients that are measured now"),
        (["--client", "chromium-wasm@worker"], "is measured by --client chromium-wasm --where worker"),
    ],
)
def test_what_would_not_be_measured_is_refused_in_a_line(asked, why):
    with pytest.raises(command.cells.CheckError, match=why):
        command.run(command.parser().parse_args(asked))


def test_a_check_measures_workers_in_a_run_of_their_own(tmp_path):
    cells, checks = command.cells, command.checks
    times = (Span.exactly(0.1), Span.exactly(0.2), Span.exactly(0.003))
    made = [
        checks.Cell("resnet20", "the client", platform, slowdown, PROFILES["cable"], "remote-cpu", times)
        for platform in ("chromium-wasm", "chromium-wasm@worker")
        for slowdown in (1, 4)
    ]
    found = {one.name: " ".join(one.words) for one in cells.plan(made, ["--starts", "3"], str)}
    assert [*found] == [
        "check-server",
        "check-client-1x",
        "check-client-4x",
        "check-client-1x-worker",
        "check-client-4x-worker",
    ]
    assert "--platform chromium-wasm --where worker --slowdown 4 --starts 3" in found["check-client-4x-worker"]
    assert "--where" not in found["check-client-1x"]
    saved = [*whole(), *client("resnet20", 0.009, "chromium-wasm@worker")]
    filled = cells.filled(made, read([run(tmp_path, *saved)]))
    assert [cell.measured[2] and cell.measured[2].value for cell in filled] == [0.003, None, 0.009, None]
