"""The ledger: what was accepted, what has been worked off, what failed. It is the truth; Huey only rings.

batch   one thing a client sent: a sync in chunks, or one body. ``public`` is its name outside.
chunk   one body of it, in order of ``idx``; ``position`` counts its records that are applied, each step of at most
        ``SLICE`` records being one transaction with its mark, so a crash resumes at the last committed step.

Order: a chunk is claimed only when no earlier present chunk of its batch is open. A claim raises ``attempts`` first, so
that a chunk that kills the process ends as a dead letter; committed progress resets it.
"""

import json
import secrets
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import AnyConnection, driver

SLICE = 2_000
RETRY_S = (30, 90, 270)
QUIET_MS = 6 * 3_600_000


class Batch(NamedTuple):
    id: int
    public: str
    person_id: int
    device_id: int
    client: str | None
    format: str
    status: str
    zone: str
    final: int | None
    anchor: str | None
    metric: str | None
    created_at: int


class Claim(NamedTuple):
    chunk_id: int
    batch_id: int
    public: str
    person_id: int
    device_id: int
    format: str
    zone: str
    headers: dict[str, str]
    metric: str | None
    idx: int
    attempts: int
    position: int
    accepted_at: int
    as_of: int
    batch_as_of: int


_BATCH = "id, public, person_id, device_id, client, format, status, zone, final, anchor, metric, created_at"
_PART = f"SELECT {_BATCH}, (SELECT sha FROM chunk WHERE batch_id=batch.id AND idx=?) FROM batch WHERE device_id=? AND client=?"
_NEWEST = (
    f"SELECT {_BATCH} FROM batch WHERE device_id=? AND anchor=? AND (metric IS ? OR ? IS NULL) AND client IS NULL "
    "AND final IS NULL AND closed_at IS NULL ORDER BY id DESC LIMIT 1"
)


def find_part(c: AnyConnection, device_id: int, client: str, idx: int) -> tuple[Batch, bytes | None] | None:
    """The device's batch of that name, and the SHA-256 of its chunk ``idx`` where that is present."""
    row = driver(c).execute(_PART, (idx, device_id, client)).fetchone()
    return (Batch(*row[:-1]), row[-1]) if row else None


def open_batch(c: AnyConnection, device_id: int, anchor: str, metric: str | None) -> Batch | None:
    """The device's open batch for a client that names neither batch nor index: anchor token and type stand for it.

    A chunk without records names no type; it belongs to the newest open batch of its token."""
    row = driver(c).execute(_NEWEST, (device_id, anchor, metric, metric)).fetchone()
    return Batch(*row) if row else None


def get_batch(c: AnyConnection, batch_id: int) -> Batch:
    return Batch(*driver(c).execute(f"SELECT {_BATCH} FROM batch WHERE id=?", (batch_id,)).fetchone())


def by_public(c: Connection, public: str) -> Batch | None:
    row = c.exec_driver_sql(f"SELECT {_BATCH} FROM batch WHERE public=?", (public,)).fetchone()
    return Batch(*row) if row else None


def add_batch(
    c: AnyConnection,
    *,
    person_id: int,
    device_id: int,
    client: str | None,
    format: str,
    headers: dict[str, str],
    zone: str,
    anchor: str | None,
    metric: str | None,
    now: int,
) -> Batch:
    public = secrets.token_urlsafe(12).replace("-", "_")  # a command line would take a leading "-" for an option
    made = driver(c).execute(
        "INSERT INTO batch (public, person_id, device_id, client, format, status, headers, zone, anchor, metric, created_at, touched_at) "
        "VALUES (?,?,?,?,?,'pending',?,?,?,?,?,?)",
        (public, person_id, device_id, client, format, json.dumps(headers), zone, anchor, metric, now, now),
    )
    assert made.lastrowid is not None  # noqa: S101 - just inserted
    return Batch(made.lastrowid, public, person_id, device_id, client, format, "pending", zone, None, anchor, metric, now)


def find_same(c: AnyConnection, device_id: int, anchor: str, sha: bytes) -> tuple[Batch, int] | None:
    """The chunk with this very body that the device sent before under this anchor, for clients without an index."""
    row = (
        driver(c)
        .execute(
            "SELECT chunk.batch_id, chunk.idx FROM chunk JOIN batch ON batch.id = chunk.batch_id "
            "WHERE chunk.sha=? AND batch.device_id=? AND batch.anchor=? AND batch.client IS NULL ORDER BY chunk.id DESC LIMIT 1",
            (sha, device_id, anchor),
        )
        .fetchone()
    )
    return (get_batch(c, row[0]), row[1]) if row else None


def next_index(c: AnyConnection, batch_id: int) -> int:
    (found,) = driver(c).execute("SELECT coalesce(max(idx) + 1, 0) FROM chunk WHERE batch_id=?", (batch_id,)).fetchone()
    return int(found)


def add_chunk(
    c: AnyConnection,
    batch: Batch,
    idx: int,
    *,
    sha: bytes,
    body: bytes | None,
    spool: str | None,
    size: int,
    final: bool,
    anchor: str | None,
    now: int,
) -> None:
    """Keep a body. A late chunk reopens its batch; ``as_of`` is the first time the person sent this very body."""
    beneath = driver(c)
    made = beneath.execute(
        "INSERT INTO chunk (batch_id, idx, sha, body, spool, size, status, due_at, accepted_at, as_of) VALUES "
        "(?,?,?,?,?,?,'pending',?,?, coalesce((SELECT min(chunk.as_of) FROM chunk JOIN batch ON batch.id = chunk.batch_id "
        "WHERE chunk.sha=? AND batch.person_id=?), ?))",
        (batch.id, idx, sha, body, spool, size, now, now, sha, batch.person_id, now),
    )
    beneath.execute(
        "UPDATE batch SET touched_at=?, as_of=min(coalesce(as_of, it), it), closed_at=NULL, unfinished=NULL, "
        "final=coalesce(?, final), anchor=coalesce(?, anchor), "
        "status=CASE WHEN started_at IS NULL THEN 'pending' ELSE 'processing' END "
        "FROM (SELECT as_of AS it FROM chunk WHERE id=?) WHERE id=?",
        (now, idx if final else None, anchor, made.lastrowid, batch.id),
    )


def reset_running(c: Connection) -> int:
    """At boot: what ran when the process ended is due again; its attempt stays counted."""
    return c.exec_driver_sql("UPDATE chunk SET status='pending' WHERE status='running'").rowcount


def claim(c: Connection, now: int, *, after: int = 0, besides: Collection[int] = ()) -> Claim | None:
    """Take the next due chunk: the first open one of a batch, batches taking turns from the one behind ``after`` on, ``besides``
    these batches."""
    chunk_id = _due_head(c, now, after, 1 << 62, besides) or _due_head(c, now, 0, after, besides)
    if chunk_id is None:
        return None
    c.exec_driver_sql("UPDATE chunk SET status='running', attempts=attempts+1 WHERE id=?", (chunk_id,))
    found = c.exec_driver_sql(
        "SELECT chunk.id, batch.id, public, person_id, device_id, format, zone, headers, metric, idx, attempts, "
        "position, accepted_at, chunk.as_of, batch.as_of FROM chunk JOIN batch ON batch.id=chunk.batch_id WHERE chunk.id=?",
        (chunk_id,),
    ).one()
    c.exec_driver_sql("UPDATE batch SET status='processing', started_at=coalesce(started_at, ?) WHERE id=?", (now, found[1]))
    values = list(found)
    values[7] = json.loads(values[7])
    return Claim._make(values)


def _due_head(c: Connection, now: int, after: int, last: int, besides: Collection[int]) -> int | None:
    """The first open chunk of the first batch in (after, last] whose first open chunk is due and not worked on."""
    while True:
        head = c.exec_driver_sql(
            "SELECT batch_id, id, status, due_at FROM chunk WHERE status IN ('pending', 'running') AND batch_id>? AND batch_id<=? "
            "ORDER BY batch_id, idx LIMIT 1",
            (after, last),
        ).fetchone()
        if head is None:
            return None
        if head[2] == "pending" and head[3] <= now and head[0] not in besides:
            return int(head[1])
        after = head[0]


def body_of(c: Connection, chunk_id: int) -> tuple[bytes | None, str | None]:
    """The chunk's compressed body, or the name of its spool file; both ``None`` when retention took it."""
    row = c.exec_driver_sql("SELECT body, spool FROM chunk WHERE id=?", (chunk_id,)).one()
    return row[0], row[1]


def advance(
    c: Connection, claim: Claim, *, position: int, done: bool, counts: dict[str, int], now: int, share: float | None = None
) -> None:
    """Mark a step: called in the very transaction that stored its records. ``share``: how far a file is worked off, 0 to 1."""
    c.exec_driver_sql(
        "UPDATE chunk SET position=?, share=?, attempts=0, error=NULL, status=?, finished_at=? WHERE id=?",
        (position, share, "done" if done else "pending", now if done else None, claim.chunk_id),
    )
    add = {name: counts.get(name, 0) for name in ("new", "updated", "duplicate", "deleted", "rejected")}
    c.exec_driver_sql(
        "UPDATE batch SET new=new+?, updated=updated+?, duplicate=duplicate+?, deleted=deleted+?, "
        "rejected=rejected+?, touched_at=? WHERE id=?",
        (*add.values(), now, claim.batch_id),
    )


def fail(c: Connection, claim: Claim, *, error: str, permanent: bool, now: int) -> str:
    """An attempt failed: due again after 30, 90, 270 s, then a dead letter; a permanent failure is dead at once."""
    if permanent or claim.attempts > len(RETRY_S):
        c.exec_driver_sql("UPDATE chunk SET status='dead', error=?, finished_at=? WHERE id=?", (error, now, claim.chunk_id))
        return "dead"
    due = now + RETRY_S[claim.attempts - 1] * 1000
    c.exec_driver_sql("UPDATE chunk SET status='pending', due_at=?, error=? WHERE id=?", (due, error, claim.chunk_id))
    return "pending"


def pull_back(c: Connection, now: int, longest_ms: int) -> int:
    """What is due later than anything ever waits was put off by a clock that was ahead: it is due now. How many rows it was."""
    late = (now, now + longest_ms)
    chunks = c.exec_driver_sql("UPDATE chunk SET due_at=? WHERE status='pending' AND due_at>?", late).rowcount
    return chunks + c.exec_driver_sql("UPDATE dirty_day SET marked_at=? WHERE marked_at>?", late).rowcount


def give_back(c: Connection, claim: Claim, *, due_at: int) -> None:
    """No fault of the chunk's (clean stop, full disk, busy): due again, the attempt not counted."""
    c.exec_driver_sql("UPDATE chunk SET status='pending', attempts=max(attempts-1, 0), due_at=? WHERE id=?", (due_at, claim.chunk_id))


def bury_exhausted(c: Connection, now: int) -> int:
    """At boot: chunks that took the process with them on every attempt become dead letters instead of a boot loop."""
    return c.exec_driver_sql(
        "UPDATE chunk SET status='dead', finished_at=?, error='the process ended while this chunk was worked on' "
        "WHERE status IN ('pending','running') AND attempts>?",
        (now, len(RETRY_S)),
    ).rowcount


def closable(c: Connection, now: int) -> list[int]:
    """Open batches with no open chunk that are complete, or silent for six hours."""
    rows = c.exec_driver_sql(
        "SELECT id FROM batch WHERE closed_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM chunk WHERE chunk.batch_id=batch.id AND status IN ('pending','running')) "
        "AND ((final IS NOT NULL AND final + 1 = (SELECT count(*) FROM chunk WHERE chunk.batch_id=batch.id AND "
        "idx<=final)) OR touched_at<?) "
        "ORDER BY id LIMIT 200",
        (now - QUIET_MS,),
    ).fetchall()
    return [row[0] for row in rows]


def is_complete(c: Connection, batch_id: int) -> bool:
    """Whether chunks 0 to the final one are all present and none is open."""
    return (
        c.exec_driver_sql(
            "SELECT 1 FROM batch WHERE id=? AND closed_at IS NULL AND final IS NOT NULL AND final + 1 = "
            "(SELECT count(*) FROM chunk WHERE batch_id=batch.id AND idx<=final) "
            "AND NOT EXISTS (SELECT 1 FROM chunk WHERE batch_id=batch.id AND status IN ('pending','running'))",
            (batch_id,),
        ).fetchone()
        is not None
    )


def may_close(c: Connection, now: int) -> bool:
    """Whether some open batch could be closed."""
    return bool(closable(c, now))


def close(c: Connection, batch_id: int, now: int) -> str:
    """Give the batch its final status; returns it. ``unfinished`` names the chunks that never came. Not while a chunk is open."""
    batch = get_batch(c, batch_id)
    rows: list[Any] = list(c.exec_driver_sql("SELECT idx, status FROM chunk WHERE batch_id=?", (batch_id,)).fetchall())
    present = {row[0]: row[1] for row in rows}
    if not {"pending", "running"}.isdisjoint(present.values()):
        return batch.status
    last = batch.final if batch.final is not None else max(present, default=-1)
    missing = [idx for idx in range(last + 1) if idx not in present]
    unfinished = None
    if missing or batch.final is None:
        unfinished = json.dumps({"missing": missing[:100], "final_seen": batch.final is not None})
    dead = sum(status in ("dead", "discarded") for status in present.values())
    if dead and dead == len(present):
        status = "failed"
    elif dead or unfinished:
        status = "completed_with_errors"
    else:
        rejected = c.exec_driver_sql("SELECT rejected FROM batch WHERE id=?", (batch_id,)).scalar_one()
        status = "completed_with_errors" if rejected else "completed"
    c.exec_driver_sql("UPDATE batch SET status=?, unfinished=?, closed_at=? WHERE id=?", (status, unfinished, now, batch_id))
    return status


def next_due(c: Connection) -> int | None:
    """When the earliest waiting chunk falls due (ms), or ``None`` when nothing waits."""
    found = c.exec_driver_sql("SELECT min(due_at) FROM chunk WHERE status IN ('pending', 'running')").scalar_one()
    return None if found is None else int(found)


def dead_ids(c: Connection, person_id: int | None = None) -> list[int]:
    """The chunks that failed for good and wait for a person's decision (one's, or all), oldest first."""
    found = c.exec_driver_sql(
        "SELECT chunk.id FROM chunk JOIN batch ON batch.id=batch_id WHERE chunk.status='dead' AND (?1 IS NULL OR person_id=?1) "
        "ORDER BY chunk.id",
        (person_id,),
    )
    return list(found.scalars())


def dead_count(c: Connection, person_id: int | None = None) -> int:
    return len(dead_ids(c, person_id))


def depth(c: Connection) -> tuple[int, int | None]:
    """How many chunks are open, and when the oldest of them was accepted (ms)."""
    row = c.exec_driver_sql("SELECT count(*), min(accepted_at) FROM chunk WHERE status IN ('pending','running')").one()
    return int(row[0]), row[1]
