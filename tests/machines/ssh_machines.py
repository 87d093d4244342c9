"""Machines for a test: rooms of this one with a name, an address, a core and an sshd of their own, in made-up networks.

Nothing outside is touched: keys and configuration lie in a folder of the test's, and even the head is in a network
namespace of its own.
"""

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from browser_harness.network.namespaces import LinkError, Namespace, configure
from browser_harness.processes import USABLE

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PRIVILEGES = Path("/run/sshd")  # sshd wants an empty folder there
NAMES = ("alpha", "beta")


def lacking():
    """Return why no such machines can be made here; None where they can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if missing := [name for name in ("ssh", "ssh-keygen", "ip", "unshare", "taskset") if shutil.which(name) is None]:
        return f"there is no {missing[0]} here"
    if SSHD is None:
        return "there is no sshd here; install openssh-server"
    if len(USABLE) < len(NAMES):
        return "two machines need two cores"
    try:
        Namespace().close()
    except LinkError as error:
        return str(error)
    return None


@dataclass
class Machines:
    """Machines that ssh reaches from *head*."""

    head: Namespace
    config: Path  # of ssh
    daemons: dict[str, subprocess.Popen]

    def start(self, command, **options):
        """Start a process where they can be reached."""
        with self.head.entered():
            return subprocess.Popen(command, **options)


@contextmanager
def machines(folder):
    """Make them, each on a core of its own; nothing of them is left behind."""
    with ExitStack() as undone:
        if not PRIVILEGES.exists():
            PRIVILEGES.mkdir()
            undone.callback(PRIVILEGES.rmdir)
        for name in ("host", "key"):
            quiet = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(quiet, check=True)
        head = Namespace()
        undone.callback(head.close)
        hosts = [
            (name, f"10.77.{number}", core)
            for number, (name, core) in enumerate(zip(NAMES, sorted(USABLE)[: len(NAMES)], strict=True))
        ]
        (folder / "ssh_config").write_text("\n".join(ssh_config(folder, name, f"{net}.2") for name, net, _ in hosts))
        made = Machines(head, folder / "ssh_config", {})
        for name, net, core in hosts:
            made.daemons[name] = undone.enter_context(daemon(folder, name, net, core, head))
        yield made


def ssh_config(folder, name, address):
    """Return how a machine is reached."""
    return f"""
Host {name}
    HostName {address}
    User root
    IdentityFile {folder}/key
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
"""


@contextmanager
def daemon(folder, name, net, core, head):
    """Have an sshd in a network, and under a name, of its own."""
    config = folder / f"sshd_{name}"
    config.write_text(f"""
ListenAddress 0.0.0.0
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PidFile none
""")
    inside = f"hostname {name} && exec taskset -c {core} {SSHD} -D -e -f {config}"
    room = Namespace()
    try:
        with room.entered():
            process = subprocess.Popen(["unshare", "--uts", "sh", "-c", inside], stderr=subprocess.PIPE, text=True)
        try:
            with head.entered():
                configure(
                    "link set lo up",
                    f"link add {name} type veth peer name {name}0",
                    f"link set {name}0 netns {process.pid}",
                    f"addr add {net}.1/24 dev {name}",
                    f"link set {name} up",
                )
            with room.entered():
                configure("link set lo up", f"addr add {net}.2/24 dev {name}0", f"link set {name}0 up")
            assert any("Server listening" in line for line in process.stderr), "sshd said nothing of a port"
            yield process
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
            process.wait()
            process.stderr.close()
    finally:
        room.close()
