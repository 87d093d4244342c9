"""A decision as text: for each model and class its answers, border and map, then the sentences, where they are seen."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from tabulate import tabulate

from benchmarks.decide import words
from benchmarks.decide.answers import BANDWIDTHS, ROUND_TRIPS, SPOKEN, Answer, Decision, Winner
from benchmarks.decide.measured import Model
from benchmarks.decide.prices import Prices
from benchmarks.decide.sentences import sentence
from benchmarks.decide.sides import COLD, FIRST_WITHIN, KEPT_WITHIN, WARM, WITH_NETWORK, Candidate, Served

LETTERS: dict[Winner, str] = {"client": "C", "server": "S", "undecided": "?", "not measured": "-"}
LATER_HEAD = ("network", "later: server", "asked as", "later: client", "wins")
FIRST_HEAD = ("network", "first: server", "cache", "first: client", "wins", "repaid after")
LEGEND = (
    "Intervals: of figures as they were measured, carried by their ends (the low of a sum is the sum of the lows); "
    f"what is predicted through a network reaches {KEPT_WITHIN:.0%} further at each end, a first answer "
    f"{FIRST_WITHIN:.0%}, which is what --check holds it to. Where they overlap it is undecided. In brackets the tier "
    "of the time, as W3C's DAOP draft has them."
)
STAR = "*"
STAR_LEGEND = (
    f"{STAR} A client that is marked: its page is frozen for more than a frame (1/60 s), or takes more memory than the "
    "budget. It is named where it is the quickest; the quickest that is known not to be marked stands beside it."
)


def lines(decisions: Sequence[Decision], missing: Sequence[str], prices: Prices | None = None) -> Iterator[str]:
    """Yield the whole text."""
    for _, group in groupby(decisions, key=lambda decision: decision.model.name):
        of_model = [*group]
        yield from ("", of_model[0].model.title, "")
        yield from _server_lines(of_model[0])
        for decision in of_model:
            yield from _class_lines(decision, prices)
        yield from (f"left out: {why}" for why in of_model[0].model.left_out)
    if decisions:
        yield from ("", LEGEND)
    if any(candidate.burden.is_marked for decision in decisions for candidate in decision.clients.candidates):
        yield STAR_LEGEND
    yield ""
    yield from (sentence(decision) for decision in decisions)
    yield from (f"not measured: {what}" for what in missing)


def _server_lines(decision: Decision) -> Iterator[str]:
    """Yield a line for each way of asking the server, and what the bytes are that leave the device."""
    for server in decision.servers:
        up, down = server.wire
        how = "counted" if server.is_counted else "computed"
        zero = words.time(server.kept_at_zero, words.mark(server.doubts))
        where = WITH_NETWORK if WITH_NETWORK in server.notes else "where the network costs nothing"
        yield (
            f"server {server.name} on {server.machine or 'this machine'} ({server.scheme}, {server.upload}): {zero} "
            f"{where}; {words.size(up)} leave the device for each prediction, "
            f"{words.size(down)} come back ({how})"
        )
        yield from (f"  {note}" for note in [*server.notes, *_split(decision.model, server)])
    yield "client: nothing of the input leaves the device"


def _split(model: Model, server: Served) -> list[str]:
    way = model.ways.get(server.name)
    if way is None or way.overhead is None or way.inference is None:
        return []
    told = [f"inference {words.duration(way.inference.value)}", f"overhead {words.duration(way.overhead.value)}"]
    return [f"of that {' and '.join(told)}, by {way.software or 'the server'}'s own word"]


def _class_lines(decision: Decision, prices: Prices | None) -> Iterator[str]:
    clients = decision.clients
    where = ", which joined by a link" if clients.device else f", on {clients.machine or 'this machine'}"
    yield from ("", f"{clients.title}{where}", "")
    for candidate in sorted(decision.clients.candidates, key=lambda one: one.later.value):
        yield from _candidate_lines(candidate)
    yield from _light_line(decision)
    yield ""
    later = [_later(answer) for answer in decision.answers]
    yield from tabulate(later, LATER_HEAD, disable_numparse=True).splitlines()
    yield ""
    first = [row for answer in decision.answers for row in _first(answer)]
    yield from tabulate(first, FIRST_HEAD, disable_numparse=True).splitlines()
    yield ""
    yield from map_lines(decision)
    equal = decision.equal
    number = words.count(equal.clients)
    yield f"clients that equal one server, computing {equal.duty:.0%} of their time: {number}, {equal.how}"
    if decision.money and prices:
        yield _money(decision, prices)


def _candidate_lines(candidate: Candidate) -> Iterator[str]:
    """Yield what a client takes and fetches, and what its page bears of it; one that is marked has a star."""
    notes = f" ({'; '.join(candidate.notes)})" if candidate.notes else ""
    fetched = candidate.download
    size = f"; fetches {words.download(fetched.wire, fetched.decoded, fetched.files)}" if fetched.wire else ""
    star, time = _star(candidate) or " ", words.time(candidate.later, words.mark(candidate.doubts))
    yield f"{star} {candidate.platform}: {time}{size}{notes}"
    yield f"    {'; '.join(candidate.burden.all_words)}"


def _star(candidate: Candidate) -> str:
    return STAR if candidate.burden.is_marked else ""


def _light_line(decision: Decision) -> Iterator[str]:
    """Yield what would be answered without what is marked, where the client that answers is."""
    if decision.light:
        light, border = decision.light.client, decision.light.border
        at = f"{words.digits(border.value * 1e3)} ms{words.interval(border)} of round trip at {SPOKEN:g} Mbit/s"
        yield f"without those that are marked: {light.platform}, and the border is at {at}"


def _later(answer: Answer) -> list[str]:
    server, client = answer.server, answer.client
    return [
        answer.network.name,
        words.time(answer.server_later, words.mark(server.doubts)),
        server.name,
        words.time(answer.client_later, words.mark(client.doubts)),
        _wins(answer.later, client),
    ]


def _wins(who: Winner, client: Candidate) -> str:
    return who + _star(client) if who == "client" else who


def _first(answer: Answer) -> Iterator[list[str]]:
    """Yield a row of the client with cold caches, and one with warm ones."""
    mark, server = words.mark(answer.client.doubts), words.time(answer.server_first, words.mark(answer.server.doubts))
    cold = words.time(answer.client_first, mark if answer.client_first else "")
    warm = words.time(answer.client_again, mark if answer.client_again else "")
    wins = _wins(answer.first, answer.client)
    yield [answer.network.name, server, COLD, cold, wins, words.number(answer.pays_back[COLD])]
    yield ["", "", WARM, warm, "", words.number(answer.pays_back[WARM])]


def map_lines(decision: Decision) -> Iterator[str]:
    """Yield the map: who wins by round trip and bandwidth, and the border at each bandwidth."""
    rows = [
        [f"{round_trip * 1e3:g} ms", *(LETTERS[who] for who in row)]
        for round_trip, row in zip(ROUND_TRIPS, decision.grid, strict=True)
    ]
    border = [decision.borders[bandwidth] for bandwidth in BANDWIDTHS]
    rows.append(["border", *(f"{words.digits(one.value * 1e3)} ms" for one in border)])
    rows.append(["undecided", *(_undecided(one.low, one.high) for one in border)])
    head = ["round trip", *(f"{bandwidth:g} Mbit/s" for bandwidth in BANDWIDTHS)]
    yield "later answers, by round trip and rate each way: S the server, C the client, ? undecided"
    yield from tabulate(rows, head, disable_numparse=True).splitlines()


def _undecided(low: float, high: float) -> str:
    if high == math.inf:
        return "everywhere" if low <= 0 else f"from {words.digits(low * 1e3)}"
    return "–" if high <= 0 else f"{words.digits(low * 1e3)} to {words.digits(high * 1e3)}"


def _money(decision: Decision, prices: Prices) -> str:
    assert decision.money is not None
    currency = f" {prices.currency}" if prices.currency else ""
    server, download = decision.money.server, decision.money.download
    visits = "not known" if download is None else f"{download:.4g}{currency}"
    return (
        f"money, for 1,000: predictions on the server {server.value:.4g}{currency} ({server.low:.4g} to "
        f"{server.high:.4g}), first visits of the client {visits}"
    )
