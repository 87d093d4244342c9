"""What a page bears of a model that computes in it: how long it freezes, what memory it takes; and energy."""

from collections.abc import Mapping

from benchmarks.decide.burden import FRAME
from benchmarks.report.content import Material, Section
from benchmarks.report.few import few
from benchmarks.report.rows.groups import by, file_of
from benchmarks.report.rows.lines import Lines
from benchmarks.report.sections.burden.blocking import blocking, is_emulated
from benchmarks.report.sections.burden.energy import energy
from benchmarks.report.sections.burden.memory import memory
from benchmarks.results import Row, keys

LEAD = (
    "What a page bears while the model computes in it. A task is what its main thread does without pause: one of more "
    f"than {FRAME * 1e3:.1f} ms costs a frame, one of more than 50 ms the W3C calls long."
)


def burden(material: Material) -> Section | None:
    """Return a chart of blocking and one of memory for each model and machine, and a table of energy."""
    parts = [
        *few([*map(blocking, _lines(material, "blocking"))], "charts of freezing"),
        *few([*map(memory, _lines(material, "memory"))], "charts of memory"),
        *energy([row for row in material.rows if isinstance(row.result.info.get(keys.JOULES), Mapping)]),
    ]
    return Section("page", "What the page bears", LEAD, parts) if parts else None


def _lines(material: Material, phase: str) -> list[Lines[Row]]:
    """Return the lines of a chart for each model and machine of a phase: none is held against another."""
    rows = [row for row in material.rows if row.phase == phase and row.model is not None]
    groups = by(sorted(rows, key=is_emulated), lambda row: (row.model, row.precision, row.sha256, row.machine))
    file = file_of(rows)
    return [Lines.of(group, group, file(group[0])) for group in groups.values()]
