"""A day's values by name: flat, or under "metrics" or "record". Each becomes a stated total of the day that ``date`` names."""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, StatedTotal
from healthbox.formats.shortcuts.names import daily, placed
from healthbox.formats.shortcuts.numbers import amount
from healthbox.formats.wire import Unreadable, moment, one, text, zone_of

APP = "shortcuts"
_ABOUT = {"date", "day", "userid", "user", "person", "source", "action", "tz", "timezone", "zone", "device", "unit", "note", "notes"}


def claims(body: dict[str, Any]) -> bool:
    for key in ("metrics", "record"):
        if isinstance(body.get(key), dict) and ("date" in body or "date" in body[key]):
            return True
    keys = _named(body)
    return bool(keys) and ("date" in body or any(daily(key).metric is not None for key in keys)) and not _nested(body)


def records(body: dict[str, Any], zone: str) -> Iterator[Record]:
    zone = zone_of(body.get("tz"), body.get("timezone"), body.get("zone")) or zone
    within = next((key for key in ("metrics", "record") if isinstance(body.get(key), dict)), "")
    day: dict[str, Any] = body[within] if within else body
    date, source = day.get("date") or body.get("date"), text(body.get("source")) or text(day.get("source")) or ""
    for key in _named(day):
        if day[key] in (None, ""):
            continue  # an empty Shortcuts result: not measured

        def read(item: dict[str, Any], at: str, key: str = key) -> Iterator[Record]:
            yield _total(key, item[key], date, source, at, zone)

        yield from one({key: day[key]}, f"{within}.{key}" if within else key, read)


def _total(key: str, value: Any, date: Any, source: str, at: str, zone: str) -> StatedTotal:
    if date in (None, ""):
        raise Unreadable("no_date", "the day's values come without their date")
    name = daily(key)
    number, unit = amount(value, name.unit, name.metric)
    return StatedTotal(
        position=at,
        metric=placed(name, unit),
        naming=name.naming,
        app=APP,
        date=moment(date, zone).date,
        value=number,
        unit=unit,
        source=source,
    )


def _named(day: dict[str, Any]) -> list[str]:
    return [key for key in day if key.strip() and key.casefold() not in _ABOUT]


def _nested(body: dict[str, Any]) -> bool:
    """Values inside values make another shape, but for the list of workouts that some people add to a flat day."""
    return any(isinstance(value, dict | list) and key != "workouts" for key, value in body.items())
