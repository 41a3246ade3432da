"""Brings a database to this version's schema: numbered changes, each one transaction, after a verified copy.

The register is ``sqlite_utils.Migrations``. It is applied one change at a time inside ``Database.writing()``: there its own
transactions become savepoints of ours, so a change and its mark are one commit under the write lock, and a kill between two
changes resumes with the next. A new change is a new ``mNNNN_name.py`` with ``STATEMENTS`` and one entry in ``NUMBERED``.
"""

import sqlite3
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import cast

import sqlite_utils
from sqlalchemy import Connection

from healthbox.domain.errors import Problem
from healthbox.store import settings
from healthbox.store.disk import sync_folder
from healthbox.store.engine import Database
from healthbox.store.migrations import m0001_first
from healthbox.store.snapshot import snapshot

NUMBERED: tuple[ModuleType, ...] = (m0001_first,)


def known() -> list[str]:
    """The names of every change this version has, in order."""
    return [_name(module) for module in NUMBERED]


def upgrade(database: Database) -> list[str]:
    """Apply what the database lacks; the names applied. Raises ``newer_schema`` before anything is touched."""
    with database.reading() as connection:
        have = applied(connection)
    refuse_unknown(have)
    register = _register()
    if have and len(have) < len(NUMBERED):
        copy = database.data / f"before-upgrade-{have[-1]}.db"
        partial = copy.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        snapshot(database.path, partial)
        partial.rename(copy)
        sync_folder(database.data)
    done: list[str] = []
    while True:
        with database.writing() as connection:
            target = sqlite_utils.Database(
                cast(sqlite3.Connection, connection.connection.dbapi_connection), recursive_triggers=False, execute_plugins=False
            )
            waiting = [change.name for change in register.pending(target)]
            if not waiting:
                settings.ensure_epoch(connection)
                return done
            register.apply(target, stop_before=waiting[1:2])
            done.append(waiting[0])


def applied(connection: Connection) -> list[str]:
    """The changes a database holds, in order; empty for a new one."""
    table = sqlite_utils.Migrations.migrations_table
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).first():
        return []
    return list(connection.exec_driver_sql("SELECT name FROM _sqlite_migrations WHERE migration_set = 'healthbox' ORDER BY id").scalars())


def refuse_unknown(have: list[str]) -> None:
    """Raises ``newer_schema`` when a database or backup holds a change that this version does not know."""
    if unknown := sorted(set(have) - set(known())):
        raise Problem(
            f"The database was written by a newer healthbox (it holds {unknown[-1]}).",
            hint="Install that version again, or restore a backup made by this one.",
            code="newer_schema",
        )


def _register() -> sqlite_utils.Migrations:
    register = sqlite_utils.Migrations("healthbox")
    for module in NUMBERED:
        register(name=_name(module))(_change(module.STATEMENTS))
    return register


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _change(text: str) -> Callable[[sqlite_utils.Database], None]:
    def change(db: sqlite_utils.Database) -> None:
        for statement in _statements(text):
            db.conn.execute(statement)

    return change


def _statements(text: str) -> Iterator[str]:
    """Single statements: ``executescript`` would commit the transaction that is open."""
    statement = ""
    for piece in text.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement) and statement.strip(" \n;"):
            yield statement
            statement = ""
