"""What lies between a page and the servers that it asks."""

from benchmarks.protocol import Network
from browser_harness.network import LOOPBACK, Conditions, Link


def network_of(link: Link, conditions: Conditions) -> Network | None:
    """Return what lies between, measured now or earlier in this run; None where nothing does."""
    if conditions == LOOPBACK:
        return None
    return Network(conditions, link.obtained(), link.kind, link.lacks, link.congestion_control)
