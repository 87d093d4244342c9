"""Saved runs for other people's tools: tidy rows as CSV, Parquet, Markdown, and what trackers of benchmarks read.

The door is ``python -m benchmarks.export``.
"""
