"""Before anything is opened: refuse a run that has nothing to measure, and have the images ready for one that has.

Where only some of its phases have nothing, those are skipped with the reason.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.platforms import PLATFORMS
from benchmarks.run import budget, images
from benchmarks.run.choices import Target, phase_of
from benchmarks.run.nothing import REASON
from benchmarks.run.selection import selection_of
from browser_harness.network import LOOPBACK
from models import MODELS, NETWORKS
from models.manifest import base_of
from models.names import shown

OR_PIXELS = ", and of files and timing networks that are fed pixels"
REFUSAL = pytest.StashKey[str]()  # where it cannot end the run


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", f"{REASON}(words): stands in for cases, and says why there are none")


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a run that has nothing to measure; pytest-xdist takes an error in a worker for one of its own."""
    try:
        _refuse_or_prepare(config, items)
    except pytest.UsageError as error:
        if not hasattr(config, "workerinput"):
            raise
        config.stash[REFUSAL] = str(error)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what a worker was to refuse."""
    if words := item.config.stash.get(REFUSAL, ""):
        pytest.fail(words, pytrace=False)


def _refuse_or_prepare(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Refuse a run of nothing but phases that lack what they were chosen for; have the images of the others ready."""
    reasons = {item: mark.args[0] for item in items if (mark := item.get_closest_marker(REASON))}
    lacking = {phase_of(item) for item in reasons}
    if reasons and all(phase_of(item) in lacking for item in items):
        raise pytest.UsageError(shown("; ".join(dict.fromkeys(reasons.values()))))
    if _has_idle_network(config, items):
        words = (
            "none of the cases goes over it; name a server with --platform remote-cpu, or have pages load with -m load"
        )
        raise pytest.UsageError(f"--network has no effect: {words}")
    if option := _idle_of_clients(config, items):
        raise pytest.UsageError(
            f"{option} has no effect: it is of clients, and none of the benchmarks chosen is of one"
        )
    if idle_budget := budget.idle(config, items):
        raise pytest.UsageError(idle_budget)
    if untrained := next(filter(_is_untrained, _scored(items)), None):
        words = "is untrained, and its answers mean nothing; leave it out"
        raise pytest.UsageError(f"-m accuracy: {untrained} {words}, or choose from {', '.join(MODELS)}")
    files = _classified(config, [item for item in items if item not in reasons])
    if items and not files and not reasons and (idle := _idle(config, items)):
        also = OR_PIXELS if {*idle} & {*images.SCALING} else ""
        words = "has no effect: it is" if len(idle) == 1 else "have no effect: they are"
        raise pytest.UsageError(f"{', '.join(idle)} {words} of -m accuracy with an ONNX file as --model{also}")
    if files and not config.getoption("collectonly"):
        images.prepare(config, files)


def _has_idle_network(config: pytest.Config, items: Sequence[pytest.Item]) -> bool:
    """Whether a network was asked for that lies between nothing that is measured."""
    if not {*selection_of(config).networks} - {LOOPBACK}:
        return False
    targets = _targets(items)
    return bool(targets) and all(target.network == LOOPBACK for target in targets)


def _idle_of_clients(config: pytest.Config, items: Sequence[pytest.Item]) -> str | None:
    """Return an option that was given of clients where only servers are measured; None where there is none.

    Where every --platform is a server, Selection.faults has told so already. Here it is what -m and -k have left.
    """
    targets = _targets(items)
    if not targets or any(PLATFORMS[target.platform].side == "client" for target in targets):
        return None
    return selection_of(config).option_of_clients


def _targets(items: Sequence[pytest.Item]) -> list[Target]:
    """Return where the cases run, without what stands in for cases."""
    labels = [item.callspec.params["platform"] for item in items if phase_of(item)]  # type: ignore[attr-defined]
    return [Target.of(label) for label in labels if label is not None]


def _idle(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Return which options were given of how images become an input, and serve nothing where none is classified."""
    given, selection = images.preparation_of(config).given, selection_of(config)
    cases = [item.callspec.params for item in items if phase_of(item)]  # type: ignore[attr-defined]
    if not any(selection.is_normalised(case["model"], Target.of(case["platform"]).platform) for case in cases):
        return given
    scaling = [name for name in given if name in images.SCALING]
    if len(scaling) == 1:
        raise pytest.UsageError(f"{scaling[0]} alone normalises no pixels: give {' and '.join(images.SCALING)}")
    return [name for name in given if name not in images.SCALING]


def _classified(config: pytest.Config, items: Sequence[pytest.Item]) -> list[Path]:
    """Return the files of the user's own that are to classify images."""
    own = selection_of(config).own_files
    return [own[model] for model in dict.fromkeys(_scored(items)) if model in own]


def _scored(items: Sequence[pytest.Item]) -> list[str]:
    """Return the models whose answers are to be held against labels."""
    phases = ((item, phase_of(item)) for item in items)
    return [item.callspec.params["model"] for item, phase in phases if phase and phase.classifies]  # type: ignore[attr-defined]


def _is_untrained(model: str | None) -> bool:
    return base_of(str(model)) in NETWORKS
