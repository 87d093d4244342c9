"""Computing on the client saves the network, keeps the input private, and spares the server."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.decide import Decision
from benchmarks.decide.words import mark
from benchmarks.figures.study import words
from benchmarks.figures.study.evidence import Evidence, is_client
from benchmarks.figures.study.verdicts import Claim, Verdict, Word
from benchmarks.figures.tables import table
from benchmarks.results import Row, keys
from benchmarks.results.numbers import NONE
from browser_harness import page_files

COMMAND = "tox run -e decide"
ASKING = "/engines/remote.mjs"  # by which a page of this suite asks a server
FOLDERS = ("/engines/", "/litert/", "/model/", "/ort/", "/tfjs/")  # that pages have runtimes and models from


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
            f"`{one.model.name}`{evidence.signs(one)}",
            f"`{one.client.platform}`",
            f"{one.client.download.wire / 1e6:.1f} MB",
            f"{sent(one) / 1e3:.1f} kB",
            words.whole(number),
        ]
        for one, number in zip(known, after, strict=True)
    ]
    head = [
        "model",
        "browser",
        "first load, as a CDN sends it",
        "a prediction sends to a server, and back",
        "saved from",
    ]
    word: Word = "confirmed" if max(after) <= 1 else "qualified"
    return Verdict(word, short, [_cached()], table(head, body, words=2))


def _cached() -> str:
    return "A visitor whose browser has the files in its cache fetches nothing, and saves from the first prediction on."


def judge_privacy(evidence: Evidence) -> Verdict | None:
    """Look for an input that left a page that computes for itself, and for requests of what is no file of it."""
    computed = [row for row in evidence.visits if is_client(row)]
    if not computed:
        return None
    left = [row.name for row in computed if row.result.info.get(keys.UPLOAD) or any(map(is_odd, _paths(row)))]
    if left:
        return Verdict("refuted", f"an input may have left {len(left)} of {len(computed)} pages: {words.listed(left)}")
    seen = sum(bool(_paths(row)) for row in computed)
    short = "the page's policy keeps an input in it; no run watched what a page asks for once its model is open"
    return Verdict("qualified", short, [*_asked(computed, seen), *_leaves(evidence)])


def is_odd(path: str) -> bool:
    """Whether a request was for something else than the files of page, runtime and model."""
    return path == ASKING or (path not in page_files.FILES and not path.startswith(FOLDERS))


def _paths(row: Row) -> list[str]:
    """Return what a page asked for until its model was open: as the server told it, and as the page saw it."""
    details = row.result.info.get(keys.DETAILS, {})
    seen = [request["path"] for request in details.get(keys.WATERFALL) or ()]
    return [*dict.fromkeys([*details.get(keys.FETCHED, {}), *seen])]


def _asked(computed: Sequence[Row], seen: int) -> Iterator[str]:
    """Say what pages asked for before their first answer."""
    paths = dict.fromkeys(path for row in computed for path in _paths(row) if path not in page_files.FILES)
    if paths:
        yield (
            f"What {seen} of {len(computed)} benchmarks in pages tell that they asked for, until the model was open, "
            f"are the page's own files and {words.listed([f'`{path}`' for path in paths])}. Who serves them knows that "
            "the model is used, from where and when, and not for what."
        )


def _leaves(evidence: Evidence) -> Iterator[str]:
    uploads = [row.result.info[keys.UPLOAD] for row in evidence.visits if row.result.info.get(keys.UPLOAD)]
    if uploads:
        sizes = words.spread((float(str(one["bytes"])) / 1e3 for one in uploads), lambda size: f"{size:.1f}")
        yield f"Asked for the same, a server is sent the input itself: {sizes} kB of it."
    yield (
        "Later the page's own policy lets it talk to its own server alone, an attempt to reach anything else is an "
        "error, and tests hold it to that. It is said of this suite's page: another's may send what it likes. The "
        "model, on the other hand, is given to every visitor."
    )


def judge_server(evidence: Evidence) -> Verdict | None:
    """Tell what a prediction would have taken of a server, and what a server sends for that."""
    known = [(one, server) for one in _as_strong(evidence) for server in one.servers if server.inference]
    if not known:
        return None
    body = [
        [
            f"`{one.model.name}`{evidence.signs(one)}",
            f"`{server.name}`",
            f"{words.seconds(server.inference)}{mark(server.doubts)}" if server.inference else NONE,
            f"{words.seconds(server.kept_at_zero)}{mark(server.doubts)}",
            _bytes(one),
        ]
        for one, server in known
    ]
    head = ["model", "server", "inference spared", "with its stack and the page's", "instead it sends, once a visitor"]
    word: Word = "qualified" if any(one.client.download.wire for one, _ in known) else "confirmed"
    spared = words.spread(
        (server.inference.value * 1e3 for _, server in known if server.inference), lambda t: f"{t:.3g}"
    )
    return Verdict(
        word,
        f"each prediction spares {spared} ms of a server, by the model; each visitor is sent files for that",
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
    "one prediction with every model, qualified else: the number is the qualification. Load and prediction may be of "
    "two runs: bytes are counted, not timed.",
    COMMAND,
    judge_network,
)
PRIVACY = Claim(
    "privacy",
    "Computing on the client keeps the input private",
    "Refuted where a benchmark in a page that computes for itself tells of an input that was sent, or of a request for "
    "anything but the files of page, runtime and model. Qualified else: what a page does after its model is open is "
    "forbidden by its policy, and in no run.",
    COMMAND,
    judge_privacy,
)
SERVER = Claim(
    "server",
    "Computing on the client spares the server",
    "A prediction on the client takes nothing of a server, by how it is built: no figure could refute that. What is "
    "measured is how long each inference keeps a server, and the bytes that it sends a visitor instead; what sending "
    "them takes of it is not. So it is qualified where files are sent, and confirmed where none are.",
    COMMAND,
    judge_server,
)
