"""A run for a device that joined by a link: whose facts are saved, what its person sees, and what ends it.

Active where the environment lends a device. The machine that serves computes the other half of each ratio, so what is
known of its state stands beside the device's figures, by its name; of the device's own nobody here knows anything.
"""

import statistics
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from benchmarks.platforms import PLATFORMS, in_browser
from benchmarks.platforms.claims import borrowed
from benchmarks.results import devices, keys
from benchmarks.results.saved import Result
from benchmarks.results.tidy import Measured
from benchmarks.run.choices import BASE
from benchmarks.run.progress import PROGRESS, left
from benchmarks.settings import settings_of
from browser_harness.channel import PageError
from browser_harness.joined import AnyDevice

OF_THE_SERVER = ("other_programs", "stopped", "stolen", "frequency_change", "throttled", "memory_wait")  # doubts
PARTNER = (BASE.platform,)  # what computes on the machine that serves
SERVES = "on the machine that serves, "


@pytest.hookimpl(tryfirst=True)  # what can be chosen is asked of the device
def pytest_configure(config: pytest.Config) -> None:
    """Measure for the device that is lent, where one is."""
    settings = settings_of(config)
    if settings.device is None:
        return
    try:
        device = borrowed(settings.device)
        engine = str(device.about().get("engine"))
    except PageError as error:
        raise pytest.UsageError(str(error)) from error
    if config.getoption("dist", "no") != "no":
        raise pytest.UsageError("a run for a device is one process: leave out -n, --dist and --tx")
    if not in_browser(engine):
        raise pytest.UsageError(f"the device's browser is {engine}: nothing is known that could be measured there")
    config.pluginmanager.register(ForDevice(config, device), "for-device")


class ForDevice:
    """What such a run does otherwise."""

    def __init__(self, config: pytest.Config, device: AnyDevice) -> None:
        self._config, self._device = config, device
        self._total = self._seen = 0
        self._figures: list[dict[str, Any]] = []

    @pytest.hookimpl(trylast=True)  # when all is said of this machine
    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """Put what the device says of itself in the place of this machine, and this machine beside it."""
        about = {**self._device.about(), "story": self._story()}
        used = [*PARTNER, *in_browser(str(about.get("engine")))]
        settings = settings_of(self._config)
        versions = {k: v for name in used if name in PLATFORMS for k, v in PLATFORMS[name].versions(settings).items()}
        told = devices.machine_info(about, {**machine_info}, versions)
        machine_info.clear()
        machine_info.update(told)

    def _story(self) -> dict[str, Any] | None:
        """Return what became of it meanwhile; None where nobody can tell any more."""
        try:
            return self._device.story()
        except PageError:
            return None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what is to be done."""
        self._total = len(session.items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Show the device's person what is measured, and afterwards what came of it. Nothing is timed then."""
        self._show(_words(item))
        outcome = yield
        self._take_figures()
        self._show("")
        return outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin when the device is here and its page can be seen; end the run where it does not come back."""
        try:
            is_here = self._device.wait(settings_of(self._config).device_patience)
        except PageError as error:
            pytest.exit(f"the device cannot be asked any more: {error}", pytest.ExitCode.INTERRUPTED)
        if not is_here:
            pytest.exit("the device left, or hid its page, and did not come back", pytest.ExitCode.INTERRUPTED)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Tell apart what of a result is of the machine that serves."""
        try:
            return (yield)
        finally:
            benchmark = getattr(item, "funcargs", {}).get("benchmark")
            if benchmark is not None:
                tell_apart(benchmark.extra_info)

    def _take_figures(self) -> None:
        benchmarks: Any = self._config.pluginmanager.get_plugin("pytest-benchmark")
        new, self._seen = benchmarks.benchmarks[self._seen :], len(benchmarks.benchmarks)
        self._figures += [figure(Result.of(one.as_dict())) for one in new if one and not one.has_error]

    def _show(self, words: str) -> None:
        progress = self._config.stash[PROGRESS]
        rest = left(progress.done, progress.cases.values()) if progress.done and progress.cases else None
        told = {
            "state": "measuring",
            "words": words,
            "done": self._total - len(progress.cases),
            "of": self._total,
            "seconds_left": rest and rest.seconds,
            "figures": self._figures,
        }
        with suppress(PageError, OSError):  # it left: the next call says so
            self._device.show(told)


def _words(item: pytest.Item) -> str:
    """Return what a benchmark is of: ``resnet20 on firefox-wasm, batch 1``; its phase where it has no case."""
    params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    if params.get("model") is None:
        return getattr(item, "originalname", item.name).removeprefix("test_")
    batch = f", batch {params['batch_size']}" if params.get("batch_size") else ""
    return f"{params.get('model')} on {params.get('platform')}{batch}"


def figure(result: Result) -> dict[str, Any]:
    """Return what a device's person sees of a result; times in milliseconds."""
    told = Measured(result)
    ratio, median = told.ratio, told.median
    beside = [block["median"] for start in result.info.get(keys.PARTNER, ()) for block in start]
    ends = [ratio.low, ratio.high] if ratio and ratio.low is not None and ratio.high is not None else None
    return {
        "model": told.label,
        "platform": told.platform,
        "median_ms": median and median * 1e3,
        "server_ms": statistics.median(beside) * 1e3 if beside else None,
        "ratio": ratio and ratio.value,
        "interval": ends,
        "mark": told.signs,
    }


def tell_apart(info: dict[str, Any]) -> None:
    """Put what of a result, its extra_info, is of the machine that serves under its name."""
    serving = {name: info.pop(name) for name in (keys.WITNESS, keys.CORES) if name in info}
    trust = info.get(keys.TRUST, {})
    serving |= {name: trust.pop(name) for name in OF_THE_SERVER if name in trust}
    if serving:
        info[keys.SERVING] = serving
    for words in (trust.get(keys.DOUBTS, {}), trust.get(keys.UNKNOWN, {})):
        for name in (name for name in OF_THE_SERVER if name in words):
            words[name] = SERVES + words[name]
