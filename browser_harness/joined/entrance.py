"""Where devices come in: what a command line says of it, and the Entrance that this becomes.

A command gives its parser ``add_options``, and ``entrance_of`` what was parsed. What cannot be is an EntranceError, in
one line; what a person should know of what can be are the entrance's ``words``.
"""

import argparse
import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Transport = Literal["loopback", "http", "https", "public-url"]
LOOPBACK = "127.0.0.1"
UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104 - every interface, where a person asks for it
MOST_DEVICES = 64
BACKLOG = 128  # connections that wait to be let in
# What http://HOST lacks beyond loopback, as it was seen in Chromium, Firefox and WebKit.
PLAIN = (
    "plain HTTP: browsers call such a page insecure, and it has one thread, no WebGPU, no WebNN, and a clock that "
    "steps 0.1 to 1 ms; whoever is in this network can read what is sent, and change it; --https has none of this"
)
HERE = "only browsers of this machine reach it: --listen 0.0.0.0 lets others of this network come, too"
LASTING = timedelta(days=7)  # of a certificate that is made: longer than any run, and short enough for every browser


class EntranceError(Exception):
    """Nobody can come in as it was asked for; the message says what, and what helps, in one line."""


@dataclass(frozen=True)
class Entrance:
    """Where devices come in."""

    host: str = LOOPBACK  # the address that is listened on
    port: int = 0  # a free one
    name: str | None = None  # what the link calls it, where that is not the address
    others: tuple[str, ...] = ()  # further addresses that lead here
    public_url: str | None = None  # the origin where a tunnel ends, say
    tls: ssl.SSLContext | None = None
    words: tuple[str, ...] = ()  # what a person should know of it, a line each
    most_devices: int = MOST_DEVICES

    @property
    def scheme(self) -> str:
        """HTTP's, of what is listened to."""
        return "https" if self.tls else "http"

    def origin(self, port: int) -> str:
        """Return the origin in the link, where *port* is listened on."""
        return self.public_url or origin(self.scheme, self.name or self.host, port)

    def origins(self, port: int) -> frozenset[str]:
        """Return all origins of its pages; beside a public one those of loopback alone."""
        names = [*_loopbacks(self.host), *(() if self.host in UNSPECIFIED else (self.host,)), *self.others]
        heard = [name for name in names if is_loopback(name) or not self.public_url]
        return frozenset({self.origin(port), *(origin(self.scheme, name, port) for name in heard)})

    def transport(self, own: str) -> Transport:
        """Return how a page of an *own* origin is connected: by what its browser makes of that."""
        if own == self.public_url:
            return "public-url"
        if is_loopback(urlsplit(own).hostname or ""):
            return "loopback"
        return "https" if self.tls else "http"

    def listen(self) -> socket.socket:
        """Return a socket that listens; raises EntranceError."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        both = self.host == "::" and socket.has_dualstack_ipv6()
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
        except OSError as error:
            raise EntranceError(self._not_heard(error)) from error

    def _not_heard(self, error: OSError) -> str:
        where = origin(self.scheme, self.host, self.port) if self.port else self.host
        if error.errno == errno.EADDRINUSE:
            return f"{where} is taken by another program: name another --port, or none"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{where} is no address of this machine: --listen takes one of its own, or 0.0.0.0"
        return f"{where} cannot be listened on: {error.strerror}"


def is_loopback(host: str) -> bool:
    """Whether a page of this host is secure to browsers without encryption, as nobody else is on the way."""
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _loopbacks(host: str) -> Sequence[str]:
    """Return by which further names this machine itself reaches what listens on *host*: no others may be believed."""
    return {
        LOOPBACK: ["localhost"],
        "::1": ["localhost"],
        "0.0.0.0": ["localhost", LOOPBACK],  # noqa: S104
        "::": ["localhost", LOOPBACK, "::1"],
    }.get(host, [])


def origin(scheme: str, host: str, port: int) -> str:
    """Return an origin as browsers write it."""
    is_usual = port == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{f'[{host}]' if ':' in host else host.lower()}{'' if is_usual else f':{port}'}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where devices come in."""
    group = parser.add_argument_group("where devices come in (see docs/clients.md)")
    group.add_argument(
        "--listen", metavar="ADDRESS[:PORT]", help=f"other machines may come in by this address; default: {LOOPBACK}"
    )
    group.add_argument("--port", type=port_of, help="default: a free one")
    group.add_argument("--https", action="store_true", help="with a certificate that is made for this run")
    group.add_argument("--cert", type=Path, metavar="FILE", help="HTTPS with this certificate, and its chain (PEM)")
    group.add_argument("--key", type=Path, metavar="FILE", help="its key (PEM), where that is not in the same file")
    group.add_argument("--public-url", metavar="https://HOST", help="by which a tunnel to this machine is reached")


def port_of(text: str) -> int:
    """Read the number of a port."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: name one from 1 to 65535")
    return int(text)


def entrance_of(arguments: argparse.Namespace) -> Entrance:
    """Return the entrance that was asked for by ``add_options``; raises EntranceError."""
    name, port = _listened(arguments)
    host = _address(name)
    others = _addresses(host) if host in UNSPECIFIED else ()
    shown = others[0] if others else name
    public = _public(arguments.public_url) if arguments.public_url else None
    tls, of_tls = _tls(arguments, (shown, *_loopbacks(host), *others))
    words = (*_reached(others), *of_tls, *([] if public else _let_in(shown, tls)))
    return Entrance(host, port, shown if shown != host else None, others, public, tls, words)


def _listened(arguments: argparse.Namespace) -> tuple[str, int]:
    """Return the name or address that is to be listened on, and the port: 0 for a free one."""
    if arguments.listen is None:
        return LOOPBACK, arguments.port or 0
    name, port = _parted(arguments.listen)
    name = str(ipaddress.ip_address(name)) if _is_address(name) else name  # as browsers write it
    if port and arguments.port not in (None, port):
        raise EntranceError(f"--listen {arguments.listen} and --port {arguments.port} name two ports: name one")
    return name, port or arguments.port or 0


def _parted(listened: str) -> tuple[str, int]:
    """Part ADDRESS[:PORT]; an address of IPv6 has brackets where a port follows."""
    if _is_address(listened):
        return listened, 0
    try:
        parts = urlsplit(f"//{listened}")
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    if not name or listened != parts.netloc or "@" in listened or listened.endswith(":") or port == 0:
        words = "is no ADDRESS or ADDRESS:PORT: write one as 192.168.0.7, 0.0.0.0:8000 or [::]:8000"
        raise EntranceError(f"--listen {listened!r} {words}")
    return name, port or 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(name: str) -> str:
    """Return the address of a name; whether it is this machine's is found when it is listened on."""
    if _is_address(name):
        return name
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        words = "has no address here; give one of this machine's, or 0.0.0.0 for all of them"
        raise EntranceError(f"--listen {name!r} {words}") from error


def _addresses(host: str) -> tuple[str, ...]:
    """Return the addresses of this machine that others may reach, the one of its usual way out first."""
    families = [socket.AF_INET, socket.AF_INET6] if host == "::" else [socket.AF_INET]
    found = [address for family in families for address in _of_family(family)]
    if not found:
        raise EntranceError(f"--listen {host}: this machine has no address that another could reach; join a network")
    return tuple(found)


def _of_family(family: socket.AddressFamily) -> list[str]:
    import psutil

    cards = psutil.net_if_addrs().values()
    told = {one.address for card in cards for one in card if one.family == family}
    reached = {address for address in told if _is_reached(address)}
    first = _way_out(family)
    return sorted(reached, key=lambda address: (address != first, ipaddress.ip_address(address)))


def _is_reached(address: str) -> bool:
    """Whether another machine may reach an address, and a link may have it: none with a zone (fe80::1%eth0) can."""
    return "%" not in address and not (one := ipaddress.ip_address(address)).is_loopback and not one.is_link_local


def _way_out(family: socket.AddressFamily) -> str | None:
    """Return this machine's address on its way to others; nothing is sent to find it."""
    elsewhere = (
        "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    )  # of documents, and nobody's (RFC 5737, 3849)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((elsewhere, 9))
            return str(asked.getsockname()[0])
    except OSError:
        return None


def _reached(others: tuple[str, ...]) -> tuple[str, ...]:
    if len(others) < 2:
        return ()
    return (f"the link names {others[0]}; this machine is {', '.join(others[1:])}, too: --listen takes one of them",)


def _let_in(name: str, tls: ssl.SSLContext | None) -> Iterator[str]:
    """Yield who else may come in by a link of this name, or read what is sent."""
    if is_loopback(name):
        yield HERE
    elif tls is None:
        yield PLAIN


def _public(url: str) -> str:
    """Return the origin of a public URL."""
    parts = _split(url)
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise EntranceError(f"--public-url {url!r} is more than an origin: the link's page lies at https://HOST/")
    host = _ascii(url, parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise EntranceError(f"--public-url {url!r} is not https://HOST: without that everybody on the way could join")
    return origin(parts.scheme, host, parts.port or {"http": 80, "https": 443}[parts.scheme])


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_url = bool(parts.scheme and parts.hostname and parts.port != 0)
    except ValueError:
        is_url = False
    if not is_url or not url.isprintable() or " " in url:
        raise EntranceError(f"--public-url {url!r} is no URL: name it as https://HOST")
    return parts


def _ascii(url: str, host: str) -> str:
    """Return a host as browsers send it."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise EntranceError(f"--public-url {url!r} names no host") from error


def _tls(arguments: argparse.Namespace, names: tuple[str, ...]) -> tuple[ssl.SSLContext | None, tuple[str, ...]]:
    """Return what encrypts for these *names*, the link's first, and what is to be known of it."""
    if arguments.cert:
        return _given(arguments.cert, arguments.key, names[0])
    if arguments.key:
        raise EntranceError(f"--key {arguments.key} has no certificate: name that with --cert")
    return _made(names) if arguments.https else (None, ())


def _made(names: tuple[str, ...]) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """Make a certificate for the run; its authority's key is forgotten with it."""
    import trustme

    now = datetime.now(UTC)
    certificate = trustme.CA().issue_cert(
        *dict.fromkeys(names), not_before=now - timedelta(days=1), not_after=now + LASTING
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(tls)
    digest = sha256(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())).digest()
    fingerprint = digest.hex(":").upper()  # as browsers show it
    words = (
        "HTTPS with a certificate that was made for this run, and that no browser knows: each will warn that it cannot "
        "tell who answers. It is right to: go on only where it shows this SHA-256 fingerprint of the certificate",
        fingerprint,
        "Some browsers (Safari) open no socket so; --cert and --key take a certificate that a device trusts",
    )
    return tls, words


def _given(cert: Path, key: Path | None, name: str) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """Take a certificate from files."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = _certificate(cert)
    try:
        tls.load_cert_chain(cert, key, password=_no_password)
    except _EncryptedError as error:
        raise EntranceError(f"{key or cert}: the key has a passphrase; write it without one") from error
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise EntranceError(_refused(cert, key, error)) from error
    return tls, _doubts(certificate, cert, name)


class _EncryptedError(Exception):
    """A key has a passphrase."""


def _no_password() -> str:
    """Answer to OpenSSL, which would ask on the terminal."""
    raise _EncryptedError


def _refused(cert: Path, key: Path | None, error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return f"{key or cert}: the key is not of the certificate in {cert}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"{key or cert}: {error.strerror}"
    return f"{key or cert} has no key in PEM; name the file that has it with --key"


def _certificate(file: Path) -> "Certificate":
    """Return the first certificate of a file, whose time it is."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        raise EntranceError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise EntranceError(f"{file} has no certificate in PEM") from error
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= datetime.now(UTC) < ends:
        raise EntranceError(f"{file} is a certificate from {begins:%d %b %Y} to {ends:%d %b %Y}; name a current one")
    return certificate


def _doubts(certificate: "Certificate", file: Path, name: str) -> tuple[str, ...]:
    """Say that a certificate is not for the name in the link."""
    told = _names(certificate)
    stars = [name.partition(".")[2] == one[2:] for one in told if one.startswith("*.")]
    if name in told or any(stars):
        return ()
    return (f"{file} is for {', '.join(told) or 'no host'}, and the link names {name}: browsers will warn",)


def _names(certificate: "Certificate") -> list[str]:
    from cryptography import x509

    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*told.get_values_for_type(x509.DNSName), *map(str, told.get_values_for_type(x509.IPAddress))]
