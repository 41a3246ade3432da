"""Unknown metrics: what arrives under a name that nobody knows. A person says what it is; its days are then counted anew."""

import datetime as dt
import re
from typing import NamedTuple, cast, get_args

from flask import Blueprint, make_response, redirect, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.catalogue import Aggregation, Catalogue, Metric
from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.domain.records import UNSAID, Naming
from healthbox.domain.units import conversion, for_display
from healthbox.store import metrics
from healthbox.store import reading as records
from healthbox.store.metrics import Unknown
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading, writing
from healthbox.web.frame import href, page, person
from healthbox.web.house import house, now
from healthbox.web.said import PLAIN, name_of

routes = Blueprint("unknown", __name__)

WAYS = {
    "mean": "Its average (like a temperature)",
    "sum": "Its sum (like steps or water)",
    "last": "The last one (like weight)",
    "min_max_mean": "Lowest to highest (like pulse)",
    "count": "How many (like sneezes)",
    "duration": "How long it lasted, in minutes",
}
LABEL, UNIT = 60, 20
DAYS = 5
NAMINGS = {
    "healthkit": "Apple Health",
    "health_auto_export": "Health Auto Export",
    "health_connect": "Health Connect",
    "flutter": "Flutter health",
    "open_wearables": "Open Wearables",
    "shortcut": "your shortcut",
}


class Named(NamedTuple):
    """What the form says, checked."""

    key: str
    label: str
    unit: str
    aggregation: str


@routes.get("/unknown")
@opens("account")
def show() -> str:
    reader = Reader.of(person(), now())
    rows = [(entry, reader.figure(entry.records), reader.ago(entry.last_seen)) for entry in metrics.unknowns(reading(), person_id())]
    return page("unknown.html", "data", rows=rows)


@routes.get("/unknown/<key>")
@opens("account")
def one(key: str) -> str:
    entry = _own(key)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"^HK\w+?TypeIdentifier", "", entry.name)).replace("_", " ").strip()
    meant = PLAIN.find(cast(Naming, entry.naming), entry.name.removesuffix(UNSAID))
    guess = {"label": (words[:1].upper() + words[1:])[:LABEL], "unit": entry.unit, "aggregation": "mean"}
    return _form(entry, guess | {"same": meant.key if meant else "", "said": ""}, "")


@routes.post("/unknown/<key>")
@opens("account")
def adopt(key: str) -> AnyResponse:
    entry = _own(key)
    given = {name: " ".join(request.form.get(name, "").split()) for name in ("label", "unit", "aggregation", "same", "said")}
    try:
        with writing() as c:
            if "same" in request.form:
                _recognise(c, entry, given["same"], given["said"])
            else:
                named = _checked(entry, given, metrics.catalogue(c, Catalogue.load()))
                metrics.adopt(
                    c, person_id(), key, new_key=named.key, label=named.label, unit=named.unit, aggregation=named.aggregation, now=now()
                )
    except (Invalid, Conflict) as wrong:
        return make_response(_form(entry, given, f"{wrong.message} {wrong.hint}".strip()), wrong.status)
    house().door.ring()
    return redirect(href("data"), 303)


def _recognise(c: Connection, entry: Unknown, key: str, said: str) -> None:
    """Raises Invalid for a metric or a unit that it cannot be."""
    metric = next((metric for metric in _likes(entry) if metric.key == key), None)
    if metric is None:
        raise Invalid("Choose what it is.")
    unit = entry.unit or said
    if not entry.unit:
        if not said and len(set(metric.accepted.values())) > 1:
            raise Invalid(f"In which unit are its numbers? {name_of(metric)} can come in {_units(metric)}.")
        if said and said not in metric.accepted:
            raise Invalid(f"{name_of(metric)} does not come in that unit.", hint=f"Write one of {_units(metric)}.")
    if not metrics.recognise(c, person_id(), entry.key, metric, said):
        low, high = (for_display(metric, bound)[0] if bound is not None else None for bound in (metric.low, metric.high))
        shown = f"{_bound(low, 'anything')} to {_bound(high, 'anything')} {for_display(metric, 0.0)[1]}".strip()
        raise Invalid(f"Some of its values{f' in {unit}' if unit else ''} cannot be {name_of(metric)}, which is {shown}.")


def _bound(value: float | None, none: str) -> str:
    return none if value is None else f"{value:g}"


def _units(metric: Metric) -> str:
    """One spelling of each."""
    spellings = {pair: unit for unit, pair in reversed(metric.accepted.items()) if unit and not set(unit) & set("{}[]*")}
    return ", ".join(reversed(spellings.values()))


def _likes(entry: Unknown) -> list[Metric]:
    """The metrics of the catalogue that it could be, by its unit."""
    return [metric for metric in PLAIN.all() if metric.kind == "quantity" and (not entry.unit or _takes(metric, entry.unit))]


def _takes(metric: Metric, unit: str) -> bool:
    try:
        conversion(metric, unit)
    except ValueError:
        return False
    return True


def _checked(entry: Unknown, given: dict[str, str], known: Catalogue) -> Named:
    """Raises Invalid for what cannot be; Conflict where that name means something else already."""
    label, aggregation = given["label"], given["aggregation"]
    unit = entry.unit or given["unit"]  # what the client writes is what later records will say
    key = "_".join(re.findall(r"\w+", label.casefold()))
    if not key or len(label) > LABEL or not label.isprintable():
        raise Invalid(f"A name has 1 to {LABEL} characters.")
    if not unit.isprintable() or (len(unit) > UNIT and not entry.unit):
        raise Invalid(f"A unit has at most {UNIT} characters.")
    if aggregation not in get_args(Aggregation):
        raise Invalid("Say how a day of it is made.")
    same = known.get(key)
    if same is not None and (same.known or same.unit != unit or same.aggregation != aggregation):
        raise Conflict(f"There is a metric called {same.label} already.", hint="Choose it above, or another name.")
    return Named(key, label, unit, aggregation)


def _own(key: str) -> Unknown:
    for entry in metrics.unknowns(reading(), person_id()):
        if entry.key == key:
            return entry
    raise NotFound("There is no such unknown metric.", hint="It may have been named meanwhile.")


def _form(entry: Unknown, given: dict[str, str], error: str) -> str:
    reader = Reader.of(person(), now())
    today = reader.local(reader.now).date()
    days = records.days(reading(), person_id(), entry.key, today - dt.timedelta(days=3650), today)["days"][-DAYS:]
    return page(
        "unknown_metric.html",
        "data",
        entry=entry,
        seen=[(_day(day["date"], today, reader), _value(day, reader)) for day in reversed(days) if day["value"] is not None],
        given=given,
        error=error,
        ways=WAYS.items(),
        records=reader.figure(entry.records),
        first=reader.day(entry.first_seen),
        naming=NAMINGS.get(entry.naming, "the app"),
        likes=sorted(((metric.key, name_of(metric)) for metric in _likes(entry)), key=lambda like: like[1].casefold()),
    )


def _day(date: str | dt.date, today: dt.date, reader: Reader) -> str:
    return render.day_words(dt.date.fromisoformat(str(date)), today, reader.locale)


def _value(day: dict[str, float], reader: Reader) -> str:
    value = day["value"]
    return render.number(value, 0 if value == int(value) else 2, reader.locale)
