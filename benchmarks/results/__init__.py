"""Saved runs: what a file says, read and checked once. Nothing of pytest, which the gate's environment lacks."""

from benchmarks.results.saved import NotARunError, Result, Run, load

__all__ = ["NotARunError", "Result", "Run", "load"]
