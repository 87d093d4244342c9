"""A server that a page asks: the model is open there, and the page's clock runs from having the inputs to the outputs.

``remote-cpu`` is KServe's model server with onnxruntime inside, started here anew for each start of a benchmark;
``remote-url`` is any server of the Open Inference Protocol that there is. Nothing watches the page's requests.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import remote
from benchmarks.platforms.between import linked, network_of
from benchmarks.platforms.page_runtime import InEffect, PageCase, PageRuntime, Request
from benchmarks.platforms.remote_session import FORMS, AskingSession, RemoteSession, openings
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Case, Feeds, Opening, PlatformError, Side, Takes, Threading, UnavailableError
from benchmarks.remote import Preparation, RemoteError, Scheme, Served
from benchmarks.remote.relaying import relay
from benchmarks.settings import Settings
from browser_harness import chromium
from browser_harness.driven import DrivenPage
from browser_harness.network import LOOPBACK, Link
from browser_harness.unwatched import open_unwatched

FLAGS = ("--disable-gpu",)
TRUSTING = "--ignore-certificate-errors-spki-list"  # of the certificate that the suite made, and of no other


class Asking(PageRuntime):
    """A page that asks a server."""

    side: Side = "remote"
    engine: ClassVar[str] = "remote"
    packages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, takes: Takes, served: Served) -> None:
        self.name, self.takes, self.served = name, takes, served
        self.provider = served.provider or "not told"

    @property
    def runtime(self) -> Mapping[str, Path]:
        """Nothing but the page's own module."""
        return {}

    def request(self, case: Case, settings: Settings) -> Request:
        """Ask the server for its model; where it answers no other origin's pages, through the page's own server."""
        origin = self.served.origin if self.served.shares else ""
        configuration = {
            "url": f"{origin}/v2/models/{self.served.model}",
            "inputs": [*self.served.inputs],
            "sends": self.takes,
            "binary": self.served.has_binary,
            "headers": dict(self.served.headers) if self.served.shares else {},  # a relay adds them itself
        }
        return Request({}, configuration)

    def threads_in_page(self, case: Case) -> int:
        """Return one: the page waits, and what computes is elsewhere."""
        return 1

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Return nothing: what the server has in force it was asked before the page was there."""
        return {}

    def allowed_origins(self, settings: Settings) -> Sequence[str]:
        """Return the server's."""
        return (self.served.origin,) if self.served.shares else ()


class Remote(ABC):
    """A server, and the page that asks it."""

    side: Side = "remote"
    has_device = False
    caches: Sequence[str] = ("cold",)  # a first request makes its connection, whatever the browser keeps
    threading: Threading
    is_elsewhere: bool  # the server was there before

    def __init__(self, name: str, takes: Takes = "arrays") -> None:
        self.name, self.takes = name, takes

    @abstractmethod
    def serving(self, case: Case, settings: Settings, link: Link) -> AbstractContextManager[Served]:
        """Have the case served."""

    @abstractmethod
    def lacking(self, settings: Settings) -> str | None:
        """Say what the server lacks here; None where it can be had."""

    @abstractmethod
    def server_versions(self, settings: Settings) -> dict[str, str]:
        """Return the versions of what the server is made of."""

    def unavailable(self, settings: Settings) -> str | None:
        """Say what is missing: the server, or a browser."""
        reason = self.lacking(settings) or chromium.missing(settings.browser_path)
        return f"{self.name}: {reason}" if reason else None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The versions of the server and of the browser that asks it."""
        if self.unavailable(settings):
            return {}
        return {**self.server_versions(settings), **chromium.versions(settings.browser_path)}

    def open(self, case: Case, settings: Settings) -> AbstractContextManager[RemoteSession]:
        """Have the case served, and a page that asks for it."""
        return RemoteSession(lambda: self._opened(case, settings))

    def open_fresh(self, case: Case, settings: Settings) -> AbstractContextManager[RemoteSession]:
        """Have the case served, and a page that asks for it, as often as the session is asked to renew them."""
        return self.open(case, settings)

    @contextmanager
    def _opened(self, case: Case, settings: Settings) -> Iterator[AskingSession]:
        with (
            self._explained(case),
            linked(self.name, case) as link,
            self.serving(case, settings, link) as served,
            self._asking(case, settings, link, served) as session,
        ):
            session.open()
            session.connect()
            yield session

    def openings(self, case: Case, feeds: Feeds, settings: Settings, caches: str) -> Iterator[Opening]:
        """Ask one server again and again, each time from a browser that has no connection to it."""
        with self._explained(case), linked(self.name, case) as link, self.serving(case, settings, link) as served:
            yield from openings(lambda: self._asking(case, settings, link, served), feeds)

    @contextmanager
    def _asking(self, case: Case, settings: Settings, link: Link, served: Served) -> Iterator[AskingSession]:
        """Have a page, in a browser of its own, that can ask *served* for inferences."""
        page_case = PageCase(Asking(self.name, self.takes, served), case, settings)
        with page_case.explained(), ExitStack() as stack:
            with link.on_server_side():
                server = stack.enter_context(page_case.serving(link.host))
            if not served.shares:
                server.relay = relay(served, timeout=settings.timeout)
            pin = (f"{TRUSTING}={served.tls_pin}",) if served.tls_pin else ()
            with link.on_client_side():
                browser = chromium.find(settings.browser_path)
                page = stack.enter_context(open_unwatched(browser, settings.timeout, (*FLAGS, *pin)))
            channel = DrivenPage(page, server, link.entrance(server.server_port))
            between = network_of(link, case.network)
            yield AskingSession(page_case, channel, served, link, between, is_elsewhere=self.is_elsewhere)

    @contextmanager
    def _explained(self, case: Case) -> Iterator[None]:
        try:
            yield
        except RemoteError as error:
            raise PlatformError(f"{self.name}: {case.model_file.name}: {error}") from error


class RemoteCpu(Remote):
    """KServe's model server, started here; one inference at a time on onnxruntime's CPUExecutionProvider."""

    threading: Threading = "settable"
    is_elsewhere = False

    def __init__(self, name: str, takes: Takes = "arrays", scheme: Scheme = "http") -> None:
        super().__init__(name, takes)
        self._scheme = scheme

    def lacking(self, settings: Settings) -> str | None:
        """Say that KServe's environment is missing."""
        return remote.unavailable()

    def server_versions(self, settings: Settings) -> dict[str, str]:
        """The version of KServe; onnxruntime's there is that of ``server-cpu``."""
        return remote.versions()

    def serving(self, case: Case, settings: Settings, link: Link) -> AbstractContextManager[Served]:
        """Start the server."""
        preparation = None if self.takes == "arrays" else _prepared(case)
        return remote.serving(
            case.model_file, case.threads, link, self._scheme, preparation=preparation, timeout=settings.timeout
        )


def _prepared(case: Case) -> Preparation | None:
    """Return how the server makes numbers of an image; None of a case that is not one."""
    if case.normalisation is None:
        return None
    *_, height, width = next(iter(case.shapes.values()))
    return case.normalisation.mean, case.normalisation.std, (height, width)


class RemoteUrl(Remote):
    """The server of ``--server-url``."""

    threading: Threading = "runtime"
    is_elsewhere = True

    def lacking(self, settings: Settings) -> str | None:
        """Say that no server is named."""
        return None if settings.server_url else "which server? name it with --server-url URL"

    def server_versions(self, settings: Settings) -> dict[str, str]:
        """Nothing: what the server is made of, its results tell."""
        return {}

    @contextmanager
    def serving(self, case: Case, settings: Settings, link: Link) -> Iterator[Served]:
        """Look at the server."""
        refuse_threads(self, case)
        if case.network != LOOPBACK:
            words = "a server that exists is reached over the network that it has; leave --network out"
            raise UnavailableError(f"{self.name}: {case.model_file.name}: {words}")
        assert settings.server_url is not None, "unavailable() comes first"
        model = settings.server_model or case.model_file.stem
        served = remote.existing(settings.server_url, model, settings.timeout)
        if served.inputs.keys() != case.shapes.keys():
            there, here = (", ".join(sorted(names)) for names in (served.inputs, case.shapes))
            words = f"{model}'s inputs there are {there}, and the file's are {here}; name another with --server-model"
            raise UnavailableError(f"{self.name}: {case.model_file.name}: {words}")
        if FORMS[self.takes] not in served.takes:
            words = f"{model} there takes {', '.join(sorted(served.takes))}"
            raise UnavailableError(f"{self.name}: {case.model_file.name}: {words}, not {FORMS[self.takes]}")
        yield served


REMOTE_PLATFORMS = (
    RemoteCpu("remote-cpu"),
    RemoteCpu("remote-cpu-uint8", "pixels"),
    RemoteCpu("remote-cpu-image", "image"),
    RemoteCpu("remote-cpu-https", scheme="https"),
    RemoteCpu("remote-cpu-h2", scheme="h2"),
    RemoteUrl("remote-url"),
    RemoteUrl("remote-url-uint8", "pixels"),
    RemoteUrl("remote-url-image", "image"),
)
