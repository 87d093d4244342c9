"""Client or server, with the network between: ``python -m benchmarks.decide [SAVED.json …] [-- the suite's options]``.

Without files it measures what it needs; with files it answers from them: the server's figures of one machine (that of
the first file that has some), clients' of all. Ends with 1 where something could not be measured or, with --check,
where a mark is missed.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clients import CLIENTS as WEAK
from benchmarks.clients import factor
from benchmarks.commands import STOPPED, until_unread
from benchmarks.decide import cells, checks, prices, report, runs, sentences, suite, table
from benchmarks.decide.answers import Decision, Wanted, decide_all
from benchmarks.decide.measured import MixedError, Model, device_of, machine_of, read
from benchmarks.decide.missing import missing
from benchmarks.decide.runs import CLIENTS, SERVERS, SHORT, TIMED, USUAL, as_asked, is_of
from benchmarks.decide.sides import IN_WORKER, is_named
from benchmarks.protocol import WHERES
from benchmarks.results import REMEDY, NotARunError, Run, load
from benchmarks.results.sound import sound
from benchmarks.settings import size, writable
from browser_harness.network import Conditions, parse
from models.files import replacing
from models.names import shown

CHECKED_SLOWDOWN = 4


def parser() -> argparse.ArgumentParser:
    """Return what the command understands; each choice can be repeated."""
    found = argparse.ArgumentParser(
        prog="decide", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("files", nargs="*", type=Path, metavar="SAVED.json", help="saved runs; default: measure")

    def each(option: str, metavar: str, kind: Any, words: str) -> None:
        found.add_argument(
            option, action="append", default=[], metavar=metavar, type=kind, help=f"{words} (repeatable)"
        )

    each(
        "--model",
        "NAME",
        _model,
        f"or an ONNX file; default: the best trained, and of {', '.join(TIMED)} those that are made",
    )
    each("--client", "NAME", _client, f"a client's platform; default: {', '.join(CLIENTS)}, or all that the files have")
    words = f"measure clients so many times weaker, too, or of that name; with --check {CHECKED_SLOWDOWN}"
    each("--slowdown", "N|CLIENT", factor, words)
    each(
        "--server",
        "NAME",
        str,
        f"as it is asked; default: {', '.join(SERVERS)} (of ONNX files the first), or all that the files have",
    )
    each("--network", "NAME", _network, f"default: {', '.join(sentences.SHOWN)}; also rtt=60ms,down=10mbit,up=1mbit")
    found.add_argument(
        "--where", choices=(*WHERES, "all"), help="the thread of a page that clients are measured in (main)"
    )
    words = "measure of all clients whether they freeze their page; default: of those that answer, with --check of none"
    found.add_argument("--blocking", action="store_true", help=words)
    words = "that a page may take over its start, such as 200MB: who takes more is marked"
    found.add_argument("--memory-budget", type=size, metavar="SIZE", help=words)
    found.add_argument(
        "--duty", type=_share, default=1.0, metavar="SHARE", help="of its time that a client computes (1)"
    )
    found.add_argument("--prices", type=Path, metavar="FILE", help="TOML: server_per_hour, sent_per_gb, currency")
    found.add_argument("--json", type=writable, metavar="FILE", help="write all of it there")
    found.add_argument("--csv", type=writable, metavar="FILE", help="write a row for each network and client there")
    found.add_argument("--check", action="store_true", help="measure what was predicted, in 18 cells at least")
    return found


def _model(text: str) -> str:
    """Read a model's name, or a file: by a path that the suite finds from its own folder as well."""
    file = Path(text)
    return str(file.resolve()) if file.is_file() else text


def _client(text: str) -> str:
    """Read a platform's name; the suite's own ``--client`` takes those of weaker clients, which are no platforms."""
    if weak := WEAK.get(text):
        words = "all weaker clients are answered for"
        raise argparse.ArgumentTypeError(f"{text!r} is no platform: {words}, and --slowdown {weak.name} measures it")
    return text


def _network(text: str) -> Conditions:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write a number above 0 and at most 1")
    return value


def main() -> None:
    """Run the command line."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:at])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the run that it waits for is ended, too
    try:
        with until_unread():
            code = run(options, words[at + 1 :])
    except KeyboardInterrupt:
        print(f"decide: stopped; what its runs have saved lies in {suite.FOLDER}", file=sys.stderr)
        sys.exit(STOPPED)
    except (MixedError, NotARunError, prices.PricesError, suite.SuiteError, cells.CheckError) as error:
        sys.exit(f"decide: {error}")
    sys.exit(code)


def run(options: argparse.Namespace, suites: Sequence[str] = (), measure: suite.Measure = suite.measure) -> int:
    """Answer, write, and check where that is asked for; return the exit code."""
    if options.check and options.files:
        raise cells.CheckError("--check predicts from what it has just measured here; leave the files out")
    if suites and options.files:
        raise cells.CheckError("what stands behind -- is for runs of the suite; leave the files out, or that")
    for name in ("slowdown", "where", "blocking"):
        if getattr(options, name) and options.files:
            raise cells.CheckError(f"--{name} is for clients that are measured now; leave the files out, or that")
    if not options.files and (there := [name for name in options.client if name.endswith(IN_WORKER)]):
        name = there[0].removesuffix(IN_WORKER)
        raise cells.CheckError(f"--client {there[0]} is measured by --client {name} --where worker")
    paid = prices.load(options.prices) if options.prices else None
    kept = _read(options.files) if options.files else _measured(options, suites, measure)
    models = _chosen(read(kept.runs), options)
    decisions = decide_all(models, _wanted(options, paid))
    checked = None
    if options.check:
        predicted = cells.choose(models, options.client, options.network)
        print(f"{len(predicted)} cells are predicted, and measured now", flush=True)
        planned = cells.plan(predicted, [*USUAL, *SHORT, *suites], partial(as_asked, options.model))
        seen = suite.measure_all(measure, planned)
        checked, kept.failures = cells.filled(predicted, read(seen.runs)), [*kept.failures, *seen.failures]
    not_measured = missing(models, options.client, options.memory_budget)
    _tell(models, decisions, not_measured, kept, paid, checked)
    _write(options, decisions, not_measured, checked)
    is_met = checked is None or all(mark.is_met for mark in checks.marks(checked))
    return 0 if decisions and is_met and not kept.failures else 1


def _measured(options: argparse.Namespace, suites: Sequence[str], measure: suite.Measure) -> suite.Kept:
    """Measure both sides as they are, then the weaker clients that were asked for, or that a check needs."""
    kept = suite.measure_all(measure, runs.basis(options, suites))
    models = read(kept.runs)
    planned = runs.freezing(models, options, suites)
    if slowdowns := options.slowdown or ([CHECKED_SLOWDOWN] if options.check else []):
        planned += runs.weaker(models, options, slowdowns, suites)
    more = suite.measure_all(measure, planned)
    return suite.Kept([*kept.runs, *more.runs], [*kept.failures, *more.failures])


def _read(files: Sequence[Path]) -> suite.Kept:
    """Read saved runs; one that ended badly is told, and what it holds counts."""
    kept = suite.Kept()
    for file in files:
        try:
            one, left_out = sound(load(file))
        except NotARunError as error:
            raise cells.CheckError(f"{error}; {REMEDY}") from error
        print(f"{file}: of {one.saved}, {shown(device_of(one) or machine_of(one))}{_faults(one)}")
        kept.runs.append(one)
        kept.failures += [shown(f"{file}: {one.name} is left out: {one.why}") for one in left_out]
    return kept


def _faults(saved: Run) -> str:
    faults = ", ".join(fault.value for fault in saved.faults)
    return f" ({faults}: what it holds counts)" if faults else ""


def _chosen(models: Sequence[Model], options: argparse.Namespace) -> list[Model]:
    """Return the models of the names asked for, or all; refuse a name that was not measured.

    A client or server that could not be measured now is told with the failures, and the others are answered for.
    """
    clients = [client.platform for model in models for client in model.clients.values()]
    servers = [name for model in models for name in (*model.ways, *model.servers)]
    sides = ((options.client, clients), (options.server, servers)) if options.files else ()
    for asked, measured in ((options.model, [model.name for model in models]), *sides):
        if unknown := [word for word in asked if not any(is_of(word, n) or is_named(n, [word]) for n in measured)]:
            known = ", ".join(dict.fromkeys(measured)) or "none"
            raise cells.CheckError(f"{unknown[0]} was not measured; measured were {known}")
    return [model for model in models if not options.model or any(is_of(word, model.name) for word in options.model)]


def _wanted(options: argparse.Namespace, paid: prices.Prices | None) -> Wanted:
    networks = options.network or sentences.networks()
    return Wanted(networks, options.client, options.server, options.memory_budget, options.duty, paid)


def _tell(  # noqa: PLR0913 (all that there is to tell)
    models: Sequence[Model],
    decisions: Sequence[Decision],
    not_measured: Sequence[str],
    kept: suite.Kept,
    paid: prices.Prices | None,
    checked: Sequence[checks.Cell] | None,
) -> None:
    for line in table.lines(decisions, not_measured, paid):
        print(line)
    for failure in kept.failures:
        print(f"failed: {failure}")
    decided = {decision.model.name for decision in decisions}
    for model in models:
        for why in model.left_out if model.name not in decided else ():
            print(f"left out of {model.name}: {why}")
    if not decisions:
        print("nothing is decided: no model was measured on a server and on a client")
    if checked is not None:
        print("\nchecked: predicted, then measured")
        for line in cells.lines(checked):
            print(line)


def _write(
    options: argparse.Namespace,
    decisions: Sequence[Decision],
    not_measured: Sequence[str],
    checked: Sequence[checks.Cell] | None,
) -> None:
    told = checks.to_json(checked) if checked is not None else None
    texts = {options.json: report.json_text(decisions, not_measured, told), options.csv: report.csv_text(decisions)}
    for file, text in texts.items():
        if file is not None:
            with replacing(file) as partial:
                partial.write_text(text, encoding="utf-8")
            print(f"written  {file}")


if __name__ == "__main__":
    main()
