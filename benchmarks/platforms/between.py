"""What lies between a page and the servers that it asks."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.protocol import Case, Network, PlatformError
from browser_harness.network import LINKS, LOOPBACK, Conditions, Link, LinkError


@contextmanager
def linked(platform: str, case: Case) -> Iterator[Link]:
    """Have the link of a case while the context lasts; PlatformError where there can be none, or it has broken."""
    try:
        with LINKS.at(case.network) as link:
            yield link
    except LinkError as error:
        raise PlatformError(f"{platform}: {case.model_file.name}: {error}") from error


def end_of(link: Link) -> str | None:
    """Say that a link has ended; None while it carries."""
    return None if link.runs else f"the network between ({link.kind}) has ended meanwhile; start the run again"


def network_of(link: Link, conditions: Conditions) -> Network | None:
    """Return what lies between, measured now or earlier in this run; None where nothing does."""
    if conditions == LOOPBACK:
        return None
    return Network(conditions, link.obtained(), link.kind, link.lacks, link.congestion_control)
