"""Devices: who may send or read, and tokens for programs; phones are paired on a page of their own (``pair``).

A token is shown in the answer that made it and never again.
"""

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Forbidden, Invalid, NotFound
from healthbox.store import anchors, devices, freshness
from healthbox.store.devices import Device
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id, visitor
from healthbox.web.database import reading, writing
from healthbox.web.frame import page, person
from healthbox.web.hosts import links_root
from healthbox.web.house import now
from healthbox.web.pages.data import restored, senders

routes = Blueprint("devices", __name__)

SCOPES = {
    "ingest": "Send data, and see what became of it",
    "read": "Read your health data",
    "admin": "Watch how the server does (no health data)",
}


@routes.get("/devices")
@opens("account")
def show() -> str:
    return _list("", "", ["read"])


@routes.post("/devices")
@opens("account")
def create() -> AnyResponse:
    """The answer is the only place where the token ever stands; no redirect could carry it."""
    name, scopes = request.form.get("name", ""), request.form.getlist("scope")
    if "admin" in scopes and not visitor().account.admin:
        raise Forbidden("Only an admin may make a token that watches the server.", code="admin_only")
    try:
        with writing() as c:
            device, token = devices.add_device(c, person_id(), name, scopes, now())
    except Invalid as wrong:
        words = wrong.message if scopes else "Choose what the device may do."
        return make_response(_list(name, words, scopes), 422)
    # live=None: a page that renewed itself would lose the token
    return make_response(page("device_made.html", "data", device=device, token=token, root=links_root(), live=None))


@routes.get("/devices/<int:device_id>")
@opens("account")
def one(device_id: int) -> str:
    device, reader = own_device(device_id), Reader.of(person(), now())
    found = freshness.arrivals(reading(), person_id())
    state = anchors.state(reading(), device.id, reader.now)
    return page(
        "device.html",
        "data",
        device=device,
        row=next(row for row in senders(reading(), person_id(), found, reader) if row.id == device.id),
        scopes=[words for scope, words in SCOPES.items() if scope in device.scopes],
        sends="ingest" in device.scopes,
        made=reader.moment(device.created_at),
        used=reader.ago(device.last_used_at),
        anchors=[(metric, reader.moment(a["last_sync"]), reader.iso(a["last_sync"])) for metric, a in state["anchors"].items()],
        since=reader.day(state["since"]),
        epoch=state["epoch"],
        restored=restored(reading(), reader),
    )


@routes.get("/devices/<int:device_id>/revoke")
@opens("account")
def ask(device_id: int) -> str:
    """A second thought, on a page of its own: the device's page stays free of forms and so renews itself."""
    return page("device_revoke.html", "data", device=own_device(device_id))


@routes.post("/devices/<int:device_id>/revoke")
@opens("account")
def revoke(device_id: int) -> AnyResponse:
    device = own_device(device_id)
    with writing() as c:
        devices.revoke(c, device.id, now())
    return redirect(url_for("devices.one", device_id=device.id), 303)


def own_device(device_id: int) -> Device:
    missing = NotFound("There is no such device.", hint="See the page Data.")
    device = devices.get_device(reading(), device_id)
    if device.person_id != person_id():
        raise missing
    return device


def _list(name: str, error: str, chosen: list[str]) -> str:
    reader = Reader.of(person(), now())
    found = freshness.arrivals(reading(), person_id())
    return page(
        "devices.html",
        "data",
        devices=senders(reading(), person_id(), found, reader),
        name=name,
        error=error,
        chosen=chosen,
        scopes=[(scope, words) for scope, words in SCOPES.items() if scope != "admin" or visitor().account.admin],
        long_name=devices.NAME_LENGTH,
    )
