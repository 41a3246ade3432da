"""The one way out: an HTTP client that goes only where it may.

A host name is resolved once and the connection made to exactly that address, so a name that answers differently a moment
later gains nothing. Redirects are not followed, proxies and .netrc are not read, replies are cut off at a size and a time.
"""

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as TooSlow

from healthbox.domain.errors import Forbidden, Invalid, Problem, Unavailable

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

REPLY_CAP = 64 * 1024
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0

PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")  # 100.64/10: carriers, Tailscale
)
# Where clouds hand out the machine's own credentials; two of them look private, one looks public.
METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")))
# IPv6 ranges that carry an IPv4 address in their lowest bits: the address inside is the one that is reached.
CARRIERS = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
OLD_IPV4 = re.compile(r"(?:0[xX][0-9a-fA-F]*|\d+)(?:\.(?:0[xX][0-9a-fA-F]*|\d+)){0,3}")  # 127.1, 0x7f.1, 2130706433, 0177.0.0.1


class Reply(msgspec.Struct, frozen=True):
    """What a server answered; ``body`` is whole, never longer than the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def innermost(ip: IP) -> IP:
    """The address that a packet to ``ip`` really reaches: mapped, translated, 6to4 and Teredo forms unpacked."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if int(ip) > 1 and any(ip in network for network in CARRIERS):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def refusal(ip: IP, *, private: bool, loopback: bool) -> str | None:
    """Why nothing may be sent to this address, or None when it may."""
    ip = innermost(ip)
    if ip in METADATA:
        return "is a cloud's metadata address"
    if ip.is_loopback:
        return None if loopback else "is this very machine"
    if any(ip in network for network in PRIVATE if network.version == ip.version):
        return None if private else "is in a private network"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved or not ip.is_global:
        return "is not an address that messages can be sent to"
    return None


def literal(host: str) -> IP | None:
    """The address that ``host`` writes out, in any of the notations that resolvers accept, or None for a name."""
    text = host.strip().removeprefix("[").removesuffix("]").partition("%")[0].rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        if not OLD_IPV4.fullmatch(text):
            return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        raise Forbidden("This host is neither a name nor an address.", hint="Write the host as a name or as 192.168.1.20.") from None


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver gives them. Raises Unavailable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable("The host's name could not be resolved.", hint="Check the host name and this machine's DNS.") from None
    return [str(row[4][0]) for row in found]


def guard(host: str, port: int, *, private: bool, loopback: bool, resolver: Resolve = resolve) -> str:
    """The one address to connect to. Raises Forbidden when the host has none that is allowed, Unavailable when unknown."""
    if not host or not 0 < port < 65536 or any(character.isspace() or ord(character) < 33 for character in host):
        raise Forbidden("This host or port cannot be used.", hint="Write it as host:port.")
    written = literal(host)
    reason = "has no address"
    for ip in [written] if written else [ipaddress.ip_address(text.partition("%")[0]) for text in resolver(host, port)]:
        refused = refusal(ip, private=private, loopback=loopback)
        if refused is None:
            return str(ip)
        reason = refused
    setting = {"is this very machine": "allow_loopback_targets", "is in a private network": "allow_private_targets"}.get(reason)
    hint = f"The setting {setting} = true allows it." if setting else "Use the address of the service itself."
    raise Forbidden(f"Nothing is sent to this host: it {reason}.", hint=hint, code="address_refused")


class _Pinned(HTTPAdapter):
    """Connects to one address, while TLS still asks for and checks the name."""

    def __init__(self, host: str, *, tls: bool) -> None:
        self._names = {"server_hostname": host, "assert_hostname": host} if tls else {}
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self._names)


def _parts(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.password:
        raise Invalid("This is not an address that can be called.", hint="It looks like https://host/path, without a password in it.")
    return parts, host, port or (443 if parts.scheme == "https" else 80)


def send(
    method: str,
    url: str,
    *,
    private: bool,
    loopback: bool,
    headers: Mapping[str, str] | None = None,
    body: bytes | Mapping[str, str] | None = None,
    cap: int = REPLY_CAP,
    seconds: float = TOTAL_SECONDS,
    resolver: Resolve = resolve,
) -> Reply:
    """One request, one reply of any status; a mapping as ``body`` is sent as a form.

    Raises Forbidden (address guard), Invalid (URL) or Unavailable (refused, too slow, too long). No error quotes the
    address, which may hold a secret.
    """
    parts, host, port = _parts(url)
    ip = guard(host, port, private=private, loopback=loopback, resolver=resolver)
    place = f"[{ip}]" if ":" in ip else ip
    pinned = urlunsplit((parts.scheme, f"{place}:{port}", parts.path or "/", parts.query, ""))
    ends = time.monotonic() + seconds
    with requests.Session() as session:
        session.trust_env = False
        session.mount(f"{parts.scheme}://", _Pinned(host, tls=parts.scheme == "https"))
        try:
            with session.request(
                method,
                pinned,
                data=dict(body) if isinstance(body, Mapping) else body,
                headers={"User-Agent": "healthbox", **(headers or {}), "Host": parts.netloc},
                timeout=(min(CONNECT_SECONDS, seconds), seconds),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return Reply(answer.status_code, dict(answer.headers), _read(answer, cap, ends))
        except (requests.RequestException, HTTPError) as problem:
            raise _unavailable(problem) from None


def _read(answer: requests.Response, cap: int, ends: float) -> bytes:
    """The body as it trickles in: each piece is looked at, so that a server cannot hold us by sending one byte at a time."""
    parts, size = [], 0
    while part := answer.raw.read1(8192, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > cap:
            raise Unavailable("The server's answer is too long.", code="reply_too_long")
        if time.monotonic() > ends:
            raise Unavailable("The server took too long to answer.", code="timed_out")
    return b"".join(parts)


def _unavailable(problem: requests.RequestException | HTTPError) -> Problem:
    if isinstance(problem, requests.Timeout | TooSlow):
        return Unavailable("The server took too long to answer.", code="timed_out")
    if isinstance(problem, requests.exceptions.SSLError):
        return Unavailable("The server's certificate could not be verified.", code="certificate")
    return Unavailable("The server could not be reached.", code="unreachable")
