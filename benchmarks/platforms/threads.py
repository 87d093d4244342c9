"""The one rule about numbers of threads: a platform that takes none is asked for one."""

from benchmarks.protocol import Case, Platform, UnavailableError


def refuse_threads(platform: Platform, case: Case) -> None:
    """Raise UnavailableError where a number of threads is asked of a platform that takes none."""
    if platform.threading == "settable" or case.threads == 1:
        return
    words = f"takes no number of threads, {case.threads} were asked for; measure it with --threads 1"
    if platform.has_device:
        words = f"{case.threads} threads of the processor mean nothing to a GPU; ask for 1"
    raise UnavailableError(f"{platform.name}: {case.file.name}: {words}")
