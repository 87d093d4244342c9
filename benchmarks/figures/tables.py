"""The README's tables, from what was saved: ``python -m benchmarks.figures.tables [RESULTS.json …]``.

Without a file the candidates and the models of the manifest; of a saved run its latencies, or its accuracies.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models import manifest

SERVER, BROWSER = "server-cpu", "chromium-wasm"
Result = dict[str, Any]


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


def latency_table(results: list[Result]) -> str:
    """Return medians, the ratio of 10th percentiles, and images a second, of both sides of each case."""
    sides: dict[tuple[str, int], dict[str, Result]] = {}
    for result in results:
        params = result["params"]
        sides.setdefault((params["model"], params["batch_size"]), {})[params["platform"]] = result
    rows = []
    for (model, batch), side in sides.items():
        if {SERVER, BROWSER} <= side.keys():
            medians = [f"{side[name]['stats']['median'] * 1e3:#.3g} ms" for name in (SERVER, BROWSER)]
            p10 = [side[name]["extra_info"].get("p10") for name in (SERVER, BROWSER)]
            ratio = f"{p10[1] / p10[0]:.1f}×" if all(p10) else "–"  # fewer than ten samples have no p10
            speeds = [f"{side[name]['extra_info']['images_per_second']:,.0f}" for name in (SERVER, BROWSER)]
            rows.append([f"`{model}`", str(batch), *medians, ratio, *speeds])
    head = [
        "model",
        "batch",
        f"`{SERVER}`",
        f"`{BROWSER}`",
        "browser / server",
        "server, images/s",
        "browser, images/s",
    ]
    return table(head, rows)


def accuracy_table(results: list[Result]) -> str:
    """Return top-1, top-5 and agreement with the reference, of every model on every platform."""
    rows = []
    for result in results:
        info, params = result["extra_info"], result["params"]
        shares = [f"{info[name]:.2f} %" for name in ("top1", "top5", "as_reference")]
        rows.append([f"`{params['model']}`", f"`{params['platform']}`", info["precision"], *shares])
    return table(["model", "platform", "precision", "top-1", "top-5", "as the reference"], rows, words=3)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="RESULTS.json")
    files = parser.parse_args().files
    if not files:
        print(candidates_table(), models_table(), sep="\n\n")
    for file in files:
        results: list[Result] = json.loads(file.read_text())["benchmarks"]
        accuracies = [result for result in results if "as_reference" in result["extra_info"]]
        print(accuracy_table(accuracies) if accuracies else latency_table(results))


if __name__ == "__main__":
    main()
