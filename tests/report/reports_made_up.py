"""Saved runs for reports that are looked at: real ones that fill every section, and odd ones."""

import json

from helpers import ROOT
from made_up_fleets import chunks, device
from made_up_fleets import save as save_fleet
from made_up_runs import about, of_device, ratio, save
from made_up_runs import benchmark as made_up

from benchmarks.results.fleet import FleetChunk

RUNS = ROOT / "docs" / "runs"
STUDY = [
    *(RUNS / "visitor" / f"{name}.json" for name in ("blocking-large", "first", "later", "server")),
    RUNS / "decide" / "check" / "decision.json",  # its cells; the runs behind them are more rows of the same
    RUNS / "decide" / "load.json",
    *(
        RUNS / "nvidia-h200" / f"{name}.json" for name in ("networks", "batches", "accuracy", "webgpu")
    ),  # a second machine
]
FATES = ["left", "lied", "hung", "beaten", "open"]
MODEL = "resnet20"  # of more models a report has more of the same; files without it have untrained ones
OTHER = "resnet14"  # a second one beside it on the plane of accuracy and latency
SCRIPT = '<script>console.error("ran")</script><img src="https://example.invalid/x.png" onerror="console.error(1)">'
TURNED = "\u202eltr\u202c\u2067\u05d0\u05d1\u2069"  # names that turn the direction of what follows
LONG = "a" * 300
WIDE = "\u753b\u50cf" * 40  # each letter takes the place of two
UNLIKE = f"</title></svg><style>*{{display:none}}</style>{TURNED}\"'&lt;{{{{ 7 * 7 }}}}"
HOSTILE = [SCRIPT, TURNED, LONG, UNLIKE, WIDE]


def whole(folder):
    """Write real runs that fill every section, of one model where they have it; return the files."""
    files = [folder / f"{number}-{file.name}" for number, file in enumerate(STUDY)]
    for file, copy in zip(STUDY, files, strict=True):
        content = json.loads(file.read_text())
        models = (MODEL, OTHER) if file.stem == "webgpu" else (MODEL,)
        if kept := [one for one in content.get("benchmarks", []) if one["params"]["model"] in models]:
            content["benchmarks"] = kept
        copy.write_text(json.dumps(content))
    return [*files, *joined(folder)]


def joined(folder):
    """Write runs for devices that joined, and fleets of them, one of them with lost chunks; return the files."""
    phone = about("chromium", "153.0", 8, hints={"model": "Pixel 8", "platform": "Android"}, transport="http")
    claims = {"firefox": about(), "chromium": about("chromium", "153.0.8010.0", userAgent="none"), "phone": phone}
    files = [folder / f"{name}-joined.json" for name in claims]
    for file, told in zip(files, claims.values(), strict=True):
        rows = [made_up("resnet8", f"{told['engine']}-wasm", of_starts=0.004, **ratio(4.0))]
        save(file, *rows, **of_device(told))
    lost = [*chunks(1, 9.0), *(FleetChunk(2, 0, 9, at, at + 1.0, fate) for at, fate in enumerate(FATES))]
    fleets = {"one": {}, "two": {"chunks": lost, "seconds": 9.0}}
    for number, (name, told) in enumerate(fleets.items(), 1):
        devices = [device(one + 1, slowdown=one * 3 + 1, claims=about("webkit")) for one in range(number)]
        files.append(save_fleet(folder / f"fleet-{name}.json", *devices, **told))
    return files


def benchmark(name, **stats):
    """Return a benchmark as pytest-benchmark saves it."""
    stats = {"median": 1.02e-3, "mean": 1.02e-3, "min": 1e-3, "max": 1.04e-3, "iterations": 1, "rounds": 40} | stats
    parts = {"params": {}, "stats": stats, "options": {}, "extra_info": {}}
    return {"fullname": f"benchmarks/x.py::{name}", "name": name, **parts}


def run(*benchmarks):
    """Return a run as pytest-benchmark saves it."""
    machine = {"node": "elsewhere", "cpu": {"brand_raw": "Some CPU", "count": 4}}
    when = {"commit_info": {}, "datetime": "2026-11-25T04:39:05+00:00"}
    return {"machine_info": machine, **when, "benchmarks": [*benchmarks]}


def hostile():
    """Return a run of this suite whose every text means harm."""
    visitor = json.loads((RUNS / "visitor" / "later.json").read_text())
    visitor["benchmarks"] = visitor["benchmarks"][: len(HOSTILE)]
    for one, text in zip(visitor["benchmarks"], HOSTILE, strict=True):
        for part in ("model", "platform"):
            one["params"][part] = f"{one['params'][part]}{text}"
        for part in ("name", "fullname"):
            one[part] = f"{one[part]}{text}"
        one["extra_info"].setdefault("trust", {})["doubts"] = {"others": f"doubtful {text}"}
    visitor["machine_info"]["cpu"]["brand_raw"] = f"{SCRIPT} {LONG}"
    visitor["machine_info"]["node"] = UNLIKE
    return visitor


def odd(folder):
    """Write runs that are shown as far as they go, and files that are refused; return all of them."""
    data = [1e-3 + number / 1e6 for number in range(40)]
    plain = run(benchmark("test_sort[small]", data=data), benchmark(f"test_{SCRIPT}", data=data))
    nothing_kept = run(benchmark("test_sort[small]"))
    texts = {
        "plain": json.dumps(plain),
        "no-samples": json.dumps(nothing_kept),
        "hostile": json.dumps(hostile()),
        "cut": json.dumps(plain)[:200],
        "<b>empty": "{}",
    }
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return [*(folder / f"{name}.json" for name in texts), ROOT / "tests" / "results" / "schema-1.json"]
