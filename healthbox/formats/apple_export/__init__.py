"""Apple Health's own export: ``export.zip`` in any language, or the bare xml from inside it.

The xml is read once, in pieces cut between its outermost elements (``pieces``). A piece in the shape that Apple writes takes the
fast lane (``fast``); every other goes to a real parser (``elements``), which loses only what is broken. Both give the same
records, so which one read a piece shows nowhere. Samples come as blocks (``gather``), the rest one by one (``reading``).

A record's ``position`` is its number among the outermost elements of the xml ("17"; "18.2" is the second record of a correlation),
or the label of a file beside it. All dates carry the offset of the phone at the time of the export, not of the event: only
``HKTimeZone`` in the metadata gives a record its zone. ``as_of`` is the time of the export.
"""

from collections.abc import Iterator
from pathlib import Path

from healthbox.domain.records import Record, SampleBlock
from healthbox.formats.apple_export.archive import HEAD, directory, is_export, is_zip, main_entry, opened
from healthbox.formats.apple_export.reading import Reading
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold


def claims(path: Path) -> bool:
    if is_zip(path):
        with directory(path) as archive:
            return main_entry(archive) is not None
    with path.open("rb") as file:
        return is_export(file.read(HEAD))


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record | SampleBlock]:
    with opened(path, tell) as export:
        yield from Reading(export, envelope.zone).records()


FILE_FORMAT = FileFormat(
    name="apple-health-export",
    looks_for="a zip that holds the xml of an Apple Health export, or that xml itself (<HealthData>)",
    claims=claims,
    records=records,
    whole=True,
)
