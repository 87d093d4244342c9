"""Client or server: what the figures of saved runs say, with the network between.

The doors are ``python -m benchmarks.decide``, :func:`sentences_of` for the end of a run, and :func:`decisions_of` for a
report.
"""

from collections.abc import Sequence

from benchmarks.decide.answers import Decision, Wanted, decide_all
from benchmarks.decide.measured import MixedError, read
from benchmarks.decide.sentences import Said, networks, said, sentence, sentences_of
from benchmarks.results import Run

__all__ = ["Decision", "MixedError", "Said", "decisions_of", "said", "sentence", "sentences_of"]


def decisions_of(runs: Sequence[Run]) -> list[Decision]:
    """Return what saved runs answer together, as the command does without options.

    Raises MixedError where they do not belong together: two files of one model's name, say.
    """
    return decide_all(read(runs), Wanted(networks()))
