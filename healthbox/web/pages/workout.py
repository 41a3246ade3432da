"""One workout: its pulse over time, its way, its splits."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, url_for

from healthbox.domain.errors import NotFound
from healthbox.render import DASH, SPACE, Quantity, duration, number, usual_range
from healthbox.store import sources, workouts
from healthbox.store.workouts import WorkoutRow
from healthbox.web import charts, frame, splits, timelines, workout_words
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.slots import slotted
from healthbox.web.wallclock import Reader, reader

routes = Blueprint("workout", __name__)

SLOT = 5_000
DAY_MS = 86_400_000
FOOT = 0.3048


@routes.get("/workouts/<int:workout>")
@opens("account")
def show(workout: int) -> str:
    person = frame.person()
    found = workouts.get(reading(), person.id, workout)
    if found is None:
        raise NotFound("There is no such workout.", hint="See the page Workouts.")
    row, series, route = found[0], found[1], splits.ordered(found[2])
    who = reader(person)
    names = {source.id: source.name for source in sources.list_sources(reading(), person.id)}
    day = who.local(row.start, row.zone or "").date()
    graphs = [made for made in (_pulse(row, series, who), _speed(row, series, route, who), _height(row, route, who)) if made]
    return frame.page(
        "workout.html", "workouts", sport=workout_words.sport(row.activity), sentence=_sentence(row, who), when=_when(row, day, who),
        month=f"{day:%Y-%m}", facts=workout_words.facts(row, who), graphs=graphs, source=names.get(row.source_id, ""),
        has_pulse=any(graph["id"] == "pulse" for graph in graphs), route=_route(route, who), laps=_laps(row, who),
        splits=_splits(row, series, route, who), superseded=bool(row.superseded), counts=_counts(person.id, row, names, who),
    )  # fmt: skip


def _counts(person_id: int, row: WorkoutRow, names: dict[int, str], who: Reader) -> dict[str, str] | None:
    """The workout of another source that counts instead of this one."""
    other = workouts.again(reading(), person_id, row.start - DAY_MS, row.start + DAY_MS).get(row.id)
    found = workouts.get(reading(), person_id, other) if other is not None else None
    if found is None:
        return None
    return {
        "words": workout_words.told_elsewhere(names.get(found[0].source_id, "")), "href": url_for("workout.show", workout=found[0].id),
        "link": f"{workout_words.sport(found[0].activity)}, {workout_words.in_short(found[0], who)}",
    }  # fmt: skip


def _sentence(row: WorkoutRow, who: Reader) -> str:
    far = f"{workout_words.distance(row.totals['distance'], row.activity, who)} in " if "distance" in row.totals else ""
    return f"{workout_words.sport(row.activity)}, {far}{workout_words.lasted(row)}."


def _when(row: WorkoutRow, day: dt.date, who: Reader) -> str:
    return f"{who.date(day)}, {who.clock(row.start, row.zone or '')}{DASH}{who.clock(row.end, row.zone or '')}"


def _pulse(row: WorkoutRow, series: dict[str, Any], who: Reader) -> dict[str, Any] | None:
    points = [(int(at), value) for at, value in series.get("heart_rate", ())]
    return _graph("pulse", "Pulse", "heart", points, row, who, unit="bpm", least=20)


def _speed(row: WorkoutRow, series: dict[str, Any], route: Sequence[Any], who: Reader) -> dict[str, Any] | None:
    """Speed as a series of its own, or as stated with the route."""
    stated = [(int(at), value) for at, value in series.get("speed", ())] or [(p[0], p[4]) for p in route if p[4] is not None]
    factor, unit = (3600 / workout_words.MILE, "mph") if who.units == "imperial" else (3.6, "km/h")
    points = [(at, value * factor) for at, value in stated]
    return _graph("speed", "Speed", "move", points, row, who, unit=unit, least=2, digits=1, height=110)


def _height(row: WorkoutRow, route: Sequence[Any], who: Reader) -> dict[str, Any] | None:
    factor, unit = (1 / FOOT, "ft") if who.units == "imperial" else (1.0, "m")
    return _graph(
        "height", "Altitude", "body", [(p[0], p[3] * factor) for p in route if p[3] is not None], row, who, unit=unit, least=20, height=110
    )


def _graph(
    name: str, title: str, hue: str, points: Sequence[tuple[int, float]], row: WorkoutRow, who: Reader, *,
    unit: str, least: float, digits: int = 0, height: float = 180,
) -> dict[str, Any] | None:  # fmt: skip
    """One line over the whole workout; None with fewer than three points. Where nothing was measured the line breaks."""
    slots = slotted(points, row.start, row.end, least=SLOT, most=110 if name == "pulse" else 60)
    known = slots.known
    if len(known) < 3:
        return None
    length = row.end - row.start
    drawn = charts.line(slots.values, height=height, least=least, smooth=False, word=lambda v: number(v, 0, who.locale))
    drawn = replace(drawn, dots=(), x_ticks=_ticks(length))
    rows = [
        (workout_words.stopwatch(slots.step * index / 1000), "no readings" if v is None else f"{number(v, digits, who.locale)} {unit}")
        for index, v in enumerate(slots.values)
    ]
    each = f"each point the average of {duration(slots.step / 60_000)}"
    return {
        "id": name, "title": title, "hue": hue, "plot": drawn, "legend": [("nodata", "no readings")] if drawn.gaps else [],
        "summary": f"{usual_range(min(known), max(known), digits, who.locale)} {unit}, {each}.",
        "data": {"caption": f"{title} over time", "columns": ("At", title), "rows": rows, "xs": drawn.xs},
    }  # fmt: skip


def _ticks(length: int) -> tuple[charts.Tick, ...]:
    """Minutes from the start, as few round ones as fit on a phone."""
    minutes = length / 60_000
    step = next((size for size in (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480) if minutes / size <= 5), 1440)
    marks = range(0, int(minutes) + 1, step)
    return tuple(charts.Tick(round(100 * mark * 60_000 / max(1, length), 2), f"{mark}{SPACE}min" if mark else "0") for mark in marks)


def _route(route: Sequence[Any], who: Reader) -> dict[str, Any] | None:
    drawn = timelines.route(splits.line(route))
    if not drawn.lines:
        return None
    words = f"{number(drawn.metres / 1000)} km" if drawn.metres >= 1000 else f"{number(drawn.metres)} m"
    if who.units == "imperial":
        far = f"{number(drawn.metres / workout_words.MILE, 1)} mi" if drawn.metres >= 500 else f"{number(drawn.metres / FOOT)} ft"
        words = f"{words} ({far})"
    parts = f"; recorded in {len(drawn.lines)} parts" if len(drawn.lines) > 1 else ""
    return {"plot": drawn, "scale": words, "summary": f"North is up{parts}. No map is loaded: nobody learns where you were."}


def _splits(row: WorkoutRow, series: dict[str, Any], route: Sequence[Any], who: Reader) -> dict[str, Any] | None:
    step = workout_words.split_length(row.activity, who)
    found = splits.splits(splits.travelled(series, route), step, series, route, row.start)
    if len(found) < 2:
        return None
    pulse, climb = any(s.pulse is not None for s in found), any(s.climb is not None for s in found)
    tempo = workout_words.tempo(step, 1, row.activity, who)
    rise = "Up ft" if who.units == "imperial" else "Up m"
    columns = ["Split", f"{tempo[0]} {tempo[1].unit}" if tempo else "Pace", "At", *(["Pulse"] if pulse else []), *([rise] if climb else [])]
    rows, far = [], 0.0
    for split in found:
        far += split.metres
        seconds = (split.end - split.start) / 1000
        speed = workout_words.tempo(split.metres, seconds, row.activity, who)
        cells = [
            str(_mark(far, step, row.activity, who)), speed[1].number if speed else "no time",
            workout_words.stopwatch((split.end - row.start) / 1000),
        ]  # fmt: skip
        if pulse:
            cells.append("no data" if split.pulse is None else number(split.pulse, 0, who.locale))
        if climb:
            cells.append("no data" if split.climb is None else workout_words.total("elevation_up", split.climb, who).number)
        rows.append(cells)
    way = "distances that the source states" if len(series.get("distance", ())) > 1 else "length of the recorded route"
    return {"columns": columns, "rows": rows, "note": f"By the {way}; pauses count.{' Pulse in bpm.' if pulse else ''}"}


def _mark(far: float, step: float, activity: str, who: Reader) -> Quantity:
    """'3 km' where a split ends on a whole one, '9.05 km' where the workout did."""
    said, whole = workout_words.distance(far, activity, who), round(far / step)
    return Quantity(number(whole, 0, who.locale), said.unit) if "swim" not in activity and abs(far - whole * step) < 0.5 else said


def _laps(row: WorkoutRow, who: Reader) -> list[tuple[str, ...]]:
    """Laps as the source states them; what it leaves out is said to be missing."""
    rows = list[tuple[str, ...]]()
    for index, lap in enumerate(row.laps[:200], 1):
        start, end = _plain(lap.get("start")), _plain(lap.get("end"))
        seconds, metres = _plain(lap.get("duration")), _plain(lap.get("distance"))
        if seconds is None and start is not None and end is not None:
            seconds = (end - start) / 1000
        rows.append((
            str(lap.get("name") or index), "not stated" if seconds is None else workout_words.stopwatch(seconds),
            "not stated" if metres is None else str(workout_words.distance(metres, row.activity, who)),
        ))  # fmt: skip
    return rows


def _plain(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
