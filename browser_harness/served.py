"""What pages load is what was published: the SHA-256 of every file of the packages that is served.

``served.json`` has them, of the versions that package-lock.json pins. ``python -m browser_harness.served`` makes it
anew, from tarballs that are held against the lock; a file that is to be served from now on is named behind that, as in
``onnxruntime-web/dist/ort.wasm.bundle.min.mjs``.
"""

import argparse
import base64
import hashlib
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from browser_harness import packages
from browser_harness.channel import PageError

RECORD = packages.HARNESS_DIR / "served.json"
RECORDING = "python -m browser_harness.served"


def check(file: Path) -> None:
    """Raise PageError where *file* is of a package and not as it was published; any other is not looked at."""
    if not file.is_relative_to(packages.NODE_MODULES):
        return
    name = file.relative_to(packages.NODE_MODULES).as_posix()
    if name not in digests(RECORD):
        raise PageError(f"{name} is served, and {RECORD.name} has no SHA-256 of it; run `{RECORDING} {name}`")
    if words := _wrong(file, name):
        raise PageError(f"{words}; run `{packages.SET_UP}`")


def damaged() -> Iterator[str]:
    """Say which recorded files are absent or not as they were published."""
    return filter(None, (_wrong(packages.NODE_MODULES / name, name) for name in digests(RECORD)))


def _wrong(file: Path, name: str) -> str | None:
    """Say what is wrong with a file; None where it is as it was published."""
    if not file.is_file():
        return f"{name} is missing"
    found, wanted = digest(file), digests(RECORD)[name]
    return f"{name} is not as it was published: its SHA-256 is {found}, not {wanted}" if found != wanted else None


@cache
def digests(record: Path) -> Mapping[str, str]:
    """Return the recorded SHA-256 of each file, by its path below node_modules."""
    packaged = json.loads(record.read_text())
    return {f"{package}/{file}": sha for package, told in packaged.items() for file, sha in told["files"].items()}


def digest(file: Path) -> str:
    """Return a file's SHA-256; of one that nobody has touched since it is known: reading the largest takes 20 ms."""
    status = file.stat()
    return _digest(file, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@cache
def _digest(file: Path, *identity: int) -> str:
    with file.open("rb") as content:  # it may be larger than memory
        return hashlib.file_digest(content, "sha256").hexdigest()


def record(names: Iterable[str]) -> dict[str, Any]:
    """Return the record of *names*, from the tarballs of the pinned versions."""
    made: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for package, files in sorted(_by_package(names).items()):
            tarball, integrity = packages.download(package, Path(folder)), packages.integrity(package)
            if _integrity(tarball) != integrity:
                raise packages.SetUpError(f"{tarball.name}: its hash is {_integrity(tarball)}, pinned is {integrity}")
            made[package] = {"integrity": integrity, "files": _in_tarball(tarball, sorted(files))}
    return made


def _by_package(names: Iterable[str]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for name in {*names}:
        parts = name.split("/")
        length = 2 if name.startswith("@") else 1
        files.setdefault("/".join(parts[:length]), []).append("/".join(parts[length:]))
    return files


def _integrity(tarball: Path) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()}"


def _in_tarball(tarball: Path, files: Iterable[str]) -> dict[str, str]:
    with tarfile.open(tarball) as archive:
        return {file: _sha256(archive, f"package/{file}") for file in files}


def _sha256(archive: tarfile.TarFile, name: str) -> str:
    content = archive.extractfile(name)
    assert content is not None, "no plain file"
    return hashlib.sha256(content.read()).hexdigest()


def main() -> None:
    """Make the record anew, of the files in it and those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, prog=RECORDING)
    parser.add_argument("names", nargs="*", metavar="PACKAGE/FILE", help="to be served from now on")
    names = {*parser.parse_args().names, *(digests(RECORD) if RECORD.exists() else ())}
    RECORD.write_text(json.dumps(record(names), indent=2) + "\n")
    print(f"{RECORD.name}: {len(names)} files")


if __name__ == "__main__":
    main()
