"""Single cells of the database, and what every record row says of itself. A type that does not belong there is ``Unreadable``."""

import functools
import uuid as ids
from typing import Any, NamedTuple

from healthbox.domain.records import SourceRef
from healthbox.formats.hc_backup.database import Row
from healthbox.formats.wire import EXACT, Unreadable, number, uuid

_EARLIEST, _LATEST = -2_208_988_800_000, 13_569_465_600_000  # 1900-01-01 .. 2400-01-01
_NOTHING = 1e-40  # Java's smallest double and float stand for "not set"
_WIDEST = 18 * 3600

HEAD = ("uuid", "last_modified_time", "app_info_id", "device_info_id", "recording_method")
INSTANT = ("time", "zone_offset")
INTERVAL = ("start_time", "start_zone_offset", "end_time", "end_zone_offset")


class Stated(NamedTuple):
    """When (ms), where on earth, by what, and under which name a record was stated."""

    start: int
    end: int
    zone: str | None
    source: SourceRef
    uuid: str | None
    as_of: int | None


def instant(value: Any) -> int:
    """Milliseconds since 1970; never guessed to be seconds."""
    if value is None:
        raise Unreadable("no_time", "the record holds no time")
    if isinstance(value, bool) or not isinstance(value, int | float) or not _EARLIEST <= value < _LATEST:
        raise Unreadable("bad_time", "the time is no instant between the years 1900 and 2399")
    return int(value)


def span(start: Any, end: Any) -> tuple[int, int]:
    first, last = instant(start), instant(end)
    if last < first:
        raise Unreadable("end_before_start", "the record ends before it starts")
    return first, last


def real(value: Any) -> float | None:
    """A number, or None where Health Connect wrote its "not set"."""
    found = float(value) if type(value) in (float, int) and abs(value) < EXACT else number(value)
    return None if found is not None and 0 < abs(found) < _NOTHING else found


def needed(value: Any) -> float:
    found = real(value)
    if found is None:
        raise Unreadable("no_value", "the record holds no value")
    return found


def code(value: Any) -> int | None:
    """A whole number, also written as text; None for "unknown" and "not set"."""
    try:
        found = number(value)
    except Unreadable:
        return None
    return int(found) if found is not None and found > 0 else None


def zone(seconds: Any) -> str | None:
    """An offset in seconds east as "+01:00"; None for what is no offset."""
    return _offset(seconds) if isinstance(seconds, int) else None


@functools.lru_cache(maxsize=256)
def _offset(seconds: int) -> str | None:
    if abs(seconds) > _WIDEST or seconds % 60:
        return None
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"


def ident(value: Any) -> str | None:
    """The uuid as text, from its 16 bytes or as it is written."""
    return _ident(value) if isinstance(value, bytes) else uuid(value)


@functools.lru_cache(maxsize=1024)  # the points of a series follow one another
def _ident(value: bytes) -> str:
    if len(value) != 16:
        raise Unreadable("bad_uuid", "the id has not 16 bytes")
    return str(ids.UUID(bytes=value))


def as_of(value: Any) -> int | None:
    try:
        found = instant(value)
    except Unreadable:
        return None
    return found if found > 0 else None


def shown(row: Row) -> dict[str, Any]:
    """A row for a receipt: what is there, bytes as hex digits."""
    return {name: cell.hex()[:64] if isinstance(cell, bytes) else cell for name, cell in row.items() if cell is not None}
