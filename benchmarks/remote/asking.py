"""What a server says of itself and of a model, and whether pages of other origins may ask it."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.remote import credentials as given_credentials
from benchmarks.remote.connection import Answer, Connection
from benchmarks.remote.credentials import Credentials
from benchmarks.remote.oip import BYTES, LENGTH
from benchmarks.remote.served import Served
from benchmarks.remote.words import RemoteError, shown_url

# A page's; its port is another one in each run, so who does not share with this one shares with none.
SOME_ORIGIN = "http://127.0.0.1:9"
BINARY = "binary_tensor_data"  # the extension's name
BINARY_UNSAID = ("kserve",)  # servers that have the extension and do not say so
# Seconds that Chromium remembers a preflight: where the server says nothing, and at most.
REMEMBERED, MOST_REMEMBERED = 5.0, 7200
PAUSE = 0.02  # seconds between two looks at whether a model is ready


def existing(url: str, model: str, timeout: float) -> Served:
    """Return what a server at *url* says of a *model*; credentials are those of the environment.

    Raises RemoteError where it does not answer, has no such model, or the model is not ready.
    """
    origin, credentials = origin_of(url), given_credentials.given()
    with Connection(origin, credentials, timeout) as connection:
        return served(connection, quote(model, safe=""), credentials)


def origin_of(url: str) -> str:
    """Return a URL's scheme, host and port; raise RemoteError where it holds anything else, or a secret."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:  # of a port that is no number, or a name that is none
        host = ""
    if not re.fullmatch(r"[\w.:%-]+", host) or parts.scheme not in ("http", "https"):
        raise RemoteError("--server-url cannot be read; write http://HOST:PORT or https://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        words = "a name or password stands before the @ and would be shown"
        raise RemoteError(f"--server-url {shown_url(url)}: {words}; set {given_credentials.TOKEN} in its place")
    if parts.path not in ("", "/", "/v2", "/v2/") or parts.query or parts.fragment:
        words = "has more than scheme, host and port; leave it out: the protocol has its own paths"
        raise RemoteError(f"--server-url {shown_url(url)}: {words}")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port else "")


def wait_until_ready(
    connect: Callable[[float], Connection], model: str, deadline: float, check: Callable[[], None]
) -> None:
    """Ask whether a *model* is ready until it is; *check* may raise meanwhile. RemoteError after the *deadline*.

    *connect* makes a connection of so many seconds' patience. The model is asked for, not the server: some say that
    they are ready before their models are.
    """
    while True:
        check()
        left = deadline - time.monotonic()
        try:
            with connect(max(left, PAUSE)) as connection:
                if (answer := connection.ask("GET", f"/v2/models/{model}/ready")).status == 200:
                    return
                error = connection.refusal(answer)
        except RemoteError as refused:
            error = refused
        if left <= 0:
            raise error
        time.sleep(PAUSE)


def served(connection: Connection, model: str, credentials: Credentials) -> Served:
    """Return what the server behind *connection* says of itself and of a *model*, as its path has it."""
    server = _told(connection, "/v2")
    if (ready := connection.ask("GET", f"/v2/models/{model}/ready")).status != 200:
        raise _not_ready(connection, model, ready)
    inputs = _inputs(connection, model)
    has_binary = BINARY in (server.get("extensions") or ()) or server.get("name") in BINARY_UNSAID
    lasts = preflight_lasts(connection, model, credentials, has_binary=has_binary)
    return Served(
        connection.origin,
        model,
        inputs,
        software=" ".join(str(server[key]) for key in ("name", "version") if server.get(key)) or "unnamed",
        takes=takes(inputs),
        shares=lasts is not None,
        preflight_lasts=lasts,
        has_binary=has_binary,
        headers=credentials,
    )


def _told(connection: Connection, path: str) -> Mapping[str, Any]:
    if (answer := connection.ask("GET", path)).status != 200:
        raise connection.refusal(answer)
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        words = f"what it answers at {path} is not of the Open Inference Protocol v2; name a server that speaks it"
        raise RemoteError(f"{connection.origin}: {words}")
    return told


def _not_ready(connection: Connection, model: str, answer: Answer) -> RemoteError:
    """Return the error of a model that a server does not have, with those that it has where it tells."""
    error = connection.refusal(answer)
    listed = connection.ask("GET", "/v2/models")
    try:
        names = json.loads(listed.content)["models"] if listed.status == 200 else []
    except (ValueError, KeyError, TypeError):
        names = []
    has = f"; it has {', '.join(map(str, names))}" if names else ""
    return RemoteError(f"{error} (asked for {model}{has})")


def _inputs(connection: Connection, model: str) -> dict[str, str]:
    try:
        return {given["name"]: given["datatype"] for given in _told(connection, f"/v2/models/{model}")["inputs"]}
    except (KeyError, TypeError):
        words = f"does not say which inputs {model} has; see /v2/models/{model} there"
        raise RemoteError(f"{connection.origin}: {words}") from None


def takes(inputs: Mapping[str, str]) -> frozenset[str]:
    """Return which uploads a model with such inputs takes, by what it declares of them."""
    if (only := next(iter(inputs.values()), None)) and len(inputs) == 1:
        return frozenset({{BYTES: "image", "UINT8": "uint8"}.get(only, "float32")})
    return frozenset({"float32"})


def preflight_lasts(connection: Connection, model: str, credentials: Credentials, *, has_binary: bool) -> float | None:
    """Return for how many seconds a browser remembers that a page of another origin may send its request.

    None where it may not, or could not read the answer, by what the server says to it.
    """
    if not credentials.are_for_pages:
        return None
    wanted = sorted({"content-type", *([LENGTH.lower()] if has_binary else []), *map(str.lower, credentials)})
    asking = {
        "Origin": SOME_ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(wanted),
    }
    path = f"/v2/models/{model}"
    # As a browser asks: without credentials.
    with connection.stranger() as stranger:
        preflight = stranger.ask("OPTIONS", f"{path}/infer", headers=asking)
    may = (
        200 <= preflight.status < 300
        and _allows(preflight, wanted)
        and _shows(connection.ask("GET", path, headers={"Origin": SOME_ORIGIN}), [LENGTH.lower()] if has_binary else [])
    )
    return _lasts(preflight) if may else None


def _lasts(preflight: Answer) -> float:
    told = (preflight.headers.get("Access-Control-Max-Age") or "").strip()
    try:
        return float(min(max(0, int(told)), MOST_REMEMBERED))
    except ValueError:
        return REMEMBERED


def _allows(preflight: Answer, wanted: list[str]) -> bool:
    allowed = _list(preflight, "Access-Control-Allow-Headers")
    # A star stands for all headers but this one.
    missing = {"authorization"} & {*wanted} if "*" in allowed else {*wanted}
    return _is_for(preflight) and missing <= allowed


def _shows(answer: Answer, wanted: list[str]) -> bool:
    exposed = _list(answer, "Access-Control-Expose-Headers")
    return _is_for(answer) and ("*" in exposed or {*wanted} <= exposed)


def _is_for(answer: Answer) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") in ("*", SOME_ORIGIN)


def _list(answer: Answer, name: str) -> set[str]:
    return {word.strip().lower() for word in (answer.headers.get(name) or "").split(",")} - {""}
