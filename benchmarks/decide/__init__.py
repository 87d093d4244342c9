"""Client or server: what the figures of saved runs say, with the network between.

The door is ``python -m benchmarks.decide``; for the end of a run, :func:`sentences_of`.
"""

from benchmarks.decide.sentences import sentences_of

__all__ = ["sentences_of"]
