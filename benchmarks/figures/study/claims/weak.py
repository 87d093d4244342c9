"""A weak client computes 79 predictions a second."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import STUDYS, Evidence, is_client, is_weaker
from benchmarks.figures.study.verdicts import Answer, Claim, Verdict, altogether, at_least
from benchmarks.figures.tables import table
from benchmarks.results import Row, keys
from benchmarks.results.numbers import NONE

STATED = 79.0  # predictions a second


@dataclass(frozen=True)
class Case:
    """A weaker client with a network."""

    row: Row
    rate: Span

    @property
    def factor(self) -> int:
        """How many times weaker it was asked to be."""
        return int(self.row.result.info[keys.SLOWDOWN]["asked"])

    @property
    def answer(self) -> Answer:
        """Whether it reaches what the study says."""
        return at_least(self.rate, STATED)


def cases(evidence: Evidence) -> list[Case]:
    """Return the weaker clients with the study's networks."""
    rows = [row for row in evidence.weaker if row.model in STUDYS]
    return [Case(row, rate) for row in rows if (rate := words.rate_of(row))]


def judge(evidence: Evidence) -> Verdict | None:
    """Hold each weaker client against the study's figure."""
    found = cases(evidence)
    if not found:
        return None
    said = [case.answer for case in found]
    counted = words.marked(f"{said.count('yes')} of {len(said)}", *(case.row for case in found))
    short = f"weaker clients that reach it: {counted}, {said.count('open')} open"
    return Verdict(altogether(said), short, [*_sentences(evidence, found)], _tables(evidence, found))


def _sentences(evidence: Evidence, found: Sequence[Case]) -> Iterator[str]:
    for factor in sorted({case.factor for case in found}):
        cases = [case for case in found if case.factor == factor]
        told = words.spread_of_rows(((case.rate.value, case.row) for case in cases), words.whole)
        reach = sum(case.answer == "yes" for case in cases)
        yield f"{factor} times weaker, a second: {told}; {reach} of {len(cases)} reach {STATED:g}{_obtained(cases)}."
    for machine in _machines(found):
        factors = [f"`{row.platform}` {_factor(row)}" for row in _whole(evidence, machine) if row.model == STUDYS[0]]
        if factors:
            how = "if a rate falls as the factor, which of short inferences it does not quite under a quota"
            who = f"A client so many times weaker than {machine}"
            yield f"{who} makes {STATED:g} a second of `{STUDYS[0]}`, {how}: {', '.join(factors)}."


def _obtained(cases: Sequence[Case]) -> str:
    """Say how much slower the quota made them, which it was only asked to do."""
    told = [obtained for case in cases if (obtained := case.row.result.info.get(keys.SLOWDOWN_OBTAINED))]
    return f"; the quota made their inferences {words.spread(told, '{:.1f}'.format)} times slower" if told else ""


def _whole(evidence: Evidence, machine: str) -> list[Row]:
    """Return the study's networks on the clients of a machine as they are."""
    rows = [row for row in evidence.single if is_client(row) and not is_weaker(row) and row.machine == machine]
    return [row for row in rows if row.model in STUDYS and row.result.threads in (1, None)]


def _factor(row: Row) -> str:
    rate = words.rate_of(row)
    return words.marked(words.times_with_interval(rate.times(1 / STATED)), row) if rate else NONE


def _tables(evidence: Evidence, found: Sequence[Case]) -> str:
    """Return a table for each machine."""
    by_machine = {machine: [case for case in found if case.row.machine == machine] for machine in _machines(found)}
    return "\n\n".join(f"**{name}**\n\n{_table(_whole(evidence, name), of)}" for name, of in by_machine.items())


def _machines(found: Sequence[Case]) -> list[str]:
    return [*dict.fromkeys(case.row.machine for case in found)]


def _table(whole: Sequence[Row], found: Sequence[Case]) -> str:
    """Return a row for each runtime and network of a machine: what it does as it is, and weaker."""
    factors = sorted({case.factor for case in found})
    rows: dict[tuple[str, str], dict[int, list[str]]] = {}
    for case in found:
        by_factor = rows.setdefault((str(case.row.model), str(case.row.platform).rpartition("@")[0]), {})
        by_factor.setdefault(case.factor, []).append(_cell(case))
    as_it_is: dict[tuple[str, str], list[str]] = {}
    for row in whole:
        as_it_is.setdefault((str(row.model), str(row.platform)), []).append(words.marked(words.rate(row), row))
    body = [
        [*(f"`{name}`" for name in place), *map(_together, (as_it_is.get(place), *(of.get(f) for f in factors)))]
        for place, of in rows.items()
    ]
    head = ["predictions a second", "browser", "as it is", *(f"{factor} times weaker" for factor in factors)]
    return table(head, body, words=2)


def _together(cells: Sequence[str] | None) -> str:
    """Return what several runs of a machine say of one thing: each."""
    return "; ".join(cells) if cells else NONE


def _cell(case: Case) -> str:
    return f"{words.marked(words.rate_with_interval(case.rate), case.row)}: {case.answer}"


WEAK = Claim(
    "weak",
    "A weak client computes 79 predictions a second",
    "Each weaker client, emulated by a quota on this processor, with each of the study's networks, by the factor that "
    "was asked for: the case says yes "
    "where its whole interval is at 79 a second or above, no where it is below, and is open else. Confirmed where all "
    "cases say yes, refuted where all say no, qualified else. Predictions a second are 1 / mean, one after another.",
    "tox run -e bench -- --slowdown 4 --slowdown 10 --batch-size 1",
    judge,
)
