"""Several clients make up for one server."""

from collections.abc import Iterator, Sequence

from benchmarks.decide import Decision
from benchmarks.decide.answers import clients_per_server, rate
from benchmarks.decide.spans import Span
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence, threads_of
from benchmarks.figures.study.verdicts import Answer, Claim, Verdict, altogether
from benchmarks.figures.tables import table
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, keys

MOST = 10.0  # clients that are several


def answer(clients: Span) -> Answer:
    """Return whether so many clients are several: at most ten. One is enough where a client is stronger."""
    return "yes" if clients.high <= MOST else "no" if clients.low > MOST else "open"


def judge(evidence: Evidence) -> Verdict | None:
    """Hold the clients that equal a server against ten, of models whose server's rate was measured."""
    rated = [decision for decision in evidence.decisions if decision.model.rates]
    if not rated:
        return None
    said = [answer(decision.equal.clients) for decision in rated]
    fewest, most = (choose(rated, key=lambda decision: decision.equal.clients.value) for choose in (min, max))
    short = " and ".join(
        f"{_number(one)}{evidence.signs(one, *_doubts(one))} {_class(one)}"
        for one in ([fewest, most] if fewest is not most else [most])
    )
    return Verdict(altogether(said), short, [*_sentences(evidence, rated)], _table(evidence))


def _number(decision: Decision) -> str:
    return words.rate_with_interval(decision.equal.clients)


def _sentences(evidence: Evidence, rated: Sequence[Decision]) -> Iterator[str]:
    for how in dict.fromkeys(decision.equal.how for decision in rated):
        yield f"How both were counted: {how}."
    yield "By a factor: nobody measured such a client; the time of this machine's times a factor that is JavaScript's."
    for row in evidence.visits:
        if row.phase == "server" and (carried := row.result.rate):
            of_http = not str(row.platform).startswith("server-")
            yield _of_asked(row, carried, evidence) if of_http else _of_rate(row, carried)


def _carried(row: Row, carried: Figure) -> str:
    number, bound = words.marked(f"{carried.value:,.0f}", row), row.result.info[keys.P99_BOUND]
    return f"`{row.platform}` carried {number} a second of `{row.model}` within a 99th percentile of {bound * 1e3:g} ms"


def _of_rate(row: Row, carried: Figure) -> str:
    workers, cores = row.result.info[keys.WORKERS], row.run.machine["cores_usable"]
    return (
        f"{_carried(row, carried)}, by MLPerf LoadGen, shortened: {workers} workers of {threads_of(row)} each on "
        f"{cores} cores. A client computes on one thread (WebNN on as many as it likes), and does nothing else."
    )


def _of_asked(row: Row, carried: Figure, evidence: Evidence) -> str:
    """Say how many clients equal a server that is asked over HTTP: it has a stack, and who asked shared its cores."""
    equal = [
        f"{words.rate_with_interval(clients_per_server(Span.of(carried), rate(one.client.later)))}"
        f"{evidence.signs(one, *one.client.doubts)} {_class(one)}"
        for one in evidence.decisions
        if one.model.sha256 == row.sha256 and (one.clients.is_measured or one.clients.factor == 1)
    ]
    told = f"{_carried(row, carried)}, asked over HTTP, through its own stack, by programs that shared its cores."
    return f"{told} It is in no verdict{f'; it is equalled by {words.listed(equal)}' if equal else ''}."


def _class(decision: Decision) -> str:
    clients = decision.clients
    if clients.factor == 1:
        return "as strong as this machine"
    return f"{clients.factor} times weaker, {'emulated' if clients.is_measured else 'by a factor'}"


def _doubts(decision: Decision) -> Iterator[str]:
    """Yield what is doubtful of either side."""
    yield from decision.client.doubts
    yield from (why for server in decision.servers for why in server.doubts)
    yield from (why for rate in decision.model.rates.values() for why in rate.doubts)


def _table(evidence: Evidence) -> str:
    """Return a row for each model and class of clients."""
    body = [
        [
            f"`{one.model.name}`",
            _class(one),
            f"`{one.client.platform}`",
            f"{_number(one)}{evidence.signs(one, *_doubts(one))}",
            "a measured rate" if one.model.rates else "1 / latency, one thread",
        ]
        for one in evidence.decisions
    ]
    return table(["model", "clients", "browser", "equal one server", "server by"], body, words=3)


SEVERAL = Claim(
    "clients",
    "Several clients make up for one server",
    "Several is ten at most. Of each class of clients: the case says yes where the whole interval of the clients that "
    "equal a server is at ten or below, no where it is above, and is open else. It counts models whose server was "
    "measured under load; the others are in the table. The rate and the clients' times may be of two runs of a "
    "machine: they took no turns. Confirmed where all cases say yes, refuted where all say no, qualified else.",
    "tox run -e bench-remote -- -m throughput",
    judge,
)
