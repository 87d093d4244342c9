"""A network between a page and the servers that it asks: a round trip, and a rate each way.

The door is :data:`LINKS`: ``with LINKS.at(conditions) as link``. Who opens a listening socket or starts a server does
so ``with link.on_server_side()``, who starts a browser ``with link.on_client_side()``; the page asks ``link.host`` at
``link.entrance(port)``. Nobody needs to know how the link is made: over loopback, all of this changes nothing.
"""

from browser_harness.network.asked import of_name, parse
from browser_harness.network.conditions import LOOPBACK, Conditions, Obtained, doubt
from browser_harness.network.link import Carried, Link
from browser_harness.network.links import LINKS
from browser_harness.network.namespaces import LinkError
from browser_harness.network.profiles import PROFILES

__all__ = [
    "LINKS",
    "LOOPBACK",
    "PROFILES",
    "Carried",
    "Conditions",
    "Link",
    "LinkError",
    "Obtained",
    "doubt",
    "of_name",
    "parse",
]
