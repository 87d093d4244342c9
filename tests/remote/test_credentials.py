"""Credentials come from the environment, go to the server, and show nowhere."""

import dataclasses
import json
import pickle
import traceback

import numpy as np
import pytest
from faulty import INPUT, MODEL, OUTPUT, faulty

from benchmarks.remote import Client, RemoteError, existing, relay
from benchmarks.remote.credentials import Credentials, given

TOKEN, SECRET = "tok-3f9a.hidden", "shh-77.hidden"
IMAGES = {INPUT: np.zeros((1, 3, 32, 32), np.float32)}


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_TOKEN", TOKEN)
    monkeypatch.setenv("CLIENT_OR_SERVER_HEADERS", f"X-Secret: {SECRET}\n\nX-More: {SECRET}2")


def shows(words):
    return "hidden" in words


def test_each_request_carries_them(credentials):
    with faulty(allows="authorization, x-secret, x-more") as server:
        served = existing(server.origin, MODEL, 5)
        with Client(served) as client:
            client.infer(IMAGES)
    assert served.shares
    for method, _, headers in server.seen:
        carried = [headers.get(name) for name in ("Authorization", "X-Secret", "X-More")]
        assert carried == ([None] * 3 if method == "OPTIONS" else [f"Bearer {TOKEN}", SECRET, f"{SECRET}2"])


def test_nothing_that_is_made_of_them_shows_them(credentials):
    with faulty() as server:
        served = existing(server.origin, MODEL, 5)
    told = given()
    assert told["Authorization"] == f"Bearer {TOKEN}"
    for thing in (served, told, dataclasses.asdict(served), relay(served), Client(served), vars(served)):
        assert not shows(f"{thing!r} {thing!s}")
    with pytest.raises(TypeError):
        json.dumps(dataclasses.asdict(served))
    assert pickle.loads(pickle.dumps(served)).headers["X-Secret"] == SECRET


@pytest.mark.parametrize("fault", ["401", "500", "dies", "silent", "length", "unknown"])
def test_no_error_shows_them_though_the_server_repeats_them(credentials, fault, capfd):
    with faulty(fault) as server:
        server.fault = None
        served = existing(server.origin, MODEL, 5)
        server.fault = fault
        with Client(served, timeout=0.05 if fault == "silent" else 5) as client, pytest.raises(RemoteError) as told:
            client.infer(IMAGES)
    # With the values of all names, as pytest --showlocals and others print them.
    trace = "".join(traceback.TracebackException.from_exception(told.value, capture_locals=True).format())
    assert not shows(trace)
    assert not shows("".join(capfd.readouterr()))


def test_a_server_that_refuses_is_told_with_the_variable_that_helps(credentials):
    with faulty("401") as server, pytest.raises(RemoteError) as told:
        existing(server.origin, MODEL, 5)
    words = f"{server.origin}: answered 401: not allowed: Bearer … …; it wants a credential: set CLIENT_OR_SERVER_TOKEN"
    assert str(told.value).startswith(words.replace("Bearer … …", "… …"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HEADERS", "hidden", "line 1 is not `Name: value`"),
        ("HEADERS", "A: 1\nhid den: x", "line 2 is not `Name: value`"),
        ("HEADERS", "A: hidden\x01", "a character that no header can"),
        ("TOKEN", "hidden\r\nX: y", "a character that no header can"),
        ("TOKEN", "hiddené", "a character that no header can"),
    ],
    ids=range(5),
)
def test_what_is_no_credential_is_refused_and_not_repeated(monkeypatch, name, value, words):
    monkeypatch.setenv(f"CLIENT_OR_SERVER_{name}", value)
    with pytest.raises(RemoteError) as told:
        given()
    assert words in str(told.value)
    assert not shows(str(told.value))


def test_two_authorizations_are_one_too_many(monkeypatch, credentials):
    monkeypatch.setenv("CLIENT_OR_SERVER_HEADERS", f"authorization: {SECRET}")
    with pytest.raises(RemoteError, match="give one of them"):
        given()


def test_without_any_there_are_none(monkeypatch):
    for name in ("TOKEN", "HEADERS"):
        monkeypatch.delenv(f"CLIENT_OR_SERVER_{name}", raising=False)
    assert dict(given()) == {}
    assert Credentials().masked(f"{OUTPUT} says") == f"{OUTPUT} says"
