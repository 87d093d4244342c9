"""What head and machines say to each other, over a channel of their own beside pytest-xdist's."""

from typing import NamedTuple

CHANNEL = "results"  # the channel's name in pytest-xdist's workerinput
# From a machine, each with a text in JSON
BEGIN = "begin"  # what all its results have in common
RESULT = "result"  # a benchmark that has just ended
RUN = "run"  # all of it, as it would be saved there
# From the head
KEPT = "kept"  # the run is on the disk
STOP = "stop"  # end in order: a person has stopped the head

REST = 5.0  # seconds in which a process that has said that it is through also ends
# Properties of a report: how far its machine is, and how long it will take
PLACE, LEFT = "place", "left"

REMEDY = "--dist each --tx ssh=HOST measures on machines of their own, as does tox run -e machines -- HOST …"


class Message(NamedTuple):
    """A machine's message."""

    kind: str
    text: str
