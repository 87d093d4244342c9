"""What looks at a process must not add to what it looks at."""

import os
import subprocess
import sys

from helpers import ROOT

from browser_harness import processes


def test_a_worker_measures_its_memory_without_psutil_in_it():
    """A worker unpickles a platform, which loads them all, before it looks at its memory for the first time."""
    code = "import sys, benchmarks.platforms, benchmarks.platforms.worker; sys.exit('psutil' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_child_whose_threads_are_still_ending_is_waited_for(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        wait, answers = os.waitpid, []

        def waitpid(pid, options):
            answers.append((0, 0) if not answers else wait(pid, 0))  # not yet to be had, at first
            return answers[-1]

        monkeypatch.setattr(os, "waitpid", waitpid)
        processes.reap(child.pid)
        monkeypatch.undo()
        assert answers == [(0, 0), (child.pid, 0)]
        processes.reap(child.pid)  # of whom somebody has waited for there is nothing to do
        child.returncode = 0
