"""The two ways to an outcome: base and head in lockstep, and a head against saved runs of the base."""

import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.gate import baseline, checkouts, screen
from benchmarks.gate.checkouts import Checkout, CheckoutError
from benchmarks.gate.decide_pairs import Rules
from benchmarks.gate.decide_runs import FEWEST_RUNS
from benchmarks.gate.pair import Version
from benchmarks.gate.verdicts import Outcome, Policy

ROOT = Path(__file__).parents[2]


def rules_of(options: Namespace) -> Rules:
    """Return the rules that the command line sets."""
    return Rules(screen=options.screen, confirm=options.confirm, max_suspects=options.max_suspects)


def policy_of(options: Namespace) -> Policy:
    """Return what the command line lets pass."""
    return Policy(options.allow_new, options.allow_missing, options.fail_on == "faster")


def runs_folder() -> Path:
    """Make the folder in which this gate, and no other of the same second, leaves what it measured."""
    runs = ROOT / checkouts.FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=runs))


def in_lockstep(options: Namespace, suite: Sequence[str]) -> Outcome:
    """Compare two versions block by block; raise CheckoutError where the command line names none."""
    base = checkouts.merge_base(options.base, options.head or "HEAD", ROOT) if options.merge_base else options.base
    found = {"base": checkouts.checkout(base, ROOT), "head": _head(options)}
    outcome = Outcome(found["base"].words, found["head"].words, [], policy_of(options))
    try:
        versions = _prepared(found, options.environment)
    except CheckoutError as error:
        return replace(outcome, refusals=[str(error)])
    rules = rules_of(options)
    measured = screen.gate(versions, _arguments(options, suite), runs_folder(), rules)
    return replace(
        outcome,
        rows=screen.rows(measured, rules),
        problems=measured.problems,
        notes=screen.notes(measured),
        details=_details(measured, rules),
    )


def _head(options: Namespace) -> Checkout:
    return checkouts.checkout(options.head, ROOT) if options.head else checkouts.working_tree(ROOT)


def _prepared(found: Mapping[str, Checkout], environment: str) -> list[Version]:
    return [checkouts.prepare(name, one, environment) for name, one in found.items()]


def _arguments(options: Namespace, suite: Sequence[str]) -> list[str]:
    return [f"--benchmark-max-time={options.seconds}", *suite]


def _details(found: screen.Found, rules: Rules) -> dict[str, Any]:
    return {"rules": asdict(rules), "seconds": found.seconds, "machine": found.machine, "pairs": found.raw}


def against_saved(options: Namespace, suite: Sequence[str]) -> Outcome:
    """Compare the head's runs, saved or made now, with saved runs of the base; raise SavedError for what is none.

    Where lockstep can run the base's commit, it has the last word on what the saved runs make suspect.
    """
    rules, folder = rules_of(options), runs_folder()
    base = [baseline.load(file) for file in options.baseline]
    words = _named(options.head_runs) if options.head_runs else "the working tree, measured now"
    outcome = Outcome(_named(options.baseline), words, [], policy_of(options))
    try:
        head = [baseline.load(file) for file in options.head_runs or _measured(options, suite, folder)]
    except CheckoutError as error:
        return replace(outcome, refusals=[str(error)])
    baseline.check_distinct([*base, *head])
    if refusals := baseline.refusals(base, head):
        return replace(outcome, refusals=refusals)
    versions = _checked_out(base, head, options)
    rows = baseline.rows(base, head, rules, can_confirm=versions is not None)
    if versions is None or not (suspected := baseline.suspicions(rows, rules)):
        return replace(outcome, rows=[*rows.values()], notes=[] if versions else [NOT_CONFIRMED])
    try:
        prepared = _prepared(versions, options.environment)
    except CheckoutError as error:
        return replace(outcome, rows=[*rows.values()], refusals=[str(error)])
    found = screen.confirm(prepared, _arguments(options, suite), folder, rules, {*suspected})
    rows = baseline.confirmed(rows, suspected, found, rules)
    return replace(
        outcome,
        rows=[*rows.values()],
        problems=found.problems,
        notes=screen.notes(found),
        details=_details(found, rules),
    )


NOT_CONFIRMED = (
    "nothing was confirmed in lockstep: the runs name no commit of this repository that has all they measured"
)


def _named(files: Sequence[Path]) -> str:
    return f"{len(files)} runs: {', '.join(map(str, files))}"


def _measured(options: Namespace, suite: Sequence[str], folder: Path) -> list[Path]:
    """Measure the working tree as often as a side needs; return the files."""
    version = checkouts.prepare("head", checkouts.working_tree(ROOT), options.environment)
    files = [folder / f"head-{number + 1}.json" for number in range(FEWEST_RUNS)]
    for number, file in enumerate(files, 1):
        print(f"head: run {number} of {FEWEST_RUNS}", file=sys.stderr, flush=True)
        words = ["-m", "pytest", "benchmarks/", "--benchmark-only", f"--benchmark-json={file}", *suite]
        command = [str(version.python), *words]
        done = subprocess.run(command, cwd=version.checkout, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise baseline.SavedError(f"run {number} of the head ended with {done.returncode}; its words stand above")
    return files


def _checked_out(
    base: Sequence[baseline.Run], head: Sequence[baseline.Run], options: Namespace
) -> Mapping[str, Checkout] | None:
    """Return both versions as checkouts; None where one is no commit of this repository."""
    commits = {"base": baseline.base_commit(base), "head": baseline.base_commit(head) if options.head_runs else None}
    known = {name: commit for name, commit in commits.items() if commit and checkouts.commit_of(commit, ROOT)}
    if "base" not in known or (options.head_runs and "head" not in known):
        return None
    found = {name: checkouts.checkout(commit, ROOT) for name, commit in known.items()}
    return {"head": checkouts.working_tree(ROOT), **found}
