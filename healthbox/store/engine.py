"""The database: one writer, many readers, durable commits.

Readers are ``query_only`` connections in plain BEGIN (a stable snapshot). The writer is one connection behind one lock;
every write transaction is BEGIN IMMEDIATE .. COMMIT with ``synchronous=FULL``, and holds ``write.lock`` so that a command
line process beside the server never writes or checkpoints at the same moment.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from healthbox.domain.errors import DiskFull, Problem, Unavailable

BUSY_MS = 10_000
FILE = "healthbox.db"

PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
)


def prepare(connection: sqlite3.Connection, *, readonly: bool) -> None:
    """Settings of a fresh connection; SQLAlchemy's own transaction handling is off, ours is in ``_begin``."""
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma)
    if readonly:
        connection.execute("PRAGMA query_only=ON")


def _engine(path: Path, *, readonly: bool) -> Engine:
    # Many request threads read; the one writing connection is shared behind the write lock.
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 4, "max_overflow": 28} if readonly else {"poolclass": StaticPool}
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000}, **pool)

    def connect(connection: Any, _record: object) -> None:
        prepare(connection, readonly=readonly)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine


def driver(c: Connection) -> sqlite3.Connection:
    """The connection beneath, for reads of very many rows: there a result object around each row costs more than the row."""
    return cast(sqlite3.Connection, c.connection.driver_connection)


def translated(error: DBAPIError) -> Problem | None:
    """The word for a database error that is the machine's trouble, not the caller's: full disk, busy, I/O."""
    name = getattr(error.orig, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return DiskFull("The disk is full.", hint="Free some space on the data volume; nothing accepted so far is lost.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_NOMEM")):
        return Unavailable("The database could not be used just now.", hint="Try again; if it stays, run: healthbox check")
    return None


class Database:
    """The one SQLite file of a data directory and the two ways to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / FILE
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._flock = os.open(data / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.writer = _engine(self.path, readonly=False)
        with self.writing() as connection:  # creates the file, in WAL mode, before any reader opens it
            connection.exec_driver_sql("PRAGMA user_version")
        os.chmod(self.path, 0o600)
        self.reader = _engine(self.path, readonly=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot of the database; writing through it is refused."""
        try:
            with self.reader.connect() as connection:
                yield connection
        except DBAPIError as error:
            if problem := translated(error):
                raise problem from error
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end and durable then; rolled back when anything is raised. Never nested."""
        if self._owner == threading.get_ident():
            raise RuntimeError("a write transaction is already open in this thread")
        with self._lock:
            self._owner = threading.get_ident()
            fcntl.flock(self._flock, fcntl.LOCK_EX)
            try:
                with self.writer.begin() as connection:
                    yield connection
            except DBAPIError as error:
                if problem := translated(error):
                    raise problem from error
                raise
            finally:
                fcntl.flock(self._flock, fcntl.LOCK_UN)
                self._owner = None

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file: at a clean stop, so that the next start and a file copy are cheap."""
        with self._lock:
            fcntl.flock(self._flock, fcntl.LOCK_EX)
            try:
                raw = self.writer.raw_connection()
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                fcntl.flock(self._flock, fcntl.LOCK_UN)

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()
        os.close(self._flock)
