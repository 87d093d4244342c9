"""The two ways to an outcome: base and head in lockstep, and a head against saved runs of the base."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.gate import baseline, checkouts, screen, tidy
from benchmarks.gate.baseline import SavedError
from benchmarks.gate.checkouts import Checkout, CheckoutError
from benchmarks.gate.decide_runs import FEWEST_RUNS
from benchmarks.gate.decide_starts import Rules
from benchmarks.gate.measurements import Measurements
from benchmarks.gate.options import Options
from benchmarks.gate.pair import Version
from benchmarks.gate.verdicts import Outcome, Row
from benchmarks.results import Run

ROOT = Path(__file__).parents[2]
NOT_CONFIRMED = (
    "nothing was confirmed in lockstep: the runs name no commit of this repository that has all they measured"
)


def runs_folder() -> Path:
    """Make the folder in which this gate, and no other of the same second, leaves what it measured."""
    runs = ROOT / checkouts.FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    tidy.remove_runs(ROOT)
    return Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=runs))


def in_lockstep(options: Options) -> Outcome:
    """Compare two versions block by block; raise CheckoutError where the command line names none."""
    sources = {"base": checkouts.checkout(_base(options), ROOT), "head": _head(options)}
    outcome = Outcome(sources["base"].words, sources["head"].words, [], options.policy)
    try:
        versions = _prepared(sources, options.environment)
    except CheckoutError as error:
        return replace(outcome, refusals=[str(error)])
    measured = screen.gate(versions, options.of_a_side, runs_folder(), options.rules)
    return _with_lockstep(outcome, measured, screen.rows(measured, options.rules), options.rules)


def _base(options: Options) -> str:
    assert options.base is not None, "against_saved is for a base of which there are saved runs"
    return checkouts.merge_base(options.base, options.head or "HEAD", ROOT) if options.merge_base else options.base


def _head(options: Options) -> Checkout:
    return checkouts.checkout(options.head, ROOT) if options.head else checkouts.working_tree(ROOT)


def _prepared(sources: Mapping[str, Checkout], environment: str) -> list[Version]:
    tidy.remove_checkouts(ROOT, [source.path for source in sources.values()])
    return [checkouts.prepare(side, source, environment) for side, source in sources.items()]


def _with_lockstep(outcome: Outcome, measured: Measurements, rows: Sequence[Row], rules: Rules) -> Outcome:
    """Add what was measured in lockstep, and the verdicts of all."""
    pairs = [comparison.to_json() for comparison in measured.comparisons]
    details = {"rules": asdict(rules), "seconds": measured.seconds, "machine": measured.machine, "pairs": pairs}
    return replace(outcome, rows=rows, problems=measured.problems, notes=screen.notes(measured), details=details)


def against_saved(options: Options) -> Outcome:
    """Compare the head's runs, saved or made now, with saved runs of the base; raise SavedError for what is none.

    Where lockstep can run the base's commit, it has the last word on what the saved runs make suspect.
    """
    folder = runs_folder()
    base = [baseline.load(file) for file in options.baseline]
    words = _named(options.head_runs) if options.head_runs else "the working tree, measured now"
    outcome = Outcome(_named(options.baseline), words, [], options.policy)
    try:
        head = [baseline.load(file) for file in options.head_runs or _measured(options, folder)]
    except CheckoutError as error:
        return replace(outcome, refusals=[str(error)])
    baseline.check_distinct([*base, *head])
    if refusals := baseline.refusals(base, head):
        return replace(outcome, refusals=refusals)
    return _decided(outcome, base, head, options, folder)


def _decided(outcome: Outcome, base: Sequence[Run], head: Sequence[Run], options: Options, folder: Path) -> Outcome:
    """Return the outcome of runs that can be compared."""
    sources = _checked_out(base, head, options)
    rows = baseline.rows(base, head, options.rules, can_confirm=sources is not None)
    outcome = replace(outcome, rows=[*rows.values()])
    if sources is None:
        return replace(outcome, notes=[NOT_CONFIRMED])
    if not (suspected := baseline.suspicions(rows, options.rules)):
        return outcome
    try:
        versions = _prepared(sources, options.environment)
    except CheckoutError as error:
        return replace(outcome, refusals=[str(error)])
    measured = screen.confirm(versions, options.of_a_side, folder, options.rules, {*suspected})
    rows = baseline.confirmed(rows, suspected, measured, options.rules)
    return _with_lockstep(outcome, measured, [*rows.values()], options.rules)


def _named(files: Sequence[Path]) -> str:
    return f"{len(files)} runs: {', '.join(map(str, files))}"


def _measured(options: Options, folder: Path) -> list[Path]:
    """Measure the working tree as often as a side needs; return the files."""
    version = checkouts.prepare("head", checkouts.working_tree(ROOT), options.environment)
    files = [folder / f"head-{number + 1}.json" for number in range(FEWEST_RUNS)]
    for number, file in enumerate(files, 1):
        print(f"head: run {number} of {FEWEST_RUNS}", file=sys.stderr, flush=True)
        words = ["-m", "pytest", "benchmarks/", "--benchmark-only", f"--benchmark-json={file}", *options.suite]
        command = [str(version.python), *words]
        done = subprocess.run(command, cwd=version.checkout, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise SavedError(f"run {number} of the head ended with {done.returncode}; its words stand above")
    return files


def _checked_out(base: Sequence[Run], head: Sequence[Run], options: Options) -> Mapping[str, Checkout] | None:
    """Return both versions as checkouts; None where one is no commit of this repository."""
    commits = {"base": baseline.base_commit(base), "head": baseline.base_commit(head) if options.head_runs else None}
    known = {side: commit for side, commit in commits.items() if commit and checkouts.commit_of(commit, ROOT)}
    if "base" not in known or (options.head_runs and "head" not in known):
        return None
    sources = {side: checkouts.checkout(commit, ROOT) for side, commit in known.items()}
    return {"head": checkouts.working_tree(ROOT), **sources}
