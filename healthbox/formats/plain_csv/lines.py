"""From a line to its record: a reading at its time, or the value of a whole day."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Bucket, Naming, Record
from healthbox.formats.plain_csv.dates import DayOrder
from healthbox.formats.shortcuts.lists import sample
from healthbox.formats.shortcuts.names import Name, daily, listed, placed, unit_text
from healthbox.formats.shortcuts.numbers import amount
from healthbox.formats.wire import Unreadable, catalogue, moment, text

APP = "csv"
_VOCABULARIES: tuple[Naming, ...] = ("healthkit", "health_auto_export", "health_connect", "open_wearables", "flutter")
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


def line(cells: dict[str, str], at: str, zone: str, order: DayOrder, *, decimal_comma: bool) -> Iterator[Record]:
    """Raises ``Unreadable``."""
    said = text(cells.get("metric"))
    if said is None:
        raise Unreadable("no_type", "the line names no metric")
    start, end = order.plain(cells.get("start", "")), order.plain(cells.get("end", ""))
    value = cells.get("value", "")
    if decimal_comma and _COMMA.fullmatch(value):
        value = value.replace(",", ".")
    begun = moment(start, zone)
    if begun.date_only and (not end or moment(end, zone).date_only):
        name = _day_name(said)
        if name.metric is None or name.metric.kind == "quantity" or _counts(value):
            yield _day(name, value, cells, at, begun.ms, start, zone)
            return
    name = _name(said)
    item: dict[str, Any] = {name: cells.get(name) for name in ("source", "uuid")}
    yield from sample(item | {"start": start, "end": end, "value": value, "unit": _unit(cells, name)}, at, name, {}, zone)


def _day(name: Name, value: str, cells: dict[str, str], at: str, start: int, date: str, zone: str) -> Bucket:
    found, unit = amount(value, _unit(cells, name), name.metric)
    return Bucket(
        position=at,
        metric=placed(name, unit),
        naming=name.naming,
        app=APP,
        width="day",
        start=start,
        date=moment(date, zone).date,
        value=found,
        unit=unit,
        source=text(cells.get("source")) or "",
    )


def _counts(value: str) -> bool:
    return value.strip().isdecimal()


def _unit(cells: dict[str, str], name: Name) -> str | None:
    unit = unit_text(cells.get("unit")) or name.unit
    return "hk%" if unit == "%" and name.name.startswith("HK") else unit


@functools.lru_cache(maxsize=1024)
def _name(said: str) -> Name:
    """As the Health app calls it, as one of the vocabularies does, with a unit behind it; else as it stands."""
    found = listed(said)
    if found.metric is not None:
        return found
    for naming in _VOCABULARIES:
        metric = catalogue().find(naming, said)
        if metric is not None:
            return Name(said, naming, metric, None)
    with_unit = daily(said)
    return with_unit if with_unit.metric is not None else found


@functools.lru_cache(maxsize=1024)
def _day_name(said: str) -> Name:
    """The same for a day's value: a day of sleep is a length of time, not a stage."""
    found = _name(said)
    return daily("sleep") if found.metric is not None and found.metric.key == "sleep_analysis" else found
