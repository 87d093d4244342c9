"""A sentence for each model: who answers first, and where that changes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.decide import formulas
from benchmarks.decide.answers import SPOKEN, Answer, Decision
from benchmarks.decide.measured import of_results
from benchmarks.decide.sides import COLD, IN_WORKER, WITH_NETWORK, WITHOUT_STACK, ClientClass, Served, classes, served
from benchmarks.decide.spans import Span
from benchmarks.decide.words import digits, duration, interval, mark, number, size
from benchmarks.results import Result
from browser_harness.network import PROFILES, Conditions

SHOWN = ("lighthouse-slow-4g", "p75-2026", "cable")  # profiles that are spoken of unless others are asked for
REMEDY = "tox run -e decide"


def networks(names: Sequence[str] = SHOWN) -> list[Conditions]:
    """Return profiles by their names."""
    return [PROFILES[name] for name in names]


@dataclass(frozen=True)
class Said:
    """A sentence, in the parts that it is made of."""

    who: str  # of which model, for which clients
    where: str  # the client begins to win, with the mark of what is doubtful
    conditions: Sequence[str]  # what the page bears, what the server's time lacks or holds
    first: str  # what the first answer costs; nothing where that is not measured

    def __str__(self) -> str:
        told = "".join(f" ({condition})" for condition in self.conditions)
        return f"{self.who}: {self.where}{told}{'; ' * bool(self.first)}{self.first}"


def sentence(decision: Decision) -> str:
    """Return where the client begins to win: the answer for a class of clients, in a line."""
    return str(said(decision))


def said(decision: Decision) -> Said:
    """Return the same in its parts, for who shows them one below the other."""
    where = _where(decision, decision.borders[SPOKEN], decision.servers)
    doubtful = mark([*decision.client.doubts, *(words for one in decision.servers for words in one.doubts)])
    conditions = [*_marked(decision), *_counted(decision), *_bare(decision, where)]
    return Said(
        f"{decision.model.title} on {decision.clients.title}", f"{where}{doubtful}", conditions, _first(decision)
    )


def _marked(decision: Decision) -> list[str]:
    """Say what the page bears of a client that is marked, and which one it would not feel."""
    if not (marks := decision.client.burden.marks):
        return []
    if decision.light is None:
        return [f"{', and '.join(marks)}; no other client is known not to"]
    light = decision.light.client
    in_worker = light.platform == f"{decision.client.platform}{IN_WORKER}"
    who = "in a worker it would not" if in_worker else f"{light.platform} would not"
    return [f"{', and '.join(marks)}; {who}: {duration(light.later.value)}{mark(light.doubts)}"]


def _bare(decision: Decision, where: str) -> list[str]:
    """Say where the border would be if the server's own stack took nothing: another one's may take less."""
    bare = [one.bare for one in decision.servers if one.bare]
    is_settled = decision.borders[SPOKEN].high <= 0  # the client wins either way
    if decision.bare is None or (is_settled and decision.bare.high <= 0):
        return []
    other = _where(decision, decision.bare, bare)
    return [] if other == where else [f"if the server's own stack took nothing: {other}"]


def _where(decision: Decision, border: Span, servers: Sequence[Served]) -> str:
    if border.high <= 0:
        is_always = all(decision.client.later.is_below(server.kept_at_zero) for server in servers)
        where = "whatever the network" if is_always else f"at any round trip at {SPOKEN:g} Mbit/s"
        return f"the client ({decision.client.platform}), {where}"
    words = f"{digits(border.value * 1e3)} ms{interval(border)} of round trip at {SPOKEN:g} Mbit/s"
    if border.high == math.inf:
        return f"undecided between server and client ({decision.client.platform}), of too few starts"
    if border.value <= 0:
        below = f"{digits(border.high * 1e3)} ms of round trip at {SPOKEN:g} Mbit/s"
        return f"the client ({decision.client.platform}); undecided below {below}"
    return f"the server, below {words}; the client ({decision.client.platform}) above"


def _counted(decision: Decision) -> list[str]:
    """Say what the server's time lacks where nobody asked it from a page, and what it holds that is not its own."""
    notes = {note for server in decision.servers for note in server.notes}
    told = [(WITHOUT_STACK, "at best"), (WITH_NETWORK, "at worst")]
    return [f"counted {words}: the server {bound}" for words, bound in told if words in notes]


def _first(decision: Decision) -> str:
    """Say what the first answer costs, on the network in the middle of those that were asked for."""
    told = [answer for answer in decision.answers if answer.client_first is not None]
    if not told:
        return ""
    answer = told[len(told) // 2]
    assert answer.client_first is not None
    pays = number(answer.pays_back[COLD])
    words = f"first answers on {answer.network.name}: client {duration(answer.client_first.value)}, server "
    words += duration(answer.server_first.value)
    return (
        f"{words}; the download {'never pays back' if pays == 'never' else f'has paid back after {pays} predictions'}"
    )


def sentences_of(results: Sequence[Result], in_full: bool = True) -> list[str]:
    """Return a sentence for each model that a run timed on both sides: predicted, not measured.

    The server's overhead is not known to it and counts as 0, so that a client's win over a server that is sent the same
    numbers is certain, and a server's is at best. Not *in_full* it is the verdict with its marks, and a last line for
    all says what the servers were counted without.
    """
    asked = networks()
    found = [
        (model.title, clients[0], answers)
        for model in of_results(results, "")
        if (servers := served(model)) and (clients := classes(model))
        if (answers := [Answer.of(network, servers, clients[0].answering) for network in asked])
    ]
    if in_full:
        return [_predicted(*one) for one in found]
    lacks = any(WITHOUT_STACK in answers[0].server.notes for _, _, answers in found)
    return [
        *(_verdict(*one) for one in found),
        *([f"at best: {WITHOUT_STACK}, which {REMEDY} measures"] if lacks else []),
    ]


def _verdict(title: str, clients: ClientClass, answers: Sequence[Answer]) -> str:
    """Say who answers first once the client is loaded, with all that is to be read beside it."""
    first = answers[0]
    parts = [f"{title}, predicted: ", "; ".join(_groups(answers, _client(clients, first), mark(first.server.doubts)))]
    parts += [f"; the client {', and '.join(marks)}"] if (marks := first.client.burden.marks) else []
    parts += [f"; the server counted {WITH_NETWORK}"] if WITH_NETWORK in first.server.notes else []
    parts += [f"; the client first fetches {size(fetched)}"] if (fetched := first.client.download.wire) else []
    return "".join(parts)


def _client(clients: ClientClass, answer: Answer) -> str:
    weaker = f"@{clients.factor}x, {'emulated' if clients.is_measured else 'by a factor'}" if clients.factor > 1 else ""
    return f"{answer.client.platform}{weaker}, {duration(answer.client_later.value)}{mark(answer.client.doubts)}"


def _predicted(title: str, clients: ClientClass, answers: Sequence[Answer]) -> str:
    first = answers[0]
    parts = [f"{title}, predicted: ", "; ".join(_groups(answers, _client(clients, first)))]
    parts += [f"; the client {', and '.join(marks)}"] if (marks := first.client.burden.marks) else []
    parts.append(f"; the server{mark(first.server.doubts)} is sent {size(first.server.wire[0])}")
    parts.append(f" as {first.server.upload}" if first.server.upload else "")
    if WITHOUT_STACK in first.server.notes:
        parts.append(f", and counted {WITHOUT_STACK}, which {REMEDY} measures")
    if WITH_NETWORK in first.server.notes:
        parts.append(f", and counted {WITH_NETWORK}")
    if fetched := first.client.download.wire:
        waits = [f"{duration(_fetching(answer))} on {answer.network.name}" for answer in answers]
        parts.append(f"; before its first answer the client fetches {size(fetched)}: {', '.join(waits)}")
    return "".join(parts)


def _fetching(answer: Answer) -> float:
    download = answer.client.download
    return formulas.download(download.wire, answer.network.down, answer.network.round_trip, download.files)


def _groups(answers: Sequence[Answer], client: str, doubtful: str = "") -> Iterator[str]:
    """Yield who wins where: the networks of each winner together."""
    by_winner: dict[str, list[Answer]] = {}
    for answer in answers:
        by_winner.setdefault(answer.later, []).append(answer)
    for who, where in by_winner.items():
        is_bound = WITHOUT_STACK in where[0].server.notes
        times = ", ".join(f"{duration(one.server_later.value)} on {one.network.name}" for one in where)
        at_best = "at best " if is_bound else ""
        if who == "client":
            yield f"the client ({client}) before the server{doubtful} ({at_best}{times})"
        elif who == "server":
            yield f"the server{doubtful} ({at_best}{times}) {at_best}before the client ({client})"
        else:
            yield f"undecided between server{doubtful} ({at_best}{times}) and client ({client})"
