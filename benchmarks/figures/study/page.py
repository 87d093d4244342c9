"""The page: the study's table, then each claim with its rule, its figures and its verdict. Markdown."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.claims import CLAIMS
from benchmarks.figures.study.devices import real_devices
from benchmarks.figures.study.evidence import STUDYS, Evidence, is_weaker
from benchmarks.figures.study.verdicts import Claim, Verdict
from benchmarks.figures.tables import table
from benchmarks.results import Row
from benchmarks.results.numbers import NONE

COMMAND = "python -m benchmarks.figures.study"
HEAD = (
    'The suite starts from A. I. Kanev, "Comparing the performance of deep learning models running on client device '
    'and in cloud" (2023). This page holds its table and its claims against what was measured here.',
    f"`{COMMAND}` (or `tox run -e study`) writes it from the runs under [docs/runs](runs); a test holds it to them. No "
    "verdict is written by hand: each follows from the figures by the rule beside it. `(!)` is a figure in doubt "
    "([why](measuring.md#how-far-a-run-can-be-trusted)), `emulated` a weaker client made by a quota, `untrained` a "
    "network that is timed and never scored, `not whole` a run that did not come to its end. Figures of "
    "different machines are never averaged.",
)
CLOCK = (
    "A time is one inference, from the call until the logits can be read on the host, in float32: the median over "
    "fresh pages or processes, of weaker clients the mean, with its 95 % interval. Predictions a second are 1 / mean, "
    "one after another. The ratio to `server-cpu` on one thread was measured in turns. WebNN computes on as many "
    "threads as it likes. Top-1 is of the 10,000 test images, on that very platform."
)


def page(evidence: Evidence) -> str:
    """Return the whole page."""
    verdicts = [(claim, claim.measure(evidence)) for claim in CLAIMS]
    parts = ["# The study, reproduced", *map(words.filled, HEAD), "## The claims", _summary(verdicts)]
    parts += ["## The table", *_tables(evidence)]
    for claim, verdict in verdicts:
        parts += _section(claim, verdict)
    parts += [*real_devices(evidence), *_runs(evidence)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(verdicts: Sequence[tuple[Claim, Verdict]]) -> str:
    lines = [
        words.filled(f"[{claim.words}](#{anchor(claim.words)}): {_told(verdict)}", f"{number}. ")
        for number, (claim, verdict) in enumerate(verdicts, 1)
    ]
    return "\n".join(lines)


def _told(verdict: Verdict) -> str:
    return f"**{verdict.word}**: {verdict.short}."


def anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _section(claim: Claim, verdict: Verdict) -> Iterator[str]:
    yield f"## {claim.words}"
    yield words.filled(f"**{verdict.word.capitalize()}**: {verdict.short}.")
    yield "\n".join(words.filled(sentence, "- ") for sentence in verdict.sentences)
    yield verdict.table
    yield words.filled(f"The rule: {claim.rule} Measured by `{claim.command}`.")


def _tables(evidence: Evidence) -> Iterator[str]:
    if not evidence.latencies:
        yield "Not measured: `tox run -e bench -- --batch-size 1` measures it."
        return
    yield words.filled(CLOCK)
    for machine in dict.fromkeys(row.machine for row in evidence.latencies):
        rows = [row for row in evidence.latencies if row.machine == machine]
        yield f"### {machine}"
        for title, wanted in GROUPS.items():
            if chosen := [row for row in rows if wanted(row)]:
                yield f"**{title}**"
                yield _table(chosen, evidence)


def _runs(evidence: Evidence) -> Iterator[str]:
    """Tell when each run was made, and by which version: they are of several days and versions."""
    if not evidence.runs:
        return
    yield "## The runs"
    days, versions = {run.saved[:10] for run in evidence.runs}, {run.version for run in evidence.runs}
    yield words.filled(
        f"They are of {len(days)} day{'s' * (len(days) != 1)} and {len(versions)} version{'s' * (len(versions) != 1)} "
        "of the suite. What is held against each other was measured by one run, unless its rule says otherwise."
    )
    machines = {id(row.run): row.machine for row in (*evidence.rows, *evidence.visits, *evidence.joined)}
    body = [
        [
            f"`{'/'.join(run.file.parts[-2:])}`",
            run.saved[:16].replace("T", " "),
            f"`{run.commit.id[:9]}`{', files changed' * run.commit.is_changed}" if run.commit.id else NONE,
            words.tamed(machines[id(run)]),
            "; ".join(fault.value for fault in run.faults) or "yes",
        ]
        for run in evidence.runs
    ]
    yield table(["run", "saved", "commit", "machine", "whole?"], body, words=5)


def _is_single(row: Row) -> bool:
    return row.batch_size in (1, None)


def _is_threaded(row: Row) -> bool:
    return (row.result.threads or 1) > 1


def _is_plain(row: Row) -> bool:
    return _is_single(row) and not is_weaker(row) and not _is_threaded(row)


GROUPS: dict[str, Callable[[Row], bool]] = {  # each row is in one of them
    "One image, one thread": lambda row: _is_plain(row) and row.model in STUDYS,
    "One image, several threads": lambda row: _is_single(row) and not is_weaker(row) and _is_threaded(row),
    "One image, weaker clients": lambda row: _is_single(row) and is_weaker(row),
    "Batches, the time of all images together": lambda row: not _is_single(row),
    "One image, timing networks": lambda row: _is_plain(row) and row.model not in STUDYS,
}


def _table(rows: Sequence[Row], evidence: Evidence) -> str:
    """Return a row for each model and platform; without columns that are empty throughout."""
    columns: dict[str, Callable[[Row], str]] = {
        "batch": lambda row: str(row.batch_size),
        "time": lambda row: words.marked(words.seconds(Span.of(row.figure)), row),
        "a second": words.rate,
        "× server-cpu": words.ratio,
        "top-1": lambda row: words.accuracy(
            *evidence.accuracies.get((row.machine, str(row.model), str(row.platform)), ())
        ),
    }
    cells = {name: [cell(row) for row in rows] for name, cell in columns.items()}
    shown = [name for name, column in cells.items() if set(column) - ({"1"} if name == "batch" else {NONE})]
    body = [
        [f"`{row.model}`", f"`{row.platform}`", *(cells[name][at] for name in shown)] for at, row in enumerate(rows)
    ]
    return table(["model", "platform", *shown], body, words=2)
