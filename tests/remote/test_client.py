"""The client in this process, against a server that goes wrong in every way there is."""

import dataclasses
import json
import re
import socket

import numpy as np
import pytest
from faulty import INPUT, MODEL, OUTPUT, PEM, faulty

from benchmarks import remote
from benchmarks.remote import Client, RemoteError, Served, oip

IMAGES = {INPUT: np.zeros((2, 3, 32, 32), np.float32)}


def served(server, **more):
    return Served(server.origin, MODEL, {INPUT: "FP32"}, "faulty 1.0", **more)


@pytest.mark.parametrize("has_binary", [True, False])
def test_outputs_and_the_servers_own_seconds_come_back(has_binary):
    with faulty() as server, Client(served(server, has_binary=has_binary)) as client:
        outputs, seconds = client.infer(IMAGES)
        assert client.connections == 1
    assert outputs[OUTPUT].tolist() == np.ones((2, 100)).tolist()
    assert outputs[OUTPUT].dtype == np.float32
    assert seconds == 1.5e-3
    assert [oip.LENGTH in headers for _, _, headers in server.seen] == [has_binary]


def test_every_type_arrives_as_it_was_sent():
    arrays = {
        str(dtype): np.arange(6).astype(dtype).reshape(2, 3) for dtype in oip.DATATYPES if dtype != np.dtype(object)
    }
    with faulty(model=lambda feeds: feeds) as server, Client(served(server)) as client:
        outputs, _ = client.infer(arrays)
    assert outputs.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (outputs[name].dtype, outputs[name].tolist()) == (array.dtype, array.tolist())


def test_a_file_is_sent_as_its_bytes():
    received = []
    picture = np.array([b"\xff\xd8 and more"], object)
    with (
        faulty(model=lambda feeds: received.append(feeds["picture"]) or {OUTPUT: np.ones(1, np.float32)}) as server,
        Client(served(server)) as client,
    ):
        client.infer({"picture": picture})
    assert received[0].tolist() == [b"\xff\xd8 and more"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "answered 500: the model fell over; see the server's log"),
        ("unknown", "answered 404: Model with name tiny does not exist.; serve the model there under that name"),
        ("dies", r"ended in the middle of its answer, after \d+ bytes; see the server's log"),
        ("size", r"tiny: its answer is broken: output 'logits' of shape \[2, 101\] has 800 bytes, not 808; see .*"),
        ("length", r"tiny: its answer is broken: Inference-Header-Content-Length is '\d+', and the answer \d+ .*"),
        ("no json", r"tiny: its answer is broken: its first \d+ bytes are no JSON; see the server's log"),
        ("json", "answered 500: there was an error parsing the body; see the server's log"),
    ],
)
def test_a_fault_is_told_in_one_line(fault, words):
    with faulty(fault) as server, Client(served(server)) as client, pytest.raises(RemoteError) as told:
        client.infer(IMAGES)
    assert re.fullmatch(f"{re.escape(server.origin)}: {words}", str(told.value))


def test_a_server_that_does_not_answer_is_given_up():
    words = r"did not answer within 0\.05 s; raise --inference-timeout"
    with (
        faulty("silent") as server,
        Client(served(server), timeout=0.05) as client,
        pytest.raises(RemoteError, match=words),
    ):
        client.infer(IMAGES)


@pytest.mark.parametrize(("fault", "shape"), [("shape", (2, 100, 1)), (None, (2, 100))])
def test_a_shape_that_fits_its_bytes_is_left_to_whoever_compares(fault, shape):
    with faulty(fault) as server, Client(served(server)) as client:
        assert client.infer(IMAGES)[0][OUTPUT].shape == shape


def test_after_a_fault_the_next_inference_is_asked_for_afresh():
    with faulty("dies") as server, Client(served(server)) as client:
        with pytest.raises(RemoteError):
            client.infer(IMAGES)
        server.fault = None
        assert client.infer(IMAGES)[0][OUTPUT].shape == (2, 100)
        assert client.connections == 2


def test_a_connection_that_was_closed_while_it_was_idle_is_opened_anew_and_counted():
    with faulty("closes") as server, Client(served(server)) as client:
        for _ in range(3):
            client.infer(IMAGES)
        assert client.connections == 3


def test_nobody_listening_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RemoteError, match=f"^{origin}: nothing listens there; start the server, or name another$"):
            Client(Served(origin, MODEL, {}, "none")).infer(IMAGES)


def test_a_certificate_that_does_not_verify_is_refused_and_one_that_is_known_is_not():
    with faulty(tls=True) as server:
        with pytest.raises(RemoteError, match=r"its certificate does not verify \(self-signed certificate\); .*SSL_"):
            Client(served(server)).infer(IMAGES)
        with Client(served(server, certificate=PEM.read_text())) as client:
            assert client.infer(IMAGES)[1] == 1.5e-3


@pytest.mark.parametrize(("tls", "said"), [(True, "http"), (False, "https")])
def test_the_other_scheme_is_told(tls, said):
    with faulty(tls=tls) as server:
        other = dataclasses.replace(served(server), origin=f"{said}://127.0.0.1:{server.server_port}")
        with pytest.raises(RemoteError) as told:
            Client(other, timeout=5).infer(IMAGES)
    assert "\n" not in str(told.value)


def test_what_the_protocol_has_no_word_for_is_told():
    with faulty() as server:
        with pytest.raises(RemoteError, match=r"tiny: the protocol has no datatype for complex128"):
            Client(served(server)).infer({INPUT: np.zeros(1, complex)})
        with pytest.raises(RemoteError, match=r"tiny: JSON has no bytes"):
            Client(served(server, has_binary=False)).infer({INPUT: np.array([b"x"], object)})


def test_seconds_are_read_of_head_or_body():
    assert oip.computing("app;dur=9, infer;desc=x;dur=2", {}) == 2e-3
    assert oip.computing("preinfer;dur=9", {"infer_ms": 3}) == 3e-3
    assert oip.computing(None, {}) is None


def test_an_answer_with_bytes_left_over_is_broken():
    head = json.dumps({"outputs": []}).encode()
    with pytest.raises(oip.AnswerError, match="3 bytes stand behind its tensors"):
        oip.answer(head + b"abc", str(len(head)))


def test_the_errors_are_those_of_a_platform():
    from benchmarks.protocol import PlatformError

    assert issubclass(remote.RemoteError, PlatformError)
