"""The notebook for Colab: executed as a stranger would, up to where a GPU is needed, with what is installed here."""

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import ROOT
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from benchmarks.results import load, rows_of
from models import MODELS

FILE = ROOT / "docs" / "colab.ipynb"
NOTEBOOK = nbformat.read(FILE, as_version=4)
SOURCES = {cell.id: cell.source for cell in NOTEBOOK.cells}
ENVIRONMENTS = set(re.findall(r"^\[testenv:(.+)\]$", (ROOT / "tox.ini").read_text(), re.MULTILINE))
PLATFORMS = ["server-cpu", "chromium-tfjs"]
SHORT = ["--batch-size=1", "--starts=1", "--benchmark-max-time=0.05", "--benchmark-warmup-iterations=5"]
TOX = [sys.executable, str(Path(__file__).with_name("tox_here.py"))]


def test_it_is_valid_and_has_no_outputs():
    nbformat.validate(NOTEBOOK)
    assert (NOTEBOOK.nbformat, NOTEBOOK.nbformat_minor) == (4, 5)
    codes = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
    assert [cell.id for cell in codes if cell.outputs or cell.execution_count is not None] == []


def test_each_cell_but_the_form_has_words_before_it():
    kinds = [cell.cell_type for cell in NOTEBOOK.cells]
    assert kinds[:2] == ["markdown", "code"]
    assert kinds[2:] == ["markdown", "code"] * (len(kinds[2:]) // 2)


def test_it_names_no_path_of_a_machine_and_hides_no_command_that_fails():
    text = "\n".join(SOURCES.values())
    assert not re.findall(r"(?<![\w.:/])/(?:content|home|root|tmp|usr|work|opt)\b", text)
    assert not re.findall(r"^\s*[!%]", text, re.MULTILINE)


def test_the_environments_that_it_runs_exist():
    named = re.findall(r"suite\(\s*\"([\w-]+)\"", "\n".join(SOURCES.values()))
    assert named == ["bench", "bench-gpu", "report"]
    told = re.findall(r"tox run -e ([\w-]+)", "\n".join(SOURCES.values()))
    assert {*named, *told} <= ENVIRONMENTS


def test_the_models_that_it_offers_exist():
    offered = re.search(r"^MODELS = .*@param (\[.*?\])", SOURCES["choose"], re.MULTILINE)[1]
    assert {name for choice in json.loads(offered) for name in choice.split()} <= MODELS.keys()


@pytest.fixture
def executed(tmp_path, monkeypatch, outside_xdist):
    """The notebook as it is after all of its cells ran in an empty folder, on a machine whose GPU does not answer."""
    variables = {
        "REPOSITORY": ROOT.as_uri(),
        "MODELS": "resnet8",
        "OPTIONS": shlex.join([*SHORT, *(f"--platform={name}" for name in PLATFORMS)]),
        "TOX": shlex.join(TOX),
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"CLIENT_OR_SERVER_{name}", value)
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    absent = tmp_path / "bin" / "nvidia-smi"
    absent.parent.mkdir()
    absent.write_text("#!/bin/sh\nexit 9\n")
    absent.chmod(0o755)
    monkeypatch.setenv("PATH", str(absent.parent), prepend=":")
    folder = tmp_path / "content"
    folder.mkdir()
    notebook = nbformat.read(FILE, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return folder, {cell.id: cell.get("outputs", []) for cell in notebook.cells}


def printed(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_it_runs_and_shows_the_report_and_tells_that_there_is_no_gpu(executed):
    folder, outputs = executed
    measured = rows_of([load(folder / "results" / "cpu.json")])
    assert [(row.model, row.platform) for row in measured] == [("resnet8", name) for name in PLATFORMS]
    assert printed(outputs["gpu"]).startswith("No GPU here. On Colab: Runtime → Change runtime type")
    assert printed(outputs["gpu"]).count("\n") == 1
    (shown,) = (output.data["text/html"] for output in outputs["report"] if "data" in output)
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert page.replace('<base href="about:srcdoc">', "", 1) == (folder / "results" / "report.html").read_text()
    assert printed(outputs["keep"]).strip() == str(folder / "results.zip")


def cells(*names, **variables):
    """Run cells by their ids where nothing is run outside; return what they print and the commands they would run."""
    asked = []
    space = {"shutil": shutil, "suite": lambda *words: asked.append(words), "subprocess": subprocess, **variables}
    for name in names:
        exec(SOURCES[name], space)
    return asked


GPU_SAYS = {
    "NVIDIA H200, 580.159.04": (1, ""),
    "Tesla T4, 550.54.15": (
        0,
        "Tesla T4 has the driver 550.54.15, and CUDA 13 needs 580 or newer: the GPU is left out; another runtime",
    ),
    "": (0, "No GPU here."),
}


@pytest.mark.parametrize("answer", GPU_SAYS)
def test_a_gpu_is_measured_where_it_answers_with_a_driver_that_serves(tmp_path, monkeypatch, capsys, answer):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n" if answer else "#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    asked = cells("gpu", MODEL_OPTIONS=["--model", "resnet8"], RESULTS=Path("results"))
    runs, words = GPU_SAYS[answer]
    assert asked == [("bench-gpu", "--model", "resnet8", "--benchmark-json=results/gpu.json")] * runs
    assert capsys.readouterr().out.startswith(words)


def test_without_a_program_to_ask_there_is_no_gpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cells("gpu", MODEL_OPTIONS=[], RESULTS=Path("results")) == []
    assert capsys.readouterr().out.startswith("No GPU here.")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder as the notebook's, and a repository that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIENT_OR_SERVER_REPOSITORY", address := (tmp_path / "nothing").as_uri())
    return tmp_path, address


def stopped(*names, **variables):
    """Return in which line cells stop."""
    with pytest.raises(Exception, match=r".") as caught:
        cells(*names, **variables)
    assert type(caught.value).__name__ == "StoppedError"
    (line,) = caught.value._render_traceback_()
    assert "\n" not in line
    return line


def test_without_a_repository_it_says_where_to_name_one(elsewhere, monkeypatch):
    monkeypatch.delenv("CLIENT_OR_SERVER_REPOSITORY")
    assert stopped("choose", "set-up").startswith("Stopped: REPOSITORY is empty: fill in above")


def test_a_command_that_fails_stops_the_notebook_in_a_line_with_the_remedy(elsewhere, capfd):
    folder, address = elsewhere
    assert stopped("choose", "set-up") == (
        f"Stopped: git clone --depth=1 {address} {folder / 'client-or-server'} ended with 128: "
        "is REPOSITORY above what you would clone?"
    )
    assert "Could not read from remote repository" in capfd.readouterr().out


def test_a_checkout_of_another_address_is_not_measured_in_its_place(elsewhere):
    folder, address = elsewhere
    checkout = folder / "client-or-server"
    for words in (["init", "-q", checkout], ["-C", checkout, "remote", "add", "origin", "https://example.org/other"]):
        subprocess.run(["git", *words], check=True)
    assert f"{checkout} is of https://example.org/other, not of {address}: remove it" in stopped("choose", "set-up")


class Asked(list):
    """In the place of processes: the commands that would be run, each of which ends well and says nothing."""

    stdout, returncode = (), 0

    def __call__(self, command, **_):
        self.append([*command])
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_tox_is_installed_beside_what_the_machine_has_and_not_into_it(elsewhere, monkeypatch):
    folder, address = elsewhere
    monkeypatch.delenv("CLIENT_OR_SERVER_TOX", raising=False)
    monkeypatch.setattr(subprocess, "Popen", asked := Asked())
    cells("choose", "set-up")
    python = str(folder / "tox" / "bin" / "python")
    assert asked == [
        ["git", "clone", "--depth=1", address, str(folder / "client-or-server")],
        [sys.executable, "-m", "venv", "--without-pip", str(folder / "tox")],
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "tox"],
    ]


def test_a_report_of_nothing_says_what_to_run_first(elsewhere, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", Asked())
    assert "has no JSON file: run the cell that measures on the processor first" in stopped(
        "choose", "set-up", "report"
    )


def test_what_was_measured_is_kept_without_the_cell_of_the_gpu(elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "Popen", Asked())
    cells("choose", "set-up", "keep")
    assert capsys.readouterr().out.splitlines()[-1] == str(elsewhere[0] / "results.zip")


def test_ipython_shows_the_line_alone(elsewhere, monkeypatch, capsys):
    monkeypatch.setenv("IPYTHONDIR", str(elsewhere[0] / "ipython"))
    monkeypatch.setenv("CLIENT_OR_SERVER_REPOSITORY", "")
    shell = InteractiveShell()
    for name in ("choose", "set-up"):
        shell.run_cell(SOURCES[name], store_history=False)
    shown = capsys.readouterr().out
    assert shown.startswith("Stopped: REPOSITORY is empty")
    assert shown.strip().count("\n") == 0
