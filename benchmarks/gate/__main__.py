"""The way in: ``python -m benchmarks.gate``. What it needs is imported here, as Python would end with 1, a slowdown."""

import sys

from benchmarks.gate.verdicts import Exit


def main() -> None:
    """Run the command line where all that it needs is installed."""
    try:
        from benchmarks.gate import command
    except ImportError as error:
        sys.stderr.write(f"gate: nothing is compared: {error}; run it as `tox run -e gate -- …`, which installs that\n")
        sys.exit(Exit.INCOMPLETE)
    except KeyboardInterrupt:
        sys.stderr.write("gate: interrupted before anything was compared\n")
        sys.exit(Exit.INCOMPLETE)
    command.main()


if __name__ == "__main__":
    main()
