"""One kept connection to a server: a request goes out, the whole answer comes back, or one line says why not."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlsplit

from benchmarks.remote.credentials import Credentials
from benchmarks.remote.words import REMEDIES, RemoteError, cut, shown_url

GONE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)  # of a connection that was idle
SEE_LOG = "see the server's log"
REDIRECTS, REFUSALS = 300, 400  # the first status of each
# The first that an error is one of says it.
FAULTS = (
    (
        ssl.SSLCertVerificationError,
        "its certificate does not verify ({detail}); give it one for this name, or trust its issuer with SSL_CERT_FILE",
    ),
    (ssl.SSLError, "speaks no TLS that is known here ({detail}); is it http://?"),
    (TimeoutError, "did not answer within {timeout:g} s; raise --inference-timeout"),
    (ConnectionRefusedError, "nothing listens there; start the server, or name another"),
    (http.client.IncompleteRead, f"ended in the middle of its answer, after {{received:,}} bytes; {SEE_LOG}"),
    ((http.client.RemoteDisconnected, ConnectionError), f"ended the connection without an answer; {SEE_LOG}"),
    (socket.gaierror, "its name is not known ({detail}); name another"),
    (http.client.HTTPException, "answers no HTTP that is known here ({kind}); is it https://?"),
    (Exception, "cannot be reached ({detail}); name another"),
)


@dataclass(frozen=True)
class Answer:
    """A server's answer, whatever its status."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes


class Connection:
    """A connection that is opened when something is first asked, and kept.

    *side* is entered while the socket is opened, which then stays where it is. A server may close a connection that
    is idle: it is then opened anew, and counted.
    """

    def __init__(
        self,
        origin: str,
        credentials: Credentials,
        timeout: float,
        certificate: str | None = None,
        side: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.origin, self.opened = origin, 0
        self._credentials, self._timeout, self._certificate, self._side = credentials, timeout, certificate, side
        self._http = _connection(origin, timeout, certificate)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the whole answer; raise RemoteError where none comes, or not all of it."""
        try:
            was_kept = self._http.sock is not None
            try:
                return self._ask(method, path, body, headers or {})
            except GONE:
                self._http.close()
                if not was_kept:
                    raise
                return self._ask(method, path, body, headers or {})
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            # Not from the error: its traceback leads through functions that hold the headers.
            raise RemoteError(f"{self.origin}: {self._in_words(error)}") from None

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if self._http.sock is None:
            with self._side():
                self._http.connect()
            self.opened += 1
        named = {name.lower() for name in self._credentials}
        self._http.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
        for name, value in (*headers.items(), *self._credentials.items()):
            self._http.putheader(name, value)
        if body is not None:
            self._http.putheader("Content-Length", str(len(body)))
        self._http.endheaders(body)
        with self._http.getresponse() as response:
            return self._without_secrets(Answer(response.status, response.headers, response.read()))

    def _without_secrets(self, answer: Answer) -> Answer:
        """Return an answer that can be shown: a server may repeat a credential that it refuses."""
        if answer.status < 400 or not self._credentials:
            return answer
        words = self._credentials.masked(answer.content.decode(errors="replace"))
        return replace(answer, content=words.encode())

    def _in_words(self, error: Exception) -> str:
        words = next(words for kinds, words in FAULTS if isinstance(error, kinds))
        detail = getattr(error, "verify_message", None) or getattr(error, "reason", None) or cut(str(error))
        received = len(error.partial) if isinstance(error, http.client.IncompleteRead) else 0
        return words.format(detail=detail, received=received, timeout=self._timeout, kind=type(error).__name__)

    def refusal(self, answer: Answer) -> RemoteError:
        """Return the error of an *answer* that is none of success, with the server's words, and what helps."""
        remedy = REMEDIES.get(answer.status, SEE_LOG)
        if REDIRECTS <= answer.status < REFUSALS and (elsewhere := answer.headers.get("Location")):
            remedy = f"it leads to {cut(shown_url(elsewhere))}; name that server"
        return RemoteError(f"{self.origin}: answered {answer.status}: {cut(_said(answer.content))}; {remedy}")

    def stranger(self) -> "Connection":
        """Return another connection to the same server, without credentials: as a browser asks before a page may."""
        return Connection(self.origin, Credentials(), self._timeout, self._certificate, self._side)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _connection(origin: str, timeout: float, certificate: str | None) -> http.client.HTTPConnection:
    parts = urlsplit(origin)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=trusting(certificate))


def trusting(certificate: str | None) -> ssl.SSLContext:
    """Return what verifies certificates by the system's issuers, and by *certificate* (PEM) beside them."""
    context = ssl.create_default_context()
    if certificate is not None:
        context.load_verify_locations(cadata=certificate)
    return context


def _said(content: bytes) -> str:
    """Return what a server says of an error: KServe and Triton in "error", others in "detail", or some text."""
    text = content.decode(errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        return text
    found = next((told[key] for key in ("error", "detail") if told.get(key)), text) if isinstance(told, dict) else text
    return str(found)
