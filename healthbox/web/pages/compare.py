"""Compare: our days beside what the Health app (or whatever sent them) states of them, how far apart they lie, and why."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for

from healthbox import render
from healthbox.analytics import drift
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import Invalid, NotFound
from healthbox.pipeline import compare
from healthbox.pipeline.compare import Drifts, Pair
from healthbox.render import Quantity
from healthbox.store import comparing, pages_reading
from healthbox.store import metrics as named
from healthbox.web import drift_chart, drift_words
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.frame import page, person
from healthbox.web.house import now
from healthbox.web.metric_chart import date_word
from healthbox.web.ranges import DAY
from healthbox.web.said import PLAIN, Said, hue_of, name_of

routes = Blueprint("compare", __name__)

RANGES = {"30": ("30 days", 30), "90": ("90 days", 90), "y": ("Year", 365), "all": ("All", 0)}
PER_PAGE = 25
LARGEST = 5
YEAR = 365 * DAY
Far = tuple[float, str, str]  # how far apart, the date, the metric


@dataclass(frozen=True)
class Asked:
    """Whose days, from when to when; today is not over and compares with nothing."""

    person_id: int
    said: Said
    today: dt.date
    range: str
    first: dt.date
    last: dt.date

    def tabs(self, **parts: Any) -> list[tuple[str, str, bool]]:
        endpoint = "compare.one" if parts else "compare.show"
        return [(url_for(endpoint, range=key, **parts), words, key == self.range) for key, (words, _) in RANGES.items()]

    @property
    def words(self) -> str:
        return "all of the time" if self.range == "all" else f"the last {'year' if self.range == 'y' else RANGES[self.range][0]}"


def asked(metric: str | None = None) -> Asked | None:
    """None where nothing was ever stated. Raises ``Invalid`` for a range that is none."""
    range_ = request.args.get("range", "30").lower()
    if range_ not in RANGES:
        raise Invalid("range: not one we know.", hint=f"Write one of {', '.join(RANGES)}.", code="parameter")
    who = person()
    oldest = comparing.first_stated(reading(), who.id, metric)
    if oldest is None:
        return None
    zone = ZoneInfo(who.zone)
    today = dt.datetime.fromtimestamp(now() / 1000, zone).date()
    last = today - DAY
    first = min(oldest, last) if range_ == "all" else last - DAY * (RANGES[range_][1] - 1)
    return Asked(who.id, Said.of(who, now(), zone), today, range_, first, last)


@routes.get("/data/compare")
@opens("account")
def show() -> str:
    at = asked()
    if at is None:
        return page("compare.html", "data", at=None, rows=[], largest=[], summary=None)
    found = compare.drifts(reading(), at.person_id, at.first, at.last)
    catalogue = named.catalogue(reading(), PLAIN)
    metrics = {key: catalogue.get(key) or _unknown(at.person_id, key) for key in found}
    far = {key: _farthest(key, days) for key, days in found.items()}
    rows = sorted((_row(metrics[key], days, far[key][0], at) for key, days in found.items()), key=lambda row: row["name"])
    return page(
        "compare.html", "data", at=at, rows=rows, largest=_largest(chain.from_iterable(far.values()), metrics, at),
        summary=drift.Summary(sum(row["summary"].days for row in rows), sum(row["summary"].close for row in rows), None),
        count=lambda n: render.number(n, 0, at.said.locale),
    )  # fmt: skip


@routes.get("/data/compare/<metric>")
@opens("account")
def one(metric: str) -> str:
    at, known = asked(metric), metric_of(metric)
    if at is None:
        return page("compare_metric.html", "data", at=None, metric=known, name=name_of(known))
    pairs = compare.pairs(reading(), at.person_id, at.first, at.last, metric).get(metric, [])
    sort = "largest" if request.args.get("sort") == "largest" else ""
    ordered = sorted(pairs, key=_size, reverse=True) if sort else pairs[::-1]
    pages = max(1, -(-len(ordered) // PER_PAGE))
    wanted = request.args.get("page", "1")
    number = min(max(int(wanted), 1), pages) if wanted.isdecimal() and len(wanted) < 6 else 1
    shown = ordered[(number - 1) * PER_PAGE : number * PER_PAGE]
    explained = compare.explained(reading(), at.person_id, shown, [pair.coverage for pair in pairs])
    days = [_day(pair, causes, known, at) for pair, causes in explained]
    parts: dict[str, Any] = {"metric": metric, "range": at.range}
    return page(
        "compare_metric.html", "data", at=at, metric=known, name=name_of(known), hue=hue_of(known), tabs=at.tabs(metric=metric), days=days,
        summary=drift.summary([pair.share for pair in pairs]), facts=facts(pairs, known, at), chart=drift_chart.chart(pairs, known, at),
        sorts=[(url_for("compare.one", **parts), "Newest first", not sort),
               (url_for("compare.one", sort="largest", **parts), "Largest first", bool(sort))],
        number=number, pages=pages,
        turn=lambda to: url_for("compare.one", page=to, sort=sort or None, **parts),
    )  # fmt: skip


def metric_of(key: str) -> Metric:
    """Raises ``NotFound`` for one this person has nothing of."""
    if pages_reading.seen(reading(), person().id, key) is None:
        raise NotFound("There is no data for this metric.", hint="Look at the list of your metrics.")
    return named.catalogue(reading(), PLAIN).get(key) or _unknown(person().id, key)


def _unknown(person_id: int, key: str) -> Metric:
    label = next((entry.name for entry in named.unknowns(reading(), person_id) if entry.key == key), key)
    return Metric(key=key, label=label, known=False)


def _size(pair: Pair) -> tuple[float, dt.date]:
    return _far(pair.share), pair.date


def _far(share: float | None) -> float:
    """How far apart; a day of which nothing was stated though something counted leads."""
    return float("inf") if share is None else abs(share)


def _farthest(key: str, days: Drifts) -> list[Far]:
    """The largest first. Single numbers are compared first: of ten years that is half of the page's time."""
    sizes = [_far(share) for share in days.shares]
    least = nlargest(LARGEST, sizes)[-1]
    return nlargest(LARGEST, [(size, date, key) for size, date in zip(sizes, days.dates, strict=True) if size >= least])


def _row(metric: Metric, days: Drifts, far: Far, at: Asked) -> dict[str, Any]:
    found = drift.summary(days.shares)
    share = days.shares[bisect_left(days.dates, far[1])]
    return {
        "name": name_of(metric), "href": url_for("compare.one", metric=metric.key, range=at.range), "summary": found,
        "hue": hue_of(metric), "state": "ok" if drift.is_close(found.median) else "above" if (found.median or 0) > 0 else "below",
        "median": "" if found.median is None else drift_words.percent(found.median, at.said.locale),
        "close": f"{found.close} of {found.days} {'day' if found.days == 1 else 'days'} within 1 %",
        "far": "" if drift.is_close(share) else f"; the largest {drift_words.percent(share, at.said.locale)}, {_date(far[1], at)}",
        "spark": drift_chart.spark(days, at),
    }  # fmt: skip


def _largest(far: Iterable[Far], metrics: dict[str, Metric], at: Asked) -> list[dict[str, Any]]:
    """The days that lie farthest apart, with what the facts say about it."""
    told = []
    for apart, day, key in nlargest(LARGEST, far):
        if apart <= drift.CLOSE:
            break
        date = dt.date.fromisoformat(day)
        pairs = compare.pairs(reading(), at.person_id, date, date, key).get(key, [])
        usual = max(at.first, date - YEAR), min(at.last, date + YEAR)
        coverages = comparing.coverages(reading(), at.person_id, key, *usual)
        for pair, causes in compare.explained(reading(), at.person_id, pairs, coverages):
            told.append(_day(pair, causes, metrics[key], at, named_=True))
    return told


def _day(pair: Pair, causes: list[drift.Cause], metric: Metric, at: Asked, *, named_: bool = False) -> dict[str, Any]:
    close = drift.is_close(pair.share)
    date = render.date_words(pair.date, at.today, at.said.locale)
    return {
        "name": f"{name_of(metric)}, {_date(pair.date, at)}" if named_ else date, "href": drift_chart.why_of(pair),
        "state": "ok" if close else "above" if pair.apart > 0 else "below", "drift": drift_words.percent(pair.share, at.said.locale),
        "both": (drift_words.beside if close else drift_words.both)(pair, metric, at.said),
        "why": drift_words.why(causes, metric, at.said),
        "unknown": any(cause.code == "unknown" for cause in causes),
    }  # fmt: skip


def _date(date: dt.date | str, at: Asked) -> str:
    return date_word(dt.date.fromisoformat(date) if isinstance(date, str) else date, at.said, at.today)


def facts(pairs: Sequence[Pair], metric: Metric, at: Asked) -> list[tuple[Any, ...]]:
    if not pairs:
        return []
    found, far = drift.summary([pair.share for pair in pairs]), max(pairs, key=_size)
    stated = sum(pair.layer in ("stated", "day") for pair in pairs)
    return [
        ("Days with both", Quantity(render.number(found.days, 0, at.said.locale)), ""),
        ("Within 1 %", Quantity(render.number(found.close, 0, at.said.locale)), ""),
        ("Typically", Quantity(drift_words.percent(found.median, at.said.locale)), "ours against theirs"),
        (
            "Largest", Quantity(drift_words.percent(far.share, at.said.locale)),
            f"{drift_words.apart(far, metric, at.said)}, {_date(far.date, at)}",
        ),
        ("The stated one counts", Quantity(f"{stated} of {found.days}"), "days"),
    ]  # fmt: skip
