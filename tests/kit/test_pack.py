"""What is left out of a kit, and what need not be packed again. Nothing is fetched."""

import subprocess
import sys

import pytest
from packaging.specifiers import SpecifierSet

from benchmarks.kit import pack, parcels
from benchmarks.kit.pack import Chosen, Plan, demands, has, plans, read_there
from benchmarks.kit.parcels import Kit, KitError
from browser_harness import chromium, encoding, packages

ASKED_FOR = {"onnx": SpecifierSet("==1.23.2"), "numpy": SpecifierSet(">=2.0,<3")}


@pytest.mark.parametrize(
    ("there", "name", "is_there"),
    [
        ({}, "onnx", False),
        ({"onnx": None}, "onnx", True),
        ({"onnx": "1.23.1"}, "onnx", False),
        ({"onnx": "1.23.2"}, "onnx", True),
        ({"numpy": "2.5.2"}, "numpy", True),
        ({"numpy": "3.0"}, "numpy", False),
        ({"zipp": "0.1"}, "zipp", True),
    ],
)
def test_a_package_is_there_in_a_version_that_is_asked_for(there, name, is_there):
    assert has(there, name, ASKED_FOR) is is_there


def test_versions_are_asked_for_by_the_suite_and_by_what_it_needs():
    chosen = [Chosen("a", "1", ("NumPy>=2.1", "old-python; python_version < '3.8'", "extra-one; extra == 'more'"))]
    asked_for = demands(chosen, "3.12")
    assert asked_for["numpy"] == SpecifierSet(">=2.0,<3,>=2.1")
    assert "onnxruntime-gpu" in asked_for
    assert not {"old-python", "extra-one"} & asked_for.keys()


def test_the_list_of_packages_is_read_in_both_forms(tmp_path):
    (tmp_path / "there.txt").write_text("NumPy==2.5.2\nml_dtypes\n")
    assert read_there(tmp_path / "there.txt") == {"numpy": "2.5.2", "ml-dtypes": None}
    with pytest.raises(KitError, match=r"nowhere: No such file or directory; write `pip list"):
        read_there(tmp_path / "nowhere")


def test_what_people_write_into_the_list_is_read(tmp_path):
    lines = (
        "# torch is not there", "Package Version", "------- -------", "onnx   1.23.2  # of the image", "", "--pre",
        "-e git+https://host/own.git#egg=own", "wheel @ file:///wheels/wheel.whl", "Torch[opt] == 2.11.0+cu130",
        "pip (26.0)",
    )  # fmt: skip
    (tmp_path / "there.txt").write_bytes("\r\n".join(lines).encode())
    there = read_there(tmp_path / "there.txt")
    assert there.pop("package") is None  # the head of pip's columns harms nobody
    assert there == {"onnx": "1.23.2", "wheel": None, "torch": "2.11.0+cu130", "pip": None}
    (tmp_path / "there.txt").write_bytes("torch==2.11".encode("utf-16"))
    with pytest.raises(KitError, match="no UTF-8; write `pip list"):
        read_there(tmp_path / "there.txt")


@pytest.mark.parametrize(("cudnn", "is_asked_for"), [("nvidia-cudnn-cu13", False), ("nvidia-cudnn-cu12", True)])
def test_cuda_is_packed_unless_that_of_the_wheels_own_version_is_there(cudnn, is_asked_for):
    (wheel,) = [each for each in pack._wanted().values() if each.name == pack.WHEEL]
    assert (pack.EXTRAS in pack._with_extras(wheel, {cudnn: None})) is is_asked_for


def test_a_checkout_that_git_cannot_read_is_told_before_anything_is_fetched(monkeypatch, tmp_path):
    done = subprocess.CompletedProcess([], 128, "", "fatal: detected dubious ownership\nmore\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(KitError, match=r"^`git rev-parse HEAD`: fatal: detected dubious ownership; "):
        pack.pack(tmp_path / "out", "3.12", {}, 1)


def test_packages_are_divided_into_parcels(monkeypatch):
    monkeypatch.setattr(pack, "loaded_files", list)
    chosen = [
        Chosen(name, "1") for name in ("pytest", "playwright", "onnxruntime-gpu", "nvidia-cublas", "nvidia-ml-py")
    ]
    words = {plan.name: plan.words for plan in plans(chosen, "3.12")}
    assert (words["python"], words["cuda"]) == ("2 packages", "nvidia-cublas==1, onnxruntime-gpu==1")
    assert words["browser"].startswith("Chromium ")


def test_pips_own_words_are_told_in_one_line(monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: No matching distribution\n\nnote: more\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(KitError, match=r"^pip install ended with 1: ERROR: No matching distribution; is PyPI within"):
        pack.choose("3.12", {})


def test_what_pages_load_travels_as_it_is_sent(monkeypatch, tmp_path):
    """Where it is unpacked nothing has to be encoded first, which takes a while and comes out of a step's time."""
    script = tmp_path / "modules" / "some" / "dist" / "some.js"
    script.parent.mkdir(parents=True)
    script.write_text("some();\n" * 90)
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path / "modules")
    monkeypatch.setattr(packages, "is_current", lambda package: True)
    monkeypatch.setattr(chromium, "unpack", lambda: (chromium.unpacked_folder()).mkdir(parents=True))
    monkeypatch.setattr(pack, "loaded_files", lambda: [script])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    pack.ready_browser()
    pack.add_browser(tmp_path / "kit", [script])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kit" / "cache"))  # as benchmarks.kit.unpack has it there
    assert [*encoding.forms(tmp_path / "kit" / "node_modules" / "some" / "dist" / "some.js")] == ["br", "gzip"]


class Packing:
    """Two parcels in a folder, and which of them were filled."""

    def __init__(self, out):
        self.out, self.filled = out, []

    def __call__(self, second="1", piece_bytes=1000):
        self.filled = []
        planned = [self._plan("first", "1"), self._plan("second", second)]
        made = pack.pack_parcels(planned, self.out, piece_bytes, 0, Kit("3.12", "", (), {}))
        Kit("3.12", "", made, {}).write(self.out)
        return made

    def _plan(self, name, contents):
        def fill(folder):
            if contents == "interrupted":
                raise KeyboardInterrupt
            self.filled.append(name)
            (folder / name).write_text(contents)

        return Plan(name, "words", contents, fill)


@pytest.fixture
def packing(tmp_path):
    return Packing(tmp_path)


def test_what_was_packed_is_kept(packing, capsys):
    first = packing()
    assert packing.filled == ["first", "second"]
    assert packing() == first
    assert packing.filled == []
    assert f"{packing.out} was complete: nothing was packed" in capsys.readouterr().out


def test_another_choice_is_packed_anew(packing):
    packing()
    packing("2")
    assert packing.filled == ["second"]
    packing("2", piece_bytes=2000)
    assert packing.filled == ["first", "second"]


def test_a_damaged_piece_is_packed_anew(packing):
    packing()
    (packing.out / "first.tar.xz.00").write_bytes(b"?")
    packing()
    assert packing.filled == ["first"]


def test_an_interrupted_packing_goes_on_and_has_no_index_meanwhile(packing):
    with pytest.raises(KeyboardInterrupt):
        packing("interrupted")
    assert packing.filled == ["first"]
    assert not (packing.out / parcels.INDEX).exists()
    packing()
    assert packing.filled == ["second"]


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_a_size_that_is_none_is_refused(monkeypatch, capsys, size):
    monkeypatch.setattr(sys, "argv", ["pack", f"--piece={size}"])
    with pytest.raises(SystemExit):
        pack.main()
    assert "is no size of a piece; give whole megabytes" in capsys.readouterr().err
