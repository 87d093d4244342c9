"""How long does a stranger wait? ``python -m benchmarks.figures.fresh``.

Clones the last commit into an empty folder, runs the README's first command line there, with the package caches of
this machine but none of this checkout's set-up, and prints the wall time. Ends with 1 where it takes too long.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
LIMIT = 360.0


def readme_commands() -> list[str]:
    """Return the README's command lines: the main job, then the tests."""
    return re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)


def main() -> None:
    """Run the command line."""
    words = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(prog="fresh", description=__doc__, formatter_class=words).parse_args()
    command = readme_commands()[0]
    home_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    with TemporaryDirectory() as folder:
        # The browser is unpacked anew; what pip downloaded before is at hand. The variables of a tox around this
        # command are left out: with them the tox in the clone would use the outer one's folders.
        fresh = {name: value for name, value in os.environ.items() if not name.startswith(("TOX_", "VIRTUAL_ENV"))}
        fresh |= {"XDG_CACHE_HOME": f"{folder}/cache", "PIP_CACHE_DIR": f"{home_cache}/pip"}
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        start = time.perf_counter()
        result = subprocess.run(["sh", "-c", command], cwd=clone, env=fresh, check=False)
        wall = time.perf_counter() - start
    print(f"set-up and main job in {wall:.0f} s (limit {LIMIT:g} s), exit {result.returncode}: {command}")
    sys.exit(0 if result.returncode == 0 and wall < LIMIT else "the main job failed or took too long")


if __name__ == "__main__":
    main()
