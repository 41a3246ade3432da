"""Day and night rows as the pages read them: whole windows in one read, never a sample."""

import datetime as dt
from collections.abc import Collection

import msgspec
from sqlalchemy import Connection

from healthbox.store.workouts import LISTED

HOUR = 1 / 24  # of a day


class Share(msgspec.Struct, frozen=True):
    """What one source gave to a day; ``discarded`` was measured by a better source at the same time."""

    name: str = ""
    kind: str = ""
    value: float | None = None
    discarded: float = 0.0


class _Detail(msgspec.Struct, frozen=True):
    sources: list[Share] = []


class Point(msgspec.Struct, frozen=True):
    """A day of one metric in its canonical unit. ``shares`` are empty where the client merged its sources itself; ``source`` is
    the name of the one that gave most, as the rules see it, empty when the row does not say."""

    date: dt.date
    value: float
    low: float | None
    high: float | None
    mean: float | None
    n: int
    shares: list[Share] = []
    source: str = ""
    account: str = ""  # the whole JSON of how it came about, where it was read; see ``stated``


def _most(shares: list[Share]) -> str:
    if len(shares) < 2:
        return shares[0].name if shares else ""
    return max(shares, key=lambda share: (share.value or 0.0, share.name)).name


class _Layer(msgspec.Struct, frozen=True):
    kind: str
    value: float | None = None
    app: str = ""
    coverage: float = 0.0  # of the day; a statement covers it up to the moment it was made


class _Layers(msgspec.Struct, frozen=True):
    layers: list[_Layer] = []  # the one that counts stands first


def stated(point: Point) -> tuple[str, float] | None:
    """(app, value): what the client's own system says of a whole day that something else decided; None where it says nothing, or
    said it too early in the day to be held against it."""
    layers = msgspec.json.decode(point.account, type=_Layers).layers if point.account else []
    for layer in layers[1:]:
        if layer.kind in ("stated", "day") and layer.value is not None and layer.coverage >= layers[0].coverage - HOUR:
            return layer.app, layer.value
    return None


class NightPoint(msgspec.Struct, frozen=True):
    """A night on its wake-up date: instants in ms, durations in minutes, None unknown; ``spans`` as (start, end, stage)."""

    date: dt.date
    start: int | None = None
    end: int | None = None
    asleep: float | None = None
    core: float | None = None
    deep: float | None = None
    rem: float | None = None
    unspecified: float | None = None
    awake: float | None = None
    name: str = ""
    zone: str = ""
    estimated: bool = False
    spans: list[tuple[int, int, str]] = []


_account, _night = msgspec.json.Decoder(_Detail).decode, msgspec.json.Decoder(NightPoint).decode
_date = dt.date.fromisoformat


class Workout(msgspec.Struct, frozen=True):
    """A workout without its series and route; instants in ms, ``totals`` in canonical units."""

    id: int
    activity: str
    start: int
    end: int
    totals: dict[str, float]


class Window(msgspec.Struct, frozen=True):
    """All that Today needs of a stretch of days."""

    points: dict[str, list[Point]]
    nights: list[NightPoint]
    workouts: list[Workout]


class Seen(msgspec.Struct, frozen=True):
    """From when to when a metric has days, and how many."""

    first: dt.date
    last: dt.date
    days: int


def window(c: Connection, person_id: int, first: dt.date, last: dt.date, metrics: Collection[str], workouts: tuple[int, int]) -> Window:
    """Days of these metrics and nights from ``first`` to ``last``, workouts that start in [low, high) ms: one read for a page."""
    wanted = msgspec.json.encode(sorted(metrics)).decode()
    held = (person_id, first.isoformat(), last.isoformat())
    rows = c.exec_driver_sql(
        "SELECT 'day', metric, date, day.value, low, high, mean, n, detail FROM json_each(?) AS wanted CROSS JOIN day "
        "WHERE person_id=? AND metric=wanted.value AND date BETWEEN ? AND ? AND day.value IS NOT NULL "
        "UNION ALL SELECT 'night', '', date, 0, 0, 0, 0, 0, json FROM night WHERE person_id=? AND date BETWEEN ? AND ? "
        "UNION ALL SELECT 'workout', activity, '', start, \"end\", 0, 0, id, totals FROM workout AS t WHERE person_id=? "
        f"AND start>=? AND start<? AND {LISTED} ORDER BY 3, 4",
        (wanted, *held, *held, person_id, *workouts),
    ).fetchall()
    found = Window({}, [], [])
    for form, key, date, value, low, high, mean, n, text in rows:
        if form == "day":
            shares = _account(text).sources
            source = shares[0].name if len(shares) == 1 else _most(shares)
            row = Point(_date(date), value, low, high, mean, n, shares, source, text)
            found.points.setdefault(key, []).append(row)
        elif form == "night":
            found.nights.append(_night(text))
        else:
            found.workouts.append(Workout(n, key, value, low, msgspec.json.decode(text, type=dict[str, float])))
    return found


def points(
    c: Connection, person_id: int, first: dt.date, last: dt.date, metrics: Collection[str] | None = None, *, shares: bool = True
) -> dict[str, list[Point]]:
    """Days from ``first`` to ``last``, ascending, by metric (all of them by default); a day without a value has no row."""
    wanted = None if metrics is None else msgspec.json.encode(sorted(metrics)).decode()
    columns, held = "metric, date, day.value, low, high, mean, n", (person_id, first.isoformat(), last.isoformat())
    columns += ", detail" if shares else ", NULL"
    if wanted is None:
        found_rows = c.exec_driver_sql(
            f"SELECT {columns} FROM day WHERE person_id=? AND date BETWEEN ? AND ? AND value IS NOT NULL ORDER BY date", held
        )
    else:  # metric by metric along the table's own order
        found_rows = c.exec_driver_sql(
            f"SELECT {columns} FROM json_each(?) AS wanted CROSS JOIN day WHERE person_id=? AND metric=wanted.value "
            "AND date BETWEEN ? AND ? AND day.value IS NOT NULL ORDER BY date",
            (wanted, *held),
        )
    found: dict[str, list[Point]] = {}
    for metric, date, value, low, high, mean, n, detail in found_rows.fetchall():
        whole = _account(detail).sources if detail else []
        found.setdefault(metric, []).append(Point(_date(date), value, low, high, mean, n, whole, _most(whole)))
    return found


def values(c: Connection, person_id: int, metric: str, first: dt.date, last: dt.date) -> list[Point]:
    """One metric's days over any length, ascending, without their account by source."""
    rows = c.exec_driver_sql(
        "SELECT date, value, low, high, mean, n FROM day WHERE person_id=? AND metric=? AND date BETWEEN ? AND ? AND value IS NOT NULL "
        "ORDER BY date",
        (person_id, metric, first.isoformat(), last.isoformat()),
    ).fetchall()
    return [Point(_date(date), value, low, high, mean, n) for date, value, low, high, mean, n in rows]


def nights(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[NightPoint]:
    """Nights by wake-up date from ``first`` to ``last``, ascending; dates that hold only naps are among them."""
    rows = c.exec_driver_sql(
        "SELECT json FROM night WHERE person_id=? AND date BETWEEN ? AND ? ORDER BY date", (person_id, first.isoformat(), last.isoformat())
    )
    return [_night(text) for text in rows.scalars().all()]


def asleep(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[Point]:
    """Minutes asleep of each night as points, so that sleep is read like any other metric."""
    rows = c.exec_driver_sql(
        "SELECT date, asleep FROM night WHERE person_id=? AND date BETWEEN ? AND ? AND asleep IS NOT NULL ORDER BY date",
        (person_id, first.isoformat(), last.isoformat()),
    ).fetchall()
    return [Point(dt.date.fromisoformat(date), value, None, None, None, 1) for date, value in rows]


def seen(c: Connection, person_id: int, metric: str) -> Seen | None:
    """The extent of a metric's days; of nights for sleep. None when there is none."""
    table, given = ("night", (person_id,)) if metric == "sleep_analysis" else ("day", (person_id, metric))
    row = c.exec_driver_sql(
        f"SELECT min(date), max(date), count(*) FROM {table} WHERE person_id=? "
        + ("AND asleep IS NOT NULL" if table == "night" else "AND metric=? AND value IS NOT NULL"),
        given,
    ).one()
    return Seen(dt.date.fromisoformat(row[0]), dt.date.fromisoformat(row[1]), row[2]) if row[2] else None
