"""KServe's environment: made whole or not at all, left as it is where it is there, and told where it is not."""

import json
import subprocess
import sys
import zipfile

import pytest
from helpers import ROOT

from benchmarks.remote import RemoteError, __main__, environment

PINNED = {"kserve": "9.9", "pillow": "1.2"}


def wheel(folder, name, version):
    """Write a package that holds nothing."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Have pip find two empty packages in a folder, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, version in PINNED.items():
        wheel(folder, name, version)
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(environment.NAMED, raising=False)
    monkeypatch.setattr(environment, "pinned", lambda: PINNED)
    environment._asked.cache_clear()
    return folder


def test_the_versions_are_those_of_the_suites_own_onnxruntime():
    pinned = environment.pinned()
    assert {"h2", "hypercorn", "kserve", "onnxruntime", "pillow", "starlette", "uvicorn"} <= pinned.keys()
    assert f'"onnxruntime=={pinned["onnxruntime"]}"' in (ROOT / "pyproject.toml").read_text().partition("kserve = [")[0]


def test_it_is_made_once_and_told(index, monkeypatch, capfd):
    assert "KServe's environment is missing" in environment.unavailable()
    assert "run `python -m benchmarks.remote`" in environment.unavailable()
    assert environment.versions() == {}
    __main__.main()
    assert "installing kserve==9.9, pillow==1.2 into " in capfd.readouterr().out
    assert (environment.unavailable(), environment.versions()) == (None, PINNED)
    monkeypatch.setattr(subprocess, "run", None)  # nothing is asked any more, nor installed
    __main__.main()
    assert capfd.readouterr().out.splitlines() == ["server   kserve 9.9", "server   pillow 1.2"]


def test_what_a_stopped_build_has_left_is_no_environment_and_is_built_anew(index):
    left = environment.folder() / "bin" / "left"
    left.parent.mkdir(parents=True)
    left.touch()
    (left.parent / "python").touch()
    assert "missing" in environment.unavailable()
    environment.build()
    assert (environment.unavailable(), left.exists()) == (None, False)


def test_a_failure_is_one_line_and_leaves_nothing(index, monkeypatch):
    (index / "pillow-1.2-py3-none-any.whl").unlink()
    with pytest.raises(SystemExit) as told:
        __main__.main()
    words = str(told.value.code)
    assert words.startswith("benchmarks.remote: KServe cannot be installed: ERROR: Could not find a version that")
    assert words.endswith("the package index cannot be reached: run `python -m benchmarks.remote` again with a network")
    assert "\n" not in words
    assert not environment.folder().exists()


def test_a_folder_that_cannot_be_written_is_told(index, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(RemoteError, match=r"cannot be written .* name another folder with XDG_CACHE_HOME"):
        environment.build()


def test_other_packages_are_another_environment(index, monkeypatch):
    before = environment.folder()
    monkeypatch.setattr(environment, "pinned", lambda: PINNED | {"pillow": "1.3"})
    assert environment.folder() != before


def test_an_interpreter_that_is_named_is_asked_and_left_as_it_is(index, monkeypatch):
    monkeypatch.setenv(environment.NAMED, sys.executable)
    assert f"{sys.executable} has kserve none, not 9.9" in environment.unavailable()
    with pytest.raises(SystemExit, match=r"has kserve none, not 9\.9"):
        __main__.main()
    assert not environment.folder().exists()
    monkeypatch.setenv(environment.NAMED, str(index / "no python"))
    assert "no python, which CLIENT_OR_SERVER_KSERVE names, is missing or does not start" in environment.unavailable()


def test_a_stamp_that_is_damaged_is_none(index):
    place = environment.folder()
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").touch()
    (place / environment.STAMP).write_text(json.dumps(PINNED)[:5])
    assert "missing" in environment.unavailable()
