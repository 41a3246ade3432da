"""Anchors: the client's bookmarks, one per device and metric ("*" for a client that keeps only one)."""

from typing import Any

from sqlalchemy import Connection

from healthbox.store import settings

BACKFILL_MS = 30 * 86_400_000


def settle(c: Connection, batch_id: int, now: int) -> bool:
    """Move the anchor that a closed batch carries, if it may: all of 0..final present and done, forward in accept order,
    and no earlier batch of that device and metric holds a dead chunk, or one that may still die. Returns whether it moved."""
    row = c.exec_driver_sql("SELECT device_id, coalesce(metric, '*'), anchor, final FROM batch WHERE id=?", (batch_id,)).one()
    device_id, metric, anchor, final = row
    if anchor is None or final is None:
        return False
    done, records = c.exec_driver_sql(
        "SELECT count(*), coalesce(sum(position), 0) FROM chunk WHERE batch_id=? AND idx<=? AND status='done'", (batch_id, final)
    ).one()
    if done != final + 1 or records == 0:  # an empty sync is a locked phone: recorded, the bookmark stays
        return False
    blocked = c.exec_driver_sql(
        "SELECT 1 FROM batch AS b JOIN chunk ON chunk.batch_id=b.id WHERE b.device_id=? AND coalesce(b.metric,'*')=? AND b.id<? "
        "AND chunk.status IN ('dead','pending','running') LIMIT 1",
        (device_id, metric, batch_id),
    ).fetchone()
    if blocked is not None:
        return False
    moved = c.exec_driver_sql(
        "INSERT INTO anchor (device_id, metric, anchor, batch_id, moved_at) VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET "
        "anchor=excluded.anchor, batch_id=excluded.batch_id, moved_at=excluded.moved_at WHERE excluded.batch_id>anchor.batch_id",
        (device_id, metric, anchor, batch_id, now),
    )
    return moved.rowcount > 0


def unblocked(c: Connection, batch_id: int) -> list[int]:
    """Closed batches whose anchor may move now that this one has no dead chunk any more (itself first)."""
    rows = c.exec_driver_sql(
        "SELECT later.id FROM batch AS this JOIN batch AS later ON later.device_id=this.device_id "
        "AND coalesce(later.metric,'*')=coalesce(this.metric,'*') AND later.id>=this.id "
        "WHERE this.id=? AND later.closed_at IS NOT NULL AND later.anchor IS NOT NULL ORDER BY later.id",
        (batch_id,),
    ).fetchall()
    return [row[0] for row in rows]


def state(c: Connection, device_id: int, now: int) -> dict[str, Any]:
    """What the device asks before a sync: the box's epoch, its anchors, and from when to send where there is none."""
    rows = c.exec_driver_sql("SELECT metric, anchor, moved_at FROM anchor WHERE device_id=? ORDER BY metric", (device_id,)).fetchall()
    return {
        "epoch": settings.epoch(c),
        "anchors": {row[0]: {"anchor": row[1], "last_sync": row[2]} for row in rows},
        "since": now - BACKFILL_MS,
        "resend_from": settings.restored_from(c),
    }
