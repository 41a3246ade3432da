"""Anchors: the client's bookmarks, one per device and metric ("*" for a client that keeps only one)."""

from typing import Any

from sqlalchemy import Connection

from healthbox.store import settings

BACKFILL_MS = 30 * 86_400_000


# Newest first, the closed batches of one device and metric whose anchor may stand: all of 0..final present and done, and something
# in them (an empty sync is a locked phone: recorded, the bookmark stays). Only those beyond the one that the bookmark came from.
_READY = """SELECT id, anchor FROM batch WHERE device_id=:device AND coalesce(metric, '*')=:metric
AND id BETWEEN max(:first, 1 + coalesce((SELECT batch_id FROM anchor WHERE device_id=:device AND metric=:metric), 0)) AND :last
AND closed_at IS NOT NULL AND anchor IS NOT NULL AND (SELECT count(*) = final + 1 AND sum(position) > 0
FROM chunk WHERE batch_id=batch.id AND idx<=final AND status='done') ORDER BY id DESC LIMIT 1"""
# From the chunks that are open or dead to their batches: as long as what waits, however many batches there ever were.
_HOLDS = """SELECT min(b.id) FROM (
  SELECT DISTINCT batch_id FROM chunk INDEXED BY chunk_next WHERE status IN ('pending', 'running') AND batch_id<:before
  UNION ALL SELECT batch_id FROM chunk INDEXED BY chunk_dead WHERE status='dead' AND batch_id<:before
) AS held CROSS JOIN batch AS b ON b.id=held.batch_id WHERE b.device_id=:device AND coalesce(b.metric, '*')=:metric"""


def settle(c: Connection, batch_id: int, now: int) -> bool:
    """Move the anchor of a device and metric as far as it may go now that this batch of theirs is closed or repaired: to the newest
    batch from this one on that is whole, and before which none holds a dead chunk, or one that may still die. Whether it moved."""
    device, metric = c.exec_driver_sql("SELECT device_id, coalesce(metric, '*') FROM batch WHERE id=?", (batch_id,)).one()
    given = {"device": device, "metric": metric, "first": batch_id, "last": 1 << 62}
    while ready := c.exec_driver_sql(_READY, given).fetchone():
        holder = c.exec_driver_sql(_HOLDS, given | {"before": ready[0]}).scalar()
        if holder is None:
            c.exec_driver_sql(
                "INSERT OR REPLACE INTO anchor (device_id, metric, anchor, batch_id, moved_at) VALUES (?,?,?,?,?)",
                (device, metric, ready[1], ready[0], now),
            )
            return True
        given["last"] = holder
    return False


def state(c: Connection, device_id: int, now: int) -> dict[str, Any]:
    """What the device asks before a sync: the box's epoch, its anchors, and from when to send where there is none."""
    rows = c.exec_driver_sql("SELECT metric, anchor, moved_at FROM anchor WHERE device_id=? ORDER BY metric", (device_id,)).fetchall()
    return {
        "epoch": settings.epoch(c),
        "anchors": {row[0]: {"anchor": row[1], "last_sync": row[2]} for row in rows},
        "since": now - BACKFILL_MS,
        "resend_from": settings.restored_from(c),
    }
