"""What is put under load: sessions of this process, and connections to a server."""

from contextlib import contextmanager

import numpy as np
import pytest

from benchmarks import hardware
from benchmarks.loadgen import System, plan, system_of, unavailable, workers_of
from benchmarks.loadgen.systems import CONNECTIONS, ON_DEVICE, Connected
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Case, Normalisation, PlatformError, UnavailableError
from benchmarks.remote import RemoteError, Served
from benchmarks.settings import Settings
from browser_harness.network import parse
from models import manifest

SERVED = Served("http://127.0.0.1:9", "resnet8", {"input": "FP32"}, "made-up 1", threads=1)


def case(**other):
    return Case(manifest.load("resnet8"), shapes={"input": (1, 3, 2, 2)}, **other)


class Remote:
    """A platform whose server is made up."""

    side, is_elsewhere, takes = "remote", False, "arrays"

    def __init__(self, name="remote-cpu"):
        self.name = name

    @contextmanager
    def serving(self, case, settings, link):
        assert link.kind == "loopback"
        yield SERVED


class Client:
    def infer(self, feeds):
        self.sent = feeds
        return feeds, 0.001


def test_as_many_ask_as_keep_the_cores_busy(monkeypatch):
    monkeypatch.setattr(hardware, "CORES", 6)
    asking = [workers_of(PLATFORMS["server-cpu"], threads) for threads in (1, 2, 4, 6)]
    assert (asking, workers_of(Remote(), 1)) == ([6, 3, 1, 1], CONNECTIONS)
    assert workers_of(PLATFORMS["server-cuda"], 1) == ON_DEVICE


def test_a_server_in_this_process_is_a_session_for_each_worker(settings):
    with system_of(PLATFORMS["server-cpu"], case(), settings, 2) as system:
        assert (system.name, system.workers) == ("server-cpu", 2)
        with system.opens() as first, system.opens() as second:
            assert first is not second
            assert first.facts.threads == 1


def test_a_connection_tells_of_the_server_that_it_asks():
    with system_of(Remote(), case(), Settings(), 3) as system:
        assert isinstance(system, System)
        with system.opens() as connected:
            facts = connected.facts
    assert (facts.platform, facts.threads, facts.server.software, facts.server.url) == (
        "remote-cpu",
        1,
        "made-up 1",
        None,
    )
    assert (facts.upload.form, facts.upload.bytes) == ("float32", 48)


@pytest.mark.parametrize("takes", ["arrays", "pixels", "image"])
def test_what_a_page_would_send_is_sent(takes):
    remote, client, pixels = Remote(), Client(), np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    remote.takes = takes
    asked = Connected(remote, case(normalisation=Normalisation((0.5,), (0.25,)), picture=b"jpeg"), SERVED, client)
    array = ((pixels / 255 - 0.5) / 0.25).astype(np.float32)
    asked.run({"input": array})
    sent = client.sent["input"]
    wanted = {"arrays": array, "pixels": pixels, "image": np.array([b"jpeg"], object)}[takes]
    assert sent.dtype == wanted.dtype
    assert np.array_equal(sent, wanted)


@pytest.mark.parametrize(
    ("platform", "other", "words"),
    [
        (Remote(), {"network": parse("cable")}, "remote-cpu: a load goes over the loopback only; leave --network out"),
        (Remote("remote-cpu-h2"), {}, "remote-cpu-h2: a load is sent by HTTP/1.1; name remote-cpu-https"),
    ],
)
def test_what_would_be_something_else_is_refused(platform, other, words):
    with pytest.raises(UnavailableError, match=words), system_of(platform, case(**other), Settings(), 1):
        pass


def test_what_goes_wrong_with_a_server_names_platform_and_model():
    words = r"^remote-cpu: resnet8\.onnx: http://127\.0\.0\.1:9: ended the connection$"
    with pytest.raises(PlatformError, match=words), system_of(Remote(), case(), Settings(), 1):
        raise RemoteError("http://127.0.0.1:9: ended the connection")


def test_where_loadgen_is_not_installed_it_is_said_what_brings_it(monkeypatch):
    monkeypatch.setattr(plan, "PACKAGE", "no-such-package")
    assert unavailable() == "no-such-package is not installed; run `tox run -e bench-remote`"
