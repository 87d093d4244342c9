"""What the load of a model in a page is made of: its parts, which add up to it, and its requests one by one.

The page tells when its files were on their way and when WebAssembly was compiled, by the browser's own record of
requests (W3C, Resource Timing) and around the calls that compile. Here each moment of the load is given to one part.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.protocol import Where
from browser_harness.channel import PageError

Interval = tuple[float, float]
Loading = Mapping[str, Any]  # what the page answers of a load, in milliseconds since it began
# A moment at which several of these are under way counts for the first: what is compiled as it comes is travel.
WORKER, RUNTIME, MODEL, COMPILE, SESSION = "worker", "runtime", "model", "compile", "session"


def parts(load: float, seen: Loading, model: Collection[str], where: Where) -> dict[str, float]:
    """Return the seconds of each part of a load of *load* seconds: they add up to it.

    ``worker``, of a runtime in one, is until the worker begins; ``runtime`` while the runtime's files are on their way,
    from asking until the last byte; ``model`` while only the *model*'s are; ``compile`` while WebAssembly is compiled
    and nothing travels; ``session`` is the rest: scripts run, the session is created.
    """
    requests = seen["requests"]
    under_way = {
        **({WORKER: [(0.0, seen["began"] / 1e3)]} if where == "worker" else {}),
        RUNTIME: [_travel(request) for request in requests if request["path"] not in model],
        MODEL: [_travel(request) for request in requests if request["path"] in model],
        COMPILE: [(one["begin"] / 1e3, one["end"] / 1e3) for one in seen["compiled"]],
    }
    return divided(load, under_way, SESSION)


def _travel(request: Mapping[str, Any]) -> Interval:
    return request["start"] / 1e3, request["end"] / 1e3


def divided(span: float, under_way: Mapping[str, Sequence[Interval]], rest: str) -> dict[str, float]:
    """Divide the time from 0 to *span* among the first of *under_way* that has an interval there, and the *rest*."""
    ends = (end for intervals in under_way.values() for interval in intervals for end in interval)
    borders = sorted({0.0, span, *(min(max(end, 0.0), span) for end in ends)})
    took = dict.fromkeys([*under_way, rest], 0.0)
    for begin, end in pairwise(borders):
        took[next((name for name, has in under_way.items() if _covers(has, begin, end)), rest)] += end - begin
    return took


def _covers(intervals: Iterable[Interval], begin: float, end: float) -> bool:
    return any(first <= begin and end <= last for first, last in intervals)


def waterfall(seen: Loading) -> list[dict[str, Any]]:
    """Return the requests of a load in the order that they were made, in seconds from its beginning and bytes.

    ``compiled`` is when the WebAssembly that came was compiled, where that began while it came; ``opened`` tells of a
    connection that was made for it. Both are left out where there is no such thing.
    """
    compiled = {one["path"]: one["end"] / 1e3 for one in seen["compiled"] if one["path"]}
    return [_row(request, compiled) for request in sorted(seen["requests"], key=lambda request: request["start"])]


def _row(request: Mapping[str, Any], compiled: Mapping[str, float]) -> dict[str, Any]:
    times = {name: request[name] / 1e3 for name in ("start", "response", "end")}
    row = {"path": request["path"], **times, "wire": request["wire"], "decoded": request["decoded"]}
    row |= {"compiled": compiled[request["path"]]} if request["path"] in compiled else {}
    return row | ({"opened": True} if request["opened"] else {})


def prove_bytes(rows: Sequence[Mapping[str, Any]], sent: Mapping[str, Any]) -> None:
    """Raise PageError where a page saw other bytes of a file on the wire than the server sent, by path.

    A server may have sent a file several times, as thread workers fetch it too, whose requests no page sees.
    """
    for row in rows:
        wire = _wire(sent.get(row["path"], 0))
        if row["wire"] and (not wire or wire % row["wire"]):
            raise PageError(f"the page saw {row['wire']:,} bytes of {row['path']}, and the server sent {wire:,}")


def _wire(sent: Any) -> int:
    return int(sent["wire"] if isinstance(sent, Mapping) else sent)
