"""The runs that are put side by side: each is a column with a letter, and is called after its machine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from benchmarks.results import Row, Run, devices
from benchmarks.results.numbers import counted
from benchmarks.results.saved import short
from benchmarks.results.tidy import machines_of


class UsageError(Exception):
    """What was asked for cannot be done; the message says what, and what can."""


@dataclass(frozen=True)
class Side:
    """A run beside the others."""

    letter: str
    machine: str  # its name beside the others; runs of one machine share it
    served_by: str | None  # the same of the machine that served, of a device that joined by a link
    title: str  # what sets it apart from the others, as short as does it: of its machine's name, else its file
    run: Run
    rows: Mapping[str, Row]  # by the name that is compared

    @property
    def words(self) -> str:
        """File, machine, time and commit."""
        run = self.run
        commit = f"{(run.commit.id or 'no commit')[:9]}{' with changes' if run.commit.is_changed else ''}"
        benchmarks = counted(len(run.results), "benchmark")
        served = f", served by {self.served_by or 'a machine not told'}" if devices.is_device(run.machine) else ""
        return f"{run.file}: {self.machine}{served}; {run.saved[:16].replace('T', ' ')}, {commit}; {benchmarks}"


def sides_of(runs: Sequence[Run]) -> list[Side]:
    """Return *runs* as columns, in the order given."""
    machines = machines_of(runs)
    titles = _titles([machine for machine, _ in machines], [run.file for run in runs])
    return [
        Side(_letter(number), *machine, title, run, _rows(machine, run))
        for number, (machine, title, run) in enumerate(zip(machines, titles, runs, strict=True))
    ]


def _letter(number: int) -> str:
    rounds, at = divmod(number, len(ascii_uppercase))
    return ascii_uppercase[at] + (str(rounds) if rounds else "")


def _titles(machines: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Return of each machine's name what not all share; where that sets nothing apart, its file's name as well."""
    words = [machine.split(", ") for machine in machines]
    shared = set.intersection(*map(set, words)) if words else set()
    apart = [", ".join(word for word in each if word not in shared) for each in words]
    often = Counter(apart)
    told = [[title] if often[title] == 1 else [file.stem, title] for title, file in zip(apart, files, strict=True)]
    return [", ".join(word for word in each if word) for each in told]


def _rows(machine: tuple[str, str | None], run: Run) -> dict[str, Row]:
    """Return a run's rows by the benchmark's name; with its file where the name alone is not one."""
    often = Counter(short(result.fullname) for result in run.results)
    rows = [Row(machine[0], run, result, machine[1]) for result in run.results]
    return {row.name if often[row.name] == 1 else row.result.fullname: row for row in rows}


def reference(sides: Sequence[Side], wanted: str | None) -> Side:
    """Return the side that ratios are to: the first, or that of a machine, file or letter.

    Raises UsageError where that is none, or several.
    """
    if wanted is None:
        return sides[0]
    for is_it in (_is_named, _is_like):
        found = [side for side in sides if is_it(side, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            one_of = ", ".join(f"{side.letter} ({side.run.file})" for side in found)
            raise UsageError(f"--reference {wanted}: that is {one_of}; name one by its letter or file")
    known = "; ".join(f"{side.letter}, {side.run.file}, {side.machine}" for side in sides)
    raise UsageError(f"--reference {wanted}: no such run; there are {known}")


def _is_named(side: Side, wanted: str) -> bool:
    file = side.run.file
    return wanted in (side.letter, side.machine, side.title, str(file), file.name, file.stem)


def _is_like(side: Side, wanted: str) -> bool:
    return wanted.lower() in side.machine.lower()
