"""Commits, counted in the write-ahead log itself: a frame that carries the database's size ends a transaction."""

import json
import struct
from collections.abc import Callable
from random import Random

from house import House, Row, house, now_ms, samples

from healthbox.pipeline.fold import Folder, rebuild
from healthbox.pipeline.process import Processor
from healthbox.store import days

CHUNKS = 5


def run(*, stored: int, years: int) -> list[Row]:
    with house(stored, years=years) as place:
        processor = Processor(place.database, place.data)

        def process() -> None:
            for _ in range(CHUNKS):
                processor.step(now_ms())

        accepted = commits(place, lambda: _accept(place)) / CHUNKS
        processed = commits(place, process) / CHUNKS
        return [
            Row("WAL commits per accepted chunk", "1", f"{accepted:g}", accepted <= 1),
            Row("WAL commits per processed chunk", "2", f"{processed:g}", processed <= 2),
            _fold(place),
        ]


def _accept(place: House) -> None:
    for index in range(CHUNKS):
        made = samples(Random(index), place.newest + index * 20_000, 200)
        body = {"batch": "commits", "index": index, "final": index == CHUNKS - 1, "samples": made}
        place.door.sync(place.device, json.dumps(body).encode(), now_ms())


def _fold(place: House) -> Row:
    rebuild(place.database, 0)
    folder, most = Folder(place.database), 0
    left = _dirty(place)
    while folder.step(now_ms()) or folder.waits:
        folder.hear(now_ms(), 0.05)
        now_left = _dirty(place)
        most, left = max(most, left - now_left), now_left
    folder.rest()
    return Row("day rows per fold commit, at most", "≤ 500", f"{most}", most <= 500)


def _dirty(place: House) -> int:
    with place.database.reading() as c:
        return days.dirty_count(c)


def commits(place: House, work: Callable[[], None]) -> int:
    """How many transactions ``work`` puts into the log, which it must not fill (1,000 pages)."""
    place.database.checkpoint()
    work()
    log = place.database.path.with_name(place.database.path.name + "-wal").read_bytes()
    page, salt = struct.unpack(">I", log[8:12])[0], log[16:24]
    frames = [log[at : at + 24] for at in range(32, len(log), 24 + page)]
    return sum(frame[8:16] == salt and frame[4:8] != bytes(4) for frame in frames)
