"""What is the least that a person could ship? ``python -m benchmarks.figures.shipping [--model NAME] [--json FILE]``.

Opens a model in a page on each runtime, looks at which of the runtime's files the page asked for, and tells their
bytes as they are, in gzip, and as they came, in brotli, of the levels that the page's server uses. The suite's own
files and the model are not counted. Then takes the smaller builds that the runtimes document, opens the model with
each, holds its answers against the reference, and times it in turns with the whole runtime, ``--starts`` times afresh.
Of what could not be built it says why. A report: it ends with 0 unless something broke.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from benchmarks.figures.shipping import builds, needed, turns
from benchmarks.figures.shipping.sizes import Sizes
from benchmarks.figures.shipping.table import NAMES, Custom, Shipped, build_line, document, file_lines, table
from benchmarks.inputs import case_of, fed
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.starts import FEWEST_STARTS, figure
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.page import PagePlatform
from benchmarks.protocol import PlatformError, UnavailableError
from benchmarks.settings import Settings, positive, writable
from browser_harness import packages
from models import MODELS, manifest

SETTINGS = Settings()
FAILURES = (
    *(manifest.ModelError, PlatformError, UnavailableError, ParityError),
    *(needed.UncountedError, packages.SetUpError),
)


def measured(question: Question, starts: int, folder: Path) -> Iterator[Shipped]:
    """Yield each runtime that this machine has, and print what is known of it as soon as it is."""
    for name in NAMES:
        platform = PLATFORMS[name]
        assert isinstance(platform, PagePlatform), "a runtime in a page"
        if reason := platform.unavailable(SETTINGS):
            print(f"not measured: {reason}", flush=True)
            continue
        yield shipped(platform, question, starts, folder)


def shipped(platform: PagePlatform, question: Question, starts: int, folder: Path) -> Shipped:
    """Measure a runtime and its smaller builds, and print both."""
    version = packages.pinned(platform.packages[0])
    files, _ = opened(platform, question)
    print(f"{NAMES[platform.name]} {version}", *file_lines(files), sep="\n", flush=True)
    made = [custom(build, platform, question, starts, folder) for build in builds.BUILDS if build.of == platform.name]
    return Shipped(platform.name, version, files, made)


def opened(platform: PagePlatform, question: Question) -> tuple[dict[str, Sizes], float]:
    """Open the model in a page; return the sizes of the runtime's files that came, and the answer's parity."""
    with platform.open(case_of(question.artefact), SETTINGS) as session:
        parity = question.check(session.facts, session.run(question.feeds))
        return needed.needed(platform, session.facts.details), parity


def custom(build: builds.Build, whole: PagePlatform, question: Question, starts: int, folder: Path) -> Custom:
    """Make a smaller build, and measure it beside the *whole* runtime."""
    own = Path(mkdtemp(dir=folder))
    platform = build.make(builds.operations(question.artefact), own)
    files, parity = opened(platform, question)
    print(f" {build.name}", *file_lines(files), sep="\n", flush=True)
    return Custom(build.name, build.lacks, files, parity, figure(turns.ratios(platform, whole, question, starts)))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="shipping", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = "that is opened; default: resnet20"
    parser.add_argument("--model", choices=[*MODELS], default="resnet20", metavar="NAME", help=words)
    parser.add_argument("--starts", type=positive(int), default=5, help="of each build and the whole; default: 5")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    if options.starts < FEWEST_STARTS:
        parser.error(f"--starts {options.starts}: fewer than {FEWEST_STARTS} have no interval")
    try:
        artefact = manifest.load(options.model)
        question = ask(artefact, fed(artefact.path, 1))
        with TemporaryDirectory(prefix="shipping.") as folder:
            found = [*measured(question, options.starts, Path(folder))]
    except FAILURES as error:
        sys.exit(f"shipping: {error}")
    print(f"\n{table(found)}\n")
    for runtime in found:
        print(*(build_line(runtime, build) for build in runtime.builds), sep="\n", end="\n" if runtime.builds else "")
    for name, words in builds.NOT_BUILT.items():
        print(f"{NAMES[name]}: not built: {words}")
    if options.json:
        options.json.write_text(json.dumps(document(options.model, found, builds.NOT_BUILT), indent=2) + "\n")


if __name__ == "__main__":
    main()
