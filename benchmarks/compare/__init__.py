"""Saved runs side by side, a column a run: what differs, what is missing, what is doubtful.

The door is ``python -m benchmarks.compare``.
"""
