"""Guests of a JoinServer that are no browsers: made up of aiohttp's client, or of bytes, to do what no browser does."""

import asyncio
import json
import queue
import re
import socket
from contextlib import contextmanager

import aiohttp

from browser_harness.joined.loop import LoopThread
from browser_harness.joined.server import JoinServer

ABOUT = {"userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"}
NO_ANSWER = object()
FILES = {"/index.html": b"<!doctype html>", "/harness.mjs": b"export {};\n" * 90}
OPENED = {
    "load": 1.5,
    "loading": {"began": 0.1, "requests": [], "compiled": []},
    "loaded": ["/harness.mjs"],
    "clockResolution": 0.005,
    "crossOriginIsolated": True,
    "simd": True,
    "threads": 1,
    "version": "1.30.0",
}


def answer(server, request):
    """Return status, headers by small names, and the body, of what the server answers to some bytes; 0 if nothing."""
    with socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as connection:
        connection.sendall(request)
        content = b""
        while not is_whole(content) and (more := connection.recv(1 << 16)):
            content += more
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {}
    for name, value in (line.split(": ", 1) for line in lines):
        headers.setdefault(name.lower(), []).append(value)
    return int(status.split()[1]) if status else 0, headers, body


def is_whole(content):
    head, end, body = content.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= int(length[1] if length and b" 304 " not in head else 0)


def asking(server, path="/", method="GET", body=b"", **headers):
    """Write a request as one of the server's own pages sends it, but for *headers*; None leaves one out."""
    host = f"127.0.0.1:{server._door.port}"
    told = {"Host": host, "Connection": "close"}
    told |= {"Origin": f"http://{host}", "Content-Length": len(body)} if method != "GET" else {}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def joining(server, token=None, about=ABOUT, **headers):
    """Write the request that joins; the token is the link's unless another is given."""
    token = server.url.partition("#")[2] if token is None else token
    return asking(server, "/join", "POST", json.dumps({"token": token, "about": about}).encode(), **headers)


def joined(server, **headers):
    """Join, and return the cookie."""
    status, told, body = answer(server, joining(server, **headers))
    assert status == 200, body
    return told["set-cookie"][0].partition(";")[0]


class Guest:
    """A device's page: does what *deeds* say, by the function that is called; a deed is an answer, or makes one.

    What a deed returns as bytes or text is sent as it is. ``staying`` has the code with which its socket was closed.
    """

    def __init__(self, url, deeds, session):
        self.url, self.deeds, self.session = url, deeds, session
        self.socket = self.staying = None

    async def come(self):
        origin, _, token = self.url.partition("/#")
        headers = {"Origin": origin}
        told = json.dumps({"token": token, "about": ABOUT})
        async with self.session.post(f"{origin}/join", data=told, headers=headers) as response:
            assert response.status == 200, await response.text()
        self.socket = await self.session.ws_connect(f"{origin}/socket", headers=headers, max_msg_size=0)
        await self.send({"visible": True})

    async def send(self, message):
        if isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def stay(self):
        async for message in self.socket:
            await self.take(json.loads(message.data))
        return self.socket.close_code

    async def take(self, message):
        if "id" not in message:  # it is not asked for anything
            return
        deed = self.deeds.get(message.get("function", message["do"]))
        told = deed(message.get("argument")) if callable(deed) else deed
        if told is NO_ANSWER:
            return
        if isinstance(told, str | bytes):
            await self.send(told)
        else:
            await self.send({"id": message["id"], "answer": told, "hidden": False})


@contextmanager
def coming(url, **deeds):
    """Have a guest come, and stay until the context ends."""
    with LoopThread() as thread:
        guest = thread.ask(_come(url, deeds))
        guest.staying = asyncio.run_coroutine_threadsafe(guest.stay(), thread.loop)
        try:
            yield guest
        finally:
            guest.staying.cancel()
            thread.ask(guest.session.close())


async def _come(url, deeds):
    jar = aiohttp.CookieJar(unsafe=True)  # of an address
    guest = Guest(url, deeds, aiohttp.ClientSession(cookie_jar=jar))
    try:
        await guest.come()
    except BaseException:
        await guest.session.close()
        raise
    return guest


@contextmanager
def hosting(entrance=None, **deeds):
    """Serve one guest; yield the device, as it is asked, and the guest."""
    came = queue.SimpleQueue()
    with JoinServer(entrance, came.put) as server, coming(server.url, **deeds) as guest:
        device = came.get(timeout=10)
        assert device.wait(10)
        device.load(FILES, (), {}, 10)
        yield device, guest
