"""What a platform lacks for a file of the user's own: that makes it unavailable, and one that can run it is told."""

from functools import cache

from benchmarks.apart import Apart
from benchmarks.protocol import Case, PlatformError, UnavailableError
from models.manifest import Artefact
from models.refused import reason_of
from models.words import in_a_line

BASE, RUNTIME = "server-cpu", "onnxruntime"  # the provider that the reference runs on, too
TIMEOUT = 60.0  # of a call; who is in a process of its own has the limit of that


def refusal(
    platform: str, runtime: str, case: Case, error: Exception, timeout: float = TIMEOUT
) -> PlatformError | UnavailableError:
    """Return the error of a *runtime* that has refused a case with an *error* of its own; see :func:`unavailable`."""
    if case.artefact.is_own and (reason := reason_of(runtime, case.model_file, str(error))):
        return unavailable(platform, case, reason, timeout=timeout)
    return PlatformError(f"{platform}: {case.model_file.name}: {in_a_line(error, case.model_file)}")


def unavailable(
    platform: str, case: Case, reason: str, remedy: str | None = None, timeout: float = TIMEOUT
) -> PlatformError | UnavailableError:
    """Return the error of a platform that lacks something for a file of the user's own.

    It tells the *remedy*, a platform that was seen to run it, or else ``server-cpu``, where that can open the file.
    Where it cannot, the reference cannot either, and there is nothing to hold any platform's answers against.
    It is given *timeout* seconds for that.
    """
    words = f"{platform}: {case.model_file.name}: {reason}"
    try:
        refused = None if remedy else refused_by_base(case.artefact, timeout)
    except PlatformError as error:
        return PlatformError(f"{words}; {BASE} was to open it, and its process {error}")
    if refused and platform != BASE:
        is_same = reason.endswith(refused.removeprefix(RUNTIME))
        words += "; the reference lacks it, too" if is_same else f"; the reference has no answer: {refused}"
    if refused:
        return PlatformError(f"{words}; no platform's answers can be held against it")
    return PlatformError(words) if platform == BASE else UnavailableError(f"{words}; measure it on {remedy or BASE}")


@cache
def refused_by_base(artefact: Artefact, timeout: float) -> str | None:
    """Return why onnxruntime's CPU provider does not open the file, as it is written or optimised; None if it does.

    It has *timeout* seconds, in a process of its own. Raises PlatformError where that hangs, or ends.
    """
    process = Apart("benchmarks.platforms.as_base", PlatformError)
    try:
        process.ask(artefact.path)
        process.ask("refused")
        refused: str | None = process.answer(timeout)
    finally:
        process.close()
    return refused
