"""What stands at a record's head (type, unit, source) and in its body (metadata), read alike by both lanes."""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from healthbox.domain.records import Sample, SourceRef
from healthbox.formats.foods import food, is_nutrient
from healthbox.formats.wire import Unreadable, is_name, needed_number, number, stage, text, zone_of

SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
BEATS = "HeartRateVariabilityMetadataList"
Key = tuple[str, str | None, SourceRef]  # what the samples of one block share
Row = tuple[str, int, int, float | str | None, str | None, dict[str, Any] | None]

_PART = re.compile(r"^<*|, (?=[A-Za-z ]+:)|>$")
_MINUTE = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
_SECOND = re.compile(r"(\d\d)(?:[.,](\d{1,3}))?\D*", re.ASCII)
_HALF_DAY = 43_200_000


class Head(NamedTuple):
    """``typed`` is the key for what the person entered by hand."""

    key: Key
    typed: Key
    is_quantity: bool
    is_sleep: bool
    is_nutrient: bool

    def value(self, said: str | None) -> float | str | None:
        """A number, the word of a category or the stage of a night. Raises ``Unreadable``."""
        if self.is_sleep:
            return stage("healthkit", said)
        if self.is_quantity:
            return needed_number(said)
        try:
            return number(said)
        except Unreadable:
            if said is None or not is_name(said):
                raise
            return text(said)


class Body(NamedTuple):
    """What a record's children say. ``metadata`` is shared between records that say the same: it is not to be changed."""

    metadata: dict[str, Any] | None
    zone: str | None
    typed: bool


EMPTY = Body(None, None, False)


@functools.lru_cache(maxsize=4096)
def head(kind: str | None, unit: str | None, name: str | None, device: str | None) -> Head:
    """Raises ``Unreadable`` when there is no type. The percent of HealthKit is a fraction."""
    metric = text(kind)
    if metric is None:
        raise Unreadable("no_type", "the record names no type")
    unit = text(unit)
    unit = "hk%" if unit == "%" else unit
    source = source_of(name, device)
    typed = SourceRef(source.name, source.bundle, source.product, "manual")
    return Head(
        (metric, unit, source),
        (metric, unit, typed),
        metric.startswith("HKQuantityType"),
        metric == SLEEP,
        is_nutrient("healthkit", metric),
    )


def nutrient(known: Head, row: Row, said: Body, meal: str = "") -> Sample | None:
    """The sample of a nutrient whose food has a name, which tells it apart from another's; the rows of a block have no place for it.
    ``meal``: the name of what the record is a part of."""
    tag = (food(said.metadata) or meal) if known.is_nutrient else ""
    if not tag:
        return None
    position, start, end, value, zone, metadata = row
    metric, unit, source = known.typed if said.typed else known.key
    return Sample(
        position=position, metric=metric, naming="healthkit", start=start, end=end, value=value, unit=unit, source=source, tag=tag,
        zone=zone, metadata=metadata,
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def source_of(name: str | None, device: str | None) -> SourceRef:
    """The product is the hardware, else the model; the address that begins a device's text changes and says nothing."""
    parts = dict(part.split(":", 1) for part in _PART.split(device or "") if ":" in part)
    return SourceRef(name=text(name), product=text(parts.get("hardware")) or text(parts.get("model")))


def body(entries: Iterable[tuple[str, str]], beats: Sequence[tuple[str, str]] = ()) -> Body:
    """What the metadata says of the record: all of it, its zone, and whether the person typed it in."""
    metadata: dict[str, Any] = dict(entries)
    if beats:
        metadata["beats"] = _beats(beats)
    if not metadata:
        return EMPTY
    return Body(metadata, zone_of(metadata.get("HKTimeZone")), metadata.get("HKWasUserEntered") in ("1", "true", "YES"))


def _beats(beats: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """{"from": the first time as written, "bpm": [...], "ms": [since the first, ...]}; times that cannot be read stay "at"."""
    rates, times = [rate for rate, _ in beats], [at for _, at in beats]
    digits = "".join(rates)
    bpm = list(map(int, rates)) if digits.isascii() and digits.isdigit() and all(map(len, rates)) and max(map(len, rates)) < 10 else rates
    try:
        spent = [_minute(minute) + _second(second) for minute, _, second in [at.rpartition(":") for at in times]]
    except ValueError:
        return {"bpm": bpm, "at": times}
    first = spent[0]
    return {"from": times[0], "bpm": bpm, "ms": [(at - first) % _HALF_DAY for at in spent]}


@functools.lru_cache(maxsize=2048)
def _minute(text: str) -> int:
    """The ms from noon or midnight to "7:47", so that "11:59 AM" and "0:01 PM" lie side by side on any clock."""
    found = _MINUTE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return (int(found[1]) * 60 + int(found[2])) * 60_000 % _HALF_DAY


@functools.lru_cache(maxsize=16_384)
def _second(text: str) -> int:
    """The ms of "41,86" or "41.86 PM"."""
    found = _SECOND.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 1000 + int((found[2] or "0").ljust(3, "0"))
