"""Where the server listens, whom its page may ask and who may ask it, and what is sent in which coding."""

import gzip
import http.client
import random
import socket
import urllib.request

import brotli
import pytest

from browser_harness import chromium, packages, page_files
from browser_harness import server as server_module
from browser_harness.channel import PageError
from browser_harness.driven import DrivenPage
from browser_harness.lending import LENDER
from browser_harness.server import serving

INDEX = packages.HARNESS_DIR / "index.html"
FILES = {"/index.html": INDEX, "/harness.mjs": packages.HARNESS_DIR / "harness.mjs"}
ELSEWHERE = "http://127.0.0.1:9"


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as response:
        return response.headers, response.read().decode()


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
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("asking", "answered"), [({"Origin": ELSEWHERE}, ELSEWHERE), ({"Origin": "http://127.0.0.1"}, None), ({}, None)]
)
def test_an_allowed_origin_may_be_asked_and_may_ask(asking, answered):
    with serving(FILES, allowed_origins=[ELSEWHERE, "https://other.test"]) as server:
        headers, _ = get(f"{server.origin}/harness.mjs", **asking)
    assert directive(headers, "connect-src") == f"connect-src 'self' {ELSEWHERE} https://other.test"
    assert headers.get("Access-Control-Allow-Origin") == answered
    assert headers.get_all("Vary") == ["Accept-Encoding", "Origin"]


def test_a_request_that_cannot_be_read_is_refused_with_allowed_origins_too():
    with (
        serving(FILES, allowed_origins=[ELSEWHERE]) as server,
        socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection,
    ):
        connection.sendall(b"GET /harness.mjs and more HTTP/1.1\r\n\r\n")
        assert connection.makefile().readline().startswith("HTTP/1.1 400 ")


def as_it_is(size):
    return {"wire": size, "decoded": size, "encoding": None, "level": None}


def answer(server, request):
    """Return the status line, and the rest, of what the server answers to some bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        status, _, rest = connection.makefile(newline="").read().partition("\r\n")
        return status, rest


def asking(host, path="/harness.mjs"):
    return f"GET {path} HTTP/1.1\r\n{f'Host: {host}' if host else 'X: y'}\r\n\r\n".encode()


def test_it_answers_to_its_own_addresses_and_no_other():
    """A name that somebody else has made lead here (DNS rebinding) would let that one's page read a private model."""
    with serving(FILES) as server:
        port = server.server_port
        for own in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
            assert answer(server, asking(own))[0] == "HTTP/1.1 200 OK"
        for foreign in (
            f"evil.test:{port}",
            "evil.test",
            "127.0.0.1",
            f"127.0.0.1:{port + 1}",
            "",
            f"127.0.0.2:{port}",
        ):
            status, rest = answer(server, asking(foreign))
            assert status == "HTTP/1.1 421 Misdirected Request"
            assert rest.endswith(f"this server is {server.origin}, not {foreign or None}\n")
        evil = f"http://evil.test:{port}/harness.mjs"
        assert answer(server, asking(f"127.0.0.1:{port}", evil))[0].startswith("HTTP/1.1 421 ")
        assert answer(server, b"GET /harness.mjs\r\n\r\n")[0].startswith("HTTP/1.1 421 ")
        assert len(server.fetched()) == 1


def test_it_answers_to_the_hosts_that_it_is_given():
    with serving(FILES, host="0.0.0.0") as server:
        server.allowed_hosts = ("lab.test:8080",)
        assert answer(server, asking("lab.test:8080"))[0] == "HTTP/1.1 200 OK"
        assert answer(server, asking(f"127.0.0.1:{server.server_port}"))[0] == "HTTP/1.1 200 OK"
        assert answer(server, asking("lab.test"))[0].startswith("HTTP/1.1 421 ")
        server.host = "Lab.test"  # as somebody may write it; a browser asks in small letters
        assert answer(server, asking(f"lab.test:{server.server_port}"))[0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "request_",
    [b"\r\n\r\n", b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\r\n\r\n", asking("x", "http://[/")],
    ids=["empty", "nonsense", "TLS", "no address"],
)
def test_a_request_that_is_broken_is_answered(request_, capfd):
    with serving(FILES) as server:
        assert answer(server, request_)[0].startswith("HTTP/1.1 400 ")
    assert capfd.readouterr().err == ""


def test_a_file_that_has_vanished_is_answered_and_told(tmp_path, capfd):
    faults = []
    with serving(FILES | {"/model/0": tmp_path / "gone.onnx"}) as server:
        server.on_fault = faults.append
        status, rest = answer(server, asking(f"127.0.0.1:{server.server_port}", "/model/0"))
    words = f"/model/0 cannot be served: {tmp_path / 'gone.onnx'}: No such file or directory"
    assert (status, rest.splitlines()[-1]) == ("HTTP/1.1 500 Internal Server Error", words)
    assert faults == [words]
    assert capfd.readouterr().err == ""


def test_a_failure_of_the_server_itself_is_answered_and_told(monkeypatch, capfd):
    faults = []
    with serving(FILES) as server:
        server.on_fault = faults.append
        monkeypatch.setattr(server.contents, "body", lambda path, accepts: 1 / 0)
        assert answer(server, asking(f"127.0.0.1:{server.server_port}"))[0].startswith("HTTP/1.1 500 ")
        monkeypatch.setattr(server, "answers_to", lambda host, address: int("no number"))
        answer(server, asking(f"127.0.0.1:{server.server_port}"))
    words = """the page's server failed: ValueError("invalid literal for int() with base 10: 'no number'")"""
    assert faults == ["/harness.mjs cannot be served: division by zero", words]
    assert capfd.readouterr().err == ""


def test_a_connection_that_sends_nothing_or_half_a_request_is_closed(monkeypatch):
    monkeypatch.setattr(server_module, "IDLE", 0.1)
    with serving(FILES) as server:
        for half in (b"", b"GET /harn", b"GET /harness.mjs HTTP/1.1\r\nHost"):
            with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
                connection.sendall(half)
                assert connection.recv(1) == b""


def test_none_is_served_after_shutdown_on_a_connection_that_was_kept_either():
    with serving(FILES) as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        kept.request("GET", "/harness.mjs")
        assert kept.getresponse().read()
        connected = kept.sock
    assert connected.recv(1) == b""
    kept.close()


WANTED = "/outputs/some.bin"


def sending(server, body, path=WANTED, **headers):
    """Write a PUT as a page of the server's own sends it, but for *headers*."""
    host = f"127.0.0.1:{server.server_port}"
    told = {"Host": host, "Origin": f"http://{host}", "Content-Length": len(body)} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"PUT {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def test_what_the_server_waits_for_is_taken_once():
    content = memoryview(bytearray(6))
    with serving(FILES) as server:
        with server.receiving(WANTED, content[:3]):
            assert answer(server, sending(server, b"abc"))[0] == "HTTP/1.1 201 Created"
            assert answer(server, sending(server, b"xyz"))[0].startswith("HTTP/1.1 404 ")
        with server.receiving(WANTED, content[3:]):
            both = sending(server, b"def") + asking(f"127.0.0.1:{server.server_port}")
            status, rest = answer(server, both)
            assert (status, "HTTP/1.1 200 OK" in rest) == ("HTTP/1.1 201 Created", True)
        assert answer(server, sending(server, b"abc"))[0].startswith("HTTP/1.1 404 ")
        assert server.fetched() == {"/harness.mjs": as_it_is(len(FILES["/harness.mjs"].read_bytes()))}
    assert content.tobytes() == b"abcdef"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/outputs/other.bin"}, "404"),
        ({"path": "/harness.mjs"}, "404"),
        ({"Host": "evil.test"}, "421"),
        ({"Host": ""}, "421"),
        ({"Origin": "http://evil.test"}, "421"),  # somebody else's page, whose browser sends to here
        ({"Origin": "null"}, "421"),
        ({"Expect": "nothing\r\nOrigin: http://evil.test"}, "421"),  # a second one
        ({"Expect": "nothing\r\nHost: evil.test"}, "421"),
        ({"Origin": None}, "421"),
        ({"Content-Length": None}, "400"),
        ({"Content-Length": "03"}, "400"),
        ({"Content-Length": 4}, "400"),
        ({"Content-Length": "-1"}, "400"),
        ({"Transfer-Encoding": "chunked"}, "400"),
        ({"body": b""}, "400"),
        ({"body": b"more than was asked for"}, "400"),
    ],
)
def test_nothing_else_can_be_sent(request_, status):
    content = memoryview(bytearray(b"---"))
    words = r"was to send 3 bytes to /outputs/some\.bin, and they have not come"
    with serving(FILES) as server, pytest.raises(PageError, match=words), server.receiving(WANTED, content):
        more = sending(server, **{"body": b"abc"} | request_) + asking(f"127.0.0.1:{server.server_port}")
        told, rest = answer(server, more)
        assert told.split()[1] == status
        assert "HTTP/1.1" not in rest  # what follows is not read: it might be the body's
    assert content.tobytes() == b"---"


def test_a_body_that_is_cut_is_told(capfd):
    content = memoryview(bytearray(9))
    missing = pytest.raises(PageError, match="they have not come")
    with serving(FILES) as server, missing, server.receiving(WANTED, content):
        assert answer(server, sending(server, b"abc", **{"Content-Length": 9}))[0].startswith("HTTP/1.1 400 ")
    assert capfd.readouterr().err == ""


def test_another_origin_may_not_send_although_it_may_ask():
    with serving(FILES, allowed_origins=[ELSEWHERE]) as server, server.receiving(WANTED, memoryview(bytearray(0))):
        assert answer(server, sending(server, b"", Origin=ELSEWHERE))[0].startswith("HTTP/1.1 421 ")
        assert answer(server, sending(server, b""))[0] == "HTTP/1.1 201 Created"


def test_a_large_file_is_sent_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(server_module, "PIECE", 1000)
    content = random.Random(7).randbytes(2560)
    (tmp_path / "weights.bin").write_bytes(content)
    with serving(FILES | {"/model/1": tmp_path / "weights.bin"}) as server:
        with urllib.request.urlopen(f"{server.origin}/model/1", timeout=5) as response:
            assert (response.headers["Content-Length"], response.read()) == (str(len(content)), content)
        assert server.fetched() == {"/model/1": as_it_is(len(content))}
        with server.contents.body("/model/1").source as source:
            assert source.read(3) == content[:3]  # and not all of it at once


@pytest.mark.parametrize(
    ("accepts", "coding", "decode"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
def test_a_file_is_sent_as_the_browser_takes_it(accepts, coding, decode):
    content = FILES["/harness.mjs"].read_bytes()
    with serving(FILES) as server:
        asked = urllib.request.Request(f"{server.origin}/harness.mjs", headers={"Accept-Encoding": accepts})
        asked.add_header("Range", "bytes=0-9")  # which is not heeded, nor is
        asked.add_header("If-None-Match", '"some"')
        with urllib.request.urlopen(asked, timeout=5) as response:
            status, headers, body = response.status, response.headers, response.read()
        (told,) = server.fetched().values()
    assert (status, decode(body)) == (200, content)
    assert (headers["Content-Encoding"], headers["Vary"]) == (coding, "Accept-Encoding")
    assert int(headers["Content-Length"]) == len(body) == told["wire"]
    assert (told["decoded"], told["encoding"], told["level"] is None) == (len(content), coding, coding is None)
    assert (len(body) < len(content) / 2) == (coding is not None)


def test_what_is_sent_again_counts_again():
    with serving(FILES) as server:
        for _ in range(2):
            get(f"{server.origin}/harness.mjs", **{"Accept-Encoding": "identity"})
        size = 2 * FILES["/harness.mjs"].stat().st_size
        assert server.fetched() == {"/harness.mjs": as_it_is(size)}


def test_contents_in_memory_are_encoded_too_and_what_is_published_later_is_not():
    content = b"a model that was made, " * 90
    with serving(FILES | {"/model/0": content}) as server:
        body = server.contents.body("/model/0", "br")
        with body.source as source:
            assert brotli.decompress(source.read()) == content
        server.publish("/model/0", content + b"or another")
        body = server.contents.body("/model/0", "br")
        assert (body.source.read(), body.form) == (content + b"or another", None)
        assert "Vary" not in get(f"{server.origin}/model/0")[0]


def test_nothing_is_sent_of_what_was_changed_meanwhile(tmp_path):
    model = tmp_path / "some.onnx"
    model.write_bytes(b"weights" * 90)
    with serving(FILES | {"/model/0": model}) as server:
        model.write_bytes(b"weights" * 91)
        with pytest.raises(PageError, match=r"some\.onnx has changed since it was encoded; leave it alone"):
            server.contents.body("/model/0", "br")
        model.write_bytes(b"weights" * 90)
        form = server.contents.body("/model/0", "br").form
        content = form.file.read_bytes()
        form.file.write_bytes(content[:-1])
        with pytest.raises(PageError, match=r"is not as it was made; run again"):
            server.contents.body("/model/0", "br")
        form.file.write_bytes(content)


def fetch_in_page(page, url):
    """Return the status that the page sees."""
    script = f"fetch('{url}').then(response => response.status)"
    return page._runner.run(page._page.evaluate(script))


def test_the_page_fetches_from_an_allowed_origin_and_from_no_other():
    with serving(FILES) as other, serving(page_files.FILES, allowed_origins=[other.origin]) as server:
        other.allowed_origins = (server.origin,)
        with LENDER.lend(chromium.find(), 30, ["--disable-gpu"]) as page:
            page.load(server.origin, server.allowed_origins)
            assert fetch_in_page(page, f"{other.origin}/harness.mjs") == 200
            page.check()
            page.load(server.origin)  # the policy lets it, but this page was to ask its own server only
            fetch_in_page(page, f"{other.origin}/harness.mjs")
            with pytest.raises(PageError, match="outside its own server"):
                page.check()


def test_a_page_whose_file_has_vanished_is_told_so(tmp_path):
    vanished = tmp_path / "gone.onnx"
    opening = {"engine": "/engine.mjs", "files": [["model", "/model/0"]], "configuration": {}}
    (tmp_path / "engine.mjs").write_text("export const load = () => {};")
    files = page_files.FILES | {"/engine.mjs": tmp_path / "engine.mjs", "/model/0": vanished}
    with serving(files) as server, LENDER.lend(chromium.find(), 30, ["--disable-gpu"]) as browser:
        page = DrivenPage(browser, server)
        page.load()
        with pytest.raises(
            PageError, match=rf"(?s)^open: .*HTTP 500.*; /model/0 cannot be served: {vanished}: No such"
        ):
            page.call("open", opening)


IMPORTS = {"@some/library": "/some/library.js"}


def test_modules_import_by_url_what_they_import_by_name(tmp_path):
    module = tmp_path / "module.mjs"
    module.write_text('import {a} from"@some/library";\nimport \'@some/library\';\nconst b = "@some/library";\n')
    with serving({**FILES, "/module.mjs": module}, imports=IMPORTS) as server:
        _, served = get(f"{server.origin}/module.mjs")
        assert get(f"{server.origin}/harness.mjs")[1] == FILES["/harness.mjs"].read_text()
    url = IMPORTS["@some/library"]
    assert served == f'import {{a}} from"{url}";\nimport \'{url}\';\nconst b = "@some/library";\n'
