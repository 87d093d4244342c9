"""What lies at a path is sent to a device: piece by piece, and not at all where the device has it already.

A device opens one model after another, each in fresh pages, and the 10 MB of a runtime need not travel each time. It
may keep what it has and asks each time whether that is current, by a validator that is made of the content's SHA-256,
its coding and the page's policy: so what one page was sent is never taken for another's. What it has is not counted as
fetched. (Its page's Resource Timing counts it all the same in Firefox; Chromium and WebKit tell it apart.)
"""

import asyncio
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from browser_harness.contents import Body

PIECE = 256 << 10  # bytes that are read at once: a file may be larger than memory, and be sent to many
READING = 30.0  # seconds in which a device takes a piece
INDEX = "/index.html"  # asked for by a new address for every page


def validator(digest: str, body: Body, headers: Mapping[str, str]) -> str:
    """Return the ETag of a content in a coding, under a policy."""
    coding = body.form.coding if body.form else "identity"
    told = f"{digest} {coding} {headers['Content-Security-Policy']}"
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def is_known(request: web.BaseRequest, tag: str) -> bool:
    """Whether a device says that it has this already; a tunnel may have weakened the validator (RFC 9110, 8.8.1)."""
    told = request.headers.get("If-None-Match", "")
    return tag in [one.strip().removeprefix("W/") for one in told.split(",")]


async def send(request: web.BaseRequest, body: Body, headers: Mapping[str, str]) -> web.StreamResponse:
    """Send a body, which it closes."""
    coding = {"Content-Encoding": body.form.coding} if body.form else {}
    response = web.StreamResponse(status=HTTPStatus.OK, headers={**headers, **coding})
    response.content_length = body.wire
    with body.source:
        await _in_time(request, response.prepare(request))
        while piece := body.source.read(PIECE):
            await _in_time(request, response.write(piece))
    await _in_time(request, response.write_eof())
    return response


async def whole(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Send an answer that is there as a whole."""
    await _in_time(request, response.prepare(request))
    await _in_time(request, response.write_eof())
    return response


async def _in_time(request: web.BaseRequest, writing: Any) -> None:
    """Write; one that does not read is not waited for."""
    try:
        async with asyncio.timeout(READING):
            await writing
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionError("nobody reads the answer") from None
