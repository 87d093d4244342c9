"""What goes wrong with a server, in one line each: the server, what it did, and what helps."""

from urllib.parse import urlsplit

from benchmarks.protocol import PlatformError
from models.words import in_a_line

LONGEST = 300  # characters of what a server said
REMEDIES = {
    401: "it wants a credential: set CLIENT_OR_SERVER_TOKEN, or CLIENT_OR_SERVER_HEADERS",
    403: "the credential does not suffice: see CLIENT_OR_SERVER_TOKEN and CLIENT_OR_SERVER_HEADERS",
    404: "serve the model there under that name",
    503: "wait until the server has loaded the model",
}


class RemoteError(PlatformError):
    """A server could not be started or asked, or answered otherwise than the protocol says; in one line."""


def shown_url(url: str) -> str:
    """Return a URL's scheme, host and port: who asks, a path and what stands behind a question mark may be secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a URL that cannot be read"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "a URL that begins with neither http:// nor https://"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    more = "/…" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{more}"


def cut(words: str) -> str:
    """Return the beginning of what a server said, in one line."""
    line = in_a_line(words) if words.strip() else "no words"
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
