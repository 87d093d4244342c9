"""Asked in a process of its own: what may hang, or die of what it is asked, takes nobody with it.

Here :class:`Apart` starts ``python -m MODULE PARENT``, asks it and ends it; there MODULE answers by :class:`Requests`.
Both talk in pickles.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import IO, Any, cast

from browser_harness import system
from browser_harness.processes import end_session

LAST_WORDS = 2000  # characters of what a process said before it ended
PR_SET_PDEATHSIG = 1  # of Linux's prctl
FIRST_TO_GO = "1000"  # where memory is short, the kernel ends what has the highest score: not pytest, nor a stranger
SIGNALS = {  # by name: not every system has all of them
    "SIGFPE": "a division of integers by zero",
    "SIGKILL": "as the kernel does where memory runs out; a smaller --batch-size or --dim needs less",
    "SIGSEGV": "a fault of the runtime",
    "SIGBUS": "a fault of the runtime, or a file that was cut short",
    "SIGABRT": "the runtime gave up",
    "SIGILL": "the runtime needs an instruction that this processor lacks",
}


class Apart:
    """A fresh process that answers what it is asked, until it is closed.

    *failed* makes an error of the words that tell how it failed, and go on where the process was named; *variables* are
    added to its environment.
    """

    def __init__(
        self, module: str, failed: Callable[[str], Exception], variables: Mapping[str, str] | None = None
    ) -> None:
        self._failed = failed
        self.failure: Exception | None = None  # after which nothing more is asked of it
        self._errors = TemporaryFile()  # noqa: SIM115 (close() does)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(os.getpid())],
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            cwd=Path(__file__).parents[1],
            env=os.environ | dict(variables or {}),
            start_new_session=True,  # a Ctrl-C is ours, and ends it with what it was asked for
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ask(self, *request: Any) -> None:
        """Ask for something, and do not wait for the answer."""
        if self.failure:  # what it still answers is not what is asked now
            raise self.failure
        with suppress(BrokenPipeError):  # it has ended, which is told when the answer is waited for
            pickle.dump(request, cast(IO[bytes], self._process.stdin), pickle.HIGHEST_PROTOCOL)
            cast(IO[bytes], self._process.stdin).flush()

    def answer(self, timeout: float, patience: float = 1.0) -> Any:
        """Wait for the answer, *patience* times the *timeout*.

        Raises what was raised there, and what *failed* makes of a process that hangs or has ended.
        """
        if self.failure:
            raise self.failure
        limit, answers = patience * timeout, cast(IO[bytes], self._process.stdout)
        if not system.answers(answers, limit):
            times = f", of which this is {patience:g} times" if patience != 1 else ""
            raise self._fail(f"did not answer within {limit:g} s; raise --inference-timeout{times}")
        try:
            result = pickle.load(answers)  # noqa: S301 (our own process')
        except (EOFError, pickle.UnpicklingError):
            how, said = ending(self._process.wait()), self._last_words()
            failure = self._fail(": ".join([how, *said.splitlines()[-1:]]))
            failure.add_note(said)
            raise failure from None
        if isinstance(result, Exception):
            raise result
        return result

    def _fail(self, words: str) -> Exception:
        self.failure = self._failed(words)
        return self.failure

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-LAST_WORDS:]

    def close(self) -> None:
        """End it and all that it started: nobody needs what it still would do."""
        end_session(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # what it did not read
                cast(IO[bytes], pipe).close()
        self._errors.close()


def ending(code: int) -> str:
    """Say how a process ended; of a signal, which it was and what it means."""
    if code >= 0:
        return f"ended with {code}"
    try:
        number = signal.Signals(-code)
    except ValueError:  # a real-time signal, which has no name
        return f"was ended by signal {-code}"
    return f"was ended by {number.name}" + (f", {SIGNALS[number.name]}" if number.name in SIGNALS else "")


class Requests:
    """The other end, in the process: it ends when no request can come any more.

    On Linux also in the midst of one when the parent has gone, and before the parent where memory is short. What a
    runtime prints goes to standard error.
    """

    def __init__(self) -> None:
        end_with(int(sys.argv[1]))
        be_first_to_go()
        self._answers, self._requests = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
        os.dup2(2, 1)

    def first(self) -> Any:
        """Return what the process is for; it is not answered."""
        return pickle.load(self._requests)  # noqa: S301 (our own parent's)

    def answer(self, subject: object, explained: tuple[type[Exception], ...]) -> None:
        """Answer requests, each the name of a method of *subject* and its arguments, with what it returns or raises.

        What is not among the *explained* errors ends the process, with its traceback as the last words.
        """
        while True:
            try:
                name, *arguments = self.first()
            except EOFError:
                return
            try:
                result = getattr(subject, name)(*arguments)
            except explained as error:
                result = error
            pickle.dump(result, self._answers, pickle.HIGHEST_PROTOCOL)  # which does not copy large outputs
            self._answers.flush()


def end_with(parent: int) -> None:
    """Have the kernel end this process when *parent* is gone, or its thread that started this; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the kernel was asked
            sys.exit(1)


def be_first_to_go() -> None:
    """Have the kernel end this process, and not its parent, where memory runs out; on Linux."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
