"""How far the machine moved between the benchmarks of a run, which starts that follow each other in seconds cannot see.

A shared machine has states that last a minute or two: server-cpu is some per cent faster or slower in them, and a
browser is not always with it. All starts of a benchmark fall into one such state. But the same model on the same batch
is timed on ``server-cpu`` beside every platform of a run, so it is seen in as many states as there are benchmarks: what
its figures differ by, beyond what their starts explain, is the machine's (the component of variance between groups, S.
Searle, G. Casella, C. McCulloch, "Variance Components", 1992, chapter 3; as another level above the starts it is
Kalibera's and Jones').
"""

import math
from collections.abc import Hashable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks.measuring.starts import CONFIDENCE, Figure, quantile

Visit = tuple[Hashable, Sequence[float]]  # what was timed: model and batch; the seconds of each start


FEWEST_DEGREES = 4  # of freedom: a machine that was seen less often may have stood still by chance


@dataclass(frozen=True)
class Drift:
    """The machine's own standard deviation, of logs, from one benchmark of a run to another."""

    spread: float
    seen: float  # standard deviation of the benchmarks' means, in which their starts' scatter is, too
    degrees: int  # of freedom, of what was seen

    def to_json(self) -> dict[str, Any]:
        """Return it for extra_info."""
        return asdict(self)


def drift(visits: Iterable[Visit]) -> Drift | None:
    """Return how far the machine moved, from the *visits* to what was timed several times; None of too few."""
    by_what: dict[Hashable, list[np.ndarray[Any, Any]]] = {}
    for what, seconds in visits:
        by_what.setdefault(what, []).append(np.log(seconds))
    several = [logs for logs in by_what.values() if len(logs) > 1]
    degrees = sum(len(logs) - 1 for logs in several)
    within = [float(start.var(ddof=1)) / len(start) for logs in several for start in logs if len(start) > 1]
    if degrees < FEWEST_DEGREES or not within:
        return None
    means = [np.array([start.mean() for start in logs]) for logs in several]
    between = math.fsum(float(((mean - mean.mean()) ** 2).sum()) for mean in means) / degrees
    return Drift(math.sqrt(max(0.0, between - float(np.mean(within)))), math.sqrt(between), degrees)


def widened(figure: Figure, drift: Drift) -> Figure:
    """Return *figure* with an interval that knows of the *drift*; of one that has none there is nothing to widen.

    Degrees of freedom are F. E. Satterthwaite's ("An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2, 1946, 110-114).
    """
    if not figure.error or not figure.degrees:
        return figure
    starts, machine = figure.error**2, drift.spread**2
    # The machine's component is a difference of mean squares, and known as badly as the larger of them. Where it is
    # small against that, the approximation breaks down: there are no fewer degrees than the poorer of both has.
    approximate = (starts + machine) ** 2 / (starts**2 / figure.degrees + drift.seen**4 / drift.degrees)
    degrees = max(approximate, min(figure.degrees, drift.degrees))
    half = quantile((1 + CONFIDENCE) / 2, degrees) * math.sqrt(starts + machine)
    return replace(figure, low=figure.value * math.exp(-half), high=figure.value * math.exp(half))


def widen(saved: MutableMapping[str, Any], drift: Drift) -> None:
    """Widen the interval of a figure, or of a ratio, as it is in extra_info."""
    known: Mapping[str, Any] = {name: saved[name] for name in Figure.__dataclass_fields__ if name in saved}
    after = widened(Figure(**known), drift)
    saved.update({name: value for name, value in (("low", after.low), ("high", after.high)) if value is not None})
