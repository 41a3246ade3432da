"""Is the data arriving? Each source and device against its own habit, kept as rows so that pages read no samples."""

import json
import statistics
from typing import Any, NamedTuple

from sqlalchemy import Connection

LEAST_MS = 30 * 60_000
SAMPLED = 200


class Arrival(NamedTuple):
    """``newest`` is the latest instant measured (source) or contact made (device), ``usual`` the median gap; all ms."""

    form: str  # source | device
    ref: int
    name: str
    kind: str
    newest: int
    usual: int | None
    longest: int | None  # the 99th percentile of the gaps

    def late(self, now: int) -> bool:
        """Older than thrice its own median gap (half an hour at least) and than nearly all gaps it ever had."""
        if self.usual is None:
            return False
        return now - self.newest > max(3 * self.usual, LEAST_MS, self.longest or 0)


def refresh(c: Connection, person_id: int) -> None:
    """Compute every source's habit from its own newest readings; called when the queue is idle after new data."""
    rows = c.exec_driver_sql("SELECT id, source_id FROM series WHERE person_id=?", (person_id,)).fetchall()
    newest: dict[int, int] = {}
    gaps: dict[int, list[int]] = {}
    for series_id, source_id in rows:
        starts = [
            row[0] for row in c.exec_driver_sql("SELECT start FROM sample WHERE series_id=? ORDER BY start DESC LIMIT ?", (series_id, SAMPLED))
        ] or [
            row[0] // 1000
            for row in c.exec_driver_sql('SELECT "end" FROM sleep_stage WHERE series_id=? ORDER BY start DESC LIMIT ?', (series_id, SAMPLED))
        ]
        if not starts:
            continue
        newest[source_id] = max(newest.get(source_id, 0), starts[0] * 1000)
        own = [(a - b) * 1000 for a, b in zip(starts, starts[1:], strict=False) if a > b]
        if len(own) > len(gaps.get(source_id, [])):
            gaps[source_id] = own
    for source_id, at in newest.items():
        _put(c, person_id, "source", source_id, at, gaps.get(source_id, []))
    for device_id, at in c.exec_driver_sql(
        "SELECT id, last_contact_at FROM device WHERE person_id=? AND last_contact_at IS NOT NULL AND revoked_at IS NULL", (person_id,)
    ).fetchall():
        times = [
            row[0]
            for row in c.exec_driver_sql("SELECT created_at FROM batch WHERE device_id=? ORDER BY id DESC LIMIT ?", (device_id, SAMPLED))
        ]
        _put(c, person_id, "device", device_id, at, [a - b for a, b in zip(times, times[1:], strict=False) if a - b > 60_000])


def _put(c: Connection, person_id: int, form: str, ref: int, newest: int, gaps: list[int]) -> None:
    usual = int(statistics.median(gaps)) if len(gaps) >= 3 else None
    longest = sorted(gaps)[min(len(gaps) - 1, int(len(gaps) * 0.99))] if len(gaps) >= 3 else None
    c.exec_driver_sql(
        "INSERT OR REPLACE INTO arrival (person_id, form, ref, newest, usual, longest) VALUES (?,?,?,?,?,?)",
        (person_id, form, ref, newest, usual, longest),
    )


def arrivals(c: Connection, person_id: int) -> list[Arrival]:
    """Sources and devices, the most recent first."""
    rows = c.exec_driver_sql(
        "SELECT form, ref, coalesce(source.name, device.name), coalesce(source.kind, 'device'), newest, usual, longest FROM arrival "
        "LEFT JOIN source ON form='source' AND source.id=ref LEFT JOIN device ON form='device' AND device.id=ref "
        "WHERE arrival.person_id=? AND coalesce(source.name, device.name) IS NOT NULL AND device.revoked_at IS NULL ORDER BY newest DESC, form, ref",
        (person_id,),
    ).fetchall()
    return [Arrival(*row) for row in rows]


def pill(c: Connection, person_id: int, now: int) -> tuple[dict[str, Any], int]:
    """The frame's freshness pill ({state, text}: the worst late source, else how old the newest is) and the open findings."""
    found = arrivals(c, person_id)
    open_findings = c.exec_driver_sql("SELECT count(*) FROM finding WHERE person_id=? AND state='open'", (person_id,)).scalar_one()
    waiting = c.exec_driver_sql(
        "SELECT count(*) FROM chunk JOIN batch ON batch.id=batch_id WHERE person_id=? AND chunk.status IN ('pending','running')", (person_id,)
    ).scalar_one()
    late = [a for a in found if a.late(now)]
    if waiting:
        state, text = "ok", f"{waiting} chunk{'s' if waiting > 1 else ''} waiting"
    elif late:
        worst = max(late, key=lambda a: (now - a.newest) / max(a.usual or 1, 1))
        state, text = "late", f"{worst.name or 'A device'} is late"
    elif found:
        state, text = "ok", "All data in"
    else:
        state, text = "none", "No data yet"
    return {"state": state, "text": text, "busy": waiting > 0}, int(open_findings)


def stamp(c: Connection, person_id: int) -> str:
    """Changes whenever a page of this person could look different for another reason than the clock."""
    row = c.exec_driver_sql(
        "SELECT (SELECT max(touched_at) FROM batch WHERE person_id=?), (SELECT count(*) FROM dirty_day WHERE person_id=?), "
        "(SELECT max(changed_at) FROM finding WHERE person_id=?)",
        (person_id, person_id, person_id),
    ).one()
    return json.dumps(list(row), separators=(",", ":"))
