"""Is the database what it should be? Read-only questions, for ``healthbox check``."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from healthbox.domain.errors import Problem

HINT = "Stop the server, keep the folder, and restore the newest backup: healthbox restore"


def quick_check(c: Connection) -> list[str]:
    """What SQLite finds wrong with its own file; empty when nothing. About a second per ten million rows."""
    found = [str(words) for words in c.exec_driver_sql("PRAGMA quick_check(5)").scalars()]
    if found == ["ok"]:
        found = []
    orphans = c.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    return found + [f"a row of {row[0]} refers to a {row[2]} that is not there" for row in orphans]


def broken(error: DBAPIError) -> Problem | None:
    """The words for a database file that cannot be read any more; None for any other error."""
    if not (getattr(error.orig, "sqlite_errorname", "") or "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return None
    return Problem(f"The database is damaged: {error.orig}.", hint=HINT, code="corrupt")


def version(c: Connection) -> str:
    """Of the SQLite library that is in use."""
    return str(c.exec_driver_sql("SELECT sqlite_version()").scalar_one())
