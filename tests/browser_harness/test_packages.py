"""What is pinned in another folder is installed once, and anew where something else is pinned."""

import json

import pytest

from browser_harness import packages


def lock(version):
    return json.dumps({"packages": {"": {"name": "home"}, "node_modules/a": {"version": version}}})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a lock, where npm only writes its record."""
    (tmp_path / "package-lock.json").write_text(lock("1.0.0"))
    installed = []

    def install(*, optional, home):
        record = json.loads((home / "package-lock.json").read_text())
        del record["packages"][""]
        (home / "node_modules").mkdir(exist_ok=True)
        (home / "node_modules" / ".package-lock.json").write_text(json.dumps(record))
        installed.append(optional)

    monkeypatch.setattr(packages, "install", install)
    return tmp_path, installed


def test_what_is_there_is_not_installed_again(home):
    folder, installed = home
    packages.ensure(folder)
    packages.ensure(folder)
    assert installed == [False]


def test_another_version_is_installed(home):
    folder, installed = home
    packages.ensure(folder)
    (folder / "package-lock.json").write_text(lock("1.0.1"))
    packages.ensure(folder)
    assert len(installed) == 2


def test_the_command_says_in_a_line_why_it_failed(home, monkeypatch):
    def fail(**_):
        raise packages.SetUpError("no network")

    monkeypatch.setattr(packages, "install", fail)
    monkeypatch.setattr("sys.argv", ["packages", str(home[0])])
    with pytest.raises(SystemExit, match=r"^browser_harness\.packages: no network$"):
        packages.main()
