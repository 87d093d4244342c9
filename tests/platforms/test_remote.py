"""A server that a page asks: each fault is one clear failure, and what is told of it is what happened."""

import io
import re
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from helpers import make_model
from PIL import Image
from remote.faulty import MODEL, faulty

from benchmarks import inputs, remote
from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.measuring.parity import ParityError, check_parity
from benchmarks.measuring.reference import reference
from benchmarks.platforms import PLATFORMS, between, page_session
from benchmarks.platforms.remote_session import pixels_of, uploaded
from benchmarks.protocol import Case, Images, Normalisation, PlatformError, UnavailableError, Upload
from benchmarks.remote import asking
from benchmarks.settings import Settings
from browser_harness.network import parse
from browser_harness.network.links import Links
from models import cifar100, own

NORMALISATION = Normalisation(cifar100.MEAN, cifar100.STD)


@pytest.fixture
def case(tmp_path):
    return case_of(own.load(make_model(tmp_path / f"{MODEL}.onnx")))


@pytest.fixture
def feeds(case):
    return seeded_feeds(case.model_file, 1)


def answers(case):
    """Return what a server that is right would compute."""
    return lambda given: reference(case.model_file, given)


def asked(case, server, name="remote-url", **more):
    settings = Settings(timeout=more.pop("timeout", 20), server_url=server.origin, **more)
    assert PLATFORMS[name].unavailable(settings) is None
    return PLATFORMS[name].open(case, settings)


@pytest.mark.parametrize("fault", [None, "json", "no cors", "closes"])
def test_a_server_that_answers_right_is_measured(case, feeds, fault):
    with faulty(fault, answers(case)) as server, asked(case, server) as session:
        block = session.time(feeds, 3)
        facts = session.facts
    assert check_parity("here", block.outputs, reference(case.model_file, feeds), 1e-5) < 1e-5
    assert (facts.server.software, facts.server.url) == ("faulty 1.0", server.origin)
    assert facts.server.is_relayed == (fault == "no cors")
    assert (facts.upload.form, facts.upload.bytes) == ("float32", 12288)
    assert (facts.threads, facts.network) == (None, None)
    assert [*block.computing] == [1.5e-3] * 3
    assert len(block.seconds) == 3
    assert min(block.seconds) > 0
    assert block.reopened == (3 if fault == "closes" else 0)
    assert facts.server.preflight_lasts == (None if fault == "no cors" else 7200)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "the server answered 500: .*the model fell over"),
        ("dies", "cut off"),
        ("size", r"answers logits as \[1,101\] with 100 numbers"),
        ("length", "ends before its head"),
        ("no json", "is no JSON"),
        ("unknown", "404"),
        ("not ready", "503"),
        ("401", "CLIENT_OR_SERVER_TOKEN"),
    ],
)
def test_a_server_that_fails_is_one_line_that_names_it(case, feeds, fault, words):
    with (
        faulty(fault, answers(case)) as server,
        pytest.raises(PlatformError, match=rf"^remote-url: tiny\.onnx: .*{words}") as raised,
        asked(case, server) as session,
    ):
        session.run(feeds)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("fault", "words"), [("shape", r"\[1, 100, 1\]"), ("values", "differ from the reference's")])
def test_a_wrong_answer_saves_no_time(case, feeds, fault, words):
    with faulty(fault, answers(case)) as server, asked(case, server) as session:
        outputs = session.run(feeds)
    with pytest.raises(ParityError, match=words):
        check_parity("remote-url", outputs, reference(case.model_file, feeds), 1e-5)


def test_a_server_that_does_not_answer_is_given_up(case, feeds):
    words = r"^remote-url: tiny\.onnx: time: no answer within 2 s; where it is only slow, raise --inference-timeout"
    with (
        faulty("silent", answers(case)) as server,
        pytest.raises(PlatformError, match=words),
        asked(case, server, timeout=2) as session,
    ):
        session.run(feeds)


def test_a_server_that_is_not_there_is_named(case):
    with faulty() as server:
        pass
    words = rf"^remote-url: tiny\.onnx: .*{re.escape(server.origin)}"
    with pytest.raises(PlatformError, match=words), asked(case, server):
        pytest.fail("somebody answered")


def test_a_certificate_that_does_not_verify_is_refused(case):
    words = r"^remote-url: tiny\.onnx: .*certificate"
    with faulty(tls=True) as server, pytest.raises(PlatformError, match=words), asked(case, server):
        pytest.fail("it was trusted")


def test_no_server_is_measured_that_nobody_named():
    assert PLATFORMS["remote-url"].unavailable(Settings()) == "remote-url: which server? name it with --server-url URL"


def test_a_server_that_exists_has_a_network_of_its_own(case):
    over = replace(case, network=parse("cable"))
    with faulty() as server, pytest.raises(UnavailableError, match="leave --network out"), asked(over, server):
        pytest.fail("a network was made up in front of it")


@pytest.mark.parametrize("name", ["remote-url-uint8", "remote-url-image"])
def test_a_server_that_takes_no_such_upload_says_what_it_takes(case, name):
    words = rf"^{name}: tiny\.onnx: tiny there takes float32, not "
    with faulty() as server, pytest.raises(UnavailableError, match=words), asked(case, server, name):
        pytest.fail("it was sent")


def test_the_credential_is_sent_and_in_nothing_that_is_told(case, feeds, monkeypatch, capfd):
    monkeypatch.setenv("CLIENT_OR_SERVER_TOKEN", "s3cr3t-t0ken")
    with faulty(None, answers(case)) as server, asked(case, server) as session:
        session.run(feeds)
        told = f"{session.facts}{session!r}{vars(session)}"
    sent = [headers.get("Authorization") for method, _path, headers in server.seen if method == "POST"]
    assert sent == ["Bearer s3cr3t-t0ken"]
    with (
        faulty("500", answers(case)) as server,
        pytest.raises(PlatformError) as raised,
        asked(case, server) as session,
    ):
        session.run(feeds)
    assert "s3cr3t" not in told + str(raised.value) + "".join(capfd.readouterr())


# KServe itself


@pytest.fixture
def pixels(case):
    fed = inputs.fed(case.model_file, 1)
    array = cifar100.normalise(np.random.default_rng(3).integers(0, 256, (1, 3, 32, 32), np.uint8))
    return dict.fromkeys(fed.feeds, array)


def kserve(name):
    platform = PLATFORMS[name]
    if reason := platform.unavailable(Settings()):
        pytest.skip(reason) if remote.unavailable() else pytest.fail(reason)
    return platform


def test_what_is_uploaded_as_bytes_is_answered_alike(case, pixels):
    case = replace(case, normalisation=NORMALISATION)
    with kserve("remote-cpu-uint8").open(case, Settings(timeout=60)) as session:
        outputs, facts = session.run(pixels), session.facts
        with pytest.raises(UnavailableError, match="classified as float32, not as uint8"):
            [*session.classify(Images(np.zeros((1, 3, 32, 32), np.uint8), (0,), (1,)), 1)]
    assert check_parity("here", outputs, reference(case.model_file, pixels), 1e-5) < 1e-5
    assert (facts.upload.form, facts.upload.bytes) == ("uint8", 3072)


def test_pixels_are_found_again_in_what_was_made_of_them():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(3, axis=1)
    np.testing.assert_array_equal(pixels_of(cifar100.normalise(pixels), NORMALISATION), pixels)


def test_a_picture_is_decoded_by_the_server(case):
    from benchmarks.remote import pictures

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)).save(file, "JPEG")
    feeds = pictures.normalise(pictures.decode(file.getvalue(), 3, 32, 32)[None], cifar100.MEAN, cifar100.STD)
    case = replace(case, normalisation=NORMALISATION, picture=file.getvalue())
    with kserve("remote-cpu-image").open(case, Settings(timeout=60)) as session:
        outputs, facts = session.run({"input": feeds}), session.facts
    assert check_parity("here", outputs, reference(case.model_file, {"input": feeds}), 1e-5) < 1e-5
    assert (facts.upload.form, facts.upload.bytes) == ("image", len(file.getvalue()))


@pytest.mark.parametrize(("name", "protocol"), [("remote-cpu-https", "http/1.1"), ("remote-cpu-h2", "h2")])
def test_a_protocol_is_what_its_name_says(case, feeds, name, protocol):
    openings = kserve(name).openings(case, feeds, Settings(timeout=60), "cold")
    opening = next(openings)
    openings.close()
    assert opening.facts.server.protocol == protocol
    parts = opening.facts.details["request_parts"]
    assert parts["tls"] > 0
    assert opening.first > 0
    assert check_parity("here", opening.outputs, reference(case.model_file, feeds), 1e-5) < 1e-5


def test_a_first_request_makes_its_connection_and_takes_longer_by_its_round_trips(case, feeds):
    over = replace(case, network=parse("rtt=40ms"))
    openings = kserve("remote-cpu").openings(over, feeds, Settings(timeout=60), "cold")
    opening = next(openings)
    openings.close()
    parts, network = opening.facts.details["request_parts"], opening.facts.network
    assert network.obtained.round_trip >= 0.04
    # A browser takes brotli over HTTP of this machine's own addresses alone: the link's are.
    assert opening.facts.details["fetched"]["/harness.mjs"]["encoding"] == "br"
    assert parts["connect"] >= 0.039
    assert parts["preflight"] >= 0.039
    assert opening.second >= 0.039
    assert opening.first >= 3 * 0.039  # connection, preflight, and itself


def test_two_threads_are_two_there(case, feeds):
    two = Case(case.artefact, 1, 2, shapes=case.shapes)
    with kserve("remote-cpu").open(two, Settings(timeout=60)) as session:
        assert session.facts.threads == 2
        session.run(feeds)


def test_a_server_that_is_ended_under_way_is_said_to_have_ended(case, feeds):
    with kserve("remote-cpu").open(case, Settings(timeout=60)) as session:
        session.run(feeds)
        listening = urlsplit(session._asking._served.origin).port
        [process] = [one for one in psutil.Process().children() if listening in ports(one)]
        process.kill()
        # Not by the context's end: a test that fails has left its fixtures' contexts alone.
        with pytest.raises(PlatformError, match=r"^remote-cpu: tiny\.onnx: KServe for tiny\.onnx: .*SIGKILL"):
            session.time(feeds, 1)


def ports(process):
    return [one.laddr.port for one in process.net_connections() if one.status == psutil.CONN_LISTEN]


def test_a_link_that_is_ended_under_way_is_said_to_have_ended(case, feeds, monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_LINK", "proxy")
    monkeypatch.setattr(between, "LINKS", links := Links())
    over = replace(case, network=parse("rtt=1ms"))
    words = r"^remote-cpu: tiny\.onnx: the network between \(proxy\) has ended meanwhile"
    with kserve("remote-cpu").open(over, Settings(timeout=60)) as session:
        session.run(feeds)
        links.close()
        with pytest.raises(PlatformError, match=words):
            session.time(feeds, 1)


def test_a_network_that_cannot_be_made_is_one_line(case, monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_LINK", "pigeons")
    monkeypatch.setattr(between, "LINKS", Links())
    over = replace(case, network=parse("rtt=1ms"))
    for name in ("remote-url", "chromium-wasm"):
        opened = PLATFORMS[name].openings(over, {}, Settings(server_url="http://127.0.0.1:1"), "cold")
        with pytest.raises(PlatformError, match=rf"^{name}: tiny\.onnx: .*pigeons is unknown; known are tun"):
            next(opened)


def test_each_start_has_a_server_of_its_own(case, feeds):
    with kserve("remote-cpu").open(case, Settings(timeout=60)) as session:
        before = session.run(feeds)["logits"]
        first = session._asking
        session.renew()
        assert session._asking is not first
        np.testing.assert_array_equal(session.run(feeds)["logits"], before)


def test_what_is_handed_over_after_an_inference_is_not_among_its_bytes(case, feeds, monkeypatch):
    over = replace(case, network=parse("rtt=2ms"))
    with kserve("remote-cpu").open(over, Settings(timeout=60)) as session:
        up, down = session.time(feeds, 1).wire
        monkeypatch.setattr(page_session, "INLINE", 0)  # as of outputs that are too large for an answer
        assert session.time(feeds, 1).wire == pytest.approx((up, down), abs=200)


def test_what_is_uploaded_is_called_what_it_is():
    served = remote.Served("http://127.0.0.1:9", "words", {"ids": "INT64", "mask": "BOOL"}, "made-up 1")
    case = Case(None, 1, 1, shapes={"ids": (1, 16), "mask": (1, 16)})
    assert uploaded(case, "arrays", served) == Upload("int64, bool", 144)


@pytest.mark.parametrize(
    ("inputs_there", "words"),
    [
        ({"image": "FP32"}, "tiny's inputs there are image, and the file's are input"),
        ({"input": "BYTES", "size": "INT64"}, "tiny's inputs there are input, size, and the file's are input"),
    ],
)
def test_a_model_with_other_inputs_than_the_files_is_named(case, monkeypatch, inputs_there, words):
    monkeypatch.setattr(asking, "_inputs", lambda *_: inputs_there)
    with (
        faulty(None, answers(case)) as server,
        pytest.raises(UnavailableError, match=rf"^remote-url: tiny\.onnx: {words}"),
        asked(case, server),
    ):
        pytest.fail("it was sent")


def test_a_model_with_other_types_than_the_files_is_refused(case, feeds):
    words = r"^remote-url: tiny\.onnx: input is float64 there, and float32 in the file$"
    with (
        faulty(None, answers(case), datatype="FP64") as server,
        pytest.raises(UnavailableError, match=words),
        asked(case, server) as session,
    ):
        session.run(feeds)
