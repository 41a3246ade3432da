"""Everything that is measured, by domain: now against one's own usual, with the names never seen folded away."""

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.store import metrics as named
from healthbox.store import pages_reading
from healthbox.store import reading as records
from healthbox.store.pages_reading import Point
from healthbox.web import charts, usual
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.frame import flagged_days, href, page, person
from healthbox.web.house import now
from healthbox.web.morning import BY_KEY, SPARK, joined
from healthbox.web.said import ADDED, PLAIN, Said, hue_of, name_of
from healthbox.web.usual import DAY, Flagged, Judged, Reading

routes = Blueprint("metrics", __name__)

SLEEP = records.SLEEP
DOMAINS = (
    ("Heart", ("heart",)),
    ("Breathing and vitals", ("respiratory", "vitals")),
    ("Sleep", ("sleep",)),
    ("Movement", ("activity", "mobility", "workout")),
    ("Body", ("body",)),
    ("Food and drink", ("nutrition",)),
    ("Mind", ("mindfulness",)),
    ("Hearing and surroundings", ("hearing", "environment")),
    ("Symptoms and cycle", ("symptom", "reproductive")),
)
NIGHTLY_KEYS = frozenset(r.key for r in usual.NIGHTLY) | {SLEEP}
WIDE = ("Heart", "Breathing and vitals", "Sleep")  # the first column; the other has a line of its own for each strip
OTHERS = "Other"
UNKNOWN = "Unknown names"


# Not /metrics itself: that address is Prometheus'.
@routes.get("/metrics/all")
@opens("account")
def show() -> str:
    who = person()
    zone = ZoneInfo(who.zone)
    said = Said.of(who, now(), zone)
    today = dt.datetime.fromtimestamp(now() / 1000, zone).date()
    wanted = request.args.get("q", "").strip()[:60]
    had = records.metrics(reading(), who.id, counted=False)
    catalogue = named.catalogue(reading(), PLAIN)
    values, out = recent(who.id, today), flagged_days(today - DAY * usual.WINDOW)
    groups: dict[str, list[dict[str, Any]]] = {}
    rows, quiet = 0, []
    for entry in had:
        metric = catalogue.get(entry["metric"]) or Metric(key=entry["metric"], label=entry["label"], unit=entry["unit"], known=False)
        name = name_of(metric)
        if wanted and wanted.casefold() not in f"{name} {metric.label} {metric.key}".casefold():
            continue
        rows += 1
        if values.get(metric.key):
            groups.setdefault(domain_of(entry["category"]), []).append(row_of(metric, name, values[metric.key], today, said, out))
        else:
            quiet.append(
                (name, href("metric", key=metric.key), render.date_words(dt.date.fromisoformat(entry["last"]), today, said.locale))
            )
    order = [title for title in (*(title for title, _ in DOMAINS), OTHERS, UNKNOWN) if title in groups]
    never = sorted(name_of(m) for m in PLAIN.all() if m.kind in ("quantity", "category") and m.key not in {e["metric"] for e in had})
    left, right = ([(title, groups[title]) for title in order if (title in WIDE) == wide] for wide in (True, False))
    unknown = [e["label"] for e in had if e["category"] == "unknown"]
    return page(
        "metrics.html", "metrics", left=left, right=right, rows=rows, quiet=quiet, wanted=wanted, never=never,
        unknown=unknown,
    )  # fmt: skip


def recent(person_id: int, today: dt.date) -> dict[str, list[Point]]:
    """The last 91 days of every metric, with their sources where a usual is of one source only."""
    first = today - DAY * usual.WINDOW
    values = pages_reading.points(reading(), person_id, first, today, shares=False)
    values |= pages_reading.points(reading(), person_id, first, today, [r.key for r in usual.NIGHTLY if r.metric is None])
    return values | {SLEEP: usual.asleep(pages_reading.nights(reading(), person_id, first, today))}


def domain_of(category: str) -> str:
    if category == "unknown":
        return UNKNOWN
    return next((title for title, held in DOMAINS if category in held), OTHERS)


def judged(metric: Metric, name: str, rows: list[Point], on: dt.date, flagged: Flagged) -> Judged:
    """A day against its usual: percentiles of days of its kind for what adds up, else the baseline."""
    reading_ = BY_KEY.get("asleep" if metric.key == SLEEP else metric.key) or Reading(metric.key, name, name, hue_of(metric), metric=metric)
    seldom = len(rows) < usual.WINDOW / 3 or metric.category not in ("heart", "vitals")
    rare = metric.aggregation == "last" and seldom and metric.key not in NIGHTLY_KEYS  # weighed or estimated now and then
    if metric.key == SLEEP or not (rare or metric.aggregation in ADDED):
        return usual.Course(reading_, rows, flagged.get(reading_.key, ())).judge(on)
    band, now_ = (usual.body_usual if rare else usual.movement_usual)(rows, on), usual.on_day(rows, on)
    before = sum(1 for row in rows if row.date < on)
    state: Any = "none" if now_ is None else "learning" if band is None else charts.against(now_.value, band)
    return Judged(reading_, now_.value if now_ else None, usual.ranged(band, before), state)


def row_of(metric: Metric, name: str, rows: list[Point], today: dt.date, said: Said, flagged: Flagged) -> dict[str, Any]:
    last = rows[-1]
    partial = metric.aggregation in ADDED and last.date == today and metric.key != SLEEP
    at = judged(metric, name, rows, last.date, flagged)
    values = usual.filled(rows, last.date, SPARK)
    if partial:
        values[-1] = None  # a day that is not over is no fall
    sparse = sum(v is None for v in values) > SPARK // 2
    spark = charts.spark(values, at.band)
    if sparse:
        spark = replace(spark, lines=joined(spark.lines), gaps=())
    when = render.day_words(last.date, today, said.locale) if (today - last.date).days < 2 else render.short_date(last.date, said.locale)
    if at.band is None:
        words = f"learning your usual: {at.usual.n} of {at.usual.needed} {'nights' if metric.key in NIGHTLY_KEYS else 'days'}"
    else:
        side = "usually" if partial else {"above": "above your usual", "below": "below your usual"}.get(at.state, "in your usual")
        words = f"{side} {said.usual(metric, at.band)}"
    strip = charts.strip(last.value, at.band, [v for v in values[:-1] if v is not None][-9:], partial=partial)
    amount = said.amount(metric, last.value)
    words = f"{when}{' so far' if partial else ''}, {words}"
    return {
        "name": name, "quantity": amount, "strip": strip, "words": words, "spark": spark, "hue": hue_of(metric),
        "href": href("metric", key=metric.key),
    }  # fmt: skip
