"""What people decide on Settings, and what follows from it: days to fold again."""

import datetime as dt

from sqlalchemy import Connection

from healthbox.store.days import KNOWN

EVERYTHING = "*"


def own_orders(c: Connection, person_id: int) -> dict[str, list[int]]:
    """The person's own orders of sources, best first, by metric (``*``: for all of them)."""
    rows = c.exec_driver_sql("SELECT metric, source_id FROM precedence WHERE person_id=? ORDER BY metric, rank", (person_id,))
    orders: dict[str, list[int]] = {}
    for metric, source_id in rows:
        orders.setdefault(metric, []).append(source_id)
    return orders


def measured_by(c: Connection, person_id: int) -> dict[str, list[int]]:
    """Which sources have ever given samples of a metric."""
    found: dict[str, list[int]] = {}
    for metric, source_id in c.exec_driver_sql(
        "SELECT DISTINCT metric, source_id FROM series WHERE person_id=? ORDER BY metric, source_id", (person_id,)
    ):
        found.setdefault(metric, []).append(source_id)
    return found


def mark_following(
    c: Connection, person_id: int, now: int, *, metric: str | None = None, since: dt.date | None = None, until: dt.date | None = None
) -> int:
    """Mark all known days and nights (of one metric, between two dates) and their neighbours: an edge that moves may make a new day."""
    low, high = since.isoformat() if since else "", until.isoformat() if until else "9999"
    return c.exec_driver_sql(
        "INSERT INTO dirty_day (person_id, metric, date, generation, marked_at) "
        f"SELECT DISTINCT :person, metric, date(known.date, shift.by), 1, :now FROM {KNOWN} AS known, "
        "(SELECT '-1 day' AS by UNION ALL SELECT '+0 day' UNION ALL SELECT '+1 day') AS shift "
        "WHERE (:metric IS NULL OR metric=:metric) AND known.date BETWEEN :low AND :high ON CONFLICT DO UPDATE SET generation=generation+1",
        {"person": person_id, "now": now, "metric": metric, "low": low, "high": high},
    ).rowcount
