"""Where devices come in: the options that say so, what is refused in one line, what a person is told."""

import argparse
import re
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from browser_harness.joined import entrance as entrance_module
from browser_harness.joined.entrance import PLAIN, Entrance, EntranceError, add_options, entrance_of


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return socket.has_dualstack_ipv6()


def entrance(*words):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return entrance_of(parser.parse_args(words))


@pytest.fixture(autouse=True)
def this_machine(monkeypatch):
    """A machine with two addresses of IPv4, the second its way out, and one of IPv6."""
    found = {socket.AF_INET: ["192.0.2.20", "192.0.2.3"], socket.AF_INET6: ["2001:db8::7"]}
    monkeypatch.setattr(entrance_module, "_of_family", found.get)


def test_nobody_else_can_reach_it_unless_that_is_asked_for():
    assert entrance() == Entrance() == Entrance("127.0.0.1", 0, None, (), None, None, ())
    assert entrance("--port", "8000") == Entrance(port=8000)


@pytest.mark.parametrize(
    ("words", "link", "others"),
    [
        ([], "http://127.0.0.1:8000", ["http://localhost:8000"]),
        (["--listen", "::1"], "http://[::1]:8000", ["http://localhost:8000"]),
        (["--listen", "0:0:0:0:0:0:0:1"], "http://[::1]:8000", ["http://localhost:8000"]),
        (["--listen", "127.0.0.2"], "http://127.0.0.2:8000", []),
        (["--listen", "192.0.2.9"], "http://192.0.2.9:8000", []),
        (["--listen", "192.0.2.9:8000"], "http://192.0.2.9:8000", []),
        (["--listen", "[2001:DB8::7]:8000"], "http://[2001:db8::7]:8000", []),
        (
            ["--listen", "0.0.0.0"],
            "http://192.0.2.20:8000",
            ["http://192.0.2.3:8000", "http://127.0.0.1:8000", "http://localhost:8000"],
        ),
        (
            ["--listen", "::"],
            "http://192.0.2.20:8000",
            [
                *("http://192.0.2.3:8000", "http://127.0.0.1:8000", "http://localhost:8000"),
                *("http://[2001:db8::7]:8000", "http://[::1]:8000"),
            ],
        ),
        (
            ["--public-url", "https://Häuser.example/"],
            "https://xn--huser-gra.example",
            ["http://127.0.0.1:8000", "http://localhost:8000"],
        ),
        (["--public-url", "https://some.example:8443", "--listen", "192.0.2.9"], "https://some.example:8443", []),
        (
            ["--public-url", "http://localhost:9"],
            "http://localhost:9",
            ["http://127.0.0.1:8000", "http://localhost:8000"],
        ),
    ],
)
def test_the_link_names_what_a_device_can_reach_and_its_pages_are_of_no_other_origin(words, link, others):
    made = entrance(*words)
    assert made.origin(8000) == link
    assert made.origins(8000) == {link, *others}


def test_a_name_is_listened_on_where_it_leads(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", 0))])
    made = entrance("--listen", "Phone.test")
    assert (made.host, made.name, made.origin(80)) == ("127.0.0.1", "phone.test", "http://phone.test")
    assert made.transport(made.origin(80)) == "http"  # what its browser makes of it
    assert made.words == (PLAIN,)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--listen", "a b"], "--listen 'a b' has no address here; give one of"),
        (["--listen", "192.0.2.9:0"], "--listen '192.0.2.9:0' is no ADDRESS or ADDRESS:PORT"),
        (["--listen", "192.0.2.9:70000"], "--listen '192.0.2.9:70000' is no ADDRESS or ADDRESS:PORT"),
        (["--listen", "192.0.2.9:"], "--listen '192.0.2.9:' is no ADDRESS or ADDRESS:PORT"),
        (["--listen", "http://192.0.2.9"], "--listen 'http://192.0.2.9' is no ADDRESS or ADDRESS:PORT"),
        (["--listen", ""], "--listen '' is no ADDRESS or ADDRESS:PORT"),
        (["--listen", "nobody.invalid"], "--listen 'nobody.invalid' has no address here"),
        (["--listen", "192.0.2.9:1", "--port", "2"], "--listen 192.0.2.9:1 and --port 2 name two ports: name one"),
        (["--public-url", "some.example"], "--public-url 'some.example' is no URL: name it as https://HOST"),
        (["--public-url", "https://"], "--public-url 'https://' is no URL"),
        (["--public-url", "https://a:b"], "--public-url 'https://a:b' is no URL"),
        (["--public-url", "https://a\x1b[1m"], r"--public-url 'https://a\x1b[1m' is no URL"),
        (["--public-url", "http://some.example"], "--public-url 'http://some.example' is not https://HOST"),
        (["--public-url", "ftp://some.example"], "--public-url 'ftp://some.example' is not https://HOST"),
        (["--public-url", "https://some.example/x"], "--public-url 'https://some.example/x' is more than an origin"),
        (["--public-url", "https://some.example/?x"], "--public-url 'https://some.example/?x' is more than"),
        (["--public-url", "https://me:pw@some.example"], "--public-url 'https://me:pw@some.example' is more than"),
        (["--key", "some.pem"], "--key some.pem has no certificate: name that with --cert"),
        (["--cert", "gone.pem"], "gone.pem: No such file or directory"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(words, told):
    with pytest.raises(EntranceError) as error:
        entrance(*words)
    assert str(error.value).startswith(told)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "٣"])
def test_a_port_is_a_number_that_can_be_one(port, capsys):
    with pytest.raises(SystemExit):
        entrance("--port", port)
    assert "is no port: name one from 1 to 65535" in capsys.readouterr().err


def test_a_machine_without_a_network_is_told(monkeypatch):
    monkeypatch.setattr(entrance_module, "_of_family", lambda _: [])
    with pytest.raises(EntranceError, match=r"^--listen 0\.0\.0\.0: this machine has no address that another could"):
        entrance("--listen", "0.0.0.0")


def test_the_way_out_comes_first_and_what_no_link_can_have_is_left_out(monkeypatch):
    monkeypatch.undo()
    import psutil

    cards = {
        "lo": ["127.0.0.1"],
        "docker0": ["172.17.0.1"],
        "eth0": ["192.0.2.20", "169.254.1.1"],
    }
    made = {
        card: [argparse.Namespace(family=socket.AF_INET, address=one) for one in told] for card, told in cards.items()
    }
    made["eth0"].append(argparse.Namespace(family=socket.AF_INET6, address="fe80::1%eth0"))
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: made)
    monkeypatch.setattr(entrance_module, "_way_out", lambda _: "192.0.2.20")
    assert entrance_module._of_family(socket.AF_INET) == ["192.0.2.20", "172.17.0.1"]
    assert entrance_module._of_family(socket.AF_INET6) == []


def test_what_plain_http_takes_away_is_told_where_it_does():
    assert entrance("--listen", "192.0.2.9").words == (PLAIN,)
    assert PLAIN in entrance("--listen", "0.0.0.0").words
    assert entrance("--listen", "127.0.0.2").words == ()
    assert entrance("--public-url", "https://some.example").words == ()
    told = entrance("--listen", "0.0.0.0").words[0]
    assert told == "the link names 192.0.2.20; this machine is 192.0.2.3, too: --listen takes one of them"


@pytest.mark.parametrize(
    ("words", "own", "transport"),
    [
        ([], "http://127.0.0.1:80", "loopback"),
        (["--https"], "https://localhost:80", "loopback"),
        (["--listen", "::1"], "http://[::1]:80", "loopback"),
        (["--listen", "0.0.0.0"], "http://192.0.2.20:80", "http"),
        (["--listen", "0.0.0.0", "--https"], "https://192.0.2.20:80", "https"),
        (["--public-url", "https://some.example"], "https://some.example", "public-url"),
        (["--public-url", "https://some.example"], "http://localhost:80", "loopback"),
    ],
)
def test_how_a_device_is_connected_is_what_its_browser_makes_of_it(words, own, transport):
    assert entrance(*words).transport(own) == transport


def test_a_port_that_is_taken_and_an_address_of_another_machine_are_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EntranceError, match=rf"^http://127\.0\.0\.1:{port} is taken by another program: name anot"):
            Entrance(port=port).listen()
    with pytest.raises(EntranceError, match=r"^203\.0\.113\.9 is no address of this machine: --listen takes one of"):
        Entrance("203.0.113.9").listen()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "reached"), [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"])])
def test_it_listens_on_ipv6_and_with_every_address_on_both(host, reached):
    with Entrance(host).listen() as listening:
        for address in reached:
            socket.create_connection((address, listening.getsockname()[1]), timeout=5).close()


def certificate(folder, **options):
    made = trustme.CA().issue_cert("192.0.2.9", "*.some.example", **options)
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_is_made_for_the_names_by_which_devices_come():
    made = entrance("--https", "--listen", "192.0.2.9")
    assert made.tls is not None
    assert PLAIN not in made.words
    assert made.scheme == "https"
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", made.words[1])  # the fingerprint
    assert "each will warn" in made.words[0]


def shake_hands(tls, name, authority):
    """Return the certificate that a client is shown, in memory."""
    client, server = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = ssl.create_default_context(cadata=authority)
    asking = theirs.wrap_bio(server, client, server_hostname=name)
    answering = tls.wrap_bio(client, server, server_side=True)
    for side in (asking, answering, asking, answering):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return asking.getpeercert(binary_form=True)


def test_the_fingerprint_that_is_told_is_the_certificates(monkeypatch):
    authorities = []
    issuing = trustme.CA.issue_cert
    monkeypatch.setattr(
        trustme.CA, "issue_cert", lambda self, *names, **more: authorities.append(self) or issuing(self, *names, **more)
    )
    made = entrance("--https", "--listen", "0.0.0.0")
    authority = authorities[0].cert_pem.bytes().decode()
    for name in ("192.0.2.20", "192.0.2.3", "localhost", "127.0.0.1"):
        shown = shake_hands(made.tls, name, authority)
        assert entrance_module.sha256(shown).digest().hex(":").upper() in made.words


def test_a_persons_own_certificate_is_taken(tmp_path):
    cert, key = certificate(tmp_path)
    made = entrance("--listen", "192.0.2.9", "--cert", f"{cert}", "--key", f"{key}")
    assert (made.origin(443), made.words) == ("https://192.0.2.9", ())
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    assert entrance("--listen", "192.0.2.9", "--cert", f"{both}").tls is not None
    told = entrance("--listen", "192.0.2.10", "--cert", f"{both}").words
    assert told == (f"{both} is for *.some.example, 192.0.2.9, and the link names 192.0.2.10: browsers will warn",)


def test_a_star_stands_for_one_label(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("192.0.2.9", 0))])
    cert, key = certificate(tmp_path)
    files = ["--cert", f"{cert}", "--key", f"{key}"]
    assert entrance("--listen", "lab.some.example", *files).words == ()
    for other in ("some.example", "a.lab.some.example"):
        assert "browsers will warn" in entrance("--listen", other, *files).words[0]


def test_a_certificate_that_cannot_serve_is_told_in_one_line(tmp_path):
    cert, key = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other")
    (tmp_path / "empty.pem").write_text("nothing")
    wrong = {
        (cert, other): f"{other}: the key is not of the certificate in {cert}",
        (cert, None): f"{cert} has no key in PEM; name the file that has it with --key",
        (cert, tmp_path / "empty.pem"): f"{tmp_path / 'empty.pem'} has no key in PEM",
        (cert, tmp_path / "gone.pem"): f"{tmp_path / 'gone.pem'}: No such file or directory",
        (cert, tmp_path): f"{tmp_path}: ",
        (tmp_path / "empty.pem", key): f"{tmp_path / 'empty.pem'} has no certificate in PEM",
    }
    for (one, two), told in wrong.items():
        with pytest.raises(EntranceError) as error:
            entrance("--cert", f"{one}", *(["--key", f"{two}"] if two else []))
        assert str(error.value).startswith(told)


@pytest.mark.parametrize("days", [(-9, -2), (2, 9)], ids=["expired", "not yet"])
def test_a_certificate_whose_time_it_is_not_is_told(tmp_path, days):
    begins, ends = (datetime.now(UTC) + timedelta(days=number) for number in days)
    cert, key = certificate(tmp_path, not_before=begins, not_after=ends)
    with pytest.raises(EntranceError, match=rf"cert\.pem is a certificate from {begins:%d %b %Y} to {ends:%d %b %Y}; "):
        entrance("--cert", f"{cert}", "--key", f"{key}")


def test_a_key_with_a_passphrase_is_not_asked_for_on_the_terminal(tmp_path):
    from cryptography.hazmat.primitives import serialization

    cert, key = certificate(tmp_path)
    opened = serialization.load_pem_private_key(key.read_bytes(), None)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(opened.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(EntranceError, match=r"key\.pem: the key has a passphrase; write it without one$"):
        entrance("--cert", f"{cert}", "--key", f"{key}")
