"""What a platform lacks for a file of the user's own: that makes it unavailable, and one that can run it is told."""

import os
from functools import cache

from benchmarks.protocol import Case, PlatformError, UnavailableError
from models.manifest import Artefact
from models.refused import reason_of
from models.words import in_a_line

BASE, RUNTIME = "server-cpu", "onnxruntime"  # the provider that the reference runs on, too


def refusal(platform: str, runtime: str, case: Case, error: Exception) -> PlatformError | UnavailableError:
    """Return the error of a *runtime* that has refused a case with an *error* of its own."""
    if case.artefact.is_own and (reason := reason_of(runtime, case.model_file, str(error))):
        return unavailable(platform, case, reason)
    return PlatformError(f"{platform}: {case.model_file.name}: {in_a_line(error, case.model_file)}")


def unavailable(platform: str, case: Case, reason: str, remedy: str | None = None) -> PlatformError | UnavailableError:
    """Return the error of a platform that lacks something for a file of the user's own.

    It tells the *remedy*, a platform that was seen to run it, or else ``server-cpu``, where that can open the file.
    Where it cannot, the reference cannot either, and there is nothing to hold any platform's answers against.
    """
    words = f"{platform}: {case.model_file.name}: {reason}"
    refused = None if remedy else refused_by_base(case.artefact)
    if refused and platform != BASE:
        is_same = reason.endswith(refused.removeprefix(RUNTIME))
        words += "; the reference lacks it, too" if is_same else f"; the reference has no answer: {refused}"
    if refused:
        return PlatformError(f"{words}; no platform's answers can be held against it")
    return PlatformError(words) if platform == BASE else UnavailableError(f"{words}; measure it on {remedy or BASE}")


@cache
def refused_by_base(artefact: Artefact) -> str | None:
    """Return why onnxruntime's CPU provider does not open the file, as it is written or optimised; None if it does."""
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.log_severity_level = 4  # what it has to say is told by the exception
        try:
            onnxruntime.InferenceSession(os.fspath(artefact.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class
            return reason_of(RUNTIME, artefact.path, str(error)) or in_a_line(error, artefact.path)
    return None
