"""Which coding a browser takes, by its Accept-Encoding (RFC 9110, section 12.5.3)."""

import re
from collections.abc import Iterable

WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)
IDENTITY = "identity"  # the content as it is


def chosen(codings: Iterable[str], header: str | None) -> str | None:
    """Return the coding that *header* weighs most, of equals the first; None where the content is to go as it is.

    Without a header nothing is known of who asks, and what cannot be read is not taken.
    """
    weights = _weights(header or "")

    def weight(coding: str) -> float:
        return weights.get(coding, weights.get("*", 0.0))

    best = max(codings, key=weight, default=None)
    if best is None or weight(best) == 0 or weight(best) < weights.get(IDENTITY, 0.0):
        return None
    return best


def _weights(header: str) -> dict[str, float]:
    found = {}
    for part in header.split(","):
        coding, _, parameter = part.partition(";")
        weight = WEIGHT.fullmatch(parameter) if parameter else None
        found[coding.strip().lower()] = float(weight[1]) if weight else float(not parameter)
    return found
