"""What arrived is laid where the suite looks for it, as often as it takes; this Python's packages stay as they are."""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PathDistribution

import pytest

from benchmarks.kit import parcels, unpack
from benchmarks.kit.parcels import Kit, KitError

HERE = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture
def into(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "NODE_MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(unpack, "distributions", lambda **_: [])  # of CUDA
    return tmp_path / "into"


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def packed(out, tmp_path, text="first", **there):
    content = tmp_path / "content"
    for name in ("site-packages/suite/__init__.py", "node_modules/web/package.json", "cache/browser/program"):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(text)
    (content / "cache" / "browser" / "link").symlink_to("program")
    kit = Kit(HERE, "a" * 40, (parcels.write("some", "words", content, out, 200),), there)
    shutil.rmtree(content)
    kit.write(out)
    return kit


def made(folder, name, version="1.0", files=("__init__.py",), namespace=""):
    """Lay a package as pip would, and return it."""
    inside = [f"{namespace or name}/{file}" for file in files]
    described = f"{name}-{version}.dist-info"
    for file in inside:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(name)
    (folder / described).mkdir()
    (folder / described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / described / "RECORD").write_text("".join(f"{file},,\n" for file in [*inside, f"{described}/METADATA"]))
    return PathDistribution(folder / described)


def is_laid(into, tmp_path, text="first"):
    places = (
        unpack.site_packages(into) / "suite" / "__init__.py",
        tmp_path / "node_modules" / "web" / "package.json",
        into / "cache" / "browser" / "program",
        into / "cache" / "browser" / "link",
    )
    return all(place.read_text() == text for place in places)


def test_a_parcel_is_laid_where_it_is_looked_for(out, into, tmp_path):
    assert unpack.unpack(packed(out, tmp_path), [out], into) == []
    assert is_laid(into, tmp_path)
    assert f"export XDG_CACHE_HOME={into}/cache" in (into / "activate").read_text()


def test_what_is_done_is_not_done_again(out, into, tmp_path, capsys):
    kit = packed(out, tmp_path)
    unpack.unpack(kit, [out], into)
    for piece in out.glob("*.tar.xz.*"):
        piece.unlink()
    capsys.readouterr()
    assert unpack.unpack(kit, [out], into) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("moves", range(4))
def test_an_interrupted_call_is_repeated(out, into, tmp_path, monkeypatch, moves):
    kit, real, left = packed(out, tmp_path), shutil.move, iter(range(moves))

    def interrupted(source, target):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", interrupted)
        with pytest.raises(KeyboardInterrupt):
            unpack.unpack(kit, [out], into)
    assert not (into / "some.done").exists()
    assert unpack.unpack(kit, [out], into) == []
    assert is_laid(into, tmp_path)


def test_one_interrupted_before_it_was_noted_is_repeated(out, into, tmp_path):
    kit = packed(out, tmp_path)
    unpack.unpack(kit, [out], into)
    (into / "some.done").unlink()
    assert unpack.unpack(kit, [out], into) == []
    assert is_laid(into, tmp_path)


def test_what_is_lacking_is_told_and_the_rest_unpacked(out, into, tmp_path):
    kit = packed(out, tmp_path)
    lost = parcels.Parcel("lost", "words", (parcels.Piece("lost.tar.xz.00", 1, "0"),), "", 0)
    kit = Kit(kit.python, kit.commit, (lost, *kit.parcels), kit.there)
    (told,) = unpack.unpack(kit, [out], into)
    assert told.startswith("lost: lost.tar.xz.00 did not arrive")
    assert is_laid(into, tmp_path)


@pytest.mark.parametrize("change", ["commit", "content"])
def test_another_kit_is_unpacked_anew(out, into, tmp_path, capsys, change):
    first = packed(out, tmp_path)
    unpack.unpack(first, [out], into)
    (unpack.site_packages(into) / "stale.py").touch()
    text = "second" if change == "content" else "first"
    second = packed(out, tmp_path, text)
    second = Kit(HERE, "b" * 40 if change == "commit" else first.commit, second.parcels, {})
    assert unpack.unpack(second, [out], into) == []
    assert is_laid(into, tmp_path, text)
    assert not (unpack.site_packages(into) / "stale.py").exists()
    assert "holds a kit of commit aaaaaaaa: unpacking anew" in capsys.readouterr().out


def test_an_environment_that_tells_no_kit_is_unpacked_anew(out, into, tmp_path, capsys):
    into.mkdir()
    unpack.clear_other(packed(out, tmp_path), into)
    assert not into.exists()
    assert "of another version" in capsys.readouterr().out


def test_a_kit_that_lies_where_it_is_unpacked_is_not_removed(out, into, tmp_path):
    kit = packed(out, tmp_path)
    shutil.copytree(out, into / "kit")
    with pytest.raises(KitError, match="move it elsewhere"):
        unpack.unpack(kit, [into / "kit"], into)
    assert (into / "kit" / parcels.INDEX).exists()


def test_another_python_is_refused(out, into, tmp_path):
    kit = packed(out, tmp_path)
    with pytest.raises(KitError, match=rf"^packed for Python 2\.7, this is {HERE}; pack with --python {HERE}$"):
        unpack.unpack(Kit("2.7", kit.commit, kit.parcels, {}), [out], into)


def test_a_full_disk_is_told_before_anything_is_unpacked(out, into, tmp_path, monkeypatch):
    kit = packed(out, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    (told,) = unpack.unpack(kit, [out], into)
    assert "where 0.0 MB are free; make room and run this again" in told
    assert not (into / "cache").exists()


def test_an_environment_is_made_without_packages(tmp_path):
    site = unpack.make_environment(tmp_path / "new")
    assert (site.is_dir(), [*site.iterdir()]) == (True, [])


def test_a_package_that_is_there_is_linked_and_one_that_is_not_is_told(out, into, tmp_path):
    (lacking,) = unpack.unpack(packed(out, tmp_path, pluggy="", no_such_package=""), [out], into)
    assert lacking.startswith(f"no_such_package was left out of the kit, but {sys.executable} has none; pack again")
    assert (unpack.site_packages(into) / "pluggy" / "__init__.py").is_file()


def test_a_folder_that_packages_share_is_not_written_into(tmp_path):
    system, site = tmp_path / "system", tmp_path / "site"
    site.mkdir()
    unpack.link(made(system, "nvidia-one", files=("one/lib.so",), namespace="nvidia"), site)
    assert (site / "nvidia").is_symlink()
    made(tmp_path / "content" / "site-packages", "nvidia-two", files=("two/lib.so",), namespace="nvidia")
    unpack.lay(tmp_path / "content", site, tmp_path)
    assert {child.name for child in (site / "nvidia").iterdir()} == {"one", "two"}
    assert [child.name for child in (system / "nvidia").iterdir()] == ["one"]


def test_a_package_is_linked_into_a_folder_that_has_come_with_the_kit(tmp_path):
    site = tmp_path / "site"
    made(site, "nvidia-two", files=("two/lib.so",), namespace="nvidia")
    unpack.link(made(tmp_path / "system", "nvidia-one", files=("one/lib.so",), namespace="nvidia"), site)
    assert (site / "nvidia" / "one" / "lib.so").read_text() == "nvidia-one"


def test_a_link_that_leads_nowhere_is_made_anew(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "one").symlink_to(tmp_path / "gone")
    unpack.link(made(tmp_path / "system", "one"), tmp_path / "site")
    assert (tmp_path / "site" / "one" / "__init__.py").is_file()


@pytest.mark.parametrize(("asked_for", "is_told"), [("==1.23.2", True), (">=1.20", False), ("", False)])
def test_a_linked_version_that_is_not_asked_for_is_told(tmp_path, asked_for, is_told):
    made(tmp_path, "onnx", "1.23.1")
    notes = [*unpack.unsuited(Kit(HERE, "", (), {"onnx": asked_for}), tmp_path)]
    assert [note.partition(":")[0] for note in notes] == ["onnx 1.23.1 is here, onnx==1.23.2 is asked for"] * is_told


@pytest.mark.parametrize(("here", "is_told"), [("b" * 40, True), ("a" * 40, False), (None, False)])
def test_another_commit_is_told(here, is_told):
    notes = [*unpack.of_commit(Kit(HERE, "a" * 40, (), {}), here)]
    assert [note[:55] for note in notes] == ["packed at commit aaaaaaaa, this checkout is at bbbbbbbb"] * is_told


def test_a_folder_without_a_kit_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["unpack", str(tmp_path)])
    with pytest.raises(
        SystemExit, match=rf"^gpu-kit: {tmp_path}/kit\.json: No such file or directory; name the folder"
    ):
        unpack.main()


def test_its_own_python_does_not_unpack_over_itself(out, into, tmp_path, monkeypatch):
    kit = packed(out, tmp_path)
    unpack.unpack(kit, [out], into)
    monkeypatch.setattr(sys, "prefix", str(into))
    with pytest.raises(KitError, match=r"is what is unpacked; run this in a shell without `\. .+/activate`"):
        unpack.unpack(replace(kit, commit="b" * 40), [out], into)
    assert is_laid(into, tmp_path)


@pytest.mark.parametrize(("before", "after"), [("", "of the machine.json"), ("named.json", "named.json")])
def test_a_driver_is_named_to_the_shell_that_names_none(into, tmp_path, monkeypatch, before, after):
    driver = tmp_path / "of the machine.json"
    driver.touch()
    monkeypatch.setattr(unpack, "DRIVERS", {"VK_DRIVER_FILES": (str(driver),)})
    monkeypatch.setenv("VK_DRIVER_FILES", "of the shell that unpacks")
    into.mkdir()
    unpack.write_activation(into)
    shell = ["sh", "-c", f". {into / 'activate'}; echo $VK_DRIVER_FILES"]
    told = subprocess.check_output(shell, env={"PATH": os.environ["PATH"], "VK_DRIVER_FILES": before}, text=True)
    assert told.endswith(f"{after}\n")
