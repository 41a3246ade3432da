"""What devices sent of late and how their sources come, for the detectors of silent trouble. Bounded: the newest uploads alone."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import AnyConnection, driver
from healthbox.store.freshness import given_up

DAY_MS = 86_400_000
REACH_MS = 30 * DAY_MS
NEWEST = 400  # two weeks of an hourly automation


class Sent(NamedTuple):
    """A closed upload that held records; ``body`` is the SHA-256 of its first part, ``sent`` how often the client sent its most
    repeated part, ``last`` when (ms, 0: once only)."""

    at: int
    public: str
    body: bytes
    stored: int
    known: int
    refused: int
    sent: int
    last: int


class Coming(NamedTuple):
    """A device (``kind`` "") or a source that somebody still waits for; ``device`` carries a source."""

    id: int
    name: str
    kind: str
    since: int
    newest: int
    usual: int | None
    longest: int | None
    device: int | None


def uploads(c: Connection, device_id: int, now: int) -> list[Sent]:
    """The newest first. One that was closed more than a day after it came was incomplete or replayed and says nothing."""
    rows = c.exec_driver_sql(
        "SELECT created_at, public, (SELECT sha FROM chunk WHERE batch_id=batch.id ORDER BY idx LIMIT 1), new+updated+deleted, duplicate, "
        "rejected, 1 + coalesce(part.again, 0), coalesce(part.again_at, 0) FROM batch LEFT JOIN chunk AS part ON part.id="
        "(SELECT id FROM chunk INDEXED BY chunk_again WHERE batch_id=batch.id AND again>0 ORDER BY again DESC LIMIT 1) "
        "WHERE device_id=? AND created_at>? AND closed_at BETWEEN created_at AND created_at+? AND batch.status<>'removed' "
        "AND new+updated+deleted+duplicate+rejected>0 ORDER BY batch.id DESC LIMIT ?",
        (device_id, now - REACH_MS, DAY_MS, NEWEST),
    )
    return [Sent(*row) for row in rows.fetchall() if row[2] is not None]


def contacts(c: Connection, device_id: int, now: int) -> list[int]:
    """When (ms) it sent something, and be it nothing at all, the newest first."""
    asked = "SELECT created_at FROM batch WHERE device_id=? AND created_at>? ORDER BY id DESC LIMIT ?"
    return list(c.exec_driver_sql(asked, (device_id, now - REACH_MS, NEWEST)).scalars())


def devices(c: Connection, person_id: int, now: int) -> list[Coming]:
    """Devices whose token works, by their last contact."""
    rows = c.exec_driver_sql(
        "SELECT device.id, name, '', created_at, last_contact_at, usual, longest, NULL FROM device LEFT JOIN arrival "
        "ON arrival.person_id=device.person_id AND form='device' AND ref=device.id "
        "WHERE device.person_id=? AND revoked_at IS NULL AND last_contact_at IS NOT NULL ORDER BY device.id",
        (person_id,),
    )
    return _waited_for(rows.fetchall(), now)


def sources(c: Connection, person_id: int, now: int) -> list[Coming]:
    rows = c.exec_driver_sql(
        "SELECT source.id, name, kind, created_at, newest, usual, longest, carrier FROM arrival JOIN source ON source.id=ref "
        "WHERE arrival.person_id=? AND form='source' ORDER BY source.id",
        (person_id,),
    )
    return _waited_for(rows.fetchall(), now)


def _waited_for(rows: Iterable[Any], now: int) -> list[Coming]:
    return [one for one in (Coming(*row) for row in rows) if not given_up(one.newest, one.longest, now)]


def note_again(c: AnyConnection, public: str, idx: int, now: int) -> None:
    """The client sent once more a part that is held already: no row of its own, but a trace of a client that does not go on."""
    driver(c).execute(
        "UPDATE chunk SET again=again+1, again_at=? WHERE batch_id=(SELECT id FROM batch WHERE public=?) AND idx=?", (now, public, idx)
    )
