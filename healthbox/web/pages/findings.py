"""Findings: what was unusual, with its evidence, and what the person says to it."""

import datetime as dt
from typing import NamedTuple

import msgspec
from flask import Blueprint, redirect, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.analytics.rules.contract import ASLEEP, Finding
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import Invalid
from healthbox.domain.units import for_display
from healthbox.notify.messages import OF_THE_PERSON
from healthbox.pipeline.analyse import RULES, Evidence
from healthbox.pipeline.deliver import ASLEEP_METRIC
from healthbox.store import channels, deliveries, findings, pages_reading
from healthbox.store import reading as records
from healthbox.store.findings import FindingRow
from healthbox.store.people import Person
from healthbox.web import charts, frame
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading, writing
from healthbox.web.house import now
from healthbox.web.pages.login import local_address
from healthbox.web.pages.rules import progress
from healthbox.web.times import today

routes = Blueprint("findings", __name__)

DAY = dt.timedelta(days=1)
SPARK_DAYS = 30
BACK_TEST_DAYS = 90
QUIET_DAYS = 3
PAST_SHOWN = 20
DAYS_SHOWN = 30
NOTE_LENGTH = 500
HUES = {"heart": "heart", "respiratory": "heart", "vitals": "heart", "sleep": "sleep", "activity": "move", "mobility": "move"}
SEVERITY_WORDS = {"info": "Worth knowing", "warn": "Worth your attention", "urgent": "Urgent"}
NUMBER_WORDS = ("Nothing is", "One thing is", "Two things are", "Three things are", "Four things are", "Five things are")


class Card(NamedTuple):
    """An episode in words; ``told`` says where a message about it went."""

    row: FindingRow
    headline: str
    flag: str
    mark: str  # above | below | clinical, for the sign before the flag
    words: str
    when: str
    why: str
    fired: int
    spark: charts.Plot | None
    hue: str
    spark_words: str
    days: list[tuple[str, str, str]]
    told: list[str]


@routes.get("/findings")
@opens("account")
def show() -> str:
    who, at = frame.person(), today(person_id())
    rows = findings.of_person(reading(), who.id)
    open_, quiet, past = ([row for row in rows if row.state == state] for state in ("open", "muted", "resolved"))
    shown = past if request.args.get("past") == "all" else past[:PAST_SHOWN]
    learning = [line for line in progress(reading(), who, at) if line.learning]
    return frame.page(
        "findings.html",
        None,
        headline=f"{NUMBER_WORDS[len(open_)] if len(open_) < len(NUMBER_WORDS) else f'{len(open_)} things are'} unusual right now.",
        open=[card(reading(), who, row, rows, at) for row in open_],
        quiet=[card(reading(), who, row, rows, at) for row in quiet],
        past=[card(reading(), who, row, rows, at, drawn=False) for row in shown],
        more_past=len(past) - len(shown),
        learning=max(learning, key=lambda line: line.n, default=None),
        severities=SEVERITY_WORDS,
        channels=[channel for channel in channels.of_person(reading(), who.id) if channel.enabled],
        failed=sum(delivery.status == "dead" for delivery in deliveries.of_person(reading(), who.id)),
        rules=[(rule.label, sum(row.rule == name and _recent(row, at) for row in rows)) for name, rule in RULES.items()],
        note_length=NOTE_LENGTH,
    )


@routes.post("/findings/<int:finding_id>/reason")
@opens("account")
def explain(finding_id: int) -> AnyResponse:
    """The person knows why: the note stays with the episode, and nothing more is sent about it."""
    note = " ".join(request.form.get("note", "").split())
    if not 0 < len(note) <= NOTE_LENGTH:
        raise Invalid(f"A reason has 1 to {NOTE_LENGTH} characters.", hint="A cold, a long flight, a late dinner …")
    with writing() as c:
        row = findings.get(c, person_id(), finding_id)
        findings.mute(c, person_id(), finding_id, note=note, quiet_until=row.quiet_until, now=now())
    return _back()


@routes.post("/findings/<int:finding_id>/quiet")
@opens("account")
def quieten(finding_id: int) -> AnyResponse:
    """Nothing about this, nor about a new one like it, for three days."""
    until = today(person_id()) + QUIET_DAYS * DAY
    with writing() as c:
        row = findings.get(c, person_id(), finding_id)
        findings.mute(c, person_id(), finding_id, note=row.note or "", quiet_until=until, now=now())
    return _back()


@routes.post("/findings/<int:finding_id>/watch")
@opens("account")
def watch(finding_id: int) -> AnyResponse:
    with writing() as c:
        findings.unmute(c, person_id(), finding_id, now())
    return _back()


def _back() -> AnyResponse:
    return redirect(local_address(request.form.get("next") or "/findings"), 303)


def card(c: Connection, who: Person, row: FindingRow, rows: list[FindingRow], at: dt.date, *, drawn: bool = True) -> Card:
    """Everything the page says about one episode; ``rows`` are all of the person's, for the count of the last 90 days."""
    told = msgspec.json.decode(row.json, type=Evidence).findings
    metric = metric_of(c, row.metric)
    own = row.rule == OF_THE_PERSON
    first, last = row.started, row.latest
    dates = render.day_words(last, at, who.locale)
    when = dates if first == last else f"{render.short_date(first, who.locale)} to {render.short_date(last, who.locale)}, {len(told)} days"
    alike = [other for other in rows if (other.rule, other.metric) == (row.rule, row.metric) and _recent(other, at)]
    plot = _spark(c, who.id, row, told[-1]) if drawn and told else None
    return Card(
        row,
        _headline(metric, told[-1], who) if told else metric.label,
        ("Unusual for you" if own else "Beyond a published limit") if told else "Taken back",
        (told[-1].direction if own else "clinical") if told else "usual",
        _sentence(metric, told, who) if told else "Data that came later no longer shows this.",
        when,
        f"{request.script_root}/sleep/{last}" if row.metric == ASLEEP else f"{request.script_root}/metrics/{row.metric}/{last}/why",
        len(alike),
        plot,
        HUES.get(metric.category, "body"),
        f"{SPARK_DAYS} {'nights' if row.metric == ASLEEP else 'days'} up to {render.short_date(last, who.locale)}"
        + (", band = your usual then" if own else ""),
        [
            (render.short_date(f.date, who.locale), _says(metric, f.value, who), _range(metric, f, who))
            for f in told[: -DAYS_SHOWN - 1 : -1]
        ],
        _told(c, row),
    )


def _recent(row: FindingRow, at: dt.date) -> bool:
    return row.started > at - BACK_TEST_DAYS * DAY


def metric_of(c: Connection, key: str) -> Metric:
    return ASLEEP_METRIC if key == ASLEEP else records.metric_of(c, key) or Metric(key, key)


def _units(who: Person) -> render.Units:
    return "imperial" if who.units == "imperial" else "metric"


def _says(metric: Metric, value: float, who: Person) -> str:
    return str(render.quantity(metric, value, _units(who), who.locale))


def _headline(metric: Metric, last: Finding, who: Person) -> str:
    return metric.label if last.words.get("source") == "device" else f"{metric.label} {_says(metric, last.value, who)}"


def _range(metric: Metric, found: Finding, who: Person) -> str:
    if found.low is not None and found.high is not None:
        return render.usual(metric, found.low, found.high, _units(who), who.locale)
    limit = found.high if found.direction == "above" else found.low
    return "no limit kept" if limit is None else f"{'over' if found.direction == 'above' else 'under'} {_says(metric, limit, who)}"


def _sentence(metric: Metric, told: list[Finding], who: Person) -> str:
    last = told[-1]
    if last.words.get("source") == "device":
        return "Your device sent this notification; healthbox passes it on as it is."
    edge = last.high if last.direction == "above" else last.low
    if last.rule == OF_THE_PERSON:
        words = f"{_apart(metric, last.value, edge, who)} {last.direction} your usual {_range(metric, last, who)}"
    else:
        side = "over" if last.direction == "above" else "under"
        mean = f"Mean of {last.words['nights']:.0f} nights, " if "nights" in last.words else ""
        words = f"{mean}{_apart(metric, last.value, edge, who)} {side} the limit of {_says(metric, edge or 0.0, who)}"
        words += f" ({last.words['source']})" if "source" in last.words else ""
    if len(told) < 2:
        return f"{words}."
    recent = ", ".join(render.quantity(metric, found.value, _units(who), who.locale).number for found in told[-3:])
    return f"{words}. {recent} on the last {min(len(told), 3)} such days."


def _apart(metric: Metric, value: float, edge: float | None, who: Person) -> str:
    """How far beyond, as the person's own unit counts; nothing where the difference is too small for its digits."""
    if edge is None:
        return "far"
    if render.is_duration(metric):
        return render.duration(abs(value - edge) * (60 if metric.unit == "{hours}" else 1))
    (shown, unit), (limit, _) = for_display(metric, value, _units(who)), for_display(metric, edge, _units(who))
    digits = render.digits_for(metric.key, unit, shown)
    apart = round(abs(shown - limit), digits)
    return f"{render.number(apart, digits, who.locale)}{render.SPACE}{render.UNIT_WORDS.get(unit, unit)}" if apart else "just"


def _spark(c: Connection, person: int, row: FindingRow, last: Finding) -> charts.Plot:
    first = row.latest - (SPARK_DAYS - 1) * DAY
    if row.metric == ASLEEP:
        points = pages_reading.asleep(c, person, first, row.latest)
    else:
        points = pages_reading.values(c, person, row.metric, first, row.latest)
    by_date = {point.date: point.value for point in points}
    usual = (last.low, last.high) if last.low is not None and last.high is not None else None
    return charts.spark([by_date.get(first + at * DAY) for at in range(SPARK_DAYS)], usual, 72)


def _told(c: Connection, row: FindingRow) -> list[str]:
    words = {"sent": "sent to {}", "pending": "on its way to {}", "sending": "on its way to {}", "dead": "not delivered to {}"}
    return [words[sent.status].format(channels.get(c, sent.channel_id).name) for sent in deliveries.of_finding(c, row.id)]
