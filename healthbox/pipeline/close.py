"""Close: give finished batches their status and move the anchors that may move."""

import logging

from sqlalchemy import Connection

from healthbox.pipeline import meters, supersede
from healthbox.store import anchors, ledger
from healthbox.store.engine import Database

OPEN = ("pending", "processing")
log = logging.getLogger("healthbox.close")


def close_batches(database: Database, now: int) -> set[int]:
    """Close what the processing of a last chunk did not: silent batches, and those a repair completed; then a slice of what whole
    exports set aside. The people whose they were."""
    people = set()
    with database.reading() as c:
        ready = ledger.closable(c, now)
    for batch_id in ready:
        with database.writing() as c:
            people.add(close_batch(c, batch_id, now))
    return people | supersede.settle_due(database, now)


def close_batch(c: Connection, batch_id: int, now: int) -> int:
    """Give one batch its final status and move the anchors that may move now; returns the person. One with a part still to be read
    is left as it is; one that was closed before is judged anew."""
    batch, status = ledger.get_batch(c, batch_id), ledger.close(c, batch_id, now)
    if status in OPEN:
        return batch.person_id
    anchors.settle(c, batch_id, now)
    supersede.close(c, batch, now)
    if batch.status in OPEN:
        meters.BATCH_SECONDS.observe((now - batch.created_at) / 1000)
    log.info("batch closed", extra={"batch": batch.public, "status": status})
    return batch.person_id
