"""Why a day's number is what it is: the sum as a sentence, a lane per source, the rule, the layers not chosen, the samples."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.domain.layers import DATED
from healthbox.pipeline import explain
from healthbox.store import metrics as named
from healthbox.web import charts, ranges, timelines
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.drift_words import app_name, when_stated
from healthbox.web.frame import href, page, person
from healthbox.web.house import house, now
from healthbox.web.pages.metrics import SLEEP
from healthbox.web.said import ADDED, DRIFT, PLAIN, SOURCES, Said, capital, name_of
from healthbox.web.timelines import Part
from healthbox.web.times import date as date_of
from healthbox.web.times import zone_on

routes = Blueprint("why", __name__)

PER_PAGE = 50
LAYERS = {"raw": "Samples", "minute": "Minutes", "hour": "Hours", "day": "Whole day", "stated": "Stated total"}
STATES = (("won", "counted"), ("overlap", "left out: a better source measured too"), ("lost", "measured, not counted"))
RULES = {
    "interval merge": "At every moment only the best source counts. Where two measured at once, what the other one has of that time is "
    "left out; where an interval is cut, its value is split in proportion.",
    "time of the best source": "Time counts once: minutes in which at least one source was active.",
    "mean of the best source per hour": "In every hour the best source counts; the number is the mean of its readings.",
    "readings of the best source per hour": "In every hour the readings of the best source are counted.",
    "last reading": "The reading that ends last stands for the day.",
}  # fmt: skip


@routes.get("/metrics/<key>/<date>/why")
@opens("account")
def show(key: str, date: str) -> str | AnyResponse:
    day = date_of(date, "date")
    if key == SLEEP:
        return redirect(href("sleep", date=day.isoformat()), 303)
    who = person()
    told = explain.why(house().database, who.id, key, day)
    label = next((entry.name for entry in named.unknowns(reading(), who.id) if entry.key == key), key)
    metric = named.catalogue(reading(), PLAIN).get(key) or Metric(key=key, label=label, known=False)
    zone = ZoneInfo(who.zone)
    said, today = Said.of(who, now(), zone_on(who.id, day)), dt.datetime.fromtimestamp(now() / 1000, zone).date()
    sources = lanes(told, metric, said)
    return page(
        "why.html", "metrics", metric=metric, name=name_of(metric), date=day, today=today, told=told, sources=sources,
        value=said.amount(metric, told["value"]), sentence=sentence(told, metric, said), ticks=ticks(told, said), rule=rule_words(told),
        layers=layers(told, metric, said), drift=drift(told, metric, said), samples=samples(told, metric, said),
        usual_day=href("metric", key=key, range="d", end=day.isoformat()), partial=day == today and metric.aggregation in ADDED,
        keys=keys(sources), stated=any(layer["kind"] in DATED for layer in told["layers"]), live=None,
    )  # fmt: skip


def sentence(told: dict[str, Any], metric: Metric, said: Said) -> dict[str, Any]:
    """The parts that make the number: "Apple Watch 7,902 + iPhone 510", and what was left out. What an app has added up has no
    parts, only the app (``by``)."""
    added = metric.aggregation in ("sum", "duration")
    parts, left = [], []
    for share in told["contributions"] if told["layer"] == "raw" else ():
        name = share["source"] or "Unnamed source"
        kind = SOURCES.get(share["kind"], "")
        if added:
            words, out = said.amount(metric, share["value"]), said.amount(metric, share["discarded"])
        else:
            count = round(share["value"] or 0)
            words = render.Quantity(render.number(count, 0, said.locale), "reading" if count == 1 else "readings")
            out = render.Quantity(render.number(share["discarded"] or 0, 0, said.locale), "readings")
        if share["value"] or not added:
            parts.append((name, kind if kind != name.lower() else "", words))
        if share["discarded"]:
            left.append((name, out))
    return {"added": added, "parts": parts, "left": left, "by": _by(told, said)}


def _by(told: dict[str, Any], said: Said) -> str:
    """'stated by Health Auto Export for the whole day on 20 Nov at 06:10': who made the number and when; empty for samples."""
    chosen = told["layers"][0]
    if chosen["kind"] == "raw":
        return ""
    if chosen["kind"] not in DATED:
        return f"added up from the {chosen['kind']}s of {app_name(chosen['app'])}"
    when = when_stated(chosen["as_of"], dt.date.fromisoformat(told["date"]), said)
    return f"stated by {app_name(chosen['app'])} for the whole day {when}".rstrip()


def lanes(told: dict[str, Any], metric: Metric, said: Said) -> list[tuple[str, tuple[Part, ...], str]]:
    """A lane per source: solid where it counted, hatched where a better source measured the same time; outlined all along where
    samples are there and an app's own total makes the day. No samples, no lanes."""
    if not told["readings"]:
        return []
    start, end = _ms(told["start"]), _ms(told["end"])
    least = (end - start) // 300
    lengths: dict[str, int] = {}
    for one in told["readings"]:
        lengths[one["source"]] = max(lengths.get(one["source"], 0), _ms(one["end"]) - _ms(one["start"]))
    counted: dict[str, list[tuple[int, int]]] = {}
    had: dict[str, list[tuple[int, int]]] = {}
    for form, stored in (("lanes", counted), ("readings", had)):
        for one in told[form]:
            a, b = _ms(one["start"]), _ms(one["end"])
            if lengths.get(one["source"], 0) < least:  # instants still need a width; what counted of an interval keeps its own
                a = min(a, b - least)
            stored.setdefault(one["source"], []).append((max(start, a), min(end, max(b, a + 1))))
    found, used = [], told["layer"] == "raw"
    for share in told["contributions"] if used else told["beside"]:
        name = share["source"]
        won, all_ = union(counted.get(name, [])) if used else [], union(had.get(name, []))
        parts = [(a, b, "overlap" if used else "lost") for a, b in without(all_, won)] + [(a, b, "won") for a, b in won]
        count = len(had.get(name, ()))
        words = f"{render.number(count, 0, said.locale)} reading{'' if count == 1 else 's'}"
        found.append((name or "Unnamed source", timelines.lane(sorted(parts), start, end), words))
    return found


def keys(sources: list[tuple[str, tuple[Part, ...], str]]) -> list[tuple[str, str]]:
    """What the lanes show, in words: (class, words) of the states that occur."""
    states = {part.state for lane in sources for part in lane[1]}
    return [(state, words) for state, words in STATES if state in states]


def union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans: list[tuple[int, int]], cut: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What remains of ``spans`` outside ``cut``; both ascending and free of overlap."""
    found = []
    for start, end in spans:
        at = start
        for low, high in cut:
            if high > at and low < end:
                if low > at:
                    found.append((at, low))
                at = max(at, high)
        if at < end:
            found.append((at, end))
    return found


def ticks(told: dict[str, Any], said: Said) -> list[charts.Tick]:
    start, end = _ms(told["start"]), _ms(told["end"])
    marks = [dt.datetime.fromtimestamp(low / 1000, said.zone) for low, _ in ranges.hours(start, end)]
    return [
        charts.Tick(round(100 * (at.timestamp() * 1000 - start) / (end - start), 2), render.hour_word(at, said.locale))
        for at in marks if at.hour in (6, 12, 18) and at.minute == 0
    ]  # fmt: skip


def rule_words(told: dict[str, Any]) -> str:
    """The rule as a sentence; statements and buckets of a client name the client."""
    chosen = told["layers"][0]
    if chosen["kind"] == "raw":
        return RULES.get(told["rule"]) or f"{capital(told['rule'])}."
    app = app_name(chosen["app"])
    if chosen["kind"] not in DATED:
        return f"The {chosen['kind']}s that {app} has added up cover most of the day, so they make its number."
    why = "it was stated after the day was over" if chosen["final"] else "nothing else covers more of the day"
    return f"The total that {app} states for the whole day counts: {why}."


def layers(told: dict[str, Any], metric: Metric, said: Said) -> list[tuple[Any, ...]]:
    """Every layer that could have made the day, the chosen one first: (name, value, coverage, difference, chosen)."""
    found = []
    for layer in told["layers"]:
        name = LAYERS.get(layer["kind"], layer["kind"]) + (f" of {app_name(layer['app'])}" if layer["app"] else "")
        apart = ""
        if not layer["chosen"] and layer["value"] is not None and told["value"] is not None:
            sign, by = "+" if layer["value"] > told["value"] else render.MINUS, said.apart(metric, layer["value"], told["value"])
            apart = f"{sign}{by} against it" if any(digit in by.number for digit in "123456789") else "the same"
        share = f"{render.number(100 * (layer['coverage'] or 0), 0, said.locale)} %"
        found.append((name, said.amount(metric, layer["value"]), share, apart, layer["chosen"]))
    return found


def drift(told: dict[str, Any], metric: Metric, said: Said) -> str:
    """'Phone says 9,120, we count 8,990': where the client's own total lies more than 1 % off."""
    for layer in told["layers"]:
        ours, theirs = told["value"], layer["value"]
        if layer["kind"] in DATED and not layer["chosen"] and ours and theirs and abs(theirs - ours) > DRIFT * abs(ours):
            return f"{capital(app_name(layer['app']))} says {said.amount(metric, theirs)}, we count {said.amount(metric, ours)}."
    return ""


def samples(told: dict[str, Any], metric: Metric, said: Said) -> dict[str, Any]:
    """One page of the readings that overlap the day."""
    every = told["readings"]
    pages = max(1, -(-len(every) // PER_PAGE))
    wanted = request.args.get("page", "1")
    at = min(max(int(wanted), 1), pages) if wanted.isdecimal() and len(wanted) < 6 else 1
    rows = [
        (_between(one, said), one["source"] or "Unnamed source", said.amount(metric, one["value"]))
        for one in every[(at - 1) * PER_PAGE : at * PER_PAGE]
    ]
    return {"rows": rows, "page": at, "pages": pages, "open": "page" in request.args, "count": render.number(len(every), 0, said.locale)}


def _between(one: dict[str, Any], said: Said) -> str:
    start, end = said.clock(_ms(one["start"])), said.clock(_ms(one["end"]))
    return start if start == end else f"{start}{render.DASH}{end}"


def _ms(iso: str) -> int:
    return int(dt.datetime.fromisoformat(iso).timestamp() * 1000)
