"""What is said of each series, in words and as JSON."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.history.changes import SHORTEST, Step, Total, steps, total
from benchmarks.history.series import Point, Series
from benchmarks.results.saved import short


@dataclass(frozen=True)
class Finding:
    """A series and what changed in it."""

    series: Series
    steps: Sequence[Step]
    total: Total | None

    @classmethod
    def of(cls, series: Series) -> "Finding":
        """Look for changes."""
        return cls(series, steps(series.values), total(series.values))

    @property
    def has_changed(self) -> bool:
        """Whether there is a step, or a change from the first runs to the last."""
        return bool(self.steps or (self.total and self.total.is_change))

    @property
    def machine(self) -> tuple[str, str]:
        """The machine's folder and what of it decides the figures."""
        return self.series.key.machine, self.series.key.fingerprint

    @property
    def short_name(self) -> str:
        """The benchmark without its file."""
        return short(self.series.key.name)

    @property
    def anchor(self) -> str:
        """What the page calls its chart."""
        return re.sub(r"\W+", "-", "-".join([self.series.key.name, *self.machine, self.series.key.workload]))

    def around(self, step: Step) -> tuple[Point, Point]:
        """Return the last point before a step and the first after it."""
        return self.series.points[step.index - 1], self.series.points[step.index]

    def to_json(self) -> dict[str, Any]:
        """Return all there is."""
        return asdict(self.series.key) | {
            "points": [_point_json(point) for point in self.series.points],
            "steps": [
                asdict(step) | {"change": step.change, "commits": [point.run.commit for point in self.around(step)]}
                for step in self.steps
            ],
            "total": asdict(self.total) | {"is_change": self.total.is_change} if self.total else None,
        }


def _point_json(point: Point) -> dict[str, Any]:
    run = point.run
    return {
        "commit": run.commit,
        "time": run.time.isoformat(),
        "saved": run.saved.isoformat(),
        "file": run.file,
        "ms": point.value,
        "notes": [*point.notes],
    }


def changed_in_all(findings: Iterable[Finding]) -> list[Finding]:
    """Return those whose last runs differ from their first, largest first."""
    changed = [(abs(total.change), finding) for finding in findings if (total := finding.total) and total.is_change]
    return [finding for _size, finding in sorted(changed, key=lambda pair: -pair[0])]


def all_steps(findings: Iterable[Finding]) -> list[tuple[Finding, Step]]:
    """Return the steps of all series, largest first."""
    pairs = [(finding, step) for finding in findings for step in finding.steps]
    return sorted(pairs, key=lambda pair: -abs(pair[1].change))


def summary(findings: Sequence[Finding]) -> str:
    """Return how many changed, and of how many nobody can say."""
    changed = sum(finding.has_changed for finding in findings)
    few = sum(finding.total is None and not finding.has_changed for finding in findings)
    words = f"{changed} of {len(findings)} benchmarks changed"
    return f"{words}; {few} have fewer than {SHORTEST} runs, too few to tell" if few else words


def percent(change: float) -> str:
    """Write a relative change, signed."""
    return f"{change * 100:+.1f} %"


def total_words(finding: Finding) -> list[str]:
    """Return the commits from the first to the last, the change, and its interval."""
    total, points = finding.total, finding.series.points
    if total is None:
        return ["too few", "", ""]
    first, last = points[0].run, points[-1].run
    commits = f"{first.commit} → {last.commit}, {first.day} to {last.day}, {len(points)} runs"
    return [commits, percent(total.change), f"{percent(total.low)} to {percent(total.high)}"]


def step_words(finding: Finding, step: Step) -> list[str]:
    """Return the commits before and after a step, the change, and how probable it is without one."""
    before, after = finding.around(step)
    return [f"{before.run.commit} → {after.run.commit}, {after.run.day}", percent(step.change), f"{step.p:.0e}"]
