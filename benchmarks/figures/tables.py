"""The tables of README and docs, from what was saved: ``python -m benchmarks.figures.tables [RESULTS.json …]``.

Without a file the candidates and the models of the manifest; of a saved run a table for each phase that was measured.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from models import manifest

Result = dict[str, Any]
NONE = "–"


def table(head: list[str], rows: Iterable[list[str]], words: int = 1) -> str:
    """Return a Markdown table whose first *words* columns are words and the rest numbers."""
    rule = "|".join(["---"] * words + ["--:"] * (len(head) - words))
    head_line, *lines = (f"| {' | '.join(row)} |" for row in [head, *rows])
    return "\n".join([head_line, f"|{rule}|", *lines])


def candidates_table() -> str:
    """Return every candidate with its size and its accuracy in the screening."""
    chosen = manifest.chosen()
    rows = [
        [
            f"`{name}`",
            f"{row['parameters']:,}",
            f"{row['multiply_adds'] / 1e6:.1f} M",
            f"{row['held_out']['top1']:.2f} %",
            "yes" if name in chosen else "",
        ]
        for name, row in manifest.candidates().items()
    ]
    return table(["candidate", "parameters", "multiply-adds", "held-out top-1", "chosen"], rows)


def models_table() -> str:
    """Return every file of the manifest with its size and its accuracy on the test set."""
    rows = []
    for name, row in sorted(manifest.rows().items(), key=lambda item: (-item[1]["parameters"], item[0])):
        epochs, test = row["training"]["epochs"], row["test"]
        kilobytes = f"{row['bytes'] / 1e3:,.0f} kB"
        rows.append(
            [f"`{name}`", row["precision"], kilobytes, f"{epochs}", f"{test['top1']:.2f} %", f"{test['top5']:.2f} %"]
        )
    return table(["model", "precision", "size", "epochs", "top-1", "top-5"], rows, words=2)


def of_phase(results: list[Result], test: str) -> list[Result]:
    """Return the results of a test that are a speed: what a software GPU took is none."""
    return [
        result
        for result in results
        if result["name"].startswith(f"test_{test}[") and not result["extra_info"].get("software_gpu")
    ]


def latency_table(results: list[Result]) -> str:
    """Return a row for each model and platform, and for each batch size the median and the ratio to ``server-cpu``."""
    latencies = of_phase(results, "latency")
    sizes = sorted({result["params"]["batch_size"] for result in latencies})
    rows: dict[tuple[str, str], dict[int, Result]] = {}
    for result in latencies:
        params = result["params"]
        rows.setdefault((params["model"], params["platform"]), {})[params["batch_size"]] = result
    head = ["model", "platform", *(f"{what}batch {size}" for size in sizes for what in ("", "× server-cpu, "))]
    body = [
        [f"`{model}`", f"`{platform}`", *(cell for size in sizes for cell in _latency(row.get(size)))]
        for (model, platform), row in rows.items()
    ]
    return table(head, body, words=2)


def _latency(result: Result | None) -> list[str]:
    if result is None:
        return [NONE, NONE]
    # A quota stops a weak client now and then, which a median does not see.
    of = "mean" if "slowdown" in result["extra_info"] else "median"
    return [milliseconds(result["stats"][of]), ratio(result, "ratio_to_server_cpu")]


def milliseconds(seconds: float) -> str:
    """Return three digits."""
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.1 else f"{seconds * 1e3:#.3g} ms"


def ratio(result: Result, name: str) -> str:
    """Return a paired ratio with its interval."""
    found = result["extra_info"].get(name)
    if not found:
        return NONE
    return f"{found['value']:.2f}" + (f" ({found['low']:.2f} to {found['high']:.2f})" if "low" in found else "")


def overview_table(results: list[Result], model: str) -> str:
    """Return a row for each platform with what decides between client and server, of one model."""
    of_model = [result for result in results if result["params"]["model"] == model]
    by_test = {test: _by_platform(of_phase(of_model, test)) for test in ("load", "first_inference", "memory")}
    latencies = of_phase(of_model, "latency")
    sizes = sorted({result["params"]["batch_size"] for result in latencies})
    head = [
        "platform",
        "batch 1",
        *(f"× server-cpu, batch {size}" for size in sizes),
        "cold load",
        "first",
        "peak memory",
    ]
    rows = []
    for platform, result in _by_platform([one for one in latencies if one["params"]["batch_size"] == 1]).items():
        same = {one["params"]["batch_size"]: one for one in latencies if one["params"]["platform"] == platform}
        opened = [by_test[test].get(platform) for test in ("load", "first_inference")]
        memory = by_test["memory"].get(platform)
        rows.append(
            [
                f"`{platform}`",
                milliseconds(result["stats"]["median"]),
                *(ratio(same[size], "ratio_to_server_cpu") if size in same else NONE for size in sizes),
                *(_median(one) if one else NONE for one in opened),
                _megabytes(memory, "memory_peak") if memory else NONE,
            ]
        )
    return table(head, rows)


def _by_platform(results: list[Result]) -> dict[str, Result]:
    """Return the first result of each platform: of its openings those with cold caches."""
    found: dict[str, Result] = {}
    for result in results:
        found.setdefault(result["params"]["platform"], result)
    return found


def scaling_table(results: list[Result]) -> str:
    """Return the ratio to one thread of the same platform."""
    rows = [
        [
            f"`{result['params']['platform']}`",
            str(result["params"]["batch_size"]),
            milliseconds(result["stats"]["median"]),
            ratio(result, "ratio_to_one_thread"),
        ]
        for result in of_phase(results, "scaling")
    ]
    return table(["platform", "batch", "median", "× one thread"], rows)


def opening_table(results: list[Result]) -> str:
    """Return medians of load and first inferences, and the most memory, by platform and what its caches held."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    columns: dict[str, Callable[[Result], list[str]]] = {
        "load": lambda result: [_median(result), _megabytes(result, "fetched_bytes")],
        "first_inference": lambda result: [_median(result)],
        "second_inference": lambda result: [_median(result)],
        "memory": lambda result: [_megabytes(result, f"memory_{name}") for name in ("before", "peak", "wasm")],
    }
    for test, cells in columns.items():
        for result in of_phase(results, test):
            params = result["params"]
            rows.setdefault((params["model"], params["platform"], params["caches"]), []).extend(cells(result))
    head = ["model", "platform", "caches", "load", "fetched", "first", "second", "before", "peak", "wasm"]
    body = [[f"`{model}`", f"`{platform}`", caches, *cells] for (model, platform, caches), cells in rows.items()]
    return table(head, body, words=3)


def _median(result: Result) -> str:
    return milliseconds(result["stats"]["median"])


def _megabytes(result: Result, name: str) -> str:
    value = result["extra_info"].get(name)
    return NONE if value is None else f"{value / 1e6:.1f} MB"


def accuracy_table(results: list[Result]) -> str:
    """Return top-1, top-5 and agreement with the reference, of every model on every platform."""
    rows = []
    for result in results:
        info, params = result["extra_info"], result["params"]
        shares = [f"{info[name]:.2f} %" for name in ("top1", "top5", "as_reference")]
        rows.append([f"`{params['model']}`", f"`{params['platform']}`", info["precision"], *shares])
    return table(["model", "platform", "precision", "top-1", "top-5", "as the reference"], rows, words=3)


def tables_of(results: list[Result]) -> list[str]:
    """Return a table for each phase that *results* hold."""
    accuracies = [result for result in results if "as_reference" in result["extra_info"]]
    known: Sequence[tuple[str, Callable[[], str]]] = (
        ("latency", lambda: overview_table(results, results[0]["params"]["model"])),
        ("latency", lambda: latency_table(results)),
        ("scaling", lambda: scaling_table(results)),
        ("load", lambda: opening_table(results)),
    )
    found = [make() for test, make in known if of_phase(results, test)]
    return found + ([accuracy_table(accuracies)] if accuracies else [])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="RESULTS.json")
    files = parser.parse_args().files
    if not files:
        print(candidates_table(), models_table(), sep="\n\n")
    for file in files:
        print(*tables_of(json.loads(file.read_text())["benchmarks"]), sep="\n\n")


if __name__ == "__main__":
    main()
