"""Tables whose rows are records by themselves: how the rest of a row is read once it is known when and by what it was stated."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from healthbox.domain.records import Clinical, Record, Sample
from healthbox.formats.hc_backup import tables
from healthbox.formats.hc_backup.cells import HEAD, INSTANT, INTERVAL, Stated, code, needed, real
from healthbox.formats.hc_backup.database import Row
from healthbox.formats.hc_words import CODES
from healthbox.formats.wire import Unreadable, text

Read = Callable[[Row, Stated, str], Iterator[Record]]

_MACHINERY = {*HEAD, *INSTANT, *INTERVAL, "row_id", "client_record_id", "client_record_version", "dedupe_hash", "local_date"}
_NO_AMOUNT = ("type", "_id", "_location", "_method", "_time")


def sample(at: str, metric: str, stated: Stated, value: float | str, unit: str | None, row: Row, *, parent: bool = False) -> Sample:
    """One value; ``row`` may say more about how it was measured. ``parent``: the record makes several."""
    kept: dict[str, Any] = {name: found for name in tables.CIRCUMSTANCES if name in row and (found := code(row[name])) is not None}
    kept |= {name: words for name in ("title", "notes") if name in row and (words := text(row[name]))}
    return Sample(
        position=at,
        metric=metric,
        naming="key",
        start=stated.start,
        end=stated.end,
        value=value,
        unit=unit,
        source=stated.source,
        uuid=stated.uuid,
        parent=parent and stated.uuid is not None,
        zone=stated.zone,
        as_of=stated.as_of,
        metadata=kept or None,
    )


def _whole(at: str, kind: str, stated: Stated, data: dict[str, Any]) -> Clinical:
    said = {name: value for name, value in data.items() if value is not None}
    return Clinical(
        position=at, kind=kind, data=said, start=stated.start, end=stated.end, uuid=stated.uuid, source=stated.source, as_of=stated.as_of
    )


def _value(metric: str, column: str, unit: str, row: Row, stated: Stated, at: str) -> Iterator[Record]:
    yield sample(at, metric, stated, needed(row.get(column)), unit, row)


def _code(metric: str, column: str, names: dict[int, str], row: Row, stated: Stated, at: str) -> Iterator[Record]:
    yield sample(at, metric, stated, _meaning(names, row.get(column)), None, row)


def _meaning(names: dict[int, str], value: Any) -> str:
    found = names.get(int(needed(value)))
    if found is None:
        raise Unreadable("unknown_value", "the value's code has no meaning here")
    return found


def _event(metric: str, row: Row, stated: Stated, at: str) -> Iterator[Record]:
    yield sample(at, metric, stated, 0.0, None, row)


def _length(metric: str, row: Row, stated: Stated, at: str) -> Iterator[Record]:
    yield sample(at, metric, stated, (stated.end - stated.start) / 1000, "s", row)


def _intensity(row: Row, stated: Stated, at: str) -> Iterator[Record]:
    yield from _length(_meaning(tables.INTENSITIES, row.get("type")), row, stated, at)


def _blood_pressure(row: Row, stated: Stated, at: str) -> Iterator[Record]:
    for part in ("systolic", "diastolic"):
        yield sample(f"{at}.{part}", f"blood_pressure_{part}", stated, needed(row.get(part)), "mmHg", row, parent=True)


def _meal(row: Row, stated: Stated, at: str) -> Iterator[Record]:
    found = [(name, amount) for name in tables.NUTRIENTS if (amount := real(row.get(name))) is not None]
    if not found:
        raise Unreadable("no_value", "the meal states no nutrient")
    food, meal = text(row.get("meal_name")), tables.MEALS.get(code(row.get("meal_type")) or 0)
    kept = {name: value for name, value in (("name", food), ("meal", meal)) if value}
    for name, amount in found:
        unit = "cal" if name.startswith("energy") else "g"
        made = sample(f"{at}.{name}", tables.NUTRIENTS[name], stated, amount, unit, {}, parent=True)
        made.tag, made.metadata = food or "", kept or None
        yield made


def _baseline(row: Row, stated: Stated, at: str) -> Iterator[Record]:
    """The temperature that the deltas, which stand in a table of their own, are told from."""
    value = real(row.get("baseline"))
    if value is not None:
        yield sample(at, "skin_temperature", stated._replace(end=stated.start), value, "degC", row)


def _planned(row: Row, stated: Stated, at: str) -> Iterator[Record]:
    kind = row.get("exercise_type")
    activity = tables.EXERCISES.get(kind) if isinstance(kind, int) else None
    yield _whole(at, "planned_workout", stated, {"activity": activity, "title": text(row.get("title")), "notes": text(row.get("notes"))})


def unknown(table: str, row: Row, stated: Stated, at: str) -> Iterator[Record]:
    """A type that a later version added: every number of it under the type's and the column's name, or else the whole row."""
    kind = table.removesuffix(tables.SUFFIX).removesuffix("_table")
    amounts, rest = {}, {}
    for name, cell in row.items():
        if name in _MACHINERY or cell is None or isinstance(cell, bytes):
            continue
        if isinstance(cell, str) or name.endswith(_NO_AMOUNT):
            rest[name] = text(cell) if isinstance(cell, str) else cell
        elif (amount := real(cell)) is not None:
            amounts[name] = amount
    if not amounts and not rest:
        raise Unreadable("no_value", "the record holds no value")
    if not amounts:
        yield _whole(at, kind[:100], stated, rest)
    for name, amount in amounts.items():
        made = sample(f"{at}.{name}", f"{kind}_{name}"[:200], stated, amount, None, {})
        made.naming, made.metadata = "health_connect", rest or None
        yield made


# table without "_record_table" → its reader
READERS: dict[str, Read] = {
    **{name: partial(_value, *found) for name, found in tables.VALUES.items()},
    **{name: partial(_code, *found) for name, found in CODES.items()},
    **{name: partial(_event, name) for name in tables.EVENTS},
    "blood_pressure": _blood_pressure,
    "nutrition": _meal,
    "menstruation_period": partial(_length, "menstruation_period"),
    "mindfulness_session": partial(_event, "mindful_session"),
    "activity_intensity": _intensity,
    "planned_exercise_session": _planned,
    "skin_temperature": _baseline,
}
