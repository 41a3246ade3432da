"""One import of an export that is killed again and again, held against the same import left alone.

Where the kills fall is drawn by the seed over the whole way, reading and folding: one waits until the import stands there, then
a moment more. Most take the server, half of those the process that reads the file with it; the others that process alone.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from load import Server

from healthbox.config import Settings
from healthbox.pipeline.accept_file import accept_file
from healthbox.store import devices, people, receipts
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

NOW = 1_760_000_000_000  # when both folders say the file came
UNPROGRESSED = 2  # lives without a committed step; after four the chunk would be a dead letter, and rightly so
PATIENCE_S = 120.0
KINDS = {"server": 3, "both": 4, "reader": 1}  # how often which; a chunk whose reader was killed waits for 30 s
MOMENT_S, START_S = 0.06, 1.6  # about what a step takes, and a start until the first one

_OF = "JOIN series ON series.id=series_id JOIN source ON source.id=series.source_id"
_WHOSE = "series.metric, source.name, source.kind, source.product"
# What must be equal, with names in place of the ids that the order of writing decides.
TABLES = {
    "sample": f'SELECT {_WHOSE}, start, "end", tag, value, uuid, ms, zone.name, meta.json, batch_id, as_of FROM sample {_OF} '
    "LEFT JOIN zone ON zone.id=zone_id LEFT JOIN meta ON meta.id=meta_id",
    "series": f"SELECT {_WHOSE}, longest, zoned FROM series JOIN source ON source.id=source_id",
    "long_sample": f'SELECT {_WHOSE}, start, "end", tag FROM long_sample {_OF}',
    "sleep_stage": f'SELECT {_WHOSE}, start, "end", stage, uuid, parent, zone, as_of, batch_id, superseded FROM sleep_stage {_OF}',
    "workout": 'SELECT activity, source.name, source.kind, uuid, start, "end", zone, totals, series, route, laps, meta, as_of, batch_id, '
    "superseded FROM workout LEFT JOIN source ON source.id=source_id",
    "bucket": "SELECT metric, app, width, start, date, value, low, high, source, as_of, uuid, batch_id FROM bucket",
    "clinical": 'SELECT clinical.kind, uuid, start, "end", hash, json, source.name, as_of, batch_id FROM clinical '
    "LEFT JOIN source ON source.id=source_id",
    "source": "SELECT name, kind, product FROM source",
    "source_alias": "SELECT form, value, source_alias.kind, source.name FROM source_alias JOIN source ON source.id=source_id",
    "meta": "SELECT json FROM meta",
    "zone": "SELECT name FROM zone",
    "gone": f'SELECT {_WHOSE}, start, "end", value FROM gone {_OF}',
    "unknown_metric": "SELECT key, naming, name, unit, records FROM unknown_metric",
    "day": "SELECT metric, date, value, low, high, mean, n, coverage, layer, rule, detail FROM day",
    "night": 'SELECT date, asleep, start, "end", json FROM night',
    "rejection": "SELECT batch_id, idx, position, code, reason, raw FROM rejection",
    "chunk": "SELECT batch_id, idx, sha, size, status, attempts, position, share, error FROM chunk",
    "whole_export": "SELECT batch_id, as_of, state, due, told FROM whole_export",
    "whole_cover": "SELECT source.name, batch_id, first, last FROM whole_cover JOIN whole_export ON whole_export.id=export_id "
    "JOIN source ON source.id=source_id",
    "finding": "SELECT rule, metric, started, latest, state, severity FROM finding",
}  # fmt: skip
LEFT = (
    "SELECT (SELECT count(*) FROM chunk WHERE status IN ('pending','running')), (SELECT count(*) FROM batch WHERE closed_at IS NULL), "
    "(SELECT count(*) FROM dirty_day), (SELECT count(*) FROM changed_day), (SELECT count(*) FROM whole_export WHERE due=1)"
)


def spoiled(pieces: Iterable[str], every: int = 500) -> Iterator[str]:
    """The text of an export in which a record now and then stands twice, and another one has no value."""
    for number, piece in enumerate(pieces):
        yield piece
        if piece.startswith(" <Record") and number % every == 0:
            yield piece
            yield piece.replace(' value="', ' value="no number" said="', 1)


def packed(path: Path, pieces: Iterable[str]) -> Path:
    """``export.zip`` as the phone writes it."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("apple_health_export/export.xml", "w", force_zip64=True) as file,
    ):
        file.writelines(piece.encode() for piece in pieces)
    return path


@dataclass
class Verdict:
    """``different``: per table, how many rows one of the two has and the other has not. ``left``: what nobody took away."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    seconds: float = 0.0
    points: list[int] = field(default_factory=list)  # records committed at each kill
    rows: dict[str, int] = field(default_factory=dict)
    different: dict[str, int] = field(default_factory=dict)
    receipt: str = ""  # what differs in it
    left: list[str] = field(default_factory=list)
    integrity: str = ""

    @property
    def clean(self) -> bool:
        return not (self.different or self.receipt or self.left) and self.integrity == "ok"


class Import:
    """Alice's import of one file into a folder of her own, and the server that works it off."""

    def __init__(self, data: Path, file: Path) -> None:
        data.mkdir(parents=True)
        self.server, self.public = Server(data), _accepted(data, file)
        self.readers: set[int] = set()  # every process that was seen reading for it

    def left(self) -> tuple[int, ...]:
        """Open chunks and batches, dirty and changed days, exports to be settled."""
        return tuple(self.server.query(LEFT)[0])

    def committed(self) -> int:
        return int(self.server.query("SELECT new+updated+duplicate+deleted+rejected FROM batch")[0][0])

    def folded(self) -> bool:
        return not any(self.left())

    def finish(self, seconds: float = PATIENCE_S) -> None:
        until = time.monotonic() + seconds
        while (waits := self.left()) and any(waits):
            assert time.monotonic() < until, f"never worked off: {waits}"
            time.sleep(0.05)

    def reader(self) -> int | None:
        """The process that reads the file at this moment."""
        assert self.server.process is not None
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.server.process.pid and b"healthbox.pipeline.apart" in (entry / "cmdline").read_bytes():
                    self.readers.add(int(entry.name))
                    return int(entry.name)
            except (OSError, ValueError):
                continue  # it has just ended
        return None

    def receipt(self) -> dict[str, Any]:
        """Without the moments."""
        database = Database(self.server.data)
        try:
            with database.reading() as c:
                alice = people.get_person(c, "Alice")
                found = receipts.receipt(c, alice.id, self.public, limit=100_000)
        finally:
            database.close()
        return {name: value for name, value in found.items() if name not in ("timings", "batch")}


def _accepted(data: Path, file: Path) -> str:
    database, settings = Database(data), Settings(data=data, min_free_mb=10, ballast_mb=0)
    upgrade(database)
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", NOW)
        phone, _ = devices.add_device(c, alice.id, "Phone", ["ingest"], NOW)
    accepted = accept_file(database, settings, phone, file, now=NOW, ring=lambda: None)
    database.close()
    return accepted.batch


def compare(folder: Path, file: Path, kills: int, seed: int, kinds: Collection[str] = KINDS.keys()) -> Verdict:
    """The whole story: once left alone, once killed ``kills`` times, then every row of the two against each other."""
    verdict, alone = Verdict(), Import(folder / "alone" / "data", file)
    alone.server.start()
    alone.finish()
    assert alone.server.kill(signal.SIGTERM) == 0
    killed = Import(folder / "killed" / "data", file)
    began = time.monotonic()
    _kill_again_and_again(killed, alone.committed(), kills, kinds, random.Random(seed), verdict)
    killed.finish()
    verdict.seconds = time.monotonic() - began
    killed.server.wait_ready()
    assert killed.server.kill(signal.SIGTERM) == 0
    _judge(alone, killed, verdict)
    return verdict


def _kill_again_and_again(one: Import, records: int, kills: int, kinds: Collection[str], chance: random.Random, verdict: Verdict) -> None:
    """A fifth of the points lie behind the last record, where days are folded and changes looked at."""
    points = sorted(chance.uniform(0, 1.25 * records) for _ in range(kills))
    before, stood = -1, 0
    one.server.start(ready=False)
    verdict.starts = 1
    for point in points:
        stood = stood + 1 if one.committed() == before else 0
        before = one.committed()
        further = stood >= UNPROGRESSED or before < point
        _wait(one, min(max(point, before + 1), records) if further else 0)
        time.sleep(chance.uniform(0, MOMENT_S if further else START_S))
        verdict.points.append(one.committed())
        what = chance.choices(list(kinds), [KINDS[kind] for kind in kinds])[0]
        reader = one.reader()
        if what == "reader" and reader is not None:
            os.kill(reader, signal.SIGKILL)
        else:
            what = "server" if reader is None or what == "reader" else what
            if what == "both":
                os.kill(reader or 0, signal.SIGKILL)
            one.server.kill()
            one.server.start(ready=False)
            verdict.starts += 1
        verdict.kills[what] += 1


def _wait(one: Import, point: float) -> None:
    """Until so many records are committed, or all there are."""
    until = time.monotonic() + PATIENCE_S
    while (committed := one.committed()) < point and not one.folded():
        assert time.monotonic() < until, f"it stands at {committed} records"
        time.sleep(0.004)


def _judge(alone: Import, killed: Import, verdict: Verdict) -> None:
    with closing(_opened(alone)) as a, closing(_opened(killed)) as b:
        for table, query in TABLES.items():
            ours, theirs = Counter(b.execute(query)), Counter(a.execute(query))
            verdict.rows[table] = theirs.total()
            if count := ((ours - theirs) + (theirs - ours)).total():
                verdict.different[table] = count
        verdict.integrity = b.execute("PRAGMA integrity_check").fetchone()[0]
    mine, other = killed.receipt(), alone.receipt()
    verdict.receipt = ", ".join(f"{name}: {mine[name]!r} for {other[name]!r}" for name in other if mine[name] != other[name])[:500]
    for name in ("spool", "uploads", "inbox", "incoming"):
        ours, theirs = (sorted(_names(one.server.data / name)) for one in (killed, alone))
        if len(ours) != len(theirs):
            verdict.left.append(f"{name}: {ours}")
    if any(killed.left()):
        verdict.left.append(f"to do: {killed.left()}")
    verdict.left += [f"reader {pid} still runs" for pid in killed.readers if _reads(pid)]


def _opened(one: Import) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{one.server.data / 'healthbox.db'}?mode=ro", uri=True)


def _names(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _reads(pid: int) -> bool:
    try:
        return b"healthbox.pipeline.apart" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
