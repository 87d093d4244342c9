"""A process that draws: ``python -m benchmarks.report.charts.drawer PARENT``, started and asked by ``drawers.py``."""

from collections.abc import Mapping
from typing import Any

from benchmarks.apart import Requests
from benchmarks.report.charts import drawing


class Drawer:
    """What is asked."""

    def drawn(self, spec: Mapping[str, Any]) -> str:
        """Return a chart as Vega draws it."""
        return drawing.drawn(spec)


if __name__ == "__main__":
    Requests().answer(Drawer(), (ValueError,))
