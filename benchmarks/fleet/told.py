"""What is told of a job at its end: the rates, how many devices equal a server, and what costs what."""

from collections.abc import Iterator

from tabulate import tabulate

from benchmarks.decide.fleet import WITHIN, Cost, Equal, equal
from benchmarks.results.fleet import Fleet, FleetDevice
from benchmarks.results.numbers import NONE, counted, three

HEAD = ["device", "images", "lost", "images/s", "equal a server", "by latency", "off"]
ALONE = 4  # of its columns, where no server was measured
COSTS = ["an image, ms", "latency", "inferring", "normalising", "way", "rest", "all"]


def lines(fleet: Fleet) -> Iterator[str]:
    """Yield all of it."""
    yield from _whole(fleet)
    yield from _servers(fleet)
    yield ""
    equals = {device.number: equal(fleet, device) for device in fleet.devices}
    columns = len(HEAD) if fleet.servers else ALONE
    rows = [_row(device, equals[device.number])[:columns] for device in fleet.devices]
    yield tabulate(rows, HEAD[:columns], disable_numparse=True, colalign=("left", *["right"] * (columns - 1)))
    yield ""
    yield from _costs(fleet, equals)
    yield from _verdicts(fleet, equals)
    yield from _hidden(fleet)


def _whole(fleet: Fleet) -> Iterator[str]:
    number = counted(len([device for device in fleet.devices if device.images]), "device")
    done = f"{fleet.drained:,} images" if fleet.is_whole else f"{fleet.drained:,} of {fleet.images:,} images"
    yield f"{fleet.model}, batch {fleet.batch}: {done} in {three(fleet.seconds)} s by {number}: {_rate(fleet.rate)}"
    if not fleet.is_whole:
        left = fleet.images - fleet.drained
        yield f"not whole: {left:,} images were not classified; nobody says how many of the others are to be right"
        return
    differs = abs(fleet.right - fleet.wanted)
    how = "as many as" if not differs else f"{differs} other than"
    share = 100 * fleet.right / fleet.images
    yield f"top-1 {share:.2f} %: {fleet.right:,} right, {how} {fleet.wanted_by} ({fleet.wanted:,})"


def _servers(fleet: Fleet) -> Iterator[str]:
    for workers in dict.fromkeys(rate.workers for rate in fleet.servers):
        both = [rate for rate in fleet.servers if rate.workers == workers]
        moved = max(rate.rate for rate in both) / min(rate.rate for rate in both) - 1
        each = ", ".join(f"{three(rate.rate)} {rate.when}" for rate in both)
        processes = "one process on one thread" if workers == 1 else f"{workers} such processes"
        rate = fleet.server(workers)
        assert rate is not None
        yield f"the server alone, server-cpu in {processes}: {_rate(rate.rate)} ({each}), while no device worked"
        if moved > WITHIN:
            yield f"  it moved by {100 * moved:.0f} % meanwhile, of itself: no comparison with it is closer than that"


def _row(device: FleetDevice, found: Equal | None) -> list[str]:
    lost = sum(device.lost.values())
    decided, off = (found.decided, found.quotient) if found else (None, None)
    return [
        device.name,
        f"{device.images:,}",
        f"{lost}",
        three(device.counted.rate),
        three(found.measured if found else None),
        three(decided.value) if decided else NONE,
        NONE if off is None else f"{100 * (off - 1):+.1f} %",
    ]


def _costs(fleet: Fleet, equals: dict[int, Equal | None]) -> Iterator[str]:
    """Yield what an image takes on both sides, so that it is seen what the two figures differ by."""
    costs = [(device.name, found.device) for device in fleet.devices if (found := equals[device.number])]
    server = next((found.server for found in equals.values() if found and found.server), None)
    rows = [_cost(name, cost) for name, cost in [("server-cpu", server), *costs] if cost]
    if rows:
        yield tabulate(rows, COSTS, disable_numparse=True, colalign=("left", *["right"] * 6))
        yield ""


def _cost(name: str, cost: Cost) -> list[str]:
    seconds = [cost.latency, cost.inferring, cost.normalising, cost.way, cost.rest, cost.seconds]
    return [name, *(NONE if part is None else three(1e3 * part) for part in seconds)]


def _verdicts(fleet: Fleet, equals: dict[int, Equal | None]) -> Iterator[str]:
    if not fleet.servers:
        yield "not compared with a server, for that was not measured"
        return
    for device in fleet.devices:
        found = equals[device.number]
        if found is None or found.agrees is None:
            why = device.no_latency if found else "its rate, or the server's, was not measured"
            yield f"{device.name}: not compared with what decide computes: {why}"
        elif not found.agrees:
            yield f"{device.name}: not within {WITHIN:.0%} of what decide computes: {_why(found)}"
    if equals and all(found and found.agrees for found in equals.values()):
        yield f"all within {WITHIN:.0%} of what decide computes from latencies"


def _why(found: Equal) -> str:
    """Say what the two figures differ by: on each side, how much longer an image takes than its latency."""
    assert found.server
    assert found.device
    return f"an image takes {_longer(found.device)} on the device, {_longer(found.server)} on the server"


def _longer(cost: Cost) -> str:
    share = 100 * (cost.longer - 1)
    return f"{abs(share):.0f} % {'longer' if share > 0 else 'less'} than its latency"


def _hidden(fleet: Fleet) -> Iterator[str]:
    for device in fleet.devices:
        hidden = [chunk for chunk in fleet.chunks if chunk.device == device.number and chunk.is_hidden]
        if hidden:
            words = "its right answers count, and its rate is that of the others"
            yield f"{device.name}: {counted(len(hidden), 'chunk')} of a hidden page: {words}"
        if device.sent_home:
            yield f"{device.name}: was given nothing more ({device.sent_home})"


def _rate(rate: float | None) -> str:
    return f"{three(rate)}/s"
