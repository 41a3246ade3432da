"""Data: is it arriving, what became of it, what got lost, and who may send.

No form stands on this page, so that it renews itself while uploads run; whatever changes something is one tap further.
"""

from typing import Any, NamedTuple

from flask import Blueprint
from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.store import devices, freshness, ledger, metrics, receipts, settings
from healthbox.store.freshness import Arrival
from healthbox.web import arriving
from healthbox.web.arriving import Reader, Row
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.frame import page, person
from healthbox.web.house import now

routes = Blueprint("data", __name__)

RECENT = 6
SHOWN = 5
NOTICE_MS = 30 * arriving.DAY  # how long a restore is worth a notice


class Sender(NamedTuple):
    """A device in the list."""

    id: int
    name: str
    state: str
    words: str
    when: str
    iso: str
    revoked: bool


@routes.get("/data")
@opens("account")
def show() -> str:
    c, who = reading(), person()
    reader = Reader.of(who, now())
    found = freshness.arrivals(c, who.id)
    letters = ledger.dead_count(c, who.id)
    sources = [a for a in found if a.form == "source"]
    sent = receipts.listing(c, who.id, limit=RECENT)
    return page(
        "data.html",
        "data",
        heading=_unread(letters, reader) or _heading(sources or found, reader),
        newest=reader.ago(found[0].newest) if found else None,
        on_time=sum(a.state(reader.now) == "ok" for a in sources),
        sources=_rows(c, sources, reader),
        uploads=arriving.uploads(sent["batches"], reader),
        more_uploads=sent["cursor"] is not None,
        letters=[letter | {"when": reader.moment(letter["accepted"])} for letter in receipts.dead(c, who.id, limit=SHOWN)],
        letters_count=letters,
        devices=senders(c, who.id, found, reader),
        unknowns=metrics.unknowns(c, who.id),
        count=reader.figure,
        restored=restored(c, reader),
    )


def _unread(parts: int, reader: Reader) -> str:
    """What got lost goes before what is late."""
    if parts < 2:
        return "One part of an upload could not be read." if parts else ""
    return f"{reader.figure(parts)} parts of uploads could not be read."


def _heading(found: list[Arrival], reader: Reader) -> str:
    late = [a.name for a in found if a.late(reader.now)]
    if not found:
        return "Nothing has arrived yet."
    if not late:
        return "Everything arrives as usual."
    if len(late) == 1:
        return f"{late[0]} is late."
    return f"{late[0]} and {'one' if len(late) == 2 else len(late) - 1} more are late."


def _rows(c: Connection, sources: list[Arrival], reader: Reader) -> list[Row]:
    """Late ones first, those given up last."""
    catalogue = metrics.catalogue(c, Catalogue.load())
    order = {"late": 0, "ok": 1, "none": 2}
    rows = [arriving.source_row(arrival, catalogue, reader) for arrival in sources]
    return sorted(rows, key=lambda row: order[row.state])


def senders(c: Connection, person_id: int, found: list[Arrival], reader: Reader) -> list[Sender]:
    """Every device of a person, revoked ones last."""
    habits = {a.ref: a for a in found if a.form == "device"}
    rows = []
    for device in devices.list_devices(c, person_id):
        name, revoked = device.name, device.revoked_at is not None and device.revoked_at <= reader.now
        last = device.last_contact_at
        state, words = arriving.contact_words(habits.get(device.id), last, reader)
        if revoked and device.name == devices.IMPORTER:  # its token was never anybody's
            state, words, name = "usual", "The files that you imported", "Imported files"
        elif revoked:
            state, words = "none", f"Token revoked {reader.moment(device.revoked_at or 0)}; it cannot send any more"
        elif "ingest" not in device.scopes:
            last = device.last_used_at
            state, words = ("usual", "Only reads") if last else ("none", "Only reads; not used yet")
        rows.append(Sender(device.id, name, state, words, reader.ago(last), reader.iso(last) if last else "", revoked))
    return sorted(rows, key=lambda row: row.revoked)


def restored(c: Connection, reader: Reader) -> dict[str, Any] | None:
    """For a month after a restore: from which backup, and from when phones should send again."""
    since, at = settings.restored_from(c), settings.get(c, settings.RESTORED_AT)
    if since is None or (at is not None and reader.now - int(at) > NOTICE_MS):
        return None
    return {"since": reader.moment(since), "iso": reader.iso(since), "at": reader.moment(int(at)) if at else None}
