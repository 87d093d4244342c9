"""The channel to a page that is driven from here, with the server that the page loads from."""

from collections.abc import Mapping

from browser_harness.browser_page import BrowserPage
from browser_harness.channel import FetchedFile
from browser_harness.server import Server


class DrivenPage:
    """A :class:`browser_harness.channel.DrivenChannel`: a page, loaded from *server*, by its port or an *entrance*."""

    def __init__(self, page: BrowserPage, server: Server, entrance: int | None = None) -> None:
        self.page, self._server = page, server
        self._origin = server.origin_at(entrance or server.server_port)
        self._mark = 0  # of the server's answers, where the page began to load
        server.on_fault = page.note
        # Taken over as they are: a layer between would take its time in every call.
        self.call, self.code_cache = page.call, page.code_cache
        self.publish, self.receiving = server.publish, server.receiving

    def load(self) -> None:
        """Load a new page, without a runtime or model, in place of an earlier one."""
        self._mark = self._server.mark
        self.page.load(self._origin, self._server.allowed_origins)

    def reload(self) -> None:
        """Load the same page again, in the process that it has; never a fresh start, and only to show that."""
        self._mark = self._server.mark
        self.page.reload()

    def fetched(self) -> Mapping[str, FetchedFile]:
        """Return what came from the server since the page began to load, by path."""
        return self._server.fetched(self._mark)
