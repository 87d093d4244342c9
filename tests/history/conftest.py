"""These tests need a library that holds others back: they run in its environment only (tox run -e tests-history)."""

from benchmarks.platforms.native import installed

collect_ignore = [] if installed("apache-otava") else ["test_history.py"]
