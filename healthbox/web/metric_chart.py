"""The drawings of a metric's page: geometry from ``charts``, words beside it, one table row a point."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from healthbox import render
from healthbox.domain.catalogue import Metric
from healthbox.domain.errors import NotFound
from healthbox.pipeline.explain import why
from healthbox.store.pages_reading import Point
from healthbox.web import charts, ranges, timelines, usual
from healthbox.web.frame import href
from healthbox.web.house import house
from healthbox.web.ranges import Cell, Slot
from healthbox.web.said import ADDED, Said, hue_of, name_of
from healthbox.web.timelines import Part

DAY = dt.timedelta(days=1)
HEIGHT = 220
LEAST = {"bpm": 10.0, "kg": 2.0, "%": 2.0, "ms": 10.0, "/min": 1.0, "degC": 0.5, "Cel": 0.5}  # the smallest span worth drawing


class View(Protocol):
    """What a drawing needs of the page's own view."""

    @property
    def metric(self) -> Metric: ...
    @property
    def name(self) -> str: ...
    @property
    def said(self) -> Said: ...
    @property
    def today(self) -> dt.date: ...
    @property
    def range(self) -> str: ...
    @property
    def first(self) -> dt.date: ...
    @property
    def end(self) -> dt.date: ...
    @property
    def added(self) -> bool: ...
    def why(self, date: dt.date) -> str: ...


def kind_of(metric: Metric) -> str:
    """bars, minmax, readings or line: the mark that a metric's aggregation asks for."""
    if metric.aggregation == "last":
        return "line" if metric.category in ("heart", "vitals") else "readings"  # a reading a day, or one now and then
    return {"min_max_mean": "minmax", "mean": "line"}.get(metric.aggregation, "bars")


def in_hours(metric: Metric) -> bool:
    return render.is_duration(metric) and metric.display_unit == "h"


def date_word(date: dt.date, said: Said, today: dt.date) -> str:
    """'today', 'yesterday', '20 Nov', with the year where it is another one."""
    if (today - date).days < 2:
        return render.day_words(date, today, said.locale)
    short = render.short_date(date, said.locale)
    return short if date.year == today.year else f"{short} {date.year}"


def over(at: View, rows: Sequence[Point], band: tuple[float, float] | None) -> dict[str, Any]:
    """The range, a mark for each of its units; ``rows`` begin early enough for the usual of its first day."""
    cut = ranges.slots(at.range, at.first, at.end)
    shown = [row for row in rows if not (at.added and row.date == at.today and not cut[-1].is_day)]
    found = ranges.cells(cut, shown)
    values = [cell and cell.value for cell in found]
    labels = charts.thinned([_tick(slot, at) for slot in cut], 7 if at.range == "w" else 4)
    kind, word, partial = kind_of(at.metric), at.said.axis(at.metric), at.added and cut[-1] == Slot(at.today, at.today)
    least = LEAST.get(at.metric.unit, 0.0)
    bands = [usual.movement_usual(rows, slot.first) if at.added and slot.is_day else None for slot in cut]
    if kind == "bars":
        plot = charts.bars(values, bands, height=HEIGHT, labels=labels, word=word, partial=partial)
    elif kind == "minmax":
        whole = [cell and (cell.low, cell.value, cell.high) for cell in found]
        plot = charts.minmax(whole, band, height=HEIGHT, labels=labels, word=word)
    elif kind == "readings":
        plot = charts.readings(
            values, band, height=HEIGHT, least=least or 1e-6, labels=labels, word=word, apart=14 if cut[-1].is_day else 2
        )
    else:
        plot = charts.line(values, band, height=HEIGHT, least=least, labels=labels, word=word, smooth=len(cut) > 7)
    one = cut[-1].is_day
    spread = kind == "minmax" or not one
    table = [_row(slot, cell, pair or band, at, spread=spread) for slot, cell, pair in zip(cut, found, bands, strict=True)]
    columns = _columns(at, one, spread)
    hrefs = [_open(slot, cell, at) for slot, cell in zip(cut, found, strict=True)]
    return {
        "plot": plot, "title": f"{at.name}, {ranges.WORDS[at.range].lower()}", "summary": _summary(at, found, one, partial),
        "keys": _ranged(at.metric, kind) + _keys(plot),
        "data": {"caption": f"{at.name}, {_span(at)}", "columns": columns, "rows": table, "xs": plot.xs, "hrefs": hrefs},
        "span": _span(at),
    }  # fmt: skip


def _row(slot: Slot, cell: Cell | None, pair: tuple[float, float] | None, at: View, *, spread: bool) -> tuple[Any, ...]:
    said, metric = at.said, at.metric
    name = date_word(slot.first, said, at.today) if slot.is_day else _tick(slot, at, long=True)
    values = [said.amount(metric, cell.value if cell else None)]
    if spread:
        values += [said.amount(metric, cell.low if cell else None), said.amount(metric, cell.high if cell else None)]
        return (name, *values) if slot.is_day else (name, *values, str(cell.days if cell else 0))
    return (name, *values, said.usual(metric, pair) if pair else "being learnt")


def _columns(at: View, one: bool, spread: bool) -> tuple[str, ...]:
    if one:
        return ("Day", "Value", "Lowest", "Highest") if spread else ("Day", "Value", "Usual")
    return ("Week" if at.range == "6m" else "Month", "Average day" if at.added else "Average", "Lowest day", "Highest day", "Days")


def _tick(slot: Slot, at: View, *, long: bool = False) -> str:
    if slot.is_day and at.range == "w":
        return render.weekday_word(slot.first, at.said.locale)
    if slot.is_day or at.range == "6m":
        return render.short_date(slot.first, at.said.locale)
    month = render.month_word(slot.first, at.said.locale)
    return f"{month} {slot.first.year}" if long or at.range == "all" else month


def _open(slot: Slot, cell: Cell | None, at: View) -> str:
    """Where a point leads: a day to its Why, a week or a month to its days."""
    if cell is None:
        return ""
    if slot.is_day:
        return at.why(slot.first)
    return href("metric", key=at.metric.key, range="w" if at.range == "6m" else "m", end=slot.last.isoformat())


def _summary(at: View, found: Sequence[Cell | None], one: bool, partial: bool) -> str:
    """From the lowest to the highest whole day (week, month); one that is not over has data, but no number to compare."""
    held = [cell for cell in found if cell]
    if not held:
        return f"No data: {_span(at)}."
    whole = [cell for cell in (found[:-1] if partial else found) if cell] or held
    low, high = min(cell.value for cell in whole), max(cell.value for cell in whole)
    unit = "days" if one else "weeks" if at.range == "6m" else "months"
    each = "" if one else f"{unit[:-1].capitalize()}ly averages "  # a browser's own drawing has every day
    return f"{each}{at.said.usual(at.metric, (low, high), unit=True)}; {len(held)} of {len(found)} {unit} have data."


def _span(at: View) -> str:
    if at.first == at.end:
        return render.date_words(at.end, at.today, at.said.locale)
    first, last = (render.short_date(day, at.said.locale) for day in (at.first, at.end))
    years = (f" {at.first.year}", f" {at.end.year}") if at.first.year != at.end.year or at.end.year != at.today.year else ("", "")
    return f"{first}{years[0]} {render.DASH} {last}{years[1]}"


def _ranged(metric: Metric, kind: str) -> list[tuple[str, str]]:
    return [(f"bar range {hue_of(metric)}", "lowest to highest"), ("f", "average")] if kind == "minmax" else []


def _keys(plot: charts.Plot) -> list[tuple[str, str]]:
    keys = [("bandf", "your usual")] if plot.bands or plot.area else []
    return keys + ([("nodata", "no data")] if plot.gaps else [])


def day(said: Said, metric: Metric, person_id: int, date: dt.date) -> dict[str, Any] | None:
    """A day hour by hour; None for one without data or made of something coarser than hours."""
    try:
        told = why(house().database, person_id, metric.key, date)
    except NotFound:
        return None
    start, end = (_ms(told[edge]) for edge in ("start", "end"))
    hours = ranges.hours(start, min(end, max(start + 1, said.now)))
    local = [dt.datetime.fromtimestamp(low / 1000, said.zone) for low, _ in ranges.hours(start, end)]
    blank = [None] * (len(local) - len(hours))
    word, labels = said.axis(metric), [render.hour_word(at, said.locale) if at.hour % 6 == 0 else "" for at in local]
    parts = [(_ms(lane["start"]), _ms(lane["end"]), lane["value"]) for lane in told["lanes"]]
    if not parts:
        return None
    spans: list[Cell | None]
    if metric.aggregation in ADDED:
        sums = ranges.spread([(a, b, 1.0 if metric.aggregation == "count" else v) for a, b, v in parts], hours)
        spans = [Cell(value, value, value, 1) for value in sums]
        plot = charts.bars([*sums, *blank], height=HEIGHT, labels=labels, word=word)
    else:
        # by its end, as the day itself is: a night's one number belongs to the morning
        spans = [_inside([value for a, b, value in parts if low <= b - (b > a) < high]) for low, high in hours]
        plot = charts.minmax([*(c and (c.low, c.value, c.high) for c in spans), *blank], height=HEIGHT, labels=labels, word=word)
    added = metric.aggregation in ADDED
    rows = [
        (render.clock_time(at, said.locale), *(said.amount(metric, v) for v in _numbers(cell, added)))
        for at, cell in zip(local, spans, strict=False)
    ]
    columns = ("From", "Value") if added else ("From", "Average", "Lowest", "Highest")
    heard = sum(c is not None and (not added or c.value > 0) for c in spans)
    plot = replace(plot, gaps=_past(plot.gaps, 100 * len(hours) / len(local)))
    return {
        "plot": plot, "title": f"{name_of(metric)}, hour by hour", "span": _day_words(date, said),
        "keys": _ranged(metric, "bars" if added else "minmax") + _keys(plot),
        "summary": f"{said.amount(metric, told['value'])} over the day, from {_counted(told['count'], 'reading')} in "
        f"{_counted(heard, 'hour')}.",
        "data": {"caption": "Hour by hour", "columns": columns, "rows": rows, "xs": plot.xs[: len(rows)], "hrefs": ()},
    }  # fmt: skip


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _past(gaps: Sequence[charts.Span], until: float) -> tuple[charts.Span, ...]:
    """Hours still to come are no missing data."""
    return tuple(charts.Span(gap.at, round(min(gap.size, until - gap.at), 2)) for gap in gaps if gap.at < until - 0.1)


def _numbers(cell: Cell | None, added: bool) -> tuple[float | None, ...]:
    numbers = (cell.value, cell.low, cell.high) if cell else (None, None, None)
    return numbers[:1] if added else numbers


def _day_words(date: dt.date, said: Said) -> str:
    return render.date_words(date, dt.datetime.fromtimestamp(said.now / 1000, said.zone).date(), said.locale)


def _inside(values: list[float]) -> Cell | None:
    return Cell(sum(values) / len(values), min(values), max(values), len(values)) if values else None


def _ms(iso: str) -> int:
    return int(dt.datetime.fromisoformat(iso).timestamp() * 1000)


def sources(rows: Sequence[Point], first: dt.date, end: dt.date, said: Said) -> dict[str, Any]:
    """A lane per source: filled where it gave the day's number or part of it, outlined where a better one was there."""
    length = (end - first).days + 1
    parts: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    given: dict[str, float] = defaultdict(float)
    for row in rows:
        at = (row.date - first).days
        for share in row.shares:
            parts[share.name].append((at, at + 1, "won" if share.value else "lost"))
            given[share.name] += share.value or 0.0
    whole = sum(given.values())
    names = sorted(parts, key=lambda name: (-given[name], name))
    lanes: list[tuple[str, tuple[Part, ...], str]] = []
    for name in names:
        used = sum(state == "won" for _, _, state in parts[name])
        part = f"{render.number(100 * given[name] / whole, 0, said.locale)} %, " if whole else ""
        lanes.append((name or "Unnamed source", timelines.lane(_joined(parts[name]), 0, length), f"{part}{used} days"))
    marks = [round(length * share) for share in (0, 0.5)] if length > 6 else [0]
    ticks = [charts.Tick(100 * at / length, render.short_date(first + DAY * at, said.locale)) for at in marks]
    ticks.append(charts.Tick(100, render.short_date(end, said.locale)))
    return {"lanes": lanes, "ticks": ticks}


def _joined(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Days side by side in the same state as one stretch."""
    found: list[tuple[int, int, str]] = []
    for start, end, state in sorted(parts):
        if found and found[-1][1:] == (start, state):
            found[-1] = (found[-1][0], end, state)
        else:
            found.append((start, end, state))
    return found
