"""The same model on several machines and devices: its time on each, and how it stands to the server that served it."""

from benchmarks.report.content import Material, Section
from benchmarks.report.few import few
from benchmarks.report.rows.groups import is_ours, of_phase
from benchmarks.report.sections.side_by_side.engines import engines
from benchmarks.report.sections.side_by_side.places import places
from benchmarks.report.sections.side_by_side.served import served
from benchmarks.report.sections.side_by_side.times import times

LEAD = "The same model on each, the quickest first. Nothing is averaged."
OF_DEVICES = " A device is called what its browser says of itself."


def side_by_side(material: Material) -> Section | None:
    """Return what was measured on several machines or devices; None where there are not several."""
    several = places(of_phase([row for row in material.rows if is_ours(row)], "latency"))
    charts = [chart for place in several for chart in times(place)]
    parts = few(charts, "models and batch sizes")
    parts += [*served(several), *engines(several)]
    if not parts:
        return None
    if not any(row.served_by for place in several for row in place.rows):
        return Section("side-by-side", "Machines side by side", LEAD, parts)
    return Section("side-by-side", "Machines and devices side by side", f"{LEAD}{OF_DEVICES}", parts)
