"""Rules: what healthbox watches for, with every number of it, and how far it knows the person's usual."""

import datetime as dt
import math
from typing import NamedTuple

from flask import Blueprint, make_response, redirect, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.analytics.baseline import LOGARITHMIC, baseline, floor
from healthbox.analytics.rules import clinical, deviation
from healthbox.analytics.rules.contract import ASLEEP, Rule
from healthbox.analytics.trouble import TROUBLES, Trouble
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Invalid, NotFound
from healthbox.pipeline import trouble
from healthbox.pipeline.analyse import RULES
from healthbox.pipeline.deliver import ASLEEP_METRIC
from healthbox.store import findings, jobs, metrics, pages_reading
from healthbox.store import reading as records
from healthbox.store.findings import RuleSetting
from healthbox.store.people import Person
from healthbox.web import frame
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.said import name_of
from healthbox.web.times import today

routes = Blueprint("rules", __name__)

DAY = dt.timedelta(days=1)
LOOK_BACK = 120  # days: as far as a rule may look
LARGEST = 1_000_000.0

# Numbers that are no limit of one metric: label, unit.
WORDS = {
    "scales": ("How far out counts", "times your usual spread"),
    "nights_needed": ("Nights needed to know your usual", "nights"),
    "nights_to_warn": ("Nights in a row until it is worth your attention", "nights"),
    "asleep_week_below_info": ("Mean of a week under, worth knowing", "min"),
    "asleep_week_below_warn": ("Mean of a week under, worth your attention", "min"),
    "asleep_week_nights": ("Nights of the week that must be known", "nights"),
    "looping_times": ("The same body at least", "times"),
    "looping_hours": ("Within", "hours"),
    "looping_share": ("Share of repeats among all uploads", "%"),
    "looping_days": ("Not in the first days of a device", "days"),
    "duplicates_uploads": ("In a row at least", "uploads"),
    "duplicates_hours": ("Over at least", "hours"),
    "duplicates_longest": ("And over its longest time without anything new", "times"),
    "duplicates_days": ("Not in the first days of a device", "days"),
    "silent_hours": ("Silent for at least", "hours"),
    "silent_usual": ("And for its usual gap", "times"),
    "silent_longest": ("And for its longest silence so far", "times"),
    "silent_days": ("Not in the first days of a device or source", "days"),
}
UNITS = {"br/min": "breaths a minute"}
OWN_GROUP = "Sleep over a week"
DEVICE_GROUP = "Your device’s own notifications, how many a day"
SEVERITIES = {"info": "worth knowing", "warn": "worth your attention", "urgent": "urgent"}
SOURCES = {limit.param: limit for limit in clinical.LIMITS}


WATCHED: dict[str, Rule | Trouble] = {**RULES, **TROUBLES}


class Number(NamedTuple):
    """A number of a rule, in the metric's canonical unit: its name in the form, words, the value in force and the rule's own."""

    name: str
    label: str
    value: str
    default: str


class Group(NamedTuple):
    title: str
    source: str
    numbers: list[Number]


class Progress(NamedTuple):
    """How well one metric's usual is known: ``n`` of ``needed`` nights; ``usual`` in words once it is."""

    label: str
    n: int
    needed: int
    learning: bool
    usual: str


@routes.get("/findings/rules")
@opens("account")
def show() -> str:
    return _page()


@routes.post("/findings/rules/<name>")
@opens("account")
def save(name: str) -> AnyResponse:
    rule = WATCHED.get(name)
    if rule is None:
        raise NotFound("There is no such rule.")
    try:
        params = {} if "reset" in request.form else _given(rule)
    except Invalid as wrong:
        return make_response(_page(wrong=name, error=f"{wrong.message} {wrong.hint}".strip()), 422)
    enabled = "reset" in request.form or "enabled" in request.form
    with writing() as c:
        findings.set_rule(c, person_id(), name, RuleSetting(enabled, params), days=name in RULES)
        if name in TROUBLES:
            jobs.hasten(c, trouble.JOB, now())
    house().door.ring()
    return redirect(url_for("rules.show", saved=name, _anchor=name), 303)


def _given(rule: Rule | Trouble) -> dict[str, float]:
    """The numbers of the form that are not the rule's own."""
    params: dict[str, float] = {}
    for name, default in rule.params.items():
        text = request.form.get(name, "").strip().replace(",", ".")
        if not text:
            continue  # an empty field means the rule's own number
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and 0 <= value <= LARGEST):
            raise Invalid(f"{_label(rule, name)}: {text[:20]!r} is no number from 0 on.", hint="Nothing was changed.")
        if value != default:
            params[name] = value
    return params


def _label(rule: Rule | Trouble, name: str) -> str:
    known = groups(rule, {}, metrics.catalogue(reading(), records.PLAIN))
    return next(f"{group.title}, {number.label}" for group in known for number in group.numbers if number.name == name)


def _page(wrong: str = "", error: str = "") -> str:
    who, at = frame.person(), today(person_id())
    kept = findings.rule_settings(reading(), who.id)
    catalogue = metrics.catalogue(reading(), records.PLAIN)
    fired = findings.of_person(reading(), who.id, since=at - 90 * DAY)
    cards = [
        {
            "rule": rule,
            "enabled": kept.get(name, RuleSetting()).enabled,
            "changed": len(kept.get(name, RuleSetting()).params),
            "groups": groups(rule, kept.get(name, RuleSetting()).params, catalogue),
            "fired": sum(row.rule == name and row.started > at - 90 * DAY for row in fired),
            "progress": progress(reading(), who, at, catalogue) if rule is deviation.RULE else [],
        }
        for name, rule in WATCHED.items()
    ]
    return frame.page("rules.html", None, cards=cards, saved=request.args.get("saved", ""), wrong=wrong, error=error)


def groups(rule: Rule | Trouble, params: dict[str, float], catalogue: Catalogue) -> list[Group]:
    """A rule's numbers, limits of one metric together."""
    found: dict[str, Group] = {}
    for name, default in rule.params.items():
        limit = SOURCES.get(name) if rule is clinical.RULE else None
        metric = catalogue.get(limit.metric) if limit else None
        if limit is None or metric is None:
            title, source = (OWN_GROUP, "AASM/SRS") if rule is clinical.RULE else ("", "")
            label = "{} ({})".format(*WORDS[name]) if name in WORDS else name.replace("_", " ")
        elif limit.source == "device":
            title, source, label = DEVICE_GROUP, "", name_of(metric)
        else:
            unit = UNITS.get(metric.display_unit, metric.display_unit)  # of these metrics it counts as the canonical one does
            title, source, label = f"{name_of(metric)}, {unit}", limit.source, f"{limit.side}, {SEVERITIES[limit.severity]}"
        group = found.setdefault(title, Group(title, source, []))
        group.numbers.append(Number(name, label, f"{params.get(name, default):g}", f"{default:g}"))
    return list(found.values())


def progress(c: Connection, who: Person, at: dt.date, catalogue: Catalogue) -> list[Progress]:
    """For each metric that is judged against the person's own usual and has data: how far it is known."""
    setting = findings.rule_settings(c, who.id).get(deviation.RULE.name, RuleSetting())
    needed = int({**deviation.PARAMS, **setting.params}["nights_needed"])
    first = at - LOOK_BACK * DAY
    points = pages_reading.points(c, who.id, first, at, [metric for metric in deviation.METRICS if metric != ASLEEP])
    rows = {metric: [(point.date, point.value, point.source) for point in found] for metric, found in points.items()}
    nights = [(night.date, night.asleep, night.name) for night in pages_reading.nights(c, who.id, first, at) if night.asleep is not None]
    rows |= {ASLEEP: nights} if nights else {}
    return [_progress(catalogue, who, metric, rows[metric], needed) for metric in deviation.METRICS if metric in rows]


def _progress(catalogue: Catalogue, who: Person, key: str, rows: list[tuple[dt.date, float, str]], needed: int) -> Progress:
    same = [(date, value) for date, value, source in rows if source == rows[-1][2]]
    known = baseline(same, rows[-1][0], floor=floor(key, [value for _, value in same]), log=key in LOGARITHMIC, least=needed)
    metric = ASLEEP_METRIC if key == ASLEEP else catalogue.get(key)
    label = name_of(metric) if metric else key
    if metric is None or known.low is None or known.high is None:
        return Progress(label, known.n, needed, True, "")
    units: render.Units = "imperial" if who.units == "imperial" else "metric"
    unit = "" if render.is_duration(metric) else f"{render.SPACE}{render.quantity(metric, known.centre, units, who.locale).unit}".rstrip()
    return Progress(label, known.n, needed, False, render.usual(metric, known.low, known.high, units, who.locale) + unit)
