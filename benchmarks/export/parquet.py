"""Tidy rows, and the samples behind them, as Parquet: pyarrow is needed here alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.export.columns import COLUMNS, records
from benchmarks.export.refusing import ExportError
from benchmarks.results import Row
from models.files import replacing

REMEDY = "Parquet needs pyarrow; tox run -e export has it, or: pip install pyarrow"
NAMES = ("machine_id", "file", "benchmark")  # the columns by which samples are found again among the rows


def rows_table(rows: Sequence[Row]) -> Any:
    """Return the tidy rows as a table of Arrow, each column of its kind."""
    pa = _pyarrow()
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    fields = (pa.field(one.name, kinds[one.kind], metadata={"meaning": one.words}) for one in COLUMNS)
    schema = pa.schema([*fields])
    try:
        return pa.Table.from_pylist(records(rows), schema)
    except (pa.ArrowException, OverflowError) as error:
        raise ExportError(f"{rows[0].run.file}: a number in it fits no column: {error}") from error


def samples_table(rows: Sequence[Row]) -> Any:
    """Return every sample, in the order they were drawn.

    Columns: ``machine_id``, ``file`` and ``benchmark`` as in the tidy rows; ``start`` (a fresh page or process),
    ``block`` (drawn without a pause) and ``index`` (in the block), from 0; ``seconds`` of an inference, of which it is
    the mean of ``iterations``.
    """
    pa = _pyarrow()
    name = pa.dictionary(pa.int32(), pa.string())
    names = [(column, name) for column in NAMES]
    numbers = [("start", pa.int32()), ("block", pa.int32()), ("index", pa.int32())]
    schema = pa.schema([*names, *numbers, ("seconds", pa.float64()), ("iterations", pa.int64())])
    return pa.concat_tables([pa.table(_columns(row), schema) for row in rows])


def write(table: Any, file: Path) -> None:
    """Write a table; *file* is whole or as it was."""
    from pyarrow import parquet

    with replacing(file) as partial:
        parquet.write_table(table, partial)


def _columns(row: Row) -> dict[str, list[Any]]:
    places = [*_places(row)]
    seconds = [float(value) for value in row.result.samples]
    if len(places) != len(seconds):
        words = f"{len(seconds)} samples, and its starts tell of {len(places)}: the file is damaged"
        raise ExportError(f"{row.run.file}: {row.result.fullname}: {words}")
    (record,) = records([row])
    of_all = {name: record[name] for name in NAMES}
    where = {name: [place[at] for place in places] for at, name in enumerate(("start", "block", "index"))}
    same = {name: [value] * len(seconds) for name, value in {**of_all, "iterations": row.result.iterations}.items()}
    return {**where, **same, "seconds": seconds}


def _places(row: Row) -> Iterator[tuple[int, int, int]]:
    """Yield of each sample its start, block and place in that."""
    for start, blocks in enumerate(row.result.starts):
        for block, samples in enumerate(blocks):
            yield from ((start, block, index) for index in range(len(samples)))


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ExportError(REMEDY) from error
    return pa
