"""Channels: where messages go, how much they tell, and what became of each one."""

from typing import Any, NamedTuple, cast

from flask import Blueprint, make_response, redirect, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Invalid, NotFound, Problem, Unavailable
from healthbox.notify import channels as services
from healthbox.notify.allowed import SERVICES
from healthbox.notify.channels import Outcome
from healthbox.pipeline import deliver
from healthbox.store import channels, deliveries, findings, metrics, people
from healthbox.store.channels import Channel, Detail
from healthbox.store.deliveries import SEVERITIES, Delivery
from healthbox.store.reading import PLAIN
from healthbox.store.vault import Vault
from healthbox.web import frame
from healthbox.web.auth import opens, person_id, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.pages.findings import metric_of
from healthbox.web.said import name_of

routes = Blueprint("channels", __name__)

DETAILS = (
    ("nothing", "Nothing", "“healthbox has something for you.” A lock screen, a mail server or a chat room learn nothing."),
    ("metric", "What it is about", "“Resting pulse is above your usual.” No number leaves this machine."),
    ("values", "The values", "“Resting pulse 61 bpm, usually 52–57.” Whoever runs the service can read it."),
)
LEAST = (("info", "everything worth knowing"), ("warn", "what is worth your attention"), ("urgent", "urgent things only"))
STATUS = {"sent": ("ok", "Sent"), "pending": ("", "Waiting"), "sending": ("", "Being sent"), "dead": ("crit", "Failed")}
NAME_LENGTH = 60
LOG_SHOWN = 30


class Sent(NamedTuple):
    """A line of the log. ``kind`` is the badge's."""

    delivery: Delivery
    about: str
    channel: str
    kind: str
    status: str


class Answer(NamedTuple):
    """What a service said to a test."""

    channel: Channel
    outcome: Outcome


@routes.get("/findings/channels")
@opens("account")
def show() -> str:
    return _page()


@routes.post("/findings/channels")
@opens("keeper")
def add() -> AnyResponse:
    """A new address. One for somebody else begins switched off and telling nothing: what it may say is that person's to choose."""
    try:
        whose, name, url, detail, least = _new()
        made = deliver.add_channel(
            house().database, _vault(), house().settings, whose, name=name, url=url, detail=detail, least=least, now=now()
        )
        if whose != person_id():
            with writing() as c:
                channels.change(c, made.id, name=made.name, detail="nothing", least=made.least, enabled=False)
    except Problem as problem:
        return make_response(_page(error=f"{problem.message} {problem.hint}".strip(), given=_kept()), _status(problem))
    return redirect(url_for("channels.show", added=made.id, _anchor=f"channel-{made.id}" if whose == person_id() else None), 303)


@routes.post("/findings/channels/<int:channel_id>")
@opens("account")
def change(channel_id: int) -> AnyResponse:
    with writing() as c:
        own = _own(c, channel_id)
        name, detail, least = _chosen(request.form.get("name", own.name).strip() or own.name)
        channels.change(c, channel_id, name=name, detail=detail, least=least, enabled="enabled" in request.form)
    return redirect(url_for("channels.show", saved=channel_id, _anchor=f"channel-{channel_id}"), 303)


@routes.post("/findings/channels/<int:channel_id>/address")
@opens("keeper")
def enter_again(channel_id: int) -> AnyResponse:
    """The address anew, after a restore without its key; only for the admin's own channels."""
    own = _own(reading(), channel_id)
    url = request.form.get("url", "").strip()
    try:
        if not url:
            raise Invalid("Enter the address.")
        service = services.check(url, house().settings)
        with writing() as c:
            channels.set_address(c, _vault(), own.id, service.label, url)
    except Problem as problem:
        return make_response(_page(error=f"{problem.message} {problem.hint}".strip(), at=channel_id), _status(problem))
    return redirect(url_for("channels.show", saved=channel_id, _anchor=f"channel-{channel_id}"), 303)


@routes.post("/findings/channels/<int:channel_id>/test")
@opens("account")
def test(channel_id: int) -> AnyResponse:
    """Send a message about nothing, now, and show what the service says."""
    own = _own(reading(), channel_id)
    try:
        outcome = deliver.send_test(house().database, _vault(), house().settings, own.id)
    except Problem as problem:
        outcome = Outcome(False, problem.hint, problem.message, problem.permanent)
    return make_response(_page(answer=Answer(own, outcome)))


@routes.post("/findings/channels/<int:channel_id>/remove")
@opens("account")
def remove(channel_id: int) -> AnyResponse:
    with writing() as c:
        channels.remove(c, _own(c, channel_id).id)
    return redirect(url_for("channels.show"), 303)


@routes.post("/findings/deliveries/<int:delivery_id>/again")
@opens("account")
def send_again(delivery_id: int) -> AnyResponse:
    with writing() as c:
        deliveries.again(c, person_id(), delivery_id, now())
    house().door.ring()
    return redirect(url_for("channels.show", _anchor="log"), 303)


def _own(c: Connection, channel_id: int) -> Channel:
    """A channel of the visitor's own person; another one's is not there, for an admin too."""
    found = channels.get(c, channel_id)
    if found.person_id != person_id():
        raise NotFound("There is no such channel.")
    return found


def _vault() -> Vault:
    vault = house().vault
    if vault is None:
        raise Unavailable("There is no key to seal addresses with.", hint="Start healthbox anew; healthbox check says more.")
    return cast(Vault, vault)


def _new() -> tuple[int, str, str, Detail, str]:
    form = request.form
    url, whose = form.get("url", "").strip(), form.get("person", "")
    if not url:
        raise Invalid("Enter the address of a service.", hint="The services and what their addresses look like are listed below.")
    name, detail, least = _chosen(form.get("name", "").strip())
    known = {person.id for person in people.list_persons(reading())}
    chosen = int(whose) if whose.isascii() and whose.isdigit() and len(whose) < 10 else person_id()
    if chosen not in known:
        raise Invalid("There is no such person.")
    return chosen, name, url, detail, least


def _chosen(name: str) -> tuple[str, Detail, str]:
    detail, least = request.form.get("detail", ""), request.form.get("least", "")
    if detail not in {key for key, *_ in DETAILS}:
        raise Invalid("Choose what messages may tell.")
    if least not in SEVERITIES:
        raise Invalid("Choose what is worth a message.")
    if len(name) > NAME_LENGTH or (name and not name.isprintable()):
        raise Invalid(f"A name has at most {NAME_LENGTH} printable characters.")
    return name, cast(Detail, detail), least


def _kept() -> dict[str, str]:
    """What of the form is shown again; never the address."""
    return {name: request.form.get(name, "") for name in ("name", "detail", "least", "person")}


def _status(problem: Problem) -> int:
    """The answer to a form that is open to this visitor: a refused address is an unusable input, not a missing right."""
    return problem.status if problem.status >= 500 else 422


def _page(error: str = "", given: dict[str, str] | None = None, answer: Answer | None = None, at: int | None = None) -> str:
    who = frame.person()
    own = channels.of_person(reading(), who.id, house().vault)
    values: dict[str, Any] = {
        "channels": own, "admin": visitor().account.admin, "people": [(str(one.id), one.name) for one in people.list_persons(reading())],
        "services": SERVICES, "details": DETAILS, "least": LEAST, "log": _log(own),
        "error": error, "given": given or {}, "answer": answer, "at": at,
        "saved": request.args.get("saved", ""), "added": request.args.get("added", ""), "name_length": NAME_LENGTH,
    }  # fmt: skip
    return frame.page("channels.html", None, **values)


def _log(own: list[Channel]) -> list[Sent]:
    names = {channel.id: channel.name for channel in own}
    told = deliveries.of_person(reading(), person_id(), LOG_SHOWN)
    of = findings.metrics_of(reading(), person_id(), {delivery.finding_id for delivery in told})
    known = metrics.catalogue(reading(), PLAIN)
    return [
        Sent(one, name_of(metric_of(known, of[one.finding_id])), names.get(one.channel_id, ""), *STATUS[one.status]) for one in told
    ]  # fmt: skip
