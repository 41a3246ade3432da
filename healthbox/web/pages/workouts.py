"""Workouts: a month of them, as a calendar and as a list."""

import datetime as dt
from calendar import Calendar
from operator import itemgetter
from typing import Any

from babel.dates import format_skeleton
from flask import Blueprint, request, url_for

from healthbox.domain.errors import NotFound
from healthbox.render import Quantity, duration, weekday_word
from healthbox.store import night_reading, sources, workouts
from healthbox.store.workouts import WorkoutRow
from healthbox.web import frame, workout_words
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.wallclock import Reader, reader

routes = Blueprint("workouts", __name__)

DAY = dt.timedelta(days=1)
SUNDAY_FIRST = ("US", "CA", "_IL")


@routes.get("/workouts")
@opens("account")
def show() -> str:
    person = frame.person()
    who = reader(person)
    month = _month(request.args.get("month"), who.today)
    after = _next(month)
    low, high = who.zones.bounds(month)[0], who.zones.bounds(after)[0]
    # A day wider on both sides: a workout is listed on the date of its own clock.
    wide = (low - 86_400_000, high + 86_400_000)
    near = workouts.between(reading(), person.id, *wide, limit=2000)
    again = workouts.again(reading(), person.id, *wide)
    names = {source.id: source.name for source in sources.list_sources(reading(), person.id)}
    rows = [(day, row) for row in near if month <= (day := who.local(row.start, row.zone or "").date()) < after]
    counted = [(day, row) for day, row in rows if row.id not in again]
    earlier = night_reading.last_before(reading(), person.id, low)
    return frame.page(
        "workouts.html", "workouts", title=_name(month), sentence=_sentence(counted, month, who), facts=_facts(counted, who),
        weeks=_weeks(month, counted, who), weekdays=_weekdays(who), items=_items(rows, again, names, who),
        pages=_pages(month, who), latest=_latest(earlier, who) if not rows else None, ever=bool(near) or earlier is not None,
    )  # fmt: skip


def _month(text: str | None, today: dt.date) -> dt.date:
    if text is None:
        return today.replace(day=1)
    try:
        found = dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2199 or found > today + 31 * DAY:
        raise NotFound("There is no such month.", hint="An address ends like this: /workouts?month=2026-11")
    return found


def _next(month: dt.date) -> dt.date:
    return (month + 31 * DAY).replace(day=1)


def _name(month: dt.date) -> str:
    return str(format_skeleton("yMMMM", month, locale="en"))


def _link(month: dt.date) -> str:
    return url_for("workouts.show", month=f"{month:%Y-%m}")


def _sentence(rows: list[tuple[dt.date, WorkoutRow]], month: dt.date, who: Reader) -> str:
    current = month == who.today.replace(day=1)
    name = month.strftime("%B") if month.year == who.today.year else f"{month:%B %Y}"
    if not rows:
        return f"No workouts in {name}{' yet' if current else ''}."
    spent = duration(sum(workout_words.seconds(row) for _, row in rows) / 60)
    return f"{len(rows)} workout{'s' if len(rows) > 1 else ''} in {name}{' so far' if current else ''}, {spent} in all."


def _facts(rows: list[tuple[dt.date, WorkoutRow]], who: Reader) -> list[tuple[str, Quantity, str]]:
    """The month by sport, the most frequent first: time, and distance where it was measured."""
    sports: dict[str, list[WorkoutRow]] = {}
    for _, row in rows:
        sports.setdefault(row.activity, []).append(row)
    made = []
    for activity, own in sorted(sports.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:8]:
        spent, _, unit = duration(sum(workout_words.seconds(row) for row in own) / 60).rpartition(" ")
        metres = [row.totals["distance"] for row in own if "distance" in row.totals]
        far = f" · {workout_words.distance(sum(metres), activity, who)}" if metres else ""
        made.append((workout_words.sport(activity), Quantity(spent, unit), f"{len(own)} {'time' if len(own) == 1 else 'times'}{far}"))
    return made


def _weeks(month: dt.date, rows: list[tuple[dt.date, WorkoutRow]], who: Reader) -> list[list[dict[str, Any] | None]]:
    """Weeks of days; None pads the ends. A day with one workout leads to it, with several to the list."""
    by_day: dict[dt.date, list[WorkoutRow]] = {}
    for day, row in rows:
        by_day.setdefault(day, []).append(row)
    weeks: list[list[dict[str, Any] | None]] = []
    for week in Calendar(_first_weekday(who)).monthdatescalendar(month.year, month.month):
        cells: list[dict[str, Any] | None] = []
        for day in week:
            own = by_day.get(day, [])
            href = url_for("workout.show", workout=own[0].id) if len(own) == 1 else f"#d{day.day}" if own else ""
            words = f"{who.date(day)}: {', '.join(workout_words.sport(row.activity) for row in reversed(own)) or 'no workout'}"
            cells.append({"day": day.day, "href": href, "words": words, "count": len(own)} if day.month == month.month else None)
        weeks.append(cells)
    return weeks


def _first_weekday(who: Reader) -> int:
    return 6 if who.locale.replace("-", "_").endswith(SUNDAY_FIRST) else 0


def _weekdays(who: Reader) -> list[tuple[str, str]]:
    sunday = dt.date(2023, 1, 1)
    days = [sunday + DAY * (index + (_first_weekday(who) + 1) % 7) for index in range(7)]
    return [(weekday_word(day, who.locale), day.strftime("%A")) for day in days]


def _items(rows: list[tuple[dt.date, WorkoutRow]], again: dict[int, int], names: dict[int, str], who: Reader) -> list[dict[str, Any]]:
    """Newest first; what is told again follows the one that counts, under the anchor of its day."""
    own = {row.id: (index, day) for index, (day, row) in enumerate(rows)}
    made = []
    for index, (_, row) in enumerate(rows):
        led, day = own.get(again.get(row.id, row.id), own[row.id])
        made.append(((led, row.id in again, index), _item(day, row, names, who, row.id in again)))
    return [item for _, item in sorted(made, key=itemgetter(0))]


def _item(anchor: dt.date, row: WorkoutRow, names: dict[int, str], who: Reader, double: bool) -> dict[str, Any]:
    day, source = who.local(row.start, row.zone or "").date(), names.get(row.source_id, "")
    short = workout_words.in_short(row, who)
    return {
        "href": url_for("workout.show", workout=row.id), "sport": workout_words.sport(row.activity), "anchor": f"d{anchor.day}",
        "when": f"{weekday_word(day, who.locale)} {who.short(day)}, {who.clock(row.start, row.zone or '')}", "again": double,
        "sub": f"{workout_words.told_again(source)} · {short}" if double else f"{short} · {source}" if source else short,
    }  # fmt: skip


def _pages(month: dt.date, who: Reader) -> list[tuple[str, str, str]]:
    before, after = (month - DAY).replace(day=1), _next(month)
    pages = [(_link(before), _name(before), "left")]
    return [*pages, (_link(after), _name(after), "right")] if after <= who.today else pages


def _latest(at: int | None, who: Reader) -> tuple[str, str] | None:
    if at is None:
        return None
    day = who.local(at).date()
    return _link(day.replace(day=1)), who.date(day)
