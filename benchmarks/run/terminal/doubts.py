"""How far the run can be trusted: a line for each kind of doubt, with what to do about it, and what was no speed."""

from collections.abc import Iterator, Sequence

from benchmarks.measuring import trust
from benchmarks.results import keys
from benchmarks.results.gathered import alike, ranged
from benchmarks.results.saved import Result
from benchmarks.run.terminal.gathered import caller, line, listed

Results = Sequence[Result]
SIMULATED = "on a simulated GPU, in no table"


def trust_lines(results: Results, each: bool = False) -> list[str]:
    """Return how far the run can be trusted, doubts of one kind in one line, or of *each* benchmark in its own."""
    assessed = [result for result in results if result.trust]
    if not assessed:
        return []
    unstable = [result for result in assessed if result.doubts]
    lines = [f"trust    {len(assessed) - len(unstable)} of {len(assessed)} benchmarks were stable{_load(assessed)}"]
    lines += _unstable_one_by_one(unstable) if each else _unstable(unstable, len(assessed))
    lines += [f"advice   {words}" for words in trust.advice(name for result in unstable for name in result.doubts)]
    return [*lines, *_unknown(assessed), *_odd(assessed, each), *_software(assessed, each)]


def _load(assessed: Results) -> str:
    """Say how busy other programs were, unless a line of doubts does."""
    if any(keys.OTHER_PROGRAMS in result.doubts for result in assessed):
        return ""
    others = [result.trust[keys.OTHER_PROGRAMS] for result in assessed if keys.OTHER_PROGRAMS in result.trust]
    words = [f"; other programs used {cores:.1f} cores meanwhile" for cores in others]
    return ranged(words) if words else ""


def _unstable_one_by_one(unstable: Results) -> list[str]:
    return [f"unstable {result.name}: {'; '.join(result.doubts.values())}" for result in unstable]


def _unstable(unstable: Results, number: int) -> Iterator[str]:
    """Yield a line for each check that failed, in the order in which the checks were first seen to."""
    case = caller(unstable)
    for check in dict.fromkeys(name for result in unstable for name in result.doubts):
        told = [(case(result), result.doubts[check]) for result in unstable if check in result.doubts]
        yield from (line("unstable", kind, number) for kind in alike(told))


def _unknown(assessed: Results) -> Iterator[str]:
    """Yield what should be known of the circumstances and is not: what of all benchmarks, then of some."""
    kinds: dict[tuple[int, ...], list[str]] = {}
    for words in dict.fromkeys(words for result in assessed for words in result.unknown.values()):
        which = (place for place, result in enumerate(assessed) if words in result.unknown.values())
        kinds.setdefault(tuple(which), []).append(words)
    for places, unknown in kinds.items():
        of = "" if len(places) == len(assessed) else f"{len(places)} of {len(assessed)}: "
        yield f"unknown  {of}{'; '.join(unknown)}"


def _odd(assessed: Results, each: bool) -> list[str]:
    odd = [result for result in assessed if result.odd_starts]
    if each or len(odd) == 1:
        return [f"starts   {result.name}: {odd_words(result)}" for result in odd]
    if not odd:
        return []
    times, case = [value for result in odd for value in result.odd_starts], caller(odd)
    words = f"had starts unlike their siblings, which took {min(times):.2f} to {max(times):.2f} times as long"
    return [f"starts   {len(odd)} of {len(assessed)} {words} ({listed([*map(case, odd)])})"]


def odd_words(result: Result) -> str:
    """Say which pages or processes were unlike their siblings: ``slow pages: 1 of 5 (2.9 times as long)``."""
    kinds = {
        "slow": [times for times in result.odd_starts if times > 1],
        "fast": [times for times in result.odd_starts if times <= 1],
    }
    plural, total = {"page": "pages", "process": "processes"}[result.surrounding], len(result.starts)
    return "; ".join(
        f"{kind} {plural}: {len(times)} of {total} ({', '.join(f'{value:.2f}' for value in times)} times as long)"
        for kind, times in kinds.items()
        if times
    )


def _software(assessed: Results, each: bool) -> list[str]:
    software = [result for result in assessed if result.is_software]
    if each:
        return [f"software {result.name}: {SIMULATED}" for result in software]
    case = caller(software)
    return [line("software", [(case(result), SIMULATED) for result in software], len(assessed))] if software else []
