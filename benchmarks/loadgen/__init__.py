"""How many inferences a second a server carries: MLPerf LoadGen asks, by its own scenarios.

The door is :func:`search`: ``with system_of(platform, case, settings) as system: search(system, asked, plan, tell)``. A
:class:`System` is whatever opens something that can be asked, once for each worker: a native session in this process,
or a connection to a server. LoadGen's clock runs from the moment that a query was due until its answer is told: the
waiting for a worker, making the inputs ready, the inference and naming its outputs are inside, and with a server the
request.
"""

from benchmarks.loadgen.plan import COMPLIANCE, LoadError, Plan, loadgen_version, unavailable
from benchmarks.loadgen.scenarios import Carried, Outcome, ask_only, milliseconds, search
from benchmarks.loadgen.systems import CONNECTIONS, ON_DEVICE, System, parity_alone, system_of, workers_of
from benchmarks.loadgen.trial import Trial
from benchmarks.loadgen.workers import Asked

__all__ = [
    "COMPLIANCE",
    "CONNECTIONS",
    "ON_DEVICE",
    "Asked",
    "Carried",
    "LoadError",
    "Outcome",
    "Plan",
    "System",
    "Trial",
    "ask_only",
    "loadgen_version",
    "milliseconds",
    "parity_alone",
    "search",
    "system_of",
    "unavailable",
    "workers_of",
]
