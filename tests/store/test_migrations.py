import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from healthbox.domain.errors import Problem
from healthbox.store import settings
from healthbox.store.engine import Database
from healthbox.store.migrations import upgrade as upgrading
from healthbox.store.migrations.upgrade import applied, known, upgrade
from healthbox.store.people import add_person, list_persons

KILLED = """
import os, signal, sys
from pathlib import Path
from types import ModuleType
from healthbox.store.engine import Database
from healthbox.store.migrations import upgrade
for name, text in (("m0002_two", "CREATE TABLE two (id INTEGER PRIMARY KEY);"), ("m0003_three", "CREATE TABLE three (n); DIE;")):
    module = ModuleType(name)
    module.STATEMENTS = text
    upgrade.NUMBERED += (module,)
real = upgrade._statements
def dying(text):
    for statement in real(text):
        if statement.strip() == "DIE;":
            os.kill(os.getpid(), signal.SIGKILL)
        yield statement
upgrade._statements = dying
upgrade.upgrade(Database(Path(sys.argv[1])))
"""


def change(name: str, statements: str) -> ModuleType:
    module = ModuleType(f"healthbox.store.migrations.{name}")
    vars(module)["STATEMENTS"] = statements
    return module


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())


def test_an_empty_database_gets_the_whole_schema_and_an_epoch(tmp_path: Path) -> None:
    database = Database(tmp_path)
    assert upgrade(database) == known()
    assert {"person", "chunk", "sample", "day", "delivery"} <= tables(database)
    with database.reading() as connection:
        assert applied(connection) == known()
        assert len(settings.epoch(connection)) == 16
    assert not list(tmp_path.glob("before-upgrade-*"))
    database.close()


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    with database.reading() as connection:
        epoch = settings.epoch(connection)
    assert upgrade(database) == []
    with database.reading() as connection:
        assert settings.epoch(connection) == epoch


def test_a_new_change_is_applied_after_a_verified_copy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.writing() as connection:
        add_person(connection, "Alice", "Europe/Berlin", 1)
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, change("m0002_two", "ALTER TABLE person ADD COLUMN two TEXT;")))
    assert upgrade(database) == ["m0002_two"]
    copy = database.data / f"before-upgrade-{known()[-2]}.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("SELECT name FROM person").fetchall() == [("Alice",)]
        assert "two" not in [row[1] for row in before.execute("PRAGMA table_info(person)")]


def test_a_change_that_fails_leaves_no_trace(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = change("m0002_two", "CREATE TABLE two (n); INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, broken))
    with pytest.raises(sqlite3.OperationalError):
        upgrade(database)
    assert "two" not in tables(database)
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED[:-1], change("m0002_two", "CREATE TABLE two (n);")))
    assert upgrade(database) == ["m0002_two"]


def test_an_upgrade_killed_half_way_resumes_with_the_change_it_was_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(database.data)], timeout=60, env={**os.environ}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert "two" in tables(database) and "three" not in tables(database)
    more = (change("m0002_two", "CREATE TABLE two (id INTEGER PRIMARY KEY);"), change("m0003_three", "CREATE TABLE three (n);"))
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, *more))
    assert upgrade(database) == ["m0003_three"]
    assert "three" in tables(database)


def test_a_newer_schema_is_refused_untouched(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, change("m0099_future", "CREATE TABLE future (n);")))
        upgrade(database)
    with pytest.raises(Problem, match="newer healthbox") as refused:
        upgrade(database)
    assert refused.value.code == "newer_schema" and refused.value.hint
    with database.reading() as connection:
        assert list_persons(connection) == []
