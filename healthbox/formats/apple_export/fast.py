"""The fast lane: one pattern for the records as Apple writes them. It reads a piece whole or not at all.

Splitting a piece at its records leaves nothing between them exactly when the pattern accounts for every byte. What repeats is
read once and looked up afterwards: heads (the escaped device text in them), bodies, hours, and minutes with their offset. Any
doubt about any of it sends the piece to the exact lane, so the two give the same records.
"""

import re
from collections.abc import Iterable
from itertools import repeat
from operator import add, lt
from typing import Any

from healthbox.domain.records import SleepStage, Stage
from healthbox.formats.apple_export.gather import Gathering
from healthbox.formats.apple_export.heads import BEATS, EMPTY, Body, Head, Row, body, head
from healthbox.formats.wire import EXACT, Unreadable, moment

_RECORD = re.compile(
    rb'\n <Record (type="[^"]*" sourceName="[^"]*"(?: sourceVersion="[^"]*")?(?: device="[^"]*")?(?: unit="[^"]*")?)'
    rb' creationDate="[-+: 0-9]{25}" startDate="(.{13})(.{12})" endDate="(.{13})(.{12})"'
    rb' value="([-+.0-9]{1,40}(?:e-[0-9]{2})?|HK[A-Za-z]{1,80})"'
    rb"(/>|>(?:[^<]*+<(?!/Record>))*+[^<]*+</Record>)"
)
_WIDTH = _RECORD.groups + 1
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_HOUR = re.compile(rb"\d{4}-\d\d-\d\d \d\d")
_MINUTE = re.compile(rb":([0-5]\d):([0-5]\d) ([-+])([01]\d)([0-5]\d)")
_PLAIN = rb"[^\"<\x00-\x1f]*"
_ENTRY = re.compile(rb'\s*<MetadataEntry key="(%b)" value="(%b)"/>' % (_PLAIN, _PLAIN))
_BEAT = re.compile(rb'\s*<InstantaneousBeatsPerMinute bpm="([0-9]+)" time="(%b)"/>' % _PLAIN)
_LIST = re.compile(rb"\s*<%b>((?:\s*<Ins[^<>]*/>)+)\s*</%b>" % (BEATS.encode(), BEATS.encode()))
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_REFUSED = re.compile("[\x00-\x1f<\ufffe\uffff]")
_KEPT, _KEPT_HOURS, _KEPT_BODY = 4096, 20_000, 512


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


class _Hours(dict[bytes, int]):
    """The ms of "2026-03-01 09" as if it were UTC."""

    def __missing__(self, raw: bytes) -> int:
        if not _HOUR.fullmatch(raw) or not b"1901" <= raw < b"2399":
            raise _Odd
        try:
            made = moment(f"{raw.decode()}:00:00+00:00", "UTC").ms
        except Unreadable:
            raise _Odd from None
        if len(self) >= _KEPT_HOURS:
            self.clear()
        self[raw] = made
        return made


class _Minutes(dict[bytes, int]):
    """The ms of ":05:07 +0100" to be added to an hour: what passed in it, less the offset."""

    def __missing__(self, raw: bytes) -> int:
        found = _MINUTE.fullmatch(raw)
        if not found:
            raise _Odd
        offset = int(found[4]) * 60 + int(found[5])
        if offset > 14 * 60:
            raise _Odd
        made = ((int(found[1]) - (offset if found[3] == b"+" else -offset)) * 60 + int(found[2])) * 1000
        if len(self) >= _KEPT_HOURS:
            self.clear()
        self[raw] = made
        return made


class FastLane:
    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._heads, self._bodies, self._hours, self._minutes = _Heads(), _Bodies(), _Hours(), _Minutes()

    def read(self, piece: bytes, before: int, as_of: int | None) -> tuple[int, list[SleepStage]] | None:
        """Gathers the samples of a piece. Gives how many records it held and the sleep stages among them, or None when it is
        not of the shape; then nothing was gathered. ``before``: how many records came before it."""
        parts = _RECORD.split(piece)
        if len(parts) == 1 or any(parts[::_WIDTH]):
            return None
        raw, hours, minutes, last_hours, last_minutes, values, tails = (parts[at::_WIDTH] for at in range(1, _WIDTH))
        del parts
        try:
            starts = list(map(add, map(self._hours.__getitem__, hours), map(self._minutes.__getitem__, minutes)))
            if hours == last_hours and minutes == last_minutes:
                ends = starts
            else:
                ends = list(map(add, map(self._hours.__getitem__, last_hours), map(self._minutes.__getitem__, last_minutes)))
                if any(map(lt, ends, starts)):
                    return None
            heads = {one: self._heads[one] for one in ((raw[0],) if raw.count(raw[0]) == len(raw) else dict.fromkeys(raw))}
            bodies = None if tails.count(b"/>") == len(tails) else list(map(self._bodies.__getitem__, tails))
            return self._rows(raw, heads, starts, ends, values, bodies, before, as_of)
        except (_Odd, Unreadable, UnicodeDecodeError):
            return None

    def _rows(
        self,
        raw: list[bytes],
        heads: dict[bytes, Head],
        starts: list[int],
        ends: list[int],
        values: list[bytes],
        bodies: list[Body] | None,
        before: int,
        as_of: int | None,
    ) -> tuple[int, list[SleepStage]]:
        count = len(raw)
        numbers = _values(raw, heads, values)
        positions = map(str, range(before + 1, before + count + 1))
        metadata: Iterable[dict[str, Any] | None] = repeat(None)
        zones: Iterable[str | None] = repeat(None)
        typed: Iterable[bool] = ()
        if bodies is not None:
            metadata, zones, typed = zip(*bodies, strict=True)
        rows = zip(positions, starts, ends, numbers, zones, metadata, strict=False)
        stages: list[SleepStage] = []
        if any(typed) or any(one.is_sleep for one in heads.values()):
            for one, row, said in zip(raw, rows, bodies or repeat(EMPTY), strict=False):
                self._mixed(heads[one], row, said, stages, as_of)
        elif len(heads) == 1:
            self._gathering.rows(heads[raw[0]].key).extend(rows)
        else:
            into = {one: self._gathering.rows(known.key).append for one, known in heads.items()}
            for one, row in zip(raw, rows, strict=False):
                into[one](row)
        return count, stages

    def _mixed(self, known: Head, row: Row, said: Body, stages: list[SleepStage], as_of: int | None) -> None:
        if known.is_sleep:
            stages.append(sleep_stage(known, row, said, as_of))
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
    try:
        numbers = list(map(float, values))
    except ValueError:
        return [heads[one].value(value.decode()) for one, value in zip(raw, values, strict=True)]
    if max(numbers) >= EXACT or min(numbers) <= -EXACT or any(one.is_sleep for one in heads.values()):
        raise _Odd
    return numbers


def _body(raw: bytes) -> Body:
    if raw == b"/>":
        return EMPTY
    inner = raw[1 : -len(b"</Record>")]
    beats: list[tuple[str, str]] = []
    found = _LIST.search(inner)
    if found:
        beats = [(_text(rate), _text(at)) for rate, at in _BEAT.findall(found[1])]
        if _BEAT.sub(b"", found[1]).strip():
            raise _Odd
        inner = inner[: found.start()] + inner[found.end() :]
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
