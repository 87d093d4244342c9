"""How each machine's part ended, and in what the machines were not alike."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from execnet import RemoteError
from xdist.workermanage import WorkerController

from benchmarks.results import Run, alike, keys
from benchmarks.results.numbers import counted
from benchmarks.run.each.arriving import Arriving
from benchmarks.run.each.checking import named, series
from benchmarks.run.each.words import REST

MOST = 6  # differences that are told of many
LOST = "the connection was lost, or its process killed"
CODES = {  # of pytest's that tell more than that a test failed, which its report has told
    pytest.ExitCode.INTERRUPTED: "was stopped there",
    pytest.ExitCode.INTERNAL_ERROR: "ended with an error of its own",
    pytest.ExitCode.USAGE_ERROR: "refused",
    pytest.ExitCode.NO_TESTS_COLLECTED: "found nothing to measure",
}
IN_COMMON = (keys.MODEL_SHA256, keys.DATA_SHA256)


@dataclass(frozen=True)
class Ended:
    """How a machine's part ended."""

    why: str = ""  # it came not to its end, or measured nothing; else nothing
    arriving: Arriving | None = None  # None where it never began

    @property
    def results(self) -> Sequence[dict[str, Any]]:
        """The benchmarks that have come, as they are saved."""
        return self.arriving.results if self.arriving else ()

    @property
    def problem(self) -> str:
        """Why the machine is not as it was to be; nothing where it is."""
        return self.why or ("" if self.results else "measured nothing")

    @property
    def words(self) -> str:
        """All of it."""
        what = counted(len(self.results), "benchmark")
        if not self.problem:
            return f"through, {what}"
        is_kept = self.arriving and self.arriving.files
        return f"{self.problem}; what had come, {what}, is kept" if is_kept else self.problem


def why(node: WorkerController, error: object) -> str:
    """Return why a machine's process has ended; nothing where it came to its end."""
    if error:
        return words_of(error) if isinstance(error, RemoteError) else LOST
    code = node.workeroutput["exitstatus"]
    if code not in CODES:
        return ""
    return ": ".join([CODES[code], *_raised(node)])


def _raised(node: WorkerController) -> Iterator[str]:
    """Yield what was raised in a process that has ended in order."""
    try:
        node.channel.waitclose(REST)
    except RemoteError as error:
        yield words_of(error)
    except (OSError, EOFError):  # it has not closed it yet, or there is nobody any more
        return


def words_of(error: RemoteError) -> str:
    """Return an error's own words in a line, of the traceback that travelled; of a command line's the fault alone."""
    block = [*re.finditer(r"^[\w.]+(?:: (?P<words>.*))?$", str(error.formatted), re.MULTILINE)]
    raised = next((one for one in reversed(block) if one["words"] is not None), None)
    if raised is None:
        return str(error.formatted).strip().splitlines()[-1]
    said = str(error.formatted)[raised.start("words") :]
    fault = re.search(r"^.*: error: (.*)$", said, re.MULTILINE)
    return fault[1] if fault else raised["words"]


def differences(runs: Mapping[str, Run]) -> Iterator[str]:
    """Yield in what each machine measured with, or measured, is not the first's; hardware is meant to differ."""
    (first, base), *others = runs.items()
    for name, run in others:
        if found := [*_of_code(base, run), *_of_models(base, run), *_of_versions(base, run)]:
            yield f"{name} from {first}: {named(found, MOST)}"


def _of_code(base: Run, run: Run) -> Iterator[str]:
    ours, theirs = _commit(base), _commit(run)
    if ours != theirs:
        yield f"commit {theirs} and not {ours}"
    if base.machine.get("suite") != run.machine.get("suite"):
        yield "the suite's own code"


def _of_versions(base: Run, run: Run) -> Iterator[str]:
    """Yield what both have in another version; what one lacks is told by what it did not measure."""
    for name, version in base.versions.items():
        if run.versions.get(name, version) != version:
            yield f"{name} {run.versions[name]} and not {version}"
    ours, theirs = (series(str(one.machine.get("python_version"))) for one in (base, run))
    if ours != theirs:
        yield f"Python {theirs} and not {ours}"


def _commit(run: Run) -> str:
    commit = run.commit
    return f"{(commit.id or 'not told')[:9]}{' with changes' if commit.is_changed else ''}"


def _of_models(base: Run, run: Run) -> Iterator[str]:
    """Yield which benchmarks are of another model's file."""
    before = base.by_name
    both = [(before[result.fullname], result) for result in run.results if result.fullname in before]
    other = [ours.name for ours, theirs in both if any(_differs(ours.info, theirs.info, key) for key in IN_COMMON)]
    if other:
        yield f"the model's file of {counted(len(other), 'benchmark')}, as {other[0]}"


def _differs(ours: Mapping[str, object], theirs: Mapping[str, object], key: str) -> bool:
    return ours.get(key, alike.NOT_TOLD) != theirs.get(key, alike.NOT_TOLD)
