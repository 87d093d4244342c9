"""Unpack a kit on the machine without a network, with its plain Python: ``python3 -m benchmarks.kit.unpack KIT``.

Checks every piece (SHA-256), makes an environment of its own in ``.gpu-kit/``, into which the packages that this Python
has are linked, and lays the browser's files where the suite looks for them. A parcel whose pieces are not all there yet
is told and left for the next call. Standard library only.
"""

import argparse
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from benchmarks.kit import parcels
from benchmarks.kit.parcels import Kit, KitError, Parcel, megabytes

ROOT = Path(__file__).parents[2]
INTO = ROOT / ".gpu-kit"
NODE_MODULES = ROOT / "browser_harness" / "node_modules"
# Where NVIDIA's driver may have put what tells the loaders of it, beside the places that they look in.
DRIVERS = {
    "VK_DRIVER_FILES": ("nvidia/share/vulkan/icd.d/nvidia_icd.json", "vulkan/icd.d/nvidia_icd.json"),
    "__EGL_VENDOR_LIBRARY_FILENAMES": (
        "nvidia/share/glvnd/egl_vendor.d/10_nvidia.json",
        "glvnd/egl_vendor.d/10_nvidia.json",
    ),
}


def main() -> None:
    """Unpack what has arrived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="KIT", help="holds kit.json; others hold more pieces")
    folders = parser.parse_args().folders
    try:
        kit = Kit.read(folders[0])
        lacking = unpack(kit, folders, INTO)
    except KitError as error:
        sys.exit(f"gpu-kit: {error}")
    except OSError as error:
        sys.exit(f"gpu-kit: {error.filename or INTO}: {error.strerror or error}; mend that and run this again")
    for note in (*of_commit(kit, _commit()), *unsuited(kit, site_packages(INTO))):
        print(f"gpu-kit: note: {note}")
    if lacking:
        sys.exit("\n".join(f"gpu-kit: {told}" for told in lacking))
    print(f"ready: . {shlex.quote(str(INTO / 'activate'))} && python -m benchmarks.kit.run")


def unpack(kit: Kit, folders: Sequence[Path], into: Path) -> list[str]:
    """Unpack the parcels that are complete into *into*; return what is lacking for all of it. Raises KitError."""
    if (here := ".".join(platform.python_version_tuple()[:2])) != kit.python:
        raise KitError(f"packed for Python {kit.python}, this is {here}; pack with --python {here}")
    if Path(sys.prefix).resolve() == into.resolve():
        raise KitError(f"{sys.executable} is what is unpacked; run this in a shell without `. {into / 'activate'}`")
    if any(folder.resolve().is_relative_to(into.resolve()) for folder in folders):
        raise KitError(f"the kit lies in {into}, where it is unpacked; move it elsewhere")
    clear_other(kit, into)
    site = make_environment(into)
    kit.write(into)
    lacking = [*link_there(kit, site)]
    link_cuda(site)
    for parcel in kit.parcels:
        lacking += unpack_parcel(parcel, folders, site, into)
    write_activation(into)
    return lacking


def clear_other(kit: Kit, into: Path) -> None:
    """Remove what another kit, or another version of the suite, left in *into*."""
    if not into.exists():
        return
    try:
        other = Kit.read(into)
    except KitError:
        other = None
    if other != kit:
        words = f"of commit {other.commit[:8]}" if other else "of another version"
        print(f"{into} holds a kit {words}: unpacking anew", flush=True)
        shutil.rmtree(into)


def unpack_parcel(parcel: Parcel, folders: Sequence[Path], site: Path, into: Path) -> list[str]:
    """Unpack a parcel, unless that is done; return what is lacking. What was interrupted is done again from the start.

    Its files are on the disk once before they are moved, so that one that is damaged changes nothing.
    """
    done, content = into / f"{parcel.name}.done", into / f"{parcel.name}.part"
    if done.exists():
        return []
    shutil.rmtree(content, ignore_errors=True)
    if (free := shutil.disk_usage(into).free) < parcel.unpacked_bytes:
        needed = f"{megabytes(parcel.unpacked_bytes)} in {into}, where {megabytes(free)} are free"
        return [f"{parcel.name} needs {needed}; make room and run this again"]
    if wrong := parcels.faults(parcel, folders):
        return wrong
    print(f"unpacking {parcel.name}, {megabytes(parcel.unpacked_bytes)}: {parcel.words}", flush=True)
    try:
        parcels.read(parcel, folders, content)
        lay(content, site, into)
    finally:
        shutil.rmtree(content, ignore_errors=True)
    done.touch()
    return []


def site_packages(into: Path) -> Path:
    """Return the folder of the environment's packages."""
    return into / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def make_environment(into: Path) -> Path:
    """Make an environment without any package; return its site-packages."""
    if not (into / "bin" / "python").exists():
        command = [sys.executable, "-m", "venv", "--without-pip", str(into)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no words"]
            raise KitError(f"`{shlex.join(command)}` ended with {done.returncode}: {last[0]}")
    return site_packages(into)


def link_there(kit: Kit, site: Path) -> Iterator[str]:
    """Link what was left out of the kit; yield what this Python lacks although it was said to have it."""
    for name in kit.there:
        try:
            package = distribution(name)
        except PackageNotFoundError:
            yield f"{name} was left out of the kit, but {sys.executable} has none; pack again without it in --there"
            continue
        if not package.files:
            yield f"{name} of {sys.executable} does not list its files; pack again without it in --there"
        link(package, site)


def link(package: Distribution, site: Path) -> None:
    """Link a package of this Python into *site*; what is there already stays."""
    for part in {path.parts[0] for path in package.files or ()} - {"..", "__pycache__"}:
        _link(Path(str(package.locate_file(part))), site / part)


def _link(source: Path, target: Path) -> None:
    """Link *source*, or what a folder at *target* lacks of it: packages such as NVIDIA's share one."""
    if target.is_symlink() and not target.exists():
        target.unlink()
    if not target.exists() and source.exists():
        target.symlink_to(source)
    elif source.is_dir() and target.is_dir() and not target.is_symlink():
        for child in source.iterdir():
            _link(child, target / child.name)


def link_cuda(site: Path) -> None:
    """Link the packages of CUDA and cuDNN of this Python, which onnxruntime looks for beside itself."""
    for package in distributions():
        name = package.metadata["Name"] or ""
        if name.startswith("nvidia-") and name != "nvidia-ml-py":
            link(package, site)


def lay(content: Path, site: Path, into: Path) -> None:
    """Move a parcel's folders to where they are looked for, over what an interrupted call has moved already."""
    for source, target in (
        (content / "site-packages", site),
        (content / "node_modules", NODE_MODULES),
        (content / "cache", into / "cache"),
        (content / "libraries", into / "libraries"),
    ):
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            for child in source.iterdir():
                _move(child, target / child.name)


def _move(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        _make_own(target)
        for child in source.iterdir():
            _move(child, target / child.name)
        return
    if target.is_symlink():
        target.unlink()  # else a file would be moved into the folder that it leads to
    shutil.move(source, target)


def _make_own(folder: Path) -> None:
    """Make a folder; of a link to one, a folder of links: nothing is to be written into this Python's own packages."""
    linked = [*folder.iterdir()] if folder.is_symlink() and folder.exists() else []
    real = folder.resolve()
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for child in linked:
        (folder / child.name).symlink_to(real / child.name)


def of_commit(kit: Kit, here: str | None) -> Iterator[str]:
    """Yield a note where this checkout is of another commit than the kit; *here* is None where git tells none."""
    if here and here != kit.commit:
        words = f"packed at commit {kit.commit[:8]}, this checkout is at {here[:8]}"
        yield f"{words}: versions may differ; pack again, or check that commit out"


def _commit() -> str | None:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def unsuited(kit: Kit, site: Path) -> Iterator[str]:
    """Yield a note for every linked package whose version is not one that the suite, or what it needs, asks for."""
    sys.path.append(str(site))
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:  # it has not arrived yet: then that is told
        return
    finally:
        sys.path.remove(str(site))
    linked = {name: found for name in kit.there for found in distributions(name=name, path=[str(site)])}
    for name, found in linked.items():
        if not SpecifierSet(kit.there[name]).contains(found.version, prereleases=True):
            words = f"{name} {found.version} is here, {name}{kit.there[name]} is asked for"
            yield f"{words}: name versions in --there (pip list --format=freeze) and pack again"


def write_activation(into: Path) -> None:
    """Write a file for the shell that names the environment's Python, the browser's folder and the GPU's driver."""
    lines = [
        f'export PATH={shlex.quote(str(into / "bin"))}:"$PATH"',
        f"export XDG_CACHE_HOME={shlex.quote(str(into / 'cache'))}",
        # Behind what is set already: a machine's own loaders come first.
        f'export LD_LIBRARY_PATH=${{LD_LIBRARY_PATH:+"$LD_LIBRARY_PATH":}}{shlex.quote(str(into / "libraries"))}',
        # What is set in the shell stays; it is not this call's business, whose shell may have activated another kit.
        *(f"export {name}=${{{name}:-{shlex.quote(str(file))}}}" for name, file in _drivers()),
    ]
    (into / "activate").write_text("\n".join(lines) + "\n")


def _drivers() -> Iterator[tuple[str, Path]]:
    for name, places in DRIVERS.items():
        found = [Path(root) / place for place in places for root in ("/usr/local", "/usr/share", "/etc")]
        present = [file for file in found if file.is_file()]
        if present:
            yield name, present[0]


if __name__ == "__main__":
    main()
