"""Files as every runtime takes them: the model and its weights in one folder, none of them a link.

In a hub's cache the names are links into a folder of blobs. onnxruntime follows those, OpenVINO refuses them, and
``onnx.checker`` refuses every link. A name that cannot be shown is gathered too, under the one that it is shown by.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from models.manifest import ModelError
from models.names import shown

PREFIX = "harness-"  # a run that was killed leaves its folder: the harness removes those of this name


def gathered(model: Path, data: Mapping[str, Path]) -> Path:
    """Return where *model* lies with *data*, the files of its weights by the names that it calls them.

    That is where it is, unless a link or a name is in the way: then a folder of this process, which goes with it.
    """
    absolute, folder = model.absolute(), model.absolute().parent.resolve()
    is_plain = shown(str(absolute)) == str(absolute)
    if is_plain and all(file.resolve() == Path(os.path.normpath(folder / name)) for name, file in data.items()):
        return absolute
    return _gather(absolute, tuple(data.items()))


@cache
def _gather(model: Path, data: tuple[tuple[str, Path], ...]) -> Path:
    files = {shown(model.name): model, **dict(data)}
    folder = Path(_folders().enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)))
    try:
        for name, file in files.items():
            place(file.resolve(), folder / name)
    except OSError as error:
        words = f"cannot be gathered in {folder.parent}, without links: {error.strerror}"
        raise ModelError(f"{shown(model.name)}: the files {words}; name another folder with TMPDIR") from error
    return folder / shown(model.name)


def place(file: Path, target: Path) -> None:
    """Have *file* at *target* under another name, or a copy of it where that is another disk's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, target)


@cache
def _folders() -> ExitStack:
    """Return what removes the folders when the process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack
