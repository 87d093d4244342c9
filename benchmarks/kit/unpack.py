"""Unpack a kit on the machine without a network, with its plain Python: ``python3 -m benchmarks.kit.unpack KIT``.

Checks every piece (SHA-256), makes an environment of its own in ``.gpu-kit/``, into which the packages that this Python
has are linked, and lays the browser's files where the suite looks for them. A parcel whose pieces are not all there yet
is told and left for the next call. Standard library only.
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from benchmarks.kit import parcels
from benchmarks.kit.parcels import Kit, KitError

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
        lacking = unpack(Kit.read(folders[0]), folders, INTO)
    except KitError as error:
        sys.exit(f"gpu-kit: {error}")
    if lacking:
        sys.exit("\n".join(f"gpu-kit: {told}" for told in lacking))
    print(f"ready: . {shlex.quote(str(INTO / 'activate'))} && python -m benchmarks.kit.run")


def unpack(kit: Kit, folders: Sequence[Path], into: Path) -> list[str]:
    """Unpack the parcels that are complete into *into*; return what is lacking for all of it. Raises KitError."""
    if (here := ".".join(platform.python_version_tuple()[:2])) != kit.python:
        raise KitError(f"packed for Python {kit.python}, this is {here}; pack with --python {here}")
    site = make_environment(into)
    lacking = [*link_there(kit, site)]
    link_cuda(site)
    for parcel in kit.parcels:
        done = into / f"{parcel.name}.done"
        if done.exists():
            continue
        if absent := parcels.missing(parcel, folders):
            lacking.append(f"{parcel.name}: {', '.join(absent)} did not arrive yet")
            continue
        content = into / f"{parcel.name}.part"
        shutil.rmtree(content, ignore_errors=True)
        parcels.read(parcel, folders, content)
        lay(content, site, into)
        shutil.rmtree(content)
        done.touch()
        print(f"unpacked {parcel.name}: {parcel.words}", flush=True)
    write_activation(into)
    return lacking


def make_environment(into: Path) -> Path:
    """Make an environment without any package; return its site-packages."""
    if not (into / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", into], check=True)
    (site,) = (into / "lib").glob("python*/site-packages")
    return site


def link_there(kit: Kit, site: Path) -> Iterator[str]:
    """Link what was left out of the kit; yield what this Python lacks although it was said to have it."""
    for name in kit.there:
        try:
            link(distribution(name), site)
        except PackageNotFoundError:
            yield f"{name} was left out of the kit, but {sys.executable} has none; pack again without it in --there"


def link(package: Distribution, site: Path) -> None:
    """Link a package of this Python into *site*; what is there already stays."""
    for part in {path.parts[0] for path in package.files or ()} - {"..", "__pycache__"}:
        source, target = Path(str(package.locate_file(part))), site / part
        if source.exists() and not target.exists():
            target.symlink_to(source)


def link_cuda(site: Path) -> None:
    """Link the packages of CUDA and cuDNN of this Python, which onnxruntime looks for beside itself."""
    for package in distributions():
        if (package.metadata["Name"] or "").startswith("nvidia-") and package.files:
            link(package, site)


def lay(content: Path, site: Path, into: Path) -> None:
    """Move a parcel's folders to where they are looked for."""
    for source, target in (
        (content / "site-packages", site),
        (content / "node_modules", NODE_MODULES),
        (content / "cache", into / "cache"),
        (content / "libraries", into / "libraries"),
    ):
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True, copy_function=shutil.move)


def write_activation(into: Path) -> None:
    """Write a file for the shell that names the environment's Python, the browser's folder and the GPU's driver."""
    lines = [
        f"export PATH={shlex.quote(str(into / 'bin'))}:$PATH",
        f"export XDG_CACHE_HOME={shlex.quote(str(into / 'cache'))}",
        # Behind what is set already: a machine's own loaders come first.
        f"export LD_LIBRARY_PATH=${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}{shlex.quote(str(into / 'libraries'))}",
        *(f"export {name}={shlex.quote(str(file))}" for name, file in _drivers()),
    ]
    (into / "activate").write_text("\n".join(lines) + "\n")


def _drivers() -> Iterator[tuple[str, Path]]:
    for name, places in DRIVERS.items():
        found = [Path(root) / place for place in places for root in ("/usr/local", "/usr/share", "/etc")]
        present = [file for file in found if file.is_file()]
        if name not in os.environ and present:
            yield name, present[0]


if __name__ == "__main__":
    main()
