"""Leaving: everything stored about a person, read in an order that the content alone decides, a row at a time.

The order of sources is the one in which they must be met again to become the same rows: those with a bundle first, those
that have only an ambiguous name last. Content that was deleted (``gone``) leaves too, so that it stays deleted elsewhere.
Cursors are the driver's own: nothing is held but the row at hand.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from sqlalchemy import Connection

from healthbox.domain.records import SourceClass, Stage
from healthbox.domain.sources import RANK
from healthbox.domain.uuids import packed, written
from healthbox.store import workouts as workout_rows
from healthbox.store.engine import driver

_STAGES = sorted(get_args(Stage))  # by the code under which ``sleep`` remembers a stage that is gone


class Origin(NamedTuple):
    """A source. ``number`` counts from 1 in leaving order; ``name`` is "" where only a bundle was ever told."""

    number: int
    id: int
    name: str
    label: str
    kind: SourceClass
    product: str | None
    bundles: list[str]
    names: list[str]


class Naming(NamedTuple):
    """A uuid that names a row, how recent that statement is, and whether it names a parent of many points."""

    uuid: str
    as_of: int
    parent: bool


class LeavingSample(NamedTuple):
    """Instants in ms, the value in the canonical unit; ``names`` empty for a sample without uuid."""

    start: int
    end: int
    value: float
    tag: str
    names: list[Naming]
    zone: str | None
    metadata: dict[str, Any] | None


class LeavingExport(NamedTuple):
    """A whole export in force: what it lacks of what was said before ``as_of`` is superseded. ``covers``: (source, first, last)."""

    as_of: int
    covers: list[tuple[int, int, int]]


class LeavingStage(NamedTuple):
    start: int
    end: int
    stage: Stage
    names: list[Naming]
    zone: str | None
    as_of: int
    superseded: bool


class LeavingWorkout(NamedTuple):
    """``state``: 0 in force, 1 superseded, 2 deleted (only its times are left)."""

    uuid: str | None
    activity: str
    start: int
    end: int
    zone: str | None
    totals: dict[str, float]
    laps: list[dict[str, Any]]
    metadata: dict[str, Any]
    series: dict[str, list[list[float]]]
    route: list[list[float | None]]
    as_of: int
    state: int


class LeavingClinical(NamedTuple):
    kind: str
    uuid: str | None
    start: int | None
    end: int | None
    data: dict[str, Any]
    as_of: int


def origins(c: Connection, person_id: int) -> list[Origin]:
    aliases: dict[int, dict[str, list[str]]] = {}
    for source_id, form, value in driver(c).execute(
        "SELECT DISTINCT source_id, form, value FROM source_alias WHERE person_id=? ORDER BY value", (person_id,)
    ):
        aliases.setdefault(source_id, {}).setdefault(form, []).append(value)
    found = []
    for identity, label, kind, product in driver(c).execute("SELECT id, name, kind, product FROM source WHERE person_id=?", (person_id,)):
        known = aliases.get(identity, {})
        bundles, names, bare = known.get("bundle", []), known.get("name", []), known.get("bare", [])
        name = label if not bundles or label in names else (names or [""])[0]
        order = (not bundles, bool(bare), kind == "unknown", RANK[kind], label, bundles, names)
        found.append((order, identity, name, label, kind, product, bundles, names))
    found.sort(key=lambda one: (one[0], one[1]))
    return [Origin(number, *one[1:]) for number, one in enumerate(found, start=1)]


def series_of(c: Connection, person_id: int, source_id: int) -> list[tuple[int, str]]:
    """(series, metric) of one source, by metric."""
    rows = driver(c).execute("SELECT id, metric FROM series WHERE person_id=? AND source_id=? ORDER BY metric", (person_id, source_id))
    return [(row[0], row[1]) for row in rows]


def samples(c: Connection, series_id: int) -> Iterator[LeavingSample]:
    """In time order, then by value: the ordinals in tags tell what came first, which is nobody's business elsewhere."""
    second = "NULL"
    if driver(c).execute("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone():
        second = (
            "(SELECT json_group_array(json_array(hex(a.uuid), a.as_of, EXISTS(SELECT 1 FROM point_set AS p "
            "WHERE p.series_id=a.series_id AND p.uuid=a.uuid))) FROM also_uuid AS a "
            'WHERE a.series_id=s.series_id AND a.start=s.start AND a."end"=s."end" AND a.tag=s.tag)'
        )
    return _samples(c, series_id, "sample", second)


def set_aside(c: Connection, series_id: int) -> Iterator[LeavingSample]:
    """As ``samples``, those that whole exports set aside and nobody has deleted since; what two of them did is one."""
    before: LeavingSample | None = None
    for one in _samples(c, series_id, "set_aside", "s.names"):
        names = [name for name in one.names if not _is_deleted(c, series_id, name.uuid)]
        if one.names and not names:
            continue
        if before is not None and before[:4] == one[:4]:
            before.names.extend(name for name in names if name not in before.names)
            continue
        if before is not None:
            yield before
        before = one._replace(names=names)
    if before is not None:
        yield before


def _is_deleted(c: Connection, series_id: int, name: str) -> bool:
    found = driver(c).execute(
        "SELECT 1 FROM series JOIN tombstone AS t ON t.person_id=series.person_id AND t.metric IN ('', series.metric) "
        "WHERE series.id=? AND t.uuid=?",
        (series_id, packed(name)),
    )
    return found.fetchone() is not None


def _samples(c: Connection, series_id: int, table: str, second: str) -> Iterator[LeavingSample]:
    for start, end, tag, value, uuid, as_of, set_as_of, ms, zone, meta, others in driver(c).execute(
        f'SELECT s.start, s."end", s.tag, s.value, s.uuid, s.as_of, p.as_of, s.ms, zone.name, meta.json, {second} FROM {table} AS s '
        "LEFT JOIN point_set AS p ON p.series_id=s.series_id AND p.uuid=s.uuid "
        "LEFT JOIN zone ON zone.id=s.zone_id LEFT JOIN meta ON meta.id=s.meta_id "
        'WHERE s.series_id=? ORDER BY s.start, s."end", s.value, s.tag',
        (series_id,),
    ):
        names = [] if uuid is None else [Naming(written(uuid), as_of if set_as_of is None else set_as_of, set_as_of is not None)]
        if others is not None:
            names += sorted(Naming(written(bytes.fromhex(digits)), at, bool(parent)) for digits, at, parent in json.loads(others))
        ms = ms or 0
        yield LeavingSample(
            start * 1000 + ms // 1000,
            end * 1000 + ms % 1000,
            value,
            tag.partition("\x1f")[0],
            names,
            zone,
            None if meta is None else json.loads(meta),
        )


def whole_exports(c: Connection, person_id: int) -> list[LeavingExport]:
    """Those in force, oldest first; two of one instant are one."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for as_of, source_id, first, last in driver(c).execute(
        "SELECT e.as_of, source_id, min(first), max(last) FROM whole_export AS e JOIN batch ON batch.id=e.batch_id "
        "JOIN whole_cover ON export_id=e.id WHERE person_id=? AND state='in force' GROUP BY e.as_of, source_id ORDER BY e.as_of",
        (person_id,),
    ):
        found.setdefault(as_of, []).append((source_id, first, last))
    return [LeavingExport(*one) for one in found.items()]


def gone(c: Connection, series_id: int) -> Iterator[tuple[int, int, float]]:
    """(start ms, end ms, value) of content that was deleted or replaced."""
    for start, end, value in driver(c).execute(
        'SELECT start, "end", value FROM gone WHERE series_id=? ORDER BY start, "end", value', (series_id,)
    ):
        yield start * 1000, end * 1000, value


def stages(c: Connection, series_id: int) -> Iterator[LeavingStage]:
    for start, end, stage, zone, as_of, superseded, names in driver(c).execute(
        'SELECT start, "end", stage, zone, as_of, superseded, (SELECT json_group_array(json_array(hex(a.uuid), '
        "coalesce(p.as_of, a.as_of), p.as_of IS NOT NULL)) FROM also_uuid AS a LEFT JOIN point_set AS p "
        'ON p.series_id=a.series_id AND p.uuid=a.uuid WHERE a.series_id=s.series_id AND a.start=s.start AND a."end"=s."end" '
        'AND a.tag=s.stage) FROM sleep_stage AS s WHERE series_id=? ORDER BY start, "end", stage',
        (series_id,),
    ):
        named = sorted(Naming(written(bytes.fromhex(digits)), at, bool(parent)) for digits, at, parent in json.loads(names))
        yield LeavingStage(start, end, stage, named, zone, as_of, bool(superseded))


def gone_stages(c: Connection, series_id: int) -> Iterator[tuple[int, int, Stage]]:
    """(start ms, end ms, stage) of stages that were deleted or replaced."""
    for start, end, code in driver(c).execute(
        'SELECT start, "end", value FROM gone WHERE series_id=? ORDER BY start, "end", value', (series_id,)
    ):
        yield start, end, _STAGES[int(code)]


def workouts(c: Connection, person_id: int, source_id: int) -> Iterator[LeavingWorkout]:
    ids = driver(c).execute(
        'SELECT id FROM workout WHERE person_id=? AND source_id=? ORDER BY start, "end", activity, uuid', (person_id, source_id)
    )
    for (identity,) in ids.fetchall():
        uuid, activity, start, end, zone, totals, laps, meta, series, route, as_of, state = (
            driver(c)
            .execute(
                'SELECT uuid, activity, start, "end", zone, totals, laps, meta, series, route, as_of, superseded FROM workout WHERE id=?',
                (identity,),
            )
            .fetchone()
        )
        yield LeavingWorkout(
            None if uuid is None else written(uuid),
            activity,
            start,
            end,
            zone,
            json.loads(totals),
            json.loads(laps),
            json.loads(meta),
            workout_rows.unpack(series) or {},
            workout_rows.unpack(route) or [],
            as_of,
            state,
        )


def clinical(c: Connection, person_id: int, source_id: int | None) -> Iterator[LeavingClinical]:
    """``source_id`` None: the records that name none."""
    ids = driver(c).execute(
        "SELECT id FROM clinical WHERE person_id=? AND source_id IS ? ORDER BY kind, start, uuid, hash", (person_id, source_id)
    )
    for (identity,) in ids.fetchall():
        kind, uuid, start, end, blob, as_of = (
            driver(c).execute('SELECT kind, uuid, start, "end", json, as_of FROM clinical WHERE id=?', (identity,)).fetchone()
        )
        yield LeavingClinical(kind, uuid, start, end, json.loads(zlib.decompress(blob)), as_of)


def buckets(c: Connection, person_id: int) -> Iterator[tuple[Any, ...]]:
    """(metric, app, width, start ms or ordinal, date, value, low, high, source, as_of, uuid), stated totals among them."""
    for *said, uuid in driver(c).execute(
        "SELECT metric, app, width, start, date, value, low, high, source, as_of, uuid FROM bucket WHERE person_id=? "
        "ORDER BY metric, app, width, start",
        (person_id,),
    ):
        yield (*said, None if uuid is None else written(uuid))


def stated_nights(c: Connection, person_id: int) -> Iterator[tuple[str, str, dict[str, Any], str, int]]:
    """(app, date, numbers, source, as_of)."""
    for app, date, text, source, as_of in driver(c).execute(
        "SELECT app, date, json, source, as_of FROM stated_night WHERE person_id=? ORDER BY app, date", (person_id,)
    ):
        yield app, date, json.loads(text), source, as_of


def tombstones(c: Connection, person_id: int) -> Iterator[tuple[str, str]]:
    """(uuid, metric or "") of everything that clients have deleted."""
    for uuid, metric in driver(c).execute("SELECT uuid, metric FROM tombstone WHERE person_id=? ORDER BY uuid, metric", (person_id,)):
        yield written(uuid), metric


def days(c: Connection, person_id: int) -> Iterator[tuple[Any, ...]]:
    """(metric, date, value, low, high, mean, n, coverage, layer, rule)."""
    yield from driver(c).execute(
        "SELECT metric, date, value, low, high, mean, n, coverage, layer, rule FROM day WHERE person_id=? ORDER BY metric, date",
        (person_id,),
    )


def nights(c: Connection, person_id: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for date, text in driver(c).execute("SELECT date, json FROM night WHERE person_id=? ORDER BY date", (person_id,)):
        yield date, json.loads(text)


def orders(c: Connection, person_id: int) -> dict[str, list[int]]:
    """The person's own orders of sources: metric ("*" for all) → source ids, best first."""
    found: dict[str, list[int]] = {}
    for metric, source_id in driver(c).execute(
        "SELECT metric, source_id FROM precedence WHERE person_id=? ORDER BY metric, rank", (person_id,)
    ):
        found.setdefault(metric, []).append(source_id)
    return found


def named_metrics(c: Connection, person_id: int) -> list[tuple[str, str, str, str, list[tuple[str, str, str]]]]:
    """(key, label, unit, aggregation, [(vocabulary, name, unit)]) of the metrics of this person that somebody named."""
    rows = (
        driver(c)
        .execute(
            "SELECT key, label, unit, aggregation FROM metric WHERE key IN (SELECT metric FROM series WHERE person_id=? "
            "UNION SELECT metric FROM bucket WHERE person_id=?) ORDER BY key",
            (person_id, person_id),
        )
        .fetchall()
    )
    aliases = "SELECT naming, name, unit FROM metric_alias WHERE key=? ORDER BY naming, name, unit"
    return [(*row, [tuple(one) for one in driver(c).execute(aliases, (row[0],))]) for row in rows]


def unknown_metrics(c: Connection, person_id: int) -> list[tuple[str, str, str, str]]:
    """(key, vocabulary, name, unit) of the metrics that nobody has named."""
    rows = driver(c).execute("SELECT key, naming, name, unit FROM unknown_metric WHERE person_id=? ORDER BY key", (person_id,))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def amounts(c: Connection, person_id: int) -> dict[str, int]:
    """How much there is, without walking through samples: ``records`` is what the receipts say was kept."""
    found = {"records": "SELECT coalesce(sum(new - min(deleted, new)), 0) FROM batch WHERE person_id=?"}
    found |= {table: f"SELECT count(*) FROM {table} WHERE person_id=?" for table in ("day", "night", "workout", "clinical")}
    return {name: int(driver(c).execute(query, (person_id,)).fetchone()[0]) for name, query in found.items()}
