"""A page's own server passes requests on, adds the credentials there, and lets nobody else use it."""

import http.client
import json

import numpy as np
import pytest
from faulty import INPUT, MODEL, OUTPUT, faulty

from benchmarks.remote import Served, oip, relay
from benchmarks.remote.credentials import Credentials
from browser_harness import packages
from browser_harness.server import serving

FILES = {"/index.html": packages.HARNESS_DIR / "index.html"}
PATH = f"/v2/models/{MODEL}/infer"
BODY, HEADERS = oip.request({INPUT: np.zeros((2, 3, 32, 32), np.float32)}, binary=True)


def served(server, **headers):
    return Served(server.origin, MODEL, {INPUT: "FP32"}, "faulty 1.0", headers=Credentials(headers))


class Page:
    """What a browser sends for a page, over one kept connection."""

    def __init__(self, server, origin=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        self.origin = {"Origin": origin or server.origin}

    def ask(self, method, path, body=None, **headers):
        self.connection.request(method, path, body, (HEADERS if body else {}) | self.origin | headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def refused(self, path, **headers):
        """Return the status of what is refused before its body is sent."""
        self.connection.putrequest("POST", path)
        for name, value in (self.origin | headers).items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        return self.connection.getresponse().status


@pytest.fixture
def page_server():
    with serving(FILES) as server:
        yield server


def test_a_request_and_its_answer_pass_through(page_server):
    assert not page_server.is_relayed
    with faulty("no cors") as server:
        page_server.relay = relay(served(server, **{"X-Secret": "hidden"}))
        page = Page(page_server)
        assert page_server.is_relayed
        for _ in range(2):
            answer, content = page.ask("POST", PATH, BODY, **{"X-Stays": "here"})
            outputs, _ = oip.answer(content, answer.headers[oip.LENGTH])
            assert outputs[OUTPUT].shape == (2, 100)
            assert answer.headers["Server-Timing"] == "infer;dur=1.5, app;dur=2.5"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        answer, content = page.ask("GET", f"/v2/models/{MODEL}")
        assert json.loads(content)["name"] == MODEL
        assert page.ask("GET", "/index.html")[1] == FILES["/index.html"].read_bytes()
    for _, _, headers in server.seen:
        assert headers["X-Secret"] == "hidden"
        assert not {"X-Stays", "Origin"} & headers.keys()


def test_a_browsers_connection_has_one_of_its_own_to_the_server(page_server):
    with faulty() as server:
        made, connect = [], relay(served(server)).connect
        page_server.relay = type(relay(served(server)))(lambda: made.append(connect()) or made[-1], "/v2/")
        pages = [Page(page_server), Page(page_server)]
        for page in [*pages, *pages]:
            assert page.ask("POST", PATH, BODY)[0].status == 200
        assert [upstream.opened for upstream in made] == [1, 1]


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("500", 500, "the model fell over"),
        ("dies", 502, "ended in the middle of its answer"),
        ("401", 401, "not allowed: None …"),
    ],
)
def test_a_fault_reaches_the_page_without_credentials(page_server, fault, status, words):
    with faulty(fault) as server:
        page_server.relay = relay(served(server, **{"X-Secret": "hidden"}))
        answer, content = Page(page_server).ask("POST", PATH, BODY)
    assert (answer.status, words in content.decode(), b"hidden" in content) == (status, True, False)


def test_a_server_that_is_not_there_is_told(page_server):
    with faulty() as server:
        gone = served(server)
    server.server_close()
    page_server.relay = relay(gone)
    answer, content = Page(page_server).ask("POST", PATH, BODY)
    assert (answer.status, content) == (
        502,
        f"{gone.origin}: nothing listens there; start the server, or name another\n".encode(),
    )


def test_no_other_page_may_use_it(page_server):
    with faulty() as server:
        page_server.relay = relay(served(server))
        assert Page(page_server, "http://127.0.0.1:9").refused(PATH, **{"Content-Length": "9"}) == 421
    assert server.seen == []


def test_nothing_but_the_protocols_paths_with_a_length_is_passed_on(page_server):
    with faulty() as server:
        page_server.relay = relay(served(server))
        assert Page(page_server).refused("/elsewhere", **{"Content-Length": "9"}) == 404
        assert Page(page_server).refused(PATH, **{"Transfer-Encoding": "chunked"}) == 411
        assert Page(page_server).refused(PATH, **{"Content-Length": "-1"}) == 411
    assert server.seen == []


def test_without_a_relay_nothing_is_posted(page_server):
    assert Page(page_server).ask("POST", PATH, BODY)[0].status == 501
