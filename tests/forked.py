"""Runs of pytest in forks of one process that has imported other people's packages already.

A suite that a test starts takes longer to import numpy, scipy, onnx and pytest than to measure. Of this project nothing
is imported beforehand: each run does it itself, and pytest rewrites its assertions, as in a process of its own. That
such a process does the same is tested by the tests that start one: `test_ending`, `test_end_to_end`, `test_readme`.
"""

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

# Not onnxruntime: a fork of it waits at its end for threads that only the first process has.
IMPORTED = ("pytest", "numpy", "scipy.special", "onnx", "asyncio", "http.server", "tabulate", "execnet")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # who ignores one has its children ignore it
WRITTEN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def run(folder, *options):
    """Run pytest in *folder*; return how it ended and what it said, as pytester does of a process of its own."""
    began, parent = time.perf_counter(), _parent()
    asked = {
        "folder": str(folder),
        "words": [str(option) for option in options],
        "environment": dict(os.environ),
        "ignored": [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN],
    }
    parent.stdin.write(f"{json.dumps(asked)}\n")
    parent.stdin.flush()
    status = os.waitstatus_to_exitcode(int(parent.stdout.readline()))
    out, err = ((folder / name).read_text(encoding="utf8") for name in ("stdout", "stderr"))
    sys.stdout.write(f"running: pytest {' '.join(asked['words'])}\n     in: {folder}\n{out}")
    sys.stderr.write(err)
    return pytest.RunResult(status, out.splitlines(), err.splitlines(), time.perf_counter() - began)


@cache
def _parent():
    """Start the process that is forked; it ends when its input does."""
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def _serve():
    """Fork for each line that asks for a run, and answer how that ended; return in the fork, with what is asked."""
    for module in IMPORTED:
        importlib.import_module(module)
    for line in sys.stdin:
        if not (child := os.fork()):
            return json.loads(line)
        sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
        sys.stdout.flush()
    sys.exit()


def _become(folder, words, environment, ignored):
    """Be what ``python -m pytest`` would be in that folder."""
    for number in SIGNALS:
        asked = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in ignored else asked)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0], sys.argv[1:] = folder, words
    for number, (name, how) in enumerate([(os.devnull, os.O_RDONLY), ("stdout", WRITTEN), ("stderr", WRITTEN)]):
        opened = os.open(name, how, 0o666)
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    sys.path[0] = str(Path(sys.executable).parent)  # not this folder, whose `helpers` is nobody else's business
    _become(**_serve())
    sys.exit(pytest.main())
