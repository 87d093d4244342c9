"""Lets the suite's own modules see macOS or Windows: nothing that these lack, no file that is Linux's, another name.

``ELSEWHERE=darwin`` or ``win32``, with this folder in PYTHONPATH, for every Python that is started so. All other
modules see the system that there is, or nothing would run. It stands in for no macOS and no Windows: what a call does
there that is there, nobody learns here.
"""

import builtins
import errno
import os
import stat
import sys
from types import ModuleType

OURS = {"benchmarks", "browser_harness", "models", "conftest", "train_models"}
SYSTEM = os.environ.get("ELSEWHERE", "")
IS_WINDOWS = SYSTEM == "win32"
NAMES = {"darwin": ("Darwin", "arm64"), "win32": ("Windows", "AMD64")}
HIDDEN = ("/proc/", "/sys/", "/dev/shm", "/dev/net", *(("/dev/fd", "/etc/", "/usr/") if IS_WINDOWS else ()))

LINUX_ALONE = {
    "os": "sched_getaffinity sched_setaffinity sched_setscheduler sched_param SCHED_FIFO pidfd_open unshare setns "
    "memfd_create eventfd timerfd_create splice copy_file_range getrandom posix_fadvise O_TMPFILE O_DIRECT",
    "signal": "pidfd_send_signal SIGRTMIN SIGRTMAX SIGPWR SIGPOLL SIGSTKFLT",
    "select": "epoll",
    "socket": "TCP_CONGESTION AF_NETLINK AF_PACKET AF_VSOCK SO_BINDTODEVICE",
}
NOT_WINDOWS = {
    "os": "geteuid getuid getegid getgid getgroups setsid getsid getpgid killpg fork forkpty wait waitid wait3 wait4 "
    "WNOHANG pread pwrite posix_spawn POSIX_SPAWN_OPEN POSIX_SPAWN_DUP2 getloadavg nice getpriority setpriority uname "
    "mkfifo mknod chown fchown lchown fchdir statvfs fstatvfs sysconf confstr O_CLOEXEC O_NONBLOCK O_DIRECTORY "
    "ttyname openpty ctermid",
    "signal": "SIGKILL SIGHUP SIGBUS SIGSTOP SIGCONT SIGCHLD SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGQUIT pthread_kill "
    "pthread_sigmask sigwait alarm setitimer",
    "select": "poll",
    "socket": "AF_UNIX MSG_DONTWAIT CMSG_SPACE CMSG_LEN SO_REUSEPORT",
}
ABSENT = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "posix", "syslog"} if IS_WINDOWS else set()


class StandIn(ModuleType):
    """A module without some of its names, and with others than it has."""

    def __init__(self, real: ModuleType, has: dict[str, object]) -> None:
        super().__init__(real.__name__)
        sources = (LINUX_ALONE, NOT_WINDOWS) if IS_WINDOWS else (LINUX_ALONE,)
        self._real = real
        self._lacks = {name for source in sources for name in source.get(real.__name__, "").split()}
        self.__dict__.update(has)

    def __getattr__(self, name: str) -> object:
        if name in self._lacks:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on {SYSTEM}")
        return getattr(self._real, name)


def _is_ours(namespace: dict[str, object]) -> bool:
    name = str(namespace.get("__package__") or namespace.get("__name__") or "")
    return name.partition(".")[0] in OURS


def _asked_by_ours() -> bool:
    """Whether the suite has called what is called here, by way of nothing but the standard library."""
    frame = sys._getframe(2)
    while frame is not None:
        if _is_ours(frame.f_globals):
            return True
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in {*sys.stdlib_module_names, __name__}:
            return False
        frame = frame.f_back
    return False


def _hide(path: object) -> None:
    """Raise FileNotFoundError for a file that is not there."""
    if isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(HIDDEN) and _asked_by_ours():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"open", "os.listdir", "os.scandir"}:
        _hide(arguments[0])


def _hiding(real):
    def call(path, *more, **named):
        _hide(path)
        return real(path, *more, **named)

    return call


def _open(path, flags, *more, **named):
    if IS_WINDOWS and stat.S_ISDIR(os.stat(path).st_mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return os.open(path, flags, *more, **named)


def _select(reads, writes, errors, *timeout):
    import select
    import socket

    if IS_WINDOWS and not all(isinstance(each, socket.socket) for each in (*reads, *writes, *errors)):
        raise OSError("an operation was attempted on something that is not a socket")
    return select.select(reads, writes, errors, *timeout)


def _library(name=None, *more, **named):
    raise (TypeError if name is None and IS_WINDOWS else OSError)(f"no library {name!r} on {SYSTEM}")


def _popen(*arguments, **named):
    import subprocess

    assert not (IS_WINDOWS and (named.get("pass_fds") or named.get("preexec_fn"))), "not on Windows"
    return subprocess.Popen(*arguments, **named)


def _has() -> dict[str, dict[str, object]]:
    """Return what modules have in place of their own, by name."""
    name, machine = NAMES[SYSTEM]
    return {
        "os": {"open": _open},
        "sys": {"platform": SYSTEM},
        "signal": {},
        "select": {"select": _select},
        "socket": {},
        "platform": {"system": lambda: name, "machine": lambda: machine},
        "psutil": {"LINUX": False, "MACOS": not IS_WINDOWS, "WINDOWS": IS_WINDOWS, "POSIX": not IS_WINDOWS},
        "ctypes": {"CDLL": _library},
        "subprocess": {"Popen": _popen},
    }


def _install() -> None:
    real, has, stand_ins = builtins.__import__, _has(), {}

    def imported(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
        if level or not globals or not _is_ours(globals):
            return real(name, globals, locals, fromlist, level)
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r} on {SYSTEM}", name=name)
        module = real(name, globals, locals, fromlist, level)
        if module.__name__ not in has:
            return module
        return stand_ins.setdefault(module.__name__, StandIn(module, has[module.__name__]))

    builtins.__import__ = imported
    for name in ("stat", "lstat", "readlink", "access"):
        setattr(os, name, _hiding(getattr(os, name)))
    sys.addaudithook(_audit)


if SYSTEM:
    _install()
