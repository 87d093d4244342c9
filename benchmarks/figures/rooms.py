"""How is the suite built? ``python -m benchmarks.figures.rooms [CHECKOUT]``.

Prints its rooms floor by floor, and how many arrows there are between them: a room imports from another, however often.
A room is a folder of ``benchmarks``, a module in none of them, or a package beside it. Benchmarks (``test_…``) are
left out: they stand on top. Ends with 1 where rooms stand on each other. That no import runs upwards between the floors
of pyproject.toml is what ``lint-imports`` says.
"""

import argparse
import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmarks", "browser_harness", "models")
Arrows = Mapping[str, set[str]]  # by room: the rooms that it imports from


def room_of(module: str) -> str:
    """Return the room that a module is in: one floor of folders below ``benchmarks``, else the package."""
    package, *inside = module.split(".")
    return f"{package}.{inside[0]}" if package == "benchmarks" and inside else package


def arrows(checkout: Path) -> Arrows:
    """Return the rooms of a checkout, and from which other rooms each imports."""
    sys.path.insert(0, str(checkout))
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    modules = [*filter(_is_in_a_room, graph.modules)]
    rooms: dict[str, set[str]] = {room_of(module): set() for module in modules}
    for module in modules:
        imported = {room_of(name) for name in graph.find_modules_directly_imported_by(module)}
        rooms[room_of(module)] |= imported & rooms.keys() - {room_of(module)}
    return rooms


def _is_in_a_room(module: str) -> bool:
    return module != "benchmarks" and ".test_" not in module


def floors(rooms: Arrows) -> list[list[str]]:
    """Return the rooms floor by floor, from the ground up; raise CycleError where there are none."""
    sorter, storeys = TopologicalSorter(rooms), []
    sorter.prepare()
    while sorter.is_active():
        storeys.append(sorted(sorter.get_ready()))
        sorter.done(*storeys[-1])
    return storeys


def lines(rooms: Arrows) -> list[str]:
    """Return what is printed: a line for each floor, the highest first, and the sum; raise CycleError for a circle."""
    storeys = floors(rooms)
    numbered = [f"floor {number}  {', '.join(floor)}" for number, floor in enumerate(storeys, 1)]
    total = f"{len(rooms)} rooms on {len(storeys)} floors, {sum(map(len, rooms.values()))} arrows between them"
    return [*reversed(numbered), total]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?", type=Path, default=ROOT, help="default: this one")
    rooms = arrows(parser.parse_args().checkout.resolve())
    try:
        print("\n".join(lines(rooms)))
    except CycleError as error:
        sys.exit(f"rooms that stand on each other: {' → '.join(error.args[1])}")


if __name__ == "__main__":
    main()
