"""Reading for the doors: what a person has, as plain rows ready for an answer. Only ever one person's."""

import base64
import datetime as dt
import json
from typing import Any

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.errors import Invalid
from healthbox.domain.uuids import written
from healthbox.store import metrics as named
from healthbox.store import workouts as sessions
from healthbox.store.series import of_metric
from healthbox.store.sources import list_sources

PLAIN = Catalogue.load()
SLEEP = "sleep_analysis"


def iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat().replace("+00:00", "Z")


# From one metric's days to the next one's first: as many look-ups as metrics, however long the history.
_EXTENTS = """WITH RECURSIVE known (metric) AS (
  SELECT min(metric) FROM day WHERE person_id=:person
  UNION ALL
  SELECT (SELECT min(metric) FROM day WHERE person_id=:person AND metric > known.metric) FROM known WHERE known.metric IS NOT NULL
) SELECT metric, (SELECT min(date) FROM day WHERE person_id=:person AND metric=known.metric),
  (SELECT max(date) FROM day WHERE person_id=:person AND metric=known.metric) FROM known WHERE metric IS NOT NULL"""
_COUNTS = "SELECT metric, count(*) FROM day INDEXED BY day_date WHERE person_id=:person GROUP BY metric"  # never the wide rows themselves


def metrics(c: Connection, person_id: int, *, counted: bool = True) -> list[dict[str, Any]]:
    """The metrics a person has data of, with their last day's date; unknown ones too. ``days`` is None unless ``counted``."""
    known = named.catalogue(c, PLAIN)
    unknown = {entry.key: entry for entry in named.unknowns(c, person_id)}
    rows = c.exec_driver_sql(_EXTENTS, {"person": person_id}).fetchall()
    counts = {row[0]: row[1] for row in c.exec_driver_sql(_COUNTS, {"person": person_id})} if counted else {}
    found = []
    for key, first, last in rows:
        metric = known.get(key)
        label, unit = (metric.label, metric.unit) if metric else (unknown[key].name, unknown[key].unit) if key in unknown else (key, "")
        found.append(
            {
                "metric": key,
                "label": label,
                "unit": unit,
                "category": metric.category if metric else "unknown",
                "aggregation": metric.aggregation if metric else "mean",
                "known": metric is not None,
                "first": first,
                "last": last,
                "days": counts.get(key),
            }
        )
    nights_row = c.exec_driver_sql(
        "SELECT (SELECT min(date) FROM night WHERE person_id=:person), (SELECT max(date) FROM night WHERE person_id=:person), "
        + ("(SELECT count(*) FROM night WHERE person_id=:person)" if counted else "NULL"),
        {"person": person_id},
    ).one()
    if nights_row[0]:
        found.append(
            {
                "metric": SLEEP,
                "label": "Sleep",
                "unit": "min",
                "category": "sleep",
                "aggregation": "duration",
                "known": True,
                "first": nights_row[0],
                "last": nights_row[1],
                "days": nights_row[2],
            }
        )
    return sorted(found, key=lambda row: (row["category"], row["label"]))


def metric_of(c: Connection, key: str) -> Metric | None:
    return named.catalogue(c, PLAIN).get(key)


def samples(
    c: Connection, person_id: int, metric: str, low: int, high: int, cursor: str | None = None, limit: int = 1000
) -> dict[str, Any]:
    """Raw readings that start in [low, high) ms, oldest first, over all sources; ``cursor`` continues a page."""
    if metric == SLEEP:
        return _stages(c, person_id, low, high, cursor, limit)
    known = metric_of(c, metric)
    after = _opened(cursor)
    rows = []
    for series in of_metric(c, person_id, metric):
        start = low // 1000 if after is None else after[0]
        for row in c.exec_driver_sql(
            'SELECT start, "end", value, uuid, ms, tag, name FROM sample, (SELECT name FROM source WHERE id=?) '
            'WHERE series_id=? AND start>=? AND start<? AND (? IS NULL OR (start, "end", ?, tag) > (?,?,?,?)) ORDER '
            'BY start, "end", tag LIMIT ?',
            (series.source_id, series.id, start, -(-high // 1000), cursor, series.id, *(after or (0, 0, 0, "")), limit + 1),
        ):
            rows.append((row[0], row[1], series.id, row[5], row))
    rows.sort(key=lambda r: r[:4])
    page = rows[:limit]
    found = []
    for _, _, _, _, row in page:
        ms = row[4] or 0
        value: float | str = row[2]
        if known is not None and known.enum and (name := PLAIN.category_name(known, int(row[2]))):
            value = name
        found.append(
            {
                "uuid": row[3] and written(row[3]),
                "start": iso(row[0] * 1000 + ms // 1000),
                "end": iso(row[1] * 1000 + ms % 1000),
                "value": value,
                "unit": known.unit if known else None,
                "source": row[6],
            }
        )
    last = page[-1][:4] if len(rows) > limit else None
    return {"samples": found, "cursor": _closed(last) if last else None}


def _stages(c: Connection, person_id: int, low: int, high: int, cursor: str | None, limit: int) -> dict[str, Any]:
    after = _opened(cursor) or (0, 0, 0, "")
    rows = c.exec_driver_sql(
        'SELECT sleep_stage.id, start, "end", stage, uuid, source.name FROM sleep_stage JOIN series ON series.id=series_id '
        "JOIN source ON source.id=source_id WHERE series.person_id=? AND start>=? AND start<? AND (start, sleep_stage.id) > (?, ?) "
        "AND superseded=0 ORDER BY start, sleep_stage.id LIMIT ?",
        (person_id, low, high, after[0], after[1], limit + 1),
    ).fetchall()
    found = [
        {"uuid": row[4] and written(row[4]), "start": iso(row[1]), "end": iso(row[2]), "value": row[3], "unit": None, "source": row[5]}
        for row in rows[:limit]
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return {"samples": found, "cursor": _closed((last[1], last[0], 0, "")) if last else None}


def _closed(key: tuple[int, int, int, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _opened(cursor: str | None) -> tuple[int, int, int, str] | None:
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        start, end, series, tag = key
        if all(type(n) is int and abs(n) < 2**62 for n in (start, end, series)) and isinstance(tag, str):
            return start, end, series, tag
        raise ValueError
    except (ValueError, TypeError):
        raise Invalid("`cursor` is not one of ours.", hint="Pass on the cursor of the page before, unchanged.") from None


def days(c: Connection, person_id: int, metric: str, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Day rows with dates in [first, last]; days without data are not in the list."""
    known = metric_of(c, metric)
    rows = c.exec_driver_sql(
        "SELECT date, value, low, high, mean, n, coverage, detail, layer, rule FROM day WHERE person_id=? AND "
        "metric=? AND date BETWEEN ? AND ? "
        "ORDER BY date",
        (person_id, metric, first.isoformat(), last.isoformat()),
    ).fetchall()
    return {
        "metric": metric,
        "unit": known.unit if known else None,
        "days": [
            {
                "date": r[0],
                "value": r[1],
                "min": r[2],
                "max": r[3],
                "mean": r[4],
                "count": r[5],
                "coverage": r[6],
                "sources": json.loads(r[7])["sources"],
                "layer": r[8],
                "rule": r[9],
            }
            for r in rows
        ],
    }


def nights(c: Connection, person_id: int, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Nights by wake-up date in [first, last]; durations in minutes."""
    rows = c.exec_driver_sql(
        "SELECT date, json FROM night WHERE person_id=? AND date BETWEEN ? AND ? ORDER BY date",
        (person_id, first.isoformat(), last.isoformat()),
    ).fetchall()
    found = []
    for date, text in rows:
        night = json.loads(text)
        found.append(
            {
                "date": date,
                "start": _iso(night["start"]),
                "end": _iso(night["end"]),
                "asleep": night["asleep"],
                "stages": {name: night[name] for name in ("core", "deep", "rem", "unspecified", "awake")},
                "in_bed": night["in_bed"],
                "latency": night["latency"],
                "efficiency": night["efficiency"],
                "source": night["name"],
                "stated": night["stated"],
                "estimated": night["estimated"],
                "zone": night["zone"],
                "naps": [{"start": iso(n[0]), "end": iso(n[1]), "asleep": n[2]} for n in night["naps"]],
                "spans": [{"start": iso(s[0]), "end": iso(s[1]), "stage": s[2]} for s in night["spans"]],
            }
        )
    return {"nights": found}


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)


def workouts(c: Connection, person_id: int, low: int, high: int) -> dict[str, Any]:
    """Workouts that start in [low, high) ms, newest first."""
    names = {s.id: s.name for s in list_sources(c, person_id)}
    return {
        "workouts": [
            {
                "id": w.id,
                "uuid": w.uuid and written(w.uuid),
                "activity": w.activity,
                "start": iso(w.start),
                "end": iso(w.end),
                "totals": w.totals,
                "source": names.get(w.source_id, ""),
            }
            for w in sessions.between(c, person_id, low, high)
        ]
    }
