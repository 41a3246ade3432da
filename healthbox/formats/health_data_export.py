"""Health Data Export: ``{"formatVersion", "preset", "sections": {"steps": {"summary", "days": [{"date", "value"}]}, ...}}``.

Every number of a day is a stated total. A field's name may hold its unit ("duration_h"); a value whose unit is open is kept under
a name of its own, as with Shortcuts. Summaries are made of the days and left out; other lists are kept whole.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Record, StatedTotal
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.routes import instant
from healthbox.formats.shapes import marked
from healthbox.formats.shortcuts.names import daily, placed
from healthbox.formats.wire import Unreadable, each, moment, number, text

NAME = "health-data-export"
_ABOUT = {"date", "day", "unit", "source", "samples", "count", "n"}
_MEAN = ("value", "avg", "average", "mean")
_SPREAD = ("min", "max")
_BESIDES = {*_ABOUT, *_SPREAD}
_ASLEEP = ("duration", "asleep", "total", "value")


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    for name, section in body["sections"].items():
        if not isinstance(section, dict):
            continue
        for key, items in section.items():
            if not isinstance(items, list):
                continue

            def read(
                item: dict[str, Any], at: str, name: str = name, key: str = key, section: dict[str, Any] = section
            ) -> Iterator[Record]:
                yield from _day(item, at, name, section, envelope.zone) if key == "days" else _whole(item, at, name, envelope.zone)

            yield from each(items, f"sections.{name[:100]}.{key[:100]}", read)


def _day(item: dict[str, Any], at: str, section: str, about: dict[str, Any], zone: str) -> Iterator[Record]:
    if item.get("date", item.get("day")) in (None, ""):
        raise Unreadable("no_date", "the day's values come without their date")
    date = moment(item.get("date", item.get("day")), zone).date
    said = text(item.get("unit")) or text(about.get("unit"))
    low, high = (number(item.get(part)) for part in _SPREAD)
    values = [(key, number(value)) for key, value in item.items() if key not in _BESIDES and type(value) in (int, float)]
    if not values:
        raise Unreadable("no_value", "the day states no value")
    for key, value in values:
        name = daily(_called(section, key))
        unit = name.unit or said
        spread = key in _MEAN
        yield StatedTotal(
            position=f"{at}.{key[:100]}",
            metric=placed(name, unit),
            naming=name.naming,
            app=NAME,
            date=date,
            value=value,
            low=low if spread else None,
            high=high if spread else None,
            unit=unit,
            source=text(item.get("source")) or "",
        )


def _called(section: str, field: str) -> str:
    """A day's field as a name of its own: "steps" + "value", "sleep" + "deep_h"."""
    if section == "sleep":
        head, _, unit = field.rpartition("_")
        part = head or unit
        return "_".join(filter(None, ("sleep", "asleep" if part in _ASLEEP else part, unit if head else "")))
    if field in _MEAN:
        return section
    return field if field.startswith(section) else f"{section}_{field}"


def _whole(item: dict[str, Any], at: str, section: str, zone: str) -> Iterator[Record]:
    start = instant(next((item[key] for key in ("start", "startDate", "date") if item.get(key)), None), zone)
    yield Clinical(position=at, kind=section[:100], data=item, start=start)


FORMAT = Format(name=NAME, looks_for='"formatVersion" and "sections" with "days"', claims=claims, records=records)
