"""Two machines over ssh, as a person calls them: one is lost while it measures, and nothing of either."""

import subprocess
import sys

import psutil
import pytest
import ssh_machines
from helpers import ROOT, clean_environment

from benchmarks.results import keys, load

START = "import sys;exec(eval(sys.stdin.readline()))"  # what execnet has a Python do


@pytest.fixture
def over_ssh(tmp_path):
    if reason := ssh_machines.lacking():
        pytest.skip(reason)
    with ssh_machines.machines(tmp_path) as made:
        yield made


def worker(daemon):
    """Return the process that measures on a machine."""
    below = psutil.Process(daemon.pid).children(recursive=True)
    return next(one for one in below if one.name().startswith("python") and START in one.cmdline())


def test_what_each_machine_has_measured_is_kept_and_stands_side_by_side(over_ssh, tmp_path, tiny_model):
    machines = ["alpha", "beta", "--ssh-config", over_ssh.config, "--python", sys.executable, "--folder", ROOT]
    quick = ["--platform=server-cpu", "--starts=1", "--benchmark-max-time=0.05", "-p", "no:cacheprovider"]
    suite = ["--", f"--model={tiny_model}", f"--benchmark-storage={tmp_path}/runs", *quick]
    command = [sys.executable, "-m", "benchmarks.machines", *map(str, machines), *suite]
    lines = []
    with over_ssh.start(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True) as head:
        for line in head.stdout:
            lines.append(line.rstrip())
            if line.startswith("beta   1/2"):
                worker(over_ssh.daemons["beta"]).kill()
    text = "\n".join(lines)
    assert head.returncode == pytest.ExitCode.TESTS_FAILED, text
    assert [line.partition(": Linux")[0] for line in lines[:2]] == ["machine  alpha: ready", "machine  beta: ready"]
    assert lines[2].startswith("machine  alpha and beta are one machine with cores of their own")
    lost = "machine  beta: the connection was lost, or its process killed; what had come, 1 benchmark, is kept"
    assert lines.count(lost) == 2
    assert "machine  alpha: through, 2 benchmarks" in lines
    alpha, beta = (load(next((tmp_path / "runs").rglob(f"0*_{name}_*.json"))) for name in ssh_machines.NAMES)
    assert [(run.machine["node"], len(run.results), run.exit_status) for run in (alpha, beta)] == [
        ("alpha", 2, 0),
        ("beta", 1, keys.KILLED),
    ]
    assert all(result.samples for run in (alpha, beta) for result in run.results)
    assert [run.machine["cores_usable"] for run in (alpha, beta)] == [1, 1]
    heads = next(line.split() for line in lines if line.split()[:1] == ["alpha"] and "test_" not in line)
    assert heads == ["alpha", "beta"]
    assert "missing   B lacks 1 of 2 benchmarks: server-cpu-b8" in text
    assert any(line.startswith("compare  ") for line in lines[-2:])
