"""The channel to the page of a device that joined: a :class:`browser_harness.channel.DrivenChannel` by a link."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from browser_harness.channel import FetchedFile, PageError

if TYPE_CHECKING:
    from browser_harness.encoding import Content


VARIABLE = "CLIENT_OR_SERVER_DEVICE"  # by which a process is told the device that it is for


class AwayError(PageError):
    """What was measured does not count, and can be measured again: the device was not here all the time."""


class LeftError(AwayError):
    """The device went away: its page, and what was open in it, is lost. It may come back."""


class HiddenError(AwayError):
    """The page was hidden meanwhile, and browsers slow hidden pages down; what is open in it is open still."""


class AnyDevice(Protocol):
    """What is asked of a device: of this process's own, or by :mod:`browser_harness.joined.control` of another's."""

    def about(self) -> dict[str, Any]:
        """Return what it says of itself."""

    def load(
        self, files: Mapping[str, "Content"], script_sources: Sequence[str], imports: Mapping[str, str], timeout: float
    ) -> None:
        """Have it open a new page."""

    def call(self, function: str, argument: Mapping[str, Any], timeout: float) -> Any:
        """Call a function of its page."""

    def close(self, timeout: float) -> None:
        """Have it drop the page."""

    def publish(self, path: str, content: bytes) -> None:
        """Let it fetch *content*."""

    def fetched(self) -> Mapping[str, FetchedFile]:
        """Return what was sent to it."""

    def loaded(self) -> list[str]:
        """Return the paths of what was sent to it, and of what it had already."""

    def await_bytes(self, path: str, length: int) -> None:
        """Take bytes at *path*."""

    def take_bytes(self, path: str) -> bytes | None:
        """Return what came there."""

    def wait(self, seconds: float) -> bool:
        """Wait until it is here and to be seen, for so long since it last was; return whether it is."""

    def story(self) -> dict[str, Any]:
        """Return how often it was not, and what came of that."""

    def show(self, told: Mapping[str, Any]) -> None:
        """Have the person see *told*."""


class JoinedPage:
    """A page of a device: what it is made of is sent anew for every page that it opens."""

    def __init__(
        self,
        device: AnyDevice,
        files: Mapping[str, "Content"],
        script_sources: Sequence[str],
        imports: Mapping[str, str],
        timeout: float,
    ) -> None:
        self.device, self._timeout = device, timeout
        self._made_of = files, script_sources, imports
        self._published: dict[str, bytes] = {}  # a new page has a new table

    def load(self) -> None:
        """Load a new page, without a runtime or model, in place of an earlier one."""
        self.device.load(*self._made_of, self._timeout)
        for path, content in self._published.items():
            self.device.publish(path, content)

    def call(self, function: str, argument: Mapping[str, Any]) -> Any:
        """Call one function of the page's ``harness`` and return its answer."""
        return self.device.call(function, argument, self._timeout)

    def publish(self, path: str, content: bytes) -> None:
        """Let the page fetch *content* from *path* from now on."""
        self._published[path] = content
        self.device.publish(path, content)

    @contextmanager
    def receiving(self, path: str, content: memoryview) -> Iterator[None]:
        """Let the page send what fills *content* to *path* in this context; PageError where it has not come."""
        self.device.await_bytes(path, len(content))
        came: bytes | None = None
        try:
            yield
        finally:
            came = self.device.take_bytes(path)
        if came is None or len(came) != len(content):
            raise PageError(f"the page was to send {len(content):,} bytes to {path}, and they have not come")
        content[:] = came

    def fetched(self) -> Mapping[str, FetchedFile]:
        """Return what came from the server since the page began to load, by path."""
        return self.device.fetched()

    def loaded(self) -> list[str]:
        """Return the paths of all that the page asked for and has: what was sent to it, and what it had already."""
        return self.device.loaded()

    def code_cache(self) -> Mapping[str, int]:
        """Return nothing: a device does not tell what it keeps."""
        return {}

    def close(self) -> None:
        """Drop the page."""
        self.device.close(self._timeout)
