"""Pack what a machine with a GPU and without a network lacks.

    tox run -e gpu-kit                               everything, with CUDA's libraries: some 2 GB
    tox run -e gpu-kit -- --there PACKAGES.txt       without the packages that the other machine has
    tox run -e gpu-kit -- --piece 48                 pieces of 48 MB, where only so much travels at once

PACKAGES.txt is the answer of `python3 -m pip list --format=freeze` there, or the bare names. A package is left out
where it is in that list, in a version that this suite takes where the list tells one. What an earlier call has packed
of the same choice is kept, also of one that was interrupted.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from benchmarks.kit import parcels
from benchmarks.kit.parcels import UNFINISHED, Kit, KitError, Parcel, megabytes
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS
from browser_harness import chromium, encoding, packages

ROOT = Path(__file__).parents[2]
GROUP = "gpu-kit"  # of pyproject.toml: what is installed there
WHEEL, EXTRAS = "onnxruntime-gpu", "[cuda,cudnn]"
CUDNN = "nvidia-cudnn-cu13"  # of the CUDA that the wheel is built for; PyTorch may bring that of another one
# What pip and people write: a name, extras, and a version behind == or in the next column.
LISTED = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[.*?\])?(?:\s*==\s*|\s+(?=\d)|(?=\s|$))([\w.+!]*)")
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
    requires: tuple[str, ...] = ()

    @property
    def pinned(self) -> str:
        """The requirement that takes this very version."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Plan:
    """A parcel before it is packed."""

    name: str
    words: str
    contents: object  # what is chosen, without a place of this machine; its text tells one choice from another
    fill: Callable[[Path], None]

    def digest(self, *options: object) -> str:
        """Return what tells the same choice, packed in the same way, from others."""
        return hashlib.sha256(repr((self.contents, options)).encode()).hexdigest()


def main() -> None:
    """Pack."""
    options = _parse()
    try:
        there = read_there(options.there)
        kit = pack(options.out, options.python, there, options.piece * 1_000_000, options.level)
    except (KitError, packages.SetUpError) as error:
        sys.exit(f"gpu-kit: {error}")
    except OSError as error:
        sys.exit(f"gpu-kit: {error.filename or options.out}: {error.strerror or error}; mend that and pack again")
    for parcel in kit.parcels:
        print(f"{parcel.name:10} {megabytes(parcel.bytes):>12} in {len(parcel.pieces)}: {parcel.words}")
    print(f"copy {options.out} and a checkout of this commit there, then, in it: python3 -m benchmarks.kit.unpack KIT")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu-kit"), help="default: %(default)s")
    parser.add_argument("--there", type=Path, help="the packages of the other machine, one a line")
    parser.add_argument("--python", default="3.12", help="its version of Python (default: %(default)s)")
    parser.add_argument("--piece", type=_size, default=2000, metavar="MB", help="at most (default: %(default)s)")
    words = "of xz, 0 to 9: higher takes several times as long and saves a tenth (default: %(default)s)"
    parser.add_argument("--level", type=int, choices=range(10), metavar="N", default=parcels.LEVEL, help=words)
    return parser.parse_args()


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no size of a piece; give whole megabytes, at least 1")
    return int(text)


def pack(out: Path, python: str, there: Mapping[str, str | None], piece_bytes: int, level: int = parcels.LEVEL) -> Kit:
    """Write the kit to *out* and return its index; raises KitError, SetUpError."""
    commit = _commit()
    out.mkdir(parents=True, exist_ok=True)
    print("choosing packages", flush=True)
    chosen = choose(python, there)
    asked_for = demands(chosen, python)
    travelling = [package for package in chosen if not has(there, package.name, asked_for)]
    ready_browser()
    made = pack_parcels(plans(travelling, python), out, piece_bytes, level, Kit(python, commit, (), {}))
    left = sorted(package.name for package in chosen if package not in travelling)
    kit = Kit(python, commit, made, {name: str(asked_for.get(name, "")) for name in left})
    kit.write(out)
    (out / UNFINISHED).unlink(missing_ok=True)
    return kit


def pack_parcels(
    planned: Sequence[Plan], out: Path, piece_bytes: int, level: int, unfinished: Kit
) -> tuple[Parcel, ...]:
    """Pack what *out* does not hold yet of the same choice; after each parcel the index of an unfinished kit."""
    packed = before = kept(out)

    def note() -> None:
        replace(unfinished, parcels=tuple(packed.values())).write(out, UNFINISHED)

    note()
    (out / parcels.INDEX).unlink(missing_ok=True)  # until all of it is there again
    for plan in planned:
        choice = plan.digest(piece_bytes, level)
        if plan.name in packed and packed[plan.name].choice == choice:
            print(f"{plan.name}: packed already, {megabytes(packed[plan.name].bytes)}", flush=True)
            continue
        folder = out / "content.part"  # by one name, so that what a killed call left does not stay
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            plan.fill(folder)
            parcel = parcels.write(plan.name, plan.words, folder, out, piece_bytes, choice=choice, level=level)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        packed = packed | {plan.name: parcel}
        note()
    if packed == before:
        print(f"{out} was complete: nothing was packed", flush=True)
    return tuple(packed[plan.name] for plan in planned)


def kept(out: Path) -> dict[str, Parcel]:
    """Return by name the parcels that earlier calls have packed, where all their pieces are sound."""
    found: dict[str, Parcel] = {}
    for index in (parcels.INDEX, UNFINISHED):
        try:
            found |= {each.name: each for each in Kit.read(out, index).parcels if not parcels.faults(each, [out])}
        except KitError:  # none, or one of another version
            continue
    return found


def plans(travelling: Sequence[Chosen], python: str) -> list[Plan]:
    """Divide what travels into parcels; first what is small, and needed without a browser."""
    of_browser = [package for package in travelling if package.name in IN_BROWSER]
    of_cuda = [package for package in travelling if _is_of_cuda(package.name)]
    others = [package for package in travelling if package not in (*of_browser, *of_cuda)]
    files = loaded_files()

    def fill_browser(folder: Path) -> None:
        _install(of_browser, python, folder / "site-packages")
        add_browser(folder, files)
        add_libraries(folder / "libraries")

    def installed(chosen: Sequence[Chosen]) -> Callable[[Path], None]:
        return lambda folder: _install(chosen, python, folder / "site-packages")

    chromium_version = packages.pinned(chromium.PACKAGE)
    words = f"Chromium {chromium_version}, its driver, pages' runtimes, loaders of Vulkan and EGL"
    of_pages = [(str(file.relative_to(packages.NODE_MODULES)), file.stat().st_size) for file in files]
    versions = [(name, packages.installed(name)) for name in sorted(_needed())]
    sent = [(form.content, form.coding, form.level) for file in files for form in encoding.forms(file).values()]
    browser = (chromium_version, of_pages, versions, LIBRARIES, sent)
    return [
        Plan("python", f"{len(others)} packages", (python, _pins(others)), installed(others)),
        Plan("cuda", ", ".join(_pins(of_cuda)) or "nothing", (python, _pins(of_cuda)), installed(of_cuda)),
        Plan("browser", words, (python, _pins(of_browser), browser), fill_browser),
    ]


def _is_of_cuda(name: str) -> bool:
    return name.startswith(("nvidia-", WHEEL)) and name != "nvidia-ml-py"


def _pins(chosen: Sequence[Chosen]) -> list[str]:
    return sorted(package.pinned for package in chosen)


def read_there(file: Path | None) -> dict[str, str | None]:
    """Read a list of packages, ``name==version`` or ``name`` a line."""
    if file is None:
        return {}
    try:
        lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    except OSError as error:
        raise KitError(f"--there {file}: {error.strerror}; write `pip list --format=freeze` of there to it") from error
    except UnicodeDecodeError as error:
        raise KitError(f"--there {file}: no UTF-8; write `pip list --format=freeze` of there to it") from error
    pairs = [found.groups() for found in map(LISTED.match, lines) if found]
    return {canonicalize_name(name): version or None for name, version in pairs}


def has(there: Mapping[str, str | None], name: str, asked_for: Mapping[str, SpecifierSet]) -> bool:
    """Whether the other machine has a package, in a version that is asked for where the list tells one."""
    if name not in there:
        return False
    version = there[name]
    return version is None or asked_for.get(name, SpecifierSet()).contains(version, prereleases=True)


def demands(chosen: Sequence[Chosen], python: str) -> dict[str, SpecifierSet]:
    """Return by name which versions this suite asks for, and the packages that it needs."""
    asked_for: dict[str, SpecifierSet] = {}
    needed = [Requirement(text) for package in chosen for text in package.requires]
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    for wanted in (*_wanted().values(), *needed):
        if wanted.marker is None or wanted.marker.evaluate(environment):
            name = canonicalize_name(wanted.name)
            asked_for[name] = asked_for.get(name, SpecifierSet()) & wanted.specifier
    return asked_for


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


def choose(python: str, there: Mapping[str, str | None]) -> list[Chosen]:
    """Let pip choose for the other machine; onnxruntime-gpu's CUDA among it, unless that is there."""
    wanted = [_with_extras(each, there) for each in _wanted().values()]
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip("install", "--dry-run", "--ignore-installed", "--report", report, *_target(python, Path(folder)), *wanted)
        content: dict[str, Any] = json.loads(report.read_text())
    found = (item["metadata"] for item in content["install"])
    return [
        Chosen(canonicalize_name(item["name"]), item["version"], tuple(item.get("requires_dist", ()))) for item in found
    ]


def _with_extras(wanted: Requirement, there: Mapping[str, str | None]) -> str:
    text = str(wanted)
    return text.replace(WHEEL, WHEEL + EXTRAS) if wanted.name == WHEEL and CUDNN not in there else text


def _target(python: str, folder: Path) -> list[str]:
    return ["--target", str(folder), "--python-version", python, "--only-binary=:all:", *PLATFORM]


def _install(chosen: Sequence[Chosen], python: str, folder: Path) -> None:
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
        last = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no words"]
        raise KitError(f"pip {words[0]} ended with {done.returncode}: {last[-1]}; is PyPI within reach?")


def ready_browser() -> None:
    """Install and unpack here the browser and the runtimes that travel, and encode those as they are sent."""
    if not all(packages.is_current(name) for name in (*packages.runtimes(), chromium.PACKAGE)):
        packages.install(optional=True)
    chromium.unpack()
    encoding.make(loaded_files(), tell=lambda words: print(words, flush=True))


def _needed() -> set[str]:
    return {package for platform in CHROMIUM_PLATFORMS for package in platform.packages}


def loaded_files() -> list[Path]:
    """Return of the npm packages what pages load, and what tells their versions."""
    loaded = {path for platform in CHROMIUM_PLATFORMS for path in platform.runtime.values()}
    return sorted(loaded | {packages.NODE_MODULES / package / "package.json" for package in _needed()})


def add_browser(folder: Path, files: Sequence[Path]) -> None:
    """Add the packaged Chromium, unpacked, and *files* of the npm packages, as they are and as they are sent."""
    unpacked = chromium.unpacked_folder()
    cache = folder / "cache" / packages.cache_folder().name
    shutil.copytree(unpacked, cache / unpacked.name)
    for path in files:
        encoding.keep_copy(path, cache)
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
            last = done.stderr.strip().splitlines()[-1:] or ["no words"]
            raise KitError(f"apt-get download ended with {done.returncode}: {last[0]}; run `apt-get update`")
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, Path(scratch) / "root"], check=True)
        for library in (Path(scratch) / "root").rglob("*.so*"):
            shutil.copy2(library, folder / library.name, follow_symlinks=True)


def _commit() -> str:
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip() or "no words").splitlines()[0]
        raise KitError(f"`{' '.join(command)}`: {words}; a kit says of which commit it is, pack in a checkout of git's")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
