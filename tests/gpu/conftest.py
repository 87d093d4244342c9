"""These tests need the wheel that goes with no other: they run in its environments only (tox run -e tests-gpu)."""

from benchmarks.platforms.native import installed

collect_ignore = [] if installed("onnxruntime-gpu") else ["test_cuda.py"]
