"""What the ledger knows of a file that is being taken in."""

from sqlalchemy import Connection


def accepted_since(c: Connection, device_id: int, sha: bytes, since: int) -> str | None:
    """The public name of the batch in which the device gave this very content at or after ``since`` (ms): after a crash it tells
    that a file was accepted already. The newest where there are several."""
    found = c.exec_driver_sql(
        "SELECT public FROM chunk JOIN batch ON batch.id = batch_id WHERE chunk.sha=? AND device_id=? AND accepted_at>=? "
        "ORDER BY chunk.id DESC LIMIT 1",
        (sha, device_id, since),
    ).scalar()
    return None if found is None else str(found)
