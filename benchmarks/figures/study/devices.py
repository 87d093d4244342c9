"""Browsers that joined by a link, as real clients: a sentence of the README, and a section of the page.

Of no run under ``docs/runs/devices`` nothing is said. What a device is called is what its browser says of itself.
"""

from collections.abc import Iterator, Sequence

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence
from benchmarks.figures.tables import table
from benchmarks.results import Row
from benchmarks.results import devices as devices_of
from benchmarks.results.engines import in_turns, over_chromium, ratio_of, runtime_of, server_of
from benchmarks.results.numbers import NONE
from benchmarks.results.tidy import DOUBT

MOST_NAMED = 4  # devices in a sentence
HERE = "loopback"  # how a browser of the machine that serves it comes
TITLE = "Real devices"
COMMAND = "tox run -e clients"
LEAD = (
    f"Browsers that opened a link (`{COMMAND}`), which nobody drives. What a device is called is its browser's own "
    f"claim; `{HERE}` is on the machine that served it. The ratio to `server-cpu`, on one thread of that machine, was "
    "measured in turns. The ratio to Chromium is of two such ratios, of the same runtime on what is known to be the "
    "same device: those two took no turns with each other."
)


def timed(evidence: Evidence) -> list[Row]:
    """Return one image at once on devices that took turns with the server that served them."""
    steady = [row for row in evidence.joined if row.phase == "latency" and row.batch_size == 1]
    return [row for row in in_turns(steady) if row.served_by and not row.result.is_software]


def sentence_of(evidence: Evidence) -> str:
    """Return how many times as long it takes there as on the server; nothing where there are none."""
    rows = timed(evidence)
    devices = dict.fromkeys(row.machine for row in rows)
    if not devices:
        return ""
    is_here = all(devices_of.of_run(row.run.machine).get("transport") == HERE for row in rows)
    told = [f"{words.tamed(_brief(name) if is_here else name)}: {_spread(evidence, [name])}" for name in devices]
    which = "; ".join(told) if len(told) <= MOST_NAMED else f"{len(told)} of them, {_spread(evidence, [*devices])}"
    models = words.listed([f"`{model}`" for model in dict.fromkeys(row.model for row in rows)])
    place = " on this machine" if is_here else ""
    return f"**Browsers that opened a link**{place} take these multiples of the server's time for {models}: {which}."


def _brief(name: str) -> str:
    """Return what a device on this machine is called, without saying so."""
    return name.replace(f", {HERE}", "")


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
