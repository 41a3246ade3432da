"""Is the database what it should be? Read-only questions, for ``healthbox check``."""

from sqlalchemy import Connection


def quick_check(c: Connection) -> list[str]:
    """What SQLite finds wrong with its own file; empty when nothing. About a second per ten million rows."""
    found = [str(words) for words in c.exec_driver_sql("PRAGMA quick_check(5)").scalars()]
    if found == ["ok"]:
        found = []
    orphans = c.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    return found + [f"a row of {row[0]} refers to a {row[2]} that is not there" for row in orphans]


def version(c: Connection) -> str:
    """Of the SQLite library that is in use."""
    return str(c.exec_driver_sql("SELECT sqlite_version()").scalar_one())
