"""In tox's place where nothing may be installed: an environment's commands, with this Python, which has all they need.

The npm packages are those of the checkout that this file is in.
"""

import configparser
import os
import shlex
import subprocess
import sys
from pathlib import Path

PACKAGES = Path("browser_harness", "node_modules")
HERE = Path(__file__).parents[2]


def main(run, flag, environment, dashes, *options):
    assert (run, flag, dashes) == ("run", "-e", "--")
    there = (HERE / PACKAGES).is_dir()
    if there and not PACKAGES.exists():
        PACKAGES.symlink_to(HERE / PACKAGES)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read("tox.ini")
    own = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in parser[f"testenv:{environment}"]["commands"].strip().splitlines():
        command = shlex.split(line.replace("{posargs}", shlex.join(options)))
        subprocess.run(command, env=own, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
