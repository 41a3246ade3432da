"""The drawing of how far our days lie from the stated ones: a point a day, a week or a month, one table row each."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from healthbox import render
from healthbox.analytics import drift
from healthbox.domain.catalogue import Metric
from healthbox.pipeline.compare import Drifts, Pair
from healthbox.web import charts, drift_words, ranges
from healthbox.web.frame import href
from healthbox.web.metric_chart import HEIGHT
from healthbox.web.pages.metrics import SLEEP
from healthbox.web.ranges import DAY, Slot
from healthbox.web.said import Said, name_of

BAND = (-100 * drift.CLOSE, 100 * drift.CLOSE)
POINTS = 60  # of a spark
MOST = 40  # months drawn one by one


class View(Protocol):
    """What a drawing needs of the page's own view."""

    @property
    def said(self) -> Said: ...
    @property
    def range(self) -> str: ...
    @property
    def first(self) -> dt.date: ...
    @property
    def last(self) -> dt.date: ...
    @property
    def words(self) -> str: ...


def why_of(pair: Pair) -> str:
    if pair.metric == SLEEP:
        return href("sleep", date=pair.date.isoformat())
    return href("why", key=pair.metric, date=pair.date.isoformat())


def spark(days: Drifts, at: View) -> charts.Plot | None:
    """The median drift of up to sixty equal stretches; None where most of the range has nothing to draw."""
    cut = _equal(at.first, at.last, -(-((at.last - at.first).days + 1) // POINTS))
    edges = [0, *(bisect_right(days.dates, slot.last.isoformat()) for slot in cut)]
    values = [_median(days.shares[low:high]) if high > low else None for low, high in pairwise(edges)]
    return None if _sparse(values) else charts.spark(values, BAND)


def _sparse(values: Sequence[float | None]) -> bool:
    return 2 * sum(value is not None for value in values) < len(values)


def _equal(first: dt.date, last: dt.date, step: int) -> list[Slot]:
    """Stretches of ``step`` days that end with ``last``."""
    backs = range(0, (last - first).days + 1, step)
    return [Slot(max(first, last - DAY * (back + step - 1)), last - DAY * back) for back in reversed(backs)]


def _slots(at: View) -> list[Slot]:
    """Days, weeks, months; of many years several months at a time."""
    if at.range in ("30", "90"):
        return _equal(at.first, at.last, 1 if at.range == "30" else 7)
    months = ranges.slots(at.range, at.first, at.last)
    step = -(-len(months) // MOST)
    return [Slot(months[n].first, months[min(n + step, len(months)) - 1].last) for n in range(0, len(months), step)]


def stretches(cut: Sequence[Slot], days: Sequence[Pair]) -> list[tuple[Slot, list[Pair]]]:
    """The days of each slot; both ascending."""
    found, index = [], 0
    for slot in cut:
        inside = []
        while index < len(days) and days[index].date <= slot.last:
            if days[index].date >= slot.first:
                inside.append(days[index])
            index += 1
        found.append((slot, inside))
    return found


def _median(shares: Sequence[float | None]) -> float | None:
    """In percent."""
    median = drift.summary(shares).median
    return None if median is None else 100 * median


def chart(pairs: Sequence[Pair], metric: Metric, at: View) -> dict[str, Any] | None:
    """A point a day, week or month: the drift in percent, with the band in which nobody need care."""
    if not pairs:
        return None
    points, locale = stretches(_slots(at), pairs), at.said.locale
    one_day = points[0][0].is_day
    values = [_median([pair.share for pair in inside]) for _, inside in points]
    labels = charts.thinned([_tick(slot, at) for slot, _ in points], 4)

    def word(value: float) -> str:
        return f"{render.number(value, 0 if value == round(value) else 1, locale)} %"

    if one_day and _sparse(values):
        plot = charts.readings(values, BAND, height=HEIGHT, least=4.0, labels=labels, word=word)
    elif one_day:
        plot = charts.line(values, BAND, height=HEIGHT, least=4.0, labels=labels, word=word)
    else:
        spans = [
            None if value is None else (min(edges := _edges(inside)), value, max(edges))
            for value, (_, inside) in zip(values, points, strict=True)
        ]
        plot = charts.minmax(spans, BAND, height=HEIGHT, labels=labels, word=word)
    found = drift.summary([pair.share for pair in pairs])
    return {
        "plot": plot, "title": f"{name_of(metric)}: ours against the stated",
        "summary": f"Typically {drift_words.percent(found.median, locale)}; "
        f"{found.close} of {found.days} days lie within 1{render.SPACE}%.",
        "keys": [("bandf", "within 1 %")] + ([("nodata", "not both")] if plot.gaps else []),
        "data": {
            "caption": f"Drift, {at.words}", "xs": plot.xs,
            "columns": ("Day", "Difference", "Ours", "Stated") if one_day else ("From", "Typically", "Lowest", "Highest", "Days"),
            "rows": [_point(slot, inside, metric, at) for slot, inside in points],
            "hrefs": [why_of(inside[0]) if one_day and inside else "" for _, inside in points],
        },
    }  # fmt: skip


def _edges(pairs: Sequence[Pair]) -> list[float]:
    return [100 * pair.share for pair in pairs if pair.share is not None]


def _point(slot: Slot, inside: Sequence[Pair], metric: Metric, at: View) -> tuple[Any, ...]:
    """A row of the table: a day with both numbers, or a stretch of days from the lowest drift to the highest."""
    edges = _edges(inside)
    drifts = [drift.summary([pair.share for pair in inside]).median, *((min(edges) / 100, max(edges) / 100) if edges else (None, None))]
    said = [drift_words.percent(value, at.said.locale) if value is not None else "not both" for value in drifts]
    if not slot.is_day:
        return (_tick(slot, at, long=True), *said, str(len(inside)))
    pair = inside[0] if inside else None
    return (
        _tick(slot, at, long=True), drift_words.percent(pair.share, at.said.locale) if pair else "not both",
        at.said.amount(metric, pair.ours if pair else None), at.said.amount(metric, pair.stated.value if pair else None),
    )  # fmt: skip


def _tick(slot: Slot, at: View, *, long: bool = False) -> str:
    if slot.is_day or at.range == "90":
        return render.short_date(slot.first, at.said.locale)
    month = render.month_word(slot.first, at.said.locale)
    return f"{month} {slot.first.year}" if long or at.range == "all" else month
