"""The address under which a phone reaches this server: whether one can be it, and what it may be where nobody has said.

``base_url`` governs; else it is what the browser asked for, unless that leads back to the browser's own machine.
"""

import ipaddress
import re
import socket
import sys
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import request

from healthbox.domain.errors import Invalid
from healthbox.web.hosts import host_passes, links_root, split_host, within
from healthbox.web.house import house

LOOPBACK = ("127.0.0.0/8", "::1/128")
NOWHERE = ("0.0.0.0/8", "::/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8")
LONGEST = 200
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.ASCII)
_IN_A_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
_ANNOUNCED = (Path("/run/avahi-daemon/socket"), Path("/var/run/mDNSResponder"))  # who answers for NAME.local


def is_loopback(root: str) -> bool:
    """Whether an address leads back to whoever uses it."""
    name = urlsplit(root).hostname or ""
    return name == "localhost" or name.endswith(".localhost") or within(name, LOOPBACK)


def root() -> str | None:
    """Where a phone's links begin, as far as this request shows it; None when that is the browser's own machine."""
    here = links_root()
    return None if is_loopback(here) else here


def checked(text: str) -> str:
    """The address that a person typed, as links begin with it: no slash at the end, a path of the browser's dropped. Raises ``Invalid``."""
    text = text.strip()
    if not text:
        raise Invalid("Address: enter the one that the phone can reach.", hint="For example http://192.168.1.20:8765")
    given = text if "://" in text else f"{request.scheme}://{text}"
    scheme, _, rest = given.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    name, port = split_host(authority)
    if len(text) > LONGEST or not text.isprintable() or scheme.lower() not in ("http", "https") or not _is_host(name) or port == 0:
        raise Invalid("Address: this is not the address of a server.", hint="It looks like http://192.168.1.20:8765 or https://my-name.org")
    address = f"{scheme.lower()}://{f'[{name}]' if ':' in name else name}{f':{port}' if port else ''}"
    if is_loopback(address):
        raise Invalid(f"Address: {name} means the phone itself there.", hint="Enter this server’s address in your network.")
    if within(name, NOWHERE):
        raise Invalid(f"Address: {name} is no machine’s address.", hint="Enter this server’s address in your network.")
    if not host_passes(urlsplit(address).netloc, house().settings):
        raise Invalid(f"Address: healthbox does not answer as {name} yet.", hint=f'Set base_url = "{address}" and start it anew.')
    return address + request.script_root


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(_NAME.fullmatch(name)) and not name.replace(".", "").isdigit()
    return True


def suggestions() -> list[str]:
    """What the address may be: the machine's own in its networks and its name there, with the port that the browser came by."""
    _, port = split_host(request.host)
    names = [] if is_in_a_container() else [*_announced_names(), *lan_addresses()]
    return [f"{request.scheme}://{name}{f':{port}' if port else ''}{request.script_root}" for name in names]


def is_in_a_container() -> bool:
    """Then the machine's own addresses are those of the container, which no phone reaches."""
    return any(mark.exists() for mark in _IN_A_CONTAINER)


def only_listens_here() -> bool:
    """Whether the server itself is shut to the network; a proxy may stand before it all the same."""
    host = house().settings.host
    return host == "localhost" or within(host, LOOPBACK)


def lan_addresses() -> list[str]:
    """This machine's IPv4 addresses in its networks, the one that leads out first."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address: no packet is sent, the kernel only picks a route
            found.append(str(probe.getsockname()[0]))
        except OSError:
            pass
    return [address for address in dict.fromkeys([*found, *_named_addresses()]) if not within(address, (*LOOPBACK, *NOWHERE))]


@lru_cache(maxsize=1)
def _named_addresses() -> tuple[str, ...]:
    """Asked once: a name server that does not answer costs seconds."""
    try:
        return tuple(sorted({str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}))
    except OSError:
        return ()


def _announced_names() -> list[str]:
    name = socket.gethostname().partition(".")[0].lower()
    heard = sys.platform == "darwin" or any(mark.exists() for mark in _ANNOUNCED)
    return [f"{name}.local"] if heard and _NAME.fullmatch(name) and name != "localhost" else []
