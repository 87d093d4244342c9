"""Install KServe, apart from the suite: ``python -m benchmarks.remote``. What is there already is left as it is."""

import argparse
import sys

from benchmarks.remote import environment
from benchmarks.remote.words import RemoteError


def main() -> None:
    """Make sure of KServe's environment, or of the one that is named."""
    argparse.ArgumentParser(prog="remote", description=__doc__).parse_args()
    try:
        if not environment.is_named() and sys.platform != "win32":
            environment.build()
        if words := environment.unavailable():
            raise RemoteError(words)
    except RemoteError as error:
        sys.exit(f"benchmarks.remote: {error}")
    for package, version in environment.versions().items():
        print(f"server   {package} {version}")


if __name__ == "__main__":
    main()
