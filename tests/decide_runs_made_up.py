"""Saved runs of both sides that nobody measured: their right answers are known."""

import json

from benchmarks.results import Run, keys

SHA = "98c538b6c1ff"
NEAR = 0.01  # the half width of an interval, as a share


def figure(value, share=NEAR):
    """Return a figure with an interval; None has none."""
    ends = {} if share is None else {"low": value * (1 - share), "high": value * (1 + share), "confidence": 0.95}
    return {"value": value, "starts": 5, **ends}


def result(phase, model, platform, seconds, *rest, share=NEAR, **info):
    """Return a benchmark whose headline is *seconds*; *rest* is the batch size or what caches held."""
    params = {"model": model, "platform": platform}
    for value in rest:
        params["batch_size" if isinstance(value, int) else "caches"] = value
    name = "-".join([model, platform, *(f"b{value}" if isinstance(value, int) else value for value in rest)])
    headline = "mean" if keys.SLOWDOWN in info else "p10"
    extra = {
        keys.STATISTIC: headline,
        keys.MODEL_SHA256: SHA,
        keys.PRECISION: "float32",
        keys.BATCH_SIZE: 1,
        keys.INPUTS: {"input": [1, 3, 32, 32]},
        keys.FIGURES: dict.fromkeys(("median", "mean", "p10"), figure(seconds, share)),
        **info,
    }
    return {
        "fullname": f"benchmarks/test_{phase}.py::test_{phase}[{name}]",
        "name": f"test_{phase}[{name}]",
        "params": params,
        "stats": {"data": [seconds] * 5, "median": seconds},
        "options": {},
        "extra_info": extra,
    }


def network(name="0ms", round_trip=0.0, down=0.0, up=0.0):
    """Return what a result says of its network."""
    asked = {"name": name, "round_trip": round_trip, "down": down, "up": up}
    return {
        keys.NETWORK: {
            "asked": asked,
            "obtained": {"round_trip": round_trip, "down": down or None, "up": up or None},
            "kind": "tun",
            "lacks": [],
            "congestion_control": "reno",
        }
    }


def remote(model, seconds, inference, platform="remote-cpu", phase="latency", over=None, **info):
    """Return an answer of a server that was asked from a page."""
    over = network() if over is None else over
    words = f"-over-{over[keys.NETWORK]['asked']['name']}" if over else ""
    extra = {
        keys.SERVER: {"software": "kserve 0.21.0", "protocol": "http/1.1", "url": None, "is_relayed": False},
        keys.UPLOAD: {"form": "float32", "bytes": 12288},
        keys.SERVER_SECONDS: figure(inference),
        keys.WIRE_BYTES: {"up": 13543, "down": 1140},
        **over,
        **info,
    }
    rest = (1,) if phase == "latency" else ("cold",)
    return result(phase, model, f"{platform}{words}", seconds, *rest, **extra)


UNCOMPRESSED = {"/index.html": 153, "/engines/ort.mjs": 4435, "/ort/ort.wasm": 14_000_000, "/model/0": 1_000_000}
COMPRESSED = {
    "/index.html": {"wire": 100, "decoded": 153, "encoding": "br"},
    "/engines/ort.mjs": {"wire": 1435, "decoded": 4435, "encoding": "br"},
    "/ort/ort.wasm": {"wire": 2_300_000, "decoded": 14_000_000, "encoding": "br"},
    "/model/0": {"wire": 1_000_000, "decoded": 1_000_000, "encoding": None},
}


def client(model, seconds, platform="chromium-wasm", load=0.3, first=0.02, fetched=UNCOMPRESSED, **info):
    """Return a client's latency, load and first inference, with cold and warm caches."""
    details = {keys.DETAILS: {keys.FETCHED: fetched}}
    results = [result("latency", model, platform, seconds, 1, **details, **info)]
    for caches, size in (("cold", fetched), ("warm", {"/index.html": fetched["/index.html"]})):
        has = {keys.DETAILS: {keys.FETCHED: size}}
        results.append(result("load", model, platform, load, caches, **has, **info))
        results.append(result("first_inference", model, platform, first, caches, **has, **info))
    return results


def blocking(model, longest_task, platform="chromium-wasm", seconds=0.003, share=0.0, **info):
    """Return what an animation in a page suffered of inferences that took *seconds*."""
    worst = {"window": 1.0, "inferences": 9, "longest_task": 2 * longest_task, "total_blocking_time": 0.0}
    worst |= {"frames": 50, "frames_missed": 10, "frames_at_rest": 60.0}
    saw = {keys.BLOCKING: worst, keys.LONGEST_TASK: figure(longest_task, share)}
    return result("blocking", model, platform, seconds, 1, **saw, **info)


def memory(model, taken, platform="chromium-wasm", caches="cold", **info):
    """Return what a page took over its start, in bytes."""
    sizes = {f"{keys.MEMORY}before": 90_000_000, f"{keys.MEMORY}peak": 90_000_000 + taken}
    return result("memory", model, platform, 0.5, caches, **sizes, **info)


def content(*benchmarks, machine="Xeon", started="2026-11-26T00:00:00", exit_status=0):
    """Return a saved run."""
    info = {"cpu": {"brand_raw": machine}, "cores_usable": 2, "gpus": [], "machine": "x86_64"}
    return {
        keys.SCHEMA: keys.SCHEMA_NUMBER,
        keys.EXIT_STATUS: exit_status,
        "machine_info": info,
        "datetime": started,
        "benchmarks": benchmarks,
    }


def run(tmp_path, *benchmarks, **about):
    """Return a run, read."""
    return Run.of(content(*benchmarks, **about), tmp_path / "run.json")


def save(file, *benchmarks, **about):
    """Save a run; return its file."""
    file.write_text(json.dumps(content(*benchmarks, **about)))
    return file


def whole(model="resnet20", inference=0.001, total=0.004, later=0.003):
    """Return all that is needed of a model."""
    return [
        result("latency", model, "server-cpu", inference, 1),
        remote(model, total, inference),
        remote(model, total + 0.006, inference, phase="first_inference"),
        *client(model, later),
    ]
