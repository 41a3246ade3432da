"""Repairs: replay a batch or a dead letter from its kept body, discard a dead letter."""

from pathlib import Path

from sqlalchemy import Connection

from healthbox.domain.errors import Conflict, NotFound
from healthbox.formats.registry import discover_files
from healthbox.pipeline.close import close_batch
from healthbox.store import ledger, repairs
from healthbox.store.engine import Database


def replay(database: Database, person_id: int, public: str, now: int) -> int:
    """Read a whole upload again from what was sent, as of when it was sent; its counts and refused records start anew.

    Returns how many chunks are due again: none where it is being read anyway. Raises ``Conflict`` when a part is no longer kept."""
    with database.writing() as c:
        batch = _own(c, person_id, public)
        parts = repairs.parts(c, batch.id)
        if any(part.status in ("pending", "running") for part in parts):
            return 0
        chunks = [part.id for part in parts if part.kept]
        if not chunks or any(_gone(database.data / "spool", part) for part in parts):
            what = "The file of this upload is" if batch.format in discover_files() else "The bodies of this upload are"
            raise Conflict(f"{what} no longer kept.", hint="Send the data again; nothing is counted twice.", code="body_gone")
        repairs.restart(c, batch.id, chunks, now)
        return len(chunks)


def _gone(spool: Path, part: repairs.Part) -> bool:
    if part.status == "discarded":
        return False
    return not part.kept if part.spool is None else not (spool / part.spool).is_file()


def replay_dead(database: Database, chunk_ids: list[int], now: int) -> int:
    """Dead letters are due again, from where they stopped."""
    with database.writing() as c:
        return repairs.revive(c, chunk_ids, now)


def discard_dead(database: Database, chunk_ids: list[int], now: int) -> int:
    """Give dead letters up: they are marked discarded, and anchors they held back may move."""
    with database.writing() as c:
        for batch_id in repairs.discard(c, chunk_ids, now):
            close_batch(c, batch_id, now)
        return len(chunk_ids)


def _own(c: Connection, person_id: int, public: str) -> ledger.Batch:
    batch = ledger.by_public(c, public)
    if batch is None or batch.person_id != person_id:
        raise NotFound("There is no such upload.", hint="See the list of uploads.")
    return batch
