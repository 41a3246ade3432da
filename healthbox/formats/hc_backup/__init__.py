"""The backup of Android's Health Connect: ``Health Connect.zip`` in any language, or the SQLite database from inside it.

The tables are those of Android's own source; columns are read by name, for every version adds some. Times are UTC with the offset of
the event beside them, ids are 16 bytes, a series' id is its parent's and names the whole set of points. ``as_of`` is when the record
was last modified.

A record's ``position`` is its table and row id ("steps_record_table/17").
"""

from collections.abc import Iterator
from pathlib import Path

from healthbox.domain.records import Record
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.hc_backup.database import opened
from healthbox.formats.hc_backup.reading import Reading
from healthbox.formats.hc_backup.unpack import NAME, claims


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record]:
    with opened(path) as backup:
        yield from Reading(backup, tell).records()


FILE_FORMAT = FileFormat(
    name="health-connect-backup",
    looks_for=f"a zip that holds {NAME} (Health Connect's own backup), or that database itself",
    claims=claims,
    records=records,
)
