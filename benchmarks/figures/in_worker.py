"""What does it cost to leave the page's main thread? ``python -m benchmarks.figures.in_worker [--model NAME]``.

On every runtime that this machine has in a page, the same case is open twice: in the page's main thread and in a
dedicated worker. They draw their blocks alternately, from several fresh pages each. Prints how many times as long an
inference takes in the worker (of 10th percentiles, in the middle of the starts, with its 95 % interval), what of it is
the way there and back (medians), and the processor time of both. Once both sides are free to run on any core, as the
suite leaves pages whose worker computes; and once both are kept on one core, drawn by lot for each start, where one
thread computes. Each row is kept as it is measured, and is not measured again. A report: it ends with 1 where a runtime
failed.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.figures.kept import KeptError, keep_option
from benchmarks.inputs import case_of, fed
from benchmarks.measuring.held import Held
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.ratio import Ratio, cpu_per_inference, paired
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import Plan, SampleError, check_whole
from benchmarks.measuring.starts import FEWEST_STARTS, Figure
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import PlatformError, Session, UnavailableError
from benchmarks.results import keys
from benchmarks.results.numbers import NONE, milliseconds
from benchmarks.run.identity import suite
from benchmarks.run.measure import ChooseCore, Drawn, draw_all
from benchmarks.run.replay import describe
from benchmarks.settings import Settings, positive
from browser_harness.processes import USABLE
from models import MODELS, NETWORKS, manifest
from models.files import replacing

SETTINGS = Settings()
FEWEST_ROUNDS, WARM_UP = 5, 100  # of a start
FREE, ONE_CORE = "free", "one core"
HEAD = ["runtime", "cores", "main, p10", "worker, p10", "times as long", "way there and back", "CPU: main", "worker"]


def free(_sides: Sequence[Session]) -> int | None:
    """Keep nothing anywhere."""
    return None


def one_core(_sides: Sequence[Session]) -> int | None:
    """Draw a core for both sides."""
    return random.choice([*USABLE])  # noqa: S311 (by lot, and no secret)


PLACEMENTS: dict[str, ChooseCore] = {FREE: free, ONE_CORE: one_core}


@dataclass(frozen=True)
class Asked:
    """What a row is of; seconds are of timed inference, on each side of a start."""

    platform: str
    placement: str
    model: str
    starts: int
    seconds: float


@dataclass(frozen=True)
class Row:
    """A worker over a main thread, in turns."""

    asked: Asked
    suite: str  # the version that measured it
    ratio: Ratio
    way: Figure  # seconds
    cpu: Sequence[float | None]  # seconds an inference: in the main thread, with the worker

    @property
    def cells(self) -> list[str]:
        """Its line of the table."""
        ratio, (in_main, with_worker) = self.ratio, self.cpu
        low, high = (f"{end:.3f}" if end is not None else "?" for end in (ratio.low, ratio.high))
        return [
            f"`{self.asked.platform}`",
            self.asked.placement,
            _time(ratio.theirs),
            _time(ratio.ours),
            f"{ratio.value:.3f} ({low} to {high})",
            _time(self.way.value),
            _time(in_main),
            _time(with_worker),
        ]


def _time(seconds: float | None) -> str:
    """Write a time; a dash for what the system does not tell."""
    return NONE if seconds is None else milliseconds(seconds)


def measure(asked: Asked, question: Question) -> Row:
    """Draw from both sides in turns.

    Raises what opening and timing raise, and UnavailableError where the choice of a core would be another's.
    """
    platform, case = PLATFORMS[asked.platform], case_of(question.artefact)
    if reason := platform.unavailable(SETTINGS):
        raise UnavailableError(reason)
    if asked.placement == ONE_CORE and not USABLE:
        raise UnavailableError(f"{platform.name}: this system lets nobody choose a core; on Linux it does")
    if asked.placement == ONE_CORE and platform.threading == "runtime":
        raise UnavailableError(f"{platform.name}: it computes outside its page, which waits for it on the same core")
    with (
        platform.open_fresh(case, SETTINGS) as in_main,
        platform.open_fresh(replace(case, where="worker"), SETTINGS) as in_worker,
    ):
        worker, main = (Held(one, partial(question.check, one.facts)) for one in (in_worker, in_main))
        drawn = draw_all(worker, main, question, _plan(asked), PLACEMENTS[asked.placement])
        check_whole(drawn.blocks, worker.facts)
        check_whole(drawn.partner_blocks, main.facts)
        return Row(
            asked, suite(), paired([*zip(drawn.blocks, drawn.partner_blocks, strict=True)]), *_way(worker, drawn)
        )


def _plan(asked: Asked) -> Plan:
    return Plan(
        min_rounds=FEWEST_ROUNDS * asked.starts,
        max_time=asked.seconds * asked.starts,
        warmup_rounds=WARM_UP,
        starts=asked.starts,
    )


def _way(worker: Session, drawn: Drawn) -> tuple[Figure, list[float | None]]:
    """Return what the way there and back took, and the processor time on both sides.

    Raises SampleError where the worker has not told its own part: then it is not known that it computed there.
    """
    told = describe(worker.facts, drawn.blocks, 0).get(keys.TRANSFER_SECONDS)
    if told is None:
        raise SampleError(f"{worker.facts.platform}: the worker does not tell what it took itself; did it compute?")
    return Figure(**told), [cpu_per_inference(blocks) for blocks in (drawn.partner_blocks, drawn.blocks)]


def kept(asked: Asked, folder: Path) -> Row | None:
    """Return the row that was measured before; None where none was.

    Raises KeptError where another version of the suite measured it, or otherwise.
    """
    file = _file(asked, folder)
    if not file.is_file():
        return None
    saved: dict[str, Any] = json.loads(file.read_text())
    row = Row(Asked(**saved["asked"]), saved["suite"], Ratio(**saved["ratio"]), Figure(**saved["way"]), saved["cpu"])
    if (row.asked, row.suite) != (asked, suite()):
        raise KeptError(f"{file} was measured by another version of the suite, or otherwise: name another --keep")
    return row


def keep(row: Row, folder: Path) -> None:
    """Keep a row, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(_file(row.asked, folder)) as partial_file:
        partial_file.write_text(json.dumps(asdict(row)))


def _file(asked: Asked, folder: Path) -> Path:
    return folder / f"{asked.model}-{asked.platform}-{asked.placement.replace(' ', '-')}.json"


def rows(wanted: Sequence[Asked], folder: Path, failures: list[str]) -> Iterator[Row]:
    """Yield a row for each that is *wanted*, from the *folder* or measured; say why of those that there are none of."""
    questions: dict[str, Question] = {}
    for asked in wanted:
        row = kept(asked, folder)
        if row is None:
            try:
                if asked.model not in questions:
                    questions[asked.model] = _question(asked.model)
                keep(row := measure(asked, questions[asked.model]), folder)
            except UnavailableError as error:
                print(f"left out ({asked.placement}): {error}", flush=True)
                continue
            except (PlatformError, ParityError, SampleError) as error:
                print(f"failed ({asked.placement}): {error}", flush=True)
                failures.append(asked.platform)
                continue
        print("  ".join(row.cells), flush=True)
        yield row


def _question(model: str) -> Question:
    artefact = manifest.load(model, manifest.UNTRAINED) if model in NETWORKS else manifest.load(model)
    return ask(artefact, fed(artefact.path, 1), side="client")


def main() -> None:
    """Run the command line."""
    pages = [name for name, platform in PLATFORMS.items() if platform.side == "client"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    models = [*MODELS, *NETWORKS]
    parser.add_argument("--model", choices=models, default="resnet20", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--platform", action="append", choices=pages, metavar="NAME", help="repeatable; default: all")
    parser.add_argument("--starts", type=positive(int), default=9, help="of both sides; default: %(default)s")
    words = "timed on each side in a start; default: %(default)s"
    parser.add_argument("--seconds", type=positive(float), default=1.5, help=words)
    keep_option(parser, "in-worker")
    options = parser.parse_args()
    if options.starts < FEWEST_STARTS:
        parser.error(f"--starts {options.starts}: fewer than {FEWEST_STARTS} have no interval")
    wanted = [
        Asked(name, placement, options.model, options.starts, options.seconds)
        for name in options.platform or pages
        for placement in PLACEMENTS
    ]
    failures: list[str] = []
    try:
        found = [*rows(wanted, options.keep, failures)]
    except KeptError as error:
        sys.exit(str(error))
    print(f"\n{options.model}, batch 1, {options.starts} starts of each side, in turns")
    print(tabulate([row.cells for row in found], HEAD, tablefmt="pipe", disable_numparse=True))
    sys.exit(f"failed: {', '.join(dict.fromkeys(failures))}" if failures else 0)


if __name__ == "__main__":
    main()
