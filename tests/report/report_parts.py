"""What a section of a report holds, for tests to look at."""

from benchmarks.report.content import Chart


def charts(section):
    """Return a section's charts, in their order."""
    return [part for part in section.parts if isinstance(part, Chart)]


def texts(chart):
    """Return what is written in a chart of rows."""
    return [row["t"] for row in chart.spec["layer"][-1]["data"]["values"]]
