"""The answers, a sentence for each model: who answers first, by decide; else which platform computes fastest.

What is said of a model is of one machine, run, batch size and phase, and says which.
"""

from collections.abc import Iterator, Sequence

from benchmarks.decide import Decision, said
from benchmarks.decide.answers import Winner
from benchmarks.decide.measured import machine_of
from benchmarks.report.content import Chip, Material, Part, Section, Side, Table, Verdict, Words
from benchmarks.report.rows.groups import by
from benchmarks.report.rows.labels import run_names
from benchmarks.report.sections.answers.fastest import Alone, alone_of
from benchmarks.results import Row, Run
from benchmarks.results.tidy import IN_TITLES, OF_THE_DAY

LEAD = "Whose later answers come earlier, the network included: predicted from what was measured of both sides."
ALONE = "The inference alone, without a network: both sides were not measured so that more could be said."
WORDS: dict[Side, str] = {
    "client": "client",
    "server": "server",
    "undecided": "undecided",
    "depends": "it depends",
    "open": "not decided",
}
SIDES: dict[Winner, Side] = {"client": "client", "server": "server", "undecided": "undecided", "not measured": "open"}
HEAD = ("clients", "answers earlier on these networks", "by round trip", "on it holds", "first answers")
ALONE_CHIP = "inference alone"
MODEL = "--model"
RUN = f"pytest benchmarks/ --benchmark-only {MODEL}"
BOTH = ("--platform server-cpu", "--platform chromium-wasm")


def answers(material: Material) -> Section | None:
    """Return a verdict for each model, by the machine of the client where there are several."""
    parts: list[Part] = [*_undecided(material)]
    groups = _decided(material.decisions)
    decided = {group[0].model.name for group in groups}
    parts += [_verdict(group, material) for group in groups]
    models = dict.fromkeys(row.model for row in material.rows if row.model and row.run.is_of_this_suite)
    rest = {model: alone_of(_own(model, material.rows)) for model in models if model not in decided}
    parts += [_by_speed(model, found, material.rows) for model, found in rest.items() if found]
    parts += _silent([model for model, found in rest.items() if not found], material.rows)
    parts += _not_ours(material.runs)
    lead = LEAD if decided else ALONE if models else ""
    return Section("answers", "Answers", lead, parts) if parts else None


def _undecided(material: Material) -> Iterator[Part]:
    if material.undecided:
        yield Words([f"Nothing is decided of these runs together: {material.undecided}."])


def _decided(decisions: Sequence[Decision]) -> list[list[Decision]]:
    """Return the decisions of each model and machine of clients, the strongest class first; untrained models last."""
    groups = by(decisions, lambda one: (one.model.name, one.clients.machine))
    strongest_first = [sorted(group, key=lambda one: one.clients.factor) for group in groups.values()]
    return sorted(strongest_first, key=lambda group: group[0].model.is_untrained)


def _verdict(group: Sequence[Decision], material: Material) -> Verdict:
    """Return the answer for the strongest clients, on what it holds, and the answers for weaker ones."""
    first = group[0]
    told, rows = said(first), [row for row in material.rows if row.model == first.model.name]
    machine = _machine(first.clients.machine, material)
    conditions = [_sentence(words) for words in [*_server(first, material), *told.conditions, told.first] if words]
    alone = alone_of(rows)
    more = [_sentence(f"inference alone, {one.of}: {one.words}") for one in alone if len(alone) == 1]
    more += [_sentence(f"left out: {why}") for why in first.model.left_out]
    tables = [Table("Weaker clients", HEAD, [_class(one) for one in group[1:]])] if group[1:] else []
    tables += [_by_run(alone)] if len(alone) > 1 else []
    chips, side = _chips(first), _side(first)
    on = f"on {', '.join(answer.network.name for answer in first.answers)}" if not chips else ""
    words = f"{_quotable(first, told.where)}{_signs(_used(first, rows))}."
    return Verdict(first.model.title, Chip(on, side, WORDS[side]), words, chips, conditions, more, tables, machine)


def _quotable(decision: Decision, where: str) -> str:
    """Return who answers earlier as a sentence that stands by itself; of weaker clients it says so."""
    clients = decision.clients
    of = decision.model.title if clients.factor == 1 else f"With {clients.title} {decision.model.title}"
    return f"{of} is {where}" if where.startswith("undecided") else f"{of} answers earlier on {where}"


def _chips(decision: Decision) -> list[Chip]:
    """Return who answers earlier on each network; nothing where it is the same on all."""
    chips = [Chip(answer.network.name, SIDES[answer.later], WORDS[SIDES[answer.later]]) for answer in decision.answers]
    return chips if len({chip.side for chip in chips}) > 1 else []


def _by_run(alone: Sequence[Alone]) -> Table:
    cells = [[one.run, one.of, one.words] for one in alone]
    return Table("Inference alone, by run", ["run", "of", "measured in turns"], cells)


def _used(decision: Decision, rows: Sequence[Row]) -> list[Row]:
    """Return what a decision may be made of: single images, on the machines of both sides."""
    machines = (decision.model.machine, decision.clients.machine)
    return [row for row in rows if row.batch_size in (1, None) and machine_of(row.run) in machines]


def _machine(wanted: str, material: Material) -> str:
    """Return what a machine of decide's is called beside the others."""
    return next((row.machine for row in material.rows if machine_of(row.run) == wanted), wanted)


def _server(decision: Decision, material: Material) -> list[str]:
    """Say whose server answers, where it is not that of the client's machine."""
    theirs = decision.model.machine
    return [f"the server is on {_machine(theirs, material)}"] if theirs != decision.clients.machine else []


def _side(decision: Decision) -> Side:
    """Return who answers first on all the networks that are shown; else that it depends on them."""
    seen = {answer.later for answer in decision.answers}
    return SIDES[seen.pop()] if len(seen) == 1 else "depends"


def _signs(rows: Sequence[Row], words: str = "") -> str:
    """Return the marks of a model's results that decide does not tell, and neither a title nor the *words* have."""
    told = {mark.sign: mark for row in rows for mark in row.marks if not row.result.is_software}
    own = [sign for sign in told if sign not in (*OF_THE_DAY, *IN_TITLES) and not sign.startswith("emulated")]
    own = [sign for sign in own if sign not in words]
    return f" ({', '.join(own)})" if own else ""


def _class(decision: Decision) -> list[str]:
    told = said(decision)
    networks = ", ".join(f"{chip.of}: {chip.word}" for chip in _chips(decision)) or WORDS[_side(decision)]
    return [decision.clients.title, networks, told.where, "; ".join(told.conditions), told.first or "not measured"]


def _own(model: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.model == model and row.run.is_of_this_suite]


def _silent(models: Sequence[str], rows: Sequence[Row]) -> Iterator[Part]:
    """Name the models whose latency was not measured, and the command that measures it."""
    if models:
        signs = {model: _signs(_own(model, rows)) for model in models}
        names = ", ".join(f"{_titled(model, _own(model, rows))}{sign}" for model, sign in signs.items())
        command = f"{RUN} {f' {MODEL} '.join(models)} {' '.join(BOTH)} --batch-size 1"
        yield Words([f"Nothing says how long an inference takes of {names}; this measures it: {command}."])


def _by_speed(model: str, found: Sequence[Alone], rows: Sequence[Row]) -> Verdict:
    """Return which platform computes fastest, of a model of which nothing can be decided, and what is missing."""
    own = _own(model, rows)
    title = _titled(model, own)
    missing = _missing(model, own)
    best, *rest = found
    words = f"{best.words}{_signs(own, best.words)}"
    tables = [_by_run(found)] if rest else []
    return Verdict(
        title,
        _chip(best),
        f"{words}.",
        conditions=[_sentence(best.of)],
        more=[missing],
        tables=tables,
        machine=best.machine,
    )


def _titled(model: str, rows: Sequence[Row]) -> str:
    """Return a model's name with those of its rows' marks that a title has."""
    signs = {mark.sign for row in rows for mark in row.marks}
    own = [sign for sign in IN_TITLES if sign in signs]
    return f"{model} ({', '.join(own)})" if own else model


def _chip(best: Alone) -> Chip:
    return Chip("", "open", "one side alone") if best.side == "open" else Chip(ALONE_CHIP, best.side, WORDS[best.side])


def _missing(model: str, rows: Sequence[Row]) -> str:
    """Say what a decision lacks, and which command measures it."""
    timed = {row.side for row in rows if row.phase == "latency" and not row.result.is_software}
    has_server, has_client = bool(timed & {"server", "remote"}), "client" in timed
    lacks = [*["a server"] * (not has_server), *["a client"] * (not has_client)] or ["one image at a time"]
    sides = [side for side, has in zip(BOTH, (has_server, has_client), strict=True) if not has]
    command = " ".join([RUN, model, *sides, "--batch-size 1"])
    return _sentence(f"not measured: its latency on {' and '.join(lacks)}; this measures it: {command}")


def _not_ours(runs: Sequence[Run]) -> Iterator[Part]:
    """Say of pytest-benchmark's own files that they answer nothing."""
    plain = [run for run in runs if not run.is_of_this_suite]
    if plain:
        names = ", ".join(run_names(plain))
        yield Words([f"Not this suite's, so that no model or platform is told and nothing is answered: {names}."])


def _sentence(words: str) -> str:
    """Begin with a capital, and end with a full stop."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"
