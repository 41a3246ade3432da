"""Findings: what was unusual, with its evidence, and what the person says to it."""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, redirect, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.analytics.rules.contract import ASLEEP, Finding
from healthbox.analytics.trouble import TROUBLES
from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.errors import Invalid
from healthbox.domain.units import for_display
from healthbox.notify.messages import OF_THE_PERSON
from healthbox.pipeline.analyse import RULES, Evidence
from healthbox.pipeline.deliver import ASLEEP_METRIC
from healthbox.store import channels, deliveries, findings, metrics, pages_reading
from healthbox.store import reading as records
from healthbox.store.channels import Channel
from healthbox.store.findings import FindingRow
from healthbox.store.pages_reading import Point
from healthbox.store.people import Person
from healthbox.web import charts, frame, troubles
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.pages.login import local_address
from healthbox.web.pages.rules import progress
from healthbox.web.said import capital, hue_of, name_of
from healthbox.web.times import today

routes = Blueprint("findings", __name__)

DAY = dt.timedelta(days=1)
SPARK_DAYS = 30
BACK_TEST_DAYS = 90
QUIET_DAYS = 3
PAST_SHOWN = 10
DAYS_SHOWN = 30
TOLD_READ = 2_000  # the newest messages: a page of years has them still
NOTE_LENGTH = 500
SEVERITY_WORDS = {"info": "Worth knowing", "warn": "Worth your attention", "urgent": "Urgent"}
NUMBERS = ("", "", "two", "three")
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


class Around(NamedTuple):
    """What the cards of one page need, read together: every episode, its messages, and the days before those that are drawn."""

    who: Person
    at: dt.date
    rows: list[FindingRow]
    catalogue: Catalogue
    values: dict[str, list[Point]]
    channels: list[Channel]
    told: dict[int, list[str]]

    @classmethod
    def read(cls, c: Connection, who: Person, at: dt.date, rows: list[FindingRow], drawn: list[FindingRow]) -> "Around":
        values: dict[str, list[Point]] = {}
        if drawn:
            first, last = min(row.latest for row in drawn) - (SPARK_DAYS - 1) * DAY, max(row.latest for row in drawn)
            values = pages_reading.points(c, who.id, first, last, {row.metric for row in drawn}, shares=False)
            if any(row.metric == ASLEEP for row in drawn):
                values[ASLEEP] = pages_reading.asleep(c, who.id, first, last)
        own = channels.of_person(c, who.id, house().vault)
        return cls(who, at, rows, metrics.catalogue(c, records.PLAIN), values, own, _told(c, who.id, own))

    def metric(self, key: str) -> Metric:
        return metric_of(self.catalogue, key)

    def fired(self, rule: str, metric: str | None = None) -> int:
        """Episodes of the last 90 days."""
        return sum(row.rule == rule and metric in (None, row.metric) and _recent(row, self.at) for row in self.rows)


@routes.get("/findings")
@opens("account")
def show() -> str:
    who = frame.person()
    at = dt.datetime.fromtimestamp(now() / 1000, ZoneInfo(who.zone)).date()
    rows = findings.of_person(reading(), who.id)
    body, data = troubles.split(rows)
    open_, quiet, past = ([row for row in body if row.state == state] for state in ("open", "muted", "resolved"))
    every = request.args.get("past") == "all"
    around = Around.read(reading(), who, at, rows, [*open_, *quiet])
    troubled = [
        (row, one) for row in data if (one := troubles.trouble_card(row, who, around.fired(row.rule, row.metric), around.told.get(row.id)))
    ]
    over = [one for row, one in troubled if row.state == "resolved"]
    calm = not open_ and not quiet  # only then does the page say how far the usual is known
    learning = [line for line in progress(reading(), who, at, around.catalogue) if line.learning] if calm else []
    return frame.page(
        "findings.html",
        None,
        headline=_counted(len(open_)),
        open=[card(around, row) for row in open_],
        quiet=[card(around, row) for row in quiet],
        past=[card(around, row, drawn=False) for row in (past if every else past[:PAST_SHOWN])],
        more_past=0 if every else len(past[PAST_SHOWN:]) + len(over[PAST_SHOWN:]),
        troubled=[one for row, one in troubled if row.state == "open"],
        hushed=[one for row, one in troubled if row.state == "muted"],
        over=over if every else over[:PAST_SHOWN],
        learning=max(learning, key=lambda line: line.n, default=None),
        severities=SEVERITY_WORDS,
        channels=[channel for channel in around.channels if channel.enabled],
        failed=deliveries.dead_count(reading(), who.id),
        rules=[(rule.label, around.fired(name)) for name, rule in (RULES | TROUBLES).items()],
        note_length=NOTE_LENGTH,
    )


def _counted(number: int) -> str:
    words = NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else f"{number} things are"
    return f"{words} unusual right now."


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


def card(around: Around, row: FindingRow, *, drawn: bool = True) -> Card:
    """Everything the page says about one episode."""
    told, who = msgspec.json.decode(row.json, type=Evidence).findings, around.who
    metric = around.metric(row.metric)
    own = row.rule == OF_THE_PERSON
    first, last = row.started, row.latest
    dates = render.day_words(last, around.at, who.locale)
    when = dates if first == last else f"{render.short_date(first, who.locale)} to {render.short_date(last, who.locale)}, {len(told)} days"
    return Card(
        row,
        _headline(metric, told[-1], who) if told else name_of(metric),
        ("Unusual for you" if own else "Beyond a published limit") if told else "Taken back",
        (told[-1].direction if own else "clinical") if told else "usual",
        _sentence(metric, told, who) if told else "Data that came later no longer shows this.",
        when,
        f"{request.script_root}/sleep/{last}" if row.metric == ASLEEP else f"{request.script_root}/metrics/{row.metric}/{last}/why",
        around.fired(row.rule, row.metric),
        _spark(around.values.get(row.metric, []), row, told[-1]) if drawn and told else None,
        hue_of(metric),
        f"{SPARK_DAYS} {'nights' if row.metric == ASLEEP else 'days'} up to {render.short_date(last, who.locale)}"
        + (", band = your usual then" if own else ""),
        [
            (render.short_date(f.date, who.locale), _says(metric, f.value, who), _range(metric, f, who))
            for f in told[: -DAYS_SHOWN - 1 : -1]
        ],
        around.told.get(row.id, []),
    )


def _recent(row: FindingRow, at: dt.date) -> bool:
    return row.started > at - BACK_TEST_DAYS * DAY


def metric_of(known: Catalogue, key: str) -> Metric:
    """What a finding is about, for its label; of silent trouble it is the data."""
    if ":" in key:
        return Metric(key, "Data")
    return ASLEEP_METRIC if key == ASLEEP else known.get(key) or Metric(key, key)


def _units(who: Person) -> render.Units:
    return "imperial" if who.units == "imperial" else "metric"


def _says(metric: Metric, value: float, who: Person) -> str:
    return str(render.quantity(metric, value, _units(who), who.locale))


def _headline(metric: Metric, last: Finding, who: Person) -> str:
    name = name_of(metric)
    return name if last.words.get("source") == "device" else f"{name} {_says(metric, last.value, who)}"


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
        words = capital(f"{_apart(metric, last.value, edge, who)} {last.direction} your usual {_range(metric, last, who)}")
    else:
        side = "over" if last.direction == "above" else "under"
        mean = f"Average of {last.words['nights']:.0f} nights, " if "nights" in last.words else ""
        words = capital(f"{mean}{_apart(metric, last.value, edge, who)} {side} the limit of {_says(metric, edge or 0.0, who)}")
        words += f" ({last.words['source']})" if "source" in last.words else ""
    if len(told) < 2:
        return f"{words}."
    recent = ", ".join(render.quantity(metric, found.value, _units(who), who.locale).number for found in told[-3:])
    each = "nights" if metric.key == ASLEEP else "days"
    return f"{words}. {recent} on the last {NUMBERS[min(len(told), 3)]} such {each}."


def _apart(metric: Metric, value: float, edge: float | None, who: Person) -> str:
    """How far beyond, as the person's own unit counts; nothing where the difference is too small for its digits."""
    if edge is None:
        return "far"
    if render.is_duration(metric):
        return render.duration(abs(value - edge))
    (shown, unit), (limit, _) = for_display(metric, value, _units(who)), for_display(metric, edge, _units(who))
    digits = render.digits_for(metric.key, unit, shown)
    apart = round(abs(shown - limit), digits)
    return f"{render.number(apart, digits, who.locale)}{render.SPACE}{render.UNIT_WORDS.get(unit, unit)}" if apart else "just"


def _spark(points: list[Point], row: FindingRow, last: Finding) -> charts.Plot:
    first = row.latest - (SPARK_DAYS - 1) * DAY
    by_date = {point.date: point.value for point in points}
    usual = (last.low, last.high) if last.low is not None and last.high is not None else None
    return charts.spark([by_date.get(first + at * DAY) for at in range(SPARK_DAYS)], usual, 72)


def _told(c: Connection, person: int, own: list[Channel]) -> dict[int, list[str]]:
    """Where messages about each finding went, the oldest first."""
    words = {"sent": "sent to {}", "pending": "on its way to {}", "sending": "on its way to {}", "dead": "not delivered to {}"}
    names = {channel.id: channel.name for channel in own}
    told: dict[int, list[str]] = {}
    for sent in reversed(deliveries.of_person(c, person, TOLD_READ)):
        told.setdefault(sent.finding_id, []).append(words[sent.status].format(names.get(sent.channel_id, "")))
    return told
