"""What makes a figure doubtful is found, said with what to do, and a quiet machine is not accused."""

import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from benchmarks.measuring import energy, trust
from benchmarks.measuring.trust import Reading, assess
from benchmarks.protocol import Block, CpuTime, Facts, Server, Slowdown
from benchmarks.quota import Group

FACTS = Facts("test", "TestProvider", 1, "test.clock", 1e-7)
QUIET = Reading(0.0, 10.0, 0.0, 5.0, {1: 1.0, 2: 4.0}, 3e9, 0, memory_wait=0.0)
STEADY = [[0.001, 0.00101, 0.00102]] * 12


def after(**changes):
    return replace(QUIET, **{"time": 2.0, "busy": 12.0, "ours": 7.0} | changes)


def of_starts(samples, count, share=1.0):
    """Return blocks of *samples*, an equal number of each of *count* starts."""
    cpu = [CpuTime(share * sum(seconds), share * sum(seconds)) for seconds in samples]
    each = len(samples) // count
    return [Block(seconds, {}, cpu[number], number // each) for number, seconds in enumerate(samples)]


def assessed(samples=STEADY, facts=FACTS, share=1.0, starts=1, **changes):
    return assess(of_starts(samples, starts, share), facts, QUIET, after(**changes))


def test_a_quiet_machine_is_not_accused():
    known = assessed()
    assert known["doubts"] == {}
    assert known["other_programs"] == 0
    assert known["drift"] == known["block_variation"] == 0
    assert not {"margin", "odd_starts"} & known.keys()  # of one start
    assert known["clock_steps"] == pytest.approx(10_100)


@pytest.mark.parametrize(
    ("changes", "words", "advice"),
    [
        ({"busy": 13.0}, "other programs used 0.5 cores", "close other programs, or read ratio"),
        ({"share": 0.5}, "had a core for 50% of the time", "close other programs, or read ratio"),
        ({"stolen": 0.2}, "the host took 10% of a core", "measure again"),
        ({"frequency": 2e9}, "the processor's frequency changed by -33%", "fix the frequency"),
        ({"memory_wait": 0.1}, "programs waited for memory for 5% of the time", "raise the memory's limit"),
        ({"throttled": 3}, "the processor was throttled 3 times", "let the processor cool"),
        ({"samples": [[0.001]] * 6 + [[0.002]] * 6, "starts": 6}, "other starts may differ by ±41%", "--starts"),
        ({"samples": [[0.001 + step / 5000] for step in range(12)]}, "drifted by +123%", "warm up longer"),
        ({"samples": [[0.001], [0.001], [0.0013]] * 4, "starts": 4}, "drifted by +30%", "warm up longer"),
        ({"samples": [[2e-6]] * 12}, "a sample is 20 steps of its clock", "larger --batch-size"),
    ],
    ids=[
        "others",
        "share",
        "stolen",
        "frequency",
        "memory",
        "throttled",
        "margin",
        "drift",
        "drift of most starts",
        "clock",
    ],
)
def test_each_doubt_is_said_with_what_to_do(changes, words, advice):
    doubts = assessed(**changes)["doubts"]
    assert words in doubts.values()
    assert any(advice in line for line in trust.advice(doubts))


def under(quota, stops, seconds):
    return {"/sys/fs/cgroup": Group(quota, 100, 9.0), "/sys/fs/cgroup/own": Group(quota, stops, seconds)}


def stopped(seconds, **changes):
    """Return what is known of a run that its quota stopped 31 times, for so many of two seconds."""
    before = replace(QUIET, groups=under(0.2, 2, 1.0))
    blocks = of_starts(STEADY, 1, changes.pop("share", 1.0))
    return assess(blocks, FACTS, before, after(groups=under(0.2, 33, 1.0 + seconds), **changes))


def test_a_quota_that_stops_the_run_is_named_and_no_other_program_is_blamed_for_that():
    doubts = stopped(1.6, share=0.2)["doubts"]
    assert doubts == {
        "stopped": "throttled: the quota of 0.2 cores (/sys/fs/cgroup/own) stopped this run 31 times, "
        "for 1.60 s of 2.00 s, its cores together"
    }
    (advice,) = trust.advice(doubts)
    assert advice == "raise or lift the quota, or read the mean: p10, median and ratio hide what it does"


def test_other_programs_are_blamed_beside_a_quota_for_what_they_did_and_nothing_that_hides_it_is_to_be_read():
    doubts = stopped(0.2, share=0.5, busy=13.0)["doubts"]
    assert doubts.keys() == {"stopped", "other_programs", "computing_share"}
    assert trust.advice(doubts)[0] == "close other programs"
    assert trust.advice([*doubts][:1]) == ["close other programs, or read ratio, p10 and cpu_seconds_per_inference"]


def test_what_helps_against_several_doubts_is_said_together():
    words = ["close other programs, draw from more with --starts, or read ratio, p10 and cpu_seconds_per_inference"]
    assert trust.advice(["margin", "other_programs", "computing_share"]) == words


def test_a_quota_that_hardly_stops_the_run_is_told_and_makes_nothing_doubtful():
    known = stopped(0.01)
    assert (known["doubts"], known["quota"]["stops"]) == ({}, 31)


def test_openings_that_a_quota_stops_are_doubted():
    before, now = (replace(QUIET, time=t, groups=under(0.2, 9, t)) for t in (0.0, 2.0))
    blocks = [Block([seconds], {}, None, number) for number, seconds in enumerate((0.2, 0.3, 0.2))]
    assert {*trust.assess_openings(blocks, FACTS, before, now)["doubts"]} == {"stopped"}


def test_what_the_system_does_not_tell_is_left_out():
    silent = after(busy=None, stolen=None, frequency=None, throttled=None, memory_wait=None)
    known = assess([Block([0.001], {}, None)], FACTS, QUIET, silent)
    assert known.keys() == {"clock_steps", "doubts", "unknown"}
    assert known["unknown"] == {
        "other_programs": "what other programs used",
        "stopped": "a quota's stops",
        "stolen": "what a host took",
        "frequency_change": "the processor's frequency",
        "throttled": "its throttling",
        "memory_wait": "waits for memory",
    }


COMPUTED = CpuTime(1.0, 1.0)


def told(facts=FACTS, cpu=COMPUTED, **changes):
    """Return what nobody tells of a steady state on a machine that tells all, but for *changes*."""
    blocks = [Block([0.001] * 1000, {}, cpu)]
    known = trust.assess_steady(blocks, facts, *telling(**changes))
    return [*known.get("unknown", ())]


def telling(**changes):
    """Return two readings of a machine that tells all, but for *changes* of the second."""
    groups = {"/sys/fs/cgroup": Group(None, 0, 0.0)}
    return replace(QUIET, groups=groups), after(groups=groups, **changes)


def test_nothing_is_unknown_where_all_is_told():
    assert told() == []
    assert told(frequency=None) == ["frequency_change"]
    assert "unknown" not in trust.assess_openings([Block([0.1], {}, None)], FACTS, *telling())


def test_a_session_that_tells_no_processor_time_or_counts_no_threads_says_so():
    assert told(cpu=None) == ["computing_share"]
    assert told(replace(FACTS, details={"threads_unproved": True})) == ["threads"]
    for facts in (replace(FACTS, threads=None), replace(FACTS, slowdown=Slowdown(4))):
        assert told(facts, cpu=None) == []


def test_a_client_that_is_slowed_down_on_purpose_is_not_accused_of_waiting():
    slowed = Facts("test", "TestProvider", 1, "test.clock", 1e-7, slowdown=Slowdown(4))
    assert assessed(facts=slowed, share=0.25)["doubts"] == {}


def test_a_client_that_is_slowed_down_far_more_than_asked_for_is_doubted():
    slowed = Facts("test", "TestProvider", 1, "test.clock", 1e-7, slowdown=Slowdown(4))
    blocks = [Block(seconds, {}, None) for seconds in STEADY]
    assert "slowdown_excess" not in assess(blocks, slowed, QUIET, after(), 4.4)["doubts"]
    assert assess(blocks, slowed, QUIET, after(), 8.0)["doubts"]["slowdown_excess"].startswith("slowed down 2.0 times")


def test_counters_of_other_cores_than_ours_say_nothing():
    assert "other_programs" not in assessed(busy=10.5)


def test_openings_that_differ_are_not_doubted_and_what_ended_was_not_another_program():
    blocks = [Block([seconds], {}, None, number) for number, seconds in enumerate((0.2, 0.3, 0.2, 0.4, 0.6))]
    known = trust.assess_openings(blocks, FACTS, QUIET, after(busy=14.0, theirs={1: 1.0, 3: 9.0}))
    assert known["doubts"] == {}
    assert known["margin"] > 0.1
    assert "drift" not in known  # each is a start of its own
    assert known["other_programs"] == 0
    assert known["block_variation"] > 0.1
    busy = trust.assess_openings(blocks, FACTS, QUIET, after(theirs={1: 2.0, 3: 9.0}))
    assert busy["doubts"]["other_programs"] == "other programs used 0.5 cores"


def test_starts_that_differ_are_no_drift_and_a_drift_of_one_start_is_none_of_the_benchmarks():
    slower_each_time = [[0.001 + step // 3 / 5000] for step in range(15)]
    assert assessed(slower_each_time, starts=5)["drift"] == 0
    one_drifts = [[0.001], [0.001], [0.0013], *[[0.001]] * 12]
    assert assessed(one_drifts, starts=5)["drift"] == 0


def test_a_start_unlike_its_siblings_is_told_and_does_not_make_the_figure_doubtful():
    means = [0.001, 0.00101, 0.00299, 0.00102, 0.00099]
    known = assessed([[value] * 9 for value in means for _ in range(3)], starts=5)
    assert known["odd_starts"] == {"2": pytest.approx(2.97, abs=0.01)}
    assert known["margin"] < 0.1
    assert known["doubts"] == {}
    assert "odd_starts" not in assessed([[0.001], [0.00101]] * 5, starts=5)


def test_a_weak_clients_starts_are_compared_by_their_means():
    paused = [[0.001] * 9 + [0.01], *[[0.001] * 10] * 4]
    slowed = replace(FACTS, slowdown=Slowdown(4))
    assert "odd_starts" not in assessed(paused, starts=5)
    assert {*assessed(paused, facts=slowed, starts=5)["odd_starts"]} == {"0"}


def test_too_few_blocks_say_nothing_of_variation():
    assert "block_variation" not in assessed(STEADY[:3])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the processor time of others")
def test_what_this_process_and_its_children_computed_is_their_own():
    before = trust.read()
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", spin], check=True)
    now = trust.read()
    assert now.ours - before.ours >= 0.28
    assert now.busy - before.busy >= 0.2


def test_a_system_that_does_not_tell_all_of_it_is_asked_for_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert replace(trust.read(others=True), time=0.0) == Reading(0.0)


@pytest.fixture
def processes_folder(tmp_path, monkeypatch):
    """A folder in place of /proc; psutil forgets the processes that it has seen, before and after."""
    (tmp_path / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\nbtime 0\n")
    psutil.process_iter.cache_clear()
    monkeypatch.setattr(psutil, "PROCFS_PATH", f"{tmp_path}")
    yield tmp_path
    psutil.process_iter.cache_clear()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such a folder")
def test_what_others_have_waited_for_is_not_taken_for_their_own_time(processes_folder):
    ticks = {"1": (0, 1, 2, 30, 40), str(os.getpid()): (1, 5, 0, 3, 0), "900000": (os.getpid(), 7, 0, 0, 0)}
    for process, (parent, *spent) in ticks.items():
        (processes_folder / process).mkdir()
        times = " ".join(str(seconds * os.sysconf("SC_CLK_TCK")) for seconds in spent)
        stat = f"{process} (a) b) S {parent} {'0 ' * 9}{times} {'0 ' * 30}"
        (processes_folder / process / "stat").write_text(stat)
    reading = trust.read(others=True)
    assert reading.ours == 5 + 3 + 7  # with the child, and the child that has ended
    assert reading.theirs == {1: 1 + 2}  # an orphan of ours that it waited for is not its own


@pytest.mark.parametrize(
    ("cores", "frequency"),
    [([(2000.0, 800.0, 3000.0), (2500.0, 800.0, 3000.0)], 2.5e9), ([(2600.0, 0.0, 0.0)], None), ([], None)],
    ids=["of the fastest core", "nominal", "hidden"],
)
def test_a_frequency_that_never_changes_is_none(monkeypatch, cores, frequency):
    answer = [SimpleNamespace(current=current, min=low, max=high) for current, low, high in cores]
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: answer)
    assert trust._frequency() == frequency


@pytest.mark.parametrize("error", [PermissionError("hidden"), NotImplementedError(), ValueError("<unknown>")])
def test_a_frequency_that_cannot_be_read_is_none(monkeypatch, error):
    def refused(percpu):
        raise error

    monkeypatch.setattr(psutil, "cpu_freq", refused)
    assert trust._frequency() is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("some avg10=0.00 avg60=0.00 avg300=0.00 total=2759480\nfull avg10=0.00 total=1938047\n", 2.75948), ("", None)],
)
def test_the_wait_for_memory_is_read_where_the_system_tells(tmp_path, monkeypatch, text, seconds):
    monkeypatch.setattr(trust, "MEMORY_PRESSURE", tmp_path / "memory")
    assert trust._memory_wait() is None
    (tmp_path / "memory").write_text(text)
    assert trust._memory_wait() == seconds


def test_the_energy_counters_are_read_by_package_and_wrap(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    for name, package in (("intel-rapl:0", "package-0"), ("intel-rapl:1", "package-1"), ("intel-rapl:0:0", "core")):
        (zone := tmp_path / name).mkdir()
        for file, content in (("name", package), ("energy_uj", "5000000"), ("max_energy_range_uj", "9000000")):
            (zone / file).write_text(f"{content}\n")
    before = energy.read()
    assert before == {"rapl package-0": (5.0, 9.0), "rapl package-1": (5.0, 9.0)}
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("7000000")
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("1000000")
    assert energy.spent(before, energy.read()) == {"rapl package-0": 2.0, "rapl package-1": 5.0}
    assert energy.unavailable() is None


def test_absent_energy_is_absent_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    assert energy.read() == {}
    assert energy.spent({}, {}) == {}
    assert "is not there" in energy.unavailable()
    (zone := tmp_path / "intel-rapl:0").mkdir()
    (zone / "name").write_text("package-0")
    assert "run as root" in energy.unavailable()


def test_joules_are_told_of_a_benchmark_without_a_partner_only():
    from benchmarks.run.measure import Drawn, _circumstances

    blocks = [Block([0.001] * 4, {}, None)]
    alone, in_turns = Drawn(3, blocks, joules={"rapl": 2.0}), Drawn(3, blocks, blocks, joules={"rapl": 2.0})
    assert _circumstances(alone, FACTS, QUIET, after(), None)["joules_per_inference"] == {"rapl": pytest.approx(2 / 4)}
    assert "joules_per_inference" not in _circumstances(in_turns, FACTS, QUIET, after(), None)


def asked(facts=FACTS, **more):
    """Return what is known of requests to a server."""
    first, *others = of_starts(STEADY, 1)
    return assess([replace(first, **more), *others], facts, QUIET, after())


def test_requests_that_were_none_on_a_kept_connection_are_doubted():
    known = asked(reopened=1)
    assert known["reopened"] == 1 / sum(map(len, STEADY))
    assert known["doubts"]["reopened"].startswith("3% of the requests opened a connection")
    assert "reopened" not in asked()


@pytest.mark.parametrize(("lasts", "share"), [(0.0, 1.0), (0.00202, 0.5), (5.0, 0.000202), (None, None)])
def test_requests_behind_a_preflight_of_their_own_are_doubted(lasts, share):
    known = asked(replace(FACTS, server=Server("faulty", "http/1.1", preflight_lasts=lasts)))
    assert known.get("preflights") == (share and pytest.approx(share))
    assert ("preflights" in known["doubts"]) == (share is not None and share > 0.01)


def test_a_network_that_was_held_up_by_a_busy_machine_is_doubted():
    known = asked(wire=(13543, 1140), late=0.125)
    assert known["doubts"]["late_packets"] == "12% of the packets came late, for the machine was busy"
    assert "late_packets" not in asked(wire=(13543, 1140))["doubts"]
    assert "late_packets" not in asked()
