"""Looks at the suite from other systems: ``python look.py SYSTEM … < COMMANDS``, with this folder in PYTHONPATH.

Each system has a process that is forked from this one, which has loaded all that is not ours: PyTorch takes seconds.
Prints a line of JSON a system: what was refused, how each module was imported, and how each command ended. COMMANDS
are JSON: ``{"refuses": ["os.fork()", …], "modules": ["conftest", …], "runs": [["benchmarks.decide", "--help"], …]}``.
"""

import contextlib
import importlib
import io
import json
import os
import runpy
import sys
import traceback
import warnings

import sitecustomize

LIBRARIES = (
    *("brotli", "matplotlib.pyplot", "numpy", "onnx", "onnxruntime", "playwright.async_api", "playwright.sync_api"),
    *("psutil", "pyarrow", "pytest_benchmark.session", "scipy.stats", "torch", "torchvision", "tqdm", "vl_convert"),
)
LAST = 400  # characters of an error


def refusal(code):
    """Return what becomes of code of ours: the error's class, nothing where there is none."""
    try:
        exec(code, {"__name__": "benchmarks.made_up", "__builtins__": __builtins__})
    except Exception as error:
        return type(error).__name__
    return None


def imported(name):
    """Return why a module cannot be imported: nothing where it can; ``absent`` where a library is not installed."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        return f"absent: {error.name}" if "on " not in str(error) else str(error)
    except BaseException:
        return traceback.format_exc()[-LAST:]
    return None


def ran(module, *words):
    """Return how ``python -m MODULE WORDS`` ends: its exit code, and all that it said."""
    said = io.StringIO()
    sys.argv = [module, *words]
    warnings.simplefilter("ignore", RuntimeWarning)  # that it is imported already
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            said.write(error.code if isinstance(error.code, str) else "")
        except ModuleNotFoundError as error:
            code = f"absent: {error.name}" if "on " not in str(error) else str(error)
        except BaseException:
            code = traceback.format_exc()[-LAST:]
    return code, said.getvalue()


def looked(system, wanted):
    """Return what is seen from a system."""
    os.environ["ELSEWHERE"] = system
    importlib.reload(sitecustomize)
    return {
        "system": system,
        "refused": {code: refusal(code) for code in wanted["refuses"]},
        "imported": {name: imported(name) for name in wanted["modules"]},
        "ran": [ran(*words) for words in wanted["runs"]],
    }


def main():
    """Look from each system that is named."""
    wanted = json.load(sys.stdin)
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for system in sys.argv[1:]:
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            sys.stdout.write(f"{json.dumps(looked(system, wanted))}\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
