"""What keeps a browser from starting, and what it, its page and its driver say of their faults, each in a line."""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

SPACE = 64_000_000  # bytes for a profile with its caches; with 4 MB no page loads, with 1 MB no browser starts
FILES = 256  # that a browser may have open at once; with 64 none starts
UNCAUGHT = "uncaught in the page: "
CRASHED = "the page crashed, perhaps for want of memory"
SANDBOX = (
    "the kernel keeps Chromium from building its sandbox for this user: install the distribution's own Chrome or "
    "Chromium; or allow user namespaces, on Ubuntu with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; or, "
    "in a container, run as root"
)


class SaidError(Exception):
    """What browser, page or driver said of a fault, in a line; *stack* is where in the page it was."""

    def __init__(self, words: str, stack: str = "") -> None:
        super().__init__(words)
        self.stack = stack


def lacking(folder: Path) -> str | None:
    """Say what a browser needs and is not given here; without it, it hangs, or dies with a page of words."""
    if (free := shutil.disk_usage(folder).free) < SPACE:
        needed = f"and a browser needs {SPACE / 1e6:g} MB; free some, or name another folder with TMPDIR"
        return f"the folder for temporary files, {folder.parent}, has {free / 1e6:.1f} MB free, {needed}"
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # a browser raises its own limit as far as it may
        if most != resource.RLIM_INFINITY and most < FILES:
            return f"no more than {most} files may be open at once, and a browser needs {FILES}; raise `ulimit -n`"
    return None


def explained(words: str, said: Sequence[str], log: str) -> str:
    """Return *words* on a browser that is gone, with the last line that it *said*; or why, where its *log* tells."""
    return SANDBOX if "No usable sandbox" in log else "; ".join([words.strip(), *said[-1:]])


def apart(message: str) -> tuple[str, str]:
    """Return what an error in the page says, in a line, and the stack that comes with it."""
    words, *stack = re.split(r"\n(?=\s+at )", message, maxsplit=1)
    words = " ".join(re.sub(r"^(?:Page\.evaluate: )?(?:Error: )?", "", words).split())
    if words.isdecimal():  # an exception of C++ is thrown as the address of where it lies
        words = f"an exception of the runtime's WebAssembly, which does not say what of ({words})"
    return words, "".join(stack)
