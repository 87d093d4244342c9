"""What must be known beside the figures: marks, networks, inputs made up, references that move, the decision."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.decide import sentences_of
from benchmarks.measuring.reference import MOST, PLACES, own_tolerance, widened
from benchmarks.results import keys
from benchmarks.results.gathered import alike, in_ranges, ranged
from benchmarks.results.saved import Result
from benchmarks.results.tidy import IN_TITLES, Measured
from benchmarks.run.terminal.gathered import caller, line, listed
from browser_harness.network import LINKS
from models.names import shown as printable

WAYS = {  # of asking the reference, as measuring/promise.py has them
    "again": "asked twice for a batch of {batch}",
    "nudge": "a batch of {batch}, its inputs moved by a rounding",
    "batch": "8 together against one by one",
}

MARKS = (*IN_TITLES, "emulated")  # that nothing else at the end of a run explains


def mark_lines(results: Sequence[Result]) -> list[str]:
    """Return what the marks of the table mean, a line for each."""
    marks = dict.fromkeys(mark for result in results for mark in Measured(result).marks)
    kinds = [[mark.words for mark in marks if mark.sign == sign] for sign in MARKS]
    return [f"mark     {sign}: {in_ranges(words)}" for sign, words in zip(MARKS, kinds, strict=True) if words]


def row_lines(results: Sequence[Result]) -> list[str]:
    """Return of which benchmarks a sample is of several inferences."""
    several, case = [result for result in results if result.iterations > 1], caller(results)
    told = [(case(result), f"a sample is the mean of {result.iterations} inferences") for result in several]
    return [line("rows", told, len(results))] if told else []


def network_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each network: what was obtained, how, and what it lacks."""
    networks = {network["asked"]["name"]: network for result in results if (network := result.info.get(keys.NETWORK))}
    return [f"network  {name}: {_network_words(network)}" for name, network in networks.items()]


def _network_words(network: Mapping[str, Any]) -> str:
    obtained, lacks = network["obtained"], ", ".join(network["lacks"])
    rates = [f"{way} {obtained[way] / 1e6:.3g} Mbit/s" for way in ("down", "up") if obtained[way]]
    words = ", ".join(
        [f"obtained {obtained['round_trip'] * 1e3:.3g} ms of round trip", *rates, f"by {network['kind']}"]
    )
    return f"{words}; it lacks {lacks}" if lacks else words


def refused_lines() -> list[str]:
    """Return a line for each way of making a network that this machine refused."""
    return [f"network  no {kind} here: {printable(why)}" for kind, why in LINKS.refused.items()]


def made_up_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each model whose figures may be of a path through the graph that nobody chose."""
    steered = {str(result.params["model"]): result.may_steer for result in results if result.may_steer}
    return [
        f"made up  {model}: {printable(', '.join(names))}: values nobody chose, and they may decide what is computed; "
        f"give real ones with --input {printable(names[0])}=VALUE or --input FILE.npz"
        for model, names in steered.items()
    ]


def decided_lines(results: Sequence[Result], in_full: bool = False) -> list[str]:
    """Return who answers first, a line for each model; *in_full* with all that it was counted with and without."""
    return [f"decide   {printable(words)}" for words in sentences_of(results, in_full=in_full)]


def parity_lines(results: Sequence[Result], each: bool = False) -> list[str]:
    """Return where the reference differs from itself by more than is usual, once for each model and way of asking.

    Of several models of which the same is said it is in one line, unless *each* is to have its own.
    """
    told = [*dict.fromkeys(said for result in results if result.info.get("own") for said in _parity(result))]
    lines = [[one] for one in told] if each else alike(told)
    return [f"parity   {listed([name for name, _ in kind])}: {ranged([words for _, words in kind])}" for kind in lines]


def _parity(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the model with what is said of it."""
    model, usual = str(result.params.get("model")), own_tolerance(str(result.info.get(keys.PRECISION)))
    if unproved := result.info.get(keys.UNPROVED):
        yield model, unproved_words(unproved)
    for way, differs in result.info.get(keys.REFERENCE_DIFFERS, {}).items():
        how = WAYS[way.removesuffix(PLACES)].format(batch=result.info[keys.BATCH_SIZE])
        words = moving_words(differs, how) if way.endswith(PLACES) else differing_words(differs, how, usual)
        if words is not None:
            yield model, words


def differing_words(differs: float, way: str, usual: float) -> str | None:
    """Say what comes of a reference that *differs* from itself; None where nothing does."""
    said = f"the reference differs from itself by {differs:.1e} ({way})"
    if differs > MOST:
        return f"{said}, more than rounding does; that is allowed to no platform"
    allowed = widened(usual, {way: differs})
    return f"{said}; answers may differ by {allowed:.1e}, not {usual:.0e}" if allowed > usual else None


def unproved_words(names: Sequence[str]) -> str:
    """Say what comes of outputs that hold no finite number."""
    said = f"{', '.join(names)}: empty, infinite or NaN throughout"
    return f"{said}: no platform's answer is proved by it; give real values with --input"


def moving_words(share: float, way: str) -> str | None:
    """Say what comes of a reference whose whole numbers are others in a *share* of places; None where nothing does."""
    if not share:
        return None
    said = f"of the reference's whole numbers {share:.2%} differ ({way})"
    if share > MOST:
        return f"{said}, more than rounding does; that is allowed to no platform"
    return f"{said}; {widened(0.0, {way: share}):.2%} may differ"
