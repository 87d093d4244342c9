"""The list of faults: the one place to add one."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures.faults import passing_off
from benchmarks.figures.faults.place import Place, Seen


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and what must be seen then."""

    name: str
    must: str
    inject: Callable[[Place], Seen]


FAULTS = (
    Fault("a quota of 0.2 cores", "named as the doubt, with advice that fits", passing_off.a_quota_of_a_fifth),
    Fault("two threads on a quota of one", "refused before measuring", passing_off.threads_above_the_quota),
)
