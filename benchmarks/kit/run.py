"""Measure on a machine with a GPU what is worth most first: ``python -m benchmarks.kit.run``.

Each step is a run of pytest of its own, whose JSON is on the disk when it ends; one that is not done in its time is
interrupted, and saves what it has. What there is no time left for is told.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAVING = 20.0  # seconds that a step may take to end once it is interrupted


@dataclass(frozen=True)
class Step:
    """A run of pytest."""

    name: str
    words: tuple[str, ...]
    seconds: float  # at most
    is_measured: bool = True  # else it is a test, without a JSON


def each(option: str, *values: str | int) -> tuple[str, ...]:
    """Return an option once for every value."""
    return tuple(word for value in values for word in (option, str(value)))


def latency(*platforms: str) -> tuple[str, ...]:
    """Return a sweep of the steady state."""
    return ("-m", "latency", *each("--platform", *platforms))


BATCHES = (8, 64, 512)
CUDA = ("server-cuda", "server-cuda-tf32")
FEWER = ("--starts", "3")  # a process takes seconds to load CUDA

STEPS = (
    Step("gpu-tests", ("tests/gpu",), 120, is_measured=False),
    Step("contract", ("tests/platforms/test_platforms.py", "-k", "server-cuda"), 150, is_measured=False),
    Step(
        "study", latency("server-cpu", "server-cuda", "chromium-wasm", "chromium-webgpu") + each("--batch-size", 1), 200
    ),
    Step("batches", latency("server-cpu", "server-cuda") + each("--batch-size", *BATCHES) + FEWER, 150),
    Step("tf32", latency("server-cpu", "server-cuda-tf32") + each("--batch-size", 1, *BATCHES) + FEWER, 150),
    Step(
        "fp16",
        (*latency("server-cpu", "server-cuda"), "--precision", "fp16", *each("--batch-size", 1, *BATCHES), *FEWER),
        150,
    ),
    Step("device", ("-m", "device", *each("--platform", *CUDA), *each("--batch-size", 1, *BATCHES), *FEWER), 150),
    Step("webgpu-contract", ("tests/platforms/test_platforms.py", "-k", "webgpu"), 120, is_measured=False),
    Step(
        "webgpu",
        latency("server-cpu", "server-webgpu", "chromium-webgpu") + each("--batch-size", *BATCHES) + FEWER,
        200,
    ),
    Step(
        "openings",
        ("-m", "load or first_inference", *each("--platform", "server-cpu", "server-cuda", "chromium-webgpu")),
        120,
    ),
    Step("accuracy", ("-m", "accuracy", *each("--platform", *CUDA), *each("--precision", "float32", "fp16")), 120),
)


def of_models(files: Sequence[str]) -> Step:
    """Return the step that measures files of the user's own."""
    platforms = latency("server-cpu", *CUDA, "chromium-webgpu")
    return Step(
        "models", (*platforms, *each("--batch-size", 1, 8), *each("--model", *files), *FEWER), 60.0 * len(files)
    )


def main() -> None:
    """Go through the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="for all steps together (default: no limit)"
    )
    names = ", ".join(step.name for step in STEPS)
    parser.add_argument("--step", action="append", choices=[step.name for step in STEPS], metavar="NAME", help=names)
    words = "an ONNX file of your own, which is measured first; repeatable"
    parser.add_argument("--model", action="append", default=[], metavar="FILE", help=words)
    parser.add_argument("words", nargs="*", metavar="-- OPTION", help="passed on to every run of pytest")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = [of_models(options.model)] if options.model else []
    chosen += [step for step in STEPS if step.name in (options.step or ([] if options.model else names))]
    failed = [line for line in run(chosen, options.out, options.seconds, options.words) if not line.endswith(": done")]
    sys.exit("; ".join(failed) or 0)


def run(steps: Sequence[Step], out: Path, seconds: float, words: Sequence[str] = ()) -> Iterator[str]:
    """Run the steps one after another, with *words* more; yield a line on how each ended, which is printed as well."""
    end = time.monotonic() + seconds
    for step in steps:
        began = time.monotonic()
        limit = min(step.seconds, end - began - SAVING)
        outcome = _run(step, out, limit, words) if limit > SAVING else "no time was left"
        line = f"{step.name}: {outcome}"
        print(f"{time.monotonic() - began:6.1f} s  {line}{_results(out / f'{step.name}.json')}", flush=True)
        yield line


def _run(step: Step, out: Path, limit: float, words: Sequence[str]) -> str:
    measured = ["benchmarks", "--benchmark-only", f"--benchmark-json={out / step.name}.json"]
    how = [*measured, *step.words, *words] if step.is_measured else ["-q", *step.words]
    command = [sys.executable, "-m", "pytest", *how]
    with (out / f"{step.name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return _interrupted(process, limit)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return "done" if code == 0 else f"pytest ended with {code}, see {log.name}"


def _interrupted(process: "subprocess.Popen[bytes]", limit: float) -> str:
    """Interrupt a step, so that it saves what it has measured."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(SAVING)
    except subprocess.TimeoutExpired:
        return f"killed, not done in {limit:.0f} s and {SAVING:.0f} s more"
    return f"interrupted after {limit:.0f} s"


def _results(file: Path) -> str:
    """Say how many results a step saved."""
    try:
        return f", {len(json.loads(file.read_text())['benchmarks'])} results"
    except (OSError, ValueError):
        return ""


if __name__ == "__main__":
    main()
