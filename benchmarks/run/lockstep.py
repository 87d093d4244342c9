"""All that a side and the gate say to each other, with the number that tells whether two commits can.

The gate (:mod:`benchmarks.gate`) starts two sides, each the suite of a commit in a process of its own, with the ends of
two pipes: ``--lockstep READ,WRITE``. A side reports where it is, and goes on when an answer comes. Both are a line of
JSON: a list that begins with a word of Report, and null, or a Schedule in answer to the first report, or a core.

The other end may be another commit's. So whoever changes a word or a key changes PROTOCOL, and a gate refuses a side of
another protocol before it builds anything. Only the standard library is imported here: the gate's environment has
neither pytest nor onnx.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TextIO

PROTOCOL = 2  # gates of other commits read this line as text: keep its form, and this file where it is
OPTION = "--lockstep"

FILE = Path("benchmarks/run/lockstep.py")
WITHOUT_NUMBER = (Path("benchmarks/run/turns.py"), Path("benchmarks/turns.py"))  # spoke protocol 1 before it had one


def protocol_of(checkout: Path) -> int | None:
    """Return which protocol the suite in a checkout speaks, none of its code run; None where it takes no turns."""
    if (checkout / FILE).is_file():
        number = re.search(r"^PROTOCOL = (\d+)", (checkout / FILE).read_text(encoding="utf-8"), re.MULTILINE)
        return int(number[1]) if number else None
    return 1 if any((checkout / file).is_file() for file in WITHOUT_NUMBER) else None


def arguments(reading: int, writing: int) -> list[str]:
    """Return what the gate adds to a side's command line: where it reads answers, and writes reports."""
    return [f"{OPTION}={reading},{writing}"]


def pipe_ends(text: str) -> tuple[int, int]:
    """Return both from the option's value."""
    reading, writing = map(int, text.split(","))
    return reading, writing


class Report(StrEnum):
    """Where a side is; behind the word comes what there is to tell."""

    COLLECTED = "collected"  # the identity of each benchmark, by name; the answer is a schedule
    TEST = "test"  # the name of the benchmark that it is about to begin
    # Before it opens the next of the benchmark's starts, until the other side has drawn all blocks of its own; the
    # answer is the core on which both sides compute in this start, or null.
    START = "start"
    BETWEEN_BLOCKS = "turn"  # until it is its turn again, before the first block of a start and after each
    DONE = "done"  # with all starts of the benchmark
    END = "end"  # of the run: why a benchmark has no result, by name


Identity = Mapping[str, Any]


def identity(function: str, sha256: str | None, parameters: Mapping[str, Any]) -> Identity:
    """Return what makes a benchmark the same under another name: what it does, with which parameters and model file."""
    return {"function": function, "sha256": sha256, **parameters}


def is_same(base: Identity, head: Identity) -> bool:
    """Whether two benchmarks are the same; not where the model file is absent, since nobody knows which it is."""
    return base == head and bool(base["sha256"])


@dataclass(frozen=True)
class Schedule:
    """What a side is to run, and how."""

    names: Sequence[str] = ()  # in this order; a renamed benchmark has another name on the other side
    turn_seconds: float = 0.005  # of samples in a turn, which is a block
    starts: int = 5  # that a benchmark is drawn from, each a fresh page or process; its seconds are split among them

    def to_json(self) -> dict[str, Any]:
        """Return the answer that it is."""
        return asdict(self)

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> Self:
        """Read an answer; what it says beyond the schedule is overlooked."""
        return cls(**{field.name: answer[field.name] for field in fields(cls)})


def send(pipe: TextIO, message: Any) -> None:
    """Write a line; raise BrokenPipeError where nobody reads any more."""
    pipe.write(f"{json.dumps(message)}\n")


def receive(pipe: TextIO) -> Any:
    """Wait for a line and return what it says; raise EOFError where the other process has ended, within a line too."""
    line = pipe.readline()
    if not line.endswith("\n"):
        raise EOFError("the other end of the pipe is closed")
    return json.loads(line)
