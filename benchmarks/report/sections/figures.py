"""Every benchmark with its figures and marks: what no chart shows is here."""

from benchmarks.report.content import Material, Section, Table
from benchmarks.results import Row, keys
from benchmarks.results.numbers import NONE, milliseconds, three, within
from benchmarks.results.tidy import DOUBT

MOST_OPEN = 40  # rows: more would fill screens
HEAD = (
    *("benchmark", "shown", "marks", "p10", "p95", "× server-cpu, in turns", "samples", "besides"),
    *("machine", "file"),
)
LEAD = (
    "A row for each benchmark of each run. Times of an inference, or of what the benchmark's name says, in ms; "
    "the shown figure is the median, of weakened clients the mean, in the middle of the starts, with its 95 % "
    "interval; p10 is in their middle, too, and p95 of all samples."
)


def figures(material: Material) -> Section | None:
    """Return one table of all that was measured."""
    rows = [_cells(row) for row in material.rows]
    table = Table("Every benchmark", HEAD, rows, (1, 3, 4, 5, 6), is_folded=len(rows) > MOST_OPEN)
    return Section("figures", "All figures", LEAD, [table]) if rows else None


def _cells(row: Row) -> list[str]:
    figure, ratio = row.figure, row.ratio
    shown = milliseconds(figure.value) + within(figure.low, figure.high, 1e3)
    turns = three(ratio.value) + within(ratio.low, ratio.high) if ratio else NONE
    marks = "; ".join(f"{mark.sign} {mark.words}" if mark.sign == DOUBT else mark.sign for mark in row.marks)
    samples = f"{len(row.result.samples):,}" if row.result.samples else "not saved"
    known = [shown, marks, milliseconds(row.p10), milliseconds(row.p95), turns, samples, _besides(row)]
    return [row.name, *known, row.machine, row.run.file.name]


def _besides(row: Row) -> str:
    """Return what a benchmark tells beside its times: rates, right answers, and what its page bore."""
    info, found = row.result.info, list[str]()
    if row.images_per_second is not None:
        found.append(f"{three(row.images_per_second)} images/s")
    if rate := row.result.rate:
        found.append(f"{three(rate.value)} queries/s{within(rate.low, rate.high)}")
    if row.phase == "accuracy":
        found += [f"{name} {info[name]:.2f} %" for name in (keys.TOP1, keys.TOP5) if info.get(name) is not None]
    if task := row.longest_task:
        found.append(f"longest task {milliseconds(task.value)}{within(task.low, task.high, 1e3)}")
    if (taken := row.result.taken) is not None:
        over = ", more than its budget" if info.get(keys.OVER_BUDGET) else ""
        found.append(f"{taken / 1e6:,.1f} MB taken{over}")
    return "; ".join(found)
