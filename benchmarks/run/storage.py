"""Where runs are kept, and what is written beside what pytest-benchmark saves.

They lie in pytest-benchmark's storage, in a folder for each machine, so that no two machines are compared:
``.benchmarks/intel-xeon-2.90ghz-model-6.85-2-cores/Linux-CPython-3.11-64bit/0001_….json``. A device that joined by a
link has its own: ``.benchmarks/firefox-153-2-cores-http/…``; the folder within is named after what pytest ran on.
"""

from typing import Any

import pytest

from benchmarks import hardware
from benchmarks.platforms.claims import of_device
from benchmarks.results import devices, keys
from benchmarks.results.machine import machine_name
from benchmarks.run.ending import ENDING
from benchmarks.run.saving import unstable
from benchmarks.settings import settings_of

DEFAULT = "file://./.benchmarks"  # pytest-benchmark's own; who writes it otherwise, or names another, is obeyed


def pytest_configure(config: pytest.Config) -> None:
    """Keep runs in this machine's folder, unless a storage was named; pytest-benchmark configures last and reads it."""
    if config.getoption("benchmark_storage") == DEFAULT and _is_used(config):
        config.option.benchmark_storage = f"{DEFAULT}/{_folder(config)}"


def _folder(config: pytest.Config) -> str:
    """Return the name of this machine's folder, or of the device's that the run is for."""
    if (about := of_device(settings_of(config))) is not None:
        return devices.folder(about)
    info = config.hook.pytest_benchmark_generate_machine_info(config=config)
    names = [gpu["name"] for gpu in hardware.gpus()]
    return machine_name(info, hardware.CORES, names, hardware.QUOTA)


def _is_used(config: pytest.Config) -> bool:
    """Whether runs are saved or read: others need not wait while the processor is asked for its name."""
    return any(config.getoption(f"benchmark_{name}") for name in ("autosave", "save", "json", "compare"))


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the schema, how the run ended (0 is a whole one, else pytest's exit code), and what is doubtful."""
    session: Any = config.pluginmanager.get_plugin("session")  # asked now: compare_fail may just have refused the run
    was_interrupted = config.stash[ENDING].was_asked
    output_json[keys.SCHEMA] = keys.SCHEMA_NUMBER
    output_json[keys.EXIT_STATUS] = int(session.exitstatus or (was_interrupted and pytest.ExitCode.INTERRUPTED))
    output_json[keys.UNSTABLE] = unstable(output_json)
