"""Findings: one row per episode of a rule and metric, and the days that wait to be analysed.

``json`` is ``{"findings": [...]}``: every day's finding of the episode, ascending, as the rule gave it; an empty list means that
corrected data took the finding back after a message about it had gone out (or a person wrote a note on it).
"""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import NotFound

State = Literal["open", "resolved", "muted"]
COLUMNS = "id, person_id, rule, metric, started, latest, state, severity, json, quiet_until, note, created_at, changed_at"


class FindingRow(msgspec.Struct, frozen=True):
    """An episode as it stands. ``note`` is the person's own reason; ``created_at`` and ``changed_at`` are in milliseconds."""

    id: int
    person_id: int
    rule: str
    metric: str
    started: dt.date
    latest: dt.date
    state: State
    severity: str
    json: str
    quiet_until: dt.date | None
    note: str | None
    created_at: int
    changed_at: int


class RuleSetting(msgspec.Struct, frozen=True):
    """What a person set for a rule; a rule without a setting is enabled with its own parameters."""

    enabled: bool = True
    params: dict[str, float] = {}


def _rows(c: Connection, rest: str, values: tuple[Any, ...]) -> list[FindingRow]:
    found = c.exec_driver_sql(f"SELECT {COLUMNS} FROM finding {rest}", values)
    return [msgspec.convert(dict(row), FindingRow) for row in found.mappings()]


def of_person(
    c: Connection,
    person_id: int,
    *,
    state: State | None = None,
    since: dt.date | None = None,
    rules: Collection[str] | None = None,
    limit: int = 100_000,
) -> list[FindingRow]:
    """A person's episodes, newest first; ``since`` leaves out those whose last day lies before it, ``rules`` those of others."""
    wanted = None if rules is None else msgspec.json.encode(sorted(rules)).decode()
    return _rows(
        c,
        "WHERE person_id = ? AND (? IS NULL OR state = ?) AND (? IS NULL OR latest >= ?) "
        "AND (? IS NULL OR rule IN (SELECT value FROM json_each(?))) ORDER BY started DESC, rule, metric LIMIT ?",
        (person_id, state, state, since and since.isoformat(), since and since.isoformat(), wanted, wanted, limit),
    )


def get(c: Connection, person_id: int, finding_id: int) -> FindingRow:
    for row in _rows(c, "WHERE id = ? AND person_id = ?", (finding_id, person_id)):
        return row
    raise NotFound("There is no such finding.")


def metrics_of(c: Connection, person_id: int, ids: Collection[int]) -> dict[int, str]:
    """What each of these findings of a person is about."""
    wanted = msgspec.json.encode(sorted(ids)).decode()
    rows = c.exec_driver_sql(
        "SELECT id, metric FROM finding WHERE person_id=? AND id IN (SELECT value FROM json_each(?))", (person_id, wanted)
    )
    return {row[0]: row[1] for row in rows.fetchall()}


def upsert_episode(
    c: Connection,
    person_id: int,
    rule: str,
    metric: str,
    started: dt.date,
    *,
    latest: dt.date,
    ended: bool,
    severity: str,
    json: str,
    now: int,
    standing: FindingRow | None = None,
) -> FindingRow:
    """Write an episode as it stands; ``standing`` is the row that already tells of it, read in this same transaction.

    A mute of the person stays until the episode ends. A new one that falls into a quiet time the person asked for is born
    muted. A row that would not change is not written. Its first day may move: the row, and what was sent about it, stays.
    """
    if standing is None:
        state = "resolved" if ended else "muted" if _quiet(c, person_id, rule, metric, started) else "open"
        c.exec_driver_sql(
            "INSERT INTO finding (person_id, rule, metric, started, latest, state, severity, json, created_at, changed_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (person_id, rule, metric, started.isoformat(), latest.isoformat(), state, severity, json, now, now),
        )
        return _rows(c, "WHERE person_id=? AND rule=? AND metric=? AND started=?", (person_id, rule, metric, started.isoformat()))[0]
    muted = standing.state == "muted" or (standing.quiet_until is not None and latest <= standing.quiet_until)
    after = msgspec.structs.replace(
        standing, started=started, latest=latest, state="resolved" if ended else "muted" if muted else "open", severity=severity, json=json
    )
    if after == standing:
        return standing
    c.exec_driver_sql(
        "UPDATE finding SET started=?, latest=?, state=?, severity=?, json=?, changed_at=? WHERE id=?",
        (started.isoformat(), latest.isoformat(), after.state, severity, json, now, standing.id),
    )
    return msgspec.structs.replace(after, changed_at=now)


def _quiet(c: Connection, person_id: int, rule: str, metric: str, day: dt.date) -> bool:
    asked = "SELECT 1 FROM finding WHERE person_id=? AND rule=? AND metric=? AND quiet_until >= ? LIMIT 1"
    return c.exec_driver_sql(asked, (person_id, rule, metric, day.isoformat())).first() is not None


def withdraw(c: Connection, finding_id: int, now: int) -> None:
    """The data no longer show it: the row goes, unless a message about it went out or the person wrote a note on it."""
    kept = c.exec_driver_sql(
        "UPDATE finding SET state='resolved', json='{\"findings\":[]}', changed_at=? WHERE id=? AND json <> '{\"findings\":[]}' AND "
        "(note IS NOT NULL OR EXISTS (SELECT 1 FROM delivery WHERE finding_id=finding.id AND status IN ('sent', 'sending')))",
        (now, finding_id),
    )
    if not kept.rowcount:
        c.exec_driver_sql("DELETE FROM finding WHERE id=? AND json <> '{\"findings\":[]}'", (finding_id,))
    c.exec_driver_sql("DELETE FROM delivery WHERE finding_id=? AND status='pending'", (finding_id,))


def mute(c: Connection, person_id: int, finding_id: int, *, note: str, quiet_until: dt.date | None, now: int) -> None:
    """The person knows the reason: keep the note, send nothing more about it, nor about a new one like it up to ``quiet_until``."""
    get(c, person_id, finding_id)
    c.exec_driver_sql(
        "UPDATE finding SET note=?, quiet_until=?, state=CASE state WHEN 'open' THEN 'muted' ELSE state END, changed_at=? WHERE id=?",
        (note, quiet_until and quiet_until.isoformat(), now, finding_id),
    )
    c.exec_driver_sql("DELETE FROM delivery WHERE finding_id=? AND status='pending'", (finding_id,))


def unmute(c: Connection, person_id: int, finding_id: int, now: int) -> None:
    get(c, person_id, finding_id)
    c.exec_driver_sql(
        "UPDATE finding SET quiet_until=NULL, state=CASE state WHEN 'muted' THEN 'open' ELSE state END, changed_at=? WHERE id=?",
        (now, finding_id),
    )


def rule_settings(c: Connection, person_id: int) -> dict[str, RuleSetting]:
    rows = c.exec_driver_sql("SELECT rule, enabled, json FROM rule_setting WHERE person_id=?", (person_id,))
    return {rule: RuleSetting(bool(enabled), msgspec.json.decode(text, type=dict[str, float])) for rule, enabled, text in rows}


def set_rule(c: Connection, person_id: int, rule: str, setting: RuleSetting, *, days: bool = True) -> None:
    """Keep a person's choice for a rule, and have every day they have data for judged again by it, if it judges ``days``."""
    c.exec_driver_sql(
        "INSERT INTO rule_setting (person_id, rule, enabled, json) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (person_id, rule) DO UPDATE SET enabled=excluded.enabled, json=excluded.json",
        (person_id, rule, int(setting.enabled), msgspec.json.encode(setting.params).decode()),
    )
    if not days:
        return
    c.exec_driver_sql(
        "INSERT INTO changed_day (person_id, date, generation) SELECT ?, date, 1 FROM "
        "(SELECT date FROM day WHERE person_id=? UNION SELECT date FROM night WHERE person_id=?) WHERE true "
        "ON CONFLICT DO UPDATE SET generation=generation+1",
        (person_id, person_id, person_id),
    )


def mark_changed(c: Connection, person_id: int, first: dt.date, last: dt.date) -> None:
    """Have the days with data from ``first`` to ``last`` analysed again."""
    within = (person_id, first.isoformat(), last.isoformat())
    c.exec_driver_sql(
        "INSERT INTO changed_day (person_id, date, generation) SELECT ?, date, 1 FROM "
        "(SELECT date FROM day WHERE person_id=? AND date BETWEEN ? AND ? UNION "
        "SELECT date FROM night WHERE person_id=? AND date BETWEEN ? AND ?) WHERE true "
        "ON CONFLICT DO UPDATE SET generation=generation+1",
        (person_id, *within, *within),
    )


def next_changed(c: Connection, days: int) -> tuple[int, dict[dt.date, int]] | None:
    """One person with days to analyse: the oldest of them and those within ``days`` after it, with their generation."""
    first = c.exec_driver_sql("SELECT person_id, date FROM changed_day ORDER BY person_id, date LIMIT 1").first()
    if first is None:
        return None
    last = dt.date.fromisoformat(first[1]) + dt.timedelta(days=days - 1)
    rows = c.exec_driver_sql("SELECT date, generation FROM changed_day WHERE person_id=? AND date <= ?", (first[0], last.isoformat()))
    return first[0], {dt.date.fromisoformat(date): generation for date, generation in rows}


def analysed(c: Connection, person_id: int, days: Iterable[tuple[dt.date, int]]) -> None:
    """These days are done, where they have not changed again since."""
    rows = [(person_id, date.isoformat(), generation) for date, generation in days]
    if rows:
        c.exec_driver_sql("DELETE FROM changed_day WHERE person_id=? AND date=? AND generation=?", rows)
