"""Under which names and paths this server answers, and whom it believes about that.

``base_url`` governs: its path is the mount point (a proxy may strip it or not), its host always passes, and a request that
asks for that host counts as having come by its scheme, since TLS may end in a proxy that is not told apart here.
Names that only a home network resolves pass by default; any other could be a page on the internet that points its own
name at this machine (DNS rebinding), and is answered with the one line to set.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request

from healthbox.config import Settings
from healthbox.web.house import house

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOME_SUFFIXES = (".local", ".lan", ".home.arpa", ".localhost")
FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_VIA",
)
VIA_PROXY = "healthbox.forwarded"  # in the environ: somebody between the client and us said so, believed or not
DEFAULT_PORT = {"http": 80, "https": 443}


def within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address lies in one of the networks; IPv4 in IPv6 clothes counts as IPv4."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in ipaddress.ip_network(network, strict=False) for network in networks)


def split_host(host: str) -> tuple[str, int | None]:
    """'[::1]:80' → ('::1', 80); an unreadable one gives ('', None)."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return "", None
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return "", None
    return (parts.hostname or "").rstrip("."), port


def is_home(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.endswith(HOME_SUFFIXES) or (name != "" and "." not in name)
    return True


def host_passes(host: str, settings: Settings) -> bool:
    return _passes(host, settings.base_url)


@lru_cache(maxsize=256)
def _passes(host: str, base_url: str) -> bool:
    name, _ = split_host(host)
    own = urlsplit(base_url).hostname if base_url else None
    return is_home(name) or (own is not None and name == own.rstrip("."))


class Front:
    """WSGI, before Flask: believes trusted proxies only, and mounts the application at the path of ``base_url``."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        self.app = app
        self.proxies = settings.trusted_proxies
        base = urlsplit(settings.base_url)
        self.scheme, self.path = base.scheme, base.path.rstrip("/")
        self.host = (base.hostname or "", base.port or DEFAULT_PORT.get(base.scheme))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self._forwarded(environ)
        if self._is_own_host(environ):
            environ["wsgi.url_scheme"] = self.scheme
        if self.path:
            path = environ.get("PATH_INFO", "")
            if path == self.path or path.startswith(self.path + "/"):
                environ["PATH_INFO"] = path[len(self.path) :] or "/"
            environ["SCRIPT_NAME"] = self.path
        return self.app(environ, start_response)

    def _forwarded(self, environ: "WSGIEnvironment") -> None:
        said = {name: environ.pop(name) for name in FORWARDED if name in environ}
        environ[VIA_PROXY] = bool(said)
        if not said or not within(environ.get("REMOTE_ADDR", ""), self.proxies):
            return
        # From the right: each hop appended the peer that it saw, so the first one we do not trust is the client.
        for address in reversed([part.strip() for part in said.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]):
            try:
                environ["REMOTE_ADDR"] = str(ipaddress.ip_address(address.strip("[]")))
            except ValueError:
                break
            if not within(environ["REMOTE_ADDR"], self.proxies):
                break
        if (scheme := said.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()) in DEFAULT_PORT:
            environ["wsgi.url_scheme"] = scheme
        if host := said.get("HTTP_X_FORWARDED_HOST", "").split(",")[-1].strip():
            environ["HTTP_HOST"] = host

    def _is_own_host(self, environ: "WSGIEnvironment") -> bool:
        if not self.scheme:
            return False
        name, port = split_host(environ.get("HTTP_HOST", ""))
        # A proxy often passes the name without its port; nobody but base_url's own name gets here.
        return name == self.host[0] and port in (None, self.host[1])


def refuse_other_hosts() -> Response | None:
    """Before every request: a page or JSON that says what to set, for a name that is not ours."""
    host = request.environ.get("HTTP_HOST", "")
    if not host or host_passes(host, house().settings):  # without a Host header no browser is at work
        return None
    if request.endpoint == "static":  # the page that says so needs its style; files of the release are no secret
        return None
    name, _ = split_host(host)
    line = f'base_url = "{request.scheme}://{host if name else "your-name"}"'
    if request.path.startswith("/api/"):
        error = {"code": "wrong_host", "message": "This server does not answer under that name.", "hint": f"Set {line}"}
        return make_response({"error": error}, 421)
    return make_response(render_template("wrong_host.html", host=name, line=line), 421)


def same_origin() -> bool:
    """Whether an unsafe request came from a page of ours, as far as the browser says; a client that says nothing is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {f"{request.scheme}://{request.host}"}
    if house().settings.base_url:
        base = urlsplit(house().settings.base_url)
        own.add(f"{base.scheme}://{base.netloc}")
    return _normal(origin) in {_normal(url) for url in own}


def _normal(origin: str) -> tuple[str, str, int | None]:
    scheme, _, host = origin.partition("://")
    name, port = split_host(host)
    return scheme.lower(), name, port or DEFAULT_PORT.get(scheme.lower())


def links_root() -> str:
    """Where links for other devices begin (pairing, messages): ``base_url``, else the address that was asked for; no slash at the end."""
    return house().settings.base_url.rstrip("/") or f"{request.scheme}://{request.host}{request.script_root}"
