"""What looks at a process must not add to what it looks at."""

import subprocess
import sys

from helpers import ROOT


def test_a_worker_measures_its_memory_without_psutil_in_it():
    """A worker unpickles a platform, which loads them all, before it looks at its memory for the first time."""
    code = "import sys, benchmarks.platforms, benchmarks.platforms.worker; sys.exit('psutil' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
