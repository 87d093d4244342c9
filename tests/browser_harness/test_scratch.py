"""What a killed run has left is ended and removed by the next; what is another's, or in use, is left alone."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers import ROOT

from browser_harness import processes, scratch
from browser_harness.scratch import OWNER, PREFIX, UNTOLD, Owner, Scratch, clear_up, processes_of

MAKES = """
import subprocess, sys
from browser_harness.scratch import Scratch
scratch = Scratch()
environment = {**scratch.variables, "PATH": ""}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment)
print(scratch.path, child.pid, flush=True)
input()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def another(temporary):
    """Another run with a folder and a process of its own."""
    command, environment = [sys.executable, "-c", MAKES], os.environ | {"TMPDIR": str(temporary)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as run:
        folder, child = run.stdout.readline().split()
        yield run, Path(folder), int(child)
        run.kill()
        processes.end(processes.identified([int(child)]))


def test_what_a_living_run_uses_is_left_alone(temporary, another):
    _, folder, child = another
    with Scratch() as own:
        assert clear_up(temporary) == []
        assert {*temporary.iterdir()} == {own.path, folder}
    assert processes.started(child)
    assert [*temporary.iterdir()] == [folder]


def test_a_killed_runs_folder_and_processes_are_ended_by_the_next(temporary, another):
    run, folder, child = another
    run.kill()
    run.wait()
    assert processes_of(folder) == {child: processes.started(child)}
    scratch._clear_up_once.cache_clear()
    with Scratch() as own:
        assert [*temporary.iterdir()] == [own.path]
    assert processes.started(child) is None


def made(temporary, name=f"{PREFIX}made_0_1", mode=0o700, **changes):
    folder = temporary / name
    folder.mkdir(mode)
    owner = {"pid": os.getpid(), "started": processes.started(os.getpid()), "namespace": Owner.this().namespace}
    (folder / OWNER).write_text(json.dumps(owner | changes))
    return folder


def aged(folder, seconds):
    moment = folder.stat().st_mtime - seconds
    os.utime(folder, (moment, moment))


def test_a_number_that_is_another_process_by_now_is_no_owner(temporary):
    folder = made(temporary, started=1.0)
    assert clear_up(temporary) == [folder]


@pytest.mark.parametrize("words", [None, "half a fi", "[]", "{}"])
def test_a_folder_that_does_not_say_whose_it_is_is_removed_after_a_day(temporary, words):
    folder = made(temporary)
    (folder / OWNER).unlink()
    if words is not None:
        (folder / OWNER).write_text(words)
    assert clear_up(temporary) == []
    aged(folder, UNTOLD + 60)
    assert clear_up(temporary) == [folder]
    assert not folder.exists()


def test_a_run_of_another_container_is_not_taken_for_one_that_has_ended(temporary):
    folder = made(temporary, pid=2**22 + 1, namespace="pid:[1]")
    assert clear_up(temporary) == []
    assert folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="has namespaces")
def test_a_run_of_another_machine_is_not_taken_for_one_that_has_ended(temporary):
    """Machines may share the folder, and number their first namespace alike."""
    made(temporary, pid=2**22 + 1, namespace=os.readlink("/proc/self/ns/pid"))
    assert clear_up(temporary) == []


def test_an_owner_of_whom_nobody_knows_when_it_started_may_live(temporary):
    made(temporary, started=None)
    assert clear_up(temporary) == []


@pytest.mark.parametrize(
    ("name", "mode"), [("harness-results", 0o700), ("harness-made_0_1", 0o755), ("harness-made_0_12", 0o700)]
)
def test_a_folder_that_somebody_else_may_have_made_is_never_removed(temporary, name, mode):
    folder = made(temporary, name, mode)
    folder.chmod(mode)
    (folder / OWNER).unlink()
    aged(folder, UNTOLD + 60)
    assert clear_up(temporary) == []


def test_an_old_folder_of_another_container_that_is_in_use_is_left_alone(temporary):
    folder = made(temporary, pid=2**22 + 1, namespace="pid:[1]")
    aged(folder, UNTOLD + 60)
    command, environment = [sys.executable, "-c", "input()"], os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as user:
        assert clear_up(temporary) == []
        user.stdin.close()
    assert clear_up(temporary) == [folder]


def test_another_users_folders_and_links_are_left_alone(temporary, monkeypatch):
    (elsewhere := temporary / "elsewhere").mkdir()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    folder = made(temporary, started=1.0)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert clear_up(temporary) == []
    monkeypatch.undo()
    assert clear_up(temporary) == [folder]
    assert elsewhere.exists()


def test_a_process_that_only_reads_there_is_not_the_folders(temporary):
    (folder := temporary / f"{PREFIX}x").mkdir()
    command = [sys.executable, "-c", "input()", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as reader:
        assert processes_of(folder) == {}
        reader.stdin.close()


def test_a_process_that_is_stopped_or_ignores_a_request_is_ended(temporary):
    code = (
        "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); os.kill(os.getpid(), 19)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as stopped:
        stopped.stdout.readline()
        start = processes.started(stopped.pid)
        processes.end({stopped.pid: start + 1})  # another of its number
        assert processes.started(stopped.pid) == start
        processes.end({stopped.pid: start})
        assert processes.started(stopped.pid) is None


def test_a_folder_into_which_an_ending_browser_writes_is_removed_all_the_same(temporary, monkeypatch):
    own = Scratch()
    remove_tree, files = shutil.rmtree, iter(["first", "second"])

    def remove_and_write(path, **options):
        remove_tree(path, **options)
        for file in itertools.islice(files, 1):
            Path(path).mkdir()
            Path(path, file).touch()

    monkeypatch.setattr(own._folder, "cleanup", lambda: remove_and_write(own.path))
    monkeypatch.setattr(scratch.shutil, "rmtree", remove_and_write)
    own.remove()
    assert [*temporary.iterdir(), *files] == []
