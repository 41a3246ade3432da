"""Days and nights: which are out of date, what is stored about them, and their folded rows."""

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.domain.days import DayRow
from healthbox.store.engine import driver
from healthbox.store.series import Series

SLEEP = "sleep_analysis"
AT_ONCE = 0
# (metric, date) of all days and nights of :person that stand or are marked: the first ones of an import have no row yet
KNOWN = (
    "(SELECT metric, date FROM day WHERE person_id=:person UNION SELECT 'sleep_analysis', date FROM night WHERE person_id=:person "
    "UNION SELECT metric, date FROM dirty_day WHERE person_id=:person)"
)
_BESIDES = " AND NOT (person_id=? AND metric=?)"
_DAY = ", ".join(DayRow._fields)


class Dirty(NamedTuple):
    person_id: int
    metric: str
    date: str
    generation: int


def mark(c: Connection, person_id: int, days: Iterable[tuple[str, str]], now: int) -> None:
    """Mark (metric, ISO date) days; a mark made while a fold runs survives it by its generation. With ``AT_ONCE`` for ``now`` they
    are folded before all others."""
    rows = [(person_id, metric, date, now) for metric, date in sorted(set(days))]
    if rows:
        c.exec_driver_sql(
            "INSERT INTO dirty_day (person_id, metric, date, generation, marked_at) VALUES (?,?,?,1,?) "
            "ON CONFLICT DO UPDATE SET generation=generation+1, marked_at=min(marked_at, excluded.marked_at)",
            rows,
        )


def mark_known(c: Connection, person_id: int, now: int, *, metric: str | None = None, since: str = "") -> int:
    """Mark every day or night that has a row, or waits for one (of one metric, from a date on): after a change of zone, precedence
    or catalogue. What is being computed meanwhile is computed again."""
    return c.exec_driver_sql(
        f"INSERT INTO dirty_day (person_id, metric, date, generation, marked_at) SELECT :person, metric, date, 1, :now FROM {KNOWN} "
        "WHERE (:metric IS NULL OR metric=:metric) AND date>=:since ON CONFLICT DO UPDATE SET generation=generation+1",
        {"person": person_id, "now": now, "metric": metric, "since": since},
    ).rowcount


def mark_source(c: Connection, person_id: int, source_id: int, now: int) -> None:
    """Mark every day of the metrics that a source measures: its class changed, and so may its precedence."""
    for row in c.exec_driver_sql("SELECT DISTINCT metric FROM series WHERE person_id=? AND source_id=?", (person_id, source_id)).fetchall():
        mark_known(c, person_id, now, metric=row[0])


def stored_intervals(c: Connection, person_id: int) -> Iterator[tuple[str, int, int]]:
    """(metric, start ms, end ms) of everything stored that can make a day, one a day at most where rows are dense."""
    for row in c.exec_driver_sql(
        'SELECT series.metric, min(start), max("end"), max(zone_id) FROM sample JOIN series ON series.id=series_id WHERE person_id=? '
        'GROUP BY series_id, start/21600, "end"-start>21600',
        (person_id,),
    ):
        around = 0 if row[3] is None else 26 * 3600  # a zone of its own can put it on the day before or after
        yield row[0], (row[1] - around) * 1000, (row[2] + around) * 1000 + 999
    for row in c.exec_driver_sql(
        "SELECT metric, min(start), max(start) FROM bucket WHERE person_id=? AND width IN ('minute','hour') "
        "GROUP BY metric, start/21600000",
        (person_id,),
    ):
        yield row[0], row[1], row[2] + 3_600_000
    for row in c.exec_driver_sql('SELECT start, "end" FROM sleep_stage JOIN series ON series.id=series_id WHERE person_id=?', (person_id,)):
        yield SLEEP, row[0] - 86_400_000, row[1] + 86_400_000


def stored_dates(c: Connection, person_id: int) -> Iterator[tuple[str, str]]:
    """(metric, ISO date) of the statements that name their own date."""
    for row in c.exec_driver_sql("SELECT metric, date FROM bucket WHERE person_id=? AND width IN ('day','stated')", (person_id,)):
        yield row[0], row[1]
    for row in c.exec_driver_sql("SELECT date FROM stated_night WHERE person_id=?", (person_id,)):
        yield SLEEP, row[0]


def due_group(
    c: Connection, now: int, *, settle_ms: int, limit: int = 400, away: Collection[tuple[int, str, str]] = ()
) -> tuple[int, str, list[Dirty]] | None:
    """The next (person, metric) to fold with its dirty days: when a mark is old enough, or the person's queue is idle.

    ``away``: the days (person, metric, date) that are being computed already."""
    besides: list[tuple[int, str]] = []
    while (row := _oldest_group(c, now - settle_ms, besides) or _idle_group(c, now, besides)) is not None:
        found = c.exec_driver_sql(
            "SELECT person_id, metric, date, generation FROM dirty_day WHERE person_id=? AND metric=? AND marked_at<=? "
            "ORDER BY marked_at>0, date DESC LIMIT ?",
            (row[0], row[1], now, limit + len(away)),
        ).fetchall()
        group = [Dirty(*day) for day in found if day[:3] not in away][:limit]
        if group:
            return row[0], row[1], group
        besides.append((row[0], row[1]))
    return None


def _oldest_group(c: Connection, until: int, besides: list[tuple[int, str]]) -> Any:
    return c.exec_driver_sql(
        f"SELECT person_id, metric FROM dirty_day WHERE marked_at<=?{_BESIDES * len(besides)} ORDER BY marked_at LIMIT 1",
        (until, *chain.from_iterable(besides)),
    ).fetchone()


def defer(c: Connection, dirty: list[Dirty], until: int) -> list[str]:
    """Look at these days again at ``until`` (ms), not before; nothing changed."""
    c.exec_driver_sql(
        "UPDATE dirty_day SET marked_at=? WHERE person_id=? AND metric=? AND date=? AND generation=?", [(until, *day) for day in dirty]
    )
    return []


def _idle_group(c: Connection, now: int, besides: list[tuple[int, str]]) -> Any:
    for person in c.exec_driver_sql("SELECT id FROM person").fetchall():
        group = c.exec_driver_sql(
            f"SELECT person_id, metric FROM dirty_day WHERE person_id=? AND marked_at<=?{_BESIDES * len(besides)} LIMIT 1",
            (person[0], now, *chain.from_iterable(besides)),
        ).fetchone()
        if group is not None and not _busy(c, person[0], now):
            return group
    return None


def _busy(c: Connection, person_id: int, now: int) -> bool:
    return (
        c.exec_driver_sql(
            "SELECT 1 FROM chunk INDEXED BY chunk_next CROSS JOIN batch ON batch.id=chunk.batch_id "
            "WHERE chunk.status IN ('pending', 'running') AND chunk.due_at<=? "
            "AND batch.person_id=? LIMIT 1",
            (now, person_id),
        ).fetchone()
        is not None
    )


def others_wait(c: Connection, person_id: int, chunk_id: int) -> bool:
    """Whether more bodies of this person wait, those beside the database apart."""
    return (
        c.exec_driver_sql(
            "SELECT 1 FROM chunk INDEXED BY chunk_next CROSS JOIN batch ON batch.id=chunk.batch_id "
            "WHERE chunk.status IN ('pending', 'running') AND chunk.id<>? AND chunk.spool IS NULL AND batch.person_id=? LIMIT 1",
            (chunk_id, person_id),
        ).fetchone()
        is not None
    )


def dirty_count(c: Connection, person_id: int | None = None) -> int:
    return int(c.exec_driver_sql("SELECT count(*) FROM dirty_day WHERE ? IS NULL OR person_id=?", (person_id, person_id)).scalar_one())


def waits(c: Connection) -> bool:
    """Whether any day is still to be folded or to be judged."""
    return bool(c.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM dirty_day) OR EXISTS (SELECT 1 FROM changed_day)").scalar_one())


_IN_MS = 's.start*1000 + ifnull(s.ms/1000, 0), s."end"*1000 + ifnull(s.ms%1000, 0), s.value, s.zone_id'


def samples_between(c: Connection, series: Series, low: int, high: int) -> list[tuple[int, int, float, int | None]]:
    """(start ms, end ms, value, zone id) of a series' samples that overlap [low, high) seconds, in the order of their starts.

    The look-back is bounded by the series' longest interval; the few longer than that are found by a table of their own."""
    back = low - series.longest
    beneath = driver(c)
    long = beneath.execute(
        f"SELECT {_IN_MS} FROM long_sample AS l CROSS JOIN sample AS s "
        'USING (series_id, start, "end", tag) WHERE l.series_id=? AND l.start<? AND l."end">=? ORDER BY 1',
        (series.id, back, low),
    ).fetchall()
    found: list[tuple[int, int, float, int | None]] = beneath.execute(
        f'SELECT {_IN_MS} FROM sample AS s WHERE series_id=? AND start>=? AND start<? AND "end">=?', (series.id, back, high, low)
    ).fetchall()
    return long + found if long else found


def put_days(c: Connection, person_id: int, rows: list[DayRow], absent: list[tuple[str, str]], done: list[Dirty]) -> list[str]:
    """Write folded days, drop those with nothing left, clear the marks whose generation is unchanged. A day that was ``done`` without
    any mark of it left is nobody's any more.

    Returns the dates whose row really changed; those are marked for analysis."""
    gone = _gone(c, done)
    rows, absent = [row for row in rows if row.date not in gone], [day for day in absent if day[1] not in gone]
    before = _days_before(c, person_id, rows)
    other = [row for row in rows if before.get((row.metric, row.date)) != row]
    changed = {row.date for row in other}
    if other:
        c.exec_driver_sql(
            f"INSERT OR REPLACE INTO day (person_id, {_DAY}) VALUES (?,{','.join('?' * len(DayRow._fields))})",
            [(person_id, *row) for row in other],
        )
    for metric, date in absent:
        if c.exec_driver_sql("DELETE FROM day WHERE person_id=? AND metric=? AND date=?", (person_id, metric, date)).rowcount:
            changed.add(date)
    finish(c, person_id, changed, done)
    return sorted(changed)


def _gone(c: Connection, done: list[Dirty]) -> set[str]:
    """The dates whose mark is gone: with the person, or with the name of the metric."""
    dates = {day.date for day in done}
    if not dates:
        return dates
    standing = driver(c).execute(
        "SELECT date FROM dirty_day WHERE person_id=? AND metric=? AND date BETWEEN ? AND ?", (*done[0][:2], min(dates), max(dates))
    )
    return dates.difference(row[0] for row in standing)


def _days_before(c: Connection, person_id: int, rows: list[DayRow]) -> dict[tuple[str, str], DayRow]:
    """What stands in the stretch of dates that these rows cover."""
    found: dict[tuple[str, str], DayRow] = {}
    for metric in {row.metric for row in rows}:
        dates = [row.date for row in rows if row.metric == metric]
        for standing in driver(c).execute(
            f"SELECT {_DAY} FROM day WHERE person_id=? AND metric=? AND date BETWEEN ? AND ?",
            (person_id, metric, min(dates), max(dates)),
        ):
            found[standing[0], standing[1]] = DayRow(*standing)
    return found


def put_nights(c: Connection, person_id: int, nights: dict[str, dict[str, Any] | None], done: list[Dirty]) -> list[str]:
    """Write nights by wake-up date (``None``: there is none any more), as ``put_days`` does days."""
    changed: set[str] = set()
    gone = _gone(c, done)
    for date, night in nights.items():
        if date in gone:
            continue
        before = c.exec_driver_sql("SELECT json FROM night WHERE person_id=? AND date=?", (person_id, date)).fetchone()
        text = None if night is None else json.dumps(night, sort_keys=True)
        if text == (before[0] if before else None):
            continue
        changed.add(date)
        if night is None:
            c.exec_driver_sql("DELETE FROM night WHERE person_id=? AND date=?", (person_id, date))
        else:
            c.exec_driver_sql(
                'INSERT OR REPLACE INTO night (person_id, date, asleep, start, "end", json, stated) VALUES (?,?,?,?,?,?,?)',
                (person_id, date, night["asleep"], night["start"], night["end"], text, int(night["stated"])),
            )
    finish(c, person_id, changed, done)
    return sorted(changed)


def finish(c: Connection, person_id: int, changed: Iterable[str], done: list[Dirty]) -> None:
    if done:
        c.exec_driver_sql("DELETE FROM dirty_day WHERE person_id=? AND metric=? AND date=? AND generation=?", [tuple(d) for d in done])
    dates = sorted(changed)
    if dates:
        c.exec_driver_sql(
            "INSERT INTO changed_day (person_id, date, generation) VALUES (?,?,1) ON CONFLICT DO UPDATE SET generation=generation+1",
            [(person_id, date) for date in dates],
        )
