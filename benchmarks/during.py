"""Imports under way while something else is measured: exports of one person, one after the other, each of years of its own.

The files lie in the spool before anything is measured, so that beginning the next import is one row in the ledger.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from apple_export import FIRST_DAY, export
from house import House, now_ms

from healthbox.pipeline.accept_file import note_file
from healthbox.store import devices, people

LOOK_S = 0.02
_LEAP_YEARS = [str(year).encode() for year in range(FIRST_DAY.year, 1970, -4)]  # the 29th of February is in each


@dataclass
class Importing:
    """``begun`` imports of ``records`` each; ``out``: the last of them has ended too, so what was measured then says nothing."""

    records: int
    begun: int = 0
    out: bool = False

    def note(self) -> str:
        return f"import {self.begun} of {self.records:,} records under way" + (", the last ended too early" if self.out else "")


@contextmanager
def importing(place: House, records: int, files: int) -> Iterator[Importing]:
    """Exports of so many records for ``place``'s person, the next one accepted as soon as the one before is worked off."""
    spool = place.data / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    waiting = _files(spool, records, min(files, len(_LEAP_YEARS)))
    state, over = Importing(records), threading.Event()
    _accept(place, waiting.pop(0), state)
    thread = threading.Thread(target=_keep_on, args=(place, waiting, state, over), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        over.set()
        thread.join()


def another(place: House) -> House:
    """The same house as Bob's phone sees it."""
    with place.database.writing() as c:
        bob = people.add_person(c, "Bob", "Europe/Berlin", now_ms())
        device, token = devices.add_device(c, bob.id, "Bob's phone", ["ingest", "read"], now_ms())
    return replace(place, person_id=bob.id, device=device, token=token)


def _files(spool: Path, records: int, count: int) -> list[Path]:
    """A record never reaches into the next year: one file has fewer days than are left of its first one."""
    text = "".join(export(min(records, 480_000))).encode()
    made = []
    for year in _LEAP_YEARS[:count]:
        made.append(spool / f"export-{year.decode()}.xml")
        made[-1].write_bytes(text.replace(b'"%s-' % _LEAP_YEARS[0], b'"%s-' % year))
    os.sync()
    return made


def _accept(place: House, file: Path, state: Importing) -> None:
    with file.open("rb") as raw:
        sha = hashlib.file_digest(raw, "sha256").digest()
    size = file.stat().st_size
    note_file(place.database, place.device, "apple-health-export", spool=file.name, sha=sha, size=size, now=now_ms())
    state.begun += 1


def _keep_on(place: House, waiting: list[Path], state: Importing, over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        with place.database.reading() as c:
            query = "SELECT count(*) FROM chunk JOIN batch ON batch.id=batch_id WHERE chunk.spool LIKE 'export-%' AND closed_at IS NULL"
            runs = c.exec_driver_sql(query).scalar_one()
        if runs:
            continue
        if not waiting:
            state.out = True
            return
        _accept(place, waiting.pop(0), state)
