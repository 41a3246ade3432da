"""Reading single wire values. What is missing is ``None``; what is there but cannot be read raises ``Unreadable``.

``each`` is the one place where ``Unreadable`` is caught: it becomes a ``Rejected`` and the rest of the body goes on.
"""

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from healthbox.domain import clock
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import Moment
from healthbox.domain.records import Naming, Record, Rejected, SourceRef, Stage

RAW_LIMIT = 2000
_TOGETHER = 500  # records: no object that is one thing makes so many
TEXT_LIMIT = 500
EXACT = 2.0**53  # above it a double no longer holds every whole number
_EARLIEST, _LATEST = -2_208_988_800_000, 13_569_465_600_000  # 1900-01-01 .. 2400-01-01
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


class Unreadable(Exception):
    """One record cannot be understood. ``reason`` holds no value of the body."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


_SHOWN = msgspec.json.Encoder(enc_hook=str)


@functools.cache
def catalogue() -> Catalogue:
    return Catalogue.load()


def rejected(position: str, code: str, reason: str, raw: Any) -> Rejected:
    return Rejected(position=position, code=code, reason=reason, raw=(raw if isinstance(raw, str) else _shown(raw))[:RAW_LIMIT])


def _shown(raw: Any) -> str:
    try:
        return _SHOWN.encode(raw)[: 4 * RAW_LIMIT].decode(errors="ignore")
    except UnicodeEncodeError:  # half a character
        return ascii(raw)


def each(items: Any, position: str, read: Callable[[dict[str, Any], str], Iterable[Record]]) -> Iterator[Record]:
    """The records that ``read(item, position)`` makes of every object in a list; a missing list holds nothing."""
    if items is None:
        return
    if not isinstance(items, list):
        yield rejected(position, "not_a_list", "a list was expected here", items)
        return
    for index, item in enumerate(items):
        yield from one(item, f"{position}[{index}]", read)


def one(item: Any, position: str, read: Callable[[dict[str, Any], str], Iterable[Record]]) -> Iterable[Record]:
    """What an object makes, or its refusal instead of all of it; an object that holds a long list is not held as a whole."""
    if not isinstance(item, dict):
        return (rejected(position, "not_an_object", "an object was expected here", item),)
    if not item:
        return (rejected(position, "empty_object", "the object holds nothing", item),)
    found = iter(read(item, position))
    try:
        made = list(islice(found, _TOGETHER))
    except Unreadable as problem:
        return (rejected(position, problem.code, problem.reason, item),)
    return made if len(made) < _TOGETHER else _many(made, found, item, position)


def _many(made: list[Record], more: Iterator[Record], item: Any, position: str) -> Iterator[Record]:
    yield from made
    try:
        yield from more
    except Unreadable as problem:
        yield rejected(position, problem.code, problem.reason, item)


def text(value: Any) -> str | None:
    """Trimmed text, or None for anything else and for nothing."""
    return (value.strip()[:TEXT_LIMIT] or None) if isinstance(value, str) else None


def is_name(word: str) -> bool:
    """Whether text can be the name of a category value: "NaN" or "1e999" is none, but a number that nothing can hold."""
    try:
        float(word)
    except ValueError:
        return "\ufffd" not in word
    return False


def number(value: Any) -> float | None:
    """A finite number below 2^53, or None where there is none; numbers written as plain text count."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) < 60 and _PLAIN_NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("not_a_number", "the value is not a number")
    if abs(value) >= EXACT or math.isnan(value):
        raise Unreadable("number_out_of_range", "the value is not a finite number below 2^53")
    return float(value)


def stage(naming: Naming, value: Any) -> Stage:
    """The sleep stage written as a name or a code. Raises ``Unreadable``."""
    found = catalogue().stage(naming, value) if isinstance(value, str) else None
    if found is None and not isinstance(value, str):
        code = number(value)
        found = None if code is None else catalogue().stage(naming, code)
    if found is None:
        raise Unreadable("unknown_stage", "the sleep stage is not known")
    return found


def needed_number(value: Any) -> float:
    found = number(value)
    if found is None:
        raise Unreadable("no_value", "the record holds no value")
    return found


def moment(value: Any, zone: str) -> Moment:
    """The instant that a text or an epoch number names. Raises ``Unreadable``."""
    if value is None or value == "":
        raise Unreadable("no_time", "the record holds no time")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable("bad_time", "the time is neither text nor a number")
    if not isinstance(value, str):
        value = number(value)
    try:
        found = clock.parse(value, zone)
    except clock.AmbiguousDate as problem:
        raise Unreadable("ambiguous_date", str(problem)) from None
    except ValueError:
        raise Unreadable("bad_time", "the time cannot be read") from None
    if not _EARLIEST <= found.ms < _LATEST:
        raise Unreadable("bad_time", "the time lies outside the years 1900 to 2399")
    return found


def optional_ms(value: Any, zone: str) -> int | None:
    return None if value is None or value == "" else moment(value, zone).ms


def span(start: Any, end: Any, zone: str) -> tuple[int, int]:
    """Start and end in ms; without an end the start stands for both."""
    first = moment(start, zone).ms
    last = first if end is None or end == "" else moment(end, zone).ms
    if last < first:
        raise Unreadable("end_before_start", "the record ends before it starts")
    return first, last


def uuid(value: Any) -> str | None:
    """A record's own id, any text. An id that had to be cleaned could equal another one: refused."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 200 or "\ufffd" in value:
        raise Unreadable("bad_uuid", "the id is no clean text of at most 200 characters")
    return value.strip() or None


def metadata(value: Any) -> dict[str, Any] | None:
    return value or None if isinstance(value, dict) else None


def zone_of(*candidates: Any) -> str | None:
    """The first candidate that is a zone's name or an offset."""
    return next((name for name in map(text, candidates) if name and clock.is_zone(name)), None)


def named_source(value: Any) -> SourceRef:
    name = text(value)
    return SourceRef(name=name) if name else SourceRef()


def naming_of(name: str) -> Naming:
    """Whose word a type name is: HealthKit identifiers and Flutter's SCREAMING names show it, the rest are keys."""
    if name.startswith("HK"):
        return "healthkit"
    return "flutter" if name.isupper() else "key"
