"""One metric over time: ranges, its usual, statistics, sources; and its long series for the browser's own drawing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request, url_for

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import Invalid, NotFound
from healthbox.domain.units import for_display
from healthbox.render import Quantity
from healthbox.store import metrics as named
from healthbox.store import pages_reading
from healthbox.store.pages_reading import Point, Seen
from healthbox.web import metric_chart, ranges, usual
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.frame import flagged_days, href, page, person
from healthbox.web.house import now
from healthbox.web.pages.metrics import NIGHTLY_KEYS, SLEEP, judged
from healthbox.web.said import ADDED, PLAIN, Said, hue_of, name_of
from healthbox.web.static_files import found as file_of
from healthbox.web.times import date as date_of
from healthbox.web.times import zone_on
from healthbox.web.usual import DAY, Judged

routes = Blueprint("metric", __name__)

LONG = ("6m", "y", "all")


@dataclass(frozen=True)
class View:
    """A metric as it was asked for: its person's words, the range and the days in it."""

    metric: Metric
    name: str
    said: Said
    person_id: int
    today: dt.date
    seen: Seen
    range: str
    first: dt.date
    end: dt.date

    @property
    def added(self) -> bool:
        """Whether days add up, so that one not over is not comparable; a night is over when it is known."""
        return self.metric.aggregation in ADDED and self.metric.key != SLEEP

    def rows(self, first: dt.date, end: dt.date) -> list[Point]:
        if self.metric.key == SLEEP:
            return pages_reading.asleep(reading(), self.person_id, first, end)
        return pages_reading.values(reading(), self.person_id, self.metric.key, first, end)

    def with_sources(self, first: dt.date, end: dt.date) -> list[Point]:
        if self.metric.key == SLEEP:
            return usual.asleep(pages_reading.nights(reading(), self.person_id, first, end))
        return pages_reading.points(reading(), self.person_id, first, end, (self.metric.key,)).get(self.metric.key, [])

    def judged(self, near: list[Point]) -> Judged | None:
        """The last of the days against its usual."""
        return judged(self.metric, self.name, near, near[-1].date, flagged_days(near[0].date)) if near else None

    def address(self, range_: str | None = None, end: dt.date | None = None, sources: bool | None = None) -> str:
        values: dict[str, Any] = {"range": range_ or self.range}
        if (end or self.end) != self.today:
            values["end"] = (end or self.end).isoformat()
        if self.by_source if sources is None else sources:
            values["sources"] = "1"
        return href("metric", key=self.metric.key, **values)

    @property
    def by_source(self) -> bool:
        return request.args.get("sources") == "1"

    def why(self, date: dt.date) -> str:
        if self.metric.key == SLEEP:
            return href("sleep", date=date.isoformat())
        return href("why", key=self.metric.key, date=date.isoformat())


def view(key: str) -> View:
    """Raises ``NotFound`` for a metric this person has nothing of, ``Invalid`` for a range that is none."""
    who = person()
    metric = named.catalogue(reading(), PLAIN).get(key) or Metric(key=key, label=_unknown(who.id, key), known=False)
    seen = pages_reading.seen(reading(), who.id, key)
    if seen is None:
        raise NotFound("There is no data for this metric.", hint="Look at the list of your metrics.")
    zone = ZoneInfo(who.zone)
    today = dt.datetime.fromtimestamp(now() / 1000, zone).date()
    range_ = request.args.get("range", "6m" if metric_chart.kind_of(metric) == "readings" else "m").lower()
    if range_ not in ranges.NAMES:
        raise Invalid("range: not one we know.", hint=f"Write one of {', '.join(ranges.NAMES)}.", code="parameter")
    end = min(date_of(request.args["end"], "end"), today) if request.args.get("end") else today
    first = ranges.first_day(range_, end, seen.first)
    said = Said.of(who, now(), zone_on(who.id, end) if range_ == "d" else zone)
    return View(metric, name_of(metric), said, who.id, today, seen, range_, first, end)


def _unknown(person_id: int, key: str) -> str:
    return next((entry.name for entry in named.unknowns(reading(), person_id) if entry.key == key), key.removeprefix("unknown."))


@routes.get("/metrics/<key>")
@opens("account")
def show(key: str) -> str:
    at = view(key)
    before = at.first - DAY * max(usual.WINDOW, (at.end - at.first).days + 1)
    rows = at.rows(before, at.end)
    inside = [row for row in rows if row.date >= at.first]
    near = at.with_sources(at.end - DAY * usual.WINDOW, at.end)
    now_ = at.judged(near)
    chart = metric_chart.day(at.said, at.metric, at.person_id, at.end) if at.range == "d" and at.metric.key != SLEEP else None
    chart = chart or metric_chart.over(at, rows, now_.band if now_ and not at.added else None)
    sources = metric_chart.sources(at.with_sources(at.first, at.end), at.first, at.end, at.said) if at.by_source else None
    return page(
        "metric.html", "metrics", at=at, hue=hue_of(at.metric), chart=chart, facts=facts(at, rows, inside, now_), sources=sources,
        headline=headline(at, near, now_), tabs=[(at.address(key_), label, key_ == at.range) for key_, label in ranges.NAMES.items()],
        earlier=_earlier(at), later=_later(at), source_tabs=_source_tabs(at),
        long=url_for("metric.series", key=key, range=at.range, end=at.end.isoformat()) if at.range in LONG and _vendored() else "",
        latest=at.why(near[-1].date) if near else "", unknown=not at.metric.known and key.startswith("unknown."),
    )  # fmt: skip


@routes.get("/metrics/<key>/series.json")
@opens("account")
def series(key: str) -> Response:
    """Columns of at most 1,600 rows in the person's own units; null where there is nothing."""
    at = view(key)
    near = at.with_sources(at.end - DAY * usual.WINDOW, at.end)
    now_ = None if at.added else at.judged(near)
    band = now_.band if now_ else None
    kind = metric_chart.kind_of(at.metric)
    weeks = kind == "bars" and at.range != "6m"
    known = [row for row in at.rows(at.first, at.end) if not (weeks and at.added and row.date == at.today)]
    rows = ranges.thick(known, at.first, at.end, weeks=weeks)

    def column(part: str) -> list[float | None]:
        return [None if cell is None else shown(at, getattr(cell, part)) for _, cell in rows]

    answer: dict[str, Any] = {
        "kind": kind, "label": at.name, "unit": at.said.amount(at.metric, 1.0).unit, "locale": at.said.locale.replace("_", "-"),
        "x": [int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp()) for date, _ in rows], "value": column("value"),
        "band": None if band is None else [shown(at, edge) for edge in band], "said": [_said(at, date, cell) for date, cell in rows],
    }  # fmt: skip
    if kind == "minmax":
        answer |= {"low": column("low"), "high": column("high")}
    return json_answer(answer)


def shown(at: View, value: float) -> float:
    if metric_chart.in_hours(at.metric):
        return round(value / (60 if at.metric.unit == "min" else 1), 3)
    return round(for_display(at.metric, value, at.said.units)[0], 3)


def _said(at: View, date: dt.date, cell: ranges.Cell | None) -> str:
    return f"{metric_chart.date_word(date, at.said, at.today)}, {at.said.amount(at.metric, cell.value) if cell else 'no data'}"


def headline(at: View, near: Sequence[Point], now_: Judged | None) -> dict[str, Any] | None:
    """The newest value up to the end of the range, and where it lies."""
    if not near or now_ is None:
        return None
    last = near[-1]
    so_far = at.added and last.date == at.today
    when = metric_chart.date_word(last.date, at.said, at.today)
    if now_.band is None:
        words = f"learning your usual: {now_.usual.n} of {now_.usual.needed} {'nights' if at.metric.key in NIGHTLY_KEYS else 'days'}"
    else:
        side = {"above": "above your usual", "below": "below your usual"}.get("" if so_far else now_.state, "in your usual")
        words = f"{'whole days usually' if so_far else side} {at.said.usual(at.metric, now_.band)}"
    state = "partial" if so_far else now_.state
    return {"amount": at.said.amount(at.metric, last.value), "when": f"{when}{' so far' if so_far else ''}", "words": words, "state": state}


def facts(at: View, rows: Sequence[Point], inside: Sequence[Point], now_: Judged | None) -> list[tuple[Any, ...]]:
    """Statistics of the range; a day that is not over is in none of them."""
    whole = [row for row in inside if not (at.added and row.date == at.today)]
    said, metric = at.said, at.metric
    if not whole:
        return []
    length = (at.end - at.first).days + 1
    lows, highs = (
        ((row, row.low if row.low is not None else row.value) for row in whole),
        ((row, row.high if row.high is not None else row.value) for row in whole),
    )
    least, most = min(lows, key=lambda pair: pair[1]), max(highs, key=lambda pair: pair[1])
    mean = sum(row.value for row in whole) / len(whole)
    found: list[tuple[Any, ...]] = [
        ("Average day" if at.added else "Average", said.amount(metric, mean), ""),
        ("Lowest", said.amount(metric, least[1]), metric_chart.date_word(least[0].date, said, at.today)),
        ("Highest", said.amount(metric, most[1]), metric_chart.date_word(most[0].date, said, at.today)),
    ]
    earlier = [row.value for row in rows if at.first - DAY * length <= row.date < at.first]
    if earlier and at.range not in ("d", "all"):
        was = sum(earlier) / len(earlier)
        sign, apart = "+" if mean > was else render.MINUS, said.apart(metric, mean, was)
        some = (
            Quantity(f"{sign}{apart.number}", apart.unit) if any(digit in apart.number for digit in "123456789") else Quantity("the same")
        )
        found.append((f"Against the {length} days before", some, f"was {said.amount(metric, was)}"))
    if now_ and now_.band:
        found.append(("Your usual", Quantity(said.usual(metric, now_.band), ""), ""))
    found.append(("Days with data", Quantity(f"{len({row.date for row in inside})} of {length}"), ""))
    return found


def _earlier(at: View) -> str:
    return "" if at.range == "all" or at.first <= at.seen.first else at.address(end=at.first - DAY)


def _later(at: View) -> str:
    length = (at.end - at.first).days + 1
    return "" if at.range == "all" or at.end >= at.today else at.address(end=min(at.end + DAY * length, at.today))


def _source_tabs(at: View) -> list[tuple[str, str, bool]]:
    return [(at.address(sources=False), "All sources", not at.by_source), (at.address(sources=True), "By source", at.by_source)]


def _vendored() -> bool:
    """The long drawing comes with the wheel; a bare checkout has only ours."""
    return file_of("vendor/uPlot.iife.min.js") is not None
