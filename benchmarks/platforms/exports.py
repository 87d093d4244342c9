"""The files that were made from a model for runtimes without ONNX."""

from pathlib import Path

from benchmarks.protocol import Case, UnavailableError
from models import manifest


def litert_file(platform: str, case: Case) -> Path:
    """Return the case's `.tflite` file, made for its batch size; raise UnavailableError where there is none."""
    if path := manifest.derived(case.artefact, f"b{case.batch_size}.tflite"):
        return path
    names = case.artefact.row.get("derived", {})
    made = sorted(int(name.split(".")[-2][1:]) for name in names if name.endswith(".tflite"))
    there = f"it has batches of {', '.join(map(str, made))}" if made else "it has none of any size"
    words = f"no .tflite file for batches of {case.batch_size}: {there}; only the catalogue's float32 models do"
    if case.artefact.is_untrained and case.artefact.row["precision"] == "float32" and not made:
        words = f"no .tflite file; make it with `tox run -e networks -- {case.artefact.name}`"
    raise UnavailableError(f"{platform}: {case.model_file.name}: {words}")
