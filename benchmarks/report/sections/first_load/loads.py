"""First loads as a report shows them: their parts, their requests, their bytes, and the first inference after them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.decide.words import size
from benchmarks.measuring.starts import Figure
from benchmarks.report.rows.groups import by
from benchmarks.results import Row, keys
from benchmarks.results.damage import is_number
from benchmarks.results.tidy import DOUBT, Mark
from browser_harness import page_files

OVER = re.compile(r"-over-.+$")  # a network, in the name of a platform
# What a part is called here, in the order that parts are drawn in. Of each only the time that no part before it has.
PARTS = {
    "worker": "worker",
    "runtime": "runtime's download",
    "model": "model's download",
    "compile": "compile",
    "session": "session",
}
# Until the suite told requests apart, the time until the runtime's script had run, until the model had come, and the
# rest, in which the WebAssembly came.
OLDER = {"runtime": "runtime's script", "fetch": "model's download", "session": "WebAssembly and session"}
WHOLE = "load, in one"  # of a load whose parts nobody told, or that do not add up to it
FIRST = "first inference"
ORDER = (PARTS["worker"], OLDER["runtime"], *[*PARTS.values()][1:], OLDER["session"], WHOLE, FIRST)
OFF = 0.005  # by which share parts may miss a load that was timed: a page's clock has steps


@dataclass(frozen=True)
class Request:
    """A file that a page fetched. Times in seconds from the load's beginning, None of one that came with the page."""

    path: str
    start: float | None
    response: float | None
    end: float | None
    compiled: float | None  # where WebAssembly was compiled as it came
    opened: bool  # whether a connection was made for it
    wire: int  # bytes
    decoded: int
    encoding: str  # as it was sent: ``br``, or ``as it is``


@dataclass(frozen=True)
class Sent:
    """Bytes on the wire, what becomes of them, and how they were encoded where that saves some."""

    wire: int
    decoded: int
    files: int
    encodings: Sequence[str]

    @property
    def words(self) -> str:
        """``3.54 MB on the wire (br), 15.4 MB decoded``."""
        if not self.files:
            return "nothing fetched"
        how = ", ".join(self.encodings) or "as it is"
        return f"{size(self.wire)} on the wire ({how}), {size(self.decoded)} decoded"


@dataclass(frozen=True)
class Load:
    """A benchmark of a load, and those of the first two inferences after it; None where the run has none."""

    row: Row
    first: Row | None
    second: Row | None

    @property
    def details(self) -> Mapping[str, Any]:
        """What the platform told of it."""
        told = self.row.result.info.get(keys.DETAILS)
        return told if isinstance(told, Mapping) else {}

    @property
    def is_of_a_page(self) -> bool:
        """Whether a page opened it, and no process."""
        return self.row.result.surrounding == "page" or self.row.caches in ("cold", "warm")

    @property
    def network(self) -> str:
        """What lay between page and server; nothing where nothing did."""
        told = self.row.result.info.get(keys.NETWORK)
        return str(told["asked"]["name"]) if told else ""

    @property
    def figure(self) -> Figure:
        """How long it took, in the middle of the openings."""
        return self.row.figure

    @property
    def parts(self) -> dict[str, float]:
        """The seconds of its parts, which add up to the load that is typical, and of the first inference."""
        first = {FIRST: self.first.figure.value} if self.first else {}
        return {**self._parts_of_load, **first}

    @property
    def _parts_of_load(self) -> dict[str, float]:
        saved = self._saved_parts
        if not saved or not self.adds_up:
            return {WHOLE: self.figure.value}
        names = OLDER if self.is_older else PARTS
        known = [key for key in names if key in saved]
        return {names.get(key, key): saved[key] for key in (*known, *(saved.keys() - names.keys()))}

    @property
    def is_older(self) -> bool:
        """Whether its parts are those of the suite before it told requests apart: they mean something else."""
        return "fetch" in self._saved_parts and self.adds_up

    @property
    def _saved_parts(self) -> Mapping[str, float]:
        saved = self.details.get(keys.LOAD_PARTS)
        is_told = isinstance(saved, Mapping) and all(is_number(value) and value >= 0 for value in saved.values())
        return saved if is_told and saved is not None else {}

    @property
    def adds_up(self) -> bool:
        """Whether its parts add up to a load that was timed; where no samples were saved, to its figure."""
        total = sum(self._saved_parts.values())
        return any(abs(total - one) <= OFF * one for one in (*self.row.result.samples, self.figure.value))

    @property
    def marks(self) -> list[Mark]:
        """What must be read beside its time, and beside that of its first inference."""
        return [mark for row in (self.row, self.first) if row for mark in row.marks]

    @property
    def doubts(self) -> str:
        """What is doubtful of either, in words."""
        return "; ".join(dict.fromkeys(mark.words for mark in self.marks if mark.sign == DOUBT))

    @property
    def is_seen(self) -> bool:
        """Whether its requests were seen one by one."""
        return any(one.start is not None for one in self.requests)

    @property
    def fault(self) -> str:
        """What stands against its parts; nothing where there are none."""
        faults = {
            "its parts add up to no load that was timed": self._saved_parts and not self.adds_up,
            "what it fetched is damaged": self.details.get(keys.FETCHED) and not self._fetched,
            "its requests are damaged": self.details.get(keys.WATERFALL) and not self._waterfall,
        }
        return "; ".join(words for words, is_so in faults.items() if is_so)

    @property
    def total(self) -> float:
        """Seconds of all that is drawn."""
        return sum(self.parts.values())

    @property
    def requests(self) -> list[Request]:
        """All files that were fetched: those that the page saw in their order, then those that came with it."""
        fetched = self._fetched
        told = [_seen(one, fetched.get(one["path"], {})) for one in self._waterfall]
        rest = fetched.keys() - {one.path for one in told}
        return told + [_unseen(path, one) for path, one in fetched.items() if path in rest]

    @property
    def _fetched(self) -> Mapping[str, Mapping[str, Any]]:
        """What the server sent, by path; of a file that was damaged nothing."""
        saved = self.details.get(keys.FETCHED)
        is_whole = isinstance(saved, Mapping) and all(_has(one, ("wire", "decoded")) for one in saved.values())
        return saved if is_whole and saved is not None else {}

    @property
    def _waterfall(self) -> Sequence[Mapping[str, Any]]:
        """What the page saw, in its order; of a file that was damaged nothing."""
        saved = self.details.get(keys.WATERFALL) or ()
        needed = ("start", "response", "end", "wire", "decoded")
        return saved if all(_has(one, needed) and isinstance(one.get("path"), str) for one in saved) else ()

    @property
    def sent(self) -> Sent:
        """What a visitor fetches of runtime and model, by the server's word, without the files of the suite's page.

        A server may send a file more often than the page sees: workers of threads fetch it, too.
        """
        wanted = [one for path, one in self._fetched.items() if path not in page_files.FILES]
        how = sorted({str(one["encoding"]) for one in wanted if one.get("encoding")})
        return Sent(sum(one["wire"] for one in wanted), sum(one["decoded"] for one in wanted), len(wanted), how)


def _has(one: object, numbers: Sequence[str]) -> bool:
    """Whether something has all these names, each with a number."""
    return isinstance(one, Mapping) and all(is_number(one.get(name)) for name in numbers)


def _seen(saved: Mapping[str, Any], fetched: Mapping[str, Any]) -> Request:
    return Request(
        saved["path"],
        saved["start"],
        saved["response"],
        saved["end"],
        saved.get("compiled"),
        bool(saved.get("opened")),
        saved["wire"],
        saved["decoded"],
        _encoding(fetched, saved["wire"]),
    )


def _unseen(path: str, fetched: Mapping[str, Any]) -> Request:
    return Request(
        path, None, None, None, None, False, fetched["wire"], fetched["decoded"], _encoding(fetched, fetched["wire"])
    )


def _encoding(fetched: Mapping[str, Any], wire: int) -> str:
    """Say how a file was sent; a browser's own cache sends nothing."""
    if not fetched:
        return "not told" if wire else "from the cache"
    level = f" {fetched['level']}" if fetched.get("level") is not None else ""
    return f"{fetched['encoding']}{level}" if fetched.get("encoding") else "as it is"


def loads_of(rows: Sequence[Row]) -> list[Load]:
    """Return all loads, each with the first inferences of the same run, model, batch, caches and platform.

    Those of a load over a network were timed without it: nothing travels while a page computes.
    """
    after = {_key(row, row.phase): row for row in rows if row.phase in ("first_inference", "second_inference")}
    return [
        Load(row, after.get(_key(row, "first_inference")), after.get(_key(row, "second_inference")))
        for row in rows
        if row.phase == "load" and row.model is not None
    ]


def _key(row: Row, phase: str) -> tuple[object, ...]:
    platform = OVER.sub("", row.platform or "")
    return id(row.run), phase, row.model, row.batch_size, platform, row.caches, row.precision


def groups(loads: Sequence[Load]) -> Iterator[list[Load]]:
    """Yield the loads of a model on a machine, over a network, in parts that mean the same: others share no chart."""
    yield from by(loads, _of).values()


def _of(load: Load) -> tuple[object, ...]:
    return load.row.model, load.row.precision, load.row.sha256, load.row.machine, load.network, load.is_older
