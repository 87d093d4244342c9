"""KServe, started for one model and ended again."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any, Literal, cast

from benchmarks.apart import ending
from benchmarks.remote import asking, credentials, environment
from benchmarks.remote.connection import Connection
from benchmarks.remote.credentials import Credentials
from benchmarks.remote.served import Served
from benchmarks.remote.words import RemoteError, cut
from browser_harness import system
from browser_harness.network import Link
from browser_harness.processes import end_session
from browser_harness.scratch import Scratch

Scheme = Literal["http", "https", "h2"]
# How pixels become a model's input: mean and standard deviation per channel, of pixels scaled to 0…1, and the height
# and width that a picture is brought to.
Preparation = tuple[Sequence[float], Sequence[float], tuple[int, int]]

PROGRAM = Path(__file__).with_name("kserve_server.py")
# Not for the server: our credentials, and what would lead its Python to the suite's packages.
KEPT_BACK = (credentials.TOKEN, credentials.HEADERS, "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
DYING = 0.5  # s from when clients see that it is gone until it is: its threads end one by one
LAST_WORDS = 2000  # bytes of what it said before it ended


@dataclass(frozen=True)
class Order:
    """What a server is started for."""

    model: Path
    threads: int
    scheme: Scheme
    port: int
    preparation: Preparation | None

    @property
    def takes(self) -> frozenset[str]:
        """Which uploads it takes."""
        prepared = {"uint8", "image"} if self.preparation else set[str]()
        return frozenset({"float32"} | prepared)


@contextmanager
def serving(  # noqa: PLR0913
    model: Path,
    threads: int,
    link: Link,
    scheme: Scheme = "http",
    port: int = 0,
    preparation: Preparation | None = None,
    timeout: float = 60.0,
) -> Iterator[Served]:
    """Have KServe answer for an ONNX file at the servers' end of *link*, until the context ends.

    It listens on the link's address alone, on a free port where *port* is 0. Raises RemoteError where it cannot be
    started, refuses the file, or is not ready within *timeout* seconds; and in place of an error in the context where
    it has ended meanwhile.
    """
    if words := environment.unavailable():
        raise RemoteError(words)
    order, deadline = Order(model, threads, scheme, port, preparation), time.monotonic() + timeout
    with Scratch() as scratch, Program(model.name, scratch) as program:
        facts = program.start(_asked(order, link, scratch), link, deadline)
        try:
            yield _served(order, link, program, facts, deadline)
        except Exception as error:
            if words := program.ended(DYING):
                raise RemoteError(words) from error
            raise


def _asked(order: Order, link: Link, scratch: Scratch) -> dict[str, Any]:
    """Return the program's argument."""
    return asdict(order) | {
        "model": os.fspath(order.model.resolve()),
        "name": name_of(order.model),
        "host": link.host,
        "folder": os.fspath(scratch.path),
        "parent": os.getpid(),
    }


def name_of(model: Path) -> str:
    """Return a model's name on the server: its file's where a path can hold that, else ``model``."""
    return model.stem if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", model.stem) else "model"


def _served(order: Order, link: Link, program: "Program", facts: Mapping[str, Any], deadline: float) -> Served:
    """Wait until the model is ready, as clients see it, and return what they are told."""
    origin = f"{'http' if order.scheme == 'http' else 'https'}://{link.host}:{link.entrance(facts['port'])}"
    name, certificate = name_of(order.model), facts.get("certificate")

    def connect(patience: float) -> Connection:
        return Connection(origin, Credentials(), patience, certificate, link.on_client_side)

    asking.wait_until_ready(connect, name, deadline, program.check)
    with connect(max(deadline - time.monotonic(), 1.0)) as connection:
        told = asking.served(connection, name, Credentials())
    return replace(
        told,
        takes=order.takes,
        provider=facts["provider"],
        threads=facts["threads"],
        certificate=certificate,
        tls_pin=facts.get("tls_pin"),
        ended=partial(program.ended, DYING),
    )


class Program:
    """The process of :mod:`benchmarks.remote.kserve_server`, in an environment of its own."""

    def __init__(self, model: str, scratch: Scratch) -> None:
        self._model, self._scratch = model, scratch
        self._errors = (scratch.path / "errors.txt").open("w+b")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, asked: Mapping[str, Any], link: Link, deadline: float) -> Mapping[str, Any]:
        """Start it at the servers' end of *link*; return what is in force there, once it listens."""
        variables = {name: value for name, value in os.environ.items() if name not in KEPT_BACK}
        with link.on_server_side():
            self._process = subprocess.Popen(
                [os.fspath(environment.interpreter()), "-P", os.fspath(PROGRAM), json.dumps(asked)],
                stdin=subprocess.DEVNULL,
                stdout=PIPE,
                stderr=self._errors,
                env=variables | self._scratch.variables,
                start_new_session=True,  # a Ctrl-C is ours, and ends it with what it serves
            )
        told = cast(IO[bytes], self._process.stdout)
        if not system.answers(told, max(deadline - time.monotonic(), 0)):
            raise self._failed("did not listen in time; raise --inference-timeout")
        line = told.readline()
        try:
            facts: dict[str, Any] = json.loads(line)
        except ValueError:
            self._process.wait()
            raise RemoteError(self.ended()) from None
        if "refused" in facts:
            raise self._failed(cut(facts["refused"]))
        return facts

    def check(self) -> None:
        """Raise RemoteError where it has ended."""
        if words := self.ended():
            raise RemoteError(words)

    def ended(self, patience: float = 0.0) -> str | None:
        """Say how it ended, and its last words; None while it runs, and has not ended after *patience* seconds."""
        try:
            code = self._process.wait(patience) if self._process else None
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            return None
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()[-LAST_WORDS:].splitlines()[-1:]
        return str(self._failed(": ".join([ending(code), *map(cut, said)])))

    def _failed(self, words: str) -> RemoteError:
        return RemoteError(f"KServe for {self._model}: {words}")

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *error: object) -> None:
        """End it: nobody needs what it still would do."""
        if self._process:
            end_session(self._process)
            cast(IO[bytes], self._process.stdout).close()
        self._errors.close()
