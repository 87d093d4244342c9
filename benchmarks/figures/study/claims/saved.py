"""Computing on the client saves the network, keeps the input private, and spares the server."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.decide import Decision
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence, is_client
from benchmarks.figures.study.verdicts import Claim, Verdict, Word
from benchmarks.figures.tables import table
from benchmarks.results import keys
from benchmarks.results.numbers import NONE

COMMAND = "tox run -e decide"


def _as_strong(evidence: Evidence) -> list[Decision]:
    """Return the decision of each model for clients as they were measured: what they fetch, weaker ones fetch too."""
    return [decision for decision in evidence.decisions if decision.clients.factor == 1]


def sent(decision: Decision) -> float:
    """Return the bytes of a prediction on the wire, both ways, of the way of asking that takes the fewest."""
    return min(sum(server.wire) for server in decision.servers)


def pays_after(decision: Decision) -> float:
    """Return after how many predictions a visitor has moved fewer bytes than a server would have been sent."""
    return math.ceil(decision.client.download.wire / sent(decision))


def judge_network(evidence: Evidence) -> Verdict | None:
    """Hold the first load against what predictions send."""
    known = [decision for decision in _as_strong(evidence) if decision.client.download.wire]
    if not known:
        return None
    after = [pays_after(decision) for decision in known]
    short = f"a visitor saves bytes from {words.spread(after, words.whole)} predictions on, by the model"
    body = [
        [
            f"`{one.model.name}`{' untrained' * one.model.is_untrained}",
            f"{one.client.download.wire / 1e6:.1f} MB",
            f"{sent(one) / 1e3:.1f} kB",
            words.whole(number),
        ]
        for one, number in zip(known, after, strict=True)
    ]
    head = ["model", "first load, as a CDN sends it", "a prediction sends to a server, and back", "saved from"]
    word: Word = "confirmed" if max(after) <= 1 else "qualified"
    return Verdict(word, short, [_cached()], table(head, body))


def _cached() -> str:
    return "A visitor whose browser has the files in its cache fetches nothing, and saves from the first prediction on."


def judge_privacy(evidence: Evidence) -> Verdict | None:
    """Look for an input that left a page that computes for itself, and at what else was asked for."""
    computed = [row for row in evidence.visits if is_client(row)]
    if not computed:
        return None
    left = [row.name for row in computed if row.result.info.get(keys.UPLOAD)]
    uploads = [row.result.info[keys.UPLOAD] for row in evidence.visits if row.result.info.get(keys.UPLOAD)]
    short = f"of {len(computed)} benchmarks in pages {len(left)} sent an input anywhere"
    return Verdict("refuted" if left else "confirmed", short, [*_asked(evidence), *_leaves(left, uploads)])


def _asked(evidence: Evidence) -> Iterator[str]:
    """Say what a page asks for before its first answer."""
    paths = dict[str, None]()
    for row in filter(is_client, evidence.visits):
        details = row.result.info.get(keys.DETAILS, {})
        paths |= dict.fromkeys(request["path"] for request in details.get(keys.WATERFALL) or ())
    if paths:
        yield (
            f"What leaves is that a page asked for these files: {words.listed([f'`{path}`' for path in paths])}. Who "
            "serves them knows that the model is used, from where and when, and not for what."
        )


def _leaves(left: Sequence[str], uploads: Sequence[dict[str, object]]) -> Iterator[str]:
    if uploads:
        sizes = words.spread((float(str(one["bytes"])) / 1e3 for one in uploads), lambda size: f"{size:.1f}")
        yield f"Asked for the same, a server is sent the input itself: {sizes} kB of it."
    yield (
        "The page's own policy lets it talk to its own server alone, an attempt to reach anything else is an error, "
        "and tests hold it to that. The model, on the other hand, is given to every visitor."
    )
    if left:
        yield f"Sent an input: {words.listed(left)}."


def judge_server(evidence: Evidence) -> Verdict | None:
    """Tell what a prediction would have taken of a server."""
    known = [(one, server) for one in _as_strong(evidence) for server in one.servers if server.inference]
    if not known:
        return None
    body = [
        [
            f"`{one.model.name}`{' untrained' * one.model.is_untrained}",
            f"`{server.name}`",
            words.seconds(server.inference) if server.inference else NONE,
            words.seconds(server.kept_at_zero),
            _bytes(one),
        ]
        for one, server in known
    ]
    head = ["model", "server", "inference spared", "with its stack and the page's", "instead it sends, once a visitor"]
    least = min(server.inference.low for _, server in known if server.inference)
    word: Word = "confirmed" if least > 0 else "qualified"
    spared = words.spread(
        (server.inference.value * 1e3 for _, server in known if server.inference), lambda t: f"{t:.3g}"
    )
    return Verdict(
        word,
        f"each prediction spares {spared} ms of a server's core, by the model",
        [],
        table(head, body, words=2),
    )


def _bytes(decision: Decision) -> str:
    wire = decision.client.download.wire
    return f"{wire / 1e6:.1f} MB" if wire else NONE


NETWORK = Claim(
    "network",
    "Computing on the client saves the network",
    "The bytes of a first load, as a CDN sends them, over the bytes of a prediction on the wire, both ways, of the way "
    "of asking that takes the fewest: from so many predictions on a visitor has moved fewer. Confirmed where that is "
    "one prediction with every model, qualified else: the number is the qualification.",
    COMMAND,
    judge_network,
)
PRIVACY = Claim(
    "privacy",
    "Computing on the client keeps the input private",
    "Confirmed where no benchmark in a page that computes for itself tells of an input that was sent, refuted else.",
    COMMAND,
    judge_privacy,
)
SERVER = Claim(
    "server",
    "Computing on the client spares the server",
    "A prediction on the client takes nothing of a server, which sends files once a visitor. Confirmed where the whole "
    "interval of the inference that is spared is above nothing, with every model, qualified else.",
    COMMAND,
    judge_server,
)
