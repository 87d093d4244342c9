"""Nobody else gets in: who is answered, what is served to whom, what that may be used for, and how much is taken."""

import argparse
import asyncio
import json
import queue
import re
import socket
import ssl
import threading
from contextlib import suppress

import pytest
from guests import ABOUT, FILES, answer, asking, joined, joining

from browser_harness.joined import connections, door
from browser_harness.joined import server as server_module
from browser_harness.joined.entrance import Entrance, EntranceError, add_options, entrance_of
from browser_harness.joined.limits import Rate
from browser_harness.joined.server import JoinServer
from browser_harness.server import policy

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#([A-Za-z0-9_-]{22})")  # 22 characters of 6 bits: 128 and more
TABLE = {**FILES, "/model/0": b"a private model " * 90}


@pytest.fixture
def server():
    with JoinServer() as server:
        yield server


def has_page(server, number=-1):
    """Have a page of the device lie on the server, without its asking."""
    from browser_harness.contents import Contents
    from browser_harness.joined.device import Table

    server.devices[number].table = Table(Contents(TABLE, {}))
    return server.devices[number].table


def test_the_link_has_a_token_of_128_bits_of_this_run_alone():
    tokens = set()
    for _ in range(2):
        with JoinServer() as server:
            tokens.add(LINK.fullmatch(server.url)[2])
    assert len(tokens) == 2


def test_only_this_machine_is_listened_to_unless_another_is_asked_for(server):
    assert server._listener.sockets[0].getsockname()[0] == "127.0.0.1"


def test_who_has_the_link_gets_a_secret_that_scripts_and_other_sites_never_have(server):
    status, headers, body = answer(server, joining(server))
    assert (status, json.loads(body)) == (200, {"device": 1, "offer": {}, "asks_consent": False})
    cookie = headers["set-cookie"][0]
    assert re.fullmatch(
        rf"device-{server._door.port}=[\w-]{{22}}; HttpOnly; Max-Age=86400; Path=/; SameSite=Strict", cookie
    )
    assert server.devices[0].about()["engine"] == "firefox"


@pytest.mark.parametrize("token", ["", "x", "ä" * 22, "\ud800", None, 7, ["x"], {"x": "y"}, "a" * 22], ids=ascii)
def test_no_other_token_joins(server, token):
    body = json.dumps({"token": token, "about": ABOUT}).encode()
    status, headers, told = answer(server, asking(server, "/join", "POST", body))
    assert (status, told) == (403, b"this link is not of this run\n")
    assert "set-cookie" not in headers
    assert server.devices == []


def test_a_token_that_begins_right_is_as_wrong_as_any(server):
    token = server.url.partition("#")[2]
    for wrong in (token[:-1], f"{token}A", token.swapcase(), f" {token}"):
        assert answer(server, joining(server, wrong))[0] == 403


def test_tokens_are_compared_in_constant_time(server, monkeypatch):
    compared = []
    real = server_module.hmac.compare_digest
    monkeypatch.setattr(server_module.hmac, "compare_digest", lambda *two: compared.append(two) or real(*two))
    answer(server, joining(server, "some"))
    assert (b"some", server._token.encode()) in compared
    cookie = joined(server)
    compared.clear()
    answer(server, asking(server, "/harness.mjs", Cookie=cookie))
    assert (server.devices[0].secret.encode(), cookie.partition("=")[2].encode()) in compared


def test_a_device_that_joins_again_stays_the_same(server):
    cookie = joined(server)
    status, _, body = answer(server, joining(server, "", Cookie=cookie))  # its page has forgotten the token
    assert (status, json.loads(body)["device"], len(server.devices)) == (200, 1, 1)
    joined(server)
    assert [device.number for device in server.devices] == [1, 2]


def test_a_link_of_another_run_is_worth_nothing(server):
    with JoinServer() as other:
        assert answer(server, joining(server, other.url.partition("#")[2]))[0] == 403
        cookie = joined(other)
        has_page(other)
    _, _, secret = cookie.partition("=")
    for told in (cookie, f"device-{server._door.port}={secret}", f"device-{server._door.port}="):
        assert answer(server, asking(server, "/harness.mjs", Cookie=told))[0] == 403


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test:{port}", "evil.test", "127.0.0.1", "127.0.0.1:{other}", "", "127.0.0.2:{port}", "[::1]:{port}"),
        *("0.0.0.0:{port}", "127.0.0.1:{port}.evil.test", "localhost.evil.test:{port}", "evil@127.0.0.1:{port}"),
        *("127.1:{port}", "2130706433:{port}", "127.0.0.1:0{port}", "127.0.0.1:{port}\r\nHost: evil.test"),
    ],
)
def test_it_answers_to_its_own_names_alone(server, host):
    """A name that somebody else has made lead here (DNS rebinding) would have that one's page let in."""
    host = host.format(port=server._door.port, other=server._door.port + 1)
    for request in (asking(server, Host=host), joining(server, Host=host)):
        status, headers, _ = answer(server, request)
        assert status == (400 if "\r\n" in host else 421)
        assert headers["content-security-policy"] == [connections.NOTHING]


def test_it_answers_to_localhost_and_in_any_case(server):
    assert answer(server, asking(server, Host=f"LOCALHOST:{server._door.port}"))[0] == 200
    assert answer(server, asking(server, Host=None))[0] in (400, 421)
    assert answer(server, b"GET / HTTP/1.0\r\n\r\n")[0] == 421  # a browser always names it


@pytest.mark.parametrize("target", ["http://evil.test/", "http://127.0.0.1/", "*", "evil.test:80", "//evil.test/"])
def test_a_request_that_names_a_host_of_its_own_is_refused(server, target):
    status, _, body = answer(server, asking(server, target))
    assert status >= 400
    assert b"<!doctype" not in body


def test_by_a_public_address_it_answers_to_that_and_to_this_machine_alone():
    with JoinServer(Entrance(public_url="https://some.example")) as server:
        assert server.url.startswith("https://some.example/#")
        for host in ("some.example", "Some.Example", f"localhost:{server._door.port}"):
            assert answer(server, asking(server, Host=host))[0] == 200
        for host in ("other.example", "some.example:443", "a.some.example", "some.example."):
            assert answer(server, asking(server, Host=host))[0] == 421
        told = answer(server, joining(server, Host="some.example", Origin="https://some.example"))
        assert "; Secure;" in f"{told[1]['set-cookie'][0]};"
        assert json.loads(told[2])["asks_consent"] is True
        about = server.devices[0].about()
        assert (about["transport"], about["address"]) == ("public-url", None)  # whose that is nobody knows
        assert answer(server, joining(server, Host="some.example", Origin="http://some.example"))[0] == 403


@pytest.mark.parametrize(
    "origin",
    [
        *(None, "null", "", "http://evil.test", "http://127.0.0.1", "https://127.0.0.1:{port}", "http://127.0.0.1:1"),
        *("http://127.0.0.1:{port}.evil.test", "http://127.0.0.1:{port}/", "127.0.0.1:{port}"),
        "http://127.0.0.1:{port}\r\nOrigin: http://evil.test",
    ],
)
def test_no_page_of_another_server_joins_opens_a_socket_or_sends(server, origin):
    cookie = joined(server)
    has_page(server).awaited["/outputs/0"] = server_module.Awaited(3)
    origin = origin and origin.format(port=server._door.port)
    requests = [
        joining(server, Origin=origin),
        opening(server, cookie, Origin=origin),
        asking(server, "/outputs/0", "PUT", b"abc", Cookie=cookie, Origin=origin),
    ]
    for request in requests:
        assert answer(server, request)[0] in (400, 403)
    assert len(server.devices) == 1
    assert server.devices[0].table.awaited["/outputs/0"].content is None


def opening(server, cookie=None, **headers):
    key = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    told = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": server.origin, "Cookie": cookie}
    return asking(server, "/socket", **{**key, **told, **headers})


def test_a_socket_is_opened_by_a_device_alone(server):
    assert answer(server, opening(server))[0] == 403
    assert answer(server, opening(server, f"device-{server._door.port}=x"))[0] == 403
    cookie = joined(server)
    for wrong in (
        {"Host": "evil.test"},
        {"Upgrade": None},
        {"Upgrade": "h2c"},
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Protocol": "\x1b[31mred"},
        {"Sec-WebSocket-Protocol": "chat"},
    ):
        status, headers, body = answer(server, opening(server, cookie, **wrong))
        assert status in (400, 421)
        assert headers["content-security-policy"] == [connections.NOTHING]
        assert b"short" not in body
    assert not server.devices[0].has_come
    assert answer(server, opening(server, cookie))[0] == 101


def test_nothing_is_served_to_strangers_but_the_page_that_joins(server):
    joined(server)
    has_page(server)
    for path in (*TABLE, "/socket", "/inputs/0.bin", "/anything"):
        assert answer(server, asking(server, path))[0] == 403
    for path in server._shell:
        assert answer(server, asking(server, path))[0] == 200
    assert len(server._shell) > 4


OUTSIDE = (
    "/../server.py",
    "/..%2fserver.py",
    "/%2e%2e/server.py",
    "/page/../server.py",
    "/....//server.py",
    "/etc/passwd",
    "//etc/passwd",
    "/model%2f0",
    "/%6dodel/0",
    "/model/0/",
    "/model//0",
    "/model/0%00",
    "/model/0;x",
    "/model\\0",
    "/./model/0",
    "/MODEL/0",
    "/__pycache__",
    "/shell.mjs/../../server.py",
    "/index.html%3f",
    "/%",
    "/%ff",
    "/\xff",
)


@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
def test_no_file_is_served_beside_the_table(server, path):
    cookie = joined(server)
    has_page(server)
    status, headers, body = answer(server, asking(server, path, Cookie=cookie))
    assert status in (400, 404)
    assert len(body) < 100
    assert headers["content-security-policy"] == [connections.NOTHING]


def test_a_query_changes_nothing_of_what_is_sent(server):
    cookie = joined(server)
    has_page(server)
    for path in ("/model/0", "/model/0?", "/model/0?x=/../server.py", "/model/0?x#y"):
        assert answer(server, asking(server, path, Cookie=cookie))[2] == TABLE["/model/0"]


def test_a_device_gets_its_own_table_and_no_others(server):
    first, second = joined(server), joined(server)
    has_page(server, 0).contents.publish("/inputs/0.bin", b"of the first")
    assert answer(server, asking(server, "/inputs/0.bin", Cookie=second))[0] == 404  # it has no page at all
    has_page(server, 1)
    assert answer(server, asking(server, "/inputs/0.bin", Cookie=first))[2] == b"of the first"
    assert answer(server, asking(server, "/inputs/0.bin", Cookie=second))[0] == 404
    server.devices[0].table.awaited["/outputs/0"] = server_module.Awaited(3)
    assert answer(server, asking(server, "/outputs/0", "PUT", b"abc", Cookie=second))[0] == 404
    assert server.devices[0].table.awaited["/outputs/0"].content is None


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE", "PATCH", "TRACE", "CONNECT", "GETX"])
@pytest.mark.parametrize("path", ["/", "/model/0", "/socket"])
def test_no_other_method_does_anything(server, method, path):
    cookie = joined(server)
    table = has_page(server)
    status, headers, body = answer(server, asking(server, path, method, Cookie=cookie))
    assert status in (400, 405)
    assert b"private" not in body
    assert table.fetched == {}
    assert not any(name.startswith("access-control-") for name in headers)
    assert answer(server, asking(server, "/join", Cookie=cookie))[0] == 405


ALL = {
    "cross-origin-opener-policy": ["same-origin"],
    "cross-origin-embedder-policy": ["require-corp"],
    "cross-origin-resource-policy": ["same-origin"],
    "x-content-type-options": ["nosniff"],
    "referrer-policy": ["no-referrer"],
}


def test_every_answer_says_what_it_may_be_used_for(server):
    cookie = joined(server)
    has_page(server)
    of_shell = answer(server, asking(server))[1]
    of_page = answer(server, asking(server, "/index.html", Cookie=cookie))[1]
    refused = [
        asking(server, "/model/0"),
        asking(server, "/nothing", Cookie=cookie),
        asking(server, "/", "DELETE"),
        asking(server, Host="evil.test"),
        joining(server, "wrong"),
        asking(server, "/join", "POST", b"no JSON"),
        b"nonsense\r\n\r\n",
        asking(server, f"/{'x' * 9000}"),
        asking(server, X="y" * 9000),
        asking(server, **{f"X{number}": "y" for number in range(99)}),
        asking(server, "/join", "POST", b"x" * 20_000),
    ]
    for status, headers, body in (answer(server, request) for request in refused):
        assert status >= 400
        assert headers["content-security-policy"] == [connections.NOTHING]
        assert headers.items() >= ALL.items()
        assert headers["content-type"] == ["text/plain; charset=utf-8"]
        assert (headers["cache-control"], headers["server"]) == (["no-store"], ["client-or-server"])
        assert b"evil" not in body
        assert b"Traceback" not in body
    assert answer(server, asking(server, f"/{'x' * 4000}"))[0] == 403
    assert answer(server, asking(server, f"/{'x' * 5000}"))[0] == 400
    assert of_shell.items() >= ALL.items()
    assert of_page.items() >= ALL.items()


def test_the_policies_are_as_strict_as_those_of_pages_that_are_driven(server):
    cookie = joined(server)
    table = has_page(server)
    (of_shell,) = answer(server, asking(server))[1]["content-security-policy"]
    assert "unsafe" not in of_shell
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= {*of_shell.split("; ")}
    for sources in ((), ("blob:",), ("'unsafe-eval'",)):
        table.script_sources = sources
        (of_page,) = answer(server, asking(server, "/harness.mjs", Cookie=cookie))[1]["content-security-policy"]
        assert of_page == f"{policy(sources)}; frame-ancestors 'self'"


def test_a_body_that_is_too_large_or_has_no_length_is_not_read(server):
    token = server.url.partition("#")[2]
    large = json.dumps({"token": token, "about": {**ABOUT, "more": "x" * 16_384}}).encode()
    assert answer(server, asking(server, "/join", "POST", large))[0] == 413
    chunked = asking(server, "/join", "POST", b"", Content_Length=None, Transfer_Encoding="chunked")
    assert answer(server, chunked + b"2\r\n{}\r\n0\r\n\r\n")[0] == 413
    for length in ("-1", "x", "1e3", "9" * 30, "2, 2"):
        assert answer(server, asking(server, "/join", "POST", b"{}", Content_Length=length))[0] in (400, 413)
    assert server.devices == []


def test_a_body_that_ends_early_or_never_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(server_module, "SENDING", 0.05)
    assert answer(server, asking(server, "/join", "POST", b"{}", Content_Length=9))[0] in (0, 400, 408)
    with socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as connection:
        connection.sendall(asking(server, "/join", "POST", b"{", Content_Length=9))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 408 ")


def test_a_compressed_body_is_not_unpacked(server):
    import gzip

    token = server.url.partition("#")[2]
    bomb = gzip.compress(json.dumps({"token": token, "about": ABOUT}).encode() + b" " * 5_000_000)
    assert len(bomb) < 16_000
    assert answer(server, asking(server, "/join", "POST", bomb, Content_Encoding="gzip"))[0] == 400


def test_a_connection_that_asks_for_nothing_or_half_is_closed(monkeypatch):
    monkeypatch.setattr(connections, "IDLE", 0.1)
    with JoinServer() as server:
        for half in (b"", b"GET /", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"):
            with socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as connection:
                connection.sendall(half)
                assert connection.recv(1) == b""


def test_connections_are_counted_and_more_are_not_heard(monkeypatch, server):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    address = ("127.0.0.1", server._door.port)
    kept = [socket.create_connection(address, timeout=10) for _ in range(2)]
    for connection in kept:  # each is there when it is answered
        connection.sendall(asking(server, Connection="keep-alive"))
        assert connection.recv(1 << 16)
    with socket.create_connection(address, timeout=10) as more, suppress(ConnectionError):  # or it just ends
        more.sendall(asking(server))
        assert more.recv(1) == b""
    for connection in kept:
        connection.close()
    while server._connections._from:  # until the server has seen that
        pass
    assert answer(server, asking(server))[0] == 200


def test_one_address_does_not_take_all_connections(monkeypatch):
    counted = connections.Connections.__new__(connections.Connections)
    counted._from = connections.Counter({"192.0.2.1": connections.MOST_FROM_ONE, "127.0.0.1": 200})
    assert not counted.admits("192.0.2.1")
    assert counted.admits("192.0.2.2")
    assert counted.admits("127.0.0.1")  # through a tunnel all come from here
    counted._from["127.0.0.1"] = connections.MOST_CONNECTIONS
    assert not counted.admits("192.0.2.2")


def test_one_that_does_not_read_is_not_waited_for(server, monkeypatch, tmp_path):
    from browser_harness.joined import sending

    monkeypatch.setattr(sending, "READING", 0.1)
    cookie = joined(server)
    table = has_page(server)
    table.contents.publish("/inputs/0.bin", bytes(64 << 20))
    with socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(asking(server, "/inputs/0.bin", Cookie=cookie))
        while server._connections._from.total():
            pass
    assert answer(server, asking(server))[0] == 200


def test_a_connection_that_is_ended_and_does_not_read_is_cut(monkeypatch):
    monkeypatch.setattr(connections, "LINGERING", 0.0)
    cut = asyncio.Event()

    class Transport(asyncio.Transport):
        def abort(self):
            cut.set()

        def close(self):  # waits until all has been read
            pass

    async def ended():
        connection = connections.Connections(lambda _: None, lambda _: None)()
        connection.connection_made(Transport({"peername": ("127.0.0.1", 9)}))
        connection.force_close()
        await asyncio.wait_for(cut.wait(), 10)
        connection.connection_lost(None)

    asyncio.run(ended())


def test_rates_give_so_many_at_once_and_so_many_a_second_to_each():
    now = [0.0]
    rate = Rate(3, 0.5, lambda: now[0])
    assert [rate.allows("one") for _ in range(5)] == [True, True, True, False, False]
    assert rate.allows("other")
    now[0] = 2.0
    assert [rate.allows("one") for _ in range(2)] == [True, False]
    now[0] = 1e6
    assert [rate.allows("one") for _ in range(4)] == [True, True, True, False]


def test_rates_forget_who_has_come_to_rest(monkeypatch):
    from browser_harness.joined import limits

    monkeypatch.setattr(limits, "MOST_KNOWN", 10)
    now = [0.0]
    rate = Rate(2, 1.0, lambda: now[0])
    for who in range(1000):
        rate.allows(who)
        now[0] += 0.01
    assert len(rate._left) <= 10


def test_strangers_and_devices_that_ask_too_often_are_told_to_wait(monkeypatch):
    monkeypatch.setattr(door, "OF_STRANGERS", (3, 0.0))
    monkeypatch.setattr(door, "OF_DEVICE", (2, 0.0))
    monkeypatch.setattr(door, "SOCKETS", (1, 0.0))
    with JoinServer() as server:
        cookie = joined(server)
        assert [answer(server, asking(server))[0] for _ in range(3)] == [200, 200, 429]
        assert answer(server, opening(server, cookie))[0] == 101
        assert answer(server, opening(server, cookie))[0] == 429  # its second socket
        status, headers, _ = answer(server, asking(server, Cookie=cookie))
        assert (status, headers["retry-after"]) == (429, ["10"])


def test_wrong_tokens_are_told_off_and_the_right_one_joins_all_the_same(monkeypatch):
    monkeypatch.setattr(door, "WRONG_TOKENS", (2, 0.0))
    with JoinServer() as server:
        assert [answer(server, joining(server, "wrong"))[0] for _ in range(3)] == [403, 403, 429]
        joined(server)


def test_no_more_devices_join_than_may_and_who_never_came_gives_way():
    with JoinServer(Entrance(most_devices=2)) as server:
        first, _ = joined(server), joined(server)
        answer(server, opening(server, first))
        joined(server)
        assert [device.number for device in server.devices] == [1, 3]
        for device in server.devices:
            device.has_come = True
        status, _, body = answer(server, joining(server))
        assert (status, body) == (503, b"2 devices have joined, and no more may\n")
        assert answer(server, joining(server, "", Cookie=first))[0] == 200  # it is one of them


def test_over_ipv6_its_address_has_brackets():
    try:
        entered = JoinServer(Entrance("::1")).__enter__()
    except EntranceError as error:
        pytest.skip(str(error))
    try:
        assert entered.url.startswith(f"http://[::1]:{entered._door.port}/#")
        for host, status in (("[::1]", 200), ("localhost", 200), ("127.0.0.1", 421), ("::1", 421), ("[::2]", 421)):
            with socket.create_connection(("::1", entered._door.port), timeout=10) as connection:
                connection.sendall(asking(entered, Host=f"{host}:{entered._door.port}"))
                assert connection.recv(1 << 16).startswith(f"HTTP/1.1 {status} ".encode())
    finally:
        entered.__exit__(None, None, None)


def test_a_port_that_is_taken_is_told_and_nothing_stays_behind(server):
    threads = threading.active_count()
    with pytest.raises(EntranceError, match="is taken by another program"):
        JoinServer(Entrance(port=server._door.port)).__enter__()
    assert threading.active_count() == threads


def test_a_device_is_told_of_when_its_socket_is_open_and_not_before():
    came = queue.SimpleQueue()
    with JoinServer(on_join=came.put, offer={"title": "x", "minutes": 3}) as server:
        told = answer(server, joining(server))
        assert json.loads(told[2])["offer"] == {"title": "x", "minutes": 3}
        assert came.empty()
        cookie = told[1]["set-cookie"][0].partition(";")[0]
        for _ in range(2):
            assert answer(server, opening(server, cookie))[0] == 101
        assert came.get(timeout=10) is server.devices[0]
    assert came.empty()  # it came back, and is known


def test_a_device_that_vanishes_is_missed(monkeypatch):
    monkeypatch.setattr(server_module, "HEARTBEAT", 0.1)
    with JoinServer() as server:
        cookie = joined(server)
        with socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as connection:
            connection.sendall(opening(server, cookie))
            content = b""
            while more := connection.recv(1 << 16):  # until the server, which had no answer to its pings, hangs up
                content += more
        assert content.startswith(b"HTTP/1.1 101 ")
        while server.devices[0].presence.state != "away":
            pass


def test_who_begins_no_tls_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(server_module, "HANDSHAKE", 0.1)
    with JoinServer(https()) as server, socket.create_connection(("127.0.0.1", server._door.port), timeout=10) as one:
        assert one.recv(1) == b""


def https():
    parser = argparse.ArgumentParser()
    add_options(parser)
    return entrance_of(parser.parse_args(["--https"]))


def test_over_https_the_secret_is_sent_over_https_alone():
    with JoinServer(https()) as server:
        assert server.url.startswith("https://127.0.0.1:")
        tls = ssl._create_unverified_context()
        with tls.wrap_socket(socket.create_connection(("127.0.0.1", server._door.port), timeout=10)) as connection:
            connection.sendall(joining(server, Origin=server.origin))
            assert b"; Secure" in connection.recv(1 << 16)
        assert answer(server, asking(server))[0] == 0  # without TLS


def test_nothing_of_the_link_stands_in_pages_logs_or_errors(server, capfd, caplog):
    token = server.url.partition("#")[2]
    cookie = joined(server)
    asked = [asking(server), joining(server), asking(server, "/nothing", Cookie=cookie), asking(server, f"/{token}")]
    for request in [*asked, b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET \x1b[2J HTTP/1.1\r\n\r\n"]:
        _, headers, body = answer(server, request)
        assert token not in f"{body}"
        assert token not in f"{[told for name, told in headers.items() if name != 'set-cookie']}"
    assert token not in json.dumps(server.devices[0].about())
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_the_server_is_told_here_and_not_to_strangers(server, monkeypatch, capfd):
    monkeypatch.setattr(server._door.__class__, "check", lambda *_: 1 / 0)
    for _ in range(2):
        status, headers, body = answer(server, asking(server))
        assert (status, body) == (500, b"Internal Server Error\n")
    assert headers.items() >= ALL.items()
    told = capfd.readouterr().err
    assert told == "the server that devices join failed: ZeroDivisionError('division by zero')\n"
