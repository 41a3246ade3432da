"""Reconcile: the samples that a whole export lacks, as ``supersede`` does it for stages and workouts, but only when a person says so.

While the file is read, what it holds is noted beside the database (``store/held``). When its batch closes as a whole export, what
it lacks is counted; then somebody decides. All of it in windows, each one transaction with its cursor.
"""

import logging
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Conflict
from healthbox.domain.records import Record, Sample, SampleBlock, SourceRef
from healthbox.pipeline.ready import Ready, ready
from healthbox.pipeline.store_records import Step
from healthbox.store import days, held, metrics, people, reconciling
from healthbox.store.engine import Database
from healthbox.store.reconciling import Moved, Reconcile

log = logging.getLogger("healthbox.reconcile")


def note(step: Step, items: Iterable[Record | SampleBlock | Ready], spool: Path) -> None:
    """What a step of an export that is to be reconciled holds, before the step is committed."""
    one = reconciling.get(step.c, step.claim.batch_id)
    if one is None or one.state != "reading":
        return
    file = spool / one.held
    if step.claim.position and not file.is_file():
        reconciling.put_state(step.c, one.batch_id, "lost", was=("reading",))
        return
    if not step.claim.position:
        held.make(file)
    held.add(file, _held(step, items))


def _held(step: Step, items: Iterable[Record | SampleBlock | Ready]) -> Iterator[tuple[int, int, int, float]]:
    for given in items:
        item = (ready(given, step.catalogue) or given) if isinstance(given, SampleBlock) else given
        if isinstance(item, Ready):
            series_id = _series(step, item.key, item.source) if item.bare or item.full else None
            if series_id is not None:
                yield from ((series_id, *row) for row in item.said())
        elif isinstance(item, SampleBlock | Sample):  # one by one, of whatever kind: where it stands says enough
            metric = step.catalogue.find(item.naming, item.metric, item.unit)
            series_id = _series(step, metric.key if metric else metrics.unknown_key(item.metric, item.unit), item.source)
            times = [(row[1], row[2]) for row in item.rows] if isinstance(item, SampleBlock) else [(item.start, item.end)]
            if series_id is not None:
                yield from ((series_id, start // 1000, end // 1000, math.inf) for start, end in times)


def _series(step: Step, key: str, source: SourceRef) -> int | None:
    source_id = step.sources.known(source)
    return None if source_id is None else reconciling.series_of(step.c, step.claim.person_id, key, source_id)


def close(c: Connection, batch_id: int, *, whole: bool) -> None:
    """The batch is closed: count what the export lacks, if it is a whole one."""
    reconciling.put_state(c, batch_id, "counting" if whole else "dropped", was=("reading",))


def step_due(database: Database, now: int) -> set[int]:
    """One window of everything that is counted, moved or given back; the people whose it is."""
    with database.reading() as c:
        waiting = reconciling.working(c)
    for one in waiting:
        file = database.data / "spool" / one.held
        with database.writing() as c:
            _step(c, one, file, now)
            after = reconciling.get(c, one.batch_id)
        if after is None or after.state not in reconciling.NEEDS_HELD:
            file.unlink(missing_ok=True)
    return {one.person_id for one in waiting}


def _step(c: Connection, one: Reconcile, file: Path, now: int) -> None:
    if one.state == "returning":
        give_back(c, one.batch_id, one.person_id, now)
    elif not file.is_file():
        reconciling.put_state(c, one.batch_id, "lost", was=(one.state,))
    else:
        _mark(c, one.person_id, reconciling.step(c, one, file), now)


def give_back(c: Connection, batch_id: int, person_id: int, now: int) -> bool:
    """One window of samples counts again; True when it was the last."""
    moved, done = reconciling.give_back(c, batch_id)
    _mark(c, person_id, moved, now)
    if done:
        reconciling.put_state(c, batch_id, "returned", was=("returning",))
    return done


def _mark(c: Connection, person_id: int, moved: list[Moved], now: int) -> None:
    """Whole seconds by floor: the end may lie up to 999 ms later."""
    if not moved:
        return
    zones = ZoneHistory(people.zone_history(c, person_id))
    marks: set[tuple[str, str]] = set()
    for one in moved:
        start, end = one.start * 1000, one.end * 1000 + 999
        marks.update((one.metric, date.isoformat()) for date in zones.dates(start, end))
        if one.zone is not None:
            marks.update((one.metric, zones.local_date(at, one.zone).isoformat()) for at in (start, end))
    days.mark(c, person_id, marks, now)
    log.info("samples reconciled", extra={"samples": len(moved), "days": len(marks)})


def decide(database: Database, batch_id: int, *, move: bool) -> None:
    """The answer to what was counted. Raises ``Conflict`` when nobody asks."""
    with database.writing() as c:
        one = reconciling.get(c, batch_id)
        if one is None or not reconciling.put_state(c, batch_id, "moving" if move else "dropped", was=("asking",)):
            raise Conflict("This upload asks nothing.", hint="Import the file again with --reconcile.", code="not_asking")
    if not move:
        (database.data / "spool" / one.held).unlink(missing_ok=True)
