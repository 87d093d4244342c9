"""What a server that exists says of itself, and how it is refused."""

import re

import pytest
from faulty import INPUT, MODEL, faulty

from benchmarks.remote import RemoteError, existing
from benchmarks.remote.asking import origin_of

TIMEOUT = 5.0


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    for name in ("CLIENT_OR_SERVER_TOKEN", "CLIENT_OR_SERVER_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def test_it_tells_what_it_is_and_takes():
    with faulty() as server:
        found = existing(server.origin, MODEL, TIMEOUT)
    assert (found.origin, found.model, found.software) == (server.origin, MODEL, "faulty 1.0")
    assert (found.inputs, found.takes) == ({INPUT: "FP32"}, {"float32"})
    assert (found.shares, found.has_binary) == (True, True)
    assert (found.provider, found.threads, found.tls_pin) == (None, None, None)


@pytest.mark.parametrize(("datatype", "takes"), [("UINT8", {"uint8"}), ("BYTES", {"image"}), ("FP16", {"float32"})])
def test_what_is_declared_decides_what_is_uploaded(datatype, takes):
    with faulty(datatype=datatype) as server:
        assert existing(server.origin, MODEL, TIMEOUT).takes == takes


def test_a_server_that_does_not_announce_binary_tensors_is_asked_in_json():
    with faulty("json") as server:
        found = existing(server.origin, MODEL, TIMEOUT)
    assert (found.has_binary, found.shares) == (False, True)


def test_sharing_is_asked_for_with_the_headers_of_a_page(monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_HEADERS", "X-Mine: 1")
    with faulty(allows="x-other") as server:
        assert not existing(server.origin, MODEL, TIMEOUT).shares
    with faulty(allows="x-mine") as server:
        assert existing(server.origin, MODEL, TIMEOUT).shares
    (asked,) = [headers for method, _, headers in server.seen if method == "OPTIONS"]
    wanted = "content-type,inference-header-content-length,x-mine"
    assert asked["Access-Control-Request-Headers"] == wanted
    assert "X-Mine" not in asked  # a browser asks without what it asks for


def test_a_star_does_not_let_authorization_in(monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_TOKEN", "abc")
    with faulty(allows="*") as server:
        assert not existing(server.origin, MODEL, TIMEOUT).shares


@pytest.mark.parametrize("name", ["Cookie", "Host", "Sec-Mine"])
def test_what_no_page_may_send_is_left_to_a_relay(monkeypatch, name):
    monkeypatch.setenv("CLIENT_OR_SERVER_HEADERS", f"{name}: a=b")
    with faulty(allows=name) as server:
        assert not existing(server.origin, MODEL, TIMEOUT).shares


def test_a_server_without_cors_does_not_share():
    with faulty("no cors") as server:
        assert not existing(server.origin, MODEL, TIMEOUT).shares


@pytest.mark.parametrize(
    ("fault", "model", "words"),
    [
        (None, "resnet9", r"answered 404: .*resnet9 does not exist.*\(asked for resnet9; it has tiny, other\)"),
        ("not ready", MODEL, r"answered 503: .*wait until the server has loaded the model.*"),
    ],
)
def test_a_model_that_is_not_there_or_not_ready_is_told(fault, model, words):
    with faulty(fault) as server, pytest.raises(RemoteError) as told:
        existing(server.origin, model, TIMEOUT)
    assert re.fullmatch(f"{server.origin}: {words}", str(told.value))


def test_a_redirect_is_told_with_where_it_leads_and_not_followed():
    with faulty("moved") as server, pytest.raises(RemoteError) as told:
        existing(server.origin, MODEL, TIMEOUT)
    words = "answered 302: no words; it leads to https://other:8443/…; name that server"
    assert str(told.value) == f"{server.origin}: {words}"


def test_a_model_cannot_lead_elsewhere():
    with faulty() as server, pytest.raises(RemoteError, match="answered 404"):
        existing(server.origin, "../../v2?x", TIMEOUT)
    assert [path for _, path, _ in server.seen][1] == "/v2/models/..%2F..%2Fv2%3Fx/ready"


def test_a_certificate_that_does_not_verify_is_one_failure():
    with faulty(tls=True) as server, pytest.raises(RemoteError, match=r"certificate does not verify .*SSL_CERT_FILE$"):
        existing(server.origin, MODEL, TIMEOUT)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://me:hidden@host:1", "a name or password stands before the @"),
        ("http://hidden@host:1/x?hidden", "a name or password stands before the @"),
        ("http://host:1/?token=hidden", "more than scheme, host and port"),
        ("http://host:1/#hidden", "more than scheme, host and port"),
        ("http://host:1/hidden", "more than scheme, host and port"),
        ("me:hidden@host:1", "cannot be read"),
        ("http://ho st:1", "cannot be read"),
        (f"http://{64 * 'a'}.x", "cannot be read"),
        ("", "cannot be read"),
        ("ftp://host/", "write http://HOST:PORT"),
        ("host:8000", "write http://HOST:PORT"),
        ("http://host:hidden", "cannot be read"),
        ("http://[hidden", "cannot be read"),
    ],
)
def test_a_url_is_refused_without_what_may_be_secret_in_it(url, words):
    with pytest.raises(RemoteError) as told:
        origin_of(url)
    assert words in str(told.value)
    assert "hidden" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://host:8000", "http://host:8000"),
        ("https://host/", "https://host"),
        ("http://[::1]:80/v2", "http://[::1]:80"),
    ],
)
def test_an_origin_is_taken(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("told", "seconds"), [("7200", 7200), ("600", 600), ("86400", 7200), (None, 5), ("soon", 5), ("0", 0), ("-1", 0)]
)
def test_a_preflight_lasts_as_long_as_chromium_remembers_it(told, seconds):
    with faulty(lasts=told) as server:
        assert existing(server.origin, MODEL, TIMEOUT).preflight_lasts == seconds
    with faulty("no cors") as server:
        assert existing(server.origin, MODEL, TIMEOUT).preflight_lasts is None
