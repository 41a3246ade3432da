"""Who may open which route: the one place.

    public    anybody
    ingest    a device token with that scope: may send, and see what became of it
    read      a device token with that scope: may read its person's health data
    admin     a device token with that scope: sees how the server does, no health data
    account   a logged-in browser
    keeper    a logged-in browser whose account is an admin

A route names scopes of one kind, any of which opens it. Token routes never look at cookies, so no other site can make a
browser open them; cookie routes take unsafe requests only from our own pages (Origin, Sec-Fetch-Site) and with the session's
token, as field ``csrf`` or header ``X-CSRF-Token``.
"""

import hmac
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from flask import Flask, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import DiskFull, Forbidden, NotFound, Unauthenticated, Unavailable
from healthbox.store import devices
from healthbox.store.devices import Device
from healthbox.web import masks, sessions
from healthbox.web.database import writing
from healthbox.web.hosts import VIA_PROXY, same_origin, within
from healthbox.web.house import house, now
from healthbox.web.sessions import Visitor

TOKEN_SCOPES = frozenset(devices.SCOPES)
COOKIE_SCOPES = frozenset({"account", "keeper"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


class Opening(NamedTuple):
    scopes: frozenset[str]
    networks: str | None  # the setting whose networks need no token


def opens(*scopes: str, networks: str | None = None) -> Callable[[View], View]:
    """Say who may open a view. ``networks`` names a setting: requests straight from there need no token."""
    wanted = frozenset(scopes)
    if not (wanted == {"public"} or (wanted and (wanted <= TOKEN_SCOPES or wanted <= COOKIE_SCOPES))):
        raise ValueError(f"{', '.join(scopes) or 'nothing'}: scopes are public, or some of one kind of those that auth.py names")

    def mark(view: View) -> View:
        view.opening = Opening(wanted, networks)  # type: ignore[attr-defined]
        return view

    return mark


def opening_of(app: Flask, endpoint: str) -> Opening:
    return cast(Opening, cast(Any, app.view_functions[endpoint]).opening)


def insist_on_scopes(app: Flask) -> None:
    """At start: a route that does not say who may open it is a mistake of ours."""
    for rule in app.url_map.iter_rules():
        if not hasattr(app.view_functions[rule.endpoint], "opening"):
            raise RuntimeError(f"{rule.rule} ({rule.endpoint}) does not say who may open it: put @opens(...) above its function")


def admit() -> AnyResponse | None:
    """Before every request: lets it in, sends it to the login page, or raises Unauthenticated or Forbidden."""
    if request.endpoint is None:
        return None  # no such page or method: the router has its answer ready
    opening = opening_of(current_app, request.endpoint)
    if opening.scopes <= TOKEN_SCOPES:
        if not _from_allowed_network(opening):
            g.device = _by_token(opening.scopes)
        return None
    if request.method not in SAFE and not same_origin():
        raise Forbidden("This form was sent from another site.", hint="Open healthbox itself and try again.", code="cross_site")
    if opening.scopes == {"public"}:
        return None
    return _by_cookie(opening.scopes)


def given_token() -> str | None:
    """The token of ``Authorization: Bearer``, ``X-API-Key`` or ``api-key``."""
    kind, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    if kind.lower() == "bearer" and rest.strip():
        return rest.strip()
    return (request.headers.get("X-API-Key") or request.headers.get("api-key") or "").strip() or None


def _by_token(scopes: frozenset[str]) -> Device:
    text = given_token()
    if text is None:
        hint = "Send it as a header, never in the address: Authorization: Bearer hbx_…, X-API-Key or api-key."
        raise Unauthenticated("This needs a device token.", hint=hint)
    at = now()
    with house().database.glance() as c:
        device = devices.authenticate(c, text, at)
    if device is None:
        hint = "Make a new one on the page Data, or: healthbox token add"
        raise Unauthenticated("This token is not known, or it was revoked.", hint=hint)
    if not scopes & device.scopes:
        wanted = " or ".join(sorted(scopes))
        raise Forbidden(f"This token lacks the scope {wanted}.", hint="Make a token with that scope.", code="scope")
    if devices.used_is_due(device, at):
        try:
            with writing() as c:
                devices.touch_used(c, device.id, at)
        except (DiskFull, Unavailable):
            pass  # the door itself will say so where it matters
    return device


def _from_allowed_network(opening: Opening) -> bool:
    """Straight from one of the setting's networks: behind a proxy on this machine everybody seems to come from it."""
    if opening.networks is None or request.environ.get(VIA_PROXY):
        return False
    return within(request.remote_addr or "", getattr(house().settings, opening.networks))


def _by_cookie(scopes: frozenset[str]) -> AnyResponse | None:
    visitor = maybe_visitor()
    if visitor is None:
        if request.method in ("GET", "HEAD"):
            return redirect(url_for("login.show", next=request.full_path.rstrip("?")), 303)
        raise Unauthenticated("You are not logged in any more.", hint="Log in and try again.")
    if request.method not in SAFE:
        given = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
        if not hmac.compare_digest(masks.unmask(given).encode("utf-8", "surrogatepass"), visitor.session.csrf.encode()):
            raise Forbidden("This form is out of date.", hint="Go back, reload the page and try again.", code="csrf")
    if "account" not in scopes and not visitor.account.admin:
        raise Forbidden("Only an admin may do that.", code="admin_only")
    return None


def maybe_visitor() -> Visitor | None:
    """The logged-in visitor of any page, public ones too."""
    if "visitor" not in g:
        g.visitor = sessions.find()
    return cast(Visitor | None, g.visitor)


def visitor() -> Visitor:
    """The logged-in visitor of an ``account`` or ``keeper`` route."""
    found = maybe_visitor()
    if found is None:
        raise Unauthenticated("You are not logged in.")
    return found


def device() -> Device:
    """The device of an ``ingest``, ``read`` or ``admin`` route."""
    return cast(Device, g.device)


def person_id() -> int:
    """Whose data this request may see: the device's person, or the account's own. Nobody else's, admin or not."""
    if "device" in g:
        return device().person_id
    own = visitor().account.person_id
    if own is None:
        raise NotFound("This account has no health data of its own.", hint="Give it a person on the page Settings.")
    return own
