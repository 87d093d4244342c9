"""onnxruntime on the processor, as every part of the suite has it: in this process, and in a server's own.

It stands low and imports nothing at once: the server's environment has onnxruntime and NumPy, and little else.
"""

import threading
from pathlib import Path
from typing import Any

PROVIDER = "CPUExecutionProvider"
SPINNING = "session.intra_op.allow_spinning"


def options(threads: int) -> Any:
    """Return session options for *threads* threads; their spinning, onnxruntime's default, is said outright."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    chosen.add_session_config_entry(SPINNING, "1" if threads > 1 else "0")
    return chosen


def runtime_threads() -> set[int] | None:
    """Return the ids of this process's threads that are not Python's own; None where the system does not tell."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return None
    return {int(task.name) for task in tasks.iterdir()} - {thread.native_id for thread in threading.enumerate()}
