"""Receipts: what became of every record of a batch."""

import json
from typing import Any

from sqlalchemy import Connection

from healthbox.domain.errors import NotFound
from healthbox.domain.records import Rejected
from healthbox.store import superseding

LETTERS = 1_000  # dead letters in a list
LISTED = 10_000  # refused records of one upload that are kept with their text

_COLUMNS = (
    "batch.id, public, batch.format, batch.status, device.name, batch.client, batch.anchor, batch.metric, final, unfinished, "
    "batch.new, updated, duplicate, deleted, rejected, batch.created_at, started_at, closed_at, device.id"
)

_LETTER = ("id", "batch", "chunk", "format", "device", "attempts", "error", "bytes", "accepted", "person_id")
_DEAD = (
    "SELECT chunk.id, public, idx, batch.format, device.name, attempts, error, size, accepted_at, batch.person_id FROM chunk "
    "JOIN batch ON batch.id=batch_id JOIN device ON device.id=device_id WHERE chunk.status='dead'"
)

# The bytes of its parts that are worked off. Inside an open part only the reader of a file knows: where nobody does it counts
# as nothing, or for an upload of this one part ("dark") as not known.
BEHIND = "total(size * CASE WHEN chunk.status IN ('pending', 'running') THEN coalesce(chunk.share, 0) ELSE 1 END)"
DARK = "total(chunk.status IN ('pending', 'running') AND chunk.position>0 AND chunk.share IS NULL)"
_WORKED_OFF = f"SELECT coalesce(sum(size), 0), max(finished_at), {BEHIND}, {DARK} FROM chunk WHERE batch_id=?"


def add_rejections(c: Connection, batch_id: int, idx: int, rejections: list[Rejected]) -> None:
    """Each with its text, up to ``LISTED`` of an upload: what is all wrong must not fill the disk. The count counts them all."""
    if rejections:
        (listed,) = c.exec_driver_sql("SELECT count(*) FROM rejection WHERE batch_id=?", (batch_id,)).one()
        rejections = rejections[: max(LISTED - listed, 0)]
    if rejections:
        c.exec_driver_sql(
            "INSERT INTO rejection (batch_id, idx, position, code, reason, raw) VALUES (?,?,?,?,?,?)",
            [(batch_id, idx, r.position, r.code, r.reason[:300], r.raw[:2000]) for r in rejections],
        )


def receipt(c: Connection, person_id: int, public: str, *, cursor: int = 0, limit: int = 100) -> dict[str, Any]:
    """One batch with its chunks, counts and a page of rejections. Raises ``NotFound`` for another person's."""
    row = c.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM batch JOIN device ON device.id=device_id WHERE batch.person_id=? AND public=?",
        (person_id, public),
    ).fetchone()
    if row is None:
        raise NotFound("There is no such upload.", hint="See the list of uploads.")
    found = _summary(c, row)
    rejections = c.exec_driver_sql(
        "SELECT id, idx, position, code, reason, raw FROM rejection WHERE batch_id=? AND id>? ORDER BY id LIMIT ?",
        (row[0], cursor, limit + 1),
    ).fetchall()
    found["rejections"] = [{"chunk": r[1], "position": r[2], "code": r[3], "reason": r[4], "raw": r[5]} for r in rejections[:limit]]
    found["unlisted"] = max(found["records"]["rejected"] - LISTED, 0)
    found["kept"] = bool(
        c.exec_driver_sql(
            "SELECT count(*)>0 AND min(body IS NOT NULL OR spool IS NOT NULL OR status='discarded') FROM chunk WHERE batch_id=?", (row[0],)
        ).scalar_one()
    )
    aside = superseding.aside(c, row[0])
    found["superseded"] = None if aside is None else aside._asdict()  # what this export lacks and therefore sets aside
    found["cursor"] = rejections[limit - 1][0] if len(rejections) > limit else None
    found["errors"] = [
        {"chunk": r[0], "error": r[1], "attempts": r[2]}
        for r in c.exec_driver_sql(
            "SELECT idx, error, attempts FROM chunk WHERE batch_id=? AND error IS NOT NULL ORDER BY idx LIMIT 100", (row[0],)
        ).fetchall()
    ]
    return found


def listing(c: Connection, person_id: int, *, limit: int = 50, cursor: int | None = None) -> dict[str, Any]:
    """Batches, newest first; ``cursor`` continues below the last one of the page before."""
    rows = c.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM batch JOIN device ON device.id=device_id WHERE batch.person_id=? AND (? IS NULL OR batch.id<?) "
        "ORDER BY batch.id DESC LIMIT ?",
        (person_id, cursor, cursor, limit + 1),
    ).fetchall()
    page = rows[:limit]
    return {"batches": [_summary(c, row) for row in page], "cursor": page[-1][0] if len(rows) > limit else None}


def being_read(c: Connection, person_id: int, limit: int = 20) -> list[dict[str, Any]]:
    """Batches that have parts to be worked off, oldest first."""
    rows = c.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM batch JOIN device ON device.id=device_id WHERE batch.person_id=? AND batch.id IN "
        "(SELECT batch_id FROM chunk INDEXED BY chunk_next WHERE status IN ('pending', 'running')) ORDER BY batch.id LIMIT ?",
        (person_id, limit),
    ).fetchall()
    return [_summary(c, row) for row in rows]


def _summary(c: Connection, row: Any) -> dict[str, Any]:
    states: dict[str, int] = {
        state[0]: state[1]
        for state in c.exec_driver_sql("SELECT status, count(*) FROM chunk WHERE batch_id=? GROUP BY status", (row[0],)).fetchall()
    }
    size, last, behind, dark = c.exec_driver_sql(_WORKED_OFF, (row[0],)).one()
    read = sum(row[10:15])  # every record became one of these
    return {
        "batch": row[1],
        "format": row[2],
        "status": row[3],
        "device": row[4],
        "client": row[5],
        "anchor": row[6],
        "metric": row[7],
        "chunks": {"total": sum(states.values())} | {name: states.get(name, 0) for name in ("pending", "running", "done", "dead")},
        "unfinished": json.loads(row[9]) if row[9] else None,
        "records": {"new": row[10], "updated": row[11], "duplicate": row[12], "deleted": row[13], "rejected": row[14]},
        "bytes": size,
        "share": share_of(size, behind, dark, sum(states.values())),
        "read": read,
        "timings": {"accepted": row[15], "started": row[16], "processed": last, "closed": row[17]},
    }


def share_of(size: float, behind: float, dark: float, parts: int) -> float | None:
    """How much of an upload is worked off, 0 to 1, from its parts' ``BEHIND`` and ``DARK``."""
    return None if not size or (dark and parts == 1) else behind / size


def dead(c: Connection, person_id: int | None = None, *, limit: int = LETTERS) -> list[dict[str, Any]]:
    """Dead letters, oldest first (of one person, or of all for the command line); ``ledger.dead_count`` says how many there are."""
    rows = c.exec_driver_sql(f"{_DEAD} AND (?1 IS NULL OR batch.person_id=?1) ORDER BY chunk.id LIMIT ?2", (person_id, limit)).fetchall()
    return [dict(zip(_LETTER, row, strict=True)) for row in rows]


def dead_letter(c: Connection, letter: int, person_id: int | None = None) -> dict[str, Any]:
    """One of them. Raises ``NotFound`` for another person's, and for one that is dead no more."""
    row = c.exec_driver_sql(f"{_DEAD} AND (?1 IS NULL OR batch.person_id=?1) AND chunk.id=?2", (person_id, letter)).fetchone()
    if row is None:
        raise NotFound(f"There is no dead letter {letter}.", hint="It may have been read or discarded meanwhile: see the list of them.")
    return dict(zip(_LETTER, row, strict=True))
