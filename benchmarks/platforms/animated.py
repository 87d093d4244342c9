"""What a page suffered that drew an animation while it computed, from what it saw of tasks and frames."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.protocol import FRAMES_A_SECOND, Blocking

# Seconds from which on a task is long (W3C, Long Tasks API, https://www.w3.org/TR/longtasks-1/), and of which total
# blocking time is what lies beyond (Lighthouse, https://web.dev/articles/tbt). Lighthouse sums it from the first paint
# until the page is interactive; here it is summed over the time in which inferences run.
LONG = 0.05
# Milliseconds: of frames that are drawn closer to each other a person sees one. A browser that was held up calls for
# two at once, of which the screen shows the latter in its next turn.
APART = 0.5e3 / FRAMES_A_SECOND

Span = tuple[float, float]  # from, to


def blocking(seen: Mapping[str, Any], frames_at_rest: float) -> Blocking:
    """Return what the page saw of its tasks and frames, as the harness' ``animate`` answers, as the field's figures."""
    window = seen["window"] / 1e3
    began, others = _sights(_spans(seen["tasks"]), _spans(seen["longTasks"]))
    tasks = [*others, *(task for ours, theirs in began for task in theirs or [ours])]
    longest, frames = max(tasks), shown(seen["frames"])
    return Blocking(
        window=window,
        inferences=len(seen["samples"]),
        longest_task=longest,
        total_blocking_time=math.fsum(max(0.0, task - LONG) for task in tasks),
        frames=len(frames),
        # A window holds one more or less by chance; only whole frames are missed.
        frames_missed=max(0, math.floor(window * FRAMES_A_SECOND) - len(frames)),
        frames_at_rest=frames_at_rest,
        disagreement=max(seen["latest"] / 1e3 - longest, *(_difference(*sight) for sight in began)),
    )


def shown(drawn: Sequence[float]) -> list[float]:
    """Return when the frames that a person can see were drawn, of all that were, in milliseconds."""
    seen = list[float]()
    for at in drawn:
        if not seen or at - seen[-1] >= APART:
            seen.append(at)
    return seen


def per_second(seen: Mapping[str, Any]) -> float:
    """Return how many frames a second an animation had, from the first to the last; 0 of fewer than two."""
    frames = shown(seen["frames"])
    return (len(frames) - 1) / (frames[-1] - frames[0]) * 1e3 if len(frames) > 1 else 0.0


def _spans(milliseconds: Sequence[Sequence[float]]) -> list[Span]:
    return [(start / 1e3, end / 1e3) for start, end in milliseconds]


def _sights(ours: Sequence[Span], theirs: Sequence[Span]) -> tuple[list[tuple[float, list[float]]], list[float]]:
    """Return how long each task that began an inference took by the page's sight and by the browser's; then all others.

    The page's sight ends when what the task had posted is handled, and a frame may be drawn before. So the browser's
    counts where there is one; it is empty of a task that was not long. In seconds.
    """
    began, rest = [], [*theirs]
    for start, end in ours:
        inside = [span for span in rest if start <= sum(span) / 2 <= end]
        rest = [span for span in rest if span not in inside]
        began.append((end - start, [*map(_length, inside)]))
    return began, [*map(_length, rest)]


def _length(span: Span) -> float:
    return span[1] - span[0]


def _difference(ours: float, theirs: Sequence[float]) -> float:
    """Return by how much the two sights of a task differ; one that the browser does not tell was not long to it."""
    return abs(ours - math.fsum(theirs)) if theirs else max(0.0, ours - LONG)
