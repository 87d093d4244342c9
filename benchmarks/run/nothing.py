"""What a phase's benchmark is parametrised with, and what stands in for cases that the choices leave none of.

pytest would say "got empty parameter set" of a benchmark without parameters, and end well.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from benchmarks.run import images
from benchmarks.run.choices import Phase
from benchmarks.run.selection import Selection, selection_of

REASON = "nothing_to_measure"  # the marker of what stands in for cases that there are none of


def parameters(config: pytest.Config, phase: Phase, names: Sequence[str]) -> Iterator[Any]:
    """Yield what a phase's benchmark is parametrised with: its cases, and one that says what they cannot be of."""
    selection = selection_of(config)
    files = selection.own_files.items() if phase.classifies else ()
    refused = {name: words for name, file in files if (words := images.refusal(config, file))}
    cases = [case for case in selection.cases(phase, names) if case.values[0] not in refused]
    yield from (pytest.param(*case.values, id=case.name) for case in cases)
    reasons = refused or ({} if cases else {"nothing": empty(selection, phase)})
    for name, words in reasons.items():
        marks = (pytest.mark.skip(reason=words), getattr(pytest.mark, REASON)(words))
        yield pytest.param(*(None for _ in names), id=name, marks=marks)


def empty(selection: Selection, phase: Phase) -> str:
    """Say which choice leaves a phase without a case, and what would be measured."""
    if selection.about is not None and phase.untold:
        return f"{phase.words}: {phase.untold}; measure it without a device, on chromium-*"
    if phase.needs_threads and not selection.threads_of(phase):
        words = f"{phase.words} is measured on two and more"
        if selection.threads:
            return f"--threads {', '.join(map(str, selection.threads))}: {words}; name such a number, or all"
        return f"{words}: this machine lends one core"
    if (kind := _kind(selection, phase)) and not selection.targets_of(phase):
        return _of_others(selection, f"{phase.words} is of platforms {kind}")
    if phase.is_of_this_machine and not selection.targets_of(phase):
        words = "what a server elsewhere does is not seen from here"
        return f"--platform {', '.join(selection.platforms)}: {phase.words}: {words}; name another with --platform"
    return f"{phase.words}: none of the models and platforms chosen is measured in it"


def _kind(selection: Selection, phase: Phase) -> str:
    """Say which platforms alone have what a phase measures; nothing where all may have it."""
    if phase.needs_device:
        return f"with a memory of their own: {', '.join(selection.with_device()) or 'none is known here'}"
    if phase.needs_server:
        return f"that many can ask: {', '.join(selection.servers())}"
    return f"that compute in a page: {', '.join(selection.in_pages())}" if phase.needs_page else ""


def _of_others(selection: Selection, words: str) -> str:
    chosen = ", ".join(selection.platforms)
    return f"--platform {chosen}: {words}" if chosen else f"{words}; name one with --platform"
