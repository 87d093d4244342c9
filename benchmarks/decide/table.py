"""A decision as text: the sentences on top, then for each model and class its answers, its border and its map."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from tabulate import tabulate

from benchmarks.decide import words
from benchmarks.decide.answers import BANDWIDTHS, ROUND_TRIPS, Answer, Decision, Winner
from benchmarks.decide.measured import Model
from benchmarks.decide.prices import Prices
from benchmarks.decide.sentences import sentence
from benchmarks.decide.sides import COLD, FIRST_WITHIN, KEPT_WITHIN, WARM, WITH_NETWORK, Served

LETTERS: dict[Winner, str] = {"client": "C", "server": "S", "undecided": "?", "not measured": "-"}
LATER_HEAD = ("network", "later: server", "asked as", "later: client", "wins")
FIRST_HEAD = ("network", "first: server", "cache", "first: client", "wins", "repaid after")
LEGEND = (
    "Intervals: of figures as they were measured, carried by their ends (the low of a sum is the sum of the lows); "
    f"what is predicted through a network reaches {KEPT_WITHIN:.0%} further at each end, a first answer "
    f"{FIRST_WITHIN:.0%}, which is what --check holds it to. Where they overlap it is undecided. In brackets the tier "
    "of the time, as W3C's DAOP draft has them."
)


def lines(decisions: Sequence[Decision], missing: Sequence[str], prices: Prices | None = None) -> Iterator[str]:
    """Yield the whole text."""
    yield from (sentence(decision) for decision in decisions)
    yield from (f"not measured: {what}" for what in missing)
    for _, group in groupby(decisions, key=lambda decision: decision.model.name):
        of_model = [*group]
        yield from ("", of_model[0].model.title, "")
        yield from _server_lines(of_model[0])
        for decision in of_model:
            yield from _class_lines(decision, prices)
        yield from (f"left out: {why}" for why in of_model[0].model.left_out)
    if decisions:
        yield from ("", LEGEND)


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
    yield from ("", f"{decision.clients.title}, on {decision.clients.machine or 'this machine'}", "")
    for candidate in sorted(decision.clients.candidates, key=lambda one: one.later.value):
        notes = f" ({'; '.join(candidate.notes)})" if candidate.notes else ""
        fetched, files = candidate.fetched.get(COLD, (0, 0))
        size = f"; fetches {words.size(fetched)} in {files} files" if fetched else ""
        yield f"  {candidate.platform}: {words.time(candidate.later, words.mark(candidate.doubts))}{size}{notes}"
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


def _later(answer: Answer) -> list[str]:
    server, client = answer.server, answer.client
    return [
        answer.network.name,
        words.time(answer.server_later, words.mark(server.doubts)),
        server.name,
        words.time(answer.client_later, words.mark(client.doubts)),
        answer.later,
    ]


def _first(answer: Answer) -> Iterator[list[str]]:
    """Yield a row of the client with cold caches, and one with warm ones."""
    mark, server = words.mark(answer.client.doubts), words.time(answer.server_first, words.mark(answer.server.doubts))
    cold = words.time(answer.client_first, mark if answer.client_first else "")
    warm = words.time(answer.client_again, mark if answer.client_again else "")
    yield [answer.network.name, server, COLD, cold, answer.first, words.number(answer.pays_back[COLD])]
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
