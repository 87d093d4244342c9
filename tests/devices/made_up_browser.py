"""A browser that is none: it joins by the link and answers as a page does, whose inferences onnxruntime makes here."""

import asyncio
import base64
import json
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import onnxruntime
from devices_made_up import FIREFOX

from browser_harness import packages

ABOUT = {name: FIREFOX.get(name) for name in ("userAgent", "brands", "hints", "cores", "memory")}
ABOUT |= {"isolated": True, "secure": True, "clockStep": 0.02, "connection": None, "adapter": None}


class MadeUpBrowser:
    """Joins, and leaves for good when it is asked to load a page more often than it *stays* for."""

    def __init__(self, url, stays):
        self.origin, _, self.token = url.partition("/#")
        self.loads, self.stays = 0, stays
        self.session = None

    async def come(self):
        jar = aiohttp.CookieJar(unsafe=True)  # of an address
        async with aiohttp.ClientSession(self.origin, cookie_jar=jar, headers={"Origin": self.origin}) as self.http:
            async with self.http.post("/join", json={"token": self.token, "about": ABOUT}) as response:
                assert response.ok, await response.text()
            async with self.http.ws_connect("/socket", max_msg_size=2**24) as socket:
                await socket.send_json({"visible": True})
                async for message in socket:
                    if not await self.take(socket, json.loads(message.data)):
                        return

    async def take(self, socket, asked):
        """Answer; return whether it stays."""
        if "id" not in asked:  # it is not asked for anything
            return True
        self.loads += asked["do"] == "load"
        if self.loads > self.stays:
            return False
        answer = await getattr(self, asked["function"])(**asked["argument"]) if asked["do"] == "call" else None
        await socket.send_json({"id": asked["id"], "answer": answer, "hidden": False})
        return True

    async def fetched(self, path):
        async with self.http.get(path) as response:
            assert response.ok, path
            return await response.read()

    async def open(self, engine, where, files, configuration):
        self.session = onnxruntime.InferenceSession(await self.fetched(files[0][1]))
        return {
            "load": 1.0,
            "loading": {"began": 0.0, "requests": [], "compiled": []},
            "loaded": [configuration["bundle"], configuration["wasmPaths"]["wasm"]],
            "threads": 1,
            "version": packages.pinned("onnxruntime-web"),
            "clockResolution": 0.001,
            **dict.fromkeys(("crossOriginIsolated", "secure", "sharedArrayBuffer", "simd"), True),
        }

    async def time(self, feeds, rounds, iterations, inline):
        arrays = {one["name"]: await self.array(one) for one in feeds}
        samples, outputs = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            for _ in range(iterations):
                outputs = self.session.run(None, arrays)
            samples.append((time.perf_counter() - began) * 1e3 / iterations)
        names = [output.name for output in self.session.get_outputs()]
        return {"samples": samples, "outputs": [*zip(names, map(portable, outputs), strict=True)]}

    async def array(self, feed):
        return np.frombuffer(await self.fetched(feed["url"]), feed["type"]).reshape(feed["shape"])


def portable(array):
    return {"type": array.dtype.name, "dims": array.shape, "data": base64.b64encode(array.tobytes()).decode()}


@contextmanager
def made_up_browser(url, stays, kind=MadeUpBrowser):
    """Have one come, as long as the context lasts."""
    assert urlsplit(url).hostname == "127.0.0.1"
    browser = kind(url, stays)
    loop = asyncio.new_event_loop()
    coming = loop.create_task(browser.come())

    def go():
        with suppress(asyncio.CancelledError, aiohttp.ClientError):
            loop.run_until_complete(coming)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield browser
    finally:
        loop.call_soon_threadsafe(coming.cancel)
        thread.join()
        loop.close()
