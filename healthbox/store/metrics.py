"""Metrics beside the catalogue: names nobody knows yet, and the rows by which a person named them."""

import json
import re
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.records import WIDE
from healthbox.domain.units import conversion, plausible
from healthbox.store import days, superseding
from healthbox.store.buckets import BucketRow, put
from healthbox.store.merging import merge_series

_BOTH = (
    "SELECT o.app, o.width, o.start, o.date, o.value, o.low, o.high, o.source, o.as_of, o.uuid, o.batch_id FROM bucket AS o "
    "JOIN bucket AS n USING (person_id, app, width, start) WHERE person_id=:person AND o.metric=:old AND n.metric=:new"
)


class Unknown(NamedTuple):
    key: str
    naming: str
    name: str
    unit: str
    first_seen: int
    last_seen: int
    records: int


def unknown_key(name: str, unit: str | None) -> str:
    """The key under which a metric that nobody knows is kept: its own name and unit, in any script."""
    parts = [re.sub(r"\W+", "_", part.casefold()).strip("_") for part in (name, unit or "")]
    return "unknown." + ".".join(part for part in parts if part)


def note_unknown(c: Connection, person_id: int, key: str, naming: str, name: str, unit: str | None, records: int, now: int) -> None:
    c.exec_driver_sql(
        "INSERT INTO unknown_metric (person_id, key, naming, name, unit, first_seen, last_seen, records) VALUES (?,?,?,?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET last_seen=excluded.last_seen, records=records+excluded.records",
        (person_id, key, naming, name[:200], (unit or "")[:60], now, now, records),
    )


def unknowns(c: Connection, person_id: int) -> list[Unknown]:
    rows = c.exec_driver_sql(
        "SELECT key, naming, name, unit, first_seen, last_seen, records FROM unknown_metric WHERE person_id=? ORDER BY last_seen DESC, key",
        (person_id,),
    ).fetchall()
    return [Unknown(*row) for row in rows]


def catalogue(c: Connection, plain: Catalogue) -> Catalogue:
    """The catalogue with the rows that people of this box added. One read: every page asks for it."""
    rows = c.exec_driver_sql(
        "SELECT 0, key, label, unit, aggregation, '' FROM metric UNION ALL SELECT 1, naming, name, unit, key, said FROM metric_alias "
        "ORDER BY 1, 2"
    ).fetchall()
    if not rows:
        return plain
    extra = [
        Metric(
            key=row[1],
            label=row[2],
            category="named",
            unit=row[3],
            display_unit=row[3],
            accepted={row[3]: (1.0, 0.0)},
            aggregation=row[4],
            known=False,
        )
        for row in rows
        if not row[0]
    ]
    return plain.with_extra(extra, [(row[1], row[2], row[3], row[4], row[5]) for row in rows if row[0]])


def adopt(c: Connection, person_id: int, key: str, *, new_key: str, label: str, unit: str, aggregation: str, now: int) -> None:
    """A person names an unknown metric: a row, an alias for what comes next, and its stored records under the new key."""
    alias = c.exec_driver_sql("SELECT naming, name, unit FROM unknown_metric WHERE person_id=? AND key=?", (person_id, key)).one()
    c.exec_driver_sql(
        "INSERT INTO metric (key, label, unit, aggregation, created_at) VALUES (?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET label=excluded.label, aggregation=excluded.aggregation",
        (new_key, label, unit, aggregation, now),
    )
    c.exec_driver_sql("INSERT OR REPLACE INTO metric_alias (naming, name, unit, key) VALUES (?,?,?,?)", (*alias, new_key))
    owners = [row[0] for row in c.exec_driver_sql("SELECT person_id FROM unknown_metric WHERE key=?", (key,)).fetchall()]
    for owner in owners:
        rekey(c, owner, key, new_key)
    c.exec_driver_sql("DELETE FROM unknown_metric WHERE key=?", (key,))


def recognise(c: Connection, person_id: int, key: str, metric: Metric, said: str) -> bool:
    """A person says that an unknown metric is one that has a name, in the unit ``said`` where it came in none: an alias for what
    comes next, and what is stored moves over, converted. False, and nothing done, where a value of theirs cannot be that.

    What others have under the same name moves along where it can."""
    alias = c.exec_driver_sql("SELECT naming, name, unit FROM unknown_metric WHERE person_id=? AND key=?", (person_id, key)).one()
    factor, offset = conversion(metric, alias[2] or said) or (1.0, 0.0)
    if not _all_plausible(c, person_id, key, metric, factor, offset):
        return False
    c.exec_driver_sql(
        "INSERT OR REPLACE INTO metric_alias (naming, name, unit, key, said) VALUES (?,?,?,?,?)",
        (*alias, metric.key, "" if alias[2] else said),
    )
    for (owner,) in c.exec_driver_sql("SELECT person_id FROM unknown_metric WHERE key=?", (key,)).fetchall():
        if _all_plausible(c, owner, key, metric, factor, offset):
            _convert(c, owner, key, factor, offset)
            rekey(c, owner, key, metric.key)
            c.exec_driver_sql("DELETE FROM unknown_metric WHERE person_id=? AND key=?", (owner, key))
    return True


def _all_plausible(c: Connection, person_id: int, key: str, metric: Metric, factor: float, offset: float) -> bool:
    """Whether an upload would take every value."""
    found = c.exec_driver_sql(
        "SELECT min(value), max(value) FROM sample WHERE series_id IN (SELECT id FROM series WHERE person_id=:person AND metric=:key) "
        "UNION ALL SELECT min(coalesce(low, value)), max(coalesce(high, value)) FROM bucket WHERE person_id=:person AND metric=:key "
        "AND width NOT IN (SELECT value FROM json_each(:wide))",
        {"person": person_id, "key": key, "wide": json.dumps(WIDE)},
    ).fetchall()
    return all(plausible(metric, value * factor + offset) for row in found for value in row if value is not None)


def _convert(c: Connection, person_id: int, key: str, factor: float, offset: float) -> None:
    given = {"f": factor, "o": offset, "person": person_id, "key": key}
    own = "series_id IN (SELECT id FROM series WHERE person_id=:person AND metric=:key)"
    for table in ("sample", "set_aside"):
        c.exec_driver_sql(f"UPDATE {table} SET value=value*:f+:o WHERE {own}", given)
    # The value is part of its key, and one row's new one may be another's old one.
    gone = c.exec_driver_sql(f'SELECT series_id, start, "end", value*:f+:o FROM gone WHERE {own}', given).fetchall()
    c.exec_driver_sql(f"DELETE FROM gone WHERE {own}", given)
    if gone:
        c.exec_driver_sql("INSERT OR IGNORE INTO gone VALUES (?,?,?,?)", [tuple(row) for row in gone])
    c.exec_driver_sql("UPDATE bucket SET value=value*:f+:o, low=low*:f+:o, high=high*:f+:o WHERE person_id=:person AND metric=:key", given)


def rekey(c: Connection, person_id: int, old: str, new: str) -> None:
    """Move what is stored under one key to another; the days of both are marked."""
    for key in (old, new):  # what is being computed under the old one must not stay
        c.exec_driver_sql(
            f"INSERT INTO dirty_day (person_id, metric, date, generation, marked_at) SELECT :person, :key, date, 1, 0 FROM {days.KNOWN} "
            "WHERE metric=:old ON CONFLICT DO UPDATE SET generation=generation+1",
            {"person": person_id, "key": key, "old": old},
        )
    for row in c.exec_driver_sql("SELECT id, source_id FROM series WHERE person_id=? AND metric=?", (person_id, old)).fetchall():
        taken = c.exec_driver_sql(
            "SELECT id FROM series WHERE person_id=? AND metric=? AND source_id=?", (person_id, new, row[1])
        ).fetchone()
        if taken is None:
            c.exec_driver_sql("UPDATE series SET metric=? WHERE id=?", (new, row[0]))
        else:
            merge_series(c, row[0], taken[0])
    for row in c.exec_driver_sql(_BOTH, {"person": person_id, "old": old, "new": new}).fetchall():
        put(c, person_id, row[-1], BucketRow(new, *row[:-1]))  # the more recent statement stays, as in an upload
    c.exec_driver_sql("UPDATE OR IGNORE bucket SET metric=? WHERE person_id=? AND metric=?", (new, person_id, old))
    c.exec_driver_sql("DELETE FROM bucket WHERE person_id=? AND metric=?", (person_id, old))
    c.exec_driver_sql(
        "UPDATE precedence SET metric=:new WHERE person_id=:person AND metric=:old "
        "AND NOT EXISTS (SELECT 1 FROM precedence WHERE person_id=:person AND metric=:new)",
        {"person": person_id, "old": old, "new": new},
    )
    c.exec_driver_sql("DELETE FROM precedence WHERE person_id=? AND metric=?", (person_id, old))
    c.exec_driver_sql("DELETE FROM day WHERE person_id=? AND metric=?", (person_id, old))


def merge_sources(c: Connection, person_id: int, kept: int, other: int) -> None:
    """Two rows are one source: series, aliases, precedence and workouts of ``other`` go to ``kept``; its days are marked."""
    for source_id in (kept, other):
        days.mark_source(c, person_id, source_id, 0)
    for row in c.exec_driver_sql("SELECT id, metric FROM series WHERE source_id=?", (other,)).fetchall():
        taken = c.exec_driver_sql("SELECT id FROM series WHERE source_id=? AND metric=?", (kept, row[1])).fetchone()
        if taken is None:
            c.exec_driver_sql("UPDATE series SET source_id=? WHERE id=?", (kept, row[0]))
        else:
            merge_series(c, row[0], taken[0])
    c.exec_driver_sql("UPDATE OR IGNORE source_alias SET source_id=? WHERE source_id=?", (kept, other))
    c.exec_driver_sql("UPDATE OR IGNORE precedence SET source_id=? WHERE source_id=?", (kept, other))
    c.exec_driver_sql("UPDATE workout SET source_id=? WHERE source_id=?", (kept, other))
    c.exec_driver_sql("UPDATE clinical SET source_id=? WHERE source_id=?", (kept, other))
    superseding.merge_sources(c, kept, other)
    c.exec_driver_sql("DELETE FROM source WHERE id=?", (other,))
