"""The tables of the docs, from what was saved: ``python -m benchmarks.figures.tables [RESULTS.json …]``.

Without a file the candidates and the models of the manifest; of a saved run a table for each phase that was measured.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tabulate import tabulate

from benchmarks.results import NotARunError, Result, keys, load
from benchmarks.results.numbers import NONE, milliseconds, within
from models import manifest


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return a Markdown table whose first *words* columns are words and the rest numbers."""
    alignment = ["left"] * words + ["right"] * (len(head) - words)
    return tabulate(rows, head, tablefmt="pipe", colalign=alignment, disable_numparse=True)


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


def of_phase(results: Sequence[Result], test: str) -> list[Result]:
    """Return the results of a test that are a speed: what a software GPU took is none."""
    return [result for result in results if result.name.startswith(f"test_{test}[") and not result.is_software]


def latency_table(results: Sequence[Result]) -> str:
    """Return a row for each model and platform, and for each batch size the median and the ratio to ``server-cpu``."""
    latencies = of_phase(results, "latency")
    sizes, rows = _batch_sizes(latencies), _by_batch_size(latencies)
    head = ["model", "platform", *(f"{what}batch {size}" for size in sizes for what in ("", "× server-cpu, "))]
    body = [
        [f"`{model}`", f"`{platform}`", *(cell for size in sizes for cell in _latency(row.get(size)))]
        for (model, platform), row in rows.items()
    ]
    return table(head, body, words=2)


def _batch_sizes(results: Sequence[Result]) -> list[int]:
    return sorted({result.params["batch_size"] for result in results})


def _by_batch_size(results: Sequence[Result]) -> dict[tuple[str, str], dict[int, Result]]:
    """Return the results of each model and platform."""
    rows: dict[tuple[str, str], dict[int, Result]] = {}
    for result in results:
        params = result.params
        rows.setdefault((params["model"], params["platform"]), {})[params["batch_size"]] = result
    return rows


def _latency(result: Result | None) -> list[str]:
    return [_headline(result), ratio(result, "server_cpu")] if result else [NONE, NONE]


def _headline(result: Result) -> str:
    return marked(result, milliseconds(result.seconds(result.headline)))


def marked(result: Result, text: str) -> str:
    """Return a figure with the mark of a doubt, where there is one."""
    return f"{text} (!)" if result.doubts else text


def study_table(results: Sequence[Result]) -> str:
    """Return the study's table, of latencies at one batch size: platforms side by side, with intervals of 95 %."""
    platforms = [*dict.fromkeys(result.params["platform"] for result in results)]
    rows: dict[str, dict[str, str]] = {}
    for result in results:
        rows.setdefault(result.params["model"], {})[result.params["platform"]] = _with_interval(result)
    body = [[f"`{model}`", *(row.get(platform, NONE) for platform in platforms)] for model, row in rows.items()]
    return table(["model", *(f"`{platform}`" for platform in platforms)], body)


def _with_interval(result: Result) -> str:
    figure = result.figure(result.headline)
    if figure.low is None or figure.high is None:
        return _headline(result)
    return marked(result, f"{milliseconds(figure.value)}{within(figure.low, figure.high, 1e3)}")


def networks_table(results: Sequence[Result]) -> str:
    """Return a row for each timing network: its size, and on each platform the median and the ratio to ``server-cpu``.

    Parity is the farthest of the platforms' answers from the reference's, as a share of the largest.
    """
    platforms = [*dict.fromkeys(result.params["platform"] for result in results)]
    rows: dict[tuple[str, int], dict[str, Result]] = {}
    for result in results:
        params = result.params
        rows.setdefault((params["model"], params["batch_size"]), {})[params["platform"]] = result
    body = [
        [f"`{model}`", str(size), *_network_facts([*row.values()]), *(_timed(row.get(name)) for name in platforms)]
        for (model, size), row in rows.items()
    ]
    head = ["untrained network", "batch", "file", "multiply-adds", "parity", *(f"`{name}`" for name in platforms)]
    return table(head, body)


def _network_facts(results: Sequence[Result]) -> list[str]:
    info = results[0].info
    parity = max(result.info.get("parity", 0.0) for result in results)
    return [_megabytes(info, "model_bytes"), f"{info['multiply_adds'] / 1e6:,.0f} M", f"{parity:.0e}"]


def _timed(result: Result | None) -> str:
    if result is None:
        return NONE
    times_server = ratio(result, "server_cpu")
    return _headline(result) if times_server == NONE else f"{_headline(result)}, × {times_server}"


def device_table(results: Sequence[Result]) -> str:
    """Return medians without the copies from and to the host, by batch size."""
    of_device = of_phase(results, "device")
    sizes = _batch_sizes(of_device)
    body = [
        [f"`{model}`", f"`{platform}`", *(_headline(row[size]) if size in row else NONE for size in sizes)]
        for (model, platform), row in _by_batch_size(of_device).items()
    ]
    return table(["model", "platform", *(f"on the device, batch {size}" for size in sizes)], body, words=2)


def ratio(result: Result, partner: str) -> str:
    """Return a paired ratio with its interval."""
    measured = result.ratios.get(partner)
    if not measured:
        return NONE
    if measured.low is None or measured.high is None:
        return times(measured.value)
    return f"{times(measured.value)} ({times(measured.low)} to {times(measured.high)})"


def times(ratio: float) -> str:
    """Return two decimals, and of a small one two digits: on a GPU 0.01 would say little."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:#.2g}"


def overview_table(results: Sequence[Result], model: str) -> str:
    """Return a row for each platform with what decides between client and server, of one model."""
    of_model = [result for result in results if result.params["model"] == model]
    by_test = {test: _by_platform(of_phase(of_model, test)) for test in ("load", "first_inference", "memory")}
    latencies = of_phase(of_model, "latency")
    sizes = _batch_sizes(latencies)
    head = [
        "platform",
        "batch 1",
        *(f"× server-cpu, batch {size}" for size in sizes),
        "cold load",
        "first",
        "peak memory",
    ]
    rows = []
    single_images = [latency for latency in latencies if latency.params["batch_size"] == 1]
    for platform, result in _by_platform(single_images).items():
        of_platform = [latency for latency in latencies if latency.params["platform"] == platform]
        by_size = {latency.params["batch_size"]: latency for latency in of_platform}
        opened = [by_test[test].get(platform) for test in ("load", "first_inference")]
        memory = by_test["memory"].get(platform)
        rows.append(
            [
                f"`{platform}`",
                _headline(result),
                *(ratio(by_size[size], "server_cpu") if size in by_size else NONE for size in sizes),
                *(_median(opening) if opening else NONE for opening in opened),
                _memory(memory, "peak") if memory else NONE,
            ]
        )
    return table(head, rows)


def _by_platform(results: Sequence[Result]) -> dict[str, Result]:
    """Return the first result of each platform; of openings, the first is the one with cold caches."""
    first: dict[str, Result] = {}
    for result in results:
        first.setdefault(result.params["platform"], result)
    return first


def scaling_table(results: Sequence[Result]) -> str:
    """Return the ratio to one thread of the same platform."""
    rows = [
        [
            f"`{result.params['platform']}`",
            str(result.params["batch_size"]),
            _median(result),
            ratio(result, "one_thread"),
        ]
        for result in of_phase(results, "scaling")
    ]
    return table(["platform", "batch", "median", "× one thread"], rows)


def opening_table(results: Sequence[Result]) -> str:
    """Return medians of load and first inferences, and the most memory, by platform and what its caches held.

    Of several batch sizes the first: the table has no column for them.
    """
    columns: dict[str, dict[str, Callable[[Result], str]]] = {
        "load": {
            "load": _median,
            "fetched": _of_details(keys.FETCHED_WIRE_BYTES),
            "decoded": _of_details(keys.FETCHED_BYTES),
        },
        "first_inference": {"first": _median},
        "second_inference": {"second": _median},
        "memory": {name: partial(_memory, name=name) for name in ("before", "peak", "wasm")},
    }
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for test, cells in columns.items():
        for result in of_phase(results, test):
            params = result.params
            row = rows.setdefault((params["model"], params["platform"], params["caches"]), {})
            for name, cell in cells.items():
                row.setdefault(name, cell(result))
    names = [name for cells in columns.values() for name in cells]
    body = [
        [f"`{model}`", f"`{platform}`", caches, *(row.get(name, NONE) for name in names)]
        for (model, platform, caches), row in rows.items()
    ]
    return table(["model", "platform", "caches", *names], body, words=3)


def blocking_table(results: Sequence[Result]) -> str:
    """Return what inferences did to the page that they ran in, of the start that froze most, and their own time there.

    The longest task is in the middle of the starts.
    """
    rows = []
    for result in results:
        worst, longest = result.blocking, result.figure_beside(keys.LONGEST_TASK)
        assert worst, "the run tells all of it"
        assert longest, "likewise"
        frames = f"{worst.frames_missed} of {worst.frames_wanted}"
        cells = [milliseconds(longest.value), f"{worst.blocked:.0%}", frames, _headline(result)]
        names = [f"`{result.params[name]}`" for name in ("model", "platform")]
        rows.append([*names, str(result.params["batch_size"]), *cells])
    head = ["model", "platform", "batch", "longest task", "blocked", "frames missed", "inference meanwhile"]
    return table(head, rows, words=2)


def _median(result: Result) -> str:
    return marked(result, milliseconds(result.seconds("median")))


def _memory(result: Result, name: str) -> str:
    size = _megabytes(result.info, keys.MEMORY + name)
    if name != "peak" or not result.info.get(keys.OVER_BUDGET):
        return size
    taken, budget = (_megabytes(result.info, key) for key in (keys.TAKEN, keys.MEMORY_BUDGET))
    return f"{size} ({taken} over its start, more than {budget})"


def _of_details(name: str) -> Callable[[Result], str]:
    return lambda result: _megabytes(result.info[keys.DETAILS], name)


def _megabytes(sizes: Mapping[str, int | None], name: str) -> str:
    size = sizes.get(name)
    return NONE if size is None else f"{size / 1e6:.1f} MB"


def accuracy_table(results: Sequence[Result]) -> str:
    """Return top-1, top-5 and agreement with the reference, of every model on every platform."""
    rows = []
    for result in results:
        info, params = result.info, result.params
        shares = [f"{info[name]:.2f} %" for name in (keys.TOP1, keys.TOP5, keys.AS_REFERENCE)]
        rows.append([f"`{params['model']}`", f"`{params['platform']}`", info[keys.PRECISION], *shares])
    return table(["model", "platform", "precision", "top-1", "top-5", "as the reference"], rows, words=3)


def tables_of(results: Sequence[Result]) -> list[str]:
    """Return a table for each phase that *results* hold; networks that are only timed have one of their own."""
    frozen = of_phase(results, "blocking")
    untrained = of_phase([result for result in results if result.is_untrained], "latency")
    results = [result for result in results if not result.is_untrained]
    accuracies = [result for result in results if keys.AS_REFERENCE in result.info]
    single = [result for result in of_phase(results, "latency") if result.params["batch_size"] == 1]
    of_single: Sequence[Callable[[], str]] = (
        lambda: overview_table(results, results[0].params["model"]),
        lambda: study_table(single),
    )
    makers: Sequence[tuple[str, Callable[[], str]]] = (
        *(("latency", make) for make in of_single if single),
        ("latency", lambda: latency_table(results)),
        ("scaling", lambda: scaling_table(results)),
        ("device", lambda: device_table(results)),
        ("load", lambda: opening_table(results)),
    )
    tables = [make() for test, make in makers if of_phase(results, test)]
    tables += [networks_table(untrained)] if untrained else []
    tables += [blocking_table(frozen)] if frozen else []
    return tables + ([accuracy_table(accuracies)] if accuracies else [])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="RESULTS.json")
    files = parser.parse_args().files
    if not files:
        print(candidates_table(), models_table(), sep="\n\n")
    for file in files:
        try:
            run = load(file)
            print(*tables_of(run.results), sep="\n\n")
            for fault in run.faults:
                print(f"{file}: {fault.value}; what it has is shown", file=sys.stderr)
            if any(result.is_of_one_start for result in of_phase(run.results, "latency")):
                words = "its latencies are of one page or process each: intervals speak of that one alone"
                print(f"{file}: {words}; measure again with this version", file=sys.stderr)
        except NotARunError as error:
            sys.exit(f"{error}")


if __name__ == "__main__":
    main()
