"""Repairs: replay a batch or a dead letter from its kept body, discard a dead letter."""

from sqlalchemy import Connection

from healthbox.domain.errors import Conflict, NotFound
from healthbox.store import anchors, ledger, repairs
from healthbox.store.engine import Database


def replay(database: Database, person_id: int, public: str, now: int) -> int:
    """Read every kept body of a batch again; its counts start anew. Returns how many chunks are due again."""
    with database.writing() as c:
        batch = _own(c, person_id, public)
        chunks = repairs.replayable(c, batch.id)
        if not chunks:
            raise Conflict(
                "No body of this upload is kept any more.", hint="Send the data again; nothing is counted twice.", code="body_gone"
            )
        repairs.restart(c, batch.id, chunks, now)
        return len(chunks)


def replay_dead(database: Database, chunk_ids: list[int], now: int) -> int:
    """Dead letters are due again, from where they stopped."""
    with database.writing() as c:
        return repairs.revive(c, chunk_ids, now)


def discard_dead(database: Database, chunk_ids: list[int], now: int) -> int:
    """Give dead letters up: they are marked discarded, and anchors they held back may move."""
    with database.writing() as c:
        batches = repairs.discard(c, chunk_ids, now)
        for batch_id in batches:
            ledger.close(c, batch_id, now)
            for candidate in anchors.unblocked(c, batch_id):
                anchors.settle(c, candidate, now)
        return len(chunk_ids)


def _own(c: Connection, person_id: int, public: str) -> ledger.Batch:
    batch = ledger.by_public(c, public)
    if batch is None or batch.person_id != person_id:
        raise NotFound("There is no such upload.", hint="See the list of uploads.")
    return batch
