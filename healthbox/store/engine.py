"""The database: one writer, many readers, durable commits.

Readers are ``query_only`` connections in plain BEGIN (a stable snapshot). The writer is one connection behind one lock;
every write transaction is BEGIN IMMEDIATE .. COMMIT with ``synchronous=FULL``, and holds ``write.lock`` so that a command
line process beside the server never writes or checkpoints at the same moment. Uploads that wait at the same time are
committed together: one flush of the disk makes them all durable.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from healthbox.domain.errors import DiskFull, Problem, Unavailable

BUSY_MS = 10_000
FILE = "healthbox.db"

AnyConnection = Connection | sqlite3.Connection
Answer = TypeVar("Answer")

PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA wal_autocheckpoint=4000",  # pages: what an import writes again and again goes into the file once
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


def driver(c: AnyConnection) -> sqlite3.Connection:
    """The connection beneath, for reads of very many rows (there a result object around each row costs more than the row)
    and for what every upload does (there a statement costs a sixth)."""
    return c if isinstance(c, sqlite3.Connection) else cast(sqlite3.Connection, c.connection.driver_connection)


def translated(error: DBAPIError | sqlite3.Error) -> Problem | None:
    """The word for a database error that is the machine's trouble, not the caller's: full disk, busy, I/O."""
    name = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return DiskFull("The disk is full.", hint="Free some space on the data volume; nothing accepted so far is lost.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_NOMEM")):
        return Unavailable("The database could not be used just now.", hint="Try again; if it stays, run: healthbox check")
    return None


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if problem := translated(error):
            raise problem from error
        raise


class _Job(Generic[Answer]):
    """Work that waits for a transaction. ``gate`` opens when it is finished, or when it is this job's turn to lead the others."""

    def __init__(self, work: Callable[[sqlite3.Connection], Answer]) -> None:
        self.work = work
        self.finished = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class Database:
    """The one SQLite file of a data directory and the ways to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / FILE
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._flock = os.open(data / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._joining = threading.Lock()  # over the two below
        self._jobs: list[_Job[Any]] = []
        self._led = False
        self._glances: list[sqlite3.Connection] = []
        self.writer = _engine(self.path, readonly=False)
        with self.writing() as connection:  # creates the file, in WAL mode, before any reader opens it
            connection.exec_driver_sql("PRAGMA user_version")
            self._beneath = driver(connection)
        os.chmod(self.path, 0o600)
        self.reader = _engine(self.path, readonly=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot of the database; writing through it is refused."""
        with _in_words(), self.reader.connect() as connection:
            yield connection

    @contextmanager
    def glance(self) -> Iterator[sqlite3.Connection]:
        """For a single look at a row or two: a driver's connection outside any transaction, each statement sees its own instant."""
        with _in_words():
            try:
                connection = self._glances.pop()
            except IndexError:
                connection = sqlite3.connect(self.path, check_same_thread=False, timeout=BUSY_MS / 1000)
                prepare(connection, readonly=True)
            yield connection
            self._glances.append(connection)  # after an error it is dropped instead

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end and durable then; rolled back when anything is raised. Never nested."""
        with self._turn(), _in_words(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def working(self) -> Iterator[Connection]:
        """As ``writing``, for results that were promised to nobody and whose to-do is a row: the commit does not wait for the disk.

        A kill loses nothing. A power cut may take the last commits, newest first and never one without those after it: the to-do
        is there again then. The next ``writing`` makes them durable too."""
        with self._turn(), _in_words():
            self._beneath.execute("PRAGMA synchronous=NORMAL")
            try:
                with self.writer.begin() as connection:
                    yield connection
            finally:
                self._beneath.execute("PRAGMA synchronous=FULL")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._refuse_nested()
        with self._lock:
            self._owner = threading.get_ident()
            try:
                fcntl.flock(self._flock, fcntl.LOCK_EX)
                yield
            finally:
                self._owner = None
                fcntl.flock(self._flock, fcntl.LOCK_UN)

    def _refuse_nested(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("a write transaction is already open in this thread")

    def join(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do ``work`` in a write transaction that it may share with other threads' work; durable on return.

        What one work raises undoes nothing of the others and is raised here. For that it may be called a second time, after
        everything of the first was rolled back.
        """
        self._refuse_nested()
        job = _Job(work)
        with self._joining:
            self._jobs.append(job)
            leads = not self._led
            self._led = True
        if not leads:
            job.gate.acquire()
        if not job.finished:
            self._lead()
        if job.error is not None:
            raise job.error
        return cast(Answer, job.answer)

    def _lead(self) -> None:
        """Commit whatever waits by the time the write lock is ours; then the first of those who came later leads."""
        jobs: list[_Job[Any]] = []
        try:
            with self._turn():
                jobs = self._waiting()
                if not self._done(jobs):
                    for job in jobs:
                        self._done([job])
        except BaseException as error:  # the lock could not be had: nobody may be left waiting
            jobs = jobs or self._waiting()
            for job in jobs:
                job.error = error
        for job in jobs:
            job.finished = True
            job.gate.release()
        with self._joining:
            self._led = bool(self._jobs)
            if self._led:
                self._jobs[0].gate.release()

    def _waiting(self) -> list[_Job[Any]]:
        with self._joining:
            jobs, self._jobs = self._jobs, []
        return jobs

    def _done(self, jobs: list[_Job[Any]]) -> bool:
        """One transaction of all of them; False when it was rolled back."""
        try:
            with _in_words(), self._transaction() as connection:
                for job in jobs:
                    job.answer = job.work(connection)
                    job.error = None
        except Exception as error:  # whose it is shows when each is done alone; each thread raises its own
            for job in jobs:
                job.error = error
            return len(jobs) == 1
        return True

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """As ``writing`` does it, on the same connection, without what SQLAlchemy adds."""
        self._beneath.execute("BEGIN IMMEDIATE")
        try:
            yield self._beneath
            self._beneath.execute("COMMIT")
        except BaseException:
            if self._beneath.in_transaction:  # a full disk may have rolled it back already
                self._beneath.execute("ROLLBACK")
            raise

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
        while self._glances:
            self._glances.pop().close()
        self.reader.dispose()
        self.writer.dispose()
        os.close(self._flock)
