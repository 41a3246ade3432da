"""Deliveries: one durable row per (finding, state, channel), written with the finding itself.

    pending → sending → sent
                      → pending again after 30, 90, 270 s → dead

The row says ``sending`` before the first byte leaves. A process killed between sending and marking leaves it so; nobody can
know then whether the message arrived, and at boot it is tried again while attempts are left: at least once, and never a
second row for what has been said. A kill at any other moment sends nothing twice.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import NotFound

Status = Literal["pending", "sending", "sent", "dead"]
WAITS = (30_000, 90_000, 270_000)
ATTEMPTS = len(WAITS) + 1
SEVERITIES = ("info", "warn", "urgent")
RANK = "CASE {} WHEN 'info' THEN 0 WHEN 'warn' THEN 1 ELSE 2 END"
OPEN = "status='pending' AND status IN ('pending', 'sending')"  # the second half names the partial index
COLUMNS = "delivery.id, finding_id, delivery.state, channel_id, delivery.status, attempts, due_at, error, delivery.created_at, sent_at"


class Delivery(msgspec.Struct, frozen=True):
    """Instants in milliseconds. ``state`` is what of the finding it tells; ``error`` the service's last words, redacted."""

    id: int
    finding_id: int
    state: str
    channel_id: int
    status: Status
    attempts: int
    due_at: int
    error: str | None
    created_at: int
    sent_at: int | None


def _rows(c: Connection, rest: str, values: tuple[Any, ...]) -> list[Delivery]:
    found = c.exec_driver_sql(f"SELECT {COLUMNS} FROM delivery {rest}", values)
    return [msgspec.convert(dict(row), Delivery) for row in found.mappings()]


def create(c: Connection, finding_id: int, state: str, now: int, *, category: str = "", today: int | None = None) -> int:
    """A row for each enabled channel of the person that wants this severity and has none yet; how many are new.

    With ``today`` (ms, when the person's day began) a channel that was given another finding of this ``category`` since then is
    left out, unless this one is urgent: it is shown, and told on a later day if it lasts."""
    wanted = f"{RANK.format('channel.least')} <= {RANK.format('finding.severity')}"
    told = (
        "SELECT 1 FROM delivery AS other WHERE other.channel_id=channel.id AND other.category=? AND other.created_at>=? "
        "AND other.finding_id<>finding.id AND other.status<>'dead'"
    )
    return c.exec_driver_sql(
        "INSERT OR IGNORE INTO delivery (finding_id, state, channel_id, status, due_at, category, created_at) "
        "SELECT finding.id, ?, channel.id, 'pending', ?, ?, ? FROM finding JOIN channel USING (person_id) "
        f"WHERE finding.id=? AND channel.enabled AND {wanted} AND (? IS NULL OR finding.severity='urgent' OR NOT EXISTS ({told}))",
        (state, now, category, now, finding_id, today, category, today),
    ).rowcount


def drop_pending(c: Connection, finding_id: int) -> None:
    """There is nothing to say any more."""
    c.exec_driver_sql("DELETE FROM delivery WHERE finding_id=? AND status='pending'", (finding_id,))


def claim(c: Connection, now: int) -> Delivery | None:
    """The delivery that is due longest, from now on ``sending``; None when none is due."""
    due = c.exec_driver_sql(f"SELECT id FROM delivery WHERE {OPEN} AND due_at <= ? ORDER BY due_at, id LIMIT 1", (now,)).scalar()
    if due is None:
        return None
    c.exec_driver_sql("UPDATE delivery SET status='sending', attempts=attempts+1 WHERE id=? AND status='pending'", (due,))
    return _rows(c, "WHERE id=?", (due,))[0]


def mark_sent(c: Connection, delivery_id: int, now: int) -> None:
    c.exec_driver_sql("UPDATE delivery SET status='sent', sent_at=?, error=NULL WHERE id=? AND status='sending'", (now, delivery_id))


def mark_failed(c: Connection, delivery_id: int, error: str, now: int, *, permanent: bool = False) -> None:
    """Due again after 30, 90, 270 s; then, or when trying again is useless, dead."""
    attempts = c.exec_driver_sql("SELECT attempts FROM delivery WHERE id=? AND status='sending'", (delivery_id,)).scalar()
    if attempts is None:
        return
    status, due = ("dead", now) if permanent or attempts >= ATTEMPTS else ("pending", now + WAITS[attempts - 1])
    c.exec_driver_sql("UPDATE delivery SET status=?, due_at=?, error=? WHERE id=?", (status, due, error[:500], delivery_id))


def resume(c: Connection, now: int) -> int:
    """At boot, before anything is claimed: what a killed process was sending is due again, or dead; how many rows."""
    return c.exec_driver_sql(
        "UPDATE delivery SET status=CASE WHEN attempts < ? THEN 'pending' ELSE 'dead' END, due_at=?, "
        "error='The server stopped while this was being sent.' WHERE status='sending'",
        (ATTEMPTS, now),
    ).rowcount


def next_due(c: Connection) -> int | None:
    """When the next delivery is due, in milliseconds."""
    return c.exec_driver_sql(f"SELECT min(due_at) FROM delivery WHERE {OPEN}").scalar()


def again(c: Connection, person_id: int, delivery_id: int, now: int) -> None:
    """A person asks for a dead delivery to be tried once more, from the start of the schedule."""
    done = c.exec_driver_sql(
        "UPDATE delivery SET status='pending', attempts=0, due_at=? WHERE id=? AND status='dead' "
        "AND finding_id IN (SELECT id FROM finding WHERE person_id=?)",
        (now, delivery_id, person_id),
    )
    if not done.rowcount:
        raise NotFound("There is no such failed delivery.")


def of_person(c: Connection, person_id: int, limit: int = 100) -> list[Delivery]:
    """The newest deliveries about a person's findings."""
    return _rows(c, "JOIN finding ON finding.id=finding_id WHERE person_id=? ORDER BY delivery.id DESC LIMIT ?", (person_id, limit))


def dead_count(c: Connection, person_id: int) -> int:
    """Messages that could not be delivered."""
    dead = "SELECT count(*) FROM delivery JOIN finding ON finding.id=finding_id WHERE person_id=? AND status='dead'"
    return int(c.exec_driver_sql(dead, (person_id,)).scalar_one())
