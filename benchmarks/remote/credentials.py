"""What a server wants of those who ask it: read from the environment, sent, and shown to nobody."""

import os
import re
from collections.abc import Iterator, Mapping

from benchmarks.remote.words import RemoteError

TOKEN = "CLIENT_OR_SERVER_TOKEN"  # noqa: S105 (the variable's name); sent as `Authorization: Bearer …`
HEADERS = "CLIENT_OR_SERVER_HEADERS"  # lines of `Name: value`
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[\x20-\x7e\t]+")
# What no script of a page may set: a page cannot send such ones itself.
NOT_OF_PAGES = re.compile(r"(?i)cookie|host|origin|referer|connection|proxy-.*|sec-.*")


class Credentials(Mapping[str, str]):
    """Headers whose values are in no representation, and that JSON refuses to write."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"<{len(self)} credentials>"

    @property
    def are_for_pages(self) -> bool:
        """Whether a page may send all of them."""
        return not any(NOT_OF_PAGES.fullmatch(name) for name in self)

    def masked(self, words: str) -> str:
        """Return *words* of others without any of the values: a server may repeat what it was sent."""
        secrets = {part for value in self.values() for part in (value, value.removeprefix("Bearer ")) if part}
        for secret in sorted(secrets, key=len, reverse=True):
            words = words.replace(secret, "…")
        return words


def given() -> Credentials:
    """Return the credentials that the environment has; raise RemoteError, in words without them, if they are none."""
    headers = dict(_lines(os.environ.get(HEADERS, "")))
    if token := os.environ.get(TOKEN, "").strip():
        if any(name.lower() == "authorization" for name in headers):
            raise RemoteError(f"{HEADERS} has an Authorization, and {TOKEN} makes another; give one of them")
        headers["Authorization"] = f"Bearer {token}"
    if any(not VALUE.fullmatch(value) for value in headers.values()):
        raise RemoteError(f"{TOKEN} or {HEADERS} has a character that no header can; give plain ASCII")
    return Credentials(headers)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, colon, value = line.partition(":")
            if not (colon and NAME.fullmatch(name.strip()) and value.strip()):
                raise RemoteError(f"{HEADERS}: line {number} is not `Name: value`; give each header a line of its own")
            yield name.strip(), value.strip()
