"""The schedule's rows."""

from typing import NamedTuple

from sqlalchemy import Connection


class JobRow(NamedTuple):
    name: str
    due_at: int
    last_at: int | None
    last_error: str | None


def ensure(c: Connection, name: str, due_at: int) -> None:
    c.exec_driver_sql("INSERT OR IGNORE INTO job (name, due_at) VALUES (?,?)", (name, due_at))


def due(c: Connection, now: int, latest: int = 1 << 62) -> list[str]:
    """Also what is due after ``latest``: a clock that was ahead has put it off."""
    rows = c.exec_driver_sql("SELECT name FROM job WHERE due_at<=? OR due_at>? ORDER BY due_at, name", (now, latest))
    return [row[0] for row in rows.fetchall()]


def last_at(c: Connection, name: str) -> int | None:
    """When (ms) the job last ended well."""
    return c.exec_driver_sql("SELECT last_at FROM job WHERE name=?", (name,)).scalar()


def hasten(c: Connection, name: str, now: int) -> None:
    """Due now, where it is not already."""
    c.exec_driver_sql("UPDATE job SET due_at=min(due_at, ?) WHERE name=?", (now, name))


def finish(c: Connection, name: str, *, due_at: int, now: int, error: str | None) -> None:
    c.exec_driver_sql(
        "UPDATE job SET due_at=?, last_error=?, attempts=CASE WHEN ? IS NULL THEN 0 ELSE attempts+1 END, "
        "last_at=CASE WHEN ? IS NULL THEN ? ELSE last_at END WHERE name=?",
        (due_at, error, error, error, now, name),
    )


def all_jobs(c: Connection) -> list[JobRow]:
    return [JobRow(*row) for row in c.exec_driver_sql("SELECT name, due_at, last_at, last_error FROM job ORDER BY name").fetchall()]
