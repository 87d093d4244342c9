"""KServe itself, where its environment is made: what it answers, where it listens, and how it ends."""

import io
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers import ROOT, descendants, make_many, make_model
from PIL import Image

from benchmarks import remote
from benchmarks.cpu_session import options
from benchmarks.protocol import filled
from benchmarks.remote import Client, RemoteError, pictures, serving
from benchmarks.remote.embedded import PROGRAM, name_of
from browser_harness.network import LINKS, LOOPBACK
from browser_harness.network.link import Loopback
from models.cifar100 import MEAN, STD

pytestmark = pytest.mark.skipif(remote.unavailable() is not None, reason=str(remote.unavailable()))
ENDING = 10.0  # seconds in which a process that was killed is gone
GENERATOR = np.random.default_rng(3)
PIXELS = GENERATOR.integers(0, 256, (2, 3, 32, 32), np.uint8)


class Elsewhere(Loopback):
    """A link with an address of its own, that notes which end each thing was done at."""

    host = "127.0.0.2"

    def __init__(self):
        self.ends = []

    @contextmanager
    def on_server_side(self):
        self.ends.append("server")
        yield

    @contextmanager
    def on_client_side(self):
        self.ends.append("client")
        yield


def programs():
    return {pid for pid, line in descendants(os.getpid()).items() if str(PROGRAM) in line}


@contextmanager
def started(model, link=None):
    """Yield a server of its own, and its process; nothing of it is left."""
    before = programs()
    with LINKS.at(LOOPBACK) as loopback, serving(model, 1, link or loopback) as found:
        (pid,) = programs() - before
        yield found, pid
    assert programs() == before


def reference(model, feeds):
    import onnxruntime

    return onnxruntime.InferenceSession(model, options(1), providers=["CPUExecutionProvider"]).run(None, feeds)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def served(model):
    with LINKS.at(LOOPBACK) as link, serving(model, 1, link, preparation=(MEAN, STD, (32, 32))) as found:
        yield found


@pytest.fixture
def client(served):
    with Client(served) as found:
        yield found


def test_it_tells_what_is_in_force(served):
    assert (served.model, served.inputs, served.software) == ("tiny", {"input": "FP32"}, "kserve 0.21.0")
    assert (served.provider, served.threads) == ("CPUExecutionProvider", 1)
    assert (served.takes, served.shares, served.has_binary) == ({"float32", "uint8", "image"}, True, True)
    assert dict(served.headers) == {}


@pytest.mark.parametrize("batch", [1, 3])
def test_it_computes_what_onnxruntime_computes_here_bit_for_bit(client, model, batch):
    feeds = {"input": GENERATOR.standard_normal((batch, 3, 32, 32)).astype(np.float32)}
    outputs, seconds = client.infer(feeds)
    assert outputs["logits"].tobytes() == reference(model, feeds)[0].tobytes()
    assert seconds > 0


def test_pixels_are_normalised_there_as_here(client, model):
    outputs, _ = client.infer({"input": PIXELS})
    wanted = reference(model, {"input": pictures.normalise(PIXELS, MEAN, STD)})[0]
    assert outputs["logits"].tobytes() == wanted.tobytes()


@pytest.mark.parametrize(("form", "size"), [("PNG", (32, 32)), ("JPEG", (70, 50))])
def test_a_picture_is_decoded_there_as_here(client, model, form, size):
    file = io.BytesIO()
    Image.fromarray(GENERATOR.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(file, form)
    content = file.getvalue()
    outputs, _ = client.infer({"input": np.array([content, content], object)})
    pixels = np.stack([pictures.decode(content, 3, 32, 32)] * 2)
    wanted = reference(model, {"input": pictures.normalise(pixels, MEAN, STD)})[0]
    np.testing.assert_allclose(outputs["logits"], wanted, atol=0 if form == "PNG" else 0.05)


def test_both_times_are_told_and_pages_may_read_them(client, served):
    answer = client.ask(client.prepare({"input": filled(PIXELS, 2)}))
    times = dict(word.strip().split(";dur=") for word in answer.headers["Server-Timing"].split(","))
    assert times.keys() == {"infer", "app"}
    assert 0 < float(times["infer"]) < float(times["app"])
    assert answer.headers["Timing-Allow-Origin"] == "*"
    with client._connection.stranger() as page:
        asked = {"Origin": "http://127.0.0.1:9", "Access-Control-Request-Method": "POST"}
        preflight = page.ask("OPTIONS", served.path, headers=asked)
    assert preflight.headers["Access-Control-Max-Age"] == "7200"


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"input": np.zeros((1, 3, 8), np.float32)}, r"Invalid rank for input: input"),
        ({"other": np.zeros((1, 3, 32, 32), np.float32)}, r"other"),
        ({"input": np.array([b"no picture"], object)}, r"no picture: none of JPEG"),
        ({"input": np.zeros((1, 3, 32, 32), np.float64)}, r"double"),
    ],
)
def test_what_it_cannot_take_is_refused_in_its_words_and_the_next_is_answered(client, feeds, words):
    with pytest.raises(RemoteError, match=f"answered 400: .*{words}") as told:
        client.infer(feeds)
    assert "\n" not in str(told.value)
    assert client.infer({"input": PIXELS})[0]["logits"].shape == (2, 100)


def test_numbers_in_json_are_answered_in_json(served):
    from dataclasses import replace

    feeds = {"input": np.zeros((1, 3, 32, 32), np.float32)}
    with Client(served) as binary, Client(replace(served, has_binary=False)) as client:
        outputs, seconds = client.infer(feeds)
        np.testing.assert_array_equal(outputs["logits"], binary.infer(feeds)[0]["logits"])
    assert seconds > 0


def test_every_type_of_a_graph_goes_in_and_out(tmp_path):
    model, ids = make_many(tmp_path / "many.onnx"), np.arange(6, dtype=np.int64).reshape(2, 3)
    feeds = {
        "ids": ids,
        "values": ids.astype(np.float32),
        "mask": ids % 2 == 0,
        "pixels": np.arange(6, dtype=np.uint8).reshape(3, 2),
        "half": np.array([0.1, 2], np.float16),
    }
    with LINKS.at(LOOPBACK) as link, serving(model, 2, link) as found, Client(found) as client:
        assert (found.threads, found.takes) == (2, {"float32"})
        outputs, _ = client.infer(feeds)
    for array, wanted in zip(outputs.values(), reference(model, feeds), strict=True):
        assert (array.dtype, array.tolist()) == (wanted.dtype, wanted.tolist())


def test_it_listens_at_the_links_address_alone_and_is_reached_from_the_clients_end(model):
    link = Elsewhere()
    with started(model, link) as (found, pid):
        port = int(found.origin.rpartition(":")[2])
        assert found.origin == f"http://127.0.0.2:{port}"
        listening = [c.laddr for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert listening == [("127.0.0.2", port)]
    assert link.ends[0] == "server"
    assert {*link.ends[1:]} == {"client"}


@pytest.mark.parametrize(("scheme", "spoken"), [("https", None), ("h2", "h2")])
def test_tls_is_its_own_and_says_which_http(model, scheme, spoken):
    with LINKS.at(LOOPBACK) as link, serving(model, 1, link, scheme) as found:
        assert found.origin.startswith("https://")
        with Client(found) as client:
            assert client.infer({"input": np.zeros((1, 3, 32, 32), np.float32)})[1] > 0
        context = ssl.create_default_context(cadata=found.certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])
        port = int(found.origin.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            assert connection.selected_alpn_protocol() == spoken
        pin = "openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
        told = subprocess.run(["sh", "-c", pin], input=found.certificate.encode(), capture_output=True, check=True)
        assert told.stdout.decode().strip() == found.tls_pin


def test_credentials_are_kept_from_it(model, monkeypatch):
    monkeypatch.setenv("CLIENT_OR_SERVER_TOKEN", "hidden")
    monkeypatch.setenv("CLIENT_OR_SERVER_HEADERS", "X-Secret: hidden")
    with started(model) as (found, pid):
        assert dict(found.headers) == {}
        assert b"hidden" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_file_that_it_refuses_is_told_in_its_words(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    before = programs()
    with (
        LINKS.at(LOOPBACK) as link,
        pytest.raises(RemoteError, match=r"^KServe for broken\.onnx: this is no ONNX file"),
        serving(broken, 1, link),
    ):
        raise AssertionError
    assert programs() == before


def test_a_port_that_is_taken_is_told(model, served):
    port = int(served.origin.rpartition(":")[2])
    words = f"KServe for tiny.onnx: cannot listen on 127.0.0.1:{port}: Address already in use; name another port"
    with (
        LINKS.at(LOOPBACK) as link,
        pytest.raises(RemoteError, match=f"^{words}$"),
        serving(model, 1, link, port=port),
    ):
        raise AssertionError


def test_one_that_is_killed_in_the_midst_is_told(model):
    with (
        pytest.raises(RemoteError, match=r"^KServe for tiny\.onnx: was ended by SIGKILL") as told,
        started(model) as (found, pid),
        Client(found) as client,
    ):
        os.kill(pid, signal.SIGKILL)
        client.infer({"input": PIXELS})
    assert isinstance(told.value.__cause__, RemoteError)


def test_it_ends_with_who_started_it(model):
    lines = f"""
import sys
from pathlib import Path
import psutil
from benchmarks.remote import serving
from browser_harness.network import LINKS, LOOPBACK
with LINKS.at(LOOPBACK) as link, serving(Path({str(model)!r}), 1, link):
    print(*[child.pid for child in psutil.Process().children()], flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", lines], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        server = psutil.Process(int(process.stdout.readline()))
        process.kill()
        server.wait(ENDING)
    assert not server.is_running()


def test_a_request_to_end_is_followed(model):
    with started(model) as (_, pid):
        server = psutil.Process(pid)
        server.terminate()
        server.wait(ENDING)


@pytest.mark.parametrize(
    ("file", "name"), [("resnet20.int8.onnx", "resnet20.int8"), ("ein netz.onnx", "model"), ("..onnx", "model")]
)
def test_a_name_that_no_path_can_hold_is_another_there(file, name):
    assert name_of(Path(file)) == name
