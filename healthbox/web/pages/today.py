"""Today, and any day: am I okay, what changed, is my data arriving?"""

import datetime as dt
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import NotFound
from healthbox.store import day_values, devices, findings, freshness, pages_reading, workouts
from healthbox.store.findings import FindingRow
from healthbox.store.freshness import Arrival
from healthbox.store.pages_reading import NightPoint, Point, Workout
from healthbox.store.people import Person
from healthbox.web import charts, timelines, times, troubles, usual
from healthbox.web.arriving import Reader, import_words, source_row
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.drift_words import app_name
from healthbox.web.frame import arrivals, href, page, person
from healthbox.web.house import now
from healthbox.web.morning import Morning, metric_of, week_end
from healthbox.web.said import DRIFT, PLAIN, Said, capital
from healthbox.web.usual import DAY

routes = Blueprint("today", __name__)

STAGES = {"awake": "Awake", "rem": "REM", "core": "Core", "deep": "Deep", "asleep": "Asleep"}
BARS = 14
WEEK_MS = 7 * 86_400_000
LARGE = 1_000_000  # bytes: what is smaller is read before anybody looks
CALENDAR_WEEKS = 26
MOST_TROUBLES = 2  # lines; more are one line and a list elsewhere


@routes.get("/")
@routes.get("/day/<date>")
@opens("account")
def show(date: str | None = None) -> str:
    who = person()
    zone = ZoneInfo(who.zone)
    today = dt.datetime.fromtimestamp(now() / 1000, zone).date()
    day = today if date is None else times.date(date, "date")
    if day > today:
        raise NotFound("That day has not come yet.", hint="Choose an earlier day.")
    told, troubled = troubles.split(findings.of_person(reading(), who.id, since=day - DAY * usual.WINDOW))
    morning = read(who, day, today, zone, told)
    if not morning.window.points and not morning.window.nights and day_values.newest(reading(), who.id, today) is None:
        return _first_run(who, morning.arrivals, notices(who, Reader.of(who, now()), troubled))
    before, mark, after, below = morning.sentence()
    reader = Reader.of(who, now())
    return page(
        "today.html", "today", today=morning, before=before, mark=mark, after=after, below=below, counted=counted(morning),
        night=night_card(morning), movement=movement_card(morning), arrivals=arrival_rows(morning, reader),
        notices=notices(who, reader, troubled) if morning.is_today else [],
    )  # fmt: skip


@routes.get("/day")
@opens("account")
def choose() -> str | AnyResponse:
    """Any day by its date, or by a click on the half year."""
    who = person()
    today = dt.datetime.fromtimestamp(now() / 1000, ZoneInfo(who.zone)).date()
    if request.args.get("date"):
        return redirect(href("today", date=times.date(request.args["date"], "date").isoformat()), 303)
    first = today - DAY * 7 * CALENDAR_WEEKS
    rows = pages_reading.points(reading(), who.id, first, today, ("steps",), shares=False).get("steps", [])
    held = {row.date: row.value for row in rows} or {row.date: row.value for row in pages_reading.asleep(reading(), who.id, first, today)}
    calendar = timelines.calendar(held, today, weeks=CALENDAR_WEEKS)
    what = "steps" if rows else "hours of sleep"
    keys = [("nodata", "no data")]
    if calendar.cuts:
        least, most = (render.number(cut, 0, who.locale) if rows else render.duration(cut) for cut in (calendar.cuts[0], calendar.cuts[-1]))
        keys = [("q q0", f"up to {least}"), ("q q4", f"over {most}"), *keys]
    address = href("today", date="DATE")
    return page(
        "today_choose.html", "today", calendar=calendar, what=what, keys=keys, latest=today.isoformat(), address=address, live=None
    )  # fmt: skip


def read(who: Person, day: dt.date, today: dt.date, zone: ZoneInfo, told: list[FindingRow]) -> Morning:
    """Everything of a day in few reads, none of them of samples; ``told`` are the findings up to it."""
    last = week_end(day, today)
    low = int(dt.datetime.combine(day - DAY, dt.time(), zone).timestamp() * 1000)
    high = int(dt.datetime.combine(day + DAY, dt.time(), zone).timestamp() * 1000)
    window = pages_reading.window(reading(), who.id, day - DAY * usual.WINDOW, last, usual.STORED, (low, high))
    if len(window.workouts) > 1:
        told_again = workouts.again(reading(), who.id, low, high)
        window = msgspec.structs.replace(window, workouts=[one for one in window.workouts if one.id not in told_again])
    morning = Morning(day, today, zone, Said.of(who, now(), zone), window, arrivals())
    return morning.judge(told)


def notices(who: Person, reader: Reader, troubled: list[FindingRow]) -> list[tuple[str, str, str]]:
    """(kind, words, address) of what stands between a person and true numbers: a large upload under way, parts nobody could read,
    what fell silent or sends nothing new."""
    dead, running = freshness.standing(reading(), who.id, reader.now - WEEK_MS, LARGE)
    found = []
    if running:
        found.append(("", import_words(running, reader), url_for("uploads.one", public=running.public)))
    if dead:
        words = f"{reader.figure(dead)} part{'' if dead == 1 else 's'} of what came in the last seven days could not be read."
        found.append(("attn", words, href("data")))
    cards = [card for row in troubled if row.state == "open" and (card := troubles.trouble_card(row, who))]
    if len(cards) > MOST_TROUBLES:
        found.append(("", f"{len(cards)} things that usually send bring nothing new.", f"{href('findings')}#finding-{cards[0].row.id}"))
    else:
        found += [("", f"{card.headline}.", f"{href('findings')}#finding-{card.row.id}") for card in cards]
    return found


def counted(morning: Morning) -> str:
    """'Counted up to 08:38.', from the newest instant measured; nothing for a day that is over."""
    newest = max((a.newest for a in morning.arrivals if a.form == "source"), default=None)
    if not morning.is_today or newest is None:
        return ""
    local = dt.datetime.fromtimestamp(newest / 1000, morning.zone)
    return f"Counted up to {morning.said.clock(newest)}." if local.date() == morning.today else ""


def arrival_rows(morning: Morning, reader: Reader, most: int = 6) -> list[Any]:
    """Sources that are still waited for, the late ones last and never left out; where nothing was measured yet, the devices."""
    own = [a for a in morning.arrivals if a.form == "source"] or morning.arrivals
    alive: list[Arrival] = [a for a in own if a.state(reader.now) != "none"] or own
    late = [a for a in alive if a.late(reader.now)][:most]
    on_time = [a for a in alive if not a.late(reader.now)][: most - len(late)]
    return [source_row(a, PLAIN, reader) for a in (*on_time, *late)]


def night_card(morning: Morning) -> dict[str, Any] | None:
    """The night that ended on this day; None for somebody who has no nights at all."""
    if not morning.window.nights:
        return None
    night = next((n for n in morning.window.nights if n.date == morning.date), None)
    card: dict[str, Any] = {"href": href("sleep", date=morning.date.isoformat()), "reason": morning.reason()}
    if night is None or (night.asleep is None and not night.spans):
        return card
    said, zone, minutes = morning.said, usual.zone_of(night, morning.zone), metric_of(usual.NIGHTLY[-2])
    between = f"{said.clock(night.start, zone)}{render.DASH}{said.clock(night.end, zone)}" if night.start and night.end else ""
    parts = [(f"st-{key}", f"{STAGES[key]} {said.amount(minutes, value)}") for key, value in _parts(night) if value]
    card |= {"asleep": said.amount(minutes, night.asleep, "time asleep unknown"), "between": between, "keys": parts}
    if len(night.spans) > 1 and night.start and night.end:
        card |= _hypnogram(night, said, zone)
    return card


def _parts(night: NightPoint) -> list[tuple[str, float | None]]:
    return [("deep", night.deep), ("core", night.core), ("rem", night.rem), ("asleep", night.unspecified), ("awake", night.awake)]


def thirds(spans: list[tuple[str, int, int]], start: int, end: int) -> str:
    """Where in the night deep sleep and REM lay, as a sentence; empty when neither was measured."""
    found = []
    for stage in ("deep", "rem"):
        held = [sum(max(0, min(b, start + (end - start) * (n + 1) // 3) - max(a, start + (end - start) * n // 3))
                    for kind, a, b in spans if kind == stage) for n in range(3)]  # fmt: skip
        if sum(held):
            found.append(f"{STAGES[stage]} mostly in the {('first', 'middle', 'last')[held.index(max(held))]} third")
    return f"{', '.join(found)}." if found else ""


def _hypnogram(night: NightPoint, said: Said, zone: dt.tzinfo) -> dict[str, Any]:
    spans = [("asleep" if stage == "asleep_unspecified" else stage, start, end) for start, end, stage in night.spans]
    spans = sorted((span for span in spans if span[0] in STAGES), key=lambda span: span[1])
    start, end = spans[0][1], max(span[2] for span in spans)
    first, last = (dt.datetime.fromtimestamp(at / 1000, zone) for at in (start, end))
    marks = [(int(mark.timestamp() * 1000), render.clock_time(mark, said.locale)) for mark in timelines.hour_marks(first, last)]
    drawn = timelines.hypnogram(spans, start, end, ticks=marks)
    rows = [(said.clock(a, zone), STAGES[stage], render.duration((b - a) / 60_000)) for stage, a, b in spans]
    data = {"caption": "Stages of the night", "columns": ("From", "Stage", "For"), "rows": rows, "xs": drawn.xs}
    return {"hypnogram": drawn, "summary": thirds(spans, start, end) or f"Asleep {rows[0][0]} to {said.clock(end, zone)}.", "data": data}


def movement_card(morning: Morning) -> dict[str, Any] | None:
    """What the day holds of movement, the last fourteen days beside it; None for somebody who never moved with a device."""
    seen = [r for r in usual.MOVEMENT if any(row.date > morning.date - DAY * 42 for row in morning.rows.get(r.key, ()))]
    if not seen:
        return None
    main, said = seen[0], morning.said
    metric, rows = metric_of(main), morning.rows[main.key]
    dates = [morning.date - DAY * back for back in range(BARS - 1, -1, -1)]
    bands = [usual.movement_usual(rows, date) for date in dates]
    values = usual.filled(rows, morning.date, BARS)
    labels = [render.weekday_word(date, said.locale)[:2] for date in dates]
    plot = charts.bars(values, bands, height=140, labels=labels, word=said.axis(metric), partial=morning.is_today)
    day = "days at the weekend" if morning.date.weekday() > 4 else "working days"
    band = f"whole {day} usually {said.usual(metric, bands[-1])}" if bands[-1] else "learning your usual"
    facts = [
        (r.name, href("why", key=r.key, date=morning.date.isoformat()), said.amount(metric_of(r), row.value))
        for r in seen[1:] for row in [usual.on_day(morning.rows[r.key], morning.date)] if row
    ]  # fmt: skip
    table = [
        (render.short_date(date, said.locale), said.amount(metric, value), said.usual(metric, pair) if pair else "being learnt")
        for date, value, pair in zip(dates, values, bands, strict=True)
    ]
    hrefs = [href("why", key=main.key, date=d.isoformat()) if v is not None else "" for d, v in zip(dates, values, strict=True)]
    data = {"caption": f"{main.name}, fourteen days", "columns": ("Day", main.name, "Usual"), "rows": table, "xs": plot.xs, "hrefs": hrefs}
    return {
        "name": main.name, "amount": said.amount(metric, values[-1], f"no {main.name.lower()} {'yet' if morning.is_today else 'that day'}"),
        "band": band, "plot": plot, "data": data, "facts": facts, "workouts": [_workout(w, morning) for w in morning.window.workouts[-3:]],
        "why": href("why", key=main.key, date=morning.date.isoformat()) if values[-1] is not None else "",
        "drift": drift(usual.on_day(rows, morning.date), metric, said),
        "summary": f"Fourteen days{'; the band is your usual, working days and weekends apart' if plot.area else ''}.",
    }  # fmt: skip


def drift(point: Point | None, metric: Metric, said: Said) -> str:
    """'The Apple Health export says 9,120 steps, we count 8,990 steps.' where the client's own total lies more than 1 % off."""
    theirs = pages_reading.stated(point) if point else None
    if point is None or theirs is None or not theirs[1] or abs(theirs[1] - point.value) <= DRIFT * abs(point.value):
        return ""
    return f"{capital(app_name(theirs[0]))} says {said.amount(metric, theirs[1])}, we count {said.amount(metric, point.value)}."


def _workout(workout: Workout, morning: Morning) -> dict[str, str]:
    local = dt.datetime.fromtimestamp(workout.start / 1000, morning.zone)
    when = render.day_words(local.date(), morning.today, morning.said.locale)
    name = workout.activity.replace("_", " ").capitalize()
    parts = [render.duration((workout.end - workout.start) / 60_000)]
    distance = PLAIN.get("distance_walking_running")
    if distance and workout.totals.get("distance"):
        parts.insert(0, str(morning.said.amount(distance, workout.totals["distance"])))
    title = f"{name}, {when} {morning.said.clock(workout.start)}"
    return {"title": title, "words": " in ".join(parts), "href": href("workout", workout=workout.id)}


def _first_run(who: Person, known: list[Arrival], told: list[tuple[str, str, str]]) -> str:
    """Nothing has been counted yet: the page is the list of what is left to do."""
    paired = [device for device in devices.list_devices(reading(), who.id) if device.revoked_at is None]
    heard = [name for name, _ in groupby(a.name for a in known)]
    return page("today_first.html", "today", paired=[device.name for device in paired], heard=heard, notices=told)
