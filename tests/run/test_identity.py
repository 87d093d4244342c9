"""What is said of the code that is measured: a commit, or that git tells none, and a manifest that is whole."""

import json
import os
import subprocess

import pytest

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
AGAIN = "git config --global --add safe.directory *"


def saved_commit(suite):
    return json.loads((suite.folder / "out.json").read_text())["commit_info"]


@pytest.fixture
def repository(suite):
    for words in (["init", "--quiet"], ["add", "--all"], [*AUTHOR, "commit", "--quiet", "--message", "one"]):
        subprocess.run(["git", *words], cwd=suite.folder, check=True)
    return suite


def test_a_commit_that_git_tells_is_saved_without_a_word(repository):
    result = repository.run("--benchmark-json=out.json")
    result.stdout.no_fnmatch_line("git *")
    assert len(saved_commit(repository)["id"]) == 40
    assert saved_commit(repository)["dirty"] is False


def test_a_repository_of_another_user_is_told_once_with_gits_own_remedy(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    result = repository.run("--benchmark-json=out.json", "--benchmark-autosave")
    words = (
        "git      the saved run tells no commit, and gate and history refuse it: fatal: detected dubious ownership *"
    )
    result.stdout.fnmatch_lines([f"{words}{AGAIN}"])
    assert sum(line.startswith("git ") for line in result.outlines) == 1
    assert (saved_commit(repository)["id"], saved_commit(repository)["dirty"]) == ("unknown", None)


def test_what_is_in_no_repository_tells_no_commit(suite, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(suite.folder.parent))
    result = suite.run("--benchmark-json=out.json")
    result.stdout.fnmatch_lines(["git      the saved run tells no commit, *: fatal: not a git repository *"])
    assert saved_commit(suite)["dirty"] is None


def test_where_there_is_no_git_it_is_asked_for(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    result = repository.run("--benchmark-json=out.json")
    result.stdout.fnmatch_lines(
        ["git      the saved run tells no commit, *: git: No such file or directory; install it"]
    )
    assert saved_commit(repository)["dirty"] is None


def test_a_damaged_manifest_is_refused_before_anything_is_measured(suite):
    conftest = suite.folder / "conftest.py"
    damaged = (
        "\nfrom models import manifest\ndef rows(): raise manifest.ModelError('it is damaged')\nmanifest.rows = rows\n"
    )
    conftest.write_text(conftest.read_text() + damaged)
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == ["ERROR: it is damaged"]
    assert suite.calls("time") == []
