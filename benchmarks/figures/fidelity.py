"""Does the suite measure what a bare loop measures? ``python -m benchmarks.figures.fidelity [--platform NAME …]``.

On every platform that this machine has, ResNet-20 at batch 1 is timed by the suite's own session and sampler, and by a
loop that shares no code with it. They draw their blocks alternately, so that both see the same state of the machine,
and both are started anew ``--starts`` times. Prints the ratio of the two medians and of the two 10th percentiles in the
middle of the starts, with its 95 % interval; ends with 1 where one lies outside the limits.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures.bare_native import RUNTIMES
from benchmarks.hardware import CORES
from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.measuring.ratio import p10
from benchmarks.measuring.sampler import Plan, check_whole, draw, warm_up
from benchmarks.measuring.starts import figure
from benchmarks.platforms import PLATFORMS, local
from benchmarks.platforms.webgpu import vulkan
from benchmarks.protocol import Block, Case, UnavailableError
from benchmarks.run.choices import Target
from benchmarks.settings import Settings, positive
from browser_harness import chromium, driver
from browser_harness.joined.found import Engine, find
from models import manifest

LOW, HIGH = 0.98, 1.02
FEWEST_STARTS = 7
FEWEST_ROUNDS = 5  # all that a simulated GPU draws, which takes half a second for each
MODEL = "resnet20"
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Samples = Sequence[float]


@dataclass(frozen=True)
class Command:
    """How a bare loop is started: a script of this folder with its arguments, and what is set for it."""

    words: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


Bare = Callable[[Case], Command]


def native(platform: str, ending: str = "") -> Bare:
    """Return how to start the plain loop over a platform's runtime, on the ONNX file or on what was made from it."""
    return lambda case: Command(["bare_native.py", platform, str(_file(case, ending)), str(case.threads)])


def native_webgpu(case: Case) -> Command:
    """Return how to start the plain loop over the plugin, with the Vulkan that the suite found."""
    words = native("server-webgpu")(case).words
    driver = vulkan(Settings(allow_software_gpu=True)) if sys.platform.startswith("linux") else None
    if driver is None:
        return Command(words)
    # A loader that is named by its whole path lies where the system does not look for one.
    folder = {"LD_LIBRARY_PATH": str(Path(driver.loader).parent)} if os.path.isabs(driver.loader) else {}
    return Command(words, driver.environment | folder)


def page(name: str, ending: str = "", flags: Sequence[str] = ("--disable-gpu",), device: str = "") -> Bare:
    """Return how to start the plain page of that name in a browser with *flags*."""

    def command(case: Case) -> Command:
        browser = chromium.find()
        query = f"model=/{_file(case, ending).relative_to(ROOT)}&threads={case.threads}&device={device}"
        words = ["bare_page.py", str(browser.path), f"{name}.html?{query}", *flags]
        return Command(words, {**browser.environment, **driver.node_variable()})

    return command


def linked(engine: Engine, name: str, ending: str = "") -> Bare:
    """Return how to start the plain page of that name in a browser that nobody drives."""

    def command(case: Case) -> Command:
        query = f"model=/{_file(case, ending).relative_to(ROOT)}&threads={case.threads}"
        return Command(
            ["bare_linked.py", f"{name}.html?{query}", *STARTING[engine], str(find(engine).path), *OPENING[engine]]
        )

    return command


def _file(case: Case, ending: str) -> Path:
    file = manifest.derived(case.artefact, ending) if ending else case.model_file
    assert file is not None, f"{case.artefact.name} has no .{ending}"
    return file


STARTING: Mapping[Engine, Sequence[str]] = {"firefox": (), "webkit": ("xvfb-run", "-a")}
OPENING: Mapping[Engine, Sequence[str]] = {
    "firefox": ("--headless", "--no-remote", "--profile", "PROFILE", "URL"),
    "webkit": ("--private", "URL"),
}
ENDINGS = {"wasm": "", "tfjs": "tfjs.json", "litert": "b1.tflite"}
WEBNN = "--enable-features=WebMachineLearningNeuralNetwork"
# Every platform has a bare loop of its own: a function of bare_native.py by its name, a page in bare/ by what comes
# behind "chromium-". One without is not compared with another's.
BARE: dict[str, Bare] = {
    **{name: native(name) for name in RUNTIMES},
    **{f"chromium-{file.stem}": page(file.stem) for file in (HERE / "bare").glob("*.html")},
    # These start on another file than the model's own, in another browser, or in another environment.
    "server-litert": native("server-litert", "b1.tflite"),
    "server-webgpu": native_webgpu,
    "chromium-litert": page("litert", "b1.tflite"),
    "chromium-tfjs": page("tfjs", "tfjs.json"),
    "chromium-webgpu": page("webgpu", flags=["--enable-unsafe-webgpu"]),
    "chromium-webnn": page("webnn", flags=["--disable-gpu", WEBNN], device="cpu"),
    "chromium-webnn-gpu": page("webnn", flags=[WEBNN], device="gpu"),
    **{f"{engine}-{name}": linked(engine, name, ending) for engine in OPENING for name, ending in ENDINGS.items()},
}
ON_TWO_THREADS = (Target("server-cpu", 2), Target("chromium-wasm", 2))


class BareLoop:
    """A running bare loop, asked for samples over its pipes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def time(self, rounds: int) -> list[float]:
        """Return *rounds* samples in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{rounds}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the bare loop ended; its own message stands above")
        samples: list[float] = json.loads(answer)
        return samples


@contextmanager
def bare_loop(platform: str, case: Case) -> Iterator[BareLoop]:
    """Start the bare loop that is the platform's counterpart."""
    command = BARE[platform](case)
    with subprocess.Popen(
        [sys.executable, HERE / command.words[0], *command.words[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **command.environment},
    ) as process:
        yield BareLoop(process)


@dataclass(frozen=True)
class Ratios:
    """Suite over bare, of the samples that both drew in turns."""

    median: float
    p10: float

    @classmethod
    def of(cls, suite: Samples, bare: Samples) -> "Ratios":
        """Divide one side's figures by the other's."""
        return cls(statistics.median(suite) / statistics.median(bare), p10(suite) / p10(bare))


def time_afresh(target: Target, settings: Settings, seconds: float) -> Ratios:
    """Time both sides in fresh processes.

    Two processes of the same code differ by a few per cent, depending on where their memory happens to lie. In the
    middle of several starts of both sides that evens out.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(time_in_turns, target, settings, seconds).result()


def time_in_turns(target: Target, settings: Settings, seconds: float) -> Ratios:
    """Time both sides for *seconds* each, block by block."""
    case = case_of(manifest.load(MODEL), threads=target.threads)
    feeds, plan = seeded_feeds(case.model_file, 1), Plan(FEWEST_ROUNDS, max_time=seconds, warmup_rounds=50)
    with PLATFORMS[target.platform].open(case, settings) as session, bare_loop(target.platform, case) as bare:
        warm = warm_up(session, feeds, plan)
        bare.time(len(warm))
        blocks: list[Block] = []
        bare_samples: list[float] = []
        for block in draw(session, feeds, plan, min(warm)):
            blocks.append(block)
            bare_samples += bare.time(len(block.seconds))
        check_whole(blocks, session.facts)
    return Ratios.of([value for block in blocks for value in block.seconds], bare_samples)


def compare(target: Target, settings: Settings, starts: int, seconds: float) -> bool:
    """Print the ratios of each of the *starts* and their verdict; return the verdict.

    Raises UnavailableError before anything is timed.
    """
    measured: list[Ratios] = []
    for number in range(1, starts + 1):
        measured.append(ratios := time_afresh(target, settings, seconds))
        print(f"{target.label:21} start {number}: median {ratios.median:.4f}  p10 {ratios.p10:.4f}", flush=True)
    verdicts = {
        "median": verdict([ratios.median for ratios in measured]),
        "p10": verdict([ratios.p10 for ratios in measured]),
    }
    for name, (_, words) in verdicts.items():
        print(f"{target.label:21} suite / bare, {name:6} {words}", flush=True)
    return all(within for within, _ in verdicts.values())


def verdict(ratios: Samples) -> tuple[bool, str]:
    """Return whether the figure of the starts' ratios lies within the limits, and the words for it."""
    middle = figure(ratios)
    interval = f"{middle.low:.4f} to {middle.high:.4f}, " if middle.low is not None else ""
    words = f"{middle.value:.4f}  ({interval}{middle.starts} starts of {min(ratios):.4f} to {max(ratios):.4f})"
    within = LOW <= middle.value <= HIGH
    return within, words if within else f"{words}: outside {LOW} to {HIGH}"


def targets(names: Sequence[str] | None) -> list[Target]:
    """Return what is compared: what was asked for by label, else every platform.

    Two of them also on two threads, where there is a third core for everything else.
    """
    if names:
        return [Target.of(name) for name in dict.fromkeys(names)]
    return [*map(Target, local()), *(ON_TWO_THREADS if CORES > 2 else ())]


def label(text: str) -> str:
    """Read ``--platform``."""
    known = [*local(), *(target.label for target in ON_TWO_THREADS)]
    if text not in known:
        raise argparse.ArgumentTypeError(f"unknown platform {text!r}: choose from {', '.join(known)}")
    return text


def compare_all(options: argparse.Namespace) -> list[str]:
    """Compare one target after the other; return those that failed, and those asked for that cannot be measured."""
    settings, failed = Settings(allow_software_gpu=options.allow_software_gpu), []
    for target in targets(options.platform):
        try:
            if reason := PLATFORMS[target.platform].unavailable(settings):
                raise UnavailableError(reason)
            passed = compare(target, settings, options.starts, options.seconds)
        except UnavailableError as error:
            print(f"not compared: {error}", flush=True)
            passed = options.platform is None
        if not passed:
            failed.append(target.label)
    return failed


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", type=label, action="append", metavar="NAME", help="repeatable; default: all")
    parser.add_argument("--starts", type=positive(int), default=9, help=f"at least {FEWEST_STARTS}; default: 9")
    parser.add_argument(
        "--seconds", type=positive(float), default=1.5, help="timed on each side in a start; default: 1.5"
    )
    parser.add_argument("--allow-software-gpu", action="store_true", help="compare simulated GPUs too; takes minutes")
    options = parser.parse_args()
    if options.starts < FEWEST_STARTS:
        parser.error(f"--starts {options.starts}: a figure of fewer than {FEWEST_STARTS} says too little")
    if without := {target.platform for target in targets(options.platform)} - BARE.keys():
        sys.exit(f"{', '.join(sorted(without))}: no bare loop to compare with; write one, and name it in BARE")
    with TemporaryDirectory() as folder:
        # What the bare loops compile is kept from start to start, and not beyond.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        failed = compare_all(options)
    sys.exit(f"outside the limits, or not compared: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
