"""Leave: everything of a person as one zip, written as it is read: memory does not grow with the data.

The whole export is one snapshot of the database. ``stream`` holds it open as long as somebody takes the bytes.
"""

import csv
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.formats.healthbox_export.lines import FILE, MAGIC, encode
from healthbox.pipeline.leave_lines import export_lines
from healthbox.pipeline.leave_tables import Clock, Table, Tables
from healthbox.store import leaving_file, metrics, people
from healthbox.store.engine import Database
from healthbox.store.people import Person

Part = Literal["csv", "jsonl", "sqlite"]
PARTS: tuple[Part, ...] = ("csv", "jsonl", "sqlite")
SQLITE = "healthbox.sqlite"
BLOCK = 64 << 10
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GPX = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="healthbox" xmlns="http://www.topografix.com/GPX/1/1">\n'
    "<trk><name>{}</name><trkseg>\n"
)

_ABOUT_LINES = (
    "  Everything, one JSON object a line, told apart by its kind. Instants are milliseconds since 1970-01-01 UTC,",
    "  values stand in the metric's canonical unit. This is the file that healthbox reads again:",
    "    healthbox import THIS.zip --person NAME",
    "  gives equal days and nights in an empty box. What no record can carry (time zones, the order of sources, names",
    "  given to metrics, merged sources) is listed by the import as what to set again. What a newer export lacked",
    "  (superseded, set_aside) is kept there too without being counted, and can be counted again on the page of the upload.",
)
_ABOUT_TABLES = ("  Times carry the offset of where the person lived. An empty cell is unknown, never 0.",)
_ABOUT_CSV = (
    "routes/*.gpx: the way of each workout that has one, for any map program.",
    "Text in the .csv files that begins with = + - @ has an apostrophe before it, so that no spreadsheet runs it.",
    "",
)

Entry = tuple[str, Iterable[bytes]]


def stream(database: Database, person_id: int, parts: Iterable[Part], now: int) -> Iterator[bytes]:
    """The zip in pieces. ``parts``: csv and jsonl; an SQLite file cannot be streamed, see ``write``."""
    if "sqlite" in (wanted := set(parts)):
        raise Invalid("An SQLite file cannot be made on the way.", hint="healthbox export --format sqlite")
    with database.reading() as c:
        yield from _zipped(_entries(c, person_id, wanted, now))


def write(database: Database, person_id: int, path: Path, parts: Iterable[Part], now: int) -> int:
    """The zip as the new file ``path``, readable by its owner alone; its size in bytes. Raises ``Conflict``
    where a file is, ``NotFound`` where its folder is not."""
    if path.exists():
        raise Conflict(f"{path.name} is there already.", hint="Name a new file.")
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {path.parent}.", hint="Make it first.")
    wanted = set(parts)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder, database.reading() as c:
        entries: Iterable[Entry] = _entries(c, person_id, wanted, now)
        if "sqlite" in wanted:
            made = Path(folder) / SQLITE
            entries = _with_tables(entries, c, person_id, made)
        target = Path(folder) / path.name
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in _zipped(entries):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.rename(target, path)
    return size


def file_name(person: Person, now: int) -> str:
    """healthbox-alice-2026-03-20.zip"""
    name = "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in person.name.casefold()).strip("-")
    return f"healthbox-{name or person.id}-{Clock(ZoneHistory([(0, person.zone)])).at(now):%Y-%m-%d}.zip"


# -- the zip ----------------------------------------------------------------------------------------------------------


class _Pipe:
    """What the zip writes into, until somebody takes it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing to do: what is written waits to be taken."""

    def close(self) -> None:
        """Nothing to do either."""

    def take(self) -> bytes:
        taken, self._pieces, self.size = b"".join(self._pieces), [], 0
        return taken


def _zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in entries:
            with archive.open(name, "w", force_zip64=not name.endswith(".gpx")) as entry:
                for piece in pieces:
                    entry.write(piece)
                    if pipe.size >= BLOCK:
                        yield pipe.take()
    yield pipe.take()


def _entries(c: Connection, person_id: int, parts: set[Part], now: int) -> Iterator[Entry]:
    person = people.get_person(c, person_id)
    tables = _tables(c, person_id)
    yield "README.txt", [_readme(person, tables.all(), parts, now).encode()]
    if "jsonl" in parts:
        yield FILE, _blocks(MAGIC + b"\n", (encode(line) for line in export_lines(c, person, now)))
    if "csv" in parts:
        for table in tables.all():
            yield f"{table.name}.csv", _csv(table)
        for _, workout, name in tables.workouts():
            if name is not None:
                yield name, _gpx(workout.activity, workout.route)


def _tables(c: Connection, person_id: int) -> Tables:
    return Tables(c, person_id, metrics.catalogue(c, Catalogue.load()), ZoneHistory(people.zone_history(c, person_id)))


def _with_tables(entries: Iterable[Entry], c: Connection, person_id: int, path: Path) -> Iterator[Entry]:
    yield from entries
    found = _tables(c, person_id).all()
    leaving_file.write_tables(path, ((t.name, {name: kind for name, kind, _ in t.columns}, t.rows()) for t in found))
    with path.open("rb") as file:
        yield SQLITE, iter(lambda: file.read(BLOCK), b"")


def _blocks(first: bytes, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines joined into pieces worth compressing."""
    waiting, size = [first], len(first)
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


# -- the files in it --------------------------------------------------------------------------------------------------


def _csv(table: Table) -> Iterator[bytes]:
    return _blocks(b"\xef\xbb\xbf", _csv_lines(table))  # without the mark a spreadsheet takes UTF-8 for something older


def _csv_lines(table: Table) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([name for name, _, _ in table.columns])
    for row in table.rows():
        writer.writerow([_cell(value) for value in row])
        if buffer.tell() >= BLOCK // 8:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _gpx(activity: str, route: list[list[float | None]]) -> Iterator[bytes]:
    def points() -> Iterator[bytes]:
        utc = Clock(ZoneHistory([(0, "UTC")]))
        for at, latitude, longitude, *rest in route:
            altitude = rest[0] if rest else None
            height = "" if altitude is None else f"<ele>{altitude!r}</ele>"
            when = "" if at is None else f"<time>{utc.at(int(at)):%Y-%m-%dT%H:%M:%S}.{int(at) % 1000:03d}Z</time>"
            yield f'<trkpt lat="{latitude!r}" lon="{longitude!r}">{height}{when}</trkpt>\n'.encode()
        yield b"</trkseg></trk></gpx>\n"

    return _blocks(_GPX.format(escape(activity)).encode("utf-8", "replace"), points())


def _readme(person: Person, tables: list[Table], parts: set[Part], now: int) -> str:
    """What is in the zip, every column in words."""
    when = Clock(ZoneHistory([(0, person.zone)]))(now)
    said = [
        f"Health data of {person.name}, exported by healthbox on {when}.",
        "It is not encrypted: keep it where nobody else reads it.",
        "",
    ]
    if "jsonl" in parts:
        said += [FILE, *_ABOUT_LINES, ""]
    if parts & {"csv", "sqlite"}:
        files = " and ".join(name for part, name in (("csv", "the .csv files"), ("sqlite", SQLITE)) if part in parts)
        said += [f"Tables ({files})", *_ABOUT_TABLES, ""]
        for table in tables:
            said += [f"{table.name}: {table.about}", *(f"  {name:<14} {words}" for name, _, words in table.columns), ""]
    if "csv" in parts:
        said += _ABOUT_CSV
    return "\r\n".join(said)
