"""A server that answers for one model, as those see it who ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.remote.credentials import Credentials


def _unknown() -> None:
    """Say nothing of how a server ended that was not started here."""


@dataclass(frozen=True)
class Served:
    """A server that answers for one model."""

    origin: str  # as clients reach it, without a path: http://127.0.0.1:8123
    model: str  # its name there
    inputs: Mapping[str, str]  # by name the datatype, in the protocol's words, that its metadata declare
    software: str  # with its version, by its own word
    provider: str | None = None  # execution provider, where told
    threads: int | None = None
    # Of "float32" (arrays as the inputs are declared), "uint8" (pixels, which it normalises) and "image" (a picture's
    # file, which it decodes): which uploads it takes.
    takes: frozenset[str] = frozenset({"float32"})
    shares: bool = False  # answers pages of other origins (CORS), by what it said of the very headers a page will send
    preflight_lasts: float | None = None  # seconds that a browser remembers this; None where it is not told it may
    has_binary: bool = True  # takes and gives tensors as bytes behind the JSON; else as numbers in it
    tls_pin: str | None = None  # base64 of the SHA-256 of its public key, for --ignore-certificate-errors-spki-list
    certificate: str | None = field(default=None, repr=False)  # PEM, to be trusted beside those that the system trusts
    headers: Credentials = field(default_factory=Credentials, repr=False)  # to be sent with each request
    # How it ended, where that is seen from here; None while it runs.
    ended: Callable[[], str | None] = field(default=_unknown, repr=False, compare=False)

    @property
    def path(self) -> str:
        """Where it infers."""
        return f"/v2/models/{self.model}/infer"
