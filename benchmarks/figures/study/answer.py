"""The README's table: of each network what a server and a browser take, and where the client answers earlier."""

import math
import re
from collections.abc import Iterator, Mapping

from benchmarks.decide import Decision
from benchmarks.decide.answers import SPOKEN
from benchmarks.decide.sides import COLD
from benchmarks.decide.spans import Span
from benchmarks.decide.words import digits, interval, mark
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence, is_client, is_weaker
from benchmarks.figures.tables import table
from benchmarks.results import Row
from benchmarks.results.numbers import NONE, milliseconds

FIRST = "resnet20"  # and then the timing networks
SERVER, WEAKER = "server-cpu", 4  # times weaker
BURDEN = "†"  # of a client that freezes its page, or takes more memory than the budget
AT = "p75-2026"  # the network of a first visit
BEGIN, END = "<!-- made by python -m benchmarks.figures.study -->", "<!-- end -->"
BETWEEN = re.compile(rf"(?<={BEGIN}\n\n).*?(?=\n\n{END})", re.DOTALL)


def put_into(readme: str, evidence: Evidence) -> str:
    """Return the README with the table in its place. Raises ValueError where it has none."""
    text, number = BETWEEN.subn(lambda _: answer_table(evidence), readme)
    if number != 1:
        raise ValueError(f"README.md: no place for the table; it lies between {BEGIN} and {END}")
    return text


def answer_table(evidence: Evidence) -> str:
    """Return a row for each network."""
    timed = [*evidence.single, *(row for row in evidence.visits if row.phase == "latency" and row.batch_size == 1)]
    by_model: dict[str, dict[str, Row]] = {}
    for row in timed:
        if (row.model == FIRST or row.result.is_untrained) and row.machine == timed[0].machine:
            by_model.setdefault(str(row.model), {}).setdefault(str(row.platform), row)
    decided = {(one.model.name, one.clients.factor): one for one in evidence.decisions}
    models = sorted(by_model, key=lambda model: model != FIRST)
    body = [[*_timed(model, by_model[model]), *_decided(model, decided)] for model in models]
    head = ["network", "server", "browser ×", "client", f"{WEAKER} times weaker", "first, pays"]
    return table(head, body)


def _timed(model: str, rows: Mapping[str, Row]) -> Iterator[str]:
    yield f"`{model}`{'*' * any(row.result.is_untrained for row in rows.values())}"
    server = rows.get(SERVER)
    yield f"{milliseconds(server.figure.value)}{_doubt(server)}" if server else NONE
    browsers = [row for row in rows.values() if is_client(row) and not is_weaker(row)]
    browsers = [row for row in browsers if row.result.threads in (1, None)]
    ratios = {row.ratio.value: row for row in browsers if row.ratio}
    yield f"{words.spread(ratios, lambda ratio: f'{ratio:.1f}')}{_doubt(*ratios.values())}" if ratios else NONE


def _doubt(*rows: Row) -> str:
    return mark([words for row in rows for words in row.result.doubts.values()])


def _decided(model: str, decided: Mapping[tuple[str, int], Decision]) -> Iterator[str]:
    as_strong, weaker = decided.get((model, 1)), decided.get((model, WEAKER))
    for decision in (as_strong, weaker):
        yield _where(decision) if decision else NONE
    answer = next((one for one in as_strong.answers if one.network.name == AT), None) if as_strong else None
    yield _first(answer.client_first, answer.pays_back[COLD]) if answer else NONE


def _first(first: Span | None, pays: Span | None) -> str:
    """Return after how long a first visitor has an answer, and after how many predictions that has paid back."""
    if first is None or pays is None:
        return NONE
    seconds = f"{first.value:.1f} s" if first.value < 10 else f"{first.value:,.0f} s"
    return f"{seconds}, {pays.value:,.0f}" if math.isfinite(pays.value) else f"{seconds}, never"


def _where(decision: Decision) -> str:
    """Return above which round trip, at SPOKEN Mbit/s each way, the client's later answers come earlier."""
    border = decision.borders[SPOKEN]
    doubts = mark([*decision.client.doubts, *(doubt for server in decision.servers for doubt in server.doubts)])
    doubts += f" {BURDEN}" * decision.client.burden.is_marked
    if border.high <= 0:
        return f"always{doubts}"
    if border.high == math.inf:
        return f"undecided{doubts}"
    if border.value <= 0:
        return f"> {digits(border.high * 1e3)} ms{doubts}"
    return f"> {digits(border.value * 1e3)} ms{interval(border)}{doubts}"
