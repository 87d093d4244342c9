"""Saved runs that nobody measured, made of their samples as a real run's are."""

import json

import numpy as np

from benchmarks.measuring.ratio import STATISTICS
from benchmarks.measuring.starts import figure
from benchmarks.results import Run, devices, keys

SHA = "98c538b6c1ff" + "0" * 52
XEON = {"brand_raw": "Intel(R) Xeon(R) Processor", "family": 6, "model": 167, "count": 2}
NEAR = (1.0, 1.01, 0.99, 1.02, 0.98)  # how five starts differ


def starts(seconds, scatter=NEAR, samples=30):
    """Return the samples of starts whose times are *seconds*, but for their own scatter."""
    return [[seconds * factor] * samples for factor in scatter]


def benchmark(model="resnet20", platform="server-cpu", of_starts=0.001, batch=1, phase="latency", **info):
    """Return a benchmark of these samples of each start, or of starts near a time."""
    drawn = starts(of_starts) if isinstance(of_starts, float) else of_starts
    data = [value for start in drawn for value in start]
    iterations = info.pop("iterations", 1)
    figures = {name: figure([of(np.array(start)) for start in drawn]).to_json() for name, of in STATISTICS.items()}
    extra = {
        keys.STATISTIC: "p10",
        keys.MODEL_SHA256: SHA,
        keys.PRECISION: "float32",
        keys.BATCH_SIZE: batch,
        keys.INPUTS: {"input": [batch, 3, 32, 32]},
        keys.THREADS: 1,
        keys.CLOCK: "time.perf_counter",
        keys.STARTS: [[len(start)] for start in drawn],
        keys.STARTS_WANTED: len(drawn),
        keys.FIGURES: figures,
        **info,
    }
    name = f"test_{phase}[{model}-{platform}-b{batch}]"
    mean = float(np.mean(data))
    stats = {"data": data, "iterations": iterations, "rounds": len(data), "ops": 1 / mean, "mean": mean}
    return {
        "fullname": f"benchmarks/test_{phase}.py::{name}",
        "name": name,
        "params": {"model": model, "platform": platform, "batch_size": batch},
        "stats": {**stats, "median": float(np.median(data)), "min": min(data), "max": max(data)},
        "options": {},
        "extra_info": extra,
    }


def ratio(value, near=0.02):
    """Return a ratio to server-cpu, for a benchmark's extra_info."""
    ends = {"low": value * (1 - near), "high": value * (1 + near), "confidence": 0.95}
    return {
        f"{keys.RATIO_TO}server_cpu": {
            "statistic": "p10",
            "value": value,
            "ours": value,
            "theirs": 1.0,
            "pairs": 5,
            **ends,
        }
    }


def doubtful(words="drifted by -41%"):
    """Return a doubt, for a benchmark's extra_info."""
    return {keys.TRUST: {keys.DOUBTS: {"drift": words}}}


def content(*benchmarks, exit_status=0, commit="a" * 40, **machine):
    """Return what a saved run holds; without an exit status it is pytest-benchmark's alone."""
    info = {"cpu": XEON, "cores_usable": 2, "cores": 2, "gpus": [], "machine": "x86_64", "system": "Linux", **machine}
    of_suite = {} if exit_status is None else {keys.SCHEMA: keys.SCHEMA_NUMBER, keys.EXIT_STATUS: exit_status}
    return {
        **of_suite,
        "machine_info": info,
        "commit_info": {"id": commit, "dirty": False},
        "datetime": "2026-11-27T14:38:07+00:00",
        "benchmarks": benchmarks,
    }


def save(file, *benchmarks, **about):
    """Save a run; return its file."""
    file.write_text(json.dumps(content(*benchmarks, **about)))
    return file


def run(file, *benchmarks, **about):
    """Return a run, read, which is said to come from that file."""
    return Run.of(content(*benchmarks, **about), file)


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
SERVING = {"cpu": XEON, "cores_usable": 2, "cores": 2, "gpus": [], "machine": "x86_64", "system": "Linux"}


def about(engine="firefox", version="153.7.0", cores=2, **claims):
    """Return what a device that joined says of itself."""
    told = {"userAgent": FIREFOX, "brands": None, "hints": None, "memory": None, "isolated": True, "secure": True}
    told |= {"clockStep": 0.02, "connection": None, "adapter": None, "transport": "loopback"}
    return {"engine": engine, "version": version, "cores": cores, **told, **claims}


def of_device(claims=None, serving=SERVING):
    """Return the machine_info of a run for a device, for :func:`content` and those that take its words."""
    told = about() if claims is None else claims
    return dict.fromkeys(("cores_usable", "gpus")) | devices.machine_info(told, serving)
