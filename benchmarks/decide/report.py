"""A decision for other programs: as JSON, and as CSV with a row for each network, class and model."""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.decide.answers import BANDWIDTHS, ROUND_TRIPS, Answer, Decision
from benchmarks.decide.burden import Burden
from benchmarks.decide.sentences import sentence
from benchmarks.decide.sides import COLD, WARM, Candidate, Served
from benchmarks.decide.spans import Span
from benchmarks.decide.words import tier

SCHEMA = 1  # of the JSON: another number where a key goes or means something else
ENDS = ("", "_low", "_high")


def json_text(decisions: Sequence[Decision], missing: Sequence[str], checked: Any = None) -> str:
    """Return all of it as JSON. Times in seconds, sizes in bytes, rates in bit/s; what has no end is null."""
    content = {
        "schema": SCHEMA,
        "not_measured": missing,
        "decisions": [_decision(decision) for decision in decisions],
        "checked": checked,
    }
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def _decision(decision: Decision) -> dict[str, Any]:
    model, clients = decision.model, decision.clients
    return {
        "sentence": sentence(decision),
        "model": {
            "name": model.name,
            "precision": model.precision,
            "sha256": model.sha256,
            "untrained": model.is_untrained,
            "left_out": model.left_out,
        },
        "class": {
            "title": clients.title,
            "machine": clients.machine,
            "factor": clients.factor,
            "is_measured": clients.is_measured,
        },
        "servers": [_server(server) for server in decision.servers],
        "clients": [_candidate(candidate) for candidate in clients.candidates],
        "answering": decision.client.platform,
        "instead_of_marked": _light(decision),
        "answers": [_answer(answer) for answer in decision.answers],
        "map": {"round_trips": ROUND_TRIPS, "mbit_each_way": BANDWIDTHS, "winners": decision.grid},
        "borders": [{"mbit_each_way": rate, "round_trip": asdict(span)} for rate, span in decision.borders.items()],
        "clients_per_server": asdict(decision.equal),
        "money_per_1000": asdict(decision.money) if decision.money else None,
    }


def _server(server: Served) -> dict[str, Any]:
    return {
        "name": server.name,
        "machine": server.machine,
        "scheme": server.scheme,
        "upload": server.upload,
        "wire": {"up": server.wire[0], "down": server.wire[1], "is_counted": server.is_counted},
        "kept_at_zero": asdict(server.kept_at_zero),
        "inference": asdict(server.inference) if server.inference else None,
        "first_at_zero": asdict(server.first_at_zero),
        "notes": server.notes,
        "doubts": server.doubts,
    }


def _light(decision: Decision) -> dict[str, Any] | None:
    """Return the quickest client that is not marked, where the answering one is; its border as a round trip."""
    light = decision.light
    return {"client": light.client.platform, "border": asdict(light.border)} if light else None


def _burden(burden: Burden) -> dict[str, Any]:
    """Return what a page bears of a client: seconds and bytes; null is what was not measured, or not asked."""
    return {
        "freezes": burden.freezes,  # for more than a frame, 1/60 s
        "longest_task": asdict(burden.longest_task) if burden.longest_task else None,  # seconds
        "frames_missed": burden.frames_missed,  # share of those wanted, in the start that froze most
        "longest_task_is_by_factor": burden.is_by_factor,
        "longest_task_is_doubtful": burden.is_doubtful,
        "memory": burden.memory,  # bytes over the page's start
        "memory_budget": burden.budget,  # bytes
        "over_budget": burden.is_over_budget,
        "marks": burden.marks,  # in words
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "platform": candidate.platform,
        "later": asdict(candidate.later),
        "loads": {caches: asdict(span) for caches, span in candidate.loads.items()},
        "first_inferences": {caches: asdict(span) for caches, span in candidate.firsts.items()},
        # Bytes on the wire, and as they are read; of older runs the same, as nothing was compressed.
        "fetched": {
            caches: {"bytes": found.wire, "decoded": found.decoded, "files": found.files}
            for caches, found in candidate.fetched.items()
        },
        # Whether a first answer over a network is predicted from the load's requests, or within bounds.
        "loads_seen_by_request": {caches: bool(candidate.waterfalls.get(caches)) for caches in candidate.loads},
        "burden": _burden(candidate.burden),
        "notes": candidate.notes,
        "doubts": candidate.doubts,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "network": asdict(answer.network),
        "server": answer.server.name,
        "client": answer.client.platform,
        **{name: _time(span) for name, span in _times(answer)},
        "wins_later": answer.later,
        "wins_first": answer.first,
        "pays_back_after": {caches: asdict(span) if span else None for caches, span in answer.pays_back.items()},
    }


def _time(span: Span | None) -> dict[str, Any] | None:
    return {**asdict(span), "tier": tier(span)} if span else None


def _times(answer: Answer) -> Iterator[tuple[str, Span | None]]:
    yield "server_later", answer.server_later
    yield "client_later", answer.client_later
    yield "server_first", answer.server_first
    yield "client_first_cold", answer.client_first
    yield "client_first_warm", answer.client_again


def csv_text(decisions: Sequence[Decision]) -> str:
    """Return a row for each network, class and model; times in seconds, an empty cell where nothing was measured."""
    rows = [_csv_row(decision, answer) for decision in decisions for answer in decision.answers]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _csv_row(decision: Decision, answer: Answer) -> dict[str, Any]:
    model, clients, network = decision.model, decision.clients, answer.network
    row: dict[str, Any] = {
        "model": model.name,
        "precision": model.precision,
        "untrained": model.is_untrained,
        "class": clients.title,
        "factor": clients.factor,
        "is_measured": clients.is_measured,
        "client_machine": clients.machine,
        "server_machine": model.machine,
        "network": network.name,
        "round_trip": network.round_trip,
        "down": network.down,
        "up": network.up,
        "server": answer.server.name,
        "client": answer.client.platform,
        "doubtful": bool([*answer.server.doubts, *answer.client.doubts]),
        "notes": "; ".join([*answer.server.notes, *answer.client.notes]),
    }
    pays = [(f"pays_back_{caches}", answer.pays_back[caches]) for caches in (COLD, WARM)]
    for name, span in [*_times(answer), *pays]:
        ends = (span.value, span.low, span.high) if span else (None, None, None)
        row |= {name + end: value for end, value in zip(ENDS, ends, strict=True)}
    return row | {
        "wins_later": answer.later,
        "wins_first": answer.first,
        "clients_per_server": decision.equal.clients.value,
        "bytes_up": answer.server.wire[0],
        "bytes_down": answer.server.wire[1],
        **_page(decision),
    }


def _page(decision: Decision) -> dict[str, Any]:
    """Return what a visitor fetches, in bytes, and what the page bears; empty cells are what is not known."""
    client, burden, light = decision.client, decision.client.burden, decision.light
    is_told = bool(client.download.files)
    return {
        "client_fetches": client.download.wire if is_told else None,  # on the wire
        "client_fetches_decoded": client.download.decoded if is_told else None,
        "client_freezes": burden.freezes,  # its page, for more than a frame
        "client_longest_task": burden.longest_task.value if burden.longest_task else None,  # seconds
        "client_longest_task_by_factor": burden.is_by_factor,
        "client_memory": burden.memory,  # bytes over the page's start
        "client_over_budget": burden.is_over_budget,
        "unmarked_client": light.client.platform if light else None,  # where the client is marked
        "unmarked_client_later": light.client.later.value if light else None,  # seconds
    }
