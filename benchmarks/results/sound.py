"""What of a saved run can be shown: a result that is damaged is left out, and why is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from benchmarks.results import alike, keys
from benchmarks.results.damage import DamagedError, check_mapping, check_numbers, is_number, shown
from benchmarks.results.saved import NotARunError, Result, Run
from benchmarks.results.tidy import Row, rows_of

MOST = 1e12  # seconds, or times as long: nobody waited longer, and what is reckoned with them stays finite
TIMES = ("min", "median", "mean", "max")
SHARES = (keys.TOP1, keys.TOP5, keys.AS_REFERENCE)  # of answers, in per cent
BESIDE = (keys.LONGEST_TASK, keys.SERVER_SECONDS, keys.TRANSFER_SECONDS)  # figures beside the times


@dataclass(frozen=True)
class LeftOut:
    """A result that is none, and what it holds instead."""

    name: str  # the benchmark's
    why: str


def sound(run: Run) -> tuple[Run, list[LeftOut]]:
    """Return *run* without the results that no run can have measured, and those with the reason.

    Raises NotARunError where what it tells of its machine cannot be read.
    """
    try:
        rows = rows_of([run])
    except Exception as error:  # whatever a file holds in place of names and numbers
        raise NotARunError(run.file, ValueError(f"of its machine_info: {_words(error)}")) from error
    why = [_why_none(row) for row in rows]
    left_out = [LeftOut(row.name, words) for row, words in zip(rows, why, strict=True) if words]
    kept = [row.result for row, words in zip(rows, why, strict=True) if not words]
    return (replace(run, results=kept) if left_out else run), left_out


def _why_none(row: Row) -> str:
    """Return what of a row is no result; nothing where all of it is one."""
    try:
        return next(_faults(row), "")
    except Exception as error:  # as above
        return f"damaged: {_words(error)}"


def _faults(row: Row) -> Iterator[str]:
    result = row.result
    for name in (name for name in result.impossible(TIMES) if name in result.stats):
        yield f"its {name} is {shown(result.stats[name])}, no time"
    if wrong := [value for value in result.samples if not _is_time(value)]:
        yield f"a sample is {shown(wrong[0])}, no time"
    for name in result.info.get(keys.FIGURES, {}):
        yield from _of(f"its {name}", vars(result.figure(name)))
    if rate := result.rate:
        yield from _of("its rate", vars(rate))
    for name, ratio in result.ratios.items():
        yield from _of(f"its ratio to {name}", vars(ratio))
    for name in (name for name in SHARES if not _is_share(result.info.get(name))):
        yield f"its {name} is {shown(result.info[name])}, no share in per cent"
    _read_all(row)


def _of(what: str, values: Mapping[str, object]) -> Iterator[str]:
    """Yield what is no time, or no ratio of times, of a figure and its interval; an interval may be absent."""
    for end in ("value", "low", "high"):
        if (value := values.get(end)) is not None and not _is_time(value):
            yield f"{what} is {shown(value)}, no {next((word for word in ('ratio', 'rate') if word in what), 'time')}"


def _is_time(value: object) -> bool:
    return is_number(value) and 0 < value <= MOST


def _is_share(value: object) -> bool:
    return value is None or (is_number(value) and 0 <= value <= 100)


def _read_all(row: Row) -> None:
    """Read all that is told of a row; raise whatever stands against it."""
    for part in (row, row.result):
        for name in dir(type(part)):
            if isinstance(getattr(type(part), name), property):
                getattr(part, name)
    alike.of_benchmark(row.result)
    _check_beside(row.result)


def _check_beside(result: Result) -> None:
    """Raise DamagedError where what was measured beside the times is no number; a page may have no task at all."""
    for name in BESIDE:
        if figure := result.figure_beside(name):
            ends = [end for end in (figure.low, figure.high) if end is not None]
            check_numbers([figure.value, *ends], f"its {name}, or an end of its interval,")
    joules = result.info.get(keys.JOULES) or {}
    check_mapping(joules, f"its {keys.JOULES}")
    check_numbers(joules.values(), f"its {keys.JOULES}")


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, DamagedError) else f"{type(error).__name__} {shown(str(error))}"
