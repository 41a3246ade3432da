"""Pair: the one place where a phone or an app is connected. A token stands in the answer that made it and never again.

First what to know about the app and under which address the phone reaches this server, then a fresh token that may only send, with
everything the app has to be told; then the page waits for the first data. No address of ours ever holds a token.
"""

import json

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Invalid, NotFound
from healthbox.pipeline import heard
from healthbox.store import contact, devices
from healthbox.store.devices import Device
from healthbox.web import clients, pairing, reach
from healthbox.web.arriving import HOUR, Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.clients import CLIENTS, Client
from healthbox.web.database import reading, writing
from healthbox.web.frame import page, person
from healthbox.web.house import house, now
from healthbox.web.pages.devices import own_device
from healthbox.web.pairing import Told

routes = Blueprint("pair", __name__)


@routes.get("/pair")
@opens("account")
def show() -> str:
    return page("pair.html", "data", clients=CLIENTS.values())


@routes.get("/reached")
@opens("public")
def reached() -> str:
    """What the phone opens to see that it can: no login, and nothing about anybody."""
    return render_template("pair_reached.html")


@routes.get("/pair/<key>")
@opens("account")
def one(key: str) -> AnyResponse:
    client, given = _client(key), request.args.get("address")
    if given is None:
        return make_response(_before(client, reach.root()))
    try:
        return make_response(_before(client, reach.checked(given), typed=True))
    except Invalid as wrong:
        return make_response(_before(client, None, given=given, error=f"{wrong.message} {wrong.hint}".strip()), 422)


@routes.post("/pair/<key>")
@opens("account")
def create(key: str) -> AnyResponse:
    """The answer is the only place where the token ever stands; a form sent twice leads to the device that the first one made."""
    client, name, given = _client(key), request.form.get("name", ""), request.form.get("address", "")
    if made_before := _made_before(name):
        return redirect(url_for("pair.waiting", device_id=made_before.id), 303)
    try:
        root = reach.checked(given)
    except Invalid as wrong:
        return make_response(_before(client, None, given=given, name=name, error=f"{wrong.message} {wrong.hint}".strip()), 422)
    try:
        with writing() as c:
            device, token = devices.add_device(c, person_id(), name, ["ingest"], now())
    except Invalid as wrong:
        return make_response(_before(client, root, name=name, name_error=wrong.message), 422)
    address = f"{root}/api/v1/ingest"
    return make_response(
        page(
            "pair_made.html",
            "data",
            client=client,
            device=device,
            told=_told(device),
            token=token,
            root=root,
            address=address,
            codes=clients.codes(address, token) if client.key == "health-auto-export" else [],
            blocks=clients.fields(client.key, root, token),
            types=clients.SHORTCUT_TYPES,
            payload=json.dumps(clients.NOTHING),
            curl=clients.curl(address, token),
            live=None,  # a page that renewed itself would lose the token
        )
    )


@routes.get("/pair/waiting/<int:device_id>")
@opens("account")
def waiting(device_id: int) -> str:
    device = own_device(device_id)
    return page("pair_waiting.html", "data", device=device, told=_told(device))


def _client(key: str) -> Client:
    if key not in CLIENTS:
        raise NotFound("There is no such app here.", hint="Choose one on the page Pair.")
    return CLIENTS[key]


def _before(client: Client, root: str | None, *, typed: bool = False, given: str = "", name: str | None = None, error: str = "",
            name_error: str = "") -> str:  # fmt: skip
    """What comes before the token; ``root`` is the address that the phone is going to use, once that is known."""
    known = devices.list_devices(reading(), person_id())
    return page(
        "pair_client.html",
        "data",
        client=client,
        root=root,
        typed=typed,
        given=given or root or "",
        error=error,
        here=request.host_url.rstrip("/"),
        suggestions=reach.suggestions() if root is None or error else [],
        in_a_container=reach.is_in_a_container(),
        only_here=reach.only_listens_here() and root is None,
        test=f"{root}/reached" if root else None,
        test_code=clients.qr(f"{root}/reached") if root else None,
        name=f"{person().name}’s {client.device}" if name is None else name,
        name_error=name_error,
        after=known[-1].id if known else 0,
        long_name=devices.NAME_LENGTH,
    )


def _made_before(name: str) -> Device | None:
    """The device that this very form made already: the newest one came after the form was shown, under that name."""
    after = request.form.get("after", "")
    known = devices.list_devices(reading(), person_id())
    if not known or not after.isascii() or not after.isdigit() or len(after) > 18:
        return None
    last = known[-1]
    same = last.id > int(after) and last.name == " ".join(name.split()) and last.revoked_at is None
    return last if same and now() - last.created_at < HOUR else None


def _told(device: Device) -> Told:
    brought = contact.contact(reading(), device.id)
    names = heard.sources(reading(), house().settings.data, device.id, now()) if brought.kept else []
    return pairing.told(device, brought, names, Reader.of(person(), now()))
