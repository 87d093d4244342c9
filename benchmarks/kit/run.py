"""Measure on a machine with a GPU what is worth most first: ``python -m benchmarks.kit.run``.

Each step is a run of pytest of its own, whose JSON is on the disk when it ends; one that is not done in its time is
interrupted, and saves what it has. Of --seconds, the steps that fit in their usual times go first, those worth most
before others; the rest get what is left. What there is no time for is told. Ends with 0 where every step was done,
with 130 where it was interrupted (Ctrl-C; the step saves first), else with 1.
"""

import argparse
import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from browser_harness.processes import end_session

ROOT = Path(__file__).parents[2]
PYTEST = (sys.executable, "-m", "pytest")
SAVING = 20.0  # seconds that a step may take to end once it is interrupted
LEAST = 20.0  # in less than this, or a step's usual time, it is not begun
SLACK = 2.0  # a step that takes so many times its usual time is interrupted


@dataclass(frozen=True)
class Step:
    """A run of pytest."""

    name: str
    measures: str
    words: tuple[str, ...]
    seconds: float  # that it usually takes: on an H200 with 16 cores, or estimated from a part of it there
    is_measured: bool = True  # else it is a test, without a JSON
    needs_images: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    step: Step
    words: str
    is_done: bool = False
    results: int = 0
    is_last: bool = False  # the run itself was interrupted

    def __str__(self) -> str:
        """A line for the terminal."""
        results = f", {self.results} results" if self.step.is_measured else ""
        return f"{self.step.name}: {self.words}{results}"


def each(option: str, *values: str | int) -> tuple[str, ...]:
    """Return an option once for every value."""
    return tuple(word for value in values for word in (option, str(value)))


def latency(*platforms: str) -> tuple[str, ...]:
    """Return a sweep of the steady state."""
    return ("-m", "latency", *each("--platform", *platforms))


CONTRACT = "tests/platforms/test_platforms.py"
SEVERAL = each("--batch-size", 8, 64, 512)
ALL = each("--batch-size", 1, 8, 64, 512)
CUDA = ("server-cuda", "server-cuda-tf32")
FEWER = ("--starts", "3")  # a process takes seconds to load CUDA

# Those worth most first: does it work, are the answers right, the study's own question, then what explains it.
STEPS = (
    Step("gpu-tests", "does onnxruntime-gpu compute on the GPU, and say so", ("tests/gpu",), 30, is_measured=False),
    Step("contract", "does CUDA keep what a platform promises", (CONTRACT, "-k", "server-cuda"), 60, is_measured=False),
    Step(
        "accuracy",
        "the test images on CUDA, in float32, TensorFloat-32 and fp16",
        ("-m", "accuracy", *each("--platform", *CUDA), *each("--precision", "float32", "fp16")),
        60,
        needs_images=True,
    ),
    Step(
        "study",
        "client or server at batch 1: CPU, CUDA, WebAssembly, WebGPU",
        latency("server-cpu", "server-cuda", "chromium-wasm", "chromium-webgpu") + each("--batch-size", 1),
        110,
    ),
    Step(
        "openings",
        "loading and first inferences of CPU, CUDA and WebGPU",
        ("-m", "load or first_inference", *each("--platform", "server-cpu", "server-cuda", "chromium-webgpu")),
        20,
    ),
    Step("batches", "from which batch CUDA pays", latency("server-cpu", "server-cuda") + SEVERAL + FEWER, 135),
    Step(
        "device",
        "CUDA without the copies from and to the host",
        ("-m", "device", *each("--platform", *CUDA), *ALL, *FEWER),
        135,
    ),
    Step("tf32", "what TensorFloat-32 saves", latency("server-cpu", "server-cuda-tf32") + ALL + FEWER, 190),
    Step(
        "fp16",
        "what half precision saves on CUDA",
        (*latency("server-cpu", "server-cuda"), "--precision", "fp16", *ALL, *FEWER),
        160,
    ),
    Step(
        "webgpu-contract",
        "does WebGPU keep what a platform promises",
        (CONTRACT, "-k", "webgpu"),
        60,
        is_measured=False,
    ),
    Step(
        "webgpu",
        "from which batch WebGPU pays, in the browser and beside it",
        latency("server-cpu", "server-webgpu", "chromium-webgpu") + SEVERAL + FEWER,
        200,
    ),
)


def of_models(files: Sequence[Path]) -> Step:
    """Return the step that measures files of the user's own."""
    platforms = latency("server-cpu", *CUDA, "chromium-webgpu")
    words = (*platforms, *each("--batch-size", 1, 8), *each("--model", *map(str, files)), *FEWER)
    return Step("models", "files of your own", words, 60.0 * len(files))


def main() -> None:
    """Go through the steps."""
    options = _parse()
    steps = ([of_models(options.model)] if options.model else []) + chosen(options.step, bool(options.model))
    options.out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    try:
        with interruptible():
            for outcome in run(steps, options.out.resolve(), options.seconds, options.words):
                outcomes.append(outcome)  # noqa: PERF402 (those before an interrupt count)
    except KeyboardInterrupt:
        sys.exit(130)
    done = sum(outcome.is_done for outcome in outcomes)
    print(f"{done} of {len(steps)} steps done, see {options.out}")
    sys.exit(130 if outcomes and outcomes[-1].is_last else int(done < len(steps)))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_told_steps(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="default: %(default)s")
    words = "for all steps together (default: no limit)"
    parser.add_argument("--seconds", type=float, default=float("inf"), help=words)
    names = [step.name for step in STEPS]
    words = "only this one; repeatable (default: all, in this order)"
    parser.add_argument("--step", action="append", default=[], choices=names, metavar="NAME", help=words)
    words = "an ONNX file of your own, which is measured first, and alone without --step; repeatable"
    parser.add_argument("--model", action="append", default=[], type=_file, metavar="FILE", help=words)
    parser.add_argument("words", nargs="*", metavar="-- OPTION", help="passed on to every step that measures")
    options = parser.parse_args()
    if importlib.util.find_spec("pytest") is None:
        parser.error(f"{sys.executable} has no pytest; first `. .gpu-kit/activate`, which benchmarks.kit.unpack wrote")
    return options


def _file(text: str) -> Path:
    if not (file := Path(text).resolve()).is_file():
        raise argparse.ArgumentTypeError(f"{text}: no such file; name an ONNX file")
    return file


def _told_steps() -> str:
    lines = (f"  {step.name:16} {step.seconds:4.0f} s  {step.measures}" for step in STEPS)
    return "\n".join(["steps, with what they usually take (on one H200, partly estimated):", *lines])


def chosen(names: Sequence[str], has_models: bool = False) -> list[Step]:
    """Return the steps of these names; all without any, none where files of the user's own are measured instead."""
    return [step for step in STEPS if step.name in names or not (names or has_models)]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a lost terminal interrupt this program, also where a shell started it in the background.

    There SIGINT is ignored, and would be by the steps as well, which then could not save.
    """
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else nohup asked for that
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    steps: Sequence[Step], out: Path, seconds: float, words: Sequence[str] = (), command: Sequence[str] = ()
) -> Iterator[Outcome]:
    """Run the steps one after another, with *words* more; yield how each ended, which is printed as well.

    Ends after the step that is interrupted together with this program. *command* stands in for pytest.
    """
    end = time.monotonic() + seconds - SAVING
    first = fitting(steps, seconds - SAVING)
    later = [step for step in steps if step not in first]
    for position, step in enumerate([*first, *later]):
        began = time.monotonic()
        limit = min(step.seconds * SLACK, end - began - sum(each.seconds for each in first[position + 1 :]))
        outcome = _begin(step, out, limit, words, command or PYTEST)
        print(f"{time.monotonic() - began:6.1f} s  {outcome}", flush=True)
        yield outcome
        if outcome.is_last:
            return


def fitting(steps: Sequence[Step], seconds: float) -> list[Step]:
    """Return the steps whose usual times fit into *seconds* together; one worth more goes before others."""
    fit = []
    for step in steps:
        if step.seconds <= seconds:
            fit.append(step)
            seconds -= step.seconds
    return fit


def _begin(step: Step, out: Path, limit: float, words: Sequence[str], command: Sequence[str]) -> Outcome:
    """Run a step, unless something speaks against it."""
    if limit < min(step.seconds, LEAST):
        return Outcome(step, "no time was left")
    if step.needs_images and not (os.environ.get("CIFAR100_DIR") or any("--data-dir" in word for word in words)):
        remedy = "set CIFAR100_DIR to the folder that holds cifar-100-binary/"
        return Outcome(step, f"left out, nobody named the test images; {remedy}")
    name = _free_name(step.name, out)
    print(f"          {step.name}: {step.measures}; at most {limit:.0f} s, see {out / name}.log", flush=True)
    return perform(step, out / name, limit, words, command)


def _free_name(name: str, out: Path) -> str:
    """Return a name that no earlier run has used: its results are not to be overwritten."""
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(each for each in names if not any((out / f"{each}.{end}").exists() for end in ("log", "json")))


def perform(step: Step, path: Path, limit: float, words: Sequence[str], command: Sequence[str]) -> Outcome:
    """Run a step whose files are *path* with .log and .json; nothing of it runs on afterwards."""
    log, results = path.with_name(f"{path.name}.log"), path.with_name(f"{path.name}.json")
    measured = ["benchmarks", "--benchmark-only", f"--benchmark-json={results}"]
    how = [*measured, *step.words, *words] if step.is_measured else ["-q", *step.words]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *how], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            ended, is_done, is_last = _wait(process, limit, log)
        finally:
            end_session(process)  # and what it may have left behind
    return Outcome(step, ended, is_done, _count(results), is_last)


def _wait(process: "subprocess.Popen[bytes]", limit: float, log: Path) -> tuple[str, bool, bool]:
    """Return how a step ended, whether it is done, and whether this program was interrupted."""
    began = time.monotonic()
    try:
        code = process.wait(limit if limit < float("inf") else None)
    except subprocess.TimeoutExpired:
        return _interrupt(process, limit), False, False
    except KeyboardInterrupt:
        return _interrupt(process, time.monotonic() - began), False, True
    return ("done", True, False) if code == 0 else (f"ended with {code}: {telling(log)} (see {log})", False, False)


def _interrupt(process: "subprocess.Popen[bytes]", after: float) -> str:
    """Interrupt a step, so that it saves what it has measured."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(SAVING)
    except subprocess.TimeoutExpired:
        return f"killed, it did not end {SAVING:.0f} s after it was interrupted, after {after:.0f} s"
    return f"interrupted after {after:.0f} s"


def telling(log: Path) -> str:
    """Return the line that says best why pytest failed: the last failure's reason, else the last line."""
    lines = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    heads = [number for number, line in enumerate(lines) if re.match(r"_{3,} .+ _{3,}$", line)]
    failure = lines[heads[-1] + 1 :] if heads else []
    end = next((number for number, line in enumerate(failure) if re.match(r"[-=]{3,}", line)), len(failure))
    errors = [line for line in (failure[:end] or lines) if re.match(r"E  |ERROR:|\S+: error: ", line)]
    last = (errors or failure[:end] or lines or ["nothing was printed"])[-1]
    return re.sub(r"^E +", "", last)


def _count(file: Path) -> int:
    """Return how many results a step saved; a file without any is removed."""
    from benchmarks.results import saved  # needs numpy, which a Python that is to be told to activate may lack

    try:
        return len(saved.load(file).results)
    except saved.NotARunError:
        if file.exists() and not file.stat().st_size:
            file.unlink()  # pytest-benchmark makes it at the start
        return 0


if __name__ == "__main__":
    main()
