"""What names a version, and what becomes of it: revisions, worktrees, folders, and what is refused with its name."""

import os
import shutil
import sys
from itertools import count

import pytest

from benchmarks.gate import checkouts
from benchmarks.gate.checkouts import CheckoutError, checkout, commit_of, merge_base, prepare, working_tree
from benchmarks.run import lockstep

AUTHOR = (
    "-c",
    "user.name=A",
    "-c",
    "user.email=a@example.org",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "tag.gpgsign=false",
)
NUMBER = count()


def git(path, *words):
    return checkouts.git(*AUTHOR, *words, cwd=path)


def commit(path, **files):
    """Write files (NAME for NAME.py), commit them, and return the commit."""
    for name, text in {"turn": str(next(NUMBER)), **files}.items():
        (path / "benchmarks" / f"{name}.py").write_text(text)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", "more")
    return git(path, "rev-parse", "HEAD")


@pytest.fixture(name="root")
def repository(tmp_path):
    """A repository whose branch `side` left `main` one commit ago, both with a commit of their own since."""
    path = tmp_path / "project"
    (path / "benchmarks" / "run").mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / ".gitignore").write_text(".gate/\n.tox/\n")
    commit(path, **{"run/lockstep": f"PROTOCOL = {lockstep.PROTOCOL}\n"})
    git(path, "tag", "v1.0")
    git(path, "checkout", "--quiet", "-b", "side")
    commit(path)
    git(path, "checkout", "--quiet", "main")
    commit(path)
    return path


def of(root, name):
    return git(root, "rev-parse", f"{name}^{{commit}}")


@pytest.mark.parametrize("name", ["main", "side", "v1.0", "HEAD", "HEAD~1"])
def test_a_revision_becomes_a_worktree_of_its_commit(root, name):
    source = checkout(name, root)
    assert source.words == f"{name} ({of(root, name)[:12]})"
    assert source.path == root / ".gate" / "checkouts" / of(root, name)[:12]
    assert git(source.path, "rev-parse", "HEAD") == of(root, name)
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("digits", [7, 12, 40])
def test_a_commit_is_told_once(root, digits):
    assert checkout(of(root, "side")[:digits], root).words == of(root, "side")[:12]


def test_an_annotated_tag_is_its_commit(root):
    git(root, "tag", "--annotate", "--message", "two", "v2.0")
    assert commit_of("v2.0", root) == of(root, "main")


def test_a_folder_is_taken_as_it_lies_there(root, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(root, folder)
    (folder / "benchmarks" / "turn.py").write_text("changed")
    source = checkout(str(folder), root)
    assert (source.path, source.words) == (folder, str(folder))


@pytest.mark.parametrize("name", ["nonsense", "-h", "--all", "main..side", "deadbeef" * 5, "", "main:benchmarks"])
def test_what_names_no_version_is_refused_by_name(root, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a folder without a suite, where the text names a folder at all
    with pytest.raises(
        CheckoutError, match="neither a revision of this repository nor a folder with a checkout"
    ) as raised:
        checkout(name, root)
    assert str(raised.value).startswith(f"{name}: ")


def test_a_worktree_is_used_again_as_clean_as_a_new_one_and_keeps_its_environment(root):
    path = checkout("side", root).path
    python = path / ".tox" / "bench" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (path / "benchmarks" / "turn.py").write_text("changed")
    (path / "benchmarks" / "test_more.py").write_text("added")
    git(path, "checkout", "--quiet", "--detach", "--force", "v1.0")
    assert checkout("side", root).path == path
    assert git(path, "rev-parse", "HEAD") == of(root, "side")
    assert git(path, "status", "--porcelain") == ""
    assert python.exists()


def test_a_worktree_that_was_deleted_is_made_again(root):
    path = checkout("side", root).path
    shutil.rmtree(path)
    assert checkout("side", root).path == path
    assert (path / "benchmarks" / "turn.py").exists()


def test_a_mere_folder_in_a_worktrees_place_does_not_cost_the_project_its_changes(root):
    path = checkout("side", root).path
    (path / ".git").unlink()
    (root / "benchmarks" / "turn.py").write_text("not committed")
    with pytest.raises(CheckoutError, match=f"(?s)worktree add .*{path.name}.* already exists"):
        checkout("side", root)
    assert (root / "benchmarks" / "turn.py").read_text() == "not committed"
    assert git(root, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_in_a_hook_of_git_a_worktree_is_not_taken_for_the_project(root, monkeypatch):
    path, before = checkout("side", root).path, of(root, "main")
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / ".git" / "index"))
    checkout("side", root)
    monkeypatch.undo()
    assert of(root, "HEAD") == of(root, "main") == before
    assert git(root, "status", "--porcelain") == ""
    assert git(path, "rev-parse", "HEAD") == of(root, "side")


def test_the_merge_base_is_where_the_head_left_the_base(root):
    left = of(root, "v1.0")
    assert merge_base("side", "HEAD", root) == left
    git(root, "merge", "--quiet", "--no-edit", "--strategy=ours", "side")
    assert merge_base("side", "HEAD", root) == of(root, "side")
    assert merge_base("side", "v1.0", root) == left  # of the head that is named, not of what is checked out


def test_what_a_shallow_clone_lacks_is_said_to_be_fetched(root, tmp_path):
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", root.as_uri(), str(shallow))
    for base, head in (("v0.9", "HEAD"), ("HEAD", "v0.9")):
        with pytest.raises(
            CheckoutError,
            match=r"v0\.9: no revision of .*shallow; the clone is shallow: fetch .*`git fetch --unshallow`",
        ):
            merge_base(base, head, shallow)
    with pytest.raises(CheckoutError, match=r"origin/side and HEAD have no commit in common here; .*git fetch --unsh"):
        merge_base("origin/side", "HEAD", shallow)


def test_a_revision_that_a_shallow_clone_lacks_is_told_with_the_command_that_fetches_it(root, tmp_path):
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), str(shallow))
    with pytest.raises(CheckoutError, match=r"^HEAD~1: neither .*; the clone is shallow: .*`git fetch --unshallow`.*$"):
        checkout("HEAD~1", shallow)
    with pytest.raises(CheckoutError, match=r"^HEAD~9: neither .*; fetch it with `git fetch --all --tags`$"):
        checkout("HEAD~9", root)


def test_a_repository_that_git_does_not_read_is_told_in_gits_words_and_one_line(root, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for tried in (lambda: checkout("main", root), lambda: working_tree(root)):
        with pytest.raises(CheckoutError, match=r"dubious ownership .* git config --global --add safe.directory .*$"):
            tried()


def test_without_git_it_is_asked_for(root, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CheckoutError, match=r"^git: No such file or directory; install it"):
        checkout("main", root)


def test_the_working_tree_tells_its_commit_and_whether_it_has_changes(root):
    short = git(root, "rev-parse", "--short", "HEAD")
    (root / "benchmarks" / "notes.txt").write_text("of nobody's concern")
    assert working_tree(root).words == f"the working tree ({short})"
    (root / "benchmarks" / "turn.py").write_text("changed")
    assert working_tree(root) == checkouts.Checkout(root, f"the working tree ({short}, with changes)")


def test_a_folder_that_is_no_repository_is_told_in_gits_words(tmp_path):
    with pytest.raises(CheckoutError, match=r"git status .*not a git repository"):
        working_tree(tmp_path)


# The environment. `python -m tox` runs the module of that name that lies in the checkout.

TOX = f"""
import os, sys
from pathlib import Path
Path("told").write_text("\\n".join([*sys.argv[1:], *sorted(os.environ)]))
if Path("refuse").exists():
    sys.exit("no such environment")
python = Path(".tox", sys.argv[sys.argv.index("-e") + 1], "bin", "python")
python.parent.mkdir(parents=True, exist_ok=True)
python.write_text("#!/bin/sh\\nexec {sys.executable} \\"$@\\"\\n")
python.chmod(0o755)
"""


def test_a_version_gets_its_own_environment_and_knows_nothing_of_the_gates(root, monkeypatch, capfd):
    (root / "tox.py").write_text(TOX)
    for name in ("TOX_ENV_NAME", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_ADDOPTS", "TOX_OVERRIDE", "HOME_OF_A"):
        monkeypatch.setenv(name, "x")
    version = prepare("head", working_tree(root), "bench-full")
    assert (version.name, version.checkout) == ("head", root)
    assert version.python == root / ".tox" / "bench-full" / "bin" / "python"
    seen = (root / "told").read_text().splitlines()
    assert seen[:5] == ["run", "-q", "-e", "bench-full", "--notest"]
    assert {"TOX_OVERRIDE", "HOME_OF_A"} <= {*seen}
    assert not {"TOX_ENV_NAME", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_ADDOPTS"} & {*seen}
    out, err = capfd.readouterr()
    assert out == ""  # which is the outcome's alone
    assert "head: the working tree (" in err


def test_an_environment_that_cannot_be_made_is_refused_by_name(root, capfd):
    (root / "tox.py").write_text(TOX)
    (root / "refuse").touch()
    with pytest.raises(
        CheckoutError, match=r"base: `tox run -e bench --notest` failed in .*project; its words stand above"
    ):
        prepare("base", working_tree(root), "bench")
    assert "no such environment" in capfd.readouterr().err


def test_a_version_from_before_the_gate_is_refused(root):
    (root / lockstep.FILE).unlink()
    with pytest.raises(
        CheckoutError, match=r"base: the working tree \(.*\) is older than the gate: it cannot take turns"
    ):
        prepare("base", working_tree(root), "bench")


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_of_another_protocol_is_refused_in_one_line_before_anything_is_built(root, number):
    (root / "tox.py").write_text(TOX)
    (root / lockstep.FILE).write_text(f"PROTOCOL = {number}\n")
    with pytest.raises(CheckoutError) as raised:
        prepare("base", checkouts.Checkout(root, "v9 (0123abc)"), "bench")
    assert str(raised.value) == (
        f"base: v9 (0123abc) takes turns by protocol {number} and this gate by 2: "
        f"name a revision of protocol 2, or run a gate of protocol {number}"
    )
    assert not (root / "told").exists()


@pytest.mark.parametrize("place", ["turns.py", "run/turns.py"])
def test_a_version_from_before_the_number_spoke_protocol_1_and_is_refused(root, place):
    (root / lockstep.FILE).unlink()
    (root / "benchmarks" / place).touch()
    with pytest.raises(CheckoutError, match="base: v1 takes turns by protocol 1 and this gate by 2: "):
        prepare("base", checkouts.Checkout(root, "v1"), "bench")
