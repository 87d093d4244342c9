"""``--dist each``: all machines that ``--tx`` names measure the same at once, and each of them saves a run of its own.

pytest-xdist starts a worker on each, over ssh, and carries its reports here. A worker is one run of the suite as it
would be without: alone on its machine, in its own order, with its own journal of what it has measured, which is kept
here. More than one on a machine would disturb each other, and so would all that ``-n`` and the other modes start.

The process that a person started is the *head*; what it started elsewhere is a *machine*.
"""

from collections.abc import Iterator

import pytest

from benchmarks.run.each.words import CHANNEL, REMEDY

# Options of pytest-benchmark that are of one machine's run, with what does it for several.
OF_ONE = {
    "benchmark_compare": "compare what is saved: python -m benchmarks.compare A.json B.json",
    "benchmark_compare_fail": "a baseline is one machine's; gate there: tox run -e gate",
    "benchmark_histogram": "draw what is saved: tox run -e report -- A.json B.json",
    "benchmark_cprofile": "profile on one machine, without --dist",
    "report": "draw what is saved: tox run -e report -- A.json B.json",
}


def is_wanted(config: pytest.Config) -> bool:
    """Whether this process is the head of a run on several machines that measures."""
    return config.getoption("dist", "no") == "each" and not config.getoption("numprocesses") and _measures(config)


def _measures(config: pytest.Config) -> bool:
    is_skipped = config.getoption("benchmark_skip") and not config.getoption("benchmark_only")
    return not (config.getoption("benchmark_disable") or is_skipped or config.getoption("collectonly"))


def faults(config: pytest.Config) -> Iterator[str]:
    """Yield why pytest-xdist, as it was asked for, would measure something else."""
    if config.getoption("dist", "no") == "no":
        return
    if is_wanted(config):
        yield from _faults_of_each(config)
    elif config.getoption("benchmark_only"):
        yield f"benchmarks disturb each other under pytest-xdist: leave out -n and --dist to measure; {REMEDY}"
    if config.getoption("build_models"):
        yield "two workers would train the same stand-in: leave out -n and --dist with --build-models"


def _faults_of_each(config: pytest.Config) -> Iterator[str]:
    if not config.getoption("tx"):
        yield f"--dist each has no machine to measure on; {REMEDY}"
    for name, remedy in OF_ONE.items():
        if config.getoption(name, None):
            yield f"--{name.replace('_', '-')} is of one machine, and --dist each of several: {remedy}"


def pytest_cmdline_main(config: pytest.Config) -> None:
    """Be the head or a machine, before any plugin is configured; in most runs neither.

    Only here pytest-xdist and execnet are imported, which not every environment has.
    """
    if CHANNEL in getattr(config, "workerinput", {}):
        from benchmarks.run.each import machine

        machine.take_part(config)
    elif not hasattr(config, "workerinput") and is_wanted(config) and config.getoption("tx"):
        from benchmarks.run.each import head

        head.take_part(config)
