"""On macOS and Windows nothing fails for want of what Linux alone has, and nothing unknown becomes a number.

``sitecustomize.py`` in this folder hides it from the suite's own modules.
"""

import ast
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers import ROOT, clean_environment

from benchmarks.measuring.trust import UNKNOWN
from browser_harness import chromium, system
from browser_harness.processes import end_session

HERE = Path(__file__).parent
SYSTEMS = ("darwin", "win32")
# They are run, not imported.
PROGRAMS = ("benchmarks.figures.bare_linked", "benchmarks.figures.bare_page", "benchmarks.remote.kserve_server")
PACKAGES = ("benchmarks", "browser_harness", "models")
MODULES = ["conftest", "train_models", *PACKAGES]
MODULES += [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")
    if module.name not in PROGRAMS
]
# Who reads files that Linux alone has, and says elsewhere that they are not there.
LINUX_FILES = {
    "benchmarks/apart.py",
    "benchmarks/cpu_session.py",
    "benchmarks/figures/faults/passing_off.py",
    "benchmarks/figures/joined_devices.py",
    "benchmarks/hardware.py",
    "benchmarks/measuring/energy.py",
    "benchmarks/measuring/trust.py",
    "benchmarks/platforms/webgpu.py",
    "benchmarks/quota.py",
    "benchmarks/run/each/asked.py",
    "browser_harness/cgroup.py",
    "browser_harness/network/namespaces.py",
    "browser_harness/network/netem.py",
    "browser_harness/network/tun.py",
    "browser_harness/processes.py",
    "browser_harness/scratch.py",
    "models/training.py",
}
OF_MACHINE = {"other_programs", "stopped", "stolen", "frequency_change", "throttled", "memory_wait"}
NAKED = {
    "open('/proc/self/stat')": "FileNotFoundError",
    "from pathlib import Path; Path('/sys/fs/cgroup').stat()": "FileNotFoundError",
    "from pathlib import Path; [*Path('/proc/self/task').iterdir()]": "FileNotFoundError",
    "import os; os.readlink('/proc/self/ns/pid')": "FileNotFoundError",
    "import os; os.sched_getaffinity(0)": "AttributeError",
    "from os import sched_setaffinity": "ImportError",
    "import ctypes; ctypes.CDLL('libc.so.6')": "OSError",
}
NAKED_ON_WINDOWS = {
    "import fcntl": "ModuleNotFoundError",
    "import resource": "ModuleNotFoundError",
    "import os; os.geteuid()": "AttributeError",
    "import os; os.getloadavg()": "AttributeError",
    "import signal; signal.SIGKILL": "AttributeError",
    "import os; os.open('/', os.O_RDONLY)": "PermissionError",
    "import os, select; select.select([os.pipe()[0]], [], [], 0)": "OSError",
    "import subprocess; subprocess.Popen(['true'], pass_fds=[1])": "AssertionError",
}


def commands():
    """Return the modules that are run with options of their own."""
    files = [*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "models").rglob("*.py"), ROOT / "train_models.py"]
    texts = {file.relative_to(ROOT): file.read_text() for file in files}
    named = [file for file, text in texts.items() if "ArgumentParser(" in text and '__name__ == "__main__"' in text]
    return ["benchmarks.gate", *(".".join(file.with_suffix("").parts).removesuffix(".__main__") for file in named)]


def environment(name=""):
    """Return an environment in which Python starts elsewhere; where no system is named, here, and ready to leave."""
    places = os.pathsep.join([str(HERE), str(ROOT)])
    return clean_environment() | {"PYTHONPATH": places, "PYTHONUTF8": "1", "ELSEWHERE": name}


def measured(name, folder, *platforms):
    """Return what a run of the real command says elsewhere, and what it saves."""
    file = folder / f"{name}.json"
    words = [f"--benchmark-json={file}", f"--benchmark-storage=file://{folder}", "-p", "no:cacheprovider"]
    words += ["--model=resnet8", "--batch-size=1", "--benchmark-max-time=0.1", "--starts=1"]
    command = [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", *words]
    command += [f"--platform={platform}" for platform in platforms]
    done = subprocess.run(command, cwd=ROOT, env=environment(name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(file.read_text()), file


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run from each system; a browser is not started from Windows, where Playwright has another Node.js."""
    folder = tmp_path_factory.mktemp("runs")
    browser = [] if chromium.missing() else ["chromium-wasm"]
    return {
        "darwin": measured("darwin", folder, "server-cpu", *browser),
        "win32": measured("win32", folder, "server-cpu"),
    }


@pytest.fixture(scope="module")
def seen(runs, tmp_path_factory):
    """What is seen from each system."""
    files, out = [str(file) for *_, file in runs.values()], tmp_path_factory.mktemp("out")
    wanted = {
        "refuses": [*NAKED, *NAKED_ON_WINDOWS],
        "modules": MODULES,
        "runs": [
            ["benchmarks.compare", *files],
            ["benchmarks.report", *files, "--out", str(out / "report.html")],
            ["benchmarks.export", *files, "--format", "csv"],
            ["benchmarks.decide", files[0]],
            *([name, "--help"] for name in commands()),
            ["benchmarks.gate", "HEAD"],
            ["benchmarks.remote"],
        ],
    }
    done = subprocess.run(
        [sys.executable, HERE / "look.py", *SYSTEMS],
        input=json.dumps(wanted),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["system"] for line in lines] == [*SYSTEMS], done.stdout + done.stderr
    ran = [dict(zip([" ".join(words[:2]) for words in wanted["runs"]], line["ran"], strict=True)) for line in lines]
    return {line["system"]: {**line, "ran": one} for line, one in zip(lines, ran, strict=True)}


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_linux_alone_has_is_hidden_from_our_modules(seen, name):
    hidden = NAKED | (NAKED_ON_WINDOWS if name == "win32" else {})
    assert {code: error for code, error in seen[name]["refused"].items() if code in hidden} == hidden


def test_what_macos_has_is_there(seen):
    wanted = ("import fcntl", "import os; os.geteuid()", "import signal; signal.SIGKILL")
    assert [seen["darwin"]["refused"][code] for code in wanted] == [None] * 3


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_module_can_be_imported(seen, name):
    assert len(MODULES) > 300
    assert {module: why for module, why in seen[name]["imported"].items() if why and not is_absent(why)} == {}


def is_absent(why):
    """Whether a library is not installed here, as history's and LiteRT's converter are not beside the others."""
    return str(why).startswith("absent: ") and str(why).removeprefix("absent: ") in {"otava", "litert_torch", "kserve"}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_command_says_how_it_is_used(seen, name):
    helped = {words: told for words, told in seen[name]["ran"].items() if words.endswith(" --help")}
    assert len(helped) > 25
    wrong = {
        words: told
        for words, told in helped.items()
        if not is_absent(told[0]) and (told[0] != 0 or not told[1].startswith("usage: "))
    }
    assert wrong == {}


def test_what_windows_cannot_do_is_refused_in_a_line(seen):
    for words in ("benchmarks.gate HEAD", "benchmarks.remote"):
        code, said = seen["win32"]["ran"][words]
        (line,) = [line for line in said.splitlines() if "Windows" in line]
        assert code
        assert re.search("gate on Linux or macOS|--server-url", line)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_run_says_what_is_unknown_and_gives_no_number_for_it(runs, name):
    told, saved, _ = runs[name]
    machine = saved["machine_info"]
    assert (machine["governor"], machine["quota"]) == (None, None)
    assert (machine["load_average"] == {"start": None, "end": None}) == (name == "win32")
    for benchmark in saved["benchmarks"]:
        info = benchmark["extra_info"]
        unknown = info["trust"]["unknown"]
        is_page = benchmark["params"]["platform"] != "server-cpu"
        assert unknown.keys() == OF_MACHINE | of_session(name, is_page)
        assert not unknown.keys() & info["trust"].keys()
        assert unknown.items() <= UNKNOWN.items()
        assert info["cores"] == [None]
        assert ("cpu_seconds_per_inference" in info) == ("computing_share" not in unknown)
        assert info["details"].get("threads_unproved", False) == (not is_page)
    (line, *_) = [line for line in told.splitlines() if line.startswith("unknown  ")]
    assert "what other programs used" in line


def of_session(name, is_page):
    """Return what a session cannot tell there: on Windows no processor time, on macOS none of a page's processes."""
    return ({"computing_share"} if is_page or name == "win32" else set()) | (set() if is_page else {"threads"})


def test_a_run_on_windows_says_that_a_kill_would_lose_it(runs):
    assert [name for name in SYSTEMS if "a kill would lose what was measured" in runs[name][0]] == ["win32"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_saved_runs_of_other_systems_are_read_there_and_what_they_do_not_know_is_shown(seen, name):
    ran = seen[name]["ran"]
    for command in ("compare", "report", "export", "decide"):
        ((code, said),) = [told for words, told in ran.items() if re.match(rf"benchmarks\.{command} (?!--help)", words)]
        assert code == 0, said


def test_linux_files_are_read_in_few_modules():
    def reads(file):
        texts = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
        return any(str(text).startswith(("/proc", "/sys/", "/dev/net", "/dev/shm")) for text in texts)

    files = (file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    found = {file.as_posix() for file in files if "node_modules" not in file.parts and reads(ROOT / file)}
    assert found == LINUX_FILES


def test_mypy_looks_at_all_three_systems():
    assert re.findall(r"mypy --platform (\w+)", (ROOT / "tox.ini").read_text()) == ["linux", *SYSTEMS]


def test_files_are_on_windows_what_they_are_elsewhere():
    assert "* -text" in (ROOT / ".gitattributes").read_text().splitlines()


# Windows' own ways, which work here as well


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(system.sys, "platform", "win32")


def test_a_thread_waits_for_what_a_process_says_and_for_its_end(windows):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
        echo.stdin.write(b"word\n")
        echo.stdin.flush()
        assert system.answers(echo.stdout, 30)
        assert echo.stdout.readline() == b"word\n"
        echo.stdin.close()
        assert system.answers(echo.stdout, 30)
        assert echo.stdout.read() == b""


def test_a_process_that_says_nothing_is_not_waited_for_any_longer(windows):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as silent:
        assert not system.answers(silent.stdout, 0.01)
        end_session(silent)
    assert silent.returncode


def test_elsewhere_a_process_is_ended_with_those_below_it(windows):
    words = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE) as parent:
        below = int(parent.stdout.readline())
        end_session(parent)
    until = time.monotonic() + 30  # it ends by itself after 60
    while _runs(below) and time.monotonic() < until:
        pass
    assert not _runs(below)


def _runs(process):
    """Whether a process that was killed has not ended yet; as a zombie it has."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_browser_that_is_started_tells_the_version_that_it_says():
    if (words := chromium.missing()) or chromium.find().environment:
        pytest.skip(words or "this browser does not start without libraries of its own")
    tried = []
    assert chromium._version_of_started(chromium.find().path, tried) == chromium.find().version
    assert chromium._version_of_started(Path(sys.executable), tried) is None
    assert len(tried) == 1
    assert tried[0].startswith(f"{sys.executable} does not start: ")
