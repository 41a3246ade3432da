"""The ledger's repairs: chunks made due again, given up, taken back."""

from typing import NamedTuple

from sqlalchemy import Connection

STEP = 5_000


class Part(NamedTuple):
    """A chunk as a replay sees it; ``spool`` names its file where the body lies in one."""

    id: int
    status: str
    kept: bool
    spool: str | None


def parts(c: Connection, batch_id: int) -> list[Part]:
    """Every chunk of a batch, in its order."""
    rows = c.exec_driver_sql(
        "SELECT id, status, body IS NOT NULL OR spool IS NOT NULL, spool FROM chunk WHERE batch_id=? ORDER BY idx", (batch_id,)
    ).fetchall()
    return [Part(row[0], row[1], bool(row[2]), row[3]) for row in rows]


def restart(c: Connection, batch_id: int, chunk_ids: list[int], now: int) -> None:
    """From the first record on: the batch's counts and rejections start anew; ``as_of`` stays."""
    c.exec_driver_sql(
        "UPDATE chunk SET status='pending', attempts=0, position=0, share=NULL, due_at=?, error=NULL, finished_at=NULL WHERE id=?",
        [(now, chunk_id) for chunk_id in chunk_ids],
    )
    c.exec_driver_sql("DELETE FROM rejection WHERE batch_id=?", (batch_id,))
    c.exec_driver_sql(
        "UPDATE batch SET status='processing', closed_at=NULL, unfinished=NULL, new=0, updated=0, duplicate=0, deleted=0, rejected=0, "
        "touched_at=? WHERE id=?",
        (now, batch_id),
    )


def revive(c: Connection, chunk_ids: list[int], now: int) -> int:
    """Dead letters due again from where they stopped."""
    done = 0
    for chunk_id in chunk_ids:
        if c.exec_driver_sql(
            "UPDATE chunk SET status='pending', attempts=0, due_at=?, error=NULL, finished_at=NULL WHERE id=? AND status='dead'",
            (now, chunk_id),
        ).rowcount:
            done += 1
            c.exec_driver_sql(
                "UPDATE batch SET status='processing', closed_at=NULL, touched_at=? WHERE id=(SELECT batch_id FROM chunk WHERE id=?)",
                (now, chunk_id),
            )
    return done


def discard(c: Connection, chunk_ids: list[int], now: int) -> list[int]:
    """Dead letters given up; returns their batches."""
    batches = []
    for chunk_id in chunk_ids:
        row = c.exec_driver_sql(
            "UPDATE chunk SET status='discarded', finished_at=? WHERE id=? AND status='dead' RETURNING batch_id", (now, chunk_id)
        ).fetchone()
        if row is not None:
            batches.append(row[0])
    return sorted(set(batches))


def retire_bodies(c: Connection, now: int, *, keep_ms: int, keep_duplicates_ms: int, limit: int = STEP) -> tuple[int, list[str]]:
    """Let the bodies of uploads go that are worked off and old enough: how many, and the spool files to remove.

    All of an upload or nothing, so that it can be read again as a whole; never while a part of it is unread or dead."""
    rows = c.exec_driver_sql(
        "SELECT chunk.id, spool FROM chunk JOIN batch ON batch.id=batch_id WHERE (body IS NOT NULL OR spool IS NOT NULL) "
        "AND closed_at < CASE WHEN batch.new+updated+deleted+rejected=0 THEN ? ELSE ? END AND NOT EXISTS "
        "(SELECT 1 FROM chunk AS part WHERE part.batch_id=batch.id AND part.status NOT IN ('done', 'discarded')) LIMIT ?",
        (now - keep_duplicates_ms, now - keep_ms, limit),
    ).fetchall()
    if rows:
        c.exec_driver_sql("UPDATE chunk SET body=NULL, spool=NULL WHERE id=?", [(row[0],) for row in rows])
    return len(rows), [row[1] for row in rows if row[1]]


def spooled(c: Connection) -> set[str]:
    """Every spool file that a row names."""
    return {
        row[0]
        for row in c.exec_driver_sql(
            "SELECT spool FROM chunk WHERE spool IS NOT NULL "
            "UNION ALL SELECT held FROM reconcile WHERE state IN ('reading','counting','asking','moving')"
        ).fetchall()
    }
