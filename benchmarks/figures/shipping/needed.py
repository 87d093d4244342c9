"""Which files a page needs of its runtime: those that it asked its server for when it opened a model."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.platforms.page_runtime import PageRuntime
from benchmarks.results.keys import FETCHED
from browser_harness import page_files

SUITES_OWN = ("/engines/", "/model/", "/inputs/")  # and the page itself; the model is the person's own


class UncountedError(Exception):
    """A page asked for what is of no runtime, so that a sum would be too small."""


def needed(runtime: PageRuntime, details: Mapping[str, object]) -> dict[str, Path]:
    """Return the runtime's files that came into a page, by URL, of what its session tells.

    That all of them that the page cannot do without are among them was proved when it was opened. Raises UncountedError
    naming what came that is neither the runtime's nor the suite's own.
    """
    fetched = details[FETCHED]
    assert isinstance(fetched, Mapping), "a page that is driven from here tells what came"
    if strange := _strange(runtime, fetched):
        raise UncountedError(f"{runtime.name}: the page also asked for {', '.join(strange)}; nothing is told of it")
    return {url: file for url, file in runtime.runtime.items() if url in fetched}


def _strange(runtime: PageRuntime, fetched: Iterable[str]) -> list[str]:
    known = {"/", *page_files.FILES, *runtime.runtime}
    return sorted(url for url in fetched if url not in known and not url.startswith(SUITES_OWN))
