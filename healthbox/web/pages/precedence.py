"""Whom to believe: the order of sources for one metric or for all, seen on the last 30 days before it is kept."""

from typing import NamedTuple

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import Invalid
from healthbox.pipeline.preview import SLEEP, Shift, preview
from healthbox.store import preferences, sources
from healthbox.store import reading as records
from healthbox.store.people import Person
from healthbox.store.preferences import EVERYTHING
from healthbox.store.sources import Source
from healthbox.web import frame
from healthbox.web.auth import opens, person_id, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.said import SOURCES, name_of
from healthbox.web.times import today

routes = Blueprint("precedence", __name__)

ASLEEP = Metric(SLEEP, "Sleep", unit="min", display_unit="min")


class Place(NamedTuple):
    """A source in the order; ``up`` and ``down`` are the orders that its buttons lead to, empty at the ends."""

    name: str
    kind: str
    up: str
    down: str


class Standing(NamedTuple):
    """An order as the settings list it; ``own`` when the person made it."""

    scope: str
    label: str
    names: list[str]
    own: bool


class Change(NamedTuple):
    """What a metric's last days would become. ``rows``: date, value now, value then, whether it differs; ``summary`` one sentence."""

    label: str
    summary: str
    rows: list[tuple[str, str, str, bool]]


@routes.get("/settings/precedence")
@opens("account")
def show() -> str:
    who, scope = frame.person(), request.args.get("metric") or EVERYTHING
    own = {source.id: source for source in _sources(scope)}
    standing = list(own)
    order = _order(request.args["order"], standing) if request.args.get("order") else standing
    by_rule = "rule" in request.args
    asked = by_rule or order != standing
    changes = preview(house().database, who.id, scope, [] if by_rule else order, today(who.id)) if asked else {}
    return frame.page(
        "precedence.html",
        None,
        scope=scope,
        label=_label(scope),
        places=_places([own[source] for source in order]),
        order=_text(order),
        asked=asked,
        by_rule=by_rule,
        has_own=scope in preferences.own_orders(reading(), who.id),
        changes=[_change(metric, shifts, who) for metric, shifts in changes.items()],
        scopes=_scopes(),
        saved="saved" in request.args,
        admin=visitor().account.admin,
    )


@routes.post("/settings/precedence")
@opens("account")
def save() -> AnyResponse:
    """Keep an order, or with ``rule`` return to the rule by class, and have the days it touches folded again."""
    scope = request.form.get("metric") or EVERYTHING
    measured = [source.id for source in _sources(scope)]
    order = [] if "rule" in request.form else _order(request.form.get("order", ""), measured)
    with writing() as c:
        sources.set_precedence(c, person_id(), scope, order)
        preferences.mark_following(c, person_id(), now(), metric=None if scope == EVERYTHING else scope)
    house().door.ring()
    return redirect(url_for("precedence.show", metric=None if scope == EVERYTHING else scope, saved=1), 303)


def standing_orders() -> list[Standing]:
    """The order for all metrics, and each metric's own where the person made one."""
    orders = preferences.own_orders(reading(), person_id())
    scopes = [EVERYTHING, *sorted(scope for scope in orders if scope != EVERYTHING)]
    return [Standing(scope, _label(scope), [source.name for source in _sources(scope)], scope in orders) for scope in scopes]


def _sources(scope: str) -> list[Source]:
    """The sources of a metric, or all of them, in the order that is in force."""
    ranks = sources.ranks(reading(), person_id(), scope)
    measured = preferences.measured_by(reading(), person_id()).get(scope, [])
    known = [source for source in sources.list_sources(reading(), person_id()) if scope == EVERYTHING or source.id in measured]
    return sorted(known, key=lambda source: (*ranks[source.id], source.id))


def _scopes() -> list[tuple[str, str]]:
    """What an order can be made for: everything, and each metric that more than one source has measured."""
    shared = [metric for metric, measured in preferences.measured_by(reading(), person_id()).items() if len(measured) > 1]
    return [("", "All metrics"), *sorted(((metric, _label(metric)) for metric in shared), key=lambda row: row[1])]


def _metric(key: str) -> Metric:
    return ASLEEP if key == SLEEP else records.metric_of(reading(), key) or Metric(key, key)


def _label(scope: str) -> str:
    return "All metrics" if scope == EVERYTHING else name_of(_metric(scope))


def _order(text: str, measured: list[int]) -> list[int]:
    """'3,1,2' → the ids. Raises Invalid unless it is an order of just these sources."""
    parts = text.split(",")
    order = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 16]
    if len(order) != len(parts) or sorted(order) != sorted(measured):
        raise Invalid("This is no order of these sources.", hint="Open the page anew: a source may have come or gone meanwhile.")
    return order


def _text(order: list[int]) -> str:
    return ",".join(map(str, order))


def _places(order: list[Source]) -> list[Place]:
    ids = [source.id for source in order]
    places = []
    for at, source in enumerate(order):
        up = [*ids[: at - 1], ids[at], ids[at - 1], *ids[at + 1 :]] if at else []
        down = [*ids[:at], ids[at + 1], ids[at], *ids[at + 2 :]] if at + 1 < len(ids) else []
        places.append(Place(source.name, SOURCES.get(source.kind, "unknown kind"), _text(up), _text(down)))
    return places


def _change(key: str, shifts: list[Shift], who: Person) -> Change:
    metric = _metric(key)
    units: render.Units = "imperial" if who.units == "imperial" else "metric"

    def words(value: float | None) -> str:
        said = render.quantity(metric, value, units, who.locale, missing="no value")
        return str(said) if render.is_duration(metric) else said.number

    rows = [(render.short_date(s.date, who.locale), words(s.before), words(s.after), words(s.before) != words(s.after)) for s in shifts]
    moved = sum(row[3] for row in rows)
    days = "night" if key == SLEEP else "day"
    unit = "" if render.is_duration(metric) else render.quantity(metric, 0.0, units, who.locale).unit
    label = f"{metric.label}, {unit}" if unit and unit.casefold() != metric.label.casefold() else metric.label
    summary = f"{moved} of the last {len(rows)} {days}s change." if moved else f"None of the last {len(rows)} {days}s changes."
    return Change(label, summary, rows[::-1])
