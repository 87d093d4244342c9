"""Prices, from a small file that a person writes; none is shipped, as they are their provider's.

The file is TOML::

    currency = "EUR"         # may be left out
    server_per_hour = 0.045  # of the machine that the server's figures are of
    sent_per_gb = 0.09       # of what leaves the server, a GB being a thousand million bytes
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

WANTED = ("server_per_hour", "sent_per_gb")


class PricesError(Exception):
    """A file holds no prices; the message names it, and says what is wrong."""


@dataclass(frozen=True)
class Prices:
    """What is paid, in one currency."""

    server_per_hour: float
    sent_per_gb: float
    currency: str = ""


def load(file: Path) -> Prices:
    """Read a file of prices; raise PricesError, in one line, where it holds none."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PricesError(f"{file}: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise PricesError(f"{file}: no TOML: {error}") from error
    if unknown := content.keys() - {*WANTED, "currency"}:
        raise PricesError(f"{file}: {min(unknown)} is unknown; known are {', '.join(WANTED)} and currency")
    for name in WANTED:
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise PricesError(f"{file}: {name} is {value!r}; write a number of 0 or more")
    return Prices(float(content[WANTED[0]]), float(content[WANTED[1]]), str(content.get("currency", "")))
