"""healthbox's own export: ``healthbox.jsonl`` (see ``lines``), bare or in the zip that ``healthbox export`` writes.

An import of it into an empty box gives equal days, nights, workouts and clinical records; what was deleted stays
deleted, and what a whole export set aside stays so. What no record can carry (zones, the order of sources, names given
to metrics, merged sources) is listed in the receipt as rejected with the code ``set_again`` and words that say where to
set it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from healthbox.domain.errors import Invalid, TooLarge
from healthbox.domain.records import Record, SampleBlock
from healthbox.formats.apple_export.archive import BROKEN, directory, is_zip
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.healthbox_export.lines import FILE, MAGIC
from healthbox.formats.healthbox_export.reading import Reading

LONGEST = 16 << 20  # a line in bytes: a day-long workout with route and series has 5 MB
NOTHING = 64 << 10  # bytes of empty lines in a row: gigabytes of them pack to nothing and would take minutes
EVERY = 500  # lines between two words of how far it is
SWELLS = 200  # an export packs to a tenth; whatever swells more than so many times is none


def claims(path: Path) -> bool:
    if is_zip(path):
        with directory(path) as archive:
            return FILE in archive.NameToInfo
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record | SampleBlock]:
    with _opened(path) as (file, size):
        yield from Reading(envelope.zone).records(_lines(file, size, tell))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The lines and how many bytes they are."""
    if not is_zip(path):
        with path.open("rb") as file:
            yield file, path.stat().st_size
        return
    with directory(path) as archive:
        info = archive.NameToInfo[FILE]
        if info.file_size > max(SWELLS * info.compress_size, 1 << 20):
            raise TooLarge(f"{FILE} swells more than any export does.", code="zip_bomb")
        try:
            with archive.open(info) as packed:
                yield packed, info.file_size
        except (*BROKEN, OSError) as problem:
            hint = "Export again, or copy the file again."
            raise Invalid(f"{FILE} is cut short or damaged.", hint=hint, code="broken_zip") from problem


def _lines(file: IO[bytes], size: int, tell: Tell) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) without the first, which only says what the file is."""
    number = read = empty = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        read += len(raw)
        if number % EVERY == 0:
            tell(min(read / size, 1.0))
        if len(raw) > LONGEST:
            raise TooLarge("A line of the export is longer than any can be.", code="line_too_long")
        if number == 1 and not raw.startswith(MAGIC):
            raise Invalid("This is not the beginning of a healthbox export.", hint="Export again.", code="no_export")
        empty = empty + len(raw) if raw.isspace() else 0
        if empty > NOTHING:
            raise Invalid("The file goes on without holding anything.", hint="Export again.", code="empty_export")
        if number > 1 and not empty:
            yield number, raw


FILE_FORMAT = FileFormat(
    name="healthbox-export",
    looks_for=f"a zip that holds {FILE}, or that file itself",
    claims=claims,
    records=records,
)
