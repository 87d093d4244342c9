"""The fleet's own figures: ``python -m benchmarks.figures.fleet devices|scaling|coordinator [--keep DIR]``.

devices: clients of this machine under quotas, and of three engines, drain the test images; how many of each equal one
server, measured and as decide computes it. scaling: from 1 to 8 clients that are as weak as all of them have room on
this machine's cores; the rate over as many times that of one. coordinator: chunks and images a second with clients that
compute nothing. Each row is kept as it is measured, and is not measured again. Ends with 1 where a mark is missed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

from benchmarks import hardware
from benchmarks.commands import STOPPED
from benchmarks.decide.fleet import WITHIN, Equal, equal
from benchmarks.figures.fleet import coordinator
from benchmarks.figures.fleet.coordinator import CLIENTS, SIZES, Limit
from benchmarks.figures.kept import KeptError, keep_option
from benchmarks.fleet.record import version
from benchmarks.results.fleet import Fleet, NotAFleetError, load
from benchmarks.results.numbers import NONE, three
from benchmarks.settings import positive
from models.files import replacing

ROOT = Path(__file__).parents[3]
QUOTAS = ("chromium@2x", "chromium@4x", "chromium@6x")
ENGINES = ("chromium@4x", "firefox@4x", "webkit@4x")
MOST = 8  # clients of the scaling
WEAK = 8  # times weaker: of 2 cores 8 such take one; 16 times, a browser takes minutes until it is warm
EFFICIENT = 0.95  # of as many times the rate of one: the mark
SECONDS = 5.0  # that the coordinator is watched
IMAGES = 300  # of the scaling, a client


def fleet(keep: Path, name: str, words: Sequence[str]) -> Fleet:
    """Return the fleet of that name, from the folder or drained now; raise KeptError where it cannot be had."""
    file = keep / f"{name}.json"
    if not file.is_file():
        keep.mkdir(parents=True, exist_ok=True)
        _drain(file, words)
    try:
        found = load(file)
    except NotAFleetError as error:
        raise KeptError(str(error)) from error
    if found.suite != version():
        raise KeptError(f"{file} was measured by another version of the suite: name another --keep")
    return found


def _drain(file: Path, words: Sequence[str]) -> None:
    """Run the real command; its progress is seen. One that did not end well leaves no file."""
    partial = file.with_suffix(".partial")
    code = subprocess.run(
        [sys.executable, "-m", "benchmarks.fleet", *words, "--json", str(partial)], cwd=ROOT, check=False
    ).returncode
    if code == STOPPED:
        raise KeyboardInterrupt
    if code:
        raise KeptError(f"{' '.join(words)}: the command ended with {code}")
    partial.rename(file)


def devices(options: argparse.Namespace) -> bool:
    """Print how many clients of each kind equal one server; return whether the mark is met."""
    rows, is_met = [], True
    for name, wanted in (("quotas", QUOTAS), ("engines", ENGINES)):
        words = [word for one in wanted for word in ("--browser", one)]
        found = fleet(options.keep, name, [*_common(options), "--images", str(options.images), *words])
        for device in found.devices:
            this = equal(found, device)
            is_met = is_met and bool(this and this.agrees)
            rows.append(_device_row(device.name.partition(" ")[2], device.counted.rate, this))
        rows.append([f"together ({name})", three(found.rate), "", "", "", ""])
    print(_table(rows, ["client", "images/s", "equal a server", "by latency", "off", "its latency, ms"]))
    print(f"mark: within {WITHIN:.0%}: {'met' if is_met else 'missed'}")
    return is_met


def _device_row(name: str, rate: float | None, this: Equal | None) -> list[str]:
    if this is None or this.decided is None or this.quotient is None or this.device is None:
        return [name, three(rate), three(this.measured if this else None), NONE, NONE, NONE]
    off = f"{100 * (this.quotient - 1):+.1f} %"
    return [name, three(rate), three(this.measured), three(this.decided.value), off, three(1e3 * this.device.latency)]


def scaling(options: argparse.Namespace) -> bool:
    """Print the rate of 1 to 8 clients; return whether the mark is met."""
    rows, one, efficiency = list[list[str]](), 0.0, 1.0
    for clients in range(1, MOST + 1):
        words = ["--browser", f"chromium@{WEAK}x"] * clients
        images = ["--images", str(IMAGES * clients), "--no-latency", "--no-server"]
        found = fleet(options.keep, f"scaling-{clients}", [*_common(options), *images, *words])
        one = one or found.rate or 0.0
        efficiency = (found.rate or 0.0) / (clients * one)
        shares = [f"{share:.2f}" for share in (efficiency, clients / WEAK, _busy(found))]
        rows.append([str(clients), three(found.rate), *shares])
    head = ["clients", "images/s", "of as many times one", "cores they may take", "cores the coordinator took"]
    print(_table(rows, head))
    is_met = efficiency >= EFFICIENT
    mark = f"mark: {MOST} clients have {EFFICIENT} of as many times the rate of one"
    print(f"on {hardware.CORES} cores; {mark}: {'met' if is_met else 'missed'}")
    return is_met


def _busy(found: Fleet) -> float:
    """Return how many cores the coordinator took."""
    return (found.busy or 0.0) / found.seconds


def limits(options: argparse.Namespace) -> bool:
    """Print what the coordinator gives out; there is no mark."""
    rows = [_limit_row(limit) for limit in _limits(options.keep, options.seconds)]
    head = ["clients", "images a chunk", "chunks/s", "images/s", "coordinator, cores", "all clients, cores"]
    print(_table(rows, head))
    return True


def _limits(keep: Path, seconds: float) -> Iterator[Limit]:
    job = None
    for clients in CLIENTS:
        for size in SIZES:
            file = keep / f"coordinator-{clients}-{size}.json"
            if (limit := _kept(file)) is None:
                job = job or coordinator.made_up()
                limit = coordinator.measure(clients, size, seconds, job)
                keep.mkdir(parents=True, exist_ok=True)
                with replacing(file) as partial:
                    partial.write_text(json.dumps({"suite": version(), **asdict(limit)}))
            print("  ".join(_limit_row(limit)), flush=True)
            yield limit


def _kept(file: Path) -> Limit | None:
    if not file.is_file():
        return None
    saved = json.loads(file.read_text())
    if saved.pop("suite") != version():
        raise KeptError(f"{file} was measured by another version of the suite: name another --keep")
    return Limit(**saved)


def _limit_row(limit: Limit) -> list[str]:
    counts = [f"{limit.clients}", f"{limit.size}", three(limit.chunks), f"{limit.images:,.0f}"]
    return [*counts, f"{limit.coordinator:.2f}", f"{limit.others:.2f}"]


def _common(options: argparse.Namespace) -> list[str]:
    data = ["--data-dir", str(options.data_dir)] if options.data_dir else []
    return ["--model", options.model, *data]


FIGURES: Mapping[str, Callable[[argparse.Namespace], bool]] = {
    "devices": devices,
    "scaling": scaling,
    "coordinator": limits,
}


def _table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    return tabulate(rows, head, tablefmt="pipe", disable_numparse=True, colalign=["left", *["right"] * (len(head) - 1)])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="fleet-figures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figure", choices=[*FIGURES], nargs="*", metavar="FIGURE", help=f"{', '.join(FIGURES)} (all)")
    parser.add_argument("--model", default="resnet20", help="default: %(default)s")
    parser.add_argument("--images", type=positive(int), default=10_000, help="of devices; default: %(default)s")
    parser.add_argument("--seconds", type=positive(float), default=SECONDS, help="of coordinator; default: %(default)s")
    parser.add_argument("--data-dir", type=Path, help="holds cifar-100-binary/ (default: $CIFAR100_DIR)")
    keep_option(parser, "fleet")
    options = parser.parse_args()
    try:
        met = [FIGURES[name](options) for name in options.figure or FIGURES]
    except KeptError as error:
        sys.exit(f"fleet-figures: {error}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
