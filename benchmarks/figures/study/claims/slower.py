"""The browser is an order of magnitude slower than the server: by runtime, by threads, by client and by machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import STUDYS, Evidence, is_client, is_weaker
from benchmarks.figures.study.verdicts import Answer, Claim, Verdict, altogether, at_least, quotient, together
from benchmarks.figures.tables import table, times
from benchmarks.results import Row
from benchmarks.results.numbers import NONE

MAGNITUDE = 10.0
SERVER = "server-cpu"  # on one thread; the partner of all ratios
THREADS = "on one thread each (WebNN on as many as it likes)"


@dataclass(frozen=True)
class Case:
    """A browser against a server of the same machine, with one network."""

    row: Row
    server: str
    ratio: Span
    rows: Sequence[Row]  # that the ratio was made of

    @property
    def answer(self) -> Answer:
        """Whether the browser takes ten times as long."""
        return at_least(self.ratio, MAGNITUDE)


def cases(evidence: Evidence) -> Iterator[Case]:
    """Yield each browser against one thread of a server, and against what else of servers it can be held against."""
    servers = [row for row in evidence.single if _is_stronger(row)]
    for row in filter(is_client, evidence.single):
        ours = words.ratio_of(row)
        if ours is None:
            continue
        yield Case(row, SERVER, ours, [row])
        for server in servers:
            theirs = words.ratio_of(server)
            if theirs and (server.machine, server.model) == (row.machine, row.model) and not is_weaker(row):
                yield Case(row, str(server.platform), quotient(ours, theirs), [row, server])


def _is_stronger(row: Row) -> bool:
    """Whether a row is of the same server on more threads, or of a GPU."""
    name = str(row.platform)
    return name.startswith((f"{SERVER}-", "server-cuda")) and not name.startswith("server-cuda-tf32")


def judge(evidence: Evidence) -> Verdict | None:
    """Hold each case against ten times."""
    all_cases = [*cases(evidence)]
    plain = [case for case in all_cases if _is_plain(case)]
    if not plain:
        return None
    said = [case.answer for case in all_cases]
    weaker = sum(case.answer == "yes" and is_weaker(case.row) for case in all_cases)
    of_weaker = f" ({weaker} of them weaker clients, emulated)" if weaker else ""
    counted = f"ten times in {said.count('yes')} of {len(said)} cases{of_weaker}, open in {said.count('open')}"
    sentences = [_by_runtime(plain), *_named(all_cases)]
    short = f"times as long, by the runtime, {THREADS}: {_spread(plain)}; {counted}"
    return Verdict(altogether(said), short, sentences, _tables(all_cases))


def _is_plain(case: Case) -> bool:
    """Whether both compute on a thread of one processor (WebNN tells no number), and nothing slows the client down."""
    on_processor = not str(case.row.platform).endswith("gpu")
    return on_processor and case.server == SERVER and not is_weaker(case.row) and case.row.result.threads in (1, None)


def _by_runtime(plain: Sequence[Case]) -> str:
    by_platform: dict[str, list[Case]] = {}
    for case in plain:
        by_platform.setdefault(f"`{case.row.platform}`", []).append(case)
    told = [f"{name} {_spread(cases)}" for name, cases in by_platform.items()]
    everything = "over all networks that were timed, untrained ones too, and all machines"
    return f"Times as long, {THREADS}, in turns, {everything}: {', '.join(told)}."


def _spread(cases: Sequence[Case]) -> str:
    """Write the least and the greatest ratio to one thread of the server, with the marks of the two."""
    return words.spread_of_rows(((case.ratio.value, case.row) for case in cases), times)


def _named(all_cases: Sequence[Case]) -> Iterator[str]:
    for answer, what in (("yes", "Ten times or more"), ("open", "Open, for the interval reaches to both sides of ten")):
        networks: dict[str, list[str]] = {}
        for case in all_cases:
            if case.answer == answer:
                name = f"`{case.row.platform}` against `{case.server}` on {case.row.machine}"
                networks.setdefault(name, []).append(f"`{case.row.model}`")
        told = [f"{name} ({words.listed(models)})" for name, models in networks.items()]
        yield f"{what}: {'; '.join(told) or 'none'}."


def _tables(all_cases: Sequence[Case]) -> str:
    """Return a table for each machine."""
    parts = list[str]()
    for machine in dict.fromkeys(case.row.machine for case in all_cases):
        of_study = [case for case in all_cases if case.row.machine == machine and case.row.model in STUDYS]
        parts += [f"**{machine}**", _table(of_study)] if of_study else []
    return "\n\n".join(parts)


def _table(of_study: Sequence[Case]) -> str:
    """Return a row for each browser and server, of the study's networks; the others are in the sentences."""
    rows: dict[tuple[str, str], dict[str, list[Case]]] = {}
    for case in of_study:
        by_model = rows.setdefault((case.server, str(case.row.platform)), {})
        by_model.setdefault(str(case.row.model), []).append(case)
    body = [
        [
            f"`{platform}`",
            f"`{server}`",
            *("; ".join(map(_cell, found.get(model, ()))) or NONE for model in STUDYS),
            together(case.answer for cases in found.values() for case in cases),
        ]
        for (server, platform), found in sorted(rows.items(), key=lambda row: row[0][0])
    ]
    return table(["browser", "server", *(f"`{model}`" for model in STUDYS), "ten times?"], body, words=2)


def _cell(case: Case) -> str:
    return words.marked(words.times_with_interval(case.ratio), *case.rows)


SLOWER = Claim(
    "slower",
    "The browser is an order of magnitude slower than the server",
    "Each browser, also of a weaker client, is held against `server-cpu` of the same machine, on one thread and on "
    "more, and against a GPU, with the same network and image: the case says yes where the whole interval of the ratio "
    "is at ten or above, no where it is below, and is open else. Confirmed where all cases say yes, refuted where all "
    "say no, qualified else. Against one thread of `server-cpu` ratios were measured in turns; against others they are "
    "quotients of two such ratios, of one run or of two of that machine, with the ends that lie farthest apart.",
    "tox run -e bench -- --batch-size 1",
    judge,
)
