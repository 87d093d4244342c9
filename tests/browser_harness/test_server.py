"""Where the server listens, whom its page may ask and who may ask it, and how an import map comes into the page."""

import base64
import hashlib
import json
import re
import socket
import urllib.request

import pytest

from browser_harness import chromium, packages
from browser_harness.channel import PageError
from browser_harness.page import open_browser
from browser_harness.server import policy, serving

INDEX = packages.HARNESS_DIR / "index.html"
FILES = {"/index.html": INDEX, "/harness.mjs": packages.HARNESS_DIR / "harness.mjs"}
HARNESS = FILES | {f"/{name}": packages.HARNESS_DIR / name for name in ("memory.mjs", "normalise.mjs")}
ELSEWHERE = "http://127.0.0.1:9"


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as response:
        return dict(response.headers), response.read().decode()


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")]
)
def test_it_listens_where_it_is_told(host, address):
    with serving(FILES, host=host) as server:
        assert server.server_address[0] == address
        assert server.origin == f"http://{host}:{server.server_port}"
        assert get(f"http://127.0.0.1:{server.server_port}/harness.mjs")[1] == FILES["/harness.mjs"].read_text()


def directive(headers, name):
    return next(words for words in headers["Content-Security-Policy"].split("; ") if words.startswith(f"{name} "))


def test_without_allowed_origins_the_page_asks_its_own_server_and_no_other_page_may():
    with serving(FILES) as server:
        headers, _ = get(f"{server.origin}/index.html", Origin=ELSEWHERE)
    assert directive(headers, "connect-src") == "connect-src 'self'"
    assert not {"Access-Control-Allow-Origin", "Vary"} & headers.keys()


@pytest.mark.parametrize(
    ("asking", "answered"), [({"Origin": ELSEWHERE}, ELSEWHERE), ({"Origin": "http://127.0.0.1"}, None), ({}, None)]
)
def test_an_allowed_origin_may_be_asked_and_may_ask(asking, answered):
    with serving(FILES, allowed_origins=[ELSEWHERE, "https://other.test"]) as server:
        headers, _ = get(f"{server.origin}/harness.mjs", **asking)
    assert directive(headers, "connect-src") == f"connect-src 'self' {ELSEWHERE} https://other.test"
    assert headers.get("Access-Control-Allow-Origin") == answered
    assert headers["Vary"] == "Origin"


def test_a_request_that_cannot_be_read_is_refused_with_allowed_origins_too():
    with (
        serving(FILES, allowed_origins=[ELSEWHERE]) as server,
        socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection,
    ):
        connection.sendall(b"GET /harness.mjs and more HTTP/1.1\r\n\r\n")
        assert connection.makefile().readline().startswith("HTTP/1.1 400 ")


def fetch_in_page(page, url):
    """Return the status that the page sees."""
    script = f"fetch('{url}').then(response => response.status)"
    return page._runner.run(page._page.evaluate(script))


def test_the_page_fetches_from_an_allowed_origin_and_from_no_other():
    with serving(FILES) as other, serving(HARNESS, allowed_origins=[other.origin]) as server:
        other.allowed_origins = (server.origin,)
        with open_browser(chromium.find(), 20, ["--disable-gpu"]) as page:
            page.load(server.origin, server.allowed_origins)
            assert fetch_in_page(page, f"{other.origin}/harness.mjs") == 200
            page.check()
            page.load(server.origin)  # the policy lets it, but this page was to ask its own server only
            fetch_in_page(page, f"{other.origin}/harness.mjs")
            with pytest.raises(PageError, match="outside its own server"):
                page.check()


IMPORTS = {"@some/library": "/some/library.js"}


def test_a_page_without_imports_is_the_file_as_it_is():
    with serving(FILES) as server:
        headers, page = get(f"{server.origin}/index.html")
    assert page == INDEX.read_text()
    assert "importmap" not in page
    assert "sha256" not in headers["Content-Security-Policy"]


def test_an_import_map_stands_before_the_pages_script_and_is_let_in_by_its_hash():
    with serving(FILES, imports=IMPORTS) as server:
        headers, page = get(f"{server.origin}/index.html")
    (text,) = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert json.loads(text) == {"imports": IMPORTS}
    assert page.index(text) < page.index('<script type="module"')
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f" 'sha256-{digest}'" in directive(headers, "script-src")
    assert headers["Content-Security-Policy"] == policy(imports=IMPORTS)
