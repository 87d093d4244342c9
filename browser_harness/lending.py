"""Browsers that are lent: starting one takes longer than opening a page, and a page is what has to be fresh.

One that comes back in order waits for the next that asks for the same browser; one in which anything went wrong is
closed. Those that wait are closed with the process, or by :meth:`Lender.close`.
"""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from browser_harness.chromium import Browser
from browser_harness.page import Page

Kind = tuple[Browser, float, tuple[str, ...]]  # the browser, the timeout of a call, the flags


class Lender:
    """Lends browsers and keeps them."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, list[Page]] = {}  # several of a kind, where several were lent at once
        atexit.register(self.close)

    @contextmanager
    def lend(self, browser: Browser, timeout: float, flags: Sequence[str] = ()) -> Iterator[Page]:
        """Lend a browser of that kind, with no page in it, for as long as the context lasts."""
        kind = (browser, timeout, tuple(flags))
        waiting = self._waiting.setdefault(kind, [])
        page = waiting.pop() if waiting else self._started(kind)
        try:
            yield page
            if not page.has_told:
                page.clear()
                page.check()
        except BaseException:
            page.__exit__(None, None, None)
            raise
        if page.has_told:  # of a fault that the borrower got over
            page.__exit__(None, None, None)
        else:
            waiting.append(page)

    def _started(self, kind: Kind) -> Page:
        page = Page(*kind)
        try:
            page.start()
        except BaseException:
            page.__exit__(None, None, None)
            raise
        return page

    def close(self) -> None:
        """Close the browsers that wait."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.pop().__exit__(None, None, None)


LENDER = Lender()
