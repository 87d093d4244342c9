"""What a table shows of each phase: columns that mean something for it, with their units."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.loadgen import COMPLIANCE
from benchmarks.measuring.starts import Figure
from benchmarks.protocol import Blocking
from benchmarks.results import keys
from benchmarks.results.numbers import between, three, with_interval
from benchmarks.results.tidy import Told

Rows = Sequence[Told]
MS = 1e3  # in a second
INTERVAL, IMAGES, P95 = 3, 2, 1  # what a narrow screen does without, the highest first
LATER = 4  # what is asked for with -v


@dataclass(frozen=True)
class Column:
    """A head, and what stands below it; an empty cell is of what was not told."""

    head: str
    cell: Callable[[Told], str]
    goes: int = 0  # where the screen is narrow: those with the highest number first; 0 stays


@dataclass(frozen=True)
class Table:
    """What is shown of a phase."""

    title: str
    columns: Callable[[Rows], Sequence[Column]]
    note: str = ""  # what one must know to read it


def of_phase(phase: str) -> Table:
    """Return the table of a phase; one that is not known here has times."""
    return TABLES.get(phase, Table(phase.replace("_", " "), _steady))


def _steady(rows: Rows) -> list[Column]:
    return [
        *_times(rows),
        Column("p95 ms", lambda row: _ms(row.p95), P95),
        Column("images/s", lambda row: _rate(row.images_per_second), IMAGES),
        *_ratios(rows),
        Column("p10 ms", lambda row: _ms(row.p10), LATER),
        Column("p10's interval", lambda row: _interval(row.result.figure("p10")), LATER),
    ]


def _times(rows: Rows, words: str = "") -> list[Column]:
    """Return the headline's statistic: the mean of a weak client, and told where others' is the median."""
    statistics = {row.result.headline for row in rows}
    usual = "median" if "median" in statistics else "mean"

    def cell(row: Told) -> str:
        told = "" if row.result.headline == usual else f"{row.result.headline} "
        return f"{told}{_ms(row.figure.value)}"

    interval = Column(f"{usual}'s interval", lambda row: _interval(row.figure), INTERVAL)
    return [Column(f"{usual}{words} ms", cell), interval]


def _ratios(rows: Rows) -> Iterator[Column]:
    """Yield how many times the partner's time, for each partner that took turns, and with -v its processor time."""
    for partner in dict.fromkeys(name for row in rows for name in row.result.ratios):
        name = partner.replace("_", "-")
        yield Column(f"× {name}", partial(_ratio, partner, name, statistic_of_ratios(rows)))
        yield Column("× cpu time", partial(_cpu, partner), LATER)


def statistic_of_ratios(rows: Rows) -> str | None:
    """Return the statistic that ratios are of, but for those that are told to be of another; None without ratios."""
    statistics = {ratio.statistic for row in rows for ratio in row.result.ratios.values()}
    return min(statistics, key=lambda name: name == "mean", default=None)


def _ratio(partner: str, name: str, usual: str | None, row: Told) -> str:
    if (ratio := row.result.ratios.get(partner)) is None:
        return "base" if row.platform == name else ""
    told = "" if ratio.statistic == usual else f"{ratio.statistic} "
    return f"{told}{with_interval(ratio.value, ratio.low, ratio.high)}"


def _cpu(partner: str, row: Told) -> str:
    ratio = row.result.ratios.get(partner)
    return "" if ratio is None or ratio.cpu is None else f"{ratio.cpu:.2f}"


def _energy(rows: Rows) -> list[Column]:
    counters = dict.fromkeys(name for row in rows for name in row.result.info.get(keys.JOULES, {}))
    return [*(Column(f"mJ, {name}", partial(_millijoules, name)) for name in counters), *_steady(rows)]


def _millijoules(counter: str, row: Told) -> str:
    joules = row.result.info.get(keys.JOULES, {}).get(counter)
    return "" if joules is None else f"{joules * 1e3:#.4g}"


def _load(rows: Rows) -> list[Column]:
    return [*_times(rows), Column("shipped MB", _shipped, P95)]


def _shipped(row: Told) -> str:
    """Write what a person would ship: the bytes of runtime and model, as they were sent."""
    shipped: Mapping[str, int] = row.result.info[keys.DETAILS].get(keys.SHIPPED, {})
    return _megabytes(shipped["runtime"] + shipped["model"]) if {"runtime", "model"} <= shipped.keys() else ""


def _memory(rows: Rows) -> list[Column]:
    return [
        Column("peak MB", partial(_bytes, f"{keys.MEMORY}peak")),
        Column("before MB", partial(_bytes, f"{keys.MEMORY}before"), IMAGES),
        Column("over start MB", partial(_bytes, keys.TAKEN)),
        Column("wasm MB", partial(_bytes, f"{keys.MEMORY}wasm"), P95),
        replace(_times(rows)[0], goes=INTERVAL),
    ]


def _bytes(key: str, row: Told) -> str:
    number = row.result.info.get(key)
    return "" if number is None else _megabytes(number)


def _blocking(rows: Rows) -> list[Column]:
    return [
        Column("longest task ms", lambda row: _of_figure(_ms, row, keys.LONGEST_TASK)),
        Column("task's interval", lambda row: _of_figure(None, row, keys.LONGEST_TASK), INTERVAL),
        Column("blocked %", lambda row: _suffered(row, lambda worst: f"{100 * worst.blocked:.0f}")),
        Column(
            "frames missed", lambda row: _suffered(row, lambda worst: f"{worst.frames_missed} of {worst.frames_wanted}")
        ),
        *(replace(column, goes=column.goes or P95) for column in _times(rows, " inference")),
    ]


def _suffered(row: Told, say: Callable[[Blocking], str]) -> str:
    worst = row.result.blocking
    return "" if worst is None else say(worst)


def _queries(_rows: Rows) -> list[Column]:
    names = (("p50", 0), ("p90", P95), ("p99", 0))
    return [*(Column(f"{name} ms", partial(_percentile, name), goes) for name, goes in names), _WORKERS]


def _percentile(name: str, row: Told) -> str:
    value = row.result.info.get(name)
    return "" if value is None else _ms(value)


def _carried(rows: Rows) -> list[Column]:
    bounds = [row.result.info.get(keys.P99_BOUND) for row in rows]
    within = [Column("within p99 ms", partial(_percentile, keys.P99_BOUND))] if any(bounds) else []
    return [
        Column("queries/s", lambda row: _rate(row.result.rate.value) if row.result.rate else ""),
        Column("from … to", _between),
        *within,
        *(Column("p99 ms", partial(_percentile, "p99"), P95) for _ in within),
        _WORKERS,
    ]


def _between(row: Told) -> str:
    rate = row.result.rate
    return "" if rate is None or rate.low is None else f"{_rate(rate.low)} to {_rate(rate.high)}"


def _accuracy(rows: Rows) -> list[Column]:
    names = (("top-1 %", keys.TOP1, 0), ("top-5 %", keys.TOP5, P95), ("as reference %", keys.AS_REFERENCE, 0))
    return [*(Column(head, partial(_percent, key), goes) for head, key, goes in names), _EXAMINED, *_steady(rows)]


def _percent(key: str, row: Told) -> str:
    share = row.result.info.get(key)
    return "" if share is None else f"{share:.2f}"


def _of_figure(say: Callable[[float], str] | None, row: Told, key: str) -> str:
    """Write a figure of extra_info, or its interval."""
    saved = row.result.info.get(key)
    return "" if saved is None else say(saved["value"]) if say else _interval(Figure(**saved))


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return between(figure.low, figure.high, MS)


def _ms(seconds: float | None) -> str:
    return "" if seconds is None or math.isnan(seconds) else three(seconds * MS)


def _rate(number: float | None) -> str:
    """Write how many a second."""
    return "" if number is None else three(number)


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.1f}"


_WORKERS = Column("workers", lambda row: str(row.result.info.get(keys.WORKERS, "")), IMAGES)
_EXAMINED = Column("images", lambda row: f"{row.result.info.get('images', 0):,}", INTERVAL)

TABLES = {
    "latency": Table("latency", _steady),
    "device": Table("latency on the device", _steady),
    "scaling": Table("latency on several threads", _steady),
    "energy": Table("energy of an inference", _energy),
    "load": Table("load", _load),
    "first_inference": Table("first inference", _times),
    "second_inference": Table("second inference", _times),
    "memory": Table("memory", _memory, "of the opening that took most; times until the second answer"),
    "blocking": Table(
        "blocking", _blocking, "while the page draws an animation; blocked and frames of the start that froze most"
    ),
    "single_stream": Table("one query after another", _queries, COMPLIANCE),
    "offline": Table("all queries at once", _carried, COMPLIANCE),
    "server": Table("queries that arrive by chance", _carried, COMPLIANCE),
    "accuracy": Table("accuracy", _accuracy, "times of a batch"),
}
