"""What is saved of a job that was drained, whole or not."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.fleet.book import LOST, Entry
from benchmarks.fleet.desk import Desk
from benchmarks.fleet.job import Job
from benchmarks.fleet.member import Member
from benchmarks.measuring.ratio import Ratio
from benchmarks.results.devices import shared
from benchmarks.results.fleet import PARTS, Counted, Fleet, FleetChunk, FleetDevice, Latency, ServerRate
from benchmarks.run.identity import suite

Found = tuple[Ratio, Ratio] | str  # of the usual statistic and of the mean, or why there are none
NOT_THERE = "its latency was not measured: it was not there before the job began"
LEFT_OUT = "its latency was not measured: --no-latency"


def fleet_of(  # noqa: PLR0913 (all that there is to save)
    job: Job,
    desk: Desk,
    members: Sequence[Member],
    servers: Sequence[ServerRate],
    latencies: Mapping[int, Found] | None,  # by device; None where they were left out
    machine: Mapping[str, Any],
    busy: float | None,
) -> Fleet:
    """Return what the devices did of a job."""
    entries, began = desk.entries(), desk.began or 0.0
    return Fleet(
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=version(),
        machine=machine,
        model=job.artefact.name,
        model_sha256=job.artefact.row["sha256"],
        precision=job.artefact.row["precision"],
        batch=job.batch,
        images=job.count,
        drained=job.count - desk.book.left,
        seconds=_last(entries, desk.ended or began) - began,
        right=job.right(desk.classes),
        wanted=job.wanted.top1,
        wanted_by=job.wanted.words,
        allowed=job.wanted.allowed(job.artefact.row["precision"]),
        busy=busy,
        servers=tuple(servers),
        devices=tuple(_device(member, entries, _found(latencies, member)) for member in members),
        chunks=tuple(_chunk(entry, began) for entry in entries),
    )


def _last(entries: Iterable[Entry], ended: float) -> float:
    """Return when the last image counted: before a job is given up it waits, and nobody works."""
    return max((entry.ended for entry in entries if entry.fate == "counted" and entry.ended), default=ended)


def _found(latencies: Mapping[int, Found] | None, member: Member) -> Found:
    return LEFT_OUT if latencies is None else latencies.get(member.number, NOT_THERE)


def _device(member: Member, entries: Iterable[Entry], latency: Found) -> FleetDevice:
    own = [entry for entry in entries if entry.chunk.device == member.number]
    counted = [entry for entry in own if entry.fate == "counted"]
    is_known = not isinstance(latency, str)
    return FleetDevice(
        number=member.number,
        about=shared(member.device.about()),
        platform=member.platform,
        slowdown=member.host.slowdown,
        images=sum(entry.chunk.images for entry in counted),
        chunks=len(counted),
        lost=dict(Counter(entry.fate for entry in own if entry.fate in LOST)),
        counted=_counted(member, [entry for entry in counted if not entry.is_hidden]),
        latency=_latency(*latency) if is_known else None,
        no_latency="" if is_known else str(latency),
        sent_home=member.sent_home,
    )


def _counted(member: Member, entries: Sequence[Entry]) -> Counted:
    """Return what tells how fast a device is: of chunks that count, in a page that was seen throughout."""
    told = [member.work.sent[entry.chunk.number].parts for entry in entries if entry.chunk.number in member.work.sent]
    are_told = len(told) == len(entries) and all(told)
    return Counted(
        chunks=len(entries),
        images=sum(entry.chunk.images for entry in entries),
        seconds=sum((entry.ended or 0.0) - entry.chunk.taken for entry in entries),
        parts={name: sum(parts[name] for parts in told) for name in PARTS} if are_told else None,
    )


def _latency(usual: Ratio, mean: Ratio) -> Latency:
    return Latency(
        usual.statistic,
        usual.ours,
        usual.theirs,
        usual.value,
        usual.low,
        usual.high,
        mean.ours,
        mean.theirs,
        usual.starts,
    )


def _chunk(entry: Entry, began: float) -> FleetChunk:
    chunk = entry.chunk
    ended = None if entry.ended is None else entry.ended - began
    return FleetChunk(
        chunk.device,
        chunk.start,
        chunk.stop,
        chunk.taken - began,
        ended,
        entry.fate,
        entry.is_hidden,
        chunk.takes_over,
    )


def version() -> str:
    """Return the first digits of the SHA-256 of all that decides a fleet's figures."""
    digest = hashlib.sha256(suite().encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
