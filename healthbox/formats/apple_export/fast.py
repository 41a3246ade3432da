"""The fast lane: one pattern for the records as Apple writes them.

Splitting a piece at its records leaves between them what the pattern does not account for: nothing, or gaps for the exact lane.
Only when each gap is well-formed by itself is the piece the sum of both; any doubt sends it to the exact lane whole, so the two
lanes give the same records. What repeats is read once and looked up afterwards: heads (the escaped device text in them),
bodies, hours, and minutes with their offset.
"""

import re
from collections.abc import Iterable
from itertools import repeat
from operator import add, lt
from typing import Any, NamedTuple

from healthbox.domain.records import Sample, SleepStage, Stage
from healthbox.formats.apple_export.gather import Gathering
from healthbox.formats.apple_export.heads import BEATS, EMPTY, Body, Head, Row, body, head, nutrient
from healthbox.formats.wire import EXACT, Unreadable, moment

_RECORD = re.compile(
    rb'\n <Record (type="[^"]*+" sourceName="[^"]*+"(?: sourceVersion="[^"]*+")?+(?: device="[^"]*+")?+(?: unit="[^"]*+")?+)'
    rb' creationDate="[-+: 0-9]{25}" startDate="(.{13})(.{12})" endDate="(.{13})(.{12})"'
    rb' value="([-+.0-9]{1,40}(?:e-[0-9]{2})?|HK[A-Za-z]{1,80})"'
    rb"(/>|>(?:[^<]*+<(?!/Record>))*+[^<]*+</Record>)"
)
_WIDTH = _RECORD.groups + 1
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_DAY = re.compile(rb"\d{4}-\d\d-\d\d")
_OFFSET = re.compile(rb" ([-+])([01]\d)([0-5]\d)")
_HOURS = {b" %02d" % hour: hour * 3_600_000 for hour in range(24)}
_PASSED = {b":%02d:%02d" % (minute, second): (minute * 60 + second) * 1000 for minute in range(60) for second in range(60)}
_PLAIN = rb"[^\"<\x00-\x1f]*"
_ENTRY = re.compile(rb'\s*<MetadataEntry key="(%b)" value="(%b)"/>' % (_PLAIN, _PLAIN))
_BEAT = re.compile(r'\s*<InstantaneousBeatsPerMinute bpm="([0-9]{1,9})" time="([0-9:.,]{5,14}(?:[ \u202f][AP]M)?)"/>')
_BETWEEN = re.compile("[^\\s -%'-Z^-z|~\u202f]", re.ASCII)
_LIST, _LIST_END = f"<{BEATS}>".encode(), f"</{BEATS}>".encode()
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_REFUSED = re.compile("[\x00-\x1f<\ufffe\uffff]")
_KEPT, _KEPT_HOURS, _KEPT_BODY = 4096, 20_000, 512
_MOST_GAPS = 200
_EXACT_DIGITS = 15  # a number so short is below 2^53


class _Odd(Exception):
    """Not the shape that Apple writes, or something in it that cannot be read."""


class _Heads(dict[bytes, Head]):
    def __missing__(self, raw: bytes) -> Head:
        said = dict(_ATTRIBUTE.findall(_text(raw, entities=False)))
        try:
            made = head(*(_plain(said.get(name)) for name in ("type", "unit", "sourceName", "device")))
        except Unreadable:
            raise _Odd from None
        _plain(said.get("sourceVersion"))
        if len(self) >= _KEPT:
            self.clear()
        self[raw] = made
        return made


class _Bodies(dict[bytes, Body]):
    def __missing__(self, raw: bytes) -> Body:
        made = _body(raw)
        if len(raw) <= _KEPT_BODY:
            if len(self) >= _KEPT:
                self.clear()
            self[raw] = made
        return made


class _Days(dict[bytes, int]):
    """The ms at which "2026-03-01" begins in UTC."""

    def __missing__(self, raw: bytes) -> int:
        if not _DAY.fullmatch(raw) or not b"1901" <= raw < b"2399":
            raise _Odd
        made = self[raw] = moment(f"{raw.decode()}T00:00:00+00:00", "UTC").ms
        return made


class _Hours(dict[bytes, int]):
    """The ms of "2026-03-01 09" as if it were UTC."""

    def __init__(self) -> None:
        super().__init__()
        self._days = _Days()

    def __missing__(self, raw: bytes) -> int:
        hour = _HOURS.get(raw[10:])
        if hour is None:
            raise _Odd
        if len(self) >= _KEPT_HOURS:
            self.clear()
        made = self[raw] = self._days[raw[:10]] + hour
        return made


class _Minutes(dict[bytes, int]):
    """The ms of ":05:07 +0100" to be added to an hour: what passed in it, less the offset."""

    def __missing__(self, raw: bytes) -> int:
        passed, found = _PASSED.get(raw[:6]), _OFFSET.fullmatch(raw, 6)
        if passed is None or found is None:
            raise _Odd
        offset = int(found[2]) * 60 + int(found[3])
        if offset > 14 * 60:
            raise _Odd
        if len(self) >= _KEPT_HOURS:
            self.clear()
        made = self[raw] = passed - (offset if found[1] == b"+" else -offset) * 60_000
        return made


class Columns(NamedTuple):
    """The records of a piece side by side. ``gaps``: what stands before the record of that number and is none of them."""

    raw: list[bytes]
    heads: dict[bytes, Head]
    starts: list[int]
    ends: list[int]
    values: list[float] | list[float | str | None]
    bodies: list[Body] | None
    gaps: list[tuple[int, bytes]]


class FastLane:
    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._heads, self._bodies, self._hours, self._minutes = _Heads(), _Bodies(), _Hours(), _Minutes()

    def read(self, piece: bytes) -> Columns | None:
        """The records of a piece; None when it has few of the shape or one of them leaves a doubt."""
        parts = _RECORD.split(piece)
        between = parts[::_WIDTH]
        gaps = [(number, gap) for number, gap in enumerate(between) if gap] if any(between) else []
        if len(parts) == 1 or len(gaps) > _MOST_GAPS:
            return None
        raw, hours, minutes, last_hours, last_minutes, values, tails = (parts[at::_WIDTH] for at in range(1, _WIDTH))
        try:
            starts = list(map(add, map(self._hours.__getitem__, hours), map(self._minutes.__getitem__, minutes)))
            if hours == last_hours and minutes == last_minutes:
                ends = starts
            else:
                ends = list(map(add, map(self._hours.__getitem__, last_hours), map(self._minutes.__getitem__, last_minutes)))
                if any(map(lt, ends, starts)):
                    return None
            distinct = (raw[0],) if raw.count(raw[0]) == len(raw) else dict.fromkeys(raw)
            heads = {one: self._heads[one] for one in distinct}
            bodies = None if tails.count(b"/>") == len(tails) else list(map(self._bodies.__getitem__, tails))
            return Columns(raw, heads, starts, ends, _values(raw, heads, values), bodies, gaps)
        except (_Odd, Unreadable, UnicodeDecodeError):
            return None

    def gather(self, columns: Columns, first: int, last: int, before: int, as_of: int | None) -> list[Sample | SleepStage]:
        """Gather the records from ``first`` to before ``last``; gives the ones among them that no block can hold. ``before``: how
        many elements of the export stand before them."""
        run = slice(first, last)
        raw = columns.raw[run]
        metadata: Iterable[dict[str, Any] | None] = repeat(None)
        zones: Iterable[str | None] = repeat(None)
        typed: Iterable[bool] = ()
        bodies = columns.bodies[run] if columns.bodies is not None else None
        if bodies:
            metadata, zones, typed = [said.metadata for said in bodies], [said.zone for said in bodies], [said.typed for said in bodies]
        positions = map(str, range(before + 1, before + len(raw) + 1))
        rows = zip(positions, columns.starts[run], columns.ends[run], columns.values[run], zones, metadata, strict=False)
        apart: list[Sample | SleepStage] = []
        heads = columns.heads
        if any(typed) or any(one.is_sleep or (one.is_nutrient and bodies) for one in heads.values()):
            for one, row, said in zip(raw, rows, bodies or repeat(EMPTY), strict=False):
                self._mixed(heads[one], row, said, apart, as_of)
        elif len(heads) == 1:
            self._gathering.rows(heads[raw[0]].key).extend(rows)
        else:
            into = {one: self._gathering.rows(heads[one].key).append for one in dict.fromkeys(raw)}
            for one, row in zip(raw, rows, strict=False):
                into[one](row)
        return apart

    def _mixed(self, known: Head, row: Row, said: Body, apart: list[Sample | SleepStage], as_of: int | None) -> None:
        if known.is_sleep:
            apart.append(sleep_stage(known, row, said, as_of))
        elif (eaten := nutrient(known, row, said)) is not None:
            apart.append(eaten)
        else:
            self._gathering.rows(known.typed if said.typed else known.key).append(row)


def sleep_stage(known: Head, row: Row, said: Body, as_of: int | None) -> SleepStage:
    position, start, end, value, zone, metadata = row
    named: Stage = value  # type: ignore[assignment]  # Head.value gives a stage for sleep
    source = (known.typed if said.typed else known.key)[2]
    return SleepStage(
        position=position, start=start, end=end, stage=named, source=source, zone=zone, as_of=as_of, metadata=metadata
    )  # fmt: skip


def _values(raw: list[bytes], heads: dict[bytes, Head], values: list[bytes]) -> list[float] | list[float | str | None]:
    """Numbers by the whole column; where words stand among them, each by its head."""
    try:
        numbers = list(map(float, values))
    except ValueError:
        words = {pair: heads[pair[0]].value(pair[1].decode()) for pair in set(zip(raw, values, strict=True))}
        return [words[pair] for pair in zip(raw, values, strict=True)]
    if max(map(len, values)) > _EXACT_DIGITS and (max(numbers) >= EXACT or min(numbers) <= -EXACT):
        raise _Odd
    if any(one.is_sleep for one in heads.values()):
        raise _Odd
    return numbers


def _body(raw: bytes) -> Body:
    if raw == b"/>":
        return EMPTY
    inner = raw[1 : -len(b"</Record>")]
    beats: list[tuple[str, str]] = []
    start = inner.find(_LIST)
    if start >= 0:
        end = inner.rindex(_LIST_END) if inner.endswith((_LIST_END, _LIST_END + b"\n ")) else -1
        series = inner[start + len(_LIST) : end].decode("utf-8")
        beats = _BEAT.findall(series)
        if end < 0 or not beats or len(beats) != series.count("<") or _BETWEEN.search(series):
            raise _Odd
        inner = inner[:start]
    entries = [(_text(key), _text(value)) for key, value in _ENTRY.findall(inner)]
    if _ENTRY.sub(b"", inner).strip(b" \t\r\n"):
        raise _Odd
    return body(entries, beats)


def _text(raw: bytes, *, entities: bool = True) -> str:
    said = raw.decode("utf-8")
    return _plain(said) or "" if entities else said


def _plain(said: str | None) -> str | None:
    """An attribute's value with its references resolved, as a parser does it. Raises ``_Odd`` where a parser might differ."""
    if said is None:
        return None
    if _REFUSED.search(said):
        raise _Odd
    return _REFERENCE.sub(_resolved, said) if "&" in said else said


def _resolved(found: re.Match[str]) -> str:
    if found[1]:
        return _NAMED[found[1]]
    code = int(found[2]) if found[2] else int(found[3], 16) if found[3] else 0
    if not (0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000):
        raise _Odd
    return chr(code)
