"""The machines side by side: what each is, which runs are of it, and what is doubtful of them."""

from benchmarks.report.content import Material, Section, Table


def machines(material: Material) -> Section | None:
    """Return a table of the runs, by machine, and one of the files that could not be shown."""
    by_run: dict[int, tuple[str, int, int]] = {}
    for row in material.rows:
        _, number, doubtful = by_run.get(id(row.run), ("", 0, 0))
        by_run[id(row.run)] = (row.machine, number + 1, doubtful + bool(row.result.doubts))
    told = [(run, *by_run[id(run)]) for run in material.runs if id(run) in by_run]
    rows = [[machine, run.file.name, run.started, str(all_), str(doubtful)] for run, machine, all_, doubtful in told]
    parts = [Table("Runs", ["machine", "file", "started", "benchmarks", "doubtful"], rows, (3, 4))]
    if material.refused:
        refused = [[one.file, one.why] for one in material.refused]
        parts.append(Table("Files that are not shown", ["file", "why"], refused))
    return Section("machines", "Machines", "Figures of different machines are never averaged.", parts)
