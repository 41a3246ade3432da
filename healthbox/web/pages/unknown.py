"""Unknown metrics: what arrives under a name that nobody knows. A person says what it is; its days are then counted anew."""

import datetime as dt
import re
from typing import NamedTuple, get_args

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.catalogue import Aggregation, Catalogue
from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.store import metrics
from healthbox.store import reading as records
from healthbox.store.metrics import Unknown
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading, writing
from healthbox.web.frame import href, page, person
from healthbox.web.house import house, now

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
    return _form(entry, {"label": (words[:1].upper() + words[1:])[:LABEL], "unit": entry.unit, "aggregation": "mean"}, "")


@routes.post("/unknown/<key>")
@opens("account")
def adopt(key: str) -> AnyResponse:
    entry = _own(key)
    given = {name: " ".join(request.form.get(name, "").split()) for name in ("label", "unit", "aggregation")}
    try:
        with writing() as c:
            named = _checked(entry, given, metrics.catalogue(c, Catalogue.load()))
            metrics.adopt(
                c, person_id(), key, new_key=named.key, label=named.label, unit=named.unit, aggregation=named.aggregation, now=now()
            )
    except (Invalid, Conflict) as wrong:
        return make_response(_form(entry, given, f"{wrong.message} {wrong.hint}".strip()), wrong.status)
    house().door.ring()
    return redirect(href("data"), 303)


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
        raise Conflict(f"There is a metric called {same.label} already.", hint="Choose another name.")
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
    )


def _day(date: str | dt.date, today: dt.date, reader: Reader) -> str:
    return render.day_words(dt.date.fromisoformat(str(date)), today, reader.locale)


def _value(day: dict[str, float], reader: Reader) -> str:
    value = day["value"]
    return render.number(value, 0 if value == int(value) else 2, reader.locale)
