"""A client of the Open Inference Protocol in this process: what a page does, and what puts a load on a server."""

from dataclasses import dataclass
from typing import Self

from benchmarks.protocol import Feeds, Outputs
from benchmarks.remote import oip
from benchmarks.remote.connection import Answer, Connection
from benchmarks.remote.served import Served
from benchmarks.remote.words import RemoteError
from browser_harness.network import Link


@dataclass(frozen=True)
class Request:
    """An inference to ask for, as it goes out."""

    body: bytes
    headers: dict[str, str]


class Client:
    """One kept connection to a server that answers for a model; by http, or https with HTTP/1.1.

    *link* is what lies between, where something does. One thread at a time may ask.
    """

    def __init__(self, served: Served, link: Link | None = None, timeout: float = 60.0) -> None:
        self._served = served
        side = {"side": link.on_client_side} if link else {}
        self._connection = Connection(served.origin, served.headers, timeout, served.certificate, **side)

    @property
    def connections(self) -> int:
        """How many connections were opened so far: more than one where the server closed one that was idle."""
        return self._connection.opened

    def prepare(self, feeds: Feeds) -> Request:
        """Return the request for *feeds*, which can be sent again and again; raise RemoteError where there is none."""
        try:
            return Request(*oip.request(feeds, binary=self._served.has_binary))
        except oip.AnswerError as error:
            raise self._broken(str(error)) from error

    def ask(self, request: Request) -> Answer:
        """Send a request; return the answer as it came, of status 200, or raise RemoteError."""
        answer = self._connection.ask("POST", self._served.path, request.body, request.headers)
        if answer.status != 200:
            raise self._connection.refusal(answer)
        return answer

    def read(self, answer: Answer) -> tuple[Outputs, float | None]:
        """Return the outputs by name, and the seconds that the server computed, None where it does not tell."""
        try:
            outputs, parameters = oip.answer(answer.content, answer.headers.get(oip.LENGTH))
        except oip.AnswerError as error:
            raise self._broken(f"its answer is broken: {error}; see the server's log") from error
        return outputs, oip.computing(answer.headers.get("Server-Timing"), parameters)

    def infer(self, feeds: Feeds) -> tuple[Outputs, float | None]:
        """Return the outputs of one inference, and the seconds that the server computed."""
        return self.read(self.ask(self.prepare(feeds)))

    def _broken(self, words: str) -> RemoteError:
        return RemoteError(f"{self._served.origin}: {self._served.model}: {words}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
