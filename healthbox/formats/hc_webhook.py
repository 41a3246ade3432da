"""HC Webhook for Android: Health Connect's records by type, ``{"timestamp", "app_version", "steps": [], "heart_rate": [], ...}``.

Every instant is UTC and no zone is said: days are the person's own. There are no ids, equal content is one record. Steps,
distance and active calories come by default as one total per day that grows with every upload: such a record is a bucket of its
day, restated each time. Series may come as avg, min and max of a window whose length is not said: buckets too, kept as minutes,
so that one window has one key whatever else the body holds. A body with ``test: true`` is made up by the app: nothing of it is
stored.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from healthbox.domain.records import Bucket, Record, Rejected, Sample, SourceRef
from healthbox.formats import hc_sessions
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.day_marks import HOUR_MS, local_midnight, whole_day
from healthbox.formats.device_kinds import kind_of
from healthbox.formats.hc_words import CODES, INSTANTS, INTERVALS
from healthbox.formats.shapes import marked
from healthbox.formats.wire import Unreadable, each, moment, needed_number, number, optional_ms, rejected, span, text

NAME = "hc-webhook"
_ABOUT = {"timestamp", "app_version", "test"}

_EXTRA = ("measurement_location", "protection_used", "specimen_source", "meal_type", "relation_to_meal")


class _Context(NamedTuple):
    """What a list's records need to know of the body: the person's zone, when it was built, whether these are totals of days."""

    zone: str
    built: int | None
    totals: bool


_Reader = Callable[[dict[str, Any], str, str, _Context], Iterator[Record]]


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    context = _Context(envelope.zone, _built(body), False)
    for key, items in body.items():
        read = _READERS.get(key)
        if key in _ABOUT or (read is None and not isinstance(items, list)):
            continue
        if body.get("test") is True:
            yield from _refused(items, key)
            continue
        here = context._replace(totals=key in INTERVALS and _day_totals(items, context))

        def one(item: dict[str, Any], at: str, key: str = key, read: _Reader = read or _unknown, here: _Context = here) -> Iterator[Record]:
            yield from read(item, at, key, here)

        yield from each(items, key, one)


def source_of(item: dict[str, Any]) -> SourceRef:
    """The app that wrote the record and the device it names; older versions say neither."""
    meta = item.get("metadata")
    if not isinstance(meta, dict):
        return SourceRef(name="Health Connect")
    device = meta.get("device")
    device = device if isinstance(device, dict) else {}
    bundle, model = text(meta.get("data_origin")), text(device.get("model"))
    kind = kind_of(device.get("type"), meta.get("recording_method"))
    return SourceRef(model or (None if bundle else "Health Connect"), bundle, model, kind)


def _built(body: dict[str, Any]) -> int | None:
    """When the app built the body: how recent its totals are."""
    try:
        return optional_ms(body.get("timestamp"), "UTC")
    except Unreadable:
        return None


def _refused(items: Any, key: str) -> Iterator[Rejected]:
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        yield rejected(f"{key}[{index}]", "test", "the app made this record up for a test", item)


def _day_totals(items: Any, context: _Context) -> bool:
    """Whether a list holds totals of days: one record a day, from its local midnight to its end or to when the body was built.

    A single short record after midnight could be a plain one, so an unfinished day counts only when it is an hour long."""
    zone, built = context.zone, context.built
    dates: list[dt.date] = []
    for item in items if isinstance(items, list) else ():
        try:
            start, end = span(item.get("start_time"), item.get("end_time"), "UTC") if isinstance(item, dict) else (0, 0)
        except Unreadable:
            continue
        date = local_midnight(start, zone)
        growing = built is not None and end - start >= HOUR_MS and abs(built - end) <= HOUR_MS
        if date is None or date in dates or not (growing or whole_day(start, end, zone)):
            return False
        dates.append(date)
    return bool(dates)


def _interval(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    metric, field, unit = INTERVALS[key]
    start, end = span(item.get("start_time", item.get("time")), item.get("end_time"), "UTC")
    value = needed_number(item.get(field))
    date = local_midnight(start, context.zone) if context.totals else whole_day(start, end, context.zone)
    if date is None:
        yield Sample(position=at, metric=metric, naming="key", start=start, end=end, value=value, unit=unit, source=source_of(item))
        return
    source = source_of(item)
    yield Bucket(
        position=at,
        metric=metric,
        naming="key",
        app=NAME,
        width="day",
        start=start,
        date=date,
        value=value,
        unit=unit,
        source=source.name or source.bundle or "",
        as_of=context.built,
    )


def _instant(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    metric, field, unit = INSTANTS[key]
    when = moment(item.get("time"), "UTC").ms
    suffix = "_delta_celsius" if key == "skin_temperature" else ""
    average, low, high = (number(item.get(f"{part}{suffix}")) for part in ("avg", "min", "max"))
    source = source_of(item)
    if average is not None:
        yield Bucket(
            position=at,
            metric=metric,
            naming="key",
            app=NAME,
            width="minute",
            start=when,
            value=average,
            low=low,
            high=high,
            unit=unit,
            source=source.name or source.bundle or "",
            as_of=context.built,
        )
    else:
        yield _sample(item, at, metric, when, needed_number(item.get(field)), unit)
    baseline = number(item.get("baseline_celsius")) if key == "skin_temperature" else None
    if baseline is not None:
        yield _sample(item, f"{at}.baseline_celsius", "skin_temperature", when, baseline, "degC")


def _blood_pressure(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    when = moment(item.get("time"), "UTC").ms
    for part in ("systolic", "diastolic"):
        yield _sample(item, f"{at}.{part}", f"blood_pressure_{part}", when, needed_number(item.get(part)), "mmHg")


def _code(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    metric, field, names = CODES[key]
    name = names.get(int(needed_number(item.get(field))))
    if name is None:
        raise Unreadable("unknown_value", "the value's code has no meaning here")
    yield _sample(item, at, metric, moment(item.get("time"), "UTC").ms, name, None)


def _event(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    yield _sample(item, at, key, moment(item.get("time"), "UTC").ms, 0.0, None)


def _period(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    start, end = span(item.get("start_time"), item.get("end_time"), "UTC")
    days = (end - start) / 1000
    yield Sample(position=at, metric=key, naming="key", start=start, end=end, value=days, unit="s", source=source_of(item))


def _unknown(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    """A type that a later version added: every number of it under the type's and the field's name."""
    start, end = span(item.get("start_time", item.get("time")), item.get("end_time"), "UTC")
    fields = [name for name, value in item.items() if isinstance(value, int | float) and not isinstance(value, bool)]
    if not fields:
        raise Unreadable("no_value", "the record holds no value")
    for name in fields:
        yield Sample(
            position=f"{at}.{name}",
            metric=f"{key}_{name}"[:200],
            naming="health_connect",
            start=start,
            end=end,
            value=needed_number(item[name]),
            source=source_of(item),
        )


def _sample(item: dict[str, Any], at: str, metric: str, when: int, value: float | str, unit: str | None) -> Sample:
    extra = {name: item[name] for name in _EXTRA if isinstance(item.get(name), str | int)}
    source = source_of(item)
    return Sample(
        position=at, metric=metric, naming="key", start=when, end=when, value=value, unit=unit, source=source, metadata=extra or None
    )


def _sleep(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    yield from hc_sessions.sleep(item, at, source_of(item))


def _exercise(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    yield hc_sessions.exercise(item, at, source_of(item))


def _nutrition(item: dict[str, Any], at: str, key: str, context: _Context) -> Iterator[Record]:
    yield from hc_sessions.nutrition(item, at, source_of(item))


_READERS: dict[str, _Reader] = {
    **dict.fromkeys(INTERVALS, _interval),
    **dict.fromkeys(INSTANTS, _instant),
    **dict.fromkeys(CODES, _code),
    **dict.fromkeys(("intermenstrual_bleeding", "sexual_activity"), _event),
    "menstruation_period": _period,
    "blood_pressure": _blood_pressure,
    "sleep": _sleep,
    "exercise": _exercise,
    "nutrition": _nutrition,
}
FORMAT = Format(
    name=NAME, looks_for='"timestamp" and "app_version", with lists such as "steps" or "heart_rate"', claims=claims, records=records
)
