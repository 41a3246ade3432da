"""A copy of a live database that is one instant of it, and what an honest copy looks like.

The copy is SQLite's online backup inside one read transaction rather than VACUUM INTO: VACUUM opens its own
transaction, so the rows of a database that is being written could not be counted in the very snapshot that was copied.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from healthbox.domain.errors import DiskFull, Problem, Unavailable


def open_copy(path: Path) -> sqlite3.Connection:
    """A finished copy that nobody writes; ``immutable`` keeps SQLite from making a -wal or -shm beside it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows per table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name").fetchall()
    # the names come from the database's own schema
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}


def inspect(path: Path) -> dict[str, int]:
    """Rows per table of a copy that passes ``integrity_check``; raises ``bad_copy`` otherwise."""
    try:
        with closing(open_copy(path)) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            found = counts(connection)
    except sqlite3.DatabaseError as error:
        raise _bad(path, str(error)) from error
    if verdict != "ok":
        raise _bad(path, verdict)
    return found


def snapshot(source: Path, target: Path) -> dict[str, int]:
    """Copy a live database into a new file (0600, on disk, no log beside it); its rows per table, counted on both sides.

    Raises ``DiskFull``, ``Unavailable`` or ``bad_copy``; then no target is left.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as live:
            live.execute("PRAGMA busy_timeout=10000")
            live.execute("BEGIN")
            expected = counts(live)
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                live.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
            live.execute("COMMIT")
        found = inspect(target)
        if found != expected:
            raise _bad(target, "its row counts differ from the database's")
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull("The disk became full while the database was copied.", hint="Free some space where the copy goes.") from error
        if isinstance(error, sqlite3.Error):
            raise Unavailable(f"The database could not be copied: {error}.", hint="Try again; if it stays, run: healthbox check") from error
        raise
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return found


def _bad(path: Path, reason: str) -> Problem:
    return Problem(
        f"The database copy {path.name} is not sound: {reason}.",
        hint="Use another backup; if the copy is fresh, run: healthbox check",
        code="bad_copy",
    )
