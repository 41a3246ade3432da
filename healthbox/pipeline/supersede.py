"""Supersede: what a whole export says by its silence. A newer one that lacks a stage or a workout sets it aside.

While the file is read, each step notes which sources and dates it speaks of. When its batch closes, and all of the file could
be read, the export is in force: rows that it lacks are set aside in slices, the first one in the transaction that closes.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Conflict, NotFound
from healthbox.domain.records import Record, Rejected, Sample, SampleBlock, SleepStage, SourceRef, Tombstone, Workout
from healthbox.formats.contract import UNREADABLE
from healthbox.pipeline import reconcile
from healthbox.pipeline.ready import Ready
from healthbox.pipeline.store_records import Step
from healthbox.store import days, ledger, people, reconciling, superseding
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.supersede")
SLEEP = "sleep_analysis"


def note(step: Step, items: Sequence[Record | SampleBlock | Ready], spool: Path) -> None:
    """A step of a whole export is stored: remember, in its transaction, of which sources and whole dates it spoke."""
    spans: dict[SourceRef, tuple[int, int]] = {}
    as_of: int | None = None
    for item in items:
        if isinstance(item, Rejected | Tombstone):
            continue
        if isinstance(item, Sample | SampleBlock | Ready | SleepStage | Workout):
            first, last = _span(item)
            low, high = spans.get(item.source, (first, last))
            spans[item.source] = (min(low, first), max(high, last))
        said = getattr(item, "as_of", None)
        if said is not None and (as_of is None or said > as_of):
            as_of = said
    covers: dict[int, tuple[int, int]] = {}
    for source, (first, last) in spans.items():
        source_id = step.sources.known(source)
        if source_id is not None:
            first, last = step.zones.bounds(step.zones.local_date(first))[0], step.zones.bounds(step.zones.local_date(last))[1]
            low, high = covers.get(source_id, (first, last))
            covers[source_id] = (min(low, first), max(high, last))
    if as_of is not None:
        as_of = min(as_of, step.claim.accepted_at)  # a phone whose clock is ahead does not speak for days to come
    superseding.note(step.c, step.claim.batch_id, covers, as_of)
    reconcile.note(step, items, spool)


def _span(item: Sample | SampleBlock | Ready | SleepStage | Workout) -> tuple[int, int]:
    """First and last instant (ms) of a record or a block of them."""
    if isinstance(item, SampleBlock):
        return min(row[1] for row in item.rows), max(row[2] for row in item.rows)
    if isinstance(item, Ready):
        if not item.bare and not item.full:
            return _span(SampleBlock(metric="", naming=item.naming, unit=None, source=item.source, rows=item.rest))
        spans = item.spans or [row[:2] for row in item.said()]
        return min(start for start, _ in spans) * 1000, max(end for _, end in spans) * 1000
    return item.start, item.end


def close(c: Connection, batch: ledger.Batch, now: int) -> None:
    """The batch is closed: if it is a whole export, it is in force from here on."""
    superseding.judge(c, batch.id, UNREADABLE)
    reconcile.close(c, batch.id, whole=superseding.aside(c, batch.id) is not None)
    if superseding.is_due(c, batch.id):
        settle(c, batch.id, batch.person_id, now)


def waits(c: Connection, person_id: int | None = None) -> bool:
    """Whether some export has something left to settle or to reconcile (of one person, or of all)."""
    return bool(superseding.due(c, person_id) or reconciling.working(c, person_id))


def settle_due(database: Database, now: int) -> set[int]:
    """One slice of every export that has something left to settle or to reconcile; the people whose they are."""
    with database.reading() as c:
        waiting = superseding.due(c)
    for batch_id, person_id in waiting:
        with database.writing() as c:
            settle(c, batch_id, person_id, now)
    return {person_id for _, person_id in waiting} | reconcile.step_due(database, now)


def settle(c: Connection, batch_id: int, person_id: int, now: int, limit: int = superseding.SLICE) -> bool:
    """One slice of one export, with the nights that it touches; True when that was the last."""
    found = superseding.settle(c, batch_id, limit)
    zones = ZoneHistory(people.zone_history(c, person_id))
    days.mark(c, person_id, {(SLEEP, date.isoformat()) for span in found.nights for date in _wakings(zones, *span)}, now)
    if found.nights or found.workouts:
        log.info("superseding settled", extra={"batch": batch_id, "stages": len(found.nights), "workouts": found.workouts})
    return found.done


def _wakings(zones: ZoneHistory, start: int, end: int, zone: str | None) -> list[dt.date]:
    """A stage can move the edges of the night before it and after it."""
    first, last = zones.local_date(start, zone), zones.local_date(end, zone)
    return [first + dt.timedelta(days=n) for n in range(-1, (last - first).days + 2)]


def put_in_force(database: Database, person_id: int, public: str, *, undo: bool) -> None:
    """Count again what a whole export set aside, or set it aside once more. Raises ``NotFound``, or ``Conflict`` where it stands so."""
    with database.writing() as c:
        batch = ledger.by_public(c, public)
        if batch is None or batch.person_id != person_id:
            raise NotFound("There is no such upload.", hint="See the list of uploads.")
        returning = undo and reconciling.put_state(c, batch.id, "returning", was=("moved", "moving"))
        if not superseding.put_in_force(c, batch.id, undo=undo) and not returning:
            said = superseding.aside(c, batch.id)
            why = "This upload sets nothing aside." if said is None else "That is so already."
            raise Conflict(why, hint="Only an export that holds a whole history does." if said is None else "", code="nothing_aside")


def take_back(c: Connection, batch_id: int, person_id: int, now: int) -> None:
    """The upload is being removed: what it set aside counts again, all in the caller's transaction."""
    superseding.put_in_force(c, batch_id, undo=True)
    while not settle(c, batch_id, person_id, now):
        pass
    superseding.forget(c, batch_id)
    reconciling.forget(c, batch_id)
    while not reconcile.give_back(c, batch_id, person_id, now):
        pass
