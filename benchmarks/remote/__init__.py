"""Servers that answer by the Open Inference Protocol v2: one that is started here, and any that exists.

:func:`serving` starts KServe, in an environment of its own, for one model; :func:`existing` asks a server that is
there. Both tell of it as a :class:`Served`, which a page or a :class:`Client` then asks; where pages of other origins
may not, their own server asks in their place, by :func:`relay`.
"""

from benchmarks.remote.asking import existing, origin_of
from benchmarks.remote.client import Client
from benchmarks.remote.embedded import Preparation, Scheme, serving
from benchmarks.remote.environment import unavailable, versions
from benchmarks.remote.relaying import relay
from benchmarks.remote.served import Served
from benchmarks.remote.words import RemoteError

__all__ = [
    "Client",
    "Preparation",
    "RemoteError",
    "Scheme",
    "Served",
    "existing",
    "origin_of",
    "relay",
    "serving",
    "unavailable",
    "versions",
]
