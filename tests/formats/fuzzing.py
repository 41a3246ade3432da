"""Nearly good bodies and files, each made from (seed, parser, number) alone, and what is asked of a reader: it reads such a thing
to its end or refuses it in words, and what it gives can be stored."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import seeds
from test_any_body import holes

from healthbox.domain.errors import Problem
from healthbox.domain.records import SampleBlock
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.1, -0.0, 1e308, 5e-324, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, [], {}, [[]], "", " ",
    "\u202f", "\ufeff", "NaN", "Infinity", "1e999", "-1", "0x10", "1,5", "1.234,5", "٣", "½", "a" * 5000, "\N{SNOWMAN}", "\ufffd",
    "e\u0301", "../../etc/passwd", "%s%n", "2026-02-30", "0000-00-00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59",
    "2026-03-29T02:30:00", "24:00:00", "-262144-01-01T00:00:00Z", "2026-03-01T09:00:00.123456789Z", "Europe/Nowhere", "+99:99",
    1772352000, 1772352000000, 1.7e18, {"a": {"b": [None]}}, [1] * 300,
)  # fmt: skip
RAW = (
    b"1e999",
    b"-1e400",
    b"NaN",
    b"-Infinity",
    b"1" * 400,
    b'"\\ud800"',
    b'"\\u0000"',
    b"[" * 70 + b"]" * 70,
    b'"\xff"',
    b"",
    b",",
    b"}",
    b"nul",
)
TOKENS = (
    b"<", b">", b"&", b"&#0;", b"&#x110000;", b"&amp;", b"&lol;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x?>", b"</", b"/>", b'"', b"'",
    b"\0", b"\r", b"\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc2\xa0", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"<a " * 40, b"<a>" * 200,
    b"</HealthData>", b"<Record ", b' value="', b"=", b",", b";", b"{", b"}", b"[", b"1e999", b"NaN", b"-0", b"9" * 30, b"PK\x03\x04",
    b"\x80\x80\x80\x80", b"\xff" * 8, b"SQLite format 3\0", b"\x1f\x8b\x08",
)  # fmt: skip
NAMES = ("{}", "{}", "{}", "{}", "../{}", "__MACOSX/{}", "é/{}", "{}.zip")
Record = Any


class Case(NamedTuple):
    content: bytes
    suffix: str


class Fuzzer:
    """Cases of one parser after another. ``folder`` holds the good files and the case under test."""

    def __init__(self, folder: Path, seed: int | str) -> None:
        self._folder, self._seed = folder, seed
        self._bodies, self._files = seeds.bodies(), seeds.files(folder)
        self.parsers = [*self._bodies, *self._files]

    def unseeded(self) -> list[str]:
        """Parsers that nothing in the corpus belongs to."""
        return [name for name in self.parsers if not (self._bodies.get(name) or self._files.get(name))]

    def case(self, parser: str, number: int) -> Case:
        """The same for the same seed, always."""
        chance = random.Random(f"{self._seed}/{parser}/{number}")
        if parser in self._bodies:
            return Case(_body(chance, chance.choice(self._bodies[parser])), ".json")
        path = chance.choice(self._files[parser])
        return Case(_file(chance, path.read_bytes()), "".join(path.suffixes))

    def read(self, parser: str, case: Case, keep: Callable[[list[Record]], object] = lambda records: None) -> bool:
        """Whether the parser claims it; then it is read, and ``keep`` gets what it gave, some records at a time.

        Raises anything but ``Problem`` that a parser raises, and ``AssertionError`` for what cannot be stored."""
        try:
            some: list[Record] = []
            for record in self._records(parser, case):
                _check(record)
                some.append(record)
                if len(some) == 500:
                    keep(some)
                    some = []
            keep(some)
        except _Unclaimed:
            return False
        except Problem as problem:
            assert problem.message
        return True

    def drain(self, parser: str, case: Case) -> None:
        """Only read it, for those who measure."""
        try:
            for _ in self._records(parser, case):
                pass
        except (_Unclaimed, Problem):
            pass

    def seeds(self, suffix: str) -> Iterator[tuple[str, bytes]]:
        """(parser, content) of the good files that end so."""
        for parser, paths in self._files.items():
            yield from ((parser, path.read_bytes()) for path in paths if path.suffix == suffix)

    def _records(self, parser: str, case: Case) -> Iterator[Record]:
        if parser in self._bodies:
            body = decode(case.content)
            claims = [name for name, guest in discover().items() if guest.claims(body, seeds.ENVELOPE)]
            assert len(claims) < 2, f"claimed by {claims}"
            if parser not in claims:
                raise _Unclaimed
            return discover()[parser].records(body, seeds.ENVELOPE)
        path = self._folder / f"case{case.suffix}"
        path.write_bytes(case.content)
        if not discover_files()[parser].claims(path):
            raise _Unclaimed
        return discover_files()[parser].records(path, seeds.ENVELOPE)


class _Unclaimed(Exception):
    pass


# -- damaging ---------------------------------------------------------------------------------------------------------


def _body(chance: random.Random, good: Any) -> bytes:
    body = copy.deepcopy(good)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
        places = holes(body)
        if places:
            _damage(chance, *chance.choice(places))
    if chance.random() < 0.15:
        _grow(chance, body)
    raw = json.dumps(body).encode()
    if chance.random() < 0.15:
        raw = raw.replace(chance.choice((b"1", b"2", b'"', b"null", b"0")), chance.choice(RAW), chance.choice((1, 1, 3)))
    if chance.random() < 0.1:
        raw = _bytes(chance, raw)
    return raw


def _damage(chance: random.Random, container: Any, key: Any) -> None:
    value = container[key]
    match chance.randrange(8):
        case 0:
            del container[key]
        case 1 if isinstance(container, dict):
            container[chance.choice((str(key).upper(), f"{key}_", "type", "value", "date", "data"))] = value
        case 2 if isinstance(value, list) and value:
            container[key] = value * 2
        case 3:
            for _ in range(chance.choice((1, 5, 60))):
                value = [value] if chance.random() < 0.5 else {"a": value}
            container[key] = value
        case 4 if isinstance(value, str):
            container[key] = value[: chance.randrange(len(value) + 1)] + str(chance.choice(ODD))[:50]
        case 5 if isinstance(value, int | float):
            container[key] = value * chance.choice((-1, 0, 1000, 1e300, 0.001))
        case _:
            container[key] = copy.deepcopy(chance.choice(ODD))


def _grow(chance: random.Random, body: Any) -> None:
    """One of its lists, until there is up to a MB of it: once, for twice would be a million times."""
    lists = [place for place in holes(body) if isinstance(place[0][place[1]], list) and place[0][place[1]]]
    if lists:
        container, key = chance.choice(lists)
        container[key] *= max(1, chance.choice((20_000, 200_000, 1_000_000)) // len(json.dumps(container[key])))


def _file(chance: random.Random, good: bytes) -> bytes:
    if good.startswith(b"PK\x03\x04") and chance.random() < 0.75:
        return _rezipped(chance, good)
    if good.startswith(b"\x1f\x8b") and chance.random() < 0.5:
        return good  # gzip of another case is the same case again; here only its wrapping is damaged
    return _bytes(chance, good)


def _rezipped(chance: random.Random, good: bytes) -> bytes:
    """A sound zip around damaged, lost, doubled or renamed files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        chosen = chance.choice(source.namelist())
        for name in source.namelist():
            content = source.read(name)
            if name == chosen:
                content = _bytes(chance, content)
                name = chance.choice(NAMES).format(name)
                if chance.random() < 0.05:
                    continue
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _bytes(chance: random.Random, good: bytes) -> bytes:
    raw = bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        at = chance.randrange(len(raw) + 1)
        end = min(len(raw), at + chance.choice((1, 2, 8, 40, 400)))
        match chance.randrange(8):
            case 0:
                raw[at:at] = chance.choice(TOKENS)
            case 1:
                raw[at:end] = chance.choice(TOKENS)
            case 2:
                del raw[at:end]
            case 3:
                raw[at:at] = raw[at:end] * chance.choice((1, 2, 500))
            case 4 if at < len(raw):
                raw[at] = chance.choice((0, 0x7F, 0x80, 0xFF, raw[at] ^ (1 << chance.randrange(8))))
            case 5:
                raw[at:end] = chance.randbytes(end - at)
            case 6 if chance.random() < 0.3:
                del raw[at:]
            case 6:
                start = chance.randrange(len(raw) + 1)
                raw[at:at] = raw[start : start + chance.choice((20, 300, 3_000))]
            case _:
                digits = [place for place, byte in enumerate(raw) if 0x30 <= byte <= 0x39]
                if digits:
                    place = chance.choice(digits)
                    raw[place : place + 1] = chance.choice((b"-", b"", b".", b"e9", b"99999999999999999999", b"0", b"9"))
    return bytes(raw[:2_000_000])


# -- judging ----------------------------------------------------------------------------------------------------------


def _check(record: Record) -> None:
    """Instants fit their column, numbers are finite, text is text."""
    for name in ("start", "end", "in_bed_start", "in_bed_end", "as_of"):
        _instant(getattr(record, name, None))
    if isinstance(record, SampleBlock):
        for position, start, end, value, zone, metadata in record.rows:
            _instant(start)
            _instant(end)
            _value(value)
            _sound((position, zone, metadata))
        return
    _value(getattr(record, "value", None))
    for name in record.__struct_fields__:
        _sound(getattr(record, name))


def _value(value: object) -> None:
    """A word is the name of a category value, and so none that reads as "nan" or as a number without end."""
    _sound(value)
    with contextlib.suppress(ValueError):
        assert not isinstance(value, str) or math.isfinite(float(value)), f"the value {value!r}"


def _instant(value: object) -> None:
    assert value is None or (type(value) is int and -(2**63) <= value < 2**63), f"the instant {value!r}"


def _sound(value: object) -> None:
    if isinstance(value, float):
        assert math.isfinite(value), "a number without end"
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        for key, inner in value.items():
            _sound(key)
            _sound(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _sound(inner)
