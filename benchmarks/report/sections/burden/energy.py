"""What energy an inference takes, by the machine's own counters."""

from collections.abc import Iterator, Sequence

from benchmarks.report.content import Table
from benchmarks.results import Row, keys

MOST_OPEN = 12  # rows: more would fill a screen


def energy(rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a table of joules, a row for each counter; none where no run has any."""
    if rows:
        head = ["model", "platform", "machine", "counter", "joules an inference", "batch", "marks", "file"]
        caption = "Energy by the machine's counters, each of a whole processor or GPU, also while it idles"
        cells = [*_joules(rows)]
        yield Table(caption, head, cells, (4, 5), is_folded=len(cells) > MOST_OPEN)


def _joules(rows: Sequence[Row]) -> Iterator[list[str]]:
    for row in rows:
        about = [str(row.batch_size or ""), row.signs, row.run.file.name]
        for counter, joules in row.result.info[keys.JOULES].items():
            yield [row.model or "", row.platform or row.name, row.machine, str(counter), f"{joules:.3g}", *about]
