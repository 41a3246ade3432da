"""Typed records kept whole (FHIR, ECG, symptoms, states of mind ...): found by uuid, else by their content."""

import hashlib
import json
import zlib

from sqlalchemy import Connection

from healthbox.domain.records import Clinical
from healthbox.domain.uuids import written
from healthbox.store.tombstones import buried

KIND = "clinical"  # stands for a metric where a deletion names one


def put(c: Connection, person_id: int, batch_id: int, source_id: int | None, record: Clinical, uuid: bytes | None, as_of: int) -> str:
    """Store one record; ``uuid`` is its own, packed. Returns "new", "updated", "duplicate" or "deleted"."""
    if uuid is not None and buried(c, person_id, KIND, [uuid]):
        return "deleted"
    text = json.dumps(record.data, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).digest()[:16]
    blob = zlib.compress(text.encode(), 6)
    if record.uuid is not None:
        standing = c.exec_driver_sql(
            "SELECT id, hash, as_of FROM clinical WHERE person_id=? AND kind=? AND uuid=?", (person_id, record.kind, record.uuid)
        ).fetchone()
    else:
        standing = c.exec_driver_sql(
            "SELECT id, hash, as_of FROM clinical WHERE person_id=? AND kind=? AND uuid IS NULL AND hash=?",
            (person_id, record.kind, digest),
        ).fetchone()
    if standing is None:
        c.exec_driver_sql(
            'INSERT INTO clinical (person_id, kind, uuid, start, "end", hash, json, source_id, as_of, batch_id) '
            "VALUES (?,?,?,?,?,?,?,?,?,?)",
            (person_id, record.kind, record.uuid, record.start, record.end, digest, blob, source_id, as_of, batch_id),
        )
        return "new"
    if standing[1] == digest and as_of > standing[2]:  # said again: younger than what was said in between
        c.exec_driver_sql("UPDATE clinical SET as_of=? WHERE id=?", (as_of, standing[0]))
    if standing[1] == digest or (as_of, digest) <= (standing[2], standing[1]):
        return "duplicate"
    c.exec_driver_sql(
        'UPDATE clinical SET start=?, "end"=?, hash=?, json=?, source_id=?, as_of=? WHERE id=?',
        (record.start, record.end, digest, blob, source_id, as_of, standing[0]),
    )
    return "updated"


def remove(c: Connection, person_id: int, uuid: bytes) -> int:
    text = written(uuid)
    return c.exec_driver_sql("DELETE FROM clinical WHERE person_id=? AND uuid IN (?,?)", (person_id, text, text.lower())).rowcount


def kinds(c: Connection, person_id: int) -> list[tuple[str, int, int | None]]:
    """(kind, how many, newest start) of the typed records that a person has."""
    rows = c.exec_driver_sql(
        "SELECT kind, count(*), max(start) FROM clinical WHERE person_id=? GROUP BY kind ORDER BY kind", (person_id,)
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
