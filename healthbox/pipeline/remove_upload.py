"""Take an upload back: its records go, and what other kept uploads also held is read again from their bodies.

A record that two uploads held is stored once, under the first. So after the rows of one are gone, every other upload that
overlaps it in time is replayed; identity makes that harmless for what still stands. Where the upload changed what others had
stored (updates, deletions, sets of points), nothing says what was there before, so all kept uploads of the person are replayed.

What stays of a removed upload: that a stage was stated later than others say, and that content without uuid is gone where
another upload had replaced or deleted what this one gave a uuid to.
"""

import datetime as dt
import logging
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Conflict, NotFound, Problem
from healthbox.domain.records import Bucket, Clinical, Record, Rejected, SetAside, StatedNight, StatedTotal, Tombstone, WholeExport
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover
from healthbox.pipeline import supersede
from healthbox.store import days, ledger, people, repairs, uploads
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.remove_upload")
DAY_MS = 86_400_000
EPOCH = dt.date(1970, 1, 1).toordinal()
SLEEP = "sleep_analysis"
TRIES, PAUSE_S = 40, 0.25


class Removed(NamedTuple):
    """``replayed`` other uploads are due again; of ``lost`` ones, which may have held some of the same records, no body is kept."""

    person_id: int
    records: int
    replayed: int
    lost: int


class _Plan(NamedTuple):
    standing: uploads.Standing
    at: int
    marks: set[tuple[str, str]]
    replay: dict[int, list[int]]
    whole: set[int]
    restated: set[int]
    lost: int


def remove(database: Database, data: Path, public: str, now: int) -> Removed:
    """Remove one upload in one transaction. Raises ``NotFound``, or ``Conflict`` while an upload of this person is worked on."""
    with database.reading() as c:
        batch = ledger.by_public(c, public)
    if batch is None:
        raise NotFound("There is no such upload.", hint="See: healthbox batches")
    for _ in range(TRIES):
        plan = _plan(database, data, batch, now)
        if plan.standing.status == "removed":
            raise Conflict("This upload is removed already.", code="removed")
        with database.writing() as c:
            current = uploads.standing(c, batch.person_id, batch.id)
            if not current.running and current.touched_at == plan.standing.touched_at:
                found, spools = _carry_out(c, batch, plan, now)
                break
        time.sleep(PAUSE_S)
    else:
        raise Conflict("An upload of this person is being worked on.", hint="Try again when it is done: healthbox batches", code="busy")
    for name in spools:
        (data / "spool" / name).unlink(missing_ok=True)
    log.info("upload removed", extra={"batch": public, "deleted": found.records, "chunks": found.replayed})
    return found


def _carry_out(c: Connection, batch: ledger.Batch, plan: _Plan, now: int) -> tuple[Removed, list[str]]:
    person_id = batch.person_id
    late = uploads.touched_since(c, person_id, plan.at) - {batch.id}  # read meanwhile, against rows that go now
    replay = plan.replay | {other.id: other.chunks for other in uploads.others(c, person_id, batch.id) if other.id in late and other.chunks}
    uploads.unmerge(c, person_id, batch.id, plan.restated)
    if plan.standing.changing:
        uploads.unmerge_typed(c, person_id, plan.whole)
        if not plan.lost:
            uploads.unname(c, person_id, batch.id)
            uploads.forget_gone(c, person_id)
    records = uploads.take_away(c, person_id, batch.id)
    supersede.take_back(c, batch.id, person_id, now)
    days.mark(c, person_id, plan.marks, now)
    spools = uploads.drop(c, batch.id, now)
    for other, chunks in replay.items():
        repairs.restart(c, other, chunks, now)
    return Removed(person_id, records, len(replay), plan.lost), spools


def _plan(database: Database, data: Path, batch: ledger.Batch, now: int) -> _Plan:
    with database.reading() as c:
        standing = uploads.standing(c, batch.person_id, batch.id)
        covers = uploads.covers(c, batch.person_id, batch.id)
        dated = uploads.dates(c, batch.person_id, batch.id)
        others = uploads.others(c, batch.person_id, batch.id)
        again = set(uploads.restated(c, batch.person_id, batch.id))
        zones = ZoneHistory(people.zone_history(c, batch.person_id))
        wanted = _ordinals(covers, dated)
        chosen = [o for o in others if o.chunks and (standing.changing or o.id in again or _overlaps(c, data, o, wanted, now))]
    whole = {other.id for other in chosen if other.whole}
    lost = sum(not other.whole and (standing.changing or other.shared) for other in others)
    replay = {other.id: other.chunks for other in chosen}
    return _Plan(standing, now, _marks(covers, dated, zones), replay, whole, again & whole, lost)


def _marks(covers: list[uploads.Cover], dated: list[tuple[str, str]], zones: ZoneHistory) -> set[tuple[str, str]]:
    """The days that the rows of an upload make."""
    marks = set(dated)
    for cover in covers:
        if cover.metric == "":
            continue
        touched = set(zones.dates(cover.start, cover.end))
        if cover.zone is not None:
            first, last = zones.local_date(cover.start, cover.zone), zones.local_date(cover.end, cover.zone)
            touched |= {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}
        if cover.metric == SLEEP:  # a stage can move the edges of the night before it and after it
            touched |= {date + dt.timedelta(days=n) for date in touched for n in (-1, 1)}
        marks.update((cover.metric, date.isoformat()) for date in touched)
    return marks


def _ordinals(covers: list[uploads.Cover], dated: list[tuple[str, str]]) -> set[int]:
    """The days since 1970, and their neighbours, that an upload's rows lie in: wider than any zone or rule of sameness is."""
    found: set[int] = set()
    for cover in covers:
        found.update(range(cover.start // DAY_MS - 1, cover.end // DAY_MS + 2))
    for _, date in dated:
        ordinal = dt.date.fromisoformat(date).toordinal() - EPOCH
        found.update((ordinal - 1, ordinal, ordinal + 1))
    return found


def _overlaps(c: Connection, data: Path, other: uploads.Other, wanted: set[int], now: int) -> bool:
    """Whether any record of another upload lies in those days; one that cannot be read here, or is a file, may."""
    if wanted and other.format not in discover():
        return True
    try:
        return bool(wanted) and any(_days_of(record) & wanted for record in _records(c, data, other, now))
    except (Problem, zlib.error):
        return True


def _records(c: Connection, data: Path, other: uploads.Other, now: int) -> Iterator[Record]:
    form = discover()[other.format]
    for chunk_id in other.chunks:
        body, spool = ledger.body_of(c, chunk_id)
        try:
            raw = body if body is not None else (data / "spool" / str(spool)).read_bytes()
        except FileNotFoundError:
            continue
        yield from form.records(decode(zlib.decompress(raw)), Envelope(zone=other.zone, accepted_at=now, headers=other.headers))


def _days_of(record: Record) -> set[int]:
    if isinstance(record, Tombstone | SetAside | WholeExport | Rejected):
        return set()
    if isinstance(record, StatedNight | StatedTotal):
        return {record.date.toordinal() - EPOCH}
    if isinstance(record, Bucket):
        return {record.start // DAY_MS} if record.date is None else {record.date.toordinal() - EPOCH}
    if isinstance(record, Clinical):
        start = record.start or 0
        return {start // DAY_MS, (record.end or start) // DAY_MS}
    return {record.start // DAY_MS, record.end // DAY_MS}  # a long interval stands in both uploads with both of its ends
