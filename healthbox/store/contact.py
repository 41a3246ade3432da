"""What a device has brought so far, for the page that waits for it: counts of its newest uploads, and where their bodies lie."""

import json
from typing import NamedTuple

from sqlalchemy import Connection

RECENT = 500  # uploads that are looked through: a device just paired has few


class Contact(NamedTuple):
    """``kept`` are records that are here now, known ones too; ``newest`` and ``dead`` name uploads, "" where there is none."""

    uploads: int
    open: int
    kept: int
    rejected: int
    newest: str
    dead: str
    error: str


class Sent(NamedTuple):
    """A body that is kept."""

    chunk_id: int
    format: str
    zone: str
    headers: dict[str, str]


_OF_DEVICE = "WITH mine AS (SELECT * FROM batch WHERE device_id=:device ORDER BY id DESC LIMIT :recent)"


def contact(c: Connection, device_id: int) -> Contact:
    given = {"device": device_id, "recent": RECENT}
    row = c.exec_driver_sql(
        f"{_OF_DEVICE} SELECT count(*), coalesce(sum(closed_at IS NULL), 0), coalesce(sum(new+updated+duplicate+deleted), 0), "
        "coalesce(sum(rejected), 0), coalesce((SELECT public FROM mine ORDER BY id DESC LIMIT 1), '') FROM mine",
        given,
    ).one()
    dead = c.exec_driver_sql(
        f"{_OF_DEVICE} SELECT public, coalesce(error, '') FROM mine JOIN chunk ON batch_id=mine.id WHERE chunk.status='dead' "
        "ORDER BY chunk.id DESC LIMIT 1",
        given,
    ).first()
    return Contact(*row, *(dead or ("", "")))


def bodies(c: Connection, device_id: int, limit: int) -> list[Sent]:
    """The newest bodies that were read and are kept."""
    rows = c.exec_driver_sql(
        f"{_OF_DEVICE} SELECT chunk.id, mine.format, mine.zone, mine.headers FROM mine JOIN chunk ON batch_id=mine.id "
        "WHERE chunk.status='done' AND (body IS NOT NULL OR spool IS NOT NULL) ORDER BY chunk.id DESC LIMIT :limit",
        {"device": device_id, "recent": RECENT, "limit": limit},
    )
    return [Sent(chunk_id, form, zone, json.loads(headers)) for chunk_id, form, zone, headers in rows]
