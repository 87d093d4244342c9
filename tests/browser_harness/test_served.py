"""Every file of a package that a page loads is recorded, and one that differs is served to nobody and repaired."""

import io
import json
import os
import shutil
import tarfile

import pytest

from benchmarks.inputs import case_of
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.onnxruntime_web import ChromiumWasm
from benchmarks.platforms.page_runtime import PageCase, PageRuntime
from benchmarks.protocol import PlatformError
from benchmarks.settings import Settings
from browser_harness import __main__ as set_up
from browser_harness import packages, served
from browser_harness.channel import PageError
from browser_harness.server import serving
from models import own

RUNTIMES = [platform for platform in PLATFORMS.values() if isinstance(platform, PageRuntime)]


@pytest.mark.parametrize("platform", RUNTIMES, ids=lambda platform: platform.name)
def test_every_file_of_a_runtime_is_recorded_and_installed_as_it_was_published(platform):
    for file in platform.runtime.values():
        served.check(file)
        assert served.digests(served.RECORD)[file.relative_to(packages.NODE_MODULES).as_posix()] == served.digest(file)


def test_the_record_is_of_the_pinned_tarballs_and_of_nothing_that_is_not_served():
    record = json.loads(served.RECORD.read_text())
    assert {package: told["integrity"] for package, told in record.items()} == {
        package: packages.integrity(package) for package in record
    }
    files = {
        file.relative_to(packages.NODE_MODULES).as_posix() for runtime in RUNTIMES for file in runtime.runtime.values()
    }
    assert {*served.digests(served.RECORD)} == files


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A copy of the files that are served, which may be damaged."""
    copy = tmp_path / "node_modules"
    for name in served.digests(served.RECORD):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(packages.NODE_MODULES / name, copy / name)
    monkeypatch.setattr(packages, "NODE_MODULES", copy)
    return copy


WASM = "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"


def flip(file):
    """Change one byte, and leave the file's size and time as they were."""
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def truncate(file):
    file.write_bytes(file.read_bytes()[:1000])


@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_damaged_file_is_told_before_anything_is_started(modules, tiny_model, damage):
    damage(modules / WASM)
    words = rf"^chromium-wasm: tiny\.onnx: {WASM} is not as it was published: its SHA-256 is \w+, not \w+; run `"
    with (
        pytest.raises(PlatformError, match=words),
        ChromiumWasm().open(case_of(own.load(tiny_model)), Settings(timeout=1)),
    ):
        pytest.fail("it was opened")


def test_a_file_that_is_damaged_while_it_is_served_is_served_no_more(modules):
    with serving({"/a.wasm": modules / WASM}) as server:
        with server.contents.body("/a.wasm", "br").source as content:
            assert content.read()
        flip(modules / WASM)
        with pytest.raises(PageError, match="is not as it was published"):
            server.contents.body("/a.wasm", "br")


def test_files_are_read_once_as_long_as_nobody_touches_them(modules, tiny_model, monkeypatch):
    case = PageCase(ChromiumWasm(), case_of(own.load(tiny_model)), Settings())
    with case.serving() as server:
        monkeypatch.setattr(served.hashlib, "file_digest", lambda *of: pytest.fail("on the clock"))
        body = server.contents.body(f"/ort/{ChromiumWasm.binary}", "br")
        with body.source as content:
            assert len(content.read()) == body.wire < body.decoded / 4
    with case.serving():
        pass


def test_a_file_that_is_not_recorded_is_not_served(modules):
    (modules / "new.js").touch()
    with pytest.raises(PageError, match=r"^new\.js is served, and served\.json has no .* run `.*served new\.js`$"):
        served.check(modules / "new.js")


def test_the_set_up_installs_anew_what_differs(modules, monkeypatch, capsys):
    whole, asked = (modules / WASM).read_bytes(), []

    def install(*, optional):
        asked.append(optional)
        (modules / WASM).write_bytes(whole)

    monkeypatch.setattr(packages, "is_current", lambda package: True)
    monkeypatch.setattr(packages, "install", install)
    set_up.ensure_packages()
    assert asked == []
    truncate(modules / WASM)
    set_up.ensure_packages()
    assert asked == [True]
    assert capsys.readouterr().out.startswith(f"installing anew: {WASM} is not as it was published")
    truncate(modules / WASM)
    monkeypatch.setattr(packages, "install", lambda optional: None)
    with pytest.raises(packages.SetUpError, match=f"^newly installed, {WASM} is not"):
        set_up.ensure_packages()


def tarball(folder, files):
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        for name, content in files.items():
            (told := tarfile.TarInfo(f"package/{name}")).size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return folder / "package.tgz"


def test_a_record_is_made_from_the_tarballs_that_are_pinned(tmp_path, monkeypatch):
    made = tarball(tmp_path, {"dist/a.js": b"a", "dist/b.js": b"b"})
    monkeypatch.setattr(packages, "download", lambda package, folder: made)
    monkeypatch.setattr(packages, "integrity", lambda package: served._integrity(made))
    record = served.record(["@some/library/dist/a.js"])
    sha = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert record == {"@some/library": {"integrity": served._integrity(made), "files": {"dist/a.js": sha}}}
    monkeypatch.setattr(packages, "integrity", lambda package: "sha512-other")
    with pytest.raises(packages.SetUpError, match="pinned is sha512-other"):
        served.record(["library/dist/a.js"])


# The set-up in one line


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A checkout of the harness with an npm that says what it is told to, and fails."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(packages.HARNESS_DIR / name, tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "whole").touch()
    monkeypatch.setattr(packages, "HARNESS_DIR", tmp_path)
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(packages, "ensure_node", lambda: {"PATH": str(tmp_path / "bin")})
    (tmp_path / "bin").mkdir()

    def says(script):
        (tmp_path / "bin" / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "npm").chmod(0o755)

    return says


def test_without_a_network_the_set_up_says_so_in_a_line_and_leaves_what_was_there(npm, tmp_path):
    npm("printf 'npm warn old\\nnpm error code ENOTFOUND\\nnpm error network request failed\\nnpm error more'; exit 1")
    with pytest.raises(packages.SetUpError) as caught:
        packages.install(optional=False)
    words = "npm error code ENOTFOUND; npm error network request failed; its server cannot be reached: run it again"
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "node_modules" / "whole").exists()
    assert not [*tmp_path.glob("*.part")]


def test_what_is_installed_takes_the_place_of_what_was_there(npm, tmp_path):
    npm("/bin/mkdir node_modules; : > node_modules/new")
    packages.install(optional=False)
    assert [file.name for file in (tmp_path / "node_modules").iterdir()] == ["new"]
    assert not [*tmp_path.glob("*.part")]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("npm error code EROFS\nnpm error syscall mkdir", "npm_config_cache"),
        ("Error: ENOSPC: no space left on device, write\n    at stack", "; free space in"),
        ("Segmentation fault", "Segmentation fault"),
        ("", "no words"),
    ],
)
def test_what_a_program_said_is_told_in_a_line_with_what_helps(output, words):
    assert words in packages.in_a_line(output)
    assert "\n" not in packages.in_a_line(output)
