"""What a device may answer to a call of its page's ``harness``: nobody knows who wrote it.

So it is checked before it is stored, computed with or shown: by the function that was asked, what it was asked for, and
how long the call took by this machine's own clock. A device can still say that it is quicker than it is, within that;
whether it computes what the model computes is checked where its outputs are held against the reference (parity).
"""

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from browser_harness.joined.claims import ADAPTER
from browser_harness.joined.untrusted import LARGEST, MOST_NESTED, BreachError, Fields, described, plain, tamed

MOST_REQUESTS = 10_000  # of a load: what a browser takes note of (loading.mjs)
MOST_OUTPUTS = 1000
MOST_HELD = 2**31  # bytes of an output, which a page holds in one piece, and of all that it answers with
MOST_DIMS = 32
# By how much a page's clock may be ahead of this machine's: milliseconds, as the coarsest steps, and a share of a call.
SLACK, SHARE = 100.0, 0.01
COARSEST = 1.1 * SLACK  # milliseconds: a sample has a hundred steps, and one that claimed more would be timed for hours
SIZES = {  # bytes of a number of each type that a page can have (harness.mjs)
    **dict.fromkeys(("float64", "int64", "uint64"), 8),
    **dict.fromkeys(("float32", "int32", "uint32"), 4),
    **dict.fromkeys(("float16", "int16", "uint16"), 2),
    **dict.fromkeys(("int8", "uint8", "bool"), 1),
}


@dataclass(frozen=True)
class Call:
    """A call that was answered."""

    function: str
    argument: Mapping[str, Any]
    seconds: float  # until the answer was there

    @property
    def longest(self) -> float:
        """The most milliseconds that anything in it can have taken."""
        return self.seconds * 1e3 * (1 + SHARE) + SLACK

    def bounded(self, milliseconds: float, what: str) -> None:
        """Raise BreachError where all of something took longer than the call."""
        if milliseconds > self.longest:
            words = f"{milliseconds:.6g} ms in a call of {self.seconds * 1e3:.6g} ms"
            raise BreachError(f"{self.function}: {what} took {words}")


def checked(call: Call, answer: Any) -> Any:
    """Return what of an answer is to be used; raises BreachError where it is no answer to such a call."""
    return CHECKS[call.function](call, answer)


def _nothing(call: Call, answer: Any) -> None:
    if answer is not None:
        raise BreachError(f"{call.function}: its answer is {described(answer)}, and there is none")


def _opened(call: Call, answer: Any) -> dict[str, Any]:
    """Check what is in force: of what is known, what is not told is None, or empty; who needs it, proves it."""
    told = Fields(answer, call.function)
    if "unavailable" in told.told:
        return {"unavailable": told.words("unavailable")}
    of_page = {
        "load": told.number("load", 0, call.longest),
        "loading": _loading(call, told.fields("loading")),
        "loaded": told.texts("loaded", MOST_REQUESTS, 1000),
        "clockResolution": told.number("clockResolution", 1e-9, COARSEST),
    }
    known = {name: told.unless_null(partial(take, told), name) for name, take in KNOWN.items()}
    lines = {name: told.unless_null(partial(_lines, told), name) or [] for name in LOGGED}
    others = {name: one for name, one in told.told.items() if name not in {*of_page, *known, *lines}}
    return {**plain(others, call.function), **known, **lines, **of_page}


def _adapter(told: Fields, name: str) -> dict[str, Any]:
    adapter = told.fields(name)
    words = {one: adapter.unless_null(adapter.text, one) for one in ADAPTER}
    is_fallback = adapter.unless_null(adapter.flag, "isFallbackAdapter")
    return {**words, "isFallbackAdapter": is_fallback, "features": adapter.texts("features", 200)}


def _count(told: Fields, name: str) -> int:
    return told.whole(name, 0, 4096)


def _lines(told: Fields, name: str) -> list[str]:
    return told.texts(name, MOST_REQUESTS, 10_000)


LOGGED = ("placed", "left")  # lists of lines
# What else is told of what is in force, by any engine; what is not among it may be anything that is plain.
KNOWN: Mapping[str, Callable[[Fields, str], Any]] = {
    **dict.fromkeys(("crossOriginIsolated", "secure", "sharedArrayBuffer", "simd"), Fields.flag),
    **dict.fromkeys(("librarySimd", "libraryThreads", "sharedMemory", "isFullyAccelerated"), Fields.flag),
    **dict.fromkeys(("version", "backendVersion", "backend"), Fields.text),
    **dict.fromkeys(("threads", "processors"), _count),
    **dict.fromkeys(("adapter", "pageAdapter"), _adapter),
}


def _loading(call: Call, told: Fields) -> dict[str, Any]:
    return {
        "began": told.number("began", -SLACK, call.longest),
        "requests": [_request(call, one) for one in told.each("requests", MOST_REQUESTS)],
        "compiled": [_compiled(call, one) for one in told.each("compiled", MOST_REQUESTS)],
    }


def _request(call: Call, told: Fields) -> dict[str, Any]:
    times = {name: told.number(name, -LARGEST, call.longest) for name in ("start", "response", "end")}
    sizes = {name: told.whole(name, 0, MOST_HELD) for name in ("wire", "decoded")}
    return {"path": told.text("path", 1000), **times, **sizes, "opened": told.flag("opened")}


def _compiled(call: Call, told: Fields) -> dict[str, Any]:
    times = {name: told.number(name, -LARGEST, call.longest) for name in ("begin", "end")}
    return {**times, "path": told.unless_null(told.text, "path", 1000)}


def _timed(call: Call, answer: Any) -> dict[str, Any]:
    """Check a block: as many samples as were asked for, which together took no longer than the call.

    A sample is 0 where the clock steps more coarsely than that: who draws them takes several inferences for one then.
    """
    told = Fields(answer, call.function)
    rounds, iterations = (call.argument.get(name, 1) for name in ("rounds", "iterations"))
    samples = told.numbers("samples", rounds, 0, call.longest)
    call.bounded(math.fsum(samples) * iterations, f"{rounds} samples of {iterations}")
    return {"samples": samples, "outputs": _outputs(call, told), "told": _told(told, rounds * iterations)}


def _told(told: Fields, inferences: int) -> list[float | None] | None:
    """Return what a server told of the inferences; JSON has null for what it did not tell."""
    if told.told.get("told") is None:
        return None
    some = told.told["told"]
    if not isinstance(some, list) or len(some) > inferences:
        raise told.breach("told", f"no list of {inferences} at most")
    known = Fields({"told": [one for one in some if one is not None]}, told.where).numbers("told", None, 0, 1e9)
    rest = iter(known)
    return [None if one is None else next(rest) for one in some]


def _outputs(call: Call, told: Fields) -> list[list[Any]]:
    """Check outputs: what of their numbers came with the answer is as many bytes as their lengths say."""
    named = told.lists("outputs", MOST_OUTPUTS, 2)
    outputs: list[list[Any]] = [
        [_name(call, name), _output(Fields(one, f"{call.function}: an output"))] for name, one in named
    ]
    inline = sum(_bytes(output) for _, output in outputs if "data" in output)
    if inline > call.argument.get("inline", 0):
        raise BreachError(f"{call.function}: {inline:,} bytes of outputs came, and less was asked for")
    if (held := sum(_bytes(output) for _, output in outputs)) > MOST_HELD:
        raise BreachError(f"{call.function}: its outputs have {held:,} bytes together, which no page can have")
    if len({name for name, _ in outputs}) < len(outputs):
        raise BreachError(f"{call.function}: two outputs have one name")
    return outputs


def _name(call: Call, name: Any) -> str:
    """Return an output's name as it is: it is looked up, and whoever shows it tames it."""
    if not isinstance(name, str) or len(name) > 1000:
        raise BreachError(f"{call.function}: an output's name is {described(name)}")
    return name


def _output(told: Fields) -> dict[str, Any]:
    dims = [int(length) for length in told.numbers("dims", None, 0, MOST_HELD, MOST_DIMS)]
    output: dict[str, Any] = {"type": told.text("type", 10), "dims": dims}
    if output["type"] not in SIZES or dims != told.told["dims"] or _bytes(output) > MOST_HELD:
        raise BreachError(f"{told.where} is {described(told.told.get('type'))} of {dims}, which no page can have")
    return output | ({"data": _base64(told, _bytes(output))} if "data" in told.told else {})


def _bytes(output: Mapping[str, Any]) -> int:
    count: int = math.prod(output["dims"])
    return count * SIZES[output["type"]]


def _base64(told: Fields, length: int) -> str:
    data = told.told["data"]
    try:
        is_whole = isinstance(data, str) and len(base64.b64decode(data, validate=True)) == length
    except ValueError:  # of base64's
        is_whole = False
    if not is_whole:
        raise told.breach("data", f"not {length:,} bytes in base64")
    return str(data)


def _animated(call: Call, answer: Any) -> dict[str, Any]:
    told = Fields(answer, call.function)
    samples = told.numbers("samples", None, 0, call.longest)
    if len(samples) < call.argument["least"]:
        raise told.breach("samples", f"{call.argument['least']} were asked for at least")
    call.bounded(math.fsum(samples), f"{len(samples)} samples")
    spans = {name: _spans(call, told, name) for name in ("tasks", "longTasks")}
    outputs = {"outputs": _outputs(call, told), "told": _told(told, len(samples))}
    return {**_drawn(call, told), "samples": samples, **spans, **outputs}


def _drawn(call: Call, told: Fields) -> dict[str, Any]:
    times = {name: told.number(name, 0, call.longest) for name in ("window", "latest")}
    return {**times, "frames": told.numbers("frames", None, -SLACK, call.longest)}


def _spans(call: Call, told: Fields, name: str) -> list[list[float]]:
    spans = told.lists(name, MOST_NESTED, 2)
    ends = Fields({name: [end for span in spans for end in span]}, told.where)
    taken = iter(ends.numbers(name, None, -call.longest, call.longest, 2 * MOST_NESTED))
    return [[begin, next(taken)] for begin in taken]


def _rested(call: Call, answer: Any) -> dict[str, Any]:
    return _drawn(call, Fields(answer, call.function))


def _classified(call: Call, answer: Any) -> dict[str, float]:
    """Check how long each part took, by name: none of them longer than the call."""
    told = Fields(answer, call.function)
    if len(told.told) > 20:
        raise BreachError(f"{call.function}: its answer is {described(answer)}")
    return {tamed(name, 100): told.number(name, 0, call.longest) for name in told.told}


def _sized(call: Call, answer: Any) -> int:
    return Fields({"bytes": answer}, call.function).whole("bytes", 0, 2**50)


def _asked(call: Call, answer: Any) -> Any:
    return plain(answer, call.function)


CHECKS: Mapping[str, Callable[[Call, Any], Any]] = {
    "open": _opened,
    "time": _timed,
    "prepare": _nothing,
    "timePrepared": _timed,
    "classify": _classified,
    "rest": _rested,
    "animate": _animated,
    "send": _nothing,
    "ask": _asked,
    "wasmBytes": _sized,
}
