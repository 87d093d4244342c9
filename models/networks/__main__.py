"""Make the timing networks that are asked for: ``python -m models.networks [NAME …]``."""

import argparse
import sys
from pathlib import Path

from models import NETWORKS, manifest, networks
from models.files import ExportError


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="models.networks", description=networks.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {', '.join(NETWORKS)}")
    parser.add_argument("--folder", type=Path, default=manifest.UNTRAINED.parent, help="default: %(default)s")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in NETWORKS]:
        sys.exit(f"unknown network {unknown[0]}: choose from {', '.join(NETWORKS)}")
    from models.networks.make import make  # not above: PyTorch takes seconds to load

    for name in options.names or NETWORKS:
        try:
            for line in make(name, options.folder / manifest.UNTRAINED.name):
                print(line, flush=True)
        except ExportError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
