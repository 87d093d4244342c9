"""The machines side by side: what each is, which runs are of it, and what is doubtful of them.

What a machine does not tell is left out: a run of pytest-benchmark alone tells little. A device that joined by a link
tells of itself in words of its own, which stand apart; the machine that served it is among the machines.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.measuring.trust import advice
from benchmarks.report.content import Material, Part, Section, Table, Words
from benchmarks.report.rows.labels import run_names
from benchmarks.report.rows.lines import shortened
from benchmarks.report.sections.machines.devices import devices_told
from benchmarks.results import Row, Run, devices, keys
from benchmarks.results.gathered import in_ranges

Info = Mapping[str, Any]
NOT_TOLD = "not told"
HIDDEN = "not told by the system"
MANY = 4  # benchmarks, or runs, that are named in a cell
LEAD = "Figures of different machines are never averaged, nor those of different runs."


def machines(material: Material) -> Section | None:
    """Return tables of the machines, of the runs, of what is doubtful, and of the files that could not be shown."""
    of_devices = devices_told(material.rows)
    tables = [_identities(material), *of_devices, _runs(material), _versions(material.runs), _doubts(material.rows)]
    parts: list[Part] = [table for table in tables if table is not None]
    parts += [] if any(row.result.doubts for row in material.rows) else _trusted(material.rows)
    parts += _unknown(material.rows)
    if material.refused:
        refused = [[one.file, one.why] for one in material.refused]
        parts.append(Table("Files, and benchmarks of files, that are not shown", ["file", "why"], refused))
    return Section("machines", "Machines", LEAD, parts) if parts else None


def _identities(material: Material) -> Table | None:
    """Return a column for each machine; where its runs tell several things, all of them."""
    infos = _infos(material.rows)
    if not infos:
        return None
    rows = [[name, *(_told(map(way, told)) for told in infos.values())] for name, way in IDENTITY.items()]
    known = [row for row in rows if any(cell != NOT_TOLD for cell in row[1:])]
    return Table("What each machine is", ["", *infos], known)


def _infos(rows: Sequence[Row]) -> dict[str, list[Info]]:
    """Return what the runs tell of each machine; of a device what its run tells of the one that served it."""
    found: dict[str, list[Info]] = {}
    for run, machine, server in {id(row.run): (row.run, row.machine, row.served_by) for row in rows}.values():
        info = devices.served_by(run.machine) if server else run.machine
        if info:
            found.setdefault(server or machine, []).append(info)
    return found


def _by_machine(material: Material) -> dict[str, list[Run]]:
    """Return the runs of each machine, in the order of the files."""
    names = {id(row.run): row.machine for row in material.rows}
    found: dict[str, list[Run]] = {}
    for run in material.runs:
        if id(run) in names:
            found.setdefault(names[id(run)], []).append(run)
    return found


def _told(values: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(value for value in values if value)) or NOT_TOLD


def _plain(*names: str) -> Callable[[Info], str]:
    """Return what reads these of a machine's facts, where it tells them."""
    return lambda info: " ".join(str(info[name]) for name in names if info.get(name) not in (None, ""))


def _processor(info: Info) -> str:
    cpu = info.get("cpu") or {}
    model = f", model {cpu['family']}.{cpu['model']}" if {"family", "model"} <= cpu.keys() else ""
    return f"{cpu.get('brand_raw', '')}{model}".removeprefix(", ")


def _cores(info: Info) -> str:
    usable, cores = info.get("cores_usable"), info.get("cores") or (info.get("cpu") or {}).get("count")
    if usable is None:
        return "" if cores is None else str(cores)
    return str(usable) if usable == cores else f"{usable} of {cores}"


def _quota(info: Info) -> str:
    if keys.QUOTA not in info:
        return ""
    return "none" if info[keys.QUOTA] is None else f"{info[keys.QUOTA]} cores"


def _asked(name: str, way: Callable[[Info], str]) -> Callable[[Info], str]:
    """Return what reads a fact, and tells a system that was asked for it and did not say."""
    return lambda info: HIDDEN if name in info and info[name] is None else way(info)


def _gpus(info: Info) -> str:
    if info.get("gpus") is None:
        return ""
    told = [f"{gpu.get('name')}{_driver(gpu)}" for gpu in info["gpus"]]
    return ", ".join(told) or "none of NVIDIA's"


def _driver(gpu: Info) -> str:
    memory = f", {gpu['memory_bytes'] / 2**30:.0f} GiB" if gpu.get("memory_bytes") else ""
    return f" (driver {gpu['driver']}{memory})" if gpu.get("driver") else ""


def _load(info: Info) -> str:
    """Return how many programs wanted to run in the minute before the run; others' work is among the doubts."""
    started = (info.get("load_average") or {}).get("start")
    return f"{started[0]:.1f}" if started else ""


IDENTITY: Mapping[str, Callable[[Info], str]] = {
    "processor": _processor,
    "architecture": _plain("machine"),
    "cores": _cores,
    "quota": _quota,
    "instruction sets": _asked("simd_flags", lambda info: ", ".join(map(str, info.get("simd_flags") or ()))),
    "GPUs": _gpus,
    "frequency governor": _asked("governor", _plain("governor")),
    "system": _plain("system", "release"),
    "Python": _plain("python_implementation", "python_version"),
}


def _runs(material: Material) -> Table | None:
    """Return a row for each run, with what it was made by, and whether it is whole."""
    rows = [
        [
            machine,
            str(run.file),
            run.saved[:19].replace("T", " "),
            _how_it_ended(run),
            _commit(run),
            str(run.machine.get("suite") or NOT_TOLD),
            _load(run.machine),
            str(len(run.results)),
            str(sum(bool(result.doubts) for result in run.results)),
        ]
        for machine, runs in _by_machine(material).items()
        for run in runs
    ]
    empty = [run for run in material.runs if not run.results]
    rows += [["", str(run.file), run.saved[:19], _how_it_ended(run), "", "", "", "0", "0"] for run in empty]
    head = ["machine", "file", "saved", "ended", "commit", "suite", "load before", "benchmarks", "doubtful"]
    return Table("Runs", head, rows, (6, 7, 8)) if rows else None


def _how_it_ended(run: Run) -> str:
    if not run.is_of_this_suite:
        return "not this suite's: nothing tells"
    return ", ".join(fault.value for fault in run.faults) or "whole"


def _commit(run: Run) -> str:
    return f"{run.commit.id[:12]}{', files changed' * run.commit.is_changed}" if run.commit.id else run.version


def _versions(runs: Sequence[Run]) -> Table | None:
    """Return the packages whose versions differ between the runs that tell them, and which run had which."""
    told = [run for run in runs if run.versions]
    files = dict(zip(map(id, told), run_names(told), strict=True))
    had: dict[str, dict[str, list[str]]] = {}
    for run in told:
        for name, version in run.versions.items():
            had.setdefault(name, {}).setdefault(str(version), []).append(files[id(run)])
    rows = [
        [
            shortened(name),
            shortened(version),
            _which(some, is_usual=version == max(versions, key=lambda one: len(versions[one]))),
        ]
        for name, versions in had.items()
        for version, some in versions.items()
        if len(versions) > 1
    ]
    return Table("Versions that differ between the runs", ["package", "version", "runs"], rows) if rows else None


def _which(names: Sequence[str], *, is_usual: bool) -> str:
    """Name the runs that had a version; of the usual one, where these are many, how many there are."""
    return f"the other {len(names)} runs" if is_usual and len(names) > MANY else ", ".join(names)


def _doubts(rows: Sequence[Row]) -> Table | None:
    """Return what is doubtful, those of a kind together, with what to do about it."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        for name in row.result.doubts:
            found.setdefault((row.machine, name), []).append(row)
    total = {machine: sum(row.machine == machine for row in rows) for machine, _ in found}
    cells = [
        [
            machine,
            in_ranges(row.result.doubts[name] for row in some),
            f"{len(some)} of {total[machine]}",
            _names(some),
            "; ".join(advice([name])),
        ]
        for (machine, name), some in sorted(found.items(), key=lambda one: (one[0][0], -len(one[1])))
    ]
    head = ["machine", "what speaks against them", "benchmarks", "which", "what to do"]
    return Table("What is doubtful (!)", head, cells, (2,)) if cells else None


def _unknown(rows: Sequence[Row]) -> list[Part]:
    """Return what should be known of the circumstances and is not, of each machine what is unknown alike together."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if unknown := "; ".join(row.result.unknown.values()):
            found.setdefault((row.machine, unknown), []).append(row)
    total = {machine: sum(row.machine == machine for row in rows) for machine, _ in found}
    cells = [
        [machine, unknown, f"{len(some)} of {total[machine]}", _names(some)]
        for (machine, unknown), some in found.items()
    ]
    head = ["machine", "what its system does not tell", "benchmarks", "which"]
    return [Table("What is unknown", head, cells, (2,))] if cells else []


def _names(rows: Sequence[Row]) -> str:
    names = [row.name for row in rows[:MANY]]
    return ", ".join(names) + (f", and {len(rows) - MANY} more" if len(rows) > MANY else "")


def _trusted(rows: Sequence[Row]) -> list[Part]:
    """Say that nothing is doubtful, of how many benchmarks that were looked at."""
    number = sum(bool(row.result.trust) for row in rows)
    return [Words([f"Of {number} benchmarks whose circumstances were watched none is doubtful."])] if number else []
