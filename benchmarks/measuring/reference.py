"""The reference every platform's answers are held against: the ONNX graph as written, on onnxruntime's CPU provider.

It is held against itself first. What it cannot promise is not asked of a platform.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.inputs import Fed
from benchmarks.measuring.as_written import AsWritten, AsWrittenApart
from benchmarks.measuring.parity import ParityError, check_parity
from benchmarks.measuring.room import check_room
from benchmarks.protocol import Block, Facts, Feeds, Outputs, Side
from models.manifest import Artefact

# Of the largest reference output. float32 implementations differ by 1e-7 to 5e-7 in the order of their sums. Where an
# intermediate result is rounded to fewer bits, another order moves it by a step: at 11 bits a thousandth, at 8 bits
# 1e-2 to 2e-2 in the catalogue's models. onnxruntime's CPU provider computes fp16 graphs in float32; a GPU does not.
TOLERANCES = {"float32": 1e-5, "fp16": 1e-2, "int8": 5e-2}
# A network of the user's own, or one that is only timed, is deeper than those that were trained, and rounds more often.
OWN_TOLERANCES = {"float64": 1e-4, "float32": 1e-4, "fp16": 2e-2}
FEW_BITS = 1e-1  # of its own too, in all that has fewer: bfloat16, bytes, and half of one
PRECISIONS = tuple(TOLERANCES)  # of the catalogue's files
ROUNDED = {"tf32": TOLERANCES["fp16"]}  # by a platform's arithmetic: as many bits as fp16, before it multiplies
# Of a user's own file: how many times as much as it differs from itself may a platform differ, and up to where the
# difference is one of rounding. Right runtimes differed by up to 1.5 times as much, where that was above 1e-4.
TIMES, MOST = 3.0, 5e-2
PLACES = "_places"  # ends what is no difference, but a share of places: of whole numbers that were others


@dataclass(frozen=True)
class Question:
    """What a session is asked, and how close its answer has to come."""

    artefact: Artefact
    fed: Fed
    expected: Outputs
    tolerance: float
    differs: Mapping[str, float] = field(default_factory=dict)  # the reference from itself, by way of asking

    @property
    def places(self) -> float:
        """In which share of an output's places whole numbers may be others."""
        return widened(0.0, {way: value for way, value in self.differs.items() if way.endswith(PLACES)})

    @property
    def feeds(self) -> Feeds:
        """What a session is fed."""
        return self.fed.feeds

    @property
    def batch_size(self) -> int | None:
        """How many images that is; None of a graph without a batch."""
        return self.fed.batch_size

    @property
    def batch(self) -> str:
        """The same in words."""
        return "no batch" if self.batch_size is None else f"batch {self.batch_size}"

    def check(self, facts: Facts, outputs: Outputs) -> float:
        """Hold a session's answer against the expected one; see :func:`check_parity`."""
        return check_parity(facts.platform, outputs, self.expected, self.tolerance_for(facts), self.places)

    def tolerance_for(self, facts: Facts) -> float:
        """Return how far the session's answer may be off."""
        return max(self.tolerance, ROUNDED[facts.rounding]) if facts.rounding else self.tolerance

    def images(self, blocks: Iterable[Block]) -> int:
        """Return how many images the inferences of *blocks* took in; without a batch, one each."""
        return (1 if self.batch_size is None else self.batch_size) * sum(block.inferences for block in blocks)

    def shapes(self) -> dict[str, list[int]]:
        """Return the shape of every input."""
        return {name: list(value.shape) for name, value in self.feeds.items()}


def ask(
    artefact: Artefact, fed: Fed, several: Fed | None = None, timeout: float = 60.0, side: Side = "server"
) -> Question:
    """Return a file's question: what it is fed, and the reference's answer to that.

    A file of the user's own may hang, take all memory or end its process: it is asked in another, and held against
    itself, also by *several* samples at once and one by one. Raises ParityError where it has no answer, or no two that
    are alike, UnavailableError where there is no memory for its outputs where they are asked for, on that *side*.
    """
    check_room(artefact.path, fed.feeds, side)
    usual = tolerance_of(artefact)
    if not artefact.is_own:
        return Question(artefact, fed, reference(artefact.path, fed.feeds), usual)
    with AsWrittenApart(artefact.path, timeout) as asked:
        expected = _answer(asked, fed)
        try:
            differs = _differences(asked, artefact, fed.feeds, several)
        except ParityError as error:
            raise ParityError(f"{error}{_blaming(fed.steering)}") from error
    floating = {way: value for way, value in differs.items() if not way.endswith(PLACES)}
    return Question(artefact, fed, expected, widened(usual, floating), differs)


def _answer(asked: AsWrittenApart, fed: Fed) -> Outputs:
    """Return the reference's answer; where it has none, values that nobody chose may be why."""
    asked.open()
    try:
        return asked.run(fed.feeds)
    except ParityError as error:
        raise ParityError(f"{error}{_blaming(fed.made_up)}") from error


def _blaming(made_up: Sequence[str]) -> str:
    if not made_up:
        return ""
    were = "was" if len(made_up) == 1 else "were"
    remedy = f"give real values with --input FILE.npz or --input {made_up[-1]}=VALUE"
    return f"; {', '.join(made_up)} {were} made up: {remedy}"


def tolerance_of(artefact: Artefact) -> float:
    """Return the tolerance that the file's precision calls for."""
    precision = artefact.row["precision"]
    is_trained = not (artefact.is_own or artefact.is_untrained)
    return TOLERANCES[precision] if is_trained else own_tolerance(precision)


def own_tolerance(precision: str) -> float:
    """Return the tolerance for a file of the user's own; that of a precision that is not listed is the widest."""
    return OWN_TOLERANCES.get(precision, FEW_BITS)


def widened(tolerance: float, differs: Mapping[str, float]) -> float:
    """Return *tolerance*, or what a reference that *differs* from itself calls for, where that is more.

    What differs by more than a rounding does is not allowed for: there samples depend on each other, or steps are
    taken, and nothing tells how far.
    """
    allowed = [min(TIMES * value, MOST) for value in differs.values() if value <= MOST]
    return max([tolerance, *(float(f"{value:.1e}") for value in allowed)])


# What was found in this run, by the way of asking, the file, and what it was fed: a sweep asks once.
_FOUND: dict[tuple[str, ...], float | None] = {}


def _differences(asked: AsWrittenApart, artefact: Artefact, feeds: Feeds, several: Fed | None) -> dict[str, float]:
    """Return by how much the reference differs from itself, by way of asking; what cannot be asked is left out.

    Raises ParityError where its answers to the same question are not alike.
    """
    files = [artefact.row["sha256"], *artefact.row.get("data_sha256", {}).values()]

    def find(way: str, fed: Feeds, *arguments: Any) -> float | None:
        key = (way, *files, _digest(fed))
        if key not in _FOUND:
            _FOUND[key] = asked.call(way, *arguments)
        return _FOUND[key]

    def find_places(way: str, fed: Feeds) -> float | None:
        key = (f"{way}{PLACES}", *files, _digest(fed))
        if key not in _FOUND:
            _FOUND[key] = asked.call("places", way)
        return _FOUND[key]

    found = {"again": find("again", feeds, tolerance_of(artefact))}
    with suppress(ParityError):
        found["nudge"] = find("nudge", feeds)
        found[f"nudge{PLACES}"] = find_places("nudge", feeds)
    with suppress(ParityError):  # several may be too much for the memory, the limit or the graph
        if several:
            found["batch"] = find("batch", several.feeds, several.feeds, several.batch_axes)
            found[f"batch{PLACES}"] = find_places("batch", several.feeds)
    return {way: value for way, value in found.items() if value is not None}


def _digest(feeds: Feeds) -> str:
    digest = hashlib.sha256()
    for name, value in feeds.items():
        digest.update(f"{name} {value.dtype} {value.shape}\0".encode() + value.tobytes())
    return digest.hexdigest()


def reference(model: Path, feeds: Feeds) -> Outputs:
    """Run the graph as written in this process; raise ParityError where it has no answer."""
    return AsWritten(model).run(feeds)
