"""Where a command works: the data folder, its database, the person it is about."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Connection

from healthbox.config import Settings, load
from healthbox.domain.errors import NotFound, Problem
from healthbox.store import disk, ledger, people, restore
from healthbox.store.engine import FILE, Database
from healthbox.store.locks import ServerLock, is_held
from healthbox.store.migrations.upgrade import applied, known, refuse_unknown, upgrade

STARTING_S = 5.0  # a server that has just started is given so long to bring its database up to date
_KEY = "healthbox.data"


def remember(ctx: click.Context, _option: click.Parameter, value: Path | None) -> None:
    """Keep ``--data``, on whatever command of the line it stands."""
    if value is not None:
        ctx.meta[_KEY] = value


def settings() -> Settings:
    """The settings in force for the running command. Raises ``Invalid``, naming what cannot be used, or ``unwritable``."""
    folder = click.get_current_context().meta.get(_KEY) or os.environ.get("HEALTHBOX_DATA")
    if folder and os.path.isdir(folder) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        disk.prepare(Path(folder))  # says so in its own words, before its config.toml is looked for in vain
    return load(click.get_current_context().meta.get(_KEY), os.environ)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_database(given: Settings) -> Database:
    """The database of a data folder, upgraded; the caller holds the server lock."""
    restore.resume(given.data)
    database = Database(given.data)
    upgrade(database)
    return database


@contextmanager
def opened(given: Settings | None = None, *, create: bool = False) -> Iterator[Database]:
    """The database, beside a running server or without one; made where ``create`` says so, else raises ``NotFound`` where none is."""
    given = given or settings()
    if create or os.path.isdir(given.data):
        disk.prepare(given.data)
    if not create and not _is_there(given.data):
        raise NotFound(
            f"There is no healthbox data in {given.data}.",
            hint="Name its folder with --data or HEALTHBOX_DATA. `healthbox serve` and `healthbox person add` make a new one.",
        )
    database = _beside(given) if is_held(given.data) else _alone(given)
    try:
        yield database
    finally:
        database.close()


def person_of(c: Connection, name: str) -> people.Person:
    """A person by name, in any case, or by id. Raises ``NotFound``."""
    try:
        return people.get_person(c, name)
    except NotFound:
        if name.isdecimal() and len(name) < 18:
            return people.get_person(c, int(name))
        raise


def upload_of(c: Connection, public: str) -> ledger.Batch:
    """An upload by its id. Raises ``NotFound``."""
    found = ledger.by_public(c, public)
    if found is None:
        raise NotFound("There is no such upload.", hint="See: healthbox batches")
    return found


def _is_there(data: Path) -> bool:
    return os.path.exists(data / FILE) or any(data.glob("restore-ready-*"))  # the latter: a restore that was cut short


def _alone(given: Settings) -> Database:
    try:
        with ServerLock(given.data):
            return open_database(given)
    except Problem as problem:
        if problem.code != "already_running":
            raise
        return _beside(given)


def _beside(given: Settings) -> Database:
    """The schema is the server's to change; a command of another version than the server keeps its hands off."""
    database = Database(given.data)
    end = time.monotonic() + STARTING_S
    while True:
        with database.reading() as c:
            have = applied(c)
        if have == known():
            return database
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    database.close()
    refuse_unknown(have)
    raise Problem(
        "The running server is of another version than this command.", hint="Restart the server, then try again.", code="other_version"
    )
