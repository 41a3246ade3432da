"""Parallel lists of one type, and lists of sample objects.

Lists may be JSON arrays, one text with a line for each entry, or a single text. Entries without a partner are refused one by
one; sources and ends that are missing altogether are no entries. One source, unit or end list of length one serves all.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, Sample, SleepStage, Stage
from healthbox.formats.shortcuts.names import Name, listed, placed, unit_text
from healthbox.formats.shortcuts.numbers import amount
from healthbox.formats.wire import Unreadable, is_name, metadata, named_source, one, rejected, span, stage, text, uuid, zone_of

_SAMPLES = "_samples"
_TIMES = ("dates", "timestamps", "hrDates", "date", "start")
_ENDS = ("ends", "end")
_VALUES = ("values", "hrValues", "value")


def claims(body: dict[str, Any]) -> bool:
    return _columnar(body) or any(key.endswith(_SAMPLES) and isinstance(value, list | str) for key, value in body.items())


def _columnar(body: dict[str, Any]) -> bool:
    if "hrDates" in body or "hrValues" in body or "timestamps" in body:
        return True
    return "type" in body and any(key in body for key in ("dates", "values", "value"))


def records(body: dict[str, Any], zone: str) -> Iterator[Record]:
    zone = zone_of(body.get("tz"), body.get("timezone"), body.get("zone")) or zone
    for key, value in body.items():
        if key.endswith(_SAMPLES) and isinstance(value, list | str):
            yield from _samples(key, value, body, zone)
    if _columnar(body):
        yield from _columns(body, zone)


def _samples(key: str, value: list[Any] | str, body: dict[str, Any], zone: str) -> Iterator[Record]:
    name = listed(key.removesuffix(_SAMPLES))
    if name.metric is None:  # "step_samples"
        plural = listed(f"{name.name}s")
        name = plural if plural.metric is not None else name
    for index, item in enumerate(entries(value)):
        said = _line(item) if isinstance(item, str) and item else item
        yield from one(said, f"{key}[{index}]", lambda item, at: sample(item, at, name, body, zone))


def _line(line: str) -> dict[str, Any]:
    """ "start;end;value" or "start;value", also with tabs."""
    cells = [cell.strip() for cell in line.replace("\t", ";").split(";")]
    names = ("start", "end", "value") if len(cells) > 2 else ("start", "value")
    return dict(zip(names, cells, strict=False))


def _columns(body: dict[str, Any], zone: str) -> Iterator[Record]:
    kind = text(body.get("type")) or ("Heart Rate" if "hrDates" in body or "hrValues" in body else None)
    keys = [next((key for key in names if key in body), names[0]) for names in (_TIMES, _VALUES, _ENDS, ("sources", "source"), ("unit",))]
    start, value, end, source, unit = (entries(body.get(key)) for key in keys)
    columns = {"start": start, "end": end, "value": value, "source": source, "unit": unit}
    shared = {name: columns.pop(name)[0] for name in ("source", "unit") if len(columns[name]) == 1}
    name = None if kind is None else listed(kind)

    def entry(index: int) -> dict[str, Any]:
        return {what: column[index] for what, column in columns.items() if index < len(column)} | shared

    def read(item: dict[str, Any], at: str) -> Iterator[Record]:
        if name is None:
            raise Unreadable("no_type", "the lists name no type")
        yield from sample(item, at, name, body, zone)

    paired, most = min(len(start), len(value), len(end or start)), max(len(start), len(value), len(end))
    for index in range(paired):
        yield from one(entry(index), f"{keys[0]}[{index}]", read)
    for index in range(paired, most):
        why = "the lists differ in length: this entry has no partner"
        yield rejected(f"{keys[0]}[{index}]", "unequal_lengths", why, entry(index))


def sample(item: dict[str, Any], at: str, name: Name, body: dict[str, Any], zone: str) -> Iterator[Record]:
    """One entry {"start", "end"?, "value", "unit"?, "source"? ...}; what it leaves out may stand in the body."""
    if "value" not in item:
        raise Unreadable("no_value", "the record holds no value")
    start, end = span(item.get("start", item.get("date")), item.get("end"), zone)
    source = named_source(item.get("source", body.get("source")))
    if name.metric is not None and name.metric.key == "sleep_analysis":
        if item.get("end") in (None, ""):
            raise Unreadable("no_end", "a sleep stage needs an end")
        yield SleepStage(position=at, start=start, end=end, stage=_stage(item.get("value")), source=source, uuid=uuid(item.get("uuid")))
        return
    value, unit = _value(item.get("value"), unit_text(item.get("unit")) or unit_text(body.get("unit")), name)
    yield Sample(
        position=at,
        metric=placed(name, unit),
        naming=name.naming,
        start=start,
        end=end,
        value=value,
        unit=unit,
        source=source,
        uuid=uuid(item.get("uuid")),
        metadata=metadata(item.get("metadata")),
    )


def _stage(value: Any) -> Stage:
    """A stage by the phone's word for it; by HealthKit's number or constant where a Shortcut passes that on."""
    try:
        return stage("shortcut", value)
    except Unreadable:
        return stage("healthkit", value)


def _value(value: Any, unit: str | None, name: Name) -> tuple[float | str, str | None]:
    """A number with its unit; the word itself for a category, or for a type that is not known."""
    try:
        return amount(value, unit, name.metric)
    except Unreadable as problem:
        word = text(value)
        named = name.metric is None or name.metric.kind != "quantity"
        if problem.code != "not_a_number" or word is None or not is_name(word) or not named:
            raise
        return word, unit


def entries(value: Any) -> list[Any]:
    """The entries of a column. A line without text inside a column keeps its place; nothing at all is no entry."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [line.strip() for line in value.strip().split("\n")]
    if not isinstance(value, list):
        return [value]
    if len(value) == 1 and isinstance(value[0], str):
        return entries(value[0])
    return value
