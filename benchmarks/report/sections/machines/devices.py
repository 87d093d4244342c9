"""The devices that joined by a link: what each says of itself, which is a claim, and what the server saw of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report.content import Table
from benchmarks.report.rows.lines import shortened
from benchmarks.results import Row, Run, devices, numbers
from browser_harness.about import UNKNOWN, system_of

About = Mapping[str, Any]  # what a device says of itself
CLAIMS = "What each device that joined says of itself: claims, which nobody could check"
SEEN = "What was seen of each device that joined"
TRANSPORTS = {
    "loopback": "the loopback of the machine that served",
    "http": "HTTP: not isolated, on one thread, without WebGPU",
    "https": "HTTPS",
    "public-url": "a public address",
}


def devices_told(rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a column for each device that joined: its own words, and what was seen of it."""
    of_devices: dict[str, list[Row]] = {}
    for row in rows:
        if row.served_by:
            of_devices.setdefault(row.machine, []).append(row)
    for caption, ways in ((CLAIMS, CLAIMED), (SEEN, WAS_SEEN)):
        cells = [[name, *(way(some) for some in of_devices.values())] for name, way in ways.items()]
        if of_devices:
            yield Table(caption, ["", *of_devices], cells)


def _claim(say: Callable[[About], Any]) -> Callable[[Sequence[Row]], str]:
    """Return what writes a claim; where the runs of a device claim several things, all of them."""

    def write(rows: Sequence[Row]) -> str:
        return " / ".join(dict.fromkeys(plain(say(devices.of_run(row.run.machine))) for row in rows))

    return write


def plain(value: Any) -> str:
    """Write what a device says, whatever that is: what it does not say is unknown."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return shortened(", ".join(str(part) for part in value.values() if part)) or UNKNOWN
    return shortened(f"{value:g}" if isinstance(value, float) else str(value))


def _step(about: About) -> Any:
    """Return what one step of its clock is."""
    step = about.get("clockStep")
    return numbers.time(step / 1e3) if isinstance(step, int | float) and numbers.is_time(step) else step


def _memory(about: About) -> Any:
    memory = about.get("memory")
    return f"{memory:g} GB" if isinstance(memory, int | float) else memory


def _system(about: About) -> str:
    return " ".join(word for word in system_of(about) if word != UNKNOWN)


def _architecture(about: About) -> Any:
    hints = about.get("hints")
    return hints.get("architecture") if isinstance(hints, Mapping) else None


CLAIMED: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "engine": _claim(lambda about: about.get("engine")),
    "version": _claim(lambda about: about.get("version")),
    "model": _claim(devices.model_of),
    "system": _claim(_system),
    "architecture": _claim(_architecture),
    "cores": _claim(lambda about: about.get("cores")),
    "memory": _claim(_memory),
    "graphics adapter": _claim(lambda about: about.get("adapter")),
    "its network": _claim(lambda about: about.get("connection")),
    "isolated": _claim(lambda about: about.get("isolated")),
    "secure context": _claim(lambda about: about.get("secure")),
    "step of its clock": _claim(_step),
}


def _connected(rows: Sequence[Row]) -> str:
    told = [devices.of_run(row.run.machine).get("transport") for row in rows]
    return " / ".join(dict.fromkeys(TRANSPORTS.get(str(one), plain(one)) for one in told))


def _times_away(name: str) -> Callable[[Sequence[Row]], str]:
    """Return what writes how often a device was not here, of all its runs; unknown where one does not tell."""

    def write(rows: Sequence[Row]) -> str:
        told = [devices.story_of(run.machine).get(name) for run in _runs(rows)]
        known = [one for one in told if isinstance(one, int | float)]
        return f"{sum(known):,.0f}" if known and len(known) == len(told) else UNKNOWN

    return write


def _runs(rows: Sequence[Row]) -> list[Run]:
    return [*{id(row.run): row.run for row in rows}.values()]


def _doubtful(rows: Sequence[Row]) -> str:
    return f"{sum(bool(row.result.doubts) for row in rows)} of {len(rows)}"


WAS_SEEN: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "connected by": _connected,
    "served by": lambda rows: " / ".join(dict.fromkeys(str(row.served_by) for row in rows)),
    "left": _times_away("left"),
    "hid its page": _times_away("hidden"),
    "seconds away": _times_away("seconds_missed"),
    "calls cut short": _times_away("calls_cut"),
    "doubtful benchmarks": _doubtful,
}
