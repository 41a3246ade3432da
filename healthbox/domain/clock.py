"""Time: what wires write into instants, and instants into a person's local dates.

Every instant is an ``int``: milliseconds since 1970-01-01 UTC.
"""

import datetime as dt
import functools
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIRST_YEAR, LAST_YEAR = 1900, 2400

_DAY = dt.timedelta(days=1)
_WIDEST = dt.timedelta(hours=18)  # offset from UTC
_MILLISECOND = dt.timedelta(milliseconds=1)
_SIXTY = {f"{n:02d}": n for n in range(60)}
_UNITS_OF_EPOCH = ((1e3, 1.4e10), (1.0, 1.4e13), (1e-3, 1.4e16), (1e-6, 1.4e19))  # (ms in one, below which): s, ms, µs, ns
_SMALLEST = 100_000_000  # of epoch numbers: in seconds it is 1973. A time that was not set is 0
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")

_TIME = r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?: ?(?P<half>[ap])\.?m\b\.?)?"
_OFFSET = r"(?: ?(?:(?P<utc>Z|UTC|GMT)(?![+-])|(?:UTC|GMT)?(?P<sign>[+-])(?P<oh>\d{1,2})(?::?(?P<om>\d{2}))?(?::?(?P<os>\d{2}))?))?"
_CLOCK = rf"(?:(?:[T ]|, | at | um ){_TIME}{_OFFSET})?"
_SHAPES = tuple(
    re.compile(pattern + r"(?:\[[\w/+-]+\])?", re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_CLOCK}",
        rf"(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.(?P<y>\d{{4}}){_CLOCK}",  # whoever writes dots writes the day first
        rf"(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?:T?(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d){_OFFSET})?",
        rf"(?:[a-z]+,? )?(?P<mon>[a-z]{{3,9}})\.? (?P<d>\d{{1,2}}),? (?P<y>\d{{4}})(?:,? (?:at )?{_TIME}{_OFFSET})?",
        rf"(?:[a-z]+,? )?(?P<d>\d{{1,2}}) (?P<mon>[a-z]{{3,9}})\.?,? (?P<y>\d{{4}})(?:,? (?:at )?{_TIME}{_OFFSET})?",
    )
)
_EITHER = re.compile(r"\d{1,2}([/-])\d{1,2}\1\d{4}(?!\d)", re.ASCII)

_LONGEST = 64  # characters of a zone's name; the database has none of more than 32
_SHORTEST = 8  # characters: "20260301", "2026-3-1"


class AmbiguousDate(ValueError):
    """A date whose day and month only its writer can tell apart: some countries write the one first and some the other."""


class Moment(msgspec.Struct, frozen=True):
    """A time as it was written: the instant, the offset in seconds east (None when the text had none), the local date."""

    ms: int
    offset: int | None
    date: dt.date
    date_only: bool


@functools.lru_cache(maxsize=256)
def zone_of(name: str) -> dt.tzinfo:
    """The zone of an IANA name or an offset like "+01:00". ValueError when there is none."""
    fixed = re.fullmatch(r"([+-])(\d\d):(\d\d)", name, re.ASCII)
    if fixed:
        seconds = int(fixed[2]) * 3600 + int(fixed[3]) * 60
        if int(fixed[3]) > 59 or seconds > 18 * 3600:
            raise ValueError(f"no such offset: {name}")
        return dt.timezone(dt.timedelta(seconds=-seconds if fixed[1] == "-" else seconds))
    try:
        if len(name) > _LONGEST:  # each slash is a package to look into
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path outside the database; a directory of it
        raise ValueError(f"no such time zone: {name[:60]!r}") from None


def is_zone(name: str) -> bool:
    return known_zone(name) is not None


@functools.lru_cache(maxsize=256)
def known_zone(name: str) -> dt.tzinfo | None:
    """The same for a name that was stored somewhere else or long ago; None for one that this machine does not know."""
    try:
        return zone_of(name)
    except ValueError:
        return None


def zone_name(zone: dt.tzinfo | None) -> str:
    """What ``zone_of`` made the zone from; empty for none. A fixed offset calls itself "UTC+01:00"."""
    return str(zone or "").removeprefix("UTC") or ("" if zone is None else "UTC")


def parse(value: str | float, zone: str) -> Moment:
    """Any time that a known client writes. ``zone`` (IANA or "+01:00") is for text without an offset: a time that a clock
    change skips moves forward by the gap, one that it repeats is the first. Numbers are seconds, milliseconds, micro- or
    nanoseconds since 1970, told apart by size; below 10^8 they are read like text (20260301). A date alone is its local
    midnight. ValueError says what is wrong, ``AmbiguousDate`` also what to do."""
    if isinstance(value, str):
        return _quick(value) or _parse_text(value, zone)
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("not a time")
    return _from_epoch(value, zone) if abs(value) >= _SMALLEST else _parse_text(f"{value:.12g}", zone)


@functools.lru_cache(maxsize=4096)
def _hour(date: str, hour: str, suffix: str) -> tuple[int, int, dt.date] | None:
    """(ms of the hour's start, offset, date) for "2026-03-01", "09", "+0100"; None when it needs the long way."""
    try:
        start = dt.datetime.fromisoformat(f"{date}T{hour}:00:00{suffix.strip()}")
    except ValueError:
        return None
    offset = start.utcoffset()
    if offset is None or not FIRST_YEAR <= start.year <= LAST_YEAR or abs(offset) > _WIDEST or offset.microseconds:
        return None
    return (start - EPOCH) // _MILLISECOND, int(offset.total_seconds()), start.date()


def _quick(text: str) -> Moment | None:
    """The shapes that make up nearly every body: "2026-03-01 09:05:07 +0100" and "2026-03-01T09:05:07.123Z"."""
    if len(text) < 20 or text[4] != "-" or text[7] != "-" or text[13] != ":" or text[16] != ":" or text[10] not in " T":
        return None
    minute, second = _SIXTY.get(text[14:16]), _SIXTY.get(text[17:19])
    suffix, millisecond = text[19:], 0
    if suffix[0] == ".":
        digits = suffix[1:]
        suffix = digits.lstrip("0123456789")
        digits = digits[: len(digits) - len(suffix)]
        if not digits:
            return None
        millisecond = int(digits[:3].ljust(3, "0"))
    known = _hour(text[:10], text[11:13], suffix)
    if known is None or minute is None or second is None:
        return None
    start, offset, date = known
    return Moment(start + (minute * 60 + second) * 1000 + millisecond, offset, date, False)


def _parse_text(text: str, zone: str) -> Moment:
    plain = " ".join(text.split())  # also U+00A0 and U+202F
    if len(plain) < _SHORTEST:
        raise ValueError("not a time that can be read" if plain else "no time given")
    if re.fullmatch(r"-?\d{9,13}(\.\d+)?|\d{15,19}", plain, re.ASCII):
        return _from_epoch(float(plain) if "." in plain else int(plain), zone)
    for shape in _SHAPES:
        found = shape.fullmatch(plain)
        if found:
            return _from_parts(found.groupdict(), zone)
    if _EITHER.match(plain):
        marks = "slashes" if "/" in plain[:3] else "hyphens"
        raise AmbiguousDate(
            f"the date is written with {marks}, which does not say whether day or month comes first: write it like 2026-03-18"
        )
    raise ValueError("not a time that can be read")


def _from_parts(part: dict[str, str | None], zone: str) -> Moment:
    name = part.get("mon")
    month = int(part["m"] or 0) if name is None else _month(name)
    year, day = int(part["y"] or 0), int(part["d"] or 0)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError("the year is out of range")
    date = dt.date(year, month, day)
    date_only = part["H"] is None
    hour, minute, second = (int(part[name] or 0) for name in ("H", "M", "S"))
    half = part.get("half")
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("not an hour of a 12-hour clock")
        hour = hour % 12 + (12 if half in "pP" else 0)
    offset = _offset(part)
    tzinfo = zone_of(zone) if offset is None else dt.timezone(dt.timedelta(seconds=offset))
    local = dt.datetime(year, month, day, hour, minute, second, tzinfo=tzinfo)
    fraction = int((part.get("f") or "").ljust(3, "0")[:3])
    return Moment((local - EPOCH) // _MILLISECOND + fraction, offset, date, date_only)


def _month(name: str) -> int:
    short = "sep" if name.lower() == "sept" else name.lower()
    for number, month in enumerate(_MONTHS, start=1):
        if month.startswith(short):
            return number
    raise ValueError("not the name of a month")


def _offset(part: dict[str, str | None]) -> int | None:
    if part["utc"]:
        return 0
    if part["sign"] is None:
        return None
    minutes, seconds = int(part["om"] or 0), int(part["os"] or 0)
    east = int(part["oh"] or 0) * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or east > 18 * 3600:
        raise ValueError("not an offset from UTC")
    return -east if part["sign"] == "-" else east


def _from_epoch(value: float, zone: str) -> Moment:
    for scale, limit in _UNITS_OF_EPOCH:
        if abs(value) < limit:
            whole = isinstance(value, int) and scale < 1
            ms = value // round(1 / scale) if whole else math.floor(value * scale)
            break
    else:
        raise ValueError("the year is out of range")
    moment = (EPOCH + dt.timedelta(milliseconds=ms)).astimezone(zone_of(zone))
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("the year is out of range")
    return Moment(int(ms), None, moment.date(), False)


class ZoneHistory:
    """Where a person lived, and so when their days began.

    ``entries``: (since, zone) pairs; the first zone also holds before its instant. Days cut the timeline without gap or
    overlap: a date begins at the first instant whose wall clock shows it or a later one, and ends where the next begins.
    So a day has 23, 24 or 25 h; flying east over a change makes it shorter, flying west longer, for a date that has begun
    is not taken back when the clock is. A date that the clock never shows (a zone that crosses the date line) is empty.
    """

    def __init__(self, entries: Sequence[tuple[int, str]]) -> None:
        if not entries:
            raise ValueError("a zone history needs a zone")
        latest = dict(sorted(entries, key=lambda entry: entry[0]))  # of two for one instant the later given counts
        self._since = list(latest)
        self._names = list(latest.values())
        self._zones = [zone_of(name) for name in self._names]
        self._starts: dict[dt.date, int] = {}
        self._last = (0, 0, dt.date.min)  # the day asked for most recently: samples come in runs

    def zone_at(self, ms: int) -> str:
        return self._names[self._index(ms)]

    def local_date(self, ms: int, zone: str | None = None) -> dt.date:
        """The local date of an instant; ``zone`` is one that the event itself states, and then decides alone."""
        if zone is not None:
            return _local(ms, zone_of(zone)).date()
        start, end, date = self._last
        if start <= ms < end:
            return date
        date = _local(ms, self._zones[self._index(ms)]).date()
        while (end := self._start(date + _DAY)) <= ms:
            date += _DAY
        self._last = (self._start(date), end, date)
        return date

    def bounds(self, date: dt.date) -> tuple[int, int]:
        """(start, end) of a local date, end excluded; equal for a date that never was."""
        return self._start(date), self._start(date + _DAY)

    def dates(self, start_ms: int, end_ms: int) -> list[dt.date]:
        """Every local date that [start, end) touches; of a point, its own."""
        date = self.local_date(start_ms)
        touched = [date]
        while (start := self._start(date := date + _DAY)) < end_ms:
            if start < self._start(date + _DAY):
                touched.append(date)
        return touched

    def _index(self, ms: int) -> int:
        return max(bisect_right(self._since, ms) - 1, 0)

    def _start(self, date: dt.date) -> int:
        start = self._starts.get(date)
        if start is None:
            start = self._starts[date] = self._find_start(date)
        return start

    def _find_start(self, date: dt.date) -> int:
        start = _midnight(date, self._zones[0])
        for since, zone in zip(self._since[1:], self._zones[1:], strict=True):
            if start < since:
                break
            start = max(_midnight(date, zone), since)
        return start


def _local(ms: int, zone: dt.tzinfo) -> dt.datetime:
    return (EPOCH + dt.timedelta(milliseconds=ms)).astimezone(zone)


@functools.lru_cache(maxsize=8192)
def _midnight(date: dt.date, zone: dt.tzinfo) -> int:
    """The first instant at which the wall clock of ``zone`` shows ``date`` or a later one."""
    first = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
    start = (first - EPOCH) // _MILLISECOND
    again = (first.replace(fold=1) - EPOCH) // _MILLISECOND
    if again >= start:  # midnight is there once or twice
        return start
    before = again - 1  # midnight is skipped: the clock jumps somewhere in (again, start]
    while start - before > 1:
        middle = (before + start) // 2
        if _local(middle, zone).date() >= date:
            start = middle
        else:
            before = middle
    return start
