"""Saved runs: what a file says, read and checked once. Nothing of pytest, which the gate's environment lacks."""

from benchmarks.results.saved import REMEDY, NotARunError, Result, Run, load, load_any
from benchmarks.results.tidy import Row, rows_of

__all__ = ["REMEDY", "NotARunError", "Result", "Row", "Run", "load", "load_any", "rows_of"]
