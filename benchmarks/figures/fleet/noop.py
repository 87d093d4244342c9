"""Clients that compute nothing: they join as a browser does, and answer with logits that were made up beforehand.

``python -m benchmarks.figures.fleet.noop LINK CLIENTS ANSWERS.npz`` has so many in one process; it ends with the link's
server. What they say of themselves is made up as well: nothing that they answer is a time of any device.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.page import PARTS
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.page_runtime import PageRuntime
from browser_harness import packages

PLATFORM = "chromium-wasm"
ABOUT = {"userAgent": "Mozilla/5.0 Chrome/153.0.0.0 no-op", "isolated": True, "secure": True, "clockStep": 0.005}
SHOWN = {"visible": True}


@dataclass(frozen=True)
class Answers:
    """What to answer, by the bytes of the first image of a chunk: chunks are of images in a row."""

    places: Mapping[bytes, int]
    logits: NDArray[np.float32]  # [images, classes]
    image: int  # bytes of one

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], logits: NDArray[np.float32]) -> "Answers":
        """Know the right answers to these images."""
        return cls({image.tobytes(): place for place, image in enumerate(pixels)}, logits, pixels[0].nbytes)

    def to(self, pixels: bytes) -> bytes:
        """Return the logits of images."""
        start = self.places[pixels[: self.image]]
        return self.logits[start : start + len(pixels) // self.image].tobytes()


class NoOp:
    """A client, for as long as its server wants it."""

    def __init__(self, link: str, answers: Answers) -> None:
        parts = urlsplit(link)
        self._origin, self._token, self._answers = f"{parts.scheme}://{parts.netloc}", parts.fragment, answers

    async def run(self) -> None:
        """Join, and answer until the server ends it."""
        jar, headers = aiohttp.CookieJar(unsafe=True), {"Origin": self._origin}  # unsafe: of an address, and no name
        async with aiohttp.ClientSession(self._origin, cookie_jar=jar, headers=headers) as http:
            joining = {"token": self._token, "about": ABOUT}
            (await http.post("/join", data=json.dumps(joining))).raise_for_status()
            async with http.ws_connect("/socket") as socket:
                await socket.send_str(json.dumps(SHOWN))
                async for message in socket:
                    asked = json.loads(message.data)
                    if "id" in asked:
                        told = await self.answer(http, asked.get("function", ""), asked.get("argument", {}))
                        await socket.send_str(json.dumps({"id": asked["id"], "hidden": False, **told}))

    async def answer(
        self, http: aiohttp.ClientSession, function: str, argument: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what the page says of a call of its harness; of none, that it was done."""
        if function == "open":
            return {"answer": in_effect()}
        if function == "classify":
            async with http.get(argument["pixels"]) as pixels:
                logits = self.logits(await pixels.read())
            (await http.put(argument["url"], data=logits)).raise_for_status()
            return {"answer": dict.fromkeys(PARTS, 0.0)}
        return {"error": "nothing is computed here", "stack": ""} if function else {"answer": None}

    def logits(self, pixels: bytes) -> bytes:
        """Return what is sent for a chunk."""
        return self._answers.to(pixels)


def in_effect() -> dict[str, Any]:
    """Return what a page says in which onnxruntime-web's WebAssembly is open: a lie, for nothing is."""
    runtime = PLATFORMS[PLATFORM]
    assert isinstance(runtime, PageRuntime)
    return {
        "load": 1.0,
        "loading": {"began": 0.0, "requests": [], "compiled": []},
        "version": packages.pinned("onnxruntime-web"),
        "threads": 1,
        "crossOriginIsolated": True,
        "sharedArrayBuffer": True,
        "secure": True,
        "simd": True,
        "loaded": [*runtime.runtime],
        "clockResolution": 0.005,
    }


async def run_all(clients: Sequence[NoOp]) -> None:
    """Run clients until their server is gone."""
    await asyncio.gather(*(client.run() for client in clients), return_exceptions=True)


def main() -> None:
    """Run the command line."""
    link, number, file = sys.argv[1:]
    with np.load(Path(file)) as saved:
        answers = Answers.of(saved["pixels"], saved["logits"])
    asyncio.run(run_all([NoOp(link, answers) for _ in range(int(number))]))


if __name__ == "__main__":
    main()
