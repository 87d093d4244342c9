"""Which files a page needs of its runtime: those that it asked its server for when it opened a model."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures.shipping import sizes
from benchmarks.figures.shipping.sizes import Sizes
from benchmarks.platforms.page_runtime import PageRuntime
from benchmarks.results.keys import FETCHED
from browser_harness import packages, page_files

SUITES_OWN = ("/engines/", "/model/", "/inputs/")  # and the page itself; the model is the person's own


class UncountedError(Exception):
    """A page asked for what is of no runtime, so that a sum would be too small; or for nothing, and none is known."""


def needed(runtime: PageRuntime, details: Mapping[str, Any]) -> dict[str, Sizes]:
    """Return the runtime's files that came into a page, of what its session tells: their sizes by where they lie.

    That all of them that the page cannot do without were loaded was proved when it was opened. Raises UncountedError
    where something else came, too, or nothing of the runtime did.
    """
    fetched = details[FETCHED]
    if strange := _strange(runtime, fetched):
        raise UncountedError(f"{runtime.name}: the page also asked for {', '.join(strange)}; nothing is told of it")
    came = {_place(file): sizes.of(file, fetched[url]) for url, file in runtime.runtime.items() if url in fetched}
    if not came:
        raise UncountedError(f"{runtime.name}: the page asked for no file of its runtime: it has them from a cache")
    return came


def _place(file: Path) -> str:
    """Return a file's path in its package, for two packages have an ``index.js``; the name of one that was made."""
    is_packaged = file.is_relative_to(packages.NODE_MODULES)
    return file.relative_to(packages.NODE_MODULES).as_posix() if is_packaged else file.name


def _strange(runtime: PageRuntime, fetched: Iterable[str]) -> list[str]:
    known = {"/", *page_files.FILES, *runtime.runtime}
    return sorted(url for url in fetched if url not in known and not url.startswith(SUITES_OWN))
