"""Does anything stay behind when sessions come and go? ``python -m benchmarks.figures.soak [--sessions N]``.

One process opens and closes sessions of ResNet-8 at batch 1 on every platform that this machine has, in turn, with a
client that is slowed down among them, and checks the answer of one inference in each. Prints what the suite's own
process and the browser with its driver hold in memory while a session is open; ends with 1 where either grows, or where
a process, a folder or a control group is left behind. Linux only: other systems do not tell.
"""

import argparse
import atexit
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.inputs import case_of, fed
from benchmarks.measuring.reference import Question, ask
from benchmarks.platforms import PLATFORMS, local
from benchmarks.protocol import Case, UnavailableError
from benchmarks.run.choices import Target
from benchmarks.settings import Settings, positive
from browser_harness import cgroup
from browser_harness.processes import descendants
from models import manifest

MODEL = "resnet8"
GROWTH_LIMIT = 0.1
FEWEST_CYCLES = 5  # the first is left out, two are the start, two the end
EVERY = 20  # sessions between lines
ENDING = 5.0  # seconds that a process may take to end
SETTINGS = Settings()


@dataclass(frozen=True)
class Held:
    """Resident bytes while a session is open."""

    suite: int  # this process
    browser: int  # all processes below it; 0 on a server


Cycle = Sequence[Held]  # one for each target
KINDS: dict[str, Callable[[Held], int]] = {"suite": lambda held: held.suite, "browser": lambda held: held.browser}


def candidates(names: Sequence[str] | None) -> list[Target]:
    """Return a target for each platform, and a slowed-down client where this machine can slow one down."""
    targets = [Target(name) for name in names or local()]
    if names is None and cgroup.unavailable() is None:
        targets.append(Target("chromium-wasm", slowdown=2))
    return targets


def available(target: Target) -> bool:
    """Whether a session can be opened; says why not."""
    try:
        if reason := PLATFORMS[target.platform].unavailable(SETTINGS):
            raise UnavailableError(reason)
        with PLATFORMS[target.platform].open(_case(target), SETTINGS):
            return True
    except UnavailableError as error:
        print(f"left out: {error}", flush=True)
        return False


def _case(target: Target) -> Case:
    return case_of(manifest.load(MODEL), threads=target.threads, slowdown=target.slowdown)


def visit(target: Target, question: Question) -> Held:
    """Open a session, check one answer, and look at the memory before it is closed."""
    with PLATFORMS[target.platform].open(_case(target), SETTINGS) as session:
        question.check(session.facts, session.run(question.feeds))
        return Held(resident([os.getpid()]), resident(descendants(os.getpid())))


def resident(processes: Iterable[int]) -> int:
    """Return the resident bytes of *processes*; one that has just ended has none."""
    return sum(_resident(process) for process in processes)


def _resident(process: int) -> int:
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def cycles(held: Sequence[Held], length: int) -> list[Cycle]:
    """Return *held* cut into cycles of *length* sessions; a last one that is not whole is left out."""
    return [held[start : start + length] for start in range(0, len(held) - length + 1, length)]


def growth(seen: Sequence[Cycle], kind: str) -> float | None:
    """Return the share by which the memory of a kind grew; None where there is none of the kind.

    A cycle's level is the mean over its sessions. The last fifth of the cycles is compared with the second and third
    tenth; of fewer than twenty cycles, the last two with the second and the third. What came before is left out, as
    runtimes were still being loaded.
    """
    levels = [statistics.fmean(KINDS[kind](held) for held in cycle) for cycle in seen]
    tenth = max(1, len(levels) // 10)
    before, after = statistics.median(levels[tenth : 3 * tenth]), statistics.median(levels[-2 * tenth :])
    return after / before - 1 if before else None


def verdicts(seen: Sequence[Cycle]) -> Iterator[tuple[bool, str]]:
    """Yield whether each kind stayed within the limit, and the words for it."""
    for kind in KINDS:
        grown = growth(seen, kind)
        if grown is not None:
            yield grown <= GROWTH_LIMIT, f"{kind}: {grown:+.1%} over {len(seen)} cycles (limit {GROWTH_LIMIT:+.0%})"


def left_behind(temporary: Path) -> list[str]:
    """Return what is still there of what this process started and made, in words."""
    end = time.monotonic() + ENDING
    while descendants(os.getpid()) and time.monotonic() < end:
        time.sleep(0.1)
    remains = [f"process {process}: {_command(process)}" for process in descendants(os.getpid())]
    remains += [f"folder {folder}" for folder in temporary.glob("harness-*")]
    where = cgroup.version()
    groups = where.parent.glob(f"client-or-server-{os.getpid()}-*") if where else []
    return remains + [f"control group {group}" for group in groups]


def _command(process: int) -> str:
    try:
        return " ".join(psutil.Process(process).cmdline())
    except psutil.ZombieProcess:
        return "ended, not waited for"
    except psutil.NoSuchProcess:
        return "ended meanwhile"


def soak(targets: Sequence[Target], sessions: int) -> list[Held]:
    """Open and close *sessions* sessions, printing what is held now and then."""
    question, held, start = ask(manifest.load(MODEL), fed(manifest.load(MODEL).path, 1)), [], time.monotonic()
    for number, target in enumerate(itertools.islice(itertools.cycle(targets), sessions), 1):
        held.append(visit(target, question))
        if number % EVERY == 0 or number == sessions:
            print(f"{number:4} sessions in {time.monotonic() - start:4.0f} s: {_means(held, len(targets))}", flush=True)
    return held


def _means(held: Sequence[Held], length: int) -> str:
    """Say what each kind held on average over the latest cycle."""
    latest = held[-length:]
    means = {kind: statistics.fmean(map(memory, latest)) for kind, memory in KINDS.items()}
    return ", ".join(f"{kind} {mean / 1e6:,.1f} MB" for kind, mean in means.items())


@contextmanager
def own_temporary_folder() -> Iterator[Path]:
    """Have temporary files made in a folder that nobody else uses: what lies there is ours."""
    before, folder = tempfile.tempdir, tempfile.mkdtemp()
    # Once the process ends, for PyTorch empties a folder of its own in there even then.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tempfile.tempdir = folder
    try:
        yield Path(folder)
    finally:
        tempfile.tempdir = before


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=positive(int), default=200, help="default: 200")
    parser.add_argument(
        "--platform", choices=[*PLATFORMS], action="append", metavar="NAME", help="repeatable; default: all"
    )
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    options = parsed()
    if not sys.platform.startswith("linux"):
        sys.exit(f"soak: {sys.platform} does not tell what processes hold; run it on Linux")
    with own_temporary_folder() as folder:
        targets = [target for target in candidates(options.platform) if available(target)]
        if options.platform and len(targets) < len(options.platform):
            sys.exit("soak: a platform that was asked for is not there")
        if (fewest := FEWEST_CYCLES * len(targets)) > options.sessions:
            sys.exit(f"--sessions {options.sessions}: {len(targets)} targets need at least {fewest}")
        outcome = [*verdicts(cycles(soak(targets, options.sessions), len(targets)))]
        remains = left_behind(folder)
    for passed, words in outcome:
        print(words if passed else f"{words}: it grows")
    print("\n".join(f"left behind: {words}" for words in remains) or "nothing left behind")
    sys.exit(0 if all(passed for passed, _ in outcome) and not remains else 1)


if __name__ == "__main__":
    main()
