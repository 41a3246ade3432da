"""Close: give finished batches their status and move the anchors that may move."""

import logging

from healthbox.store import anchors, ledger
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.close")


def close_batches(database: Database, now: int) -> bool:
    """Close what can be closed; False when nothing could."""
    with database.reading() as c:
        ready = ledger.closable(c, now)
    for batch_id in ready:
        with database.writing() as c:
            status = ledger.close(c, batch_id, now)
            for candidate in anchors.unblocked(c, batch_id):
                anchors.settle(c, candidate, now)
        log.info("batch closed", extra={"batch_id": batch_id, "status": status})
    return bool(ready)
