"""Saved runs of machines that do not exist, made of those that were measured: as many as a report has to bear.

Each machine has the same forty benchmarks, chosen from ``docs/runs`` so that every section of a report has something to
show: models, servers and clients, batches and threads, first loads with their waterfalls, memory, blocking, accuracy,
throughput. Its times are the measured ones times a factor of its own; of the steady state as many samples are drawn,
from those that were measured, as are asked for. The generator is seeded: the same call makes the same files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import Result, Run, keys, load
from benchmarks.results.saved import Json, short

RUNS = Path(__file__).parents[2] / "docs" / "runs"
# By file what is taken from it: nine latencies at batch 1, three of batches, a server that pages ask, openings of pages
# and what they took, what froze them, what a server carries, and an accuracy.
MADE_OF = {
    "visitor/later.json": r"test_latency\[.+",
    "nvidia-h200/batches.json": r"test_latency\[(resnet20-server-cpu-b(8|64)|resnet14-server-cpu-b8)\]",
    "visitor/server.json": r"test_(latency|first_inference)\[.+-remote-cpu-uint8-.+",
    "visitor/first.json": r"test_((load|first_inference)\[.+-cold|memory\[.+-chromium-webnn-b1-cold)\]",
    "visitor/blocking-chromium-webnn.json": r"test_blocking\[.+",
    "decide/load.json": r"test_(offline|server)\[.+-server-cpu-b1\]",
    "nvidia-h200/accuracy.json": r"test_accuracy\[resnet20-server-cuda-b8\]",
}
ON_THREADS = "test_latency[resnet20-server-cpu-b1]"  # of which there is another, on two threads
STEADY = ("test_latency", "test_blocking")
STARTS, BLOCKS = 5, 2
UNREST = 0.02  # of a sample that is drawn anew, as a standard deviation of its logarithm
SLOWEST = 3.0  # times as long as the machine that was measured
BEGINNING = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
# Where extra_info holds times, and by what names: of figures, of a load's requests and parts, of a page that froze.
HOLD_TIMES = (keys.FIGURES, keys.LONGEST_TASK, keys.SERVER_SECONDS, keys.BLOCKING, keys.DETAILS)
FIGURE = {"value", "low", "high"}
LOADING = {"start", "response", "end", "compiled", "runtime", "model", "compile", "session", "worker"}
FREEZING = {"window", "longest_task", "total_blocking_time"}
PERCENTILES = ("p10", "p50", "p90", "p95", "p99")
TIMES = FIGURE | LOADING | FREEZING


def write(folder: Path, machines: int = 10, samples: int = 2000, seed: int = 16) -> list[Path]:
    """Write a run of each machine into *folder*, with *samples* of each steady state; return the files."""
    info, measured = _measured()
    generator = np.random.default_rng(seed)
    files = [folder / f"machine-{number:02}.json" for number in range(1, machines + 1)]
    for number, file in enumerate(files, 1):
        made = _Machine(number, float(np.exp(generator.uniform(0, np.log(SLOWEST)))), samples, generator)
        file.write_text(json.dumps(made.run(info, measured)))
    return files


def _measured() -> tuple[Json, list[Result]]:
    """Return the machine of what was measured, and the benchmarks that each machine has."""
    runs = {file: load(RUNS / file) for file in MADE_OF}
    results = [result for file, run in runs.items() for result in _taken(run, MADE_OF[file])]
    (one,) = (result for result in results if result.name == ON_THREADS)
    return runs["visitor/later.json"].machine, [*results, _on_two_threads(one)]


def _taken(run: Run, pattern: str) -> Iterator[Result]:
    return (result for result in run.results if re.fullmatch(pattern, short(result.fullname)))


def _on_two_threads(result: Result) -> Result:
    old, new = "server-cpu", "server-cpu-2t"
    fullname, name = (text.replace(old, new) for text in (result.fullname, result.name))
    params, info = {**result.params, "platform": new}, {**result.info, keys.THREADS: 2}
    return Result(fullname, name, params, result.stats, result.options, info)


class _Machine:
    """A machine that is *factor* times as slow as the one that was measured."""

    def __init__(self, number: int, factor: float, samples: int, generator: np.random.Generator) -> None:
        self._number, self._factor, self._samples, self._generator = number, factor, samples, generator

    def run(self, info: Json, measured: list[Result]) -> Json:
        """Return a run as pytest-benchmark saves it."""
        own = {"node": f"made-up-{self._number}", "cores": 2 * self._number, "cores_usable": 2 * self._number}
        processor = {**info["cpu"], "brand_raw": f"Made-up Processor {self._number}", "count": 2 * self._number}
        return {
            "machine_info": {**info, **own, "cpu": processor},
            "commit_info": {"id": "0" * 40, "time": BEGINNING.isoformat(), "dirty": False},
            "datetime": (BEGINNING + timedelta(days=self._number)).isoformat(),
            "version": "made up",
            keys.SCHEMA: keys.SCHEMA_NUMBER,
            keys.EXIT_STATUS: 0,
            keys.UNSTABLE: {},
            "benchmarks": [self._benchmark(result) for result in measured],
        }

    def _benchmark(self, result: Result) -> Json:
        is_steady = result.name.startswith(STEADY)
        data = self._drawn(result) if is_steady else np.array(result.samples) * self._factor
        info = self._slower(result.info)
        if is_steady:
            rounds = [len(block) for block in np.array_split(data, STARTS * BLOCKS)]
            info[keys.STARTS] = [rounds[start * BLOCKS : (start + 1) * BLOCKS] for start in range(STARTS)]
        return {
            "group": f"{result.params['model']}, batch {result.params.get('batch_size', 1)}",
            "name": result.name,
            "fullname": result.fullname,
            "params": result.params,
            "options": result.options,
            "extra_info": info,
            "stats": {**result.stats, **_statistics(data)},
        }

    def _drawn(self, result: Result) -> NDArray[np.float64]:
        unrest = np.exp(self._generator.normal(0, UNREST, self._samples))
        drawn: NDArray[np.float64] = self._generator.choice(np.array(result.samples), self._samples)
        return drawn * unrest * self._factor

    def _slower(self, info: Json) -> dict[str, Any]:
        """Return extra_info with longer times, and fewer queries in each second."""
        longer = {key: _times(info[key], self._factor) for key in HOLD_TIMES if key in info}
        rate = info.get(keys.QUERIES_PER_SECOND)
        fewer = {keys.QUERIES_PER_SECOND: _times(rate, 1 / self._factor)} if rate else {}
        percentiles = {key: info[key] * self._factor for key in PERCENTILES if key in info}
        return {**info, **longer, **fewer, **percentiles}


def _times(value: Any, factor: float, name: str = "") -> Any:
    """Return a part of extra_info with the times in it *factor* times as long."""
    if isinstance(value, Mapping):
        return {key: _times(each, factor, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_times(each, factor, name) for each in value]
    return value * factor if name in TIMES and isinstance(value, float) else value


def _statistics(data: NDArray[np.float64]) -> dict[str, Any]:
    shown = {name: float(getattr(np, name)(data)) for name in ("min", "max", "mean", "median", "std")}
    return {**shown, "stddev": shown["std"], "total": float(data.sum()), "rounds": len(data), "data": data.tolist()}
