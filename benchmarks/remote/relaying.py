"""A page's own server in front of one that answers no pages of other origins."""

from benchmarks.remote.connection import Connection
from benchmarks.remote.served import Served
from browser_harness.network import Link
from browser_harness.relay import Relay


def relay(served: Served, link: Link | None = None, timeout: float = 60.0) -> Relay:
    """Return what the page's server passes on: set as its ``relay``, requests below ``/v2/`` go to *served*.

    Its credentials are added there, and the page sees none of them. The connections start at the clients' end of
    *link*.
    """
    side = {"side": link.on_client_side} if link else {}
    return Relay(lambda: Connection(served.origin, served.headers, timeout, served.certificate, **side), "/v2/")
