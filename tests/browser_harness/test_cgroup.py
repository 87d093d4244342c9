"""A weak client's control group: what is written where, that it slows down, and that nothing stays behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from browser_harness import cgroup
from browser_harness.cgroup import QUOTA, Quota, Version

SPIN = """
import time
for line in iter(input, "end"):
    start, computed = time.perf_counter(), time.process_time()
    for _ in range(2_000_000): pass
    print((time.process_time() - computed) / (time.perf_counter() - start), flush=True)
"""


@pytest.fixture
def spinning():
    with subprocess.Popen(
        [sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def share(process):
    """Return the share of a core that a loop of the process gets."""
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def test_limits_of_both_versions(tmp_path):
    assert Version(tmp_path, is_v2=True).limits(4) == {"cpu.max": f"{QUOTA} {4 * QUOTA}"}
    assert Version(tmp_path, is_v2=True).limits(None) == {"cpu.max": f"max {QUOTA}"}
    assert Version(tmp_path, is_v2=True).limits(4, threads=2) == {"cpu.max": f"{2 * QUOTA} {4 * QUOTA}"}
    v1 = Version(tmp_path, is_v2=False)
    assert v1.limits(2) == {"cpu.cfs_period_us": str(2 * QUOTA), "cpu.cfs_quota_us": str(QUOTA)}
    assert v1.limits(None)["cpu.cfs_quota_us"] == "-1"


def test_the_hierarchy_is_found_by_what_lies_there(tmp_path):
    assert cgroup.version(tmp_path) is None
    (tmp_path / "cpu,cpuacct").mkdir()
    assert cgroup.version(tmp_path) == Version(tmp_path / "cpu,cpuacct", is_v2=False)
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io")
    assert cgroup.version(tmp_path) == Version(tmp_path, is_v2=True)
    (tmp_path / "cgroup.controllers").write_text("memory")
    assert cgroup.version(tmp_path) is None


def test_a_version_2_group_is_written_and_its_processes_go_back(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)  # a real group's files go with its folder
    with Quota(4, where=Version(tmp_path, is_v2=True)) as quota:
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
        (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
        quota.adopt([123])
        assert (folder / "cgroup.procs").read_text() == "123"
        assert (folder / "cpu.max").read_text() == f"{QUOTA} {4 * QUOTA}"
        quota.lift()
        assert (folder / "cpu.max").read_text() == f"max {QUOTA}"
    assert not folder.exists()
    assert (tmp_path / "cgroup.procs").read_text() == "123"


def test_a_hierarchy_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "version", lambda: Version(tmp_path / "no such folder", is_v2=False))
    reason = cgroup.unavailable.__wrapped__()
    assert str(tmp_path / "no such folder") in reason
    assert "root" in reason
    monkeypatch.setattr(cgroup, "version", lambda: None)
    assert "needs Linux" in cgroup.unavailable.__wrapped__()


def test_processes_are_slowed_down_and_let_go_again(spinning):
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    slowed, free = [], []
    with Quota(4) as quota:
        quota.adopt([spinning.pid])
        while len(free) < 20 and not any(
            share_now > 1.3 * max(slowed) for share_now in free
        ):  # others may take it away
            quota.apply()
            slowed.append(share(spinning))
            quota.lift()
            free.append(share(spinning))
        folder = quota._folder
    assert not folder.exists()
    assert max(slowed) < 0.4  # a quarter is asked for; a busy machine gives less, and never more
    assert max(free) > 1.3 * max(slowed)
    assert share(spinning) > 0  # it lives on


def test_the_group_of_a_run_that_was_killed_is_removed_by_the_next():
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with Quota(2) as quota:
        stale = quota._folder.with_name(f"client-or-server-{ended.pid}-0")
        stale.mkdir()
        with Quota(2):
            assert not stale.exists()
        assert quota._folder.exists()


def test_a_process_that_has_ended_is_passed_over():
    if reason := cgroup.unavailable():
        pytest.skip(reason)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with Quota(2) as quota:
        quota.adopt([ended.pid])
