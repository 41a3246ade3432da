"""HealthConnectExports for Android: yesterday's totals once a day, ``{"time": ms of the day's start, "data": {"steps": n, ...}}``.

The app writes 0 for what Health Connect does not know: a zero is a missing value here.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, StatedTotal
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.day_marks import day_started
from healthbox.formats.shapes import marked
from healthbox.formats.shortcuts.names import daily, placed
from healthbox.formats.wire import moment, number, one

NAME = "health-connect-exports"
_KNOWN = {
    "steps": ("steps", "count"),
    "active_calories": ("active_energy", "kcal"),
    "total_calories": ("total_energy", "kcal"),
    "sleep_duration_seconds": ("sleep_asleep", "s"),
}


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    for key, value in body["data"].items():

        def read(item: dict[str, Any], at: str, key: str = key) -> Iterator[Record]:
            amount = number(item[key])
            if amount:
                started = moment(body["time"], envelope.zone)
                date = started.date if started.date_only else day_started(started.ms, envelope.zone)
                yield _total(key, amount, at, date)

        yield from one({key: value}, f"data.{key[:100]}", read)


def _total(key: str, amount: float, at: str, date: Any) -> StatedTotal:
    if key in _KNOWN:
        metric, unit = _KNOWN[key]
        return StatedTotal(position=at, metric=metric, naming="key", app=NAME, date=date, value=amount, unit=unit)
    name = daily(key)
    called = placed(name, name.unit)
    return StatedTotal(position=at, metric=called, naming=name.naming, app=NAME, date=date, value=amount, unit=name.unit)


FORMAT = Format(name=NAME, looks_for='"time" and "data" with a day\'s totals by name', claims=claims, records=records)
