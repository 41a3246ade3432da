"""The cards about many nights: the week, fourteen nights to all of them, rhythm, half a year. Words and geometry from rows."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from healthbox.analytics.baseline import Baseline
from healthbox.render import DASH, Quantity, duration, month_word, number, quantity, weekday_word
from healthbox.store.night_reading import Slept
from healthbox.web import charts, rhythm, timelines
from healthbox.web.night_cards import MINUTES, learning
from healthbox.web.rhythm import DAY, Times
from healthbox.web.wallclock import Reader

Link = Callable[[dt.date], str]
RANGES = {"14d": "14 d", "90d": "90 d", "year": "Year", "all": "All"}
_STATES = {"below": "below your usual", "above": "above your usual", "learning": "learning your usual", "none": "no data"}


def week(
    nights: Sequence[Slept], on: dt.date, usual_of: Callable[[Slept], Baseline], link: Link, reader: Reader
) -> list[tuple[str, str, str, str, bool]]:
    """Seven nights around ``on``, none of them to come, for the ribbon."""
    held = {n.date: n for n in nights if rhythm.is_night(n)}
    last = min(reader.today, on + 3 * DAY) if on < reader.today else on
    made = []
    for day in (last - DAY * back for back in range(6, -1, -1)):
        one = held.get(day)
        place = "none" if one is None or one.asleep is None else rhythm.place(one.asleep, usual_of(one))
        state = {"short": "usual", "long": "usual"}.get(place, place)
        made.append((link(day), weekday_word(day, reader.locale), f"{reader.date(day)}: {_STATES.get(state, 'usual')}", state, day == on))
    return made


def spread(rows: Sequence[Times], kind: str, bed: Baseline, wake: Baseline, link: Link, reader: Reader) -> dict[str, Any]:
    """Floating bars over the usual bands; ``rows`` are nights, or medians of weeks or months."""
    spans = [None if row.bed is None or row.wake is None else (row.bed, row.wake) for row in rows]
    bands = [(base.low, base.high) for base in (bed, wake) if base.low is not None and base.high is not None]
    noon = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)
    hours = [(minute, reader.hour(noon + dt.timedelta(minutes=minute))) for minute in range(-720, 2880, 120)]
    labels = _labels(rows, kind, reader)
    drawn = timelines.nights(spans, bands=bands, labels=labels, hours=hours)
    single = kind in ("14d", "90d")
    keys = [("bar sleep", "asleep to awake" if single else "asleep to awake, typical times")]
    keys += [("bandf", "usual times to fall asleep and wake")] if bands else []
    if drawn.gaps:
        untimed = any(row.bed is None and row.asleep is not None for row in rows)
        keys.append(("nodata", "no data, or no times stated" if untimed else "no data"))
    columns: tuple[str, ...] = ("Night to", "Asleep", "From–to")
    if not single:
        columns = ("Week to" if kind == "year" else "Month", "Asleep, median", "From–to", "Nights")
    return {
        "plot": drawn, "legend": keys, "summary": _spread_summary(rows, reader),
        "data": {
            "caption": "Nights" if single else "Medians of the nights", "columns": columns, "rows": [_row(r, kind, reader) for r in rows],
            "xs": drawn.xs, "hrefs": [link(row.last) for row in rows] if single else (),
        },
    }  # fmt: skip


def _labels(rows: Sequence[Times], kind: str, reader: Reader) -> list[str]:
    if kind == "14d":
        return charts.thinned([str(row.last.day) for row in rows], 14)
    if kind == "all":
        years = [f"{row.last.year}" if index == 0 or row.last.month == 1 else "" for index, row in enumerate(rows)]
        return years if len(rows) > 18 else charts.thinned([month_word(row.last, reader.locale) for row in rows], 6)
    return charts.thinned([reader.short(row.last) for row in rows], 4)


def _row(row: Times, kind: str, reader: Reader) -> tuple[str, ...]:
    if kind == "all":
        name = f"{month_word(row.last, reader.locale)} {row.last.year}"
    else:
        name = f"{weekday_word(row.last, reader.locale)} {reader.short(row.last)}"
    asleep = "no data" if row.asleep is None else duration(row.asleep)
    if row.bed is None or row.wake is None:
        clock = "no data" if row.asleep is None else "times not stated"
    else:
        clock = f"{reader.minute(row.bed)}{DASH}{reader.minute(row.wake)}"
    return (name, asleep, clock) if kind in ("14d", "90d") else (name, asleep, clock, f"{row.nights} of {(row.last - row.first).days + 1}")


def _spread_summary(rows: Sequence[Times], reader: Reader) -> str:
    known = [row.asleep for row in rows if row.asleep is not None]
    if not known:
        return "No nights in this time."
    seen, days = sum(row.nights for row in rows), sum((row.last - row.first).days + 1 for row in rows)
    beds, wakes = [r.bed for r in rows if r.bed is not None], [r.wake for r in rows if r.wake is not None]
    times = f", {reader.minute(median(beds))}{DASH}{reader.minute(median(wakes))}" if beds else ""
    return f"{seen} of {days} nights, typically {duration(median(known))} asleep{times}."


def rhythm_facts(
    nights: Sequence[Slept], on: dt.date, regular: float | None, usual_sleep: Baseline, midpoint: tuple[float | None, Baseline],
    reader: Reader,
) -> list[tuple[str, Quantity, str]]:  # fmt: skip
    owed, napped = rhythm.debt(nights, on, usual_sleep), rhythm.naps(nights, on)
    middle, middles = midpoint
    usual_middle = learning(middles)
    if middles.low is not None and middles.high is not None:
        usual_middle = f"usual {reader.minute(middles.low)}{DASH}{reader.minute(middles.high)}"
    if owed is None:
        reason = learning(usual_sleep) if usual_sleep.learning else "no nights in these 14 days"
        debt = ("Short by, 14 nights", Quantity(reason, known=False), "")
    else:
        word = "Short by" if owed.minutes >= 0 else "Over by"
        against = f"against {duration(usual_sleep.centre or 0)} a night; {owed.nights} of 14 known"
        debt = (f"{word}, 14 nights", quantity(MINUTES, abs(owed.minutes)), against)
    return [
        ("Regularity (SRI)", Quantity("needs six days in a row", known=False), "") if regular is None
        else ("Regularity (SRI)", Quantity(number(regular, 0, reader.locale)), "of 100, last 28 days"),
        ("Midpoint", Quantity("no times this night", known=False) if middle is None else Quantity(reader.minute(middle)), usual_middle),
        debt,
        ("Naps, 14 days", Quantity("no data in these 14 days", known=False) if napped is None else Quantity(str(napped[0])),
         f"{duration(napped[1])} in all" if napped and napped[0] else ""),
    ]  # fmt: skip


def half_year(nights: Sequence[Slept], on: dt.date, reader: Reader) -> dict[str, Any]:
    values: Mapping[dt.date, float | None] = {n.date: n.asleep for n in nights if rhythm.is_night(n)}
    drawn = timelines.calendar(values, on, monday=not reader.locale.replace("-", "_").endswith(("US", "CA", "_IL")))
    span = (on - drawn.first).days + 1
    known = [v for date, v in values.items() if v is not None and drawn.first <= date <= on]
    keys = []
    if known:
        cuts = drawn.cuts
        keys = [("q q0", f"to {duration(cuts[0])}"), ("q q2", f"around {duration(median(known))}"), ("q q4", f"over {duration(cuts[3])}")]
    if drawn.counts[5]:
        keys.append(("nodata", "no data"))
    months: dict[tuple[int, int], list[float | None]] = {}
    for index in range(span):
        day = drawn.first + DAY * index
        months.setdefault((day.year, day.month), []).append(values.get(day))
    rows = []
    for (year, month), each in months.items():
        held = [v for v in each if v is not None]
        name = f"{month_word(dt.date(year, month, 1), reader.locale)} {year}"
        rows.append((name, duration(median(held)) if held else "no data", f"{len(held)} of {len(each)}"))
    summary = f"{len(known)} of {span} nights{f', typically {duration(median(known))} asleep' if known else ''}."
    return {"plot": drawn, "legend": keys, "summary": summary, "rows": rows}
