"""What stands beside the lines of this section's charts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report.charts.drawing import INK, PAPER, values

ACROSS = 330  # px
Words = tuple[str, int, str]  # at which edge, how far above or below, in what colour
STEP = {"step": 48}  # px of a line


def axis_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the encoding of the lines, one below the other."""
    return {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "axis": None}


def words_of(rows: Sequence[Mapping[str, Any]], y: Any, others: Mapping[str, Words]) -> Iterator[dict[str, Any]]:
    """Yield each row's name above it, and what else stands there, by field; clear of the lines that cross it."""
    for field, (align, dy, colour) in {"label": ("left", -12, INK), **others}.items():
        edge, size = {"value": 0 if align == "left" else "width"}, 11 if dy < 0 else 10
        for look in ({"color": PAPER, "stroke": PAPER, "strokeWidth": 4}, {"color": colour}):
            yield {
                "data": values(rows),
                "mark": {"type": "text", "align": align, "dy": dy, "fontSize": size, "limit": ACROSS, **look},
                "encoding": {"y": y, "x": edge, "text": {"field": field}},
            }
