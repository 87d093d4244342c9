"""Give a headless Chromium the one Vulkan extension that it insists on, where a GPU's driver lacks it.

NVIDIA's driver 580 does. ``headless_surface.c`` is built here as a driver that passes everything on to the real one.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from browser_harness import chromium

EXTENSION = "VK_EXT_headless_surface"
SOURCE = Path(__file__).with_suffix(".c")
ADDED = f"{EXTENSION} added by {SOURCE.name}"  # as results tell it
COMPILERS = ("cc", "gcc", "clang")
REAL_DRIVER = "HEADLESS_SURFACE_DRIVER"  # read by the C source
# Newer loaders read the first alone, older ones the second; what is named there is all that they load.
NAMING = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
OWN_FOLDERS = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}  # of the user; these come first
FOLDERS = ("/etc", "/usr/local/share", "/usr/share", "/usr/local/nvidia/share")


class ExtensionMissingError(Exception):
    """The extension is missing and cannot be added; the message says why and what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        named = f"name a driver that has it with {NAMING[0]}"
        super().__init__(f"the GPU's Vulkan driver lacks {EXTENSION}, and {why}; {remedy}, or {named}")


def environment(has_gpu: Callable[[Path], bool]) -> dict[str, str]:
    """Return the variables that lead a browser to the first driver that *has_gpu*, with the extension added.

    Raises ExtensionMissingError.
    """
    real = next(filter(has_gpu, drivers()), None)
    if real is None:
        raise ExtensionMissingError("no file that names the driver to Vulkan was found", "install the driver's .json")
    described = json.loads(real.read_text())
    library = str(described["ICD"]["library_path"])
    if "/" in library:  # else it is looked for as any library is
        library = str(real.absolute().parent / library)
    try:
        added = _described_beside(_built(), described)
    except OSError as error:
        words = f"the driver that adds it cannot be written ({error.filename}: {error.strerror})"
        raise ExtensionMissingError(words, "name another folder with XDG_CACHE_HOME") from error
    return {REAL_DRIVER: library, **dict.fromkeys(NAMING, str(added))}


def drivers() -> Iterator[Path]:
    """Find the files that name drivers, where a Vulkan loader looks."""
    if named := next(filter(None, map(os.environ.get, NAMING)), None):
        yield from (path for path in map(Path, named.split(":")) if path.is_file())
        return
    own = [os.environ.get(name) or Path.home() / usual for name, usual in OWN_FOLDERS.items()]
    more = os.environ.get("XDG_DATA_DIRS", "").split(":")
    for folder in dict.fromkeys(map(str, (*own, *FOLDERS, *filter(None, more)))):
        yield from sorted((Path(folder) / "vulkan" / "icd.d").glob("*.json"))


def _built() -> Path:
    """Return the built library, in the user's cache folder."""
    name = f"headless-surface-{platform.machine()}-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    library = chromium.unpacked_folder().with_name(name) / "libheadless_surface.so"
    if library.exists():
        return library
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise ExtensionMissingError("there is no C compiler to add it with", f"install one ({', '.join(COMPILERS)})")
    library.parent.mkdir(parents=True, exist_ok=True)
    partial = _aside(library)
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(partial), str(SOURCE), "-ldl"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        words = (answer.stderr.strip() or "no words").splitlines()[-1]
        raise ExtensionMissingError(f"{compiler} cannot build {SOURCE.name} ({words})", "install another C compiler")
    return partial.replace(library)


def _described_beside(library: Path, real: dict[str, Any]) -> Path:
    """Describe *library* to the loader as the *real* driver is described."""
    text = json.dumps(real | {"ICD": real["ICD"] | {"library_path": str(library)}})
    path = library.with_name(f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json")
    if not path.exists():
        partial = _aside(path)
        partial.write_text(text)
        partial.replace(path)
    return path


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.part")
