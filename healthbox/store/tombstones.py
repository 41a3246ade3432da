"""Deletions: durable rows, asked at every insert; what they remove is found by the callers in their own tables."""

from collections.abc import Iterable

from sqlalchemy import Connection


def buried(c: Connection, person_id: int, metric: str, uuids: Iterable[bytes]) -> set[bytes]:
    """Which of these uuids the person's client has deleted: of this metric, or without saying of which."""
    wanted = list(uuids)
    found: set[bytes] = set()
    for at in range(0, len(wanted), 500):
        part = wanted[at : at + 500]
        marks = ",".join("?" * len(part))
        rows = c.exec_driver_sql(
            f"SELECT uuid FROM tombstone WHERE person_id=? AND uuid IN ({marks}) AND metric IN ('', ?)",
            (person_id, *part, metric),
        )
        found.update(row[0] for row in rows)
    return found


def bury(c: Connection, person_id: int, metric: str, uuids: Iterable[bytes], batch_id: int, now: int) -> list[bytes]:
    """Remember deletions; returns the ones not known before (only those can still have something to remove)."""
    fresh = []
    for uuid in uuids:
        done = c.exec_driver_sql(
            "INSERT OR IGNORE INTO tombstone (person_id, uuid, metric, batch_id, at) VALUES (?,?,?,?,?)",
            (person_id, uuid, metric, batch_id, now),
        )
        if done.rowcount:
            fresh.append(uuid)
    return fresh
