"""Whose readings a device brings: the names of watches and phones in its newest bodies, read anew for the page that waits for it."""

import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from healthbox.domain.errors import Problem
from healthbox.domain.records import Bucket, Record, SourceRef, StatedNight, StatedTotal
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover
from healthbox.store import contact, ledger

BODIES, RECORDS = 3, 5_000  # a look, not a second reading of everything


def sources(c: Connection, data: Path, device_id: int, now: int) -> list[str]:
    """Names as the client wrote them, those of most records first; [] where it names none."""
    found: Counter[str] = Counter()
    for sent in contact.bodies(c, device_id, BODIES):
        try:
            for record in islice(_records(c, data, sent, now), RECORDS):
                found.update(_names(record))
        except (Problem, OSError, zlib.error):
            continue  # a body that went meanwhile names nobody
    return sorted(found, key=lambda name: (-found[name], name))


def _records(c: Connection, data: Path, sent: contact.Sent, now: int) -> Iterator[Record]:
    form = discover().get(sent.format)
    if form is None:  # a file, or a format that is not there any more
        return
    body, spool = ledger.body_of(c, sent.chunk_id)
    raw = body if body is not None else (data / "spool" / str(spool)).read_bytes()
    yield from form.records(decode(zlib.decompress(raw)), Envelope(zone=sent.zone, accepted_at=now, headers=sent.headers))


def _names(record: Record) -> set[str]:
    if isinstance(record, Bucket | StatedTotal | StatedNight):
        return {name.strip() for name in record.source.split("|") if name.strip()}
    source = getattr(record, "source", None)
    return {source.name} if isinstance(source, SourceRef) and source.name else set()
