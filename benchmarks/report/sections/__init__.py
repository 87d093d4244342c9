"""The sections of a report, a file or a folder each; a new one is that and a line here, where it stands on the page."""

from collections.abc import Sequence

from benchmarks.report.content import Make
from benchmarks.report.sections.accuracy import accuracy
from benchmarks.report.sections.answers import answers
from benchmarks.report.sections.burden import burden
from benchmarks.report.sections.figures import figures
from benchmarks.report.sections.first_load import first_load
from benchmarks.report.sections.fleet import fleet
from benchmarks.report.sections.latency import latency
from benchmarks.report.sections.machines import machines
from benchmarks.report.sections.map import decision_map
from benchmarks.report.sections.over_time import over_time
from benchmarks.report.sections.side_by_side import side_by_side
from benchmarks.report.sections.throughput import throughput

SECTIONS: Sequence[Make] = (
    answers,
    latency,
    side_by_side,
    fleet,
    decision_map,
    first_load,
    accuracy,
    throughput,
    burden,
    machines,
    over_time,
    figures,
)
