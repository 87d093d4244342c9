"""A device that breaks the protocol is sent home with a reason, and its run told in a line; all others go on."""

import asyncio
import base64
import json
import queue
import threading
import time

import pytest
from guests import FILES, NO_ANSWER, OPENED, asking, coming, hosting, joined
from guests import answer as answered

from browser_harness.channel import PageError
from browser_harness.joined import JoinedPage, LeftError
from browser_harness.joined import device as device_module
from browser_harness.joined import server as server_module
from browser_harness.joined.device import RUN_ENDED, SENT_HOME
from browser_harness.joined.server import JoinServer
from browser_harness.joined.untrusted import BreachError

ASKED = {"rounds": 2, "iterations": 1, "inline": 1 << 20}
TIMED = {"samples": [0.01, 0.01], "outputs": [["logits", {"type": "float32", "dims": [0], "data": ""}]], "told": None}
HOME = r"^the device keeps to no protocol and was sent home: "


def closed(guest):
    """Return with which code the guest's socket was closed, once it is."""
    return guest.staying.result(10)


def test_a_device_that_answers_rightly_is_believed():
    with hosting(open=OPENED, time=TIMED) as (device, _):
        assert device.call("open", {}, 10).items() >= OPENED.items()
        assert device.call("time", ASKED, 10) == TIMED


def test_the_call_is_timed_here_and_a_sample_cannot_be_longer():
    with hosting(time=TIMED | {"samples": [5000.0, 5000.0]}) as (device, guest):
        with pytest.raises(
            BreachError, match=rf"{HOME}time: samples is a list of 2, not all of them numbers from 0 to "
        ):
            device.call("time", ASKED, 10)
        assert closed(guest) == SENT_HOME


NO_MESSAGES = {
    "no JSON": "no JSON",
    "deep": "[" * 5000,
    "bytes": b"\x00\x01",
    "other keys": json.dumps({"id": 1, "answer": None, "hidden": False, "more": 1}),
    "another kind": json.dumps({"visible": "yes"}),
    "NaN": '{"id": 1, "answer": NaN, "hidden": false}',
}


@pytest.mark.parametrize("told", NO_MESSAGES.values(), ids=NO_MESSAGES)
def test_what_is_no_message_sends_the_device_home_for_good(told):
    with hosting(time=told) as (device, guest):
        for _ in range(2):
            with pytest.raises(BreachError, match=HOME) as error:
                device.call("time", ASKED, 10)
            assert str(error.value).isprintable()
        assert closed(guest) == SENT_HOME
        assert not isinstance(error.value, LeftError)  # nobody waits for it to come back
        with pytest.raises(AssertionError, match="this device was sent home: "):
            asyncio.run_coroutine_threadsafe(guest.come(), guest.session._loop).result(10)


def test_a_message_that_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(server_module, "MOST_SENT", 1000)
    refused = pytest.raises(BreachError, match=rf"{HOME}a message is no text, or has more than 1,000 bytes$")
    with hosting(time="x" * 2000) as (device, _), refused:
        device.call("time", ASKED, 10)


def test_words_of_a_device_are_told_in_one_line():
    words = json.dumps({"id": 1, "error": "\x1b[31mbroken\n\n" + "x" * 9999, "stack": "at\x07", "hidden": False})
    told = pytest.raises(PageError, match=r"^open: \\x1b\[31mbroken x+ …")
    with hosting(open=lambda _: words.replace('"id": 1', '"id": 2')) as (device, _), told as error:
        device.call("open", {}, 10)
    assert error.value.__notes__ == ["at\\x07"]
    assert len(str(error.value)) < 2100


def test_a_device_that_sends_what_nobody_asked_for_is_heard_for_a_while_only(monkeypatch):
    monkeypatch.setattr(device_module, "UNASKED", (10, 0.0))

    async def flood(guest, message):
        for _ in range(20):
            await guest.send(message)

    for message in ({"visible": True}, {"noted": "x"}, {"id": 99, "answer": None, "hidden": False}):
        with hosting() as (device, guest):
            asyncio.run_coroutine_threadsafe(flood(guest, message), guest.session._loop).result(10)
            with pytest.raises(BreachError, match=rf"{HOME}too many messages that nobody asked for$"):
                device.call("wasmBytes", {}, 10)


def test_pings_count_too(monkeypatch):
    monkeypatch.setattr(device_module, "UNASKED", (10, 0.0))

    async def flood(guest):
        for _ in range(20):
            await guest.socket.ping()

    with hosting() as (device, guest):
        asyncio.run_coroutine_threadsafe(flood(guest), guest.session._loop).result(10)
        with pytest.raises(BreachError, match="too many messages"):
            device.call("wasmBytes", {}, 10)


def test_faults_behind_the_calls_are_kept_few_and_short():
    async def tell(guest):
        for number in range(30):
            await guest.send({"noted": f"{number} {'x' * 9999}"})

    with hosting(wasmBytes=7) as (device, guest):
        asyncio.run_coroutine_threadsafe(tell(guest), guest.session._loop).result(10)
        with pytest.raises(PageError, match=r"^behind the calls; 10 x"):
            device.call("wasmBytes", {}, 10)
        assert device.call("wasmBytes", {}, 10) == 7


def test_a_function_without_a_check_is_not_even_asked():
    asked = []
    with (
        hosting(steal=asked.append) as (device, _),
        pytest.raises(PageError, match=r"^steal: nobody knows what "),
    ):
        device.call("steal", {}, 10)
    assert asked == []


def test_all_others_go_on():
    came = queue.SimpleQueue()
    with JoinServer(on_join=came.put) as server:
        with coming(server.url, time=TIMED), coming(server.url, time="no JSON"), coming(server.url, time=TIMED):
            devices = sorted([came.get(timeout=10) for _ in range(3)], key=lambda device: device.number)
            for device in devices:
                device.wait(10)
            with pytest.raises(BreachError):
                devices[1].call("time", ASKED, 10)
            for device in (devices[0], devices[2]):
                assert device.call("time", ASKED, 10) == TIMED
        with coming(server.url, time=TIMED):
            assert came.get(timeout=10).number == 4


# Bytes that are awaited


def putting(content, **more):
    async def put(guest, url):
        headers = {"Origin": guest.url.partition("/#")[0], **more}
        data = content() if callable(content) else content
        async with guest.session.put(f"{headers['Origin']}{url}", data=data, headers=headers) as response:
            return response.status

    return put


def page(device):
    """Return the channel to a page of a device that has one."""
    made = JoinedPage(device, FILES, (), {}, 10)
    made.load()
    return made


def put(guest, url, content, **more):
    return asyncio.run_coroutine_threadsafe(putting(content, **more)(guest, url), guest.session._loop).result(10)


def test_bytes_are_taken_once_and_of_the_length_that_is_awaited():
    content = bytearray(6)
    with hosting() as (device, guest):
        channel = page(device)
        for path, wrong in (("b", b"abcdef"), ("a", b""), ("a", b"abc"), ("a", b"abcdefg")):
            missing = pytest.raises(PageError, match=r"was to send 6 bytes to /outputs/a\.bin, and they have not come$")
            with missing, channel.receiving("/outputs/a.bin", memoryview(content)):
                assert put(guest, f"/outputs/{path}.bin", wrong) == (404 if path == "b" else 400)
                assert path == "b" or put(guest, "/outputs/a.bin", b"abcdef") == 404  # it had its turn
        assert content == bytearray(6)
        with channel.receiving("/outputs/a.bin", memoryview(content)):
            assert put(guest, "/outputs/a.bin", b"abcdef") == 201
            assert put(guest, "/outputs/a.bin", b"uvwxyz") == 404
        assert content == b"abcdef"
        assert put(guest, "/outputs/a.bin", b"uvwxyz") == 404
        assert device.table.awaited == {}


def test_a_body_of_unknown_length_is_not_taken():
    async def pieces():
        yield b"abc"
        yield b"def"

    with hosting() as (device, guest):
        device.await_bytes("/outputs/a.bin", 6)
        assert put(guest, "/outputs/a.bin", pieces) == 400
        assert device.take_bytes("/outputs/a.bin") is None


def test_what_comes_when_nobody_waits_any_more_is_kept_nowhere():
    gone = threading.Event()

    async def slow():
        yield b"abc"
        await asyncio.get_running_loop().run_in_executor(None, gone.wait)
        yield b"def"

    with hosting() as (device, guest):
        device.await_bytes("/outputs/a.bin", 6)
        sending = asyncio.run_coroutine_threadsafe(
            putting(slow, **{"Content-Length": "6"})(guest, "/outputs/a.bin"), guest.session._loop
        )
        awaited = device.table.awaited["/outputs/a.bin"]
        while not awaited.is_begun:
            pass
        assert device.take_bytes("/outputs/a.bin") is None
        gone.set()
        assert sending.result(10) == 201
        assert device.table.awaited == {}


# Files


def fetched(server, cookie, path, **headers):
    return answered(server, asking(server, path, Cookie=cookie, **headers))


@pytest.fixture
def table(tmp_path):
    """A server, the cookie of a device that has joined, and the device; its page has a module and a model."""
    from browser_harness.contents import Contents
    from browser_harness.joined.device import Table

    (tmp_path / "weights.bin").write_bytes(base64.b64encode(bytes(range(256)) * 4000))
    files = {**FILES, "/model/0": tmp_path / "weights.bin"}
    with JoinServer() as server:
        cookie = joined(server)
        device = server.devices[0]
        device.table = Table(Contents(files, {}))
        yield server, cookie, device


def test_what_a_device_has_is_not_sent_again_and_does_not_count_as_fetched(table):
    server, cookie, device = table
    size = len(fetched(server, cookie, "/model/0")[2])
    status, headers, _ = fetched(server, cookie, "/model/0", Accept_Encoding="br")
    (tag,) = headers["etag"]
    assert (headers["cache-control"], headers["vary"]) == (["no-cache"], ["Accept-Encoding"])
    before = device.fetched()["/model/0"]
    assert before["wire"] > size
    for told in (tag, f"W/{tag}", f'"other", {tag}'):
        status, headers, body = fetched(server, cookie, "/model/0", Accept_Encoding="br", If_None_Match=told)
        assert (status, body, headers["etag"]) == (304, b"", [tag])
        assert "frame-ancestors 'self'" in headers["content-security-policy"][0]
    assert device.fetched()["/model/0"] == before
    for told in ('"other"', "*", tag.strip('"'), f"{tag}x", ""):
        assert fetched(server, cookie, "/model/0", Accept_Encoding="br", If_None_Match=told)[0] == 200


def test_what_one_page_was_sent_is_never_taken_for_anothers(table, tmp_path):
    """Of one path: another content, another coding, and another policy have another validator each."""
    server, cookie, device = table
    tags = {fetched(server, cookie, "/harness.mjs", Accept_Encoding=coding)[1]["etag"][0] for coding in ("br", "x")}
    device.table.script_sources = ("blob:",)
    tags |= {fetched(server, cookie, "/harness.mjs", Accept_Encoding=coding)[1]["etag"][0] for coding in ("br", "x")}
    assert len(tags) == 4
    before = fetched(server, cookie, "/model/0")[1]["etag"]
    (tmp_path / "weights.bin").write_bytes(b"another")
    status, headers, body = fetched(server, cookie, "/model/0", If_None_Match=before[0])
    assert (status, body) == (200, b"another")
    assert headers["etag"] != before


def test_what_was_published_is_never_kept(table):
    server, cookie, device = table
    for content in (b"one", b"another"):
        device.publish("/inputs/0.bin", content)
        _, headers, body = fetched(server, cookie, "/inputs/0.bin")
        assert (body, headers["cache-control"], "etag" in headers) == (content, ["no-store"], False)
    device.publish("/model/0", b"in place of a file")
    assert "etag" not in fetched(server, cookie, "/model/0")[1]
    assert "etag" not in fetched(server, cookie, "/index.html?7")[1]  # asked for by another address each time


def test_a_file_is_sent_as_the_browser_takes_it_and_in_pieces(table, monkeypatch):
    import brotli

    from browser_harness.joined import sending

    monkeypatch.setattr(sending, "PIECE", 1000)
    server, cookie, device = table
    whole = fetched(server, cookie, "/harness.mjs")[2]
    _, headers, body = fetched(server, cookie, "/harness.mjs", Accept_Encoding="gzip, br", Range="bytes=0-9")
    assert (brotli.decompress(body), headers["content-encoding"]) == (whole, ["br"])
    assert device.fetched()["/harness.mjs"]["wire"] == len(whole) + len(body)
    content = fetched(server, cookie, "/model/0")[2]
    assert (len(content), content) == (len(content), (device.table.contents._at["/model/0"]).read_bytes())


def test_a_large_file_is_read_piece_by_piece(table, monkeypatch, tmp_path):
    from browser_harness.joined import sending

    pieces = []
    server, cookie, device = table
    real = device.table.contents.body

    def watched(path, accepts):
        body = real(path, accepts)
        read = body.source.read
        monkeypatch.setattr(body.source, "read", lambda size: pieces.append(size) or read(size), raising=False)
        return body

    monkeypatch.setattr(device.table.contents, "body", watched)
    device.publish("/inputs/large.bin", bytes(1 << 20))
    fetched(server, cookie, "/inputs/large.bin")
    assert pieces == [sending.PIECE] * 5


def test_a_file_that_has_vanished_is_told_by_the_next_call(table, tmp_path):
    server, cookie, device = table
    (tmp_path / "weights.bin").unlink()
    status, _, body = fetched(server, cookie, "/model/0")
    assert (status, body) == (500, b"this file cannot be served\n")  # where it lies is nobody's business
    with pytest.raises(PageError, match=r"/model/0 cannot be served: .*weights\.bin"):
        raise device._fault("behind the calls")


# The end


def left_behind():
    """Return the threads of this process that are of a server."""
    return [thread.name for thread in threading.enumerate() if thread.name in ("joined", "lending")]


def test_the_end_tells_every_device_and_leaves_nothing_behind():
    came = queue.SimpleQueue()
    with JoinServer(on_join=came.put) as server:
        guests = [coming(server.url, time=TIMED) for _ in range(3)]
        entered = [guest.__enter__() for guest in guests]
        devices = [came.get(timeout=10) for _ in range(3)]
        kept = []
        asking_for = threading.Thread(target=lambda: kept.append(failed(devices[0])))
        entered[0].deeds["wasmBytes"] = NO_ANSWER
        devices[0].wait(10)
        asking_for.start()
        while not devices[0]._waiting:
            pass
        began = time.monotonic()
    asking_for.join(10)
    assert time.monotonic() - began < 60  # of the call, which was given up
    assert "the run has ended" in str(kept[0])
    assert [closed(guest) for guest in entered] == [RUN_ENDED] * 3
    for guest in guests:
        guest.__exit__(None, None, None)
    assert left_behind() == []
    with pytest.raises(PageError, match="the run has ended"):
        devices[1].call("wasmBytes", {}, 10)
    assert not devices[1].wait(1)


def failed(device):
    with pytest.raises(PageError) as error:
        device.call("wasmBytes", {}, 100)
    return error.value


def test_a_device_that_reads_nothing_is_not_waited_for_at_the_end(monkeypatch):
    monkeypatch.setattr(device_module, "TAKING", 0.1)
    monkeypatch.setattr(server_module, "PARTING", 0.1)
    with hosting() as (device, guest):
        guest.socket._response.connection.transport.pause_reading()
        with pytest.raises(LeftError, match="takes no message"):
            device.call("time", {"x": "y" * (32 << 20)}, 10)
    assert left_behind() == []


def test_the_servers_own_thread_is_not_made_to_wait_for_itself():
    told = queue.SimpleQueue()

    def joined_and_waits(device):
        with pytest.raises(RuntimeError) as error:
            device.wait(10)
        told.put(error.value)

    with JoinServer(on_join=joined_and_waits) as server, coming(server.url):
        assert "would wait for itself" in str(told.get(timeout=10))


def test_a_fault_of_who_is_told_of_a_device_is_told(capfd):
    with JoinServer(on_join=lambda device: 1 / 0) as server, coming(server.url) as guest:
        closed(guest)
    assert capfd.readouterr().err == "the server that devices join failed: ZeroDivisionError('division by zero')\n"


def test_fifty_devices_at_once_join_answer_and_leave_and_nothing_stays_behind():
    from benchmarks.figures.joined_devices import drawn

    figures = drawn(devices=50, calls=20)
    assert (figures.joined, figures.answered) == (50, 1000)
    assert figures.after == figures.before
    assert left_behind() == []
