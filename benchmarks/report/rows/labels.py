"""What rows are called beside each other: what sets them apart, and never two alike."""

from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.results import Row, Run

LONGEST_FILE = 24  # letters of a file's name that fit beside a bar
LONGEST_WITH_FOLDER = 32


def labels(rows: Sequence[Row]) -> list[str]:
    """Return a label for each of the *rows* of a chart or table, all different, in their order.

    The platform, then whatever is not the same in all rows: ``chromium-wasm, batch 8, Intel Xeon, 2 cores``. Where two
    runs of a machine hold the same benchmark, each is told by its run: they are two results, and never one.
    """
    files = files_told(rows, lambda row: row.model)
    ways: Sequence[Callable[[Row], str]] = (_model, _batch, _caches, _phase, _precision, files, _machine)
    parts = [_varying(way, rows) for way in ways]
    told = [", ".join(filter(None, words)) for words in zip(map(_platform, rows), *parts, strict=True)]
    return _apart(rows, told)


def by_machine(rows: Sequence[Row]) -> list[str]:
    """Return what sets rows of one platform on several machines apart: the machine, and where it is twice the run."""
    return _apart(rows, [row.machine for row in rows])


def run_names(runs: Sequence[Run]) -> list[str]:
    """Return what each run is called beside the others: its file, also with its folder, or the moment it was saved."""
    ways: Sequence[Callable[[Run], str]] = (
        _file_name,
        _in_folder,
        _moment,
        lambda run: run.saved,
        lambda run: str(run.file),
    )
    for way in ways:
        names = [way(run) for run in runs]
        if len({*names}) == len({id(run) for run in runs}) and all(names):
            return names
    numbers = {id(run): number for number, run in enumerate(runs, 1)}
    return [f"run {numbers[id(run)]}" for run in runs]


def _apart(rows: Sequence[Row], told: Sequence[str]) -> list[str]:
    """Return *told* with the run behind those that are there twice; in the end with the benchmark's whole name."""
    times = Counter(told)
    runs = [*{id(row.run): row.run for row, words in zip(rows, told, strict=True) if times[words] > 1}.values()]
    names = dict(zip(map(id, runs), run_names(runs), strict=True)) if len(runs) > 1 else {}
    by_run = [
        f"{words}, {names[id(row.run)]}" if times[words] > 1 and names else words
        for row, words in zip(rows, told, strict=True)
    ]
    still = Counter(by_run)
    return [words if still[words] == 1 else f"{words}, {row.name}" for row, words in zip(rows, by_run, strict=True)]


def _varying(way: Callable[[Row], str], rows: Sequence[Row]) -> list[str]:
    """Return what is told of each row in a *way*; nothing where it is the same of all."""
    told = [way(row) for row in rows]
    return told if len({*told}) > 1 else [""] * len(told)


def _platform(row: Row) -> str:
    return row.platform or row.name


def _model(row: Row) -> str:
    return row.model or ""


def _batch(row: Row) -> str:
    return f"batch {row.batch_size}" if row.batch_size is not None else ""


def _caches(row: Row) -> str:
    return row.caches or ""


def _phase(row: Row) -> str:
    return row.phase.replace("_", " ") if row.platform else ""  # else its name has it


def _precision(row: Row) -> str:
    """Return the precision, where the model's name does not end with it."""
    precision = row.precision or ""
    is_told = precision == "float32" or (row.model or "").endswith(f".{precision}")
    return "" if is_told else precision


def files_told(rows: Sequence[Row], name: Callable[[Row], str | None]) -> Callable[[Row], str]:
    """Return what tells files apart that go by one *name* among *rows*; nothing of a name that means one file."""
    digests: dict[str | None, set[str]] = {}
    for row in rows:
        digests.setdefault(name(row), set()).add(row.sha256 or "")
    several = {one for one, seen in digests.items() if len(seen) > 1}
    return lambda row: f"file {(row.sha256 or 'not told')[:8]}" if name(row) in several else ""


def _machine(row: Row) -> str:
    return row.machine


def _file_name(run: Run) -> str:
    return run.file.stem if len(run.file.stem) <= LONGEST_FILE else ""


def _in_folder(run: Run) -> str:
    name = f"{run.file.parent.name}/{run.file.stem}"
    return name if len(name) <= LONGEST_WITH_FOLDER else ""


def _moment(run: Run) -> str:
    return run.saved[:16].replace("T", " ")
