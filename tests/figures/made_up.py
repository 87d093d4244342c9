"""Runs that nobody measured, as pytest-benchmark would save them: their right answers are known."""

import json
from itertools import chain

import numpy as np

from benchmarks.measuring.ratio import STATISTICS
from benchmarks.measuring.starts import figure
from benchmarks.results import keys


def benchmark(name, starts, **info):
    """Return a benchmark of these starts, each a list of blocks of samples."""
    samples = [*chain(*chain(*starts))]
    of_starts = {
        statistic: [compute(np.concatenate(start)) for start in starts] for statistic, compute in STATISTICS.items()
    }
    figures = {statistic: figure(values).to_json() for statistic, values in of_starts.items()}
    extra = {keys.STATISTIC: "p10", keys.STARTS: [[*map(len, start)] for start in starts], keys.FIGURES: figures}
    return {
        "fullname": f"benchmarks/test_latency.py::test_latency[{name}]",
        "name": f"test_latency[{name}]",
        "params": {"platform": name.partition("-")[2]},
        "stats": {"data": samples, "median": float(np.median(samples))},
        "options": {},
        "extra_info": {**extra, **info},
    }


def ratio(value, low=None, high=None):
    """Return a ratio to server-cpu."""
    ends = {} if low is None else {"low": low, "high": high, "confidence": 0.95}
    paired = {"statistic": "p10", "value": value, "ours": value, "theirs": 1.0, "pairs": 5, "starts": 5, **ends}
    return {"ratio_to_server_cpu": paired}


def trust(others=0.0, **doubts):
    """Return what is known of a benchmark's circumstances."""
    return {keys.TRUST: {keys.OTHER_PROGRAMS: others, keys.DOUBTS: doubts}}


def save(file, *benchmarks, suite="abc", exit_status=0):
    """Save a run."""
    content = {
        keys.SCHEMA: keys.SCHEMA_NUMBER,
        keys.EXIT_STATUS: exit_status,
        "machine_info": {"suite": suite},
        "datetime": "2026-11-26T00:00:00",
        "benchmarks": benchmarks,
    }
    file.write_text(json.dumps(content))
    return file
