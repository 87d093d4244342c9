"""The run's own quota is found on every level of both versions, holds the cores down, and its stops are told."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest
from helpers import ROOT, clean_environment

from benchmarks import quota
from benchmarks.quota import Group, Limit, Stops
from benchmarks.results import alike
from benchmarks.run import identity
from browser_harness import cgroup

# What the process in a group does, once it is told to; before that it gets what a quota would keep from it for long.
MEASURE = """
import json, time
from benchmarks.measuring import trust
from benchmarks.protocol import Block, CpuTime, Facts
def block():
    samples, computed, end = [], time.thread_time(), time.perf_counter() + 0.1
    while (start := time.perf_counter()) < end:
        sum(range(10_000))
        samples.append(time.perf_counter() - start)
    return Block(samples, {}, CpuTime(*[time.thread_time() - computed] * 2))
input("ready\\n")
for _attempt in range(10):  # where the machine is so busy that there is no quota left to use up
    before = trust.read()
    blocks = [block() for _ in range(3)]
    known = trust.assess(blocks, Facts("test", "TestProvider", 1, "test.clock", 1e-7), before, trust.read())
    if "stopped" in known["doubts"]:
        break
print(json.dumps(known))
"""
CORES = "input('ready\\n')\nfrom benchmarks import hardware as here\nprint(here.REACHED, here.CORES, here.QUOTA)"


@pytest.fixture
def system(tmp_path):
    """Make up a system: what is mounted where, the groups of processes, and the files of the groups."""

    def make(mounts, files, **processes):
        for name, group in processes.items():
            (tmp_path / "proc" / name).mkdir(parents=True)
            (tmp_path / "proc" / name / "cgroup").write_text(group)
        lines = [f"31 23 0:28 {root} {tmp_path}{folder} rw - {kind}\n" for root, folder, kind in mounts]
        (tmp_path / "proc" / "self" / "mountinfo").write_text(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n{''.join(lines)}")
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

        def read(*others):
            groups = quota.read(others, tmp_path / "proc")
            return {folder.removeprefix(f"{tmp_path}"): group for folder, group in groups.items()}

        return read

    return make


V2 = ("/", "/cg", "cgroup2 cgroup2 rw")
STOPPED_V2 = "usage_usec 9\nnr_periods 40\nnr_throttled 31\nthrottled_usec 800000\n"
STOPPED_V1 = "nr_periods 40\nnr_throttled 31\nthrottled_time 800000000\n"


def test_a_container_sees_its_own_group_as_the_root(system):
    read = system([V2], {"cg/cpu.max": "20000 100000\n", "cg/cpu.stat": STOPPED_V2}, self="0::/\n")
    assert read() == {"/cg": Group(0.2, 31, 0.8)}


def test_every_level_is_read_and_the_tightest_holds(system):
    files = {"cg/pod/cpu.max": "50000 100000", "cg/pod/own/cpu.max": "max 100000", "cg/cgroup.controllers": "cpu"}
    read = system([V2], files, self="0::/pod/own\n")
    assert read() == {"/cg/pod": Group(0.5, 0, 0.0), "/cg/pod/own": Group(None, 0, 0.0)}
    assert quota.tightest(read()) == Limit(0.5, "/cg/pod")


def test_version_1_shows_a_container_its_group_where_the_host_has_its_root(system):
    mounts = [("/docker/f00d", "/cg/cpu,cpuacct", "cgroup cgroup rw,cpu,cpuacct"), ("/", "/cg/unified", V2[2])]
    own = "cg/cpu,cpuacct/inner"
    files = {
        f"{own}/cpu.cfs_quota_us": "-1\n",
        f"{own}/cpu.cfs_period_us": "100000\n",
        "cg/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "cg/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "cg/cpu,cpuacct/cpu.stat": STOPPED_V1,
        "cg/unified/cpu.stat": "usage_usec 9\n",
    }
    read = system(mounts, files, self="4:cpu,cpuacct:/docker/f00d/inner\n3:cpuset:/docker\n0::/docker/f00d\n")
    assert read() == {"/cg/cpu,cpuacct": Group(1.5, 31, 0.8), f"/{own}": Group(None, 0, 0.0)}


def test_a_group_outside_of_what_is_mounted_is_not_looked_for(system):
    files = {"cg/cpu.max": "20000 100000"}
    assert system([("/here", *V2[1:])], files, self="0::/there\n")() == {}


def test_a_group_outside_of_the_namespace_is_not_looked_for(system):
    assert system([V2], {"cg/cpu.max": "20000 100000"}, self="0::/../there\n")() == {}


def test_blanks_and_backslashes_in_paths_are_read(system):
    read = system([(r"/a\134x2db", *V2[1:])], {"cg/cpu.max": "20000 100000"}, self="0::/a\\x2db\n")
    assert quota.tightest(read()) == Limit(0.2, "/cg")


def test_what_a_system_does_not_tell_is_no_quota(tmp_path):
    assert quota.read([1], tmp_path) == {}
    assert quota.tightest({}) is quota.stops({}, {}) is None


def test_the_groups_of_what_was_started_count_but_not_those_of_weak_clients(system):
    groups = {"self": "0::/\n", "7": "0::/client-or-server-1-0\n", "8": "0::/scope\n"}
    files = {f"cg/{name}/cpu.max": "1000 4000" for name in ("client-or-server-1-0", "scope")}
    read = system([V2], files | {"cg/cpu.max": "200000 100000"}, **groups)
    assert read() == {"/cg": Group(2.0, 0, 0.0)}
    assert read(7, 8, 9).keys() == {"/cg", "/cg/scope"}  # 9 has ended


@pytest.mark.parametrize(
    ("cores", "binds", "usable"), [(0.2, True, 1), (1.0, True, 1), (3.9, True, 3), (4.0, False, 4), (8.0, False, 4)]
)
def test_usable_are_the_whole_cores_of_the_quota_and_one_at_least(cores, binds, usable):
    limit = Limit(cores, "/cg")
    assert quota.binding(limit, 4) == (limit if binds else None)
    assert quota.usable(quota.binding(limit, 4), 4) == usable
    assert quota.usable(None, 4) == 4


def test_the_group_that_stopped_this_run_for_longest_is_told():
    before = {"/cg": Group(2.0, 10, 1.0), "/cg/own": Group(0.5, 20, 2.0), "/cg/gone": Group(1.0, 0, 0.0)}
    after = {"/cg": Group(2.0, 13, 1.1), "/cg/own": Group(None, 51, 2.75), "/cg/new": Group(1.0, 99, 9.0)}
    assert quota.stops(before, after) == Stops(0.5, "/cg/own", 31, 0.75)  # though it was lifted meanwhile
    assert quota.stops(before, before).seconds == 0
    free = {"/cg": Group(None, 0, 0.0)}
    assert quota.stops(free, free) is None


def test_a_run_from_before_anybody_looked_for_a_quota_goes_on_as_one_without():
    old, now = {"cores": 2, "cpu": {}, "load_average": 1}, {"cores": 2, "cpu": {}, "quota": None, "load_average": 2}
    assert alike.of_machine(old) == alike.of_machine(now) != alike.of_machine(now | {"quota": 0.2})
    identity.pytest_benchmark_compare_machine_info(now, {"machine_info": old})
    assert old["quota"] is None  # so that pytest-benchmark does not warn of another machine


@contextmanager
def in_a_group(code, slowdown):
    """Start *code* in a group that may use one in *slowdown* parts of a core; it goes on when it is told to."""
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    group = cgroup.Quota(slowdown)
    group._folder = group._folder.with_name(f"test-{group._folder.name}")  # no weak client's
    with group, subprocess.Popen(command, cwd=ROOT, env=clean_environment(), **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        group.adopt([process.pid])
        yield process, group._folder


def test_a_run_that_a_quota_stops_is_doubted_for_that():
    with in_a_group(MEASURE, 5) as (process, folder):
        known = json.loads(process.communicate("\n")[0])
    assert known["doubts"]["stopped"].startswith(f"throttled: the quota of 0.2 cores ({folder}) stopped this run ")
    assert known["quota"]["stops"] > 0
    assert known["stopped"] > 0.01


def test_the_cores_that_can_be_kept_busy_are_bounded_by_the_quota():
    with in_a_group(CORES, 1) as (process, _folder):
        reached, cores, own = process.communicate("\n")[0].split()
    assert (cores, own) == ("1", "None" if reached == "1" else "1.0")


OF_FILES = "anon 5\ninactive_file 30\n"


def test_free_memory_is_the_least_of_all_levels_and_what_is_kept_of_files_is_free(system, tmp_path):
    files = {
        "cg/pod/memory.max": "1000",
        "cg/pod/memory.current": "600",
        "cg/pod/memory.stat": OF_FILES,
        "cg/pod/own/memory.max": "max",
        "cg/pod/own/memory.current": "500",
        "cg/memory.stat": OF_FILES,
    }
    system([V2], files, self="0::/pod/own\n")
    assert quota.free_memory(tmp_path / "proc") == 430


def test_free_memory_is_told_by_version_1_and_not_where_there_is_no_limit(system, tmp_path):
    files = {"mem/memory.limit_in_bytes": "1000", "mem/memory.usage_in_bytes": "1200"}
    system([("/", "/mem", "cgroup cgroup rw,memory")], files, self="4:memory:/\n1:cpu:/\n")
    assert quota.free_memory(tmp_path / "proc") == 0
    assert quota.free_memory(tmp_path / "nowhere") is None
