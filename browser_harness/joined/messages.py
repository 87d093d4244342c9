"""What a device's page says on its socket: a few kinds of messages, each with its own keys and no others.

``visible`` tells whether the person sees the page; ``noted``, what failed in the page that is measured, behind the
calls. An ``answer`` or ``error`` is of the call with that ``id``, and tells whether the page was ``hidden`` meanwhile.
"""

from typing import Any

from browser_harness.joined.untrusted import BreachError, Fields, described, read

MOST_CALLS = 2**31  # in a run
KINDS = (
    {"visible"},
    {"noted"},
    {"id", "answer", "hidden"},
    {"id", "error", "stack", "hidden"},
)


def message(text: str) -> dict[str, Any]:
    """Return a message, of which an answer's own content is yet to be checked; raises BreachError."""
    told = Fields(read(text), "a message")
    if told.told.keys() not in KINDS:
        names = ", ".join(sorted(map(described, [*told.told][:5]))) or "nothing"
        raise BreachError(f"no message of this suite's pages has {names}")
    if "visible" in told.told:
        return {"visible": told.flag("visible")}
    if "noted" in told.told:
        return {"noted": told.words("noted")}
    return {"id": told.whole("id", 1, MOST_CALLS), "hidden": told.flag("hidden"), **_outcome(told)}


def _outcome(told: Fields) -> dict[str, Any]:
    if "answer" in told.told:
        return {"answer": told.told["answer"]}
    return {"error": told.words("error"), "stack": told.words("stack")}
