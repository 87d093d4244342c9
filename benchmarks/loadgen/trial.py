"""One trial: LoadGen asks by a scenario, and its own logs say what came of it."""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.loadgen.plan import LoadError
from benchmarks.loadgen.workers import Workers
from browser_harness.scratch import Scratch

Scenario = Literal["SingleStream", "Offline", "Server"]
# valid: LoadGen's word for a trial that keeps to its own settings. over: more than one query in a hundred took longer
# than the bound. unproved: no more than that, but so few queries that it may be chance (LoadGen's early stopping).
# short: a trial that ended before it had the queries or the time that it was to have. LoadGen calls all but the first
# INVALID.
Verdict = Literal["valid", "over", "unproved", "short"]
PERCENTILES = (50, 90, 99)
EACH_QUERY = re.compile(rb'"issue_start_ns":(\d+),"complete_ns":(\d+)')  # of the trace, both since the query was due
MEANWHILE = 0.1  # seconds from one look at the workers to the next
TOO_LATE = 0.02  # of a trial's queries: with more of them late it is lost, whatever the others do


@dataclass(frozen=True)
class Asking:
    """What LoadGen is set to. Times in seconds, rates in queries a second."""

    scenario: Scenario
    seconds: float
    queries: int
    expected: float  # of SingleStream a latency, of the others a rate: LoadGen makes its queries beforehand
    bound: float = 0.0  # of Server: for p99
    longest: float = 0.0  # 0 for no limit


@dataclass(frozen=True)
class Trial:
    """What came of a trial, in LoadGen's figures. Times in seconds."""

    scenario: Scenario
    rate: float | None  # queries a second that it was to have, of Server
    verdict: Verdict
    queries: int
    seconds: float  # that it took, from the first query to the last answer
    is_given_up: bool  # so many were late that what came later was not computed: it has no figures
    percentiles: Mapping[int, float] = field(default_factory=dict)
    per_second: float | None = None  # answers
    lateness: float | None = None  # p99: LoadGen itself asked so much later than it meant to; inside the latencies
    cores: float | None = None  # that this process kept busy
    latencies: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return it without its latencies, and without what is not known."""
        known = {
            "scenario": self.scenario,
            "rate": self.rate,
            "verdict": self.verdict,
            "queries": self.queries,
            "seconds": self.seconds,
            "given_up": self.is_given_up or None,
            **{f"p{percentile}": value for percentile, value in self.percentiles.items()},
            "per_second": self.per_second,
            "lateness": self.lateness,
            "cores": self.cores,
        }
        return {name: value for name, value in known.items() if value is not None}


def run(workers: Workers, asking: Asking) -> Trial:
    """Run a trial; raise what a worker raised, ParityError where an answer under load is wrong."""
    allowed = TOO_LATE * max(asking.queries, asking.expected * asking.seconds) if asking.bound else 0.0
    workers.begin(asking.bound, allowed)
    with Scratch() as scratch:
        clock, busy = time.perf_counter(), time.process_time()
        _ask(workers, asking, scratch.path)
        wall, busy = time.perf_counter() - clock, time.process_time() - busy
        workers.end()
        if workers.is_lost:
            told = details(scratch.path)
            return Trial("Server", asking.expected, "over", told["result_query_count"], wall, is_given_up=True)
        return _told(asking, details(scratch.path), (scratch.path / "mlperf_log_trace.json").read_bytes(), busy / wall)


def _ask(workers: Workers, asking: Asking, folder: Path) -> None:
    """Have LoadGen ask, in a thread: it does not come back before the end, and somebody has to watch meanwhile."""
    import mlperf_loadgen

    wanted, log, failures = settings(asking), log_settings(folder), list[Exception]()
    system = mlperf_loadgen.ConstructSUT(workers.issue, lambda: None)
    library = mlperf_loadgen.ConstructQSL(1, 1, lambda _: None, lambda _: None)  # one sample, which workers have

    def ask() -> None:
        try:
            mlperf_loadgen.StartTestWithLogSettings(system, library, wanted, log)
        except Exception as error:  # raised below
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True, name="loadgen")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(MEANWHILE)
            workers.watch()
    except BaseException:  # LoadGen has to end before its callbacks may go
        workers.give_up(LoadError(f"{workers.name}: the load was interrupted"))
        thread.join()
        raise
    finally:
        if not thread.is_alive():
            mlperf_loadgen.DestroyQSL(library)
            mlperf_loadgen.DestroySUT(system)
    if failures:
        raise LoadError(f"{workers.name}: LoadGen: {failures[0]}") from failures[0]


def settings(asking: Asking) -> Any:
    """Return LoadGen's settings."""
    import mlperf_loadgen

    wanted = mlperf_loadgen.TestSettings()
    wanted.scenario = getattr(mlperf_loadgen.TestScenario, asking.scenario)
    wanted.mode = mlperf_loadgen.TestMode.PerformanceOnly
    wanted.min_duration_ms, wanted.max_duration_ms = round(asking.seconds * 1000), round(asking.longest * 1000)
    wanted.min_query_count, wanted.performance_sample_count_override = asking.queries, 1
    if asking.scenario == "SingleStream":
        wanted.single_stream_expected_latency_ns = round(asking.expected * 1e9)
    elif asking.scenario == "Offline":
        wanted.offline_expected_qps = asking.expected
    else:
        wanted.server_target_qps, wanted.server_target_latency_ns = asking.expected, round(asking.bound * 1e9)
        wanted.server_target_latency_percentile = 0.99
    return wanted


def log_settings(folder: Path) -> Any:
    """Return how LoadGen is to log: each query's latency too, which stands in its trace alone."""
    import mlperf_loadgen

    log = mlperf_loadgen.LogSettings()
    log.log_output.outdir, log.log_output.copy_summary_to_stdout = str(folder), False
    log.enable_trace = True
    return log


def details(folder: Path) -> dict[str, Any]:
    """Return LoadGen's own figures: lines of ``:::MLLOG {json}`` with a key and a value; of several the last."""
    lines = (folder / "mlperf_log_detail.txt").read_text().splitlines()
    entries = [json.loads(line.removeprefix(":::MLLOG ")) for line in lines if line.startswith(":::MLLOG ")]
    return {entry["key"]: entry["value"] for entry in entries}


def verdict(told: Mapping[str, Any]) -> Verdict:
    """Say in words of our own what LoadGen's VALID and INVALID come from."""
    if told["result_validity"] == "VALID":
        return "valid"
    if not told.get("result_perf_constraints_met", True):
        return "over"
    return "unproved" if told["result_min_duration_met"] and told["result_min_queries_met"] else "short"


def _told(asking: Asking, told: Mapping[str, Any], trace: bytes, cores: float) -> Trial:
    each = np.array([(int(start), int(end)) for start, end in EACH_QUERY.findall(trace)], np.float64).reshape(-1, 2)
    delays, latencies = each.T / 1e9
    queries = len(latencies)
    if queries != _asked(asking, told):
        raise LoadError(f"LoadGen's trace has {queries} queries, its log {_asked(asking, told)}")
    rates = ("result_completed_samples_per_sec", "result_samples_per_second", "result_qps_with_loadgen_overhead")
    per_second = next(float(told[name]) for name in rates if name in told)
    return Trial(
        asking.scenario,
        asking.expected if asking.scenario == "Server" else None,
        verdict(told),
        queries,
        queries / per_second,
        is_given_up=False,
        percentiles={percentile: _percentile(told, percentile) for percentile in PERCENTILES},
        per_second=per_second,
        lateness=float(np.percentile(delays, 99)) if asking.scenario == "Server" else None,
        cores=cores,
        latencies=latencies,
    )


def _asked(asking: Asking, told: Mapping[str, Any]) -> int:
    """Return how many queries LoadGen says it asked; all those of Offline are one to it."""
    return int(told["generated_samples_per_query"] if asking.scenario == "Offline" else told["result_query_count"])


def _percentile(told: Mapping[str, Any], percentile: int) -> float:
    return float(told[f"result_{percentile}.00_percentile_latency_ns"]) / 1e9
