"""Client or server: what the figures of saved runs say, with the network between.

The doors are ``python -m benchmarks.decide``, :func:`sentences_of` for the end of a run, and for a report
:func:`decisions_of` and :func:`check_in`.
"""

from collections.abc import Sequence

from benchmarks.decide.answers import BANDWIDTHS, ROUND_TRIPS, Decision, Wanted, Winner, decide_all
from benchmarks.decide.checks import Check, UnreadError, check_in, checked_of
from benchmarks.decide.measured import MixedError, by_server, machine_of, read
from benchmarks.decide.sentences import Said, networks, said, sentence, sentences_of
from benchmarks.results import Run

__all__ = [
    "BANDWIDTHS",
    "ROUND_TRIPS",
    "Check",
    "Decision",
    "MixedError",
    "Said",
    "UnreadError",
    "Winner",
    "check_in",
    "checked_of",
    "decisions_of",
    "machine_of",
    "said",
    "sentence",
    "sentences_of",
]


def decisions_of(runs: Sequence[Run]) -> list[Decision]:
    """Return what saved runs answer together.

    Unlike in the command, which holds all clients against the first server, the clients of a machine that has a server
    are held against that one. Raises MixedError where files do not belong together: two of one model's name, say.
    """
    wanted = Wanted(networks())
    return [decision for group in by_server(runs) for decision in decide_all(read(group), wanted)]
