"""Two small checkouts in lockstep: what is matched, who computes when, what each benchmark is called, and who dies."""

import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gate_helpers import measurements
from helpers import FAKE_PLATFORMS, INI, ROOT, clean_environment, command_line

from benchmarks.gate import pair, screen
from benchmarks.gate.decide_starts import LogRatio, Rules
from benchmarks.gate.measurements import CONFIRM, SCREEN, Measurements
from benchmarks.gate.pair import Match, Matched, SideError, Version, match
from benchmarks.gate.verdicts import Outcome, Verdict
from benchmarks.results import Result
from benchmarks.run.lockstep import Schedule

# The folder's name tells a side which of the two it is.
PRELUDE = (
    f"""{FAKE_PLATFORMS}
from dataclasses import replace
from pathlib import Path
SIDE = Path.cwd().name
with open("processes", "a") as lines:
    print(os.getpid(), file=lines)
RUN = len(Path("processes").read_text().splitlines())
ALL = ("failing", "fading", "equal", "slower", "absent", "threads", "clock", "scattered")
"""
    + """
class TurnSession(FakeSession):
    def __init__(self, platform, case):
        super().__init__(platform, case)
        self.name, self.is_head, self.answer = platform.name, SIDE == "head", None
    @property
    def facts(self):
        two = self.name == "scattered" or (self.name == "threads" and self.is_head)
        clock = "sundial" if self.name == "clock" and self.is_head else "fake.clock"
        return replace(super().facts, threads=2 if two else 1, clock=clock)
    def keep_on(self, core):
        if core is not None:
            with open("cores", "a") as lines:
                print(RUN, self.name, self.start, core, file=lines)
    def renew(self):
        self.start += 1
        with open("renewals.jsonl", "a") as lines:
            print(json.dumps([RUN, self.name, self.start, time.monotonic()]), file=lines)
        if self.name == "fading" and self.is_head and self.start == 2:
            raise PlatformError("fading: gave up in its third start; ask again")
    def outputs(self, feeds, factor=1, offset=0):
        self.answer = self.answer or super().outputs(feeds)  # takes long
        return self.answer
    def seconds(self):
        return 1e-4 * ({"slower": 1.5, "scattered": 1 + self.start % 2}.get(self.name, 1) if self.is_head else 1)
    def time(self, feeds, rounds, iterations=1):
        start = time.monotonic()
        if self.name == "failing" and self.is_head:
            raise PlatformError("failing: gave up; ask again")
        if self.name == "dying" and self.is_head:
            os._exit(7)
        outputs = self.outputs(feeds)
        time.sleep(rounds * self.seconds())
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls > 2:  # before the first start, both sides look at once whether a sample is long enough
            with open("blocks.jsonl", "a") as lines:
                print(json.dumps([RUN, self.name, start, time.monotonic(), SIDE, self.start]), file=lines)
        return Block([self.seconds()] * rounds, outputs, None)  # a clock that no busy machine disturbs

FakeSession = TurnSession
platforms.PLATFORMS.clear()
for name in (*ALL, "dying", "added", "gone"):
    platforms.PLATFORMS[name] = FakePlatform(name)
platforms.DEFAULT_SWEEP = (*ALL, "added" if SIDE == "head" else "gone")
"""
)
QUICK = ("--model=resnet8", "--batch-size=1", "--benchmark-warmup=off", "--benchmark-max-time=0.12")
RULES = Rules(starts=3, screen=1, least=1, confirm=2)
LATENCY = (ROOT / "benchmarks" / "test_latency.py").read_text()


@pytest.fixture
def versions(tmp_path, outside_xdist):
    """Two checkouts: their suite is the project's, of platforms that are none."""
    for side, file in (("base", "test_old.py"), ("head", "test_new.py")):
        folder = tmp_path / side / "benchmarks"
        folder.mkdir(parents=True)
        (folder.parent / "pytest.ini").write_text(INI)
        (folder.parent / "conftest.py").write_text(PRELUDE + (ROOT / "conftest.py").read_text())
        (folder / "test_latency.py").write_text(LATENCY)
        (folder / file).write_text(LATENCY.replace("test_latency", "test_again"))
    return [Version(side, tmp_path / side, Path(sys.executable)) for side in ("base", "head")]


def blocks(versions):
    """Return what both sides computed, in the order of time: run, platform, from, until, side, start."""
    drawn = []
    for version in versions:
        file = version.checkout / "blocks.jsonl"
        drawn += map(json.loads, file.read_text().splitlines() if file.exists() else ())
    return sorted(drawn, key=lambda block: block[2])


def processes(versions):
    files = [version.checkout / "processes" for version in versions]
    return [int(line) for file in files if file.exists() for line in file.read_text().split()]


def alive(versions):
    return [pid for pid in processes(versions) if "--lockstep" in command_line(pid)]


def chosen(*platforms):
    return (*QUICK, "-k", "test_latency", *(f"--platform={platform}" for platform in platforms))


def gate(versions, arguments, rules=RULES):
    folder = versions[0].checkout.parent / "runs"
    folder.mkdir()
    return screen.gate(versions, arguments, folder, rules)


# Matching


def identity(sha256="ab", function="test_latency", **parameters):
    return {"function": function, "sha256": sha256, "platform": "server-cpu", "batch_size": 1, **parameters}


def test_what_has_the_same_name_is_the_same_whatever_became_of_it():
    matched = match({"a": identity("1"), "b": identity("2")}, {"b": identity("2"), "a": identity("3")})
    assert matched == Matched([Match("a", "a"), Match("b", "b")], [], [])


def test_another_name_for_the_same_file_and_parameters_is_renamed():
    base = {"a": identity("1"), "b": identity("2"), "c": identity("3"), "d": identity("4")}
    head = {"a": identity("1"), "x": identity("3"), "y": identity("2", batch_size=8), "z": identity("4", "test_device")}
    assert match(base, head) == Matched([Match("a", "a"), Match("c", "x")], ["y", "z"], ["b", "d"])


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ({"a": identity()}, {"x": identity(), "y": identity()}),
        ({"a": identity(None)}, {"x": identity(None)}),  # a file that is absent
    ],
)
def test_what_may_be_renamed_in_two_ways_is_new_and_missing(base, head):
    assert match(base, head) == Matched([], [*head], [*base])


def test_of_two_that_may_have_become_the_same_one_is_missing():
    matched = match({"a": identity(), "b": identity()}, {"x": identity()})
    assert (len(matched.both), matched.new, matched.missing) == (1, [], ["b"])


# A whole gate

VERDICTS = {
    "failing": "failed",
    "fading": "failed",
    "equal": "same",
    "slower": "slower",
    "absent": "missing",
    "threads": "not comparable",
    "clock": "not comparable",
    "scattered": "not gated",
    "gone": "missing",
    "added": "new",
}


def test_a_gate_gives_each_benchmark_its_verdict_and_lets_one_side_compute_at_a_time(versions):
    measured = gate(versions[::-1], (*QUICK, "-k", "test_latency or equal"))  # sides go by their names
    assert measured.problems == []
    rows = {row.name: row for row in screen.rows(measured, RULES)}
    latency = {name.partition("-")[2].partition("-")[0]: row for name, row in rows.items() if "latency" in name}
    assert {name: str(row.verdict) for name, row in latency.items()} == VERDICTS, rows
    again = rows["test_again[resnet8-equal-b1]"]
    assert (again.verdict, again.renamed_from) == (Verdict.RENAMED, again.name)  # its file has another name
    assert latency["failing"].why == "head: failed: failing: gave up; ask again"
    assert latency["fading"].why == "head: failed: fading: gave up in its third start; ask again"
    assert latency["absent"].why == "on both sides: absent: no such thing; buy one"
    assert latency["threads"].why == "threads 1 and 2"
    assert latency["clock"].why == "clock fake.clock and sundial"
    assert latency["scattered"].why.startswith("too much spread on several threads; it may be up to ")
    assert latency["slower"].effect.value == pytest.approx(0.5)
    assert_one_at_a_time(versions)
    assert_neighbours(versions)
    assert_starts_at_once(versions)
    assert_one_core(versions)
    assert alive(versions) == []
    assert len(processes(versions)) == 2 * (RULES.screen + RULES.confirm)


def assert_one_at_a_time(versions):
    drawn = blocks(versions)
    assert len(drawn) > 200
    for earlier, later in itertools.pairwise(drawn):
        assert earlier[3] <= later[2], f"{earlier} and {later} overlap"


def assert_neighbours(versions):
    """Hold the blocks of every benchmark in each pair of processes against turns of one of each side."""
    firsts = set()
    both = (block for block in blocks(versions) if block[1] not in {"failing", "fading"})
    for key, group in itertools.groupby(both, key=lambda block: block[:2]):
        sides = [block[4] for block in group]
        turns = [*zip(sides[::2], sides[1::2], strict=False)]
        shared = turns[: min(sides.count("base"), sides.count("head"))]
        assert len(shared) >= 4, key
        assert all({*turn} == {"base", "head"} for turn in shared), (key, sides)
        firsts |= {turn[0] for turn in shared}
    assert firsts == {"base", "head"}  # drawn by lot


def assert_starts_at_once(versions):
    """Hold it that no side opens its next start before both have drawn all blocks of the one before."""
    drawn, renewed = blocks(versions), []
    for version in versions:
        renewed += map(json.loads, (version.checkout / "renewals.jsonl").read_text().splitlines())
    assert {(name, start) for _, name, start, _ in renewed} >= {("slower", 1), ("slower", 2), ("fading", 2)}
    for run, name, start, when in renewed:
        if name == "equal":  # which has two benchmarks
            continue
        own = [block for block in drawn if block[:2] == [run, name]]
        assert all(block[3] <= when for block in own if block[5] < start)
        assert all(block[2] >= when for block in own if block[5] >= start)
    left_alone = {(block[4], block[5]) for block in drawn if block[1] == "fading"}
    assert left_alone == {("base", 0), ("head", 0), ("base", 1), ("head", 1), ("base", 2)}


def assert_one_core(versions):
    """Hold it that both sides of a start computed on one core."""
    lines = [(version.checkout / "cores").read_text().splitlines() for version in versions]
    base, head = ({line for line in side if "equal" not in line} for side in lines)  # which has two benchmarks
    assert head <= base  # which alone is in the third start of what fails there
    assert {line.split()[1] for line in base - head} <= {"failing", "fading", "threads"}
    starts = {line.rpartition(" ")[0] for line in base}
    assert len(starts) == len(base)
    assert {start.split()[2] for start in starts} == {"0", "1", "2"}


# What the samples become


def drawn(*starts, seconds=(1e-3,)):
    """Return a result of starts of so many samples in each turn, all of a start of the same seconds."""
    every = itertools.cycle(seconds)
    samples = [value for value, turns in zip(every, starts, strict=False) for turn in turns for _ in range(turn)]
    return Result.of({"name": "one", "stats": {"data": samples}, "extra_info": {"starts": [*map(list, starts)]}})


def test_samples_are_told_apart_by_starts_and_turns():
    assert drawn((2, 1), (3,), seconds=(1e-3, 2e-3)).starts == [[[1e-3] * 2, [1e-3]], [[2e-3] * 3]]


def test_each_start_has_a_value_and_the_surplus_of_a_side_has_none():
    base, head = drawn((5, 5), (5, 5)), drawn((6, 4, 5), (5, 5), (5,), seconds=(2e-3, 1e-3, 9e-3))
    assert [one.quartile for one in screen.log_ratios(base, head)] == [pytest.approx(math.log(2)), 0.0]


def test_sides_of_which_one_makes_a_sample_of_more_inferences_are_compared_in_rows_of_as_many():
    generator = np.random.default_rng(1)
    turns = 1e-3 * (1 + generator.exponential(0.1, (50, 24)))  # scattered, and the same on both sides
    info = {"stats": {}, "name": "one", "extra_info": {"starts": [[24] * 50]}}
    base = Result.of({**info, "stats": {"data": turns.flatten().tolist()}})
    rows = turns.reshape(50, 12, 2).mean(2).flatten().tolist()
    of_rows = {"stats": {"data": rows, "iterations": 2}, "extra_info": {"starts": [[12] * 50]}}
    head = Result.of({**info, **of_rows})
    for one, other in ((base, head), (head, base)):
        (value,) = screen.log_ratios(one, other)
        assert (value.quartile, value.mean) == (pytest.approx(0), pytest.approx(0))


def test_a_start_without_turns_fails():
    (value,) = screen.log_ratios(drawn((5, 5)), drawn(()))
    measured = measurements(Matched([Match("one", "one")], [], []), {"one": [value] * 4})
    (row,) = screen.rows(measured, RULES)
    assert (row.verdict, row.why.partition(":")[0]) == (Verdict.FAILED, "4 of 4 starts are not numbers")


@pytest.mark.parametrize(
    ("count", "reasons", "verdict"),
    [
        (3, ["head: failed: once"], Verdict.FAILED),
        (3, ["head: absent"], Verdict.FAILED),  # and the next pair had it
        (0, ["head: absent", "head: failed: once"], Verdict.FAILED),
        (0, ["on both sides: no result, and no reason"], Verdict.FAILED),
        (0, ["head: absent", "head: absent"], Verdict.MISSING),
    ],
)
def test_what_one_pair_of_processes_lacks_is_not_made_up_by_the_others(count, reasons, verdict):
    starts = screen.log_ratios(drawn((5, 5)), drawn((5, 5))) * count
    measured = measurements(
        Matched([Match("a", "a")], [], []), {"a": starts} if starts else {}, failures={"a": reasons}
    )
    (row,) = screen.rows(measured, RULES)
    assert (row.verdict, row.why) == (verdict, "; ".join(dict.fromkeys(reasons)))


def doubtful(**doubts):
    saved = {"data": [1e-3] * 4, "min": 1e-3, "median": 1e-3, "mean": 1e-3, "rounds": 4}
    extra_info = {"starts": [[2, 2]], "trust": {"doubts": doubts}}
    return Result.of({"name": "a", "stats": saved, "extra_info": extra_info})


def pairs_of(stage, *sides):
    """Return pairs of processes with the base's and the head's result of each."""
    for number, results in enumerate(sides, 1):
        saved = {side: screen.Saved({}, {"a": one}, {}) for side, one in zip(("base", "head"), results, strict=True)}
        yield screen.comparison(stage, number, Match("a", "a"), saved)


def test_a_verdict_tells_what_the_results_that_it_rests_on_doubt_of_themselves():
    sound, hot = doubtful(), doubtful(throttled="it was throttled 3 times", stolen="the host took 5%")
    hotter = doubtful(throttled="it was throttled 9 times")
    beside = doubtful(other_programs="other programs used 0.5 cores", margin="other starts may differ by ±20%")
    screened = [*pairs_of(SCREEN, (sound, hot), (hot, hotter))]
    measured = Measurements(Matched([Match("a", "a")], [], []), screened)
    (row,) = screen.rows(measured, RULES)
    assert row.doubts == "3 of 4 results: it was throttled 3 to 9 times; 2 of 4 results: the host took 5%"
    fresh = [*pairs_of(CONFIRM, (beside, beside))]
    (row,) = screen.rows(replace(measured, comparisons=[*screened, *fresh]), RULES)
    assert row.doubts == ""  # of the fresh starts, in which the other side is the other program


@pytest.mark.parametrize(("fresh", "verdict"), [(4, Verdict.NOT_GATED), (2, Verdict.UNDECIDED)])
def test_only_spread_that_was_seen_excuses_several_threads(fresh, verdict):
    wild = [LogRatio(step, 0.0) for step in (0.5, -0.3, 0.4, -0.2)]
    measured = measurements(Matched([Match("a", "a")], [], []), {"a": wild}, {"a": wild[:fresh]}, threads={"a": 2})
    (row,) = screen.rows(measured, RULES)
    assert row.verdict is verdict


# What goes wrong

CALM = Rules(starts=2, screen=1, least=1, confirm=1)


def only_problem(measured):
    (problem,) = measured.problems
    return problem


def test_a_side_that_dies_ends_the_gate_and_the_other_side(versions):
    measured = gate(versions, chosen("equal", "dying", "slower"), CALM)
    problem = only_problem(measured)
    assert problem.startswith("head: ended with 7 before it was through; ")
    assert problem.splitlines()[0].endswith("screen-1-head.log ends with")
    assert problem.splitlines()[-1].startswith("benchmarks/test_latency.py::test_latency[resnet8-dying-b1]")
    assert alive(versions) == []
    assert "slower" not in {block[1] for block in blocks(versions)}  # nobody runs on alone
    rows = screen.rows(measured, CALM)
    assert {(row.verdict, row.why) for row in rows} == {(Verdict.FAILED, "not measured")}
    assert Outcome("", "", rows, problems=measured.problems).exit == 2


def test_a_side_that_is_killed_while_it_waits_is_noticed(versions):
    folder = versions[0].checkout.parent
    with pair.started(versions, chosen("equal"), folder, "one") as sides:
        base, head = sides
        wanted = pair.match(base.at[1], head.at[1]).both
        os.kill(head.process.pid, signal.SIGKILL)
        head.process.wait()
        with pytest.raises(SideError, match="head: ended with -9 before it was through"):
            pair.run_pair(sides, wanted, Schedule(), int)
    assert alive(versions) == []


def test_a_side_that_hangs_is_killed_in_the_end(versions, monkeypatch):
    with pair.started(versions[1:], chosen("equal"), versions[0].checkout.parent, "one") as (head,):
        os.kill(head.process.pid, signal.SIGSTOP)
        monkeypatch.setattr(pair, "PATIENCE", 0.1)
        monkeypatch.setattr(pair, "GRACE", 0.1)
        head.go({})
        with pytest.raises(SideError, match=r"head: no report for 0\.1 s, last at .*one-head\.log ends with"):
            head.wait()
        assert head.process.returncode == -signal.SIGKILL


def test_an_option_that_the_suite_refuses_is_told_in_its_own_words(versions):
    problem = only_problem(gate(versions, ("--nonsense",), CALM))
    assert "unrecognized arguments: --nonsense" in problem


def test_what_takes_no_turns_is_refused_by_name(versions):
    load = (ROOT / "benchmarks" / "test_load.py").read_text()
    for version in versions:
        (version.checkout / "benchmarks" / "test_load.py").write_text(load)
    problem = only_problem(gate(versions, (*QUICK, "--platform=equal"), CALM))
    assert ": collected nothing; " in problem
    assert "ERROR: benchmarks/test_load.py::test_load[resnet8-equal-b1-process] takes no turns" in problem


def test_a_suite_that_cannot_be_read_is_a_problem(versions):
    (versions[1].checkout / "benchmarks" / "test_latency.py").write_text("import nothing_of_the_sort")
    problem = only_problem(gate(versions, QUICK, CALM))
    assert problem.startswith("head: ")
    assert "No module named 'nothing_of_the_sort'" in problem


def test_a_suite_without_benchmarks_passes_nothing(versions):
    measured = gate(versions, (*QUICK, "-k", "nothing"), CALM)
    assert measured.problems == []
    assert screen.rows(measured, CALM) == []
    assert Outcome("", "", []).exit == 2


def test_a_gate_in_which_nothing_runs_to_its_end_tells_why(versions):
    measured = gate(versions, chosen("failing"), CALM)
    (row,) = screen.rows(measured, CALM)
    assert row.verdict is Verdict.FAILED
    assert row.why == "head: failed: failing: gave up; ask again"
    assert measured.problems == []


def test_a_side_that_cannot_be_started_leaves_no_pipe_open(versions, tmp_path):
    before = {*os.listdir("/proc/self/fd")} if Path("/proc/self/fd").is_dir() else None
    gone = Version("head", versions[1].checkout, tmp_path / "no-python")
    with pytest.raises(FileNotFoundError, match="no-python"), pair.started([gone], (), tmp_path, "one"):
        pass
    assert before is None or {*os.listdir("/proc/self/fd")} == before


GATE = """
import signal, sys
from pathlib import Path
from benchmarks.gate import screen, report
from benchmarks.gate.decide_starts import Rules
from benchmarks.gate.pair import Version
from benchmarks.gate.verdicts import Outcome
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
Path("runs").mkdir()
rules = Rules(screen=50, starts=2)
versions = [Version(name, Path(name).resolve(), Path(sys.executable)) for name in ("base", "head")]
measured = screen.gate(versions, sys.argv[1:], Path("runs").resolve(), rules)
outcome = Outcome("", "", screen.rows(measured, rules), problems=measured.problems, notes=screen.notes(measured))
print(*report.lines(outcome), sep="\\n")
sys.exit(outcome.exit)
"""


def test_a_gate_that_is_interrupted_ends_both_sides_and_tells_what_it_measured(versions):
    folder = versions[0].checkout.parent
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", GATE, *chosen("equal"), "--benchmark-max-time=0.5"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: {block[0] for block in blocks(versions)} == {1, 2} and len(alive(versions)) == 2)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 2, output
    assert "problem  interrupted: not everything was measured" in output
    assert re.search("note     [12] pairs of processes' benchmarks", output), output
    assert "witness: the calibration workload's p10" in output
    assert alive(versions) == []


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
