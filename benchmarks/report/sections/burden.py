"""What a page bears of a model that computes in it: how long it freezes, what memory it takes; and energy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.decide import words
from benchmarks.decide.burden import FRAME
from benchmarks.measuring.starts import Figure
from benchmarks.report.content import Chart, Material, Section, Table
from benchmarks.report.drawing import DIM, DOUBT, INK, SERIES, values
from benchmarks.report.few import few
from benchmarks.report.groups import file_of
from benchmarks.report.labels import labels
from benchmarks.report.marked import Marked, shortened
from benchmarks.results import Row, keys
from benchmarks.results.damage import is_number

MILLI, MEGA = 1e3, 1e6
LONG_TASK = 0.05  # seconds: W3C, Long Tasks API
PAPER = "var(--paper)"
ACROSS = 330  # px
Words = tuple[str, int, str]  # at which edge, how far above or below, in what colour
# What is told of the start that froze most; it may tell more.
TOLD = ("window", "longest_task", "total_blocking_time", "frames", "frames_missed", "frames_at_rest")
JOULES = "joules_per_inference"
LEAD = (
    "What a visitor's page bears while the model computes in it. A task is what the page's main thread does without "
    f"pause: one of more than {FRAME * MILLI:.1f} ms costs a frame, one of more than 50 ms is what the W3C calls long."
)
BLOCKING_CLOCK = (
    "The longest task of the page's main thread while inferences run and it draws an animation, ms, in the middle of "
    "the starts with its interval. Blocked and frames: of the start that froze most. Hollow: a weaker client, emulated."
)
MEMORY_CLOCK = (
    "What a page takes over its start, MB: its peak less what it held before the runtime was loaded, of the opening "
    "that took most, its workers and services included. A tick is the run's budget. A server's process is held to none."
)


def burden(material: Material) -> Section | None:
    """Return a chart of blocking and one of memory for each model and machine, and a table of energy."""
    parts = [
        *few([*map(_blocking, _lines(material, "blocking"))], "charts of freezing"),
        *few([*map(_memory, _lines(material, "memory"))], "charts of memory"),
        *_energy([row for row in material.rows if isinstance(row.result.info.get(JOULES), Mapping)]),
    ]
    return Section("page", "What the page bears", LEAD, parts) if parts else None


def _lines(material: Material, phase: str) -> list["Lines"]:
    """Return the lines of a chart for each model and machine of a phase: none is held against another."""
    rows = [row for row in material.rows if row.phase == phase and row.model is not None]
    several = len({row.machine for row in material.rows}) > 1
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in sorted(rows, key=_is_emulated):
        found.setdefault((row.model, row.precision, row.sha256, row.machine), []).append(row)
    file = file_of(rows)
    return [Lines.of(group, file(group[0]), several=several) for group in found.values()]


def _is_emulated(row: Row) -> bool:
    """Whether a quota makes a weaker client of it: such lines stand below the others."""
    return keys.SLOWDOWN in row.result.info


@dataclass(frozen=True)
class Lines:
    """The lines of a chart: rows of a model and a machine, by what they are called."""

    title: str  # ``{}`` is what the chart shows
    named: Sequence[tuple[str, Row]]
    marks: str  # what they mean

    @classmethod
    def of(cls, rows: Sequence[Row], file: str, *, several: bool) -> "Lines":
        """Return the lines of *rows*; *file* and machine are told where there are several."""
        marked, row = Marked.of([row.marks for row in rows]), rows[0]
        names = [f"{name} {own}".strip() for name, own in zip(labels(rows), marked.own, strict=True)]
        notes = ", ".join(filter(None, (row.precision if row.precision != "float32" else "", marked.shared)))
        model = f"{row.model}{file}{f' ({notes})' if notes else ''}"
        where = f", on {row.machine}" if several else ""
        return cls(f"{model}: {{}}{where}", [*zip(names, rows, strict=True)], marked.words)


# Blocking


def longest_task(row: Row) -> Figure | None:
    """Return the longest task in the middle of the starts, in seconds; of an older run that of the worst start."""
    saved, worst = row.result.info.get(keys.LONGEST_TASK), _worst(row)
    if isinstance(saved, Mapping) and is_number(saved.get("value")):
        return Figure(**saved)
    return Figure(worst["longest_task"], 1) if worst else None


def _worst(row: Row) -> Mapping[str, Any]:
    """Return what the start tells that froze most; of a file that was damaged nothing."""
    saved = row.result.info.get(keys.BLOCKING)
    is_whole = isinstance(saved, Mapping) and all(is_number(saved.get(name)) for name in TOLD)
    return saved if is_whole and saved is not None else {}


def suffered(row: Row) -> str:
    """Say what share of the window the page was blocked and which frames were missed, of the start that froze most."""
    if not (worst := _worst(row)):
        return "not told"
    wanted = worst["frames"] + worst["frames_missed"]
    return f"{_blocked(worst):.0%} blocked, {worst['frames_missed']} of {wanted} frames missed"


def _blocked(worst: Mapping[str, Any]) -> float:
    """Return the share of the window that tasks took beyond 50 ms each."""
    return worst["total_blocking_time"] / worst["window"] if worst["window"] else 0.0


def _blocking(lines: Lines) -> Chart:
    return Chart(
        lines.title.replace("{}", "how long the page freezes"),
        BLOCKING_CLOCK,
        f"{_freezing(lines.named)} {lines.marks}".strip(),
        _blocking_spec(lines.named),
        _blocking_table(lines.named),
    )


def _freezing(named: Sequence[tuple[str, Row]]) -> str:
    """Say which take a frame or more, and how long the others do at most."""
    told = [(figure.value, name) for name, row in named if (figure := longest_task(row))]
    over = [f"{name} {words.duration(value)}" for value, name in sorted(told, reverse=True) if value > FRAME]
    rest = max((value for value, _ in told if value <= FRAME), default=None)
    within = f"the others take {words.duration(rest)} at most" if rest is not None else ""
    number = f"{len(over)} of {len(told)} take the page for more than a frame"
    return f"{number}{': ' if over else ''}{', '.join(over)}{'; ' if within else ''}{within}."


def _task(row: Row) -> str:
    figure = longest_task(row)
    return f"{words.duration(figure.value)}{_ends(figure)}" if figure else "not told"


def _ends(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return " (no interval)"
    return f" ({words.digits(figure.low * MILLI)} to {words.digits(figure.high * MILLI)})"


def tasks(named: Sequence[tuple[str, Row]]) -> list[dict[str, Any]]:
    """Return a row for each benchmark: its task and its interval in ms, and the words beside it."""
    rows = list[dict[str, Any]]()
    for name, row in named:
        figure, row_ = (
            longest_task(row),
            dict[str, Any](name=name, label=shortened(name), told=f"{_task(row)}; {suffered(row)}"),
        )
        if figure and figure.value > 0:
            row_ |= {"ms": figure.value * MILLI, "emulated": _is_emulated(row)}
            if figure.low and figure.high:
                row_ |= {"low": figure.low * MILLI, "high": figure.high * MILLI}
        rows.append(row_)
    return rows


def _blocking_spec(named: Sequence[tuple[str, Row]]) -> dict[str, Any]:
    rows = tasks(named)
    told = [row[end] for row in rows for end in ("ms", "low", "high") if end in row]
    domain = [min([*told, 5.0]) * 0.8, max([*told, 100.0]) * 1.25]
    y = _row(rows)
    scale = {"type": "log", "domain": domain, "nice": False}
    ticks = [value for value in (0.1, 1, 10, 100, 1000, 10000) if domain[0] <= value <= domain[1]]
    axis = {"values": ticks, "format": "~g", "title": "longest task, ms"}

    def x(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}

    limits = [
        {"ms": FRAME * MILLI, "text": "a frame", "align": "right"},
        {"ms": LONG_TASK * MILLI, "text": "long", "align": "left"},
    ]
    fill = {"condition": {"test": "datum.emulated", "value": PAPER}, "value": SERIES[0]}
    return {
        "height": {"step": 48},
        "layer": [
            {
                "data": values(limits),
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": DOUBT},
                "encoding": {"x": x("ms")},
            },
            *_limit_words(limits, x),
            {
                "data": values([row for row in rows if "low" in row]),
                "mark": {"type": "rule", "strokeWidth": 2, "color": SERIES[0], "yOffset": 4},
                "encoding": {"y": y, "x": x("low"), "x2": {"field": "high"}},
            },
            {
                "data": values([row for row in rows if "ms" in row]),
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 60,
                    "stroke": SERIES[0],
                    "strokeWidth": 1.5,
                    "opacity": 1,
                    "yOffset": 4,
                },
                "encoding": {"y": y, "x": x("ms"), "fill": fill},
            },
            *_lines_of(rows, y, {"told": ("left", 17, DIM)}),
        ],
    }


def _limit_words(limits: Sequence[Mapping[str, Any]], x: Any) -> Iterator[dict[str, Any]]:
    for limit in limits:
        yield {
            "data": values([limit]),
            "mark": {
                "type": "text",
                "align": limit["align"],
                "dx": 3 if limit["align"] == "left" else -3,
                "color": DIM,
            },
            "encoding": {"x": x("ms"), "y": {"value": -7}, "text": {"field": "text"}},
        }


def _row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "axis": None}


def _lines_of(rows: Sequence[Mapping[str, Any]], y: Any, others: Mapping[str, Words]) -> Iterator[dict[str, Any]]:
    """Yield each row's name above it, and what else stands there, by field; clear of the lines that cross it."""
    for field, (align, dy, colour) in {"label": ("left", -12, INK), **others}.items():
        edge, size = {"value": 0 if align == "left" else "width"}, 11 if dy < 0 else 10
        for look in ({"color": PAPER, "stroke": PAPER, "strokeWidth": 4}, {"color": colour}):
            yield {
                "data": values(rows),
                "mark": {"type": "text", "align": align, "dy": dy, "fontSize": size, "limit": ACROSS, **look},
                "encoding": {"y": y, "x": edge, "text": {"field": field}},
            }


def _blocking_table(named: Sequence[tuple[str, Row]]) -> Table:
    head = [
        "client",
        "thread",
        "longest task",
        "of the worst start",
        "blocked",
        "frames missed",
        "wanted",
        "at rest, 1/s",
    ]
    rows = [[name, _thread(row), _task(row), *_of_worst(_worst(row)), _doubts(row)] for name, row in named]
    return Table("Tasks of the main thread, and frames", [*head, "doubts"], rows, range(3, 8))


def _thread(row: Row) -> str:
    return str(row.result.info.get(keys.WHERE, "main"))


def _of_worst(worst: Mapping[str, Any]) -> list[str]:
    if not worst:
        return ["not told"] * 5
    return [
        words.duration(worst["longest_task"]),
        f"{_blocked(worst):.1%}",
        str(worst["frames_missed"]),
        str(worst["frames"] + worst["frames_missed"]),
        f"{worst['frames_at_rest']:.1f}",
    ]


def _doubts(row: Row) -> str:
    return "; ".join(row.result.doubts.values())


# Memory


def taken(row: Row) -> int | None:
    """Return the bytes taken over the start; of older runs and of processes the peak less what was held before."""
    info = row.result.info
    if keys.TAKEN in info:
        return int(info[keys.TAKEN])
    before, peak = info.get(f"{keys.MEMORY}before"), info.get(f"{keys.MEMORY}peak")
    return None if before is None or peak is None else max(0, int(peak) - int(before))


def judged(row: Row) -> str:
    """Say how that compares with the run's budget."""
    info = row.result.info
    if keys.MEMORY_BUDGET not in info:
        return "no budget" if row.result.surrounding == "page" else "a process, no budget"
    budget = words.size(info[keys.MEMORY_BUDGET])
    return f"OVER {budget}" if info.get(keys.OVER_BUDGET) else f"within {budget}"


def _memory(lines: Lines) -> Chart:
    return Chart(
        lines.title.replace("{}", "memory"),
        MEMORY_CLOCK,
        f"{_most(lines.named)} {lines.marks}".strip(),
        _memory_spec(lines.named),
        _memory_table(lines.named),
    )


def _most(named: Sequence[tuple[str, Row]]) -> str:
    """Say who takes least and most, and who takes more than the budget."""
    told = sorted((size, name) for name, row in named if (size := taken(row)) is not None)
    if not told:
        return "This system does not tell."
    least, most = (f"{name} {words.size(size)}" for size, name in (told[0], told[-1]))
    held = [row for _, row in named if keys.MEMORY_BUDGET in row.result.info]
    over = [name for name, row in named if row.result.info.get(keys.OVER_BUDGET)]
    budget = (
        f" OVER the budget, {len(over)} of {len(held)}: {'; '.join(over) or 'none'}." if held else " No budget was set."
    )
    return f"From {least} to {most}.{budget}"


def _size(number: int | None) -> str:
    return "not told" if number is None else words.size(number)


def _beside(row: Row) -> str:
    before, peak = (row.result.info.get(f"{keys.MEMORY}{name}") for name in ("before", "peak"))
    return f"{judged(row)}; before {_size(before)}, peak {_size(peak)}"


def sizes(named: Sequence[tuple[str, Row]]) -> list[dict[str, Any]]:
    """Return a row for each benchmark: what it took and its budget in MB, and the words beside it."""
    rows = list[dict[str, Any]]()
    for name, row in named:
        found, budget = taken(row), row.result.info.get(keys.MEMORY_BUDGET)
        one: dict[str, Any] = {"name": name, "label": shortened(name), "size": _size(found)}
        one["beside"] = _beside(row)
        one |= {"mb": found / MEGA, "over": bool(row.result.info.get(keys.OVER_BUDGET))} if found is not None else {}
        rows.append(one | ({"budget": budget / MEGA} if budget is not None else {}))
    return rows


def _memory_spec(named: Sequence[tuple[str, Row]]) -> dict[str, Any]:
    rows = sizes(named)
    y, most = _row(rows), 1.04 * max([row[end] for row in rows for end in ("mb", "budget") if end in row], default=1)

    def x(field: str) -> dict[str, Any]:
        axis, scale = {"format": ",.0f", "tickCount": 5, "title": "MB over the start"}, {"domain": [0, most]}
        return {"field": field, "type": "quantitative", "axis": axis, "scale": {**scale, "nice": False}}

    colour = {"condition": {"test": "datum.over", "value": DOUBT}, "value": SERIES[0]}
    return {
        "height": {"step": 48},
        "layer": [
            {
                "data": values([row for row in rows if "mb" in row]),
                "mark": {"type": "bar", "height": 12, "yOffset": 4},
                "encoding": {"y": y, "x": x("mb"), "color": colour},
            },
            {
                "data": values([row for row in rows if "budget" in row]),
                "mark": {"type": "tick", "size": 20, "thickness": 2.5, "color": INK, "yOffset": 4},
                "encoding": {"y": y, "x": x("budget")},
            },
            *_lines_of(rows, y, {"size": ("right", -12, INK), "beside": ("left", 17, DIM)}),
        ],
    }


def _memory_table(named: Sequence[tuple[str, Row]]) -> Table:
    head = ["client", "over the start", "budget", "", "before", "peak", "WebAssembly's", "doubts"]
    rows = [
        [
            name,
            _size(taken(row)),
            _size(row.result.info[keys.MEMORY_BUDGET]) if keys.MEMORY_BUDGET in row.result.info else "none",
            judged(row),
            *(_size(row.result.info.get(f"{keys.MEMORY}{part}")) for part in ("before", "peak", "wasm")),
            _doubts(row),
        ]
        for name, row in named
    ]
    return Table("Memory; before and peak of the opening with the highest peak", head, rows, (1, 2, 4, 5, 6))


# Energy


def _energy(rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a table of joules, a row for each counter; none where no run has any."""
    if rows:
        head = ["model", "platform", "machine", "counter", "joules an inference", "batch", "marks", "file"]
        yield Table("Energy of the machine's counters, over inferences alone", head, [*_joules(rows)], (4, 5))


def _joules(rows: Sequence[Row]) -> Iterator[list[str]]:
    for row in rows:
        about = [str(row.batch_size or ""), row.signs, row.run.file.name]
        for counter, joules in row.result.info[JOULES].items():
            yield [row.model or "", row.platform or row.name, row.machine, str(counter), f"{joules:.3g}", *about]
