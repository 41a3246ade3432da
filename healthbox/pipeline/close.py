"""Close: give finished batches their status and move the anchors that may move."""

import logging

from healthbox.pipeline import meters
from healthbox.store import anchors, ledger
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.close")


def close_batches(database: Database, now: int) -> set[int]:
    """Close what can be closed; the people whose batches they were."""
    people = set()
    with database.reading() as c:
        ready = ledger.closable(c, now)
    for batch_id in ready:
        with database.writing() as c:
            status = ledger.close(c, batch_id, now)
            batch = ledger.get_batch(c, batch_id)
            people.add(batch.person_id)
            for candidate in anchors.unblocked(c, batch_id):
                anchors.settle(c, candidate, now)
        meters.BATCH_SECONDS.observe((now - batch.created_at) / 1000)
        log.info("batch closed", extra={"batch_id": batch_id, "status": status})
    return people
