"""What does a large report cost? ``python -m benchmarks.figures.report_cost [--machines 10] [--keep FOLDER]``.

Makes up the runs of ten machines with forty benchmarks each, two thousand samples of every steady state among them, and
has ``python -m benchmarks.report`` make a page of them, in a process of its own. Prints the seconds that it takes, the
bytes of the page, and when Chromium first paints it, each time in a fresh profile; ends with 1 where a mark is missed.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import made_up_machines
from benchmarks.settings import positive
from browser_harness import chromium, system
from browser_harness.chromium import FLAGS, Browser
from browser_harness.driver import start_playwright

ROOT = Path(__file__).parents[2]
MAKINGS, PAINTINGS = 3, 5
# As a person sees it: the size of a laptop's window.
VIEWPORT = {"width": 1280, "height": 800}
# https://www.w3.org/TR/paint-timing/; what was painted before anybody asked is told as well.
PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
    const first = list.getEntriesByName('first-contentful-paint')[0];
    if (first) done(first.startTime / 1000);
}).observe({ type: 'paint', buffered: true }))"""


@dataclass(frozen=True)
class Mark:
    """What a figure has to stay below."""

    limit: float
    unit: str


MARKS: Mapping[str, Mark] = {
    "to make": Mark(5.0, "s"),
    "size": Mark(6.0, "MB"),
    "first paint": Mark(1.0, "s"),
}


def make(files: Sequence[Path], page: Path) -> float:
    """Return the seconds that the report's command takes in a process of its own."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.report", *map(str, files), "--out", str(page)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


async def paint(page: Path, browser: Browser) -> list[float]:
    """Return the seconds from the beginning of each load to the first text or picture, by the browser's clock."""
    playwright = await start_playwright()
    try:
        opened = await playwright.chromium.launch(
            executable_path=browser.path,
            args=[*FLAGS],
            chromium_sandbox=not system.is_root(),
            env={**os.environ, **browser.environment},
        )
        seconds = []
        for _ in range(PAINTINGS):
            context = await opened.new_context(viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]})
            tab = await context.new_page()
            await tab.goto(page.as_uri())
            seconds.append(float(await tab.evaluate(PAINTED)))
            await context.close()
        return seconds
    finally:
        await playwright.stop()


def missed(figures: Mapping[str, float]) -> list[str]:
    """Return the names of the marks that are missed."""
    return [name for name, mark in MARKS.items() if not figures[name] < mark.limit]


def told(name: str, value: float, note: str) -> str:
    """Return a line of the output."""
    mark = MARKS[name]
    return f"{name:<12} {value:.2f} {mark.unit} (limit {mark.limit:g} {mark.unit}){note}"


def measure(folder: Path, machines: int, samples: int) -> tuple[dict[str, float], dict[str, str]]:
    """Return the figures, and what is to be said beside each."""
    files, page = made_up_machines.write(folder, machines, samples), folder / "report.html"
    making = [make(files, page) for _ in range(MAKINGS)]
    painting = asyncio.run(paint(page, chromium.find()))
    read = sum(file.stat().st_size for file in files) / 1e6
    values = (statistics.median(making), page.stat().st_size / 1e6, statistics.median(painting))
    notes = (
        f", median of {MAKINGS}; best {min(making):.2f} s; {read:.1f} MB of runs read",
        "",
        f", median of {PAINTINGS}; slowest {max(painting):.2f} s",
    )
    return dict(zip(MARKS, values, strict=True)), dict(zip(MARKS, notes, strict=True))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=positive(int), default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--samples", type=positive(int), default=2000, metavar="N", help="default: %(default)s")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the made-up runs and the page there")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        figures, notes = measure((options.keep or Path(scratch)).resolve(), options.machines, options.samples)
    for name, value in figures.items():
        print(told(name, value, notes[name]))
    if names := missed(figures):
        sys.exit(f"missed: {', '.join(names)}")


if __name__ == "__main__":
    main()
