"""Machines as ``--tx`` names them: an ssh host with a Python and a checkout, in the words of execnet."""

import posixpath
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from execnet.gateway_io import popen_args, ssh_args
from execnet.xspec import XSpec

ROOT = Path(__file__).parents[3]
PYTHON = ".tox/machines/bin/python"  # in a checkout, where `tox run -e machines` was run
# A host that asks for a password has nobody to answer; one that is silent, before or while it measures, is found out.
PATIENCE = 10  # seconds without a sign of life, and three times that once it measures
SSH = f"-o BatchMode=yes -o ConnectTimeout={PATIENCE} -o ServerAliveInterval={PATIENCE} -o ServerAliveCountMax=3"
KINDS = ("ssh", "popen")
KNOWN = (*KINDS, "python", "chdir", "ssh_config", "id", "execmodel")


class SpecError(Exception):
    """A machine cannot be reached as it is named; the message says why, and how it is named."""


@dataclass(frozen=True)
class Machine:
    """A machine that is to measure."""

    name: str  # as it is called in each line, and in the name of its file
    ssh: str  # the words behind `ssh`, the host the last; nothing of the machine that the head is on
    python: str  # as a shell there reads it; nothing for the head's own
    folder: str  # of the checkout there; from the home where it is not absolute
    ssh_config: str | None = None
    more: str = ""  # whatever else the spec says

    def asking(self, words: str) -> list[str]:
        """Return the command that has its Python obey *words*."""
        spec = XSpec(self._spec(self.ssh and f"{SSH} {self.ssh}"))
        command = ssh_args(spec) if self.ssh else popen_args(spec)
        python = f"{self.python} {words}" if self.ssh else words
        return [*command[: -1 if self.ssh else -3], python]

    def measuring(self, folder: str) -> str:
        """Return the spec of a worker in *folder*."""
        place = f"//chdir={folder}//id={self.name}"
        return self._spec(self.ssh and f"{SSH} {self.ssh}") + place

    def _spec(self, ssh: str) -> str:
        parts = [f"ssh={ssh}" if ssh else "popen", f"python={self.python}" if self.python else ""]
        parts += [f"ssh_config={self.ssh_config}" if self.ssh_config else "", self.more]
        return "//".join(part for part in parts if part)


def machine_of(text: str) -> Machine:
    """Read a spec of ``--tx``; what it leaves out is as it is here."""
    try:
        spec = XSpec(text)
    except (AttributeError, ValueError, IndexError) as error:
        raise SpecError(f"--tx {text}: {error}; it is meant as ssh=HOST//python=PYTHON//chdir=CHECKOUT") from error
    if not any(getattr(spec, kind) for kind in KINDS):
        raise SpecError(f"--tx {text}: a machine is named as ssh=HOST, or popen for this one")
    ssh = "" if spec.popen else str(spec.ssh)
    folder = clean(str(spec.chdir or (default_folder() if ssh else ROOT)))
    python = str(spec.python or "") or (python_of(folder) if ssh else sys.executable)
    name = str(spec.id or (ssh.split()[-1].rpartition("@")[2] if ssh else "here"))
    return Machine(name, ssh, python, folder, spec.ssh_config, _more(text))


def _more(text: str) -> str:
    """Return what else a spec says, such as env:NAME=value."""
    return "//".join(part for part in text.split("//") if part.partition("=")[0] not in KNOWN)


def clean(path: str) -> str:
    """Return a path without what would end it in a spec, which is `//`."""
    return posixpath.normpath(path)


def default_folder() -> str:
    """Return where the checkout is looked for on another machine: as here, below the home where it is below it here."""
    home = Path.home()
    return str(ROOT.relative_to(home)) if ROOT.is_relative_to(home) and home != ROOT else str(ROOT)


def python_of(folder: str) -> str:
    """Return the Python of that checkout, as a shell reads it."""
    return in_shell(posixpath.join(folder, PYTHON))


def in_shell(path: str) -> str:
    """Return a path as a shell reads it, for which `~/` at its beginning is the home."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)
