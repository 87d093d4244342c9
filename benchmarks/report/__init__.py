"""Saved runs as one HTML file that needs nothing else: answers first, charts with their tables, every mark kept.

The door is ``python -m benchmarks.report``; for the end of a run, :func:`write`.
"""

from benchmarks.report.page import write

__all__ = ["write"]
