"""Is the data arriving? Each source and device against its own habit, kept as rows so that pages read no samples.

A habit is two numbers: ``usual``, the median gap between readings (told apart by a minute at least), and ``longest``, the 99th
percentile of its silences. A source can be no fresher than the phone that carries it, so the phone's own longest silence is added.
Late is who has been silent for longer than ``longest``, than three usual gaps and than half an hour. Whoever stays silent for a
month, or ten times his longest silence, is not late any more but given up: a replaced watch must not be complained about for ever.
"""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from healthbox.store import receipts

MINUTE_MS = 60_000
LEAST_MS = 30 * MINUTE_MS
GIVEN_UP_MS = 30 * 24 * 60 * MINUTE_MS
ALIVE_MS = 7 * 24 * 60 * MINUTE_MS
LEAST_GAPS = 3
FINE, COARSE, NIGHT = 60, 1_800, 43_200  # seconds by which two readings are told apart
STEPS = 200

State = Literal["ok", "late", "none"]

# Newest first, in steps of at least :grain seconds: one look-up a step, however many readings lie between.
_WALK = """WITH RECURSIVE step (at) AS (
  SELECT max(start) FROM {rows}
  UNION ALL
  SELECT (SELECT max(start) FROM {rows} AND start <= step.at - :grain) FROM step WHERE step.at IS NOT NULL
  LIMIT :steps) SELECT at FROM step WHERE at IS NOT NULL"""
_COUNTED = {"sample": "sample WHERE series_id = :series", "sleep_stage": "sleep_stage WHERE series_id = :series AND superseded = 0"}
_SAMPLES, _STAGES = (_WALK.format(rows=rows) for rows in _COUNTED.values())


def given_up(newest: int, longest: int | None, now: int) -> bool:
    """Whether nobody waits for it any more."""
    return now - newest > max(GIVEN_UP_MS, 10 * (longest or 0))


class Arrival(NamedTuple):
    """``newest`` is the latest instant measured (source) or contact made (device), ``usual`` the median gap; all ms."""

    form: str  # source | device
    ref: int
    name: str
    kind: str
    newest: int
    usual: int | None
    longest: int | None
    metric: str | None = None  # the one that speaks for a source's habit

    def late(self, now: int) -> bool:
        """Silent for longer than its habit allows, and not so long that nobody waits for it any more."""
        return self.state(now) == "late"

    def state(self, now: int) -> State:
        """``none`` is who has no habit and has been silent for a month, or was given up."""
        age = now - self.newest
        if given_up(self.newest, self.longest, now):
            return "none"
        if self.usual is None:
            return "ok"
        return "late" if age > max(3 * self.usual, LEAST_MS, self.longest or 0) else "ok"


class _Habit(NamedTuple):
    newest: int
    usual: int | None
    longest: int | None


class _Series(NamedTuple):
    id: int
    source_id: int
    metric: str
    habit: _Habit


Habits = list[tuple[str, int, _Habit, int | None]]


def habits(c: Connection, person_id: int) -> Habits:
    """Every habit as the newest readings and uploads have it now, for ``put``: (form, ref, habit, the device that carries it)."""
    rows: Habits = []
    phones: dict[int, _Habit] = {}
    for device_id, at in c.exec_driver_sql(
        "SELECT id, last_contact_at FROM device WHERE person_id=? AND last_contact_at IS NOT NULL", (person_id,)
    ).fetchall():
        sent = c.exec_driver_sql("SELECT created_at FROM batch WHERE device_id=? ORDER BY id DESC LIMIT ?", (device_id, STEPS)).scalars()
        phones[device_id] = _habit(at, [gap for gap in _gaps(sent) if gap > MINUTE_MS])
        rows.append(("device", device_id, phones[device_id], None))
    by_source: dict[int, list[_Series]] = defaultdict(list)
    for series_id, source_id, metric in c.exec_driver_sql(
        "SELECT id, source_id, metric FROM series WHERE person_id=? ORDER BY id", (person_id,)
    ).fetchall():
        times = _walk(c, series_id, FINE) or _walk(c, series_id, NIGHT, _STAGES)
        if times:
            by_source[source_id].append(_Series(series_id, source_id, metric, _habit(times[0], _gaps(times))))
            rows.append(("series", series_id, by_source[source_id][-1].habit, None))
    for source_id, several in by_source.items():
        speaker = _speaker(several)
        silences = _gaps(_walk(c, speaker.id, COARSE)) or [speaker.habit.longest or 0]
        device_id = _carrier(c, speaker.id)
        carrier = phones.get(device_id or 0)
        habit = _habit(max(one.habit.newest for one in several), silences)
        longest = None if speaker.habit.usual is None else max(habit.longest or 0, speaker.habit.longest or 0)
        if longest is not None and carrier is not None:
            longest += carrier.longest or 0
        rows.append(("source", source_id, _Habit(habit.newest, speaker.habit.usual, longest), device_id))
    return rows


def put(c: Connection, person_id: int, rows: Habits) -> None:
    c.exec_driver_sql("DELETE FROM arrival WHERE person_id=?", (person_id,))
    if rows:
        c.exec_driver_sql(
            "INSERT INTO arrival (person_id, form, ref, newest, usual, longest, carrier) VALUES (?,?,?,?,?,?,?)",
            [(person_id, form, ref, *habit, carrier) for form, ref, habit, carrier in rows],
        )


def _walk(c: Connection, series_id: int, grain: int, statement: str = _SAMPLES) -> list[int]:
    """Instants (ms) of a series, the newest first, thinned to one in ``grain`` seconds."""
    unit = 1 if statement is _STAGES else 1000  # sleep stages are kept in ms, samples in seconds
    found = c.exec_driver_sql(statement, {"series": series_id, "grain": grain * 1000 // unit, "steps": STEPS})
    return [at * unit for at in found.scalars()]


def _gaps(times: Iterable[int]) -> list[int]:
    return [newer - older for newer, older in pairwise(times)]


def _habit(newest: int, gaps: list[int]) -> _Habit:
    if len(gaps) < LEAST_GAPS:
        return _Habit(newest, None, None)
    return _Habit(newest, int(statistics.median(gaps)), sorted(gaps)[int((len(gaps) - 1) * 0.99)])


def _speaker(several: list[_Series]) -> _Series:
    """The series that is read most often, among those still alive: the first to notice that a source fell silent."""
    newest = max(one.habit.newest for one in several)
    alive = [one for one in several if newest - one.habit.newest < ALIVE_MS]
    return min(alive, key=lambda one: (one.habit.usual is None, one.habit.usual or 0, one.metric))


def _carrier(c: Connection, series_id: int) -> int | None:
    """The device that brought the newest reading."""
    for rows in _COUNTED.values():
        found = c.exec_driver_sql(
            f"SELECT device_id FROM batch WHERE id=(SELECT batch_id FROM {rows} ORDER BY start DESC LIMIT 1)", {"series": series_id}
        ).scalar()
        if found is not None:
            return int(found)
    return None


def arrivals(c: Connection, person_id: int) -> list[Arrival]:
    """Sources and devices that may still send, the most recent first."""
    spoken: dict[int, list[_Series]] = defaultdict(list)
    for row in c.exec_driver_sql(
        "SELECT series.id, source_id, metric, newest, usual, arrival.longest FROM arrival JOIN series ON series.id=ref "
        "WHERE arrival.person_id=? AND form='series'",
        (person_id,),
    ):
        spoken[row[1]].append(_Series(row[0], row[1], row[2], _Habit(row[3], row[4], row[5])))
    rows = c.exec_driver_sql(
        "SELECT form, ref, coalesce(source.name, device.name), coalesce(source.kind, 'device'), newest, usual, longest FROM arrival "
        "LEFT JOIN source ON form='source' AND source.id=ref LEFT JOIN device ON form='device' AND device.id=ref "
        "WHERE arrival.person_id=? AND coalesce(source.name, device.name) IS NOT NULL AND device.revoked_at IS NULL "
        "ORDER BY newest DESC, form, ref",
        (person_id,),
    ).fetchall()
    found = [Arrival(*row) for row in rows]
    return [a._replace(metric=_speaker(spoken[a.ref]).metric) if a.form == "source" and spoken[a.ref] else a for a in found]


def pill(c: Connection, person_id: int, now: int, found: list[Arrival] | None = None) -> tuple[dict[str, Any], int]:
    """The frame's freshness pill ({state, text, busy}: the worst late source, else how old the newest is) and the open findings.
    ``found`` are the arrivals where somebody has read them already."""
    found = arrivals(c, person_id) if found is None else found
    open_findings = c.exec_driver_sql("SELECT count(*) FROM finding WHERE person_id=? AND state='open'", (person_id,)).scalar_one()
    waiting = c.exec_driver_sql(
        "SELECT count(*) FROM chunk INDEXED BY chunk_next CROSS JOIN batch ON batch.id=batch_id "
        "WHERE chunk.status IN ('pending', 'running') AND person_id=?",
        (person_id,),
    ).scalar_one()
    late = [a for a in found if a.late(now)]
    if waiting:
        state, text = "ok", f"{waiting} part{'s' if waiting > 1 else ''} waiting"
    elif late:
        worst = max(late, key=lambda a: (now - a.newest) / max(a.usual or 1, 1))
        state, text = "late", f"{worst.name or 'A device'} is late"
    elif found and all(a.state(now) == "none" for a in found):
        state, text = "late", f"Nothing for {_age(now - found[0].newest)}"
    elif found:
        state, text = "ok", f"All data in · {_age(now - found[0].newest)}"
    else:
        state, text = "none", "No data yet"
    return {"state": state, "text": text, "busy": waiting > 0}, int(open_findings)


def _age(ms: int) -> str:
    minutes = max(ms, 0) // MINUTE_MS
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


class Import(NamedTuple):
    """A large upload that is being read: so many records so far, ``done`` of its ``parts``, ``size`` in bytes; ``share`` is how
    much of it is worked off, 0 to 1, None where nobody knows."""

    public: str
    read: int
    parts: int
    done: int
    size: int
    share: float | None


def standing(c: Connection, person_id: int, since: int, least: int) -> tuple[int, Import | None]:
    """How many parts that came after ``since`` (ms) could not be read, and the upload of ``least`` bytes or more being read now."""
    row = c.exec_driver_sql(
        "SELECT (SELECT count(*) FROM chunk INDEXED BY chunk_dead CROSS JOIN batch ON batch.id=batch_id "
        "WHERE chunk.status='dead' AND accepted_at>=:since AND person_id=:person), public, new+updated+duplicate+deleted+rejected, "
        "count(chunk.id), total(chunk.status NOT IN ('pending', 'running')), total(size), "
        f"{receipts.BEHIND}, {receipts.DARK} FROM (SELECT 1) "
        "LEFT JOIN batch ON batch.id=(SELECT min(batch_id) FROM chunk INDEXED BY chunk_next CROSS JOIN batch AS open ON open.id=batch_id "
        "WHERE chunk.status IN ('pending', 'running') AND open.person_id=:person) LEFT JOIN chunk ON chunk.batch_id=batch.id",
        {"since": since, "person": person_id},
    ).one()
    if not row[1] or row[5] < least:
        return row[0], None
    return row[0], Import(row[1], row[2], row[3], int(row[4]), int(row[5]), receipts.share_of(row[5], row[6], row[7], row[3]))


def stamp(c: Connection, person_id: int) -> str:
    """Changes whenever a page of this person could look different for another reason than the clock."""
    row = c.exec_driver_sql(
        "SELECT (SELECT max(touched_at) FROM batch WHERE person_id=?), (SELECT count(*) FROM dirty_day WHERE person_id=?), "
        "(SELECT max(changed_at) FROM finding WHERE person_id=?), (SELECT total(newest) FROM arrival WHERE person_id=?)",
        (person_id, person_id, person_id, person_id),
    ).one()
    return json.dumps([int(value or 0) for value in row], separators=(",", ":"))
