"""A first look at an SQLite file as bytes: whose it is, and that its schema is small, before SQLite itself parses any of it.

The schema is the b-tree that begins on page 1; its leaves hold the names of all tables.
"""

import re
import struct
from typing import BinaryIO

from healthbox.domain.errors import Invalid

MAGIC = b"SQLite format 3\x00"
HEADER = 100
APPS = "application_info_table"
SCHEMA_BYTES = 2 << 20  # Health Connect's own takes some 150 kB
_INNER, _LEAF = 5, 13
_RECORDS = re.compile(rb"[a-z]_record_table")


def is_database(head: bytes) -> bool:
    """Whether a file that begins so is an SQLite database."""
    return len(head) >= HEADER and head.startswith(MAGIC) and _page_size(head) > 0


def is_health_connect(file: BinaryIO) -> bool:
    """Whether the tables are Health Connect's, as far as the file is there: a beginning will do."""
    try:
        schema = b"".join(_leaves(file))
    except Invalid:
        return False
    return APPS.encode() in schema and _RECORDS.search(schema) is not None


def check_schema(file: BinaryIO) -> None:
    """Raises ``Invalid`` for a schema that is larger than any of Health Connect's or runs in a circle."""
    for _ in _leaves(file):
        pass


def _page_size(head: bytes) -> int:
    size: int = struct.unpack_from(">H", head, 16)[0]
    size = 65_536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else 0


def _leaves(file: BinaryIO) -> list[bytes]:
    file.seek(0)
    head = file.read(HEADER)
    if not is_database(head):
        raise trap()
    size = _page_size(head)
    found: list[bytes] = []
    waiting = [1]
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number < 1 or number in seen or len(seen) * size > SCHEMA_BYTES:
            raise trap()
        seen.add(number)
        file.seek((number - 1) * size)
        page = file.read(size)
        at = HEADER if number == 1 else 0
        if len(page) < size:
            continue  # not there: a beginning, or a file cut short, which SQLite says better
        if page[at] == _LEAF:
            found.append(page)
        elif page[at] == _INNER:
            cells = struct.unpack_from(">H", page, at + 3)[0]
            places = [at + 12 + 2 * cell for cell in range(cells) if at + 14 + 2 * cell <= size]
            offsets = [struct.unpack_from(">H", page, place)[0] for place in places]
            waiting += [struct.unpack_from(">L", page, offset)[0] for offset in offsets if offset + 4 <= size]
            waiting.append(struct.unpack_from(">L", page, at + 8)[0])
        else:
            raise trap()
    return found


def trap() -> Invalid:
    return Invalid(
        "The database in this backup is damaged or none of Health Connect's.",
        hint="Let Health Connect write a new backup and send that one.",
        code="broken_database",
    )
