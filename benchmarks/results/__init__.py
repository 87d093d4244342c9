"""Saved runs: what a file says, read and checked once. Nothing of pytest, which the gate's environment lacks."""
