"""The README's answer, in sentences and a table: what server and browser take, and where the client is earlier."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.decide import Decision
from benchmarks.decide.answers import SPOKEN, Answer
from benchmarks.decide.sides import COLD
from benchmarks.decide.words import mark
from benchmarks.figures.study import words
from benchmarks.figures.study.devices import sentence_of
from benchmarks.figures.study.evidence import Evidence, is_client, is_weaker
from benchmarks.figures.tables import table
from benchmarks.results import Row
from benchmarks.results.numbers import NONE, milliseconds
from benchmarks.results.tidy import DOUBT

FIRST = "resnet20"  # and then the timing networks
SERVER, WEAKER = "server-cpu", 4  # times weaker
BURDEN = "†"  # of a client that freezes its page, or takes more memory than the budget
AT = "p75-2026"  # the network of a first visit
BEGIN, END = "<!-- made by python -m benchmarks.figures.study -->", "<!-- end -->"
BETWEEN = re.compile(rf"(?<={BEGIN}\n\n).*?(?=\n\n{END})", re.DOTALL)


def put_into(readme: str, evidence: Evidence) -> str:
    """Return the README with the answer in its place. Raises ValueError where it has none."""
    said = "\n".join(words.filled(sentence, "- ") for sentence in sentences(evidence))
    parts = [said, answer_table(evidence), where(evidence)]
    text, number = BETWEEN.subn(lambda _: "\n\n".join(filter(None, parts)), readme)
    if number != 1:
        raise ValueError(f"README.md: no place for the table; it lies between {BEGIN} and {END}")
    return text


def sentences(evidence: Evidence) -> Iterator[str]:
    """Yield what the table says together; of what was not measured nothing."""
    browsers = [row for rows in _timed_by_model(evidence).values() for row in _browsers(rows.values())]
    if browsers:
        how_many = f"{_times(browsers)} times{_doubt(*browsers)}"
        yield (
            f"**Computing**: in a browser an image takes {how_many} as long as on the server of the same machine, by "
            "the model and by the runtime."
        )
    as_strong, weaker = ([one for one in evidence.decisions if one.clients.factor == factor] for factor in (1, WEAKER))
    if as_strong:
        yield (
            f"**Answering over a network**, {SPOKEN:g} Mbit/s each way: the client is first, however near the server "
            f"is, {_shares(as_strong, weaker)}."
        )
    visits = [(answer.client_first.value, one) for one in as_strong if (answer := _visit(one)) and answer.client_first]
    if visits:
        waits = words.spread((seconds for seconds, _ in visits), _seconds)
        yield (
            f"**The first visit**: {waits}{_doubt_of(one for _, one in visits)} until the client's first answer on a "
            "usual connection, by the model, for it fetches runtime and model before."
        )
    if said := sentence_of(evidence):
        yield said


def _shares(as_strong: Sequence[Decision], weaker: Sequence[Decision]) -> str:
    """Say with how many of the models that were decided the client is earlier in any case."""
    told = f"with {_sure(as_strong)} models on a client as strong as the server"
    if weaker:
        told += f" and with {_sure(weaker)} on one {WEAKER} times weaker"
    others = any(one.borders[SPOKEN].high > 0 for one in (*as_strong, *weaker))
    return f"{told}; with the others once the server is far enough" if others else told


def _sure(decisions: Sequence[Decision]) -> str:
    sure = [one for one in decisions if one.borders[SPOKEN].high <= 0]
    return f"{len(sure)} of {len(decisions)}{_doubt_of(sure)}"


def where(evidence: Evidence) -> str:
    """Say of which machine and which client the table is; nothing where nothing was measured."""
    timed = [row for rows in _timed_by_model(evidence).values() for row in rows.values()]
    if not timed:
        return ""
    told = f"On {words.tamed(timed[0].machine)}, one image at once, each on one thread (WebNN on as many as it likes)."
    elsewhere = dict.fromkeys(row.machine for row in evidence.visits if row.machine != timed[0].machine)
    if elsewhere:
        told += f" What decides who wins is of {words.tamed(words.listed([*elsewhere]))}."
    clients = [f"`{one.client.platform}`" for one in evidence.decisions if one.clients.factor in (1, WEAKER)]
    if clients:
        told += f" The client that is held against the server is {words.listed([*dict.fromkeys(clients)])}."
    return words.filled(told)


def answer_table(evidence: Evidence) -> str:
    """Return a row for each model."""
    by_model = _timed_by_model(evidence)
    decided = {(one.model.name, one.clients.factor): one for one in evidence.decisions}
    models = sorted(by_model, key=lambda model: model != FIRST)
    body = [[*_timed(model, by_model[model]), *_decided(model, decided)] for model in models]
    head = ["model", "server", "browser ×", "client wins", f"{WEAKER} × weaker", "first visit", "pays after"]
    return table(head, body)


def _timed_by_model(evidence: Evidence) -> dict[str, dict[str, Row]]:
    """Return what one image took, by model and platform, on the machine that was timed first."""
    timed = [*evidence.single, *(row for row in evidence.visits if row.phase == "latency" and row.batch_size == 1)]
    by_model: dict[str, dict[str, Row]] = {}
    for row in timed:
        if (row.model == FIRST or row.result.is_untrained) and row.machine == timed[0].machine:
            by_model.setdefault(str(row.model), {}).setdefault(str(row.platform), row)
    return by_model


def _timed(model: str, rows: Mapping[str, Row]) -> Iterator[str]:
    yield f"`{model}`{'*' * any(row.result.is_untrained for row in rows.values())}"
    server = rows.get(SERVER)
    yield f"{milliseconds(server.figure.value)}{_doubt(server)}" if server else NONE
    browsers = _browsers(rows.values())
    yield f"{_times(browsers)}{_doubt(*browsers)}" if browsers else NONE


def _browsers(rows: Iterable[Row]) -> list[Row]:
    """Return the browsers' rows that have a ratio, on one thread, or on as many as the runtime likes."""
    plain = [row for row in rows if is_client(row) and not is_weaker(row) and row.ratio]
    return [row for row in plain if row.result.threads in (1, None)]


def _times(browsers: Sequence[Row]) -> str:
    return words.spread((row.ratio.value for row in browsers if row.ratio), lambda ratio: f"{ratio:.1f}")


def _doubt(*rows: Row) -> str:
    return mark([words for row in rows for words in row.result.doubts.values()])


def _decided(model: str, decided: Mapping[tuple[str, int], Decision]) -> Iterator[str]:
    as_strong, weaker = decided.get((model, 1)), decided.get((model, WEAKER))
    for decision in (as_strong, weaker):
        yield _where(decision) if decision else NONE
    yield from _first(as_strong) if as_strong else (NONE, NONE)


def _first(decision: Decision) -> tuple[str, str]:
    """Return after how long a first visitor has an answer, and after how many predictions that has paid back."""
    answer = _visit(decision)
    first, pays = (answer.client_first, answer.pays_back[COLD]) if answer else (None, None)
    if first is None or pays is None:
        return NONE, NONE
    after = f"{pays.value:,.0f}" if math.isfinite(pays.value) else "never"
    return f"{_seconds(first.value)}{_doubt_of([decision])}", f"{after}{_doubt_of([decision])}"


def _visit(decision: Decision) -> Answer | None:
    """Return what is answered on the network of a first visit."""
    return next((one for one in decision.answers if one.network.name == AT), None)


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def _doubt_of(decisions: Iterable[Decision]) -> str:
    """Return the mark of what is doubtful of either side of any of them."""
    return mark([doubt for one in decisions for doubt in _doubts(one)])


def _doubts(decision: Decision) -> list[str]:
    return [*decision.client.doubts, *(doubt for server in decision.servers for doubt in server.doubts)]


def _where(decision: Decision) -> str:
    """Return above which round trip, at SPOKEN Mbit/s each way, the client's later answers come earlier."""
    border = decision.borders[SPOKEN]
    burden = decision.client.burden
    is_doubtful = bool(_doubt_of([decision])) or (burden.freezes and burden.is_doubtful)
    doubts = f" {BURDEN}" * burden.is_marked + f" {DOUBT}" * bool(is_doubtful)
    if border.high <= 0:
        return f"always{doubts}"
    if border.high == math.inf:
        return f"undecided{doubts}"
    if border.value <= 0:
        return f"> {words.whole(border.high * 1e3)} ms{doubts}"
    return f"> {words.rate_with_interval(border.times(1e3))} ms{doubts}"
