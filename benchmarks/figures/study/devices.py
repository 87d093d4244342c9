"""Browsers that joined by a link, as real clients: a sentence of the README, and a section of the page.

Of no run under ``docs/runs/devices`` nothing is said. What a device is called is what its browser says of itself.
"""

from collections.abc import Iterator, Sequence

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence
from benchmarks.figures.tables import table
from benchmarks.results import Row
from benchmarks.results.engines import in_turns, over_chromium, ratio_of, runtime_of, server_of
from benchmarks.results.numbers import NONE
from benchmarks.results.tidy import DOUBT

MOST_NAMED = 4  # devices in a sentence
TITLE = "Real devices"
COMMAND = "tox run -e clients"
LEAD = (
    f"Browsers that opened a link (`{COMMAND}`), which nobody drives. What a device is called is its browser's own "
    "claim. The ratio to `server-cpu`, on one thread of the machine that served it, was measured in turns. The ratio "
    "to Chromium is of two such ratios, of the same runtime on what is known to be the same device: those two took no "
    "turns with each other."
)


def timed(evidence: Evidence) -> list[Row]:
    """Return one image at once on devices that took turns with the server that served them."""
    steady = [row for row in evidence.joined if row.phase == "latency" and row.batch_size == 1]
    return [row for row in in_turns(steady) if row.served_by and not row.result.is_software]


def sentence_of(evidence: Evidence) -> str:
    """Return how many times as long it takes there as on the server; nothing where there are none."""
    devices = dict.fromkeys(row.machine for row in timed(evidence))
    if not devices:
        return ""
    told = [f"{words.tamed(name)} takes {_spread(evidence, [name])}" for name in devices]
    which = words.listed(told) if len(told) <= MOST_NAMED else f"{len(told)} take {_spread(evidence, [*devices])}"
    return f"Of **real browsers that opened a link**, {which} times as long as the server that served them."


def _spread(evidence: Evidence, names: Sequence[str]) -> str:
    rows = [row for row in timed(evidence) if row.machine in names]
    doubt = f" {DOUBT}" if any(row.result.doubts for row in rows) else ""
    return words.spread((ratio_of(row).value for row in rows), lambda ratio: f"{ratio:.1f}") + doubt


def real_devices(evidence: Evidence) -> Iterator[str]:
    """Yield the section; nothing where there are none."""
    rows = timed(evidence)
    if not rows:
        return
    yield f"## {TITLE}"
    yield words.filled(LEAD)
    for server in dict.fromkeys(map(server_of, rows)):
        some = [row for row in rows if server_of(row) == server]
        yield f"**Served by {words.tamed(server)}**"
        yield table(
            ["model", "device", "runtime", "time", "× server-cpu", "× Chromium"], [_cells(row, some) for row in some], 3
        )


def _cells(row: Row, others: Sequence[Row]) -> list[str]:
    alike = [one for one in others if (one.sha256, one.precision) == (row.sha256, row.precision)]
    held = over_chromium(row, alike)
    return [
        f"`{row.model}`",
        words.tamed(row.machine),
        f"`{runtime_of(row)}`",
        words.marked(words.seconds(Span.of(row.figure)), row),
        words.ratio(row),
        words.marked(words.times_with_interval(Span.of(held.factor)), held.chromium) if held else NONE,
    ]
