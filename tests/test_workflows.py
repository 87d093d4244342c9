"""The workflows are pinned, may only read, hold no secret, and run nothing but tox environments."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from itertools import pairwise, product
from pathlib import Path

import pytest
import yaml
from helpers import ROOT

from benchmarks.figures.slower import make_slower
from benchmarks.gate.checkouts import OURS

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.stem: path.read_text() for path in FOLDER.iterdir()}
# The base loader leaves every value text, `on` and `true` too.
WORKFLOWS = {name: yaml.load(text, Loader=yaml.BaseLoader) for name, text in TEXTS.items()}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
ENVIRONMENTS = set(re.findall(r"^\[testenv:(.+)\]$", (ROOT / "tox.ini").read_text(), re.MULTILINE))
INSTALL = "python -m pip install tox"
# The remedy that the harness tells where Ubuntu keeps Chromium from its sandbox; the machine is GitHub's, for one job.
SANDBOX = "sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0"
# The browser that pages are measured in and the runner lacks; it has Firefox.
WEBKIT = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends webkit2gtk-driver xvfb"
MADE_BESIDE = "tests,tests-gpu,tests-history"  # environments that CI makes while lint and typing run
SUMMARY = "GITHUB_STEP_SUMMARY"  # the runner's own variable: the file that is shown on the page of a run


def steps(workflow, job, action=""):
    """Return a job's steps, or those that use *action*."""
    return [
        step
        for step in WORKFLOWS[workflow]["jobs"][job]["steps"]
        if step.get("uses", "").startswith(f"{action}@" if action else "")
    ]


def job_commands(workflow, job):
    """Return the lines that a job runs, in order, each with the variables that the workflow sets for it."""
    scopes = [WORKFLOWS[workflow], WORKFLOWS[workflow]["jobs"][job]]
    return [
        (step["run"], {name: text for scope in [*scopes, step] for name, text in scope.get("env", {}).items()})
        for step in steps(workflow, job)
        if "run" in step
    ]


def filled(text, given):
    """Put values in the places of a text's expressions: ``{"github.event.pull_request.base.sha": "4d2f…"}``.

    Raises KeyError for an expression that has none.
    """
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: given[match[1]], text)


def combinations(workflow, job):
    """Return what a job's matrix gives its expressions, once for each of the jobs it becomes."""
    axes = WORKFLOWS[workflow]["jobs"][job].get("strategy", {}).get("matrix", {})
    return [dict(zip([f"matrix.{axis}" for axis in axes], values, strict=True)) for values in product(*axes.values())]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_to_a_commit_whose_version_is_told(name):
    used = re.findall(r"uses: *(.+)", TEXTS[name])
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_version():
    used = {action for text in TEXTS.values() for action in re.findall(r"uses: *([\w-]+/[\w-]+)\S*@(.+)", text)}
    assert len(used) == len({repository for repository, _ in used}), used


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert not [job for job in WORKFLOWS[name]["jobs"].values() if "permissions" in job]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_uses_no_secret(name):
    assert not re.search(r"secrets|github\.token|GITHUB_TOKEN", TEXTS[name])


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_no_credentials_stay_in_the_checkout(workflow, job):
    assert [step["with"]["persist-credentials"] for step in steps(workflow, job, "actions/checkout")] == ["false"]


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_ends_and_does_not_run_twice_at_once(workflow, job):
    assert int(WORKFLOWS[workflow]["jobs"][job]["timeout-minutes"]) <= 90
    assert {"group", "cancel-in-progress"} == set(WORKFLOWS[workflow]["concurrency"])


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_runs_tox_environments_only(workflow, job):
    (first, _), *rest = job_commands(workflow, job)
    assert first == INSTALL
    assert rest
    for (line, variables), given in product(rest, combinations(workflow, job)):
        if line in (SANDBOX, WEBKIT):
            continue
        name = re.fullmatch(r'tox (?:run|exec) -e ("\$\w+"|[\w-]+)( -- .+)?', line)[1]
        assert (filled(variables[name.strip('"$')], given) if "$" in name else name) in ENVIRONMENTS


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_what_others_write_reaches_a_shell_as_a_quoted_variable_only(workflow, job):
    for line, variables in job_commands(workflow, job):
        assert "${{" not in line
        assert line.count("$") == sum(line.count(f'"${name}"') for name in {*variables, SUMMARY})


def test_ci_runs_what_it_ran_here():
    lines = (ROOT / ".ci" / "run").read_text()
    ran = {given["matrix.environment"] for given in combinations("ci", "checks")}
    assert ran == set(re.findall(r"tox run -e (\S+)", lines))


@pytest.fixture
def ci(tmp_path):
    """CI's script, in a folder whose tox notes the environments that it is asked for, and fails at the one named."""
    for name in (".ci", ".venv/bin", "bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    programs = {
        "bin/python3": "",
        "bin/apt-get": "",
        ".venv/bin/pip": "",
        ".venv/bin/tox": 'for asked; do :; done; echo "$asked" >> asked; [ "$asked" != "$FAILING" ] || exit 3',
    }
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)

    def run(failing):
        told = {"PATH": os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]), "FAILING": failing}
        code = subprocess.call([tmp_path / ".ci" / "run"], env=os.environ | told)
        return code, (tmp_path / "asked").read_text().split()

    return run


@pytest.mark.parametrize(
    ("failing", "code", "last"),
    [
        ("none", 0, "tests-history"),
        ("lint", 3, "lint"),
        ("typing", 3, "typing"),
        (MADE_BESIDE, 3, "typing"),
        ("tests", 3, "tests"),
        ("tests-gpu", 3, "tests-gpu"),
        ("tests-history", 3, "tests-history"),
    ],
)
def test_ci_fails_where_any_environment_does_and_goes_no_further(ci, failing, code, last):
    ended, asked = ci(failing)
    asked.remove(MADE_BESIDE)  # at any time: it is made meanwhile
    assert (ended, asked[-1]) == (code, last)


def test_the_gate_is_a_job_of_every_pull_request_that_a_branch_rule_can_name():
    assert WORKFLOWS["gate"]["on"] == {"pull_request": ""}
    assert WORKFLOWS["gate"]["jobs"]["gate"]["name"] == "gate"
    assert "if" not in WORKFLOWS["gate"]["jobs"]["gate"]  # a job that is skipped counts as passed


def test_the_gate_compares_the_pull_requests_own_commit_with_the_merge_base():
    checkout = steps("gate", "gate", "actions/checkout")[0]["with"]
    assert (checkout["ref"], checkout["fetch-depth"]) == ("${{ github.event.pull_request.head.sha }}", "0")
    line, variables = job_commands("gate", "gate")[1]
    assert '--merge-base "$BASE_SHA"' in line
    assert variables == {"BASE_SHA": "${{ github.event.pull_request.base.sha }}"}


def test_the_gates_results_are_kept_also_where_it_fails():
    (upload,) = steps("gate", "gate", "actions/upload-artifact")
    assert upload["if"] == "always()"
    assert upload["with"]["if-no-files-found"] == "error"
    line, _ = job_commands("gate", "gate")[1]
    assert line.endswith(f" --out {upload['with']['path'].rstrip('/')}")


def test_the_nightly_run_is_appended_to_the_history_before_that_is_drawn():
    done = [step.get("run") or step["uses"].partition("@")[0] for step in steps("nightly", "nightly")]
    bench, report = (
        "tox run -e bench -- --benchmark-json=night.json",
        "tox run -e report -- night.json --out report.html",
    )
    wanted = ["actions/cache/restore", bench, "actions/cache/save", "tox run -e history", report]
    assert all(done.index(before) < done.index(after) for before, after in pairwise(wanted))


def test_each_night_has_a_report_also_where_its_run_failed():
    *_, report, upload = steps("nightly", "nightly")
    assert (report["if"], upload["if"]) == ("always()", "always()")
    assert report["run"].split()[-1] in upload["with"]["path"].split()


def test_a_lost_history_fails_the_nightly_run():
    (restore,) = steps("nightly", "nightly", "actions/cache/restore")
    assert restore["with"]["fail-on-cache-miss"] == "${{ !inputs.start }}"
    assert WORKFLOWS["nightly"]["on"]["workflow_dispatch"]["inputs"]["start"]["default"] == "false"


def test_each_nightly_run_saves_the_history_anew_and_the_next_finds_it():
    (restore,) = steps("nightly", "nightly", "actions/cache/restore")
    (save,) = steps("nightly", "nightly", "actions/cache/save")
    assert save["with"] == {name: restore["with"][name] for name in ("path", "key")}
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    assert save["with"]["key"].endswith("${{ github.run_id }}-${{ github.run_attempt }}")
    assert WORKFLOWS["nightly"]["concurrency"]["cancel-in-progress"] == "false"


def reported():
    """Return the files that the last job of many machines reads, once for each command."""
    lines = [line for line, _ in job_commands("machines", "report")[1:]]
    return [re.findall(r"(\S+)\.json", line) for line in lines]


def test_a_machine_that_fails_keeps_no_other_from_being_reported_and_is_told():
    measure, report = (WORKFLOWS["machines"]["jobs"][name] for name in ("measure", "report"))
    assert measure["strategy"]["fail-fast"] == "false"
    (upload,) = steps("machines", "measure", "actions/upload-artifact")
    assert (upload["if"], upload["with"]["if-no-files-found"]) == ("always()", "error")
    assert (report["needs"], report["if"]) == ("measure", "${{ !cancelled() }}")
    assert all(step["if"] == "always()" for step in steps("machines", "report")[4:])
    # Each command is told every machine, and so says of which there is no file.
    machines = measure["strategy"]["matrix"]["machine"]
    assert reported() == [machines] * 3


def test_what_is_measured_is_what_is_reported():
    (line, variables) = job_commands("machines", "measure")[-1]
    (upload,) = steps("machines", "measure", "actions/upload-artifact")
    (download,) = steps("machines", "report", "actions/download-artifact")
    pattern = re.compile(download["with"]["pattern"].replace("*", ".+"))
    for given in combinations("machines", "measure"):
        machine = given["matrix.machine"]
        assert line.replace('"$MACHINE"', filled(variables["MACHINE"], given)).endswith(f"json={machine}.json")
        assert filled(upload["with"]["path"], given) == f"{machine}.json"
        assert pattern.fullmatch(filled(upload["with"]["name"], given))
    assert not pattern.fullmatch(steps("machines", "report", "actions/upload-artifact")[0]["with"]["name"])


def test_the_table_of_machines_is_shown_on_the_page_of_the_run():
    *_, (line, _) = job_commands("machines", "report")
    assert line.startswith("tox run -e export -- ")
    assert line.endswith(f' --format markdown --skip-refused --out "${SUMMARY}"')


# The gate's job on a tiny repository

PROJECT = ("conftest.py", "pyproject.toml", "tox.ini", ".gitignore", "benchmarks", "browser_harness", "models")
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "stand-ins", "training", "resnet14*", "resnet20*")
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(path, *words):
    done = subprocess.run(["git", *AUTHOR, *words], cwd=path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(path, message):
    """Commit all that has changed."""
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)


def rewrite(file, old, new):
    text = file.read_text()
    assert len(re.findall(old, text)) == 1, f"{file}: {old}"
    file.write_text(re.sub(old, lambda _match: new, text))


def copy_project(path):
    """Copy what the gate needs of the project as it lies there, with one model and one benchmark."""
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, path / name)
    rewrite(path / "models" / "manifest.json", r'"chosen": \[[^]]+\]', '"chosen": ["resnet8"]')
    rewrite(path / "pyproject.toml", '"-rs",', '"-rs", "--platform=server-cpu", "--batch-size=1",')
    rewrite(path / "tox.ini", r"-m benchmarks\.gate \{", "-m benchmarks.gate --screen 3 --confirm 3 --seconds 0.3 {")
    (path / "browser_harness" / "__main__.py").write_text('"""Set up no browser."""\n')


@pytest.fixture
def tiny(tmp_path):
    """A repository, checked out where a branch leaves main."""
    path = tmp_path / "tiny"
    path.mkdir()
    copy_project(path)
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, "what both have")
    git(path, "branch", "pull-request")
    (path / "README.md").write_text("main has gone on")
    commit(path, "of main alone")
    git(path, "checkout", "--quiet", "pull-request")
    return path


@pytest.fixture
def runner(tmp_path):
    """The variables of a job whose tox downloads nothing: its environments see the packages of this one instead.

    A Chromium is found at once, before anything else is started in search of one: nothing is measured in it.
    """
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "chromium").write_text("#!/bin/sh\necho Chromium 1.0.0.0\n")
    (tmp_path / "bin" / "chromium").chmod(0o755)
    wheel = tmp_path / "seeing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("seeing.pth", sysconfig.get_path("purelib"))
        archive.writestr("seeing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: seeing\nVersion: 1\n")
        archive.writestr("seeing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("seeing-1.dist-info/RECORD", "")
    groups = [f"testenv:{name}.dependency_groups=" for name in ("gate", "bench")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return clean | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(tmp_path / "bin"), os.environ["PATH"]]),
        "TOX_OVERRIDE": ";".join([*groups, f"testenv.deps={wheel}"]),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def run_gate_job(path, runner):
    """Run the job's command, once tox is installed, as the workflow has it; return its exit code and what it told."""
    _, (line, variables) = job_commands("gate", "gate")
    base = git(path, "rev-parse", "main")
    given = {name: filled(text, {"github.event.pull_request.base.sha": base}) for name, text in variables.items()}
    done = subprocess.run(
        ["bash", "-e", "-c", line], cwd=path, env=runner | given, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def read_gate(path):
    """Return what the gate saved: the base, and each benchmark with its verdict."""
    found = json.loads((path / "gate" / "gate.json").read_text())
    return found["base"], [(row["name"], row["verdict"]) for row in found["rows"]]


@pytest.mark.longest
def test_the_gates_job_passes_an_equal_head_and_fails_a_slower_one(tiny, runner):
    left, summary = git(tiny, "merge-base", "main", "HEAD"), Path(runner["GITHUB_STEP_SUMMARY"])
    assert left != git(tiny, "rev-parse", "main")
    rewrite(tiny / "conftest.py", '"""Choose and open: ', '"""Open: ')
    commit(tiny, "of the branch")
    code, told = run_gate_job(tiny, runner)
    assert code == 0, told
    assert {file.name for file in (tiny / "gate").iterdir()} == {f"gate.{end}" for end in ("json", "md", "txt", "xml")}
    assert read_gate(tiny) == (left[:12], [("test_latency[resnet8-server-cpu-b1]", "same")])
    assert summary.read_text() == (tiny / "gate" / "gate.md").read_text()
    summary.unlink()
    make_slower(tiny, 30)
    commit(tiny, "a slower model")
    code, told = run_gate_job(tiny, runner)
    assert code == 1, told
    assert read_gate(tiny) == (left[:12], [("test_latency[resnet8-server-cpu-b1]", "slower")])
    assert "1 of 1 benchmark is slower" in summary.read_text()
