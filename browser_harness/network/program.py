"""A program beside this process that does what must not wait for it: asked in lines of JSON, and ended with it.

Here :class:`Program` starts ``python -m MODULE``; there :func:`asker` and :func:`answer` are the other end.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any, cast

from browser_harness import system
from browser_harness.network.namespaces import LinkError

PATIENCE = 20.0  # s: an answer takes a millisecond; a start on a busy machine, a few seconds


class Program:
    """A program that runs until it is closed, or this process has ended; *descriptors* are handed to it."""

    def __init__(self, module: str, *arguments: str, descriptors: Sequence[int] = ()) -> None:
        self._lock = Lock()  # one question at a time, of whatever thread
        self._errors = TemporaryFile()  # noqa: SIM115 (close() does)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(os.getpid()), *arguments],
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            pass_fds=descriptors,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # a Ctrl-C is ours
        )
        self._name = module.rpartition(".")[2]

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(self, **question: Any) -> Mapping[str, Any]:
        """Ask, and wait for the answer; raise LinkError where it has ended or does not answer."""
        requests, answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        with self._lock:
            with suppress(BrokenPipeError):  # told below
                requests.write(json.dumps(question).encode() + b"\n")
                requests.flush()
            if not system.answers(answers, PATIENCE):
                raise LinkError(f"the link's {self._name} did not answer within {PATIENCE:g} s")
            line = answers.readline()
        if not line:
            raise LinkError(f"the link's {self._name} ended: {self._last_words()}")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"with {code}"

    def close(self) -> None:
        """End it: nobody needs what it still would carry."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                cast(IO[bytes], pipe).close()
        self._errors.close()


def asker() -> Sequence[int]:
    """Return, in the program, what becomes readable when it is asked, and when the process that asks has ended.

    On Linux the process itself is watched: PR_SET_PDEATHSIG would end the program with the thread that started it, and
    the end of the pipe does not come while a process that was forked from it lives.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return [0]
    parent = int(sys.argv[1])
    try:
        watched = os.pidfd_open(parent)
    except OSError:  # it has gone, or the kernel is older than that
        watched = None
    if os.getppid() != parent:
        sys.exit(1)
    return [0] if watched is None else [0, watched]


def question() -> Mapping[str, Any] | None:
    """Return what is asked, when standard input is readable; None when nothing will be any more."""
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else None


def answer(**words: Any) -> None:
    """Answer what was asked."""
    print(json.dumps(words), flush=True)
