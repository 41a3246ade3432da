"""From whatever healthbox wrote before to this version: by itself, after a verified copy, and never from a newer one.

``schema.txt`` is the schema of the newest release. A change of it means a new ``mNNNN`` module; one that is released is never edited.
After adding one: ``UPDATE_SNAPSHOTS=1 bin/test tests/test_upgrade.py``.
"""

import difflib
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from house import NOON, House, at, steps

from healthbox.domain.errors import Problem
from healthbox.store import people, settings
from healthbox.store.engine import Database
from healthbox.store.migrations import upgrade as upgrading
from healthbox.store.migrations.upgrade import known, upgrade

SCHEMA = Path(__file__).with_name("schema.txt")
NEXT = ModuleType("healthbox.store.migrations.m9998_next")
vars(NEXT)["STATEMENTS"] = "ALTER TABLE person ADD COLUMN shoe_size REAL; CREATE TABLE shoe (id INTEGER PRIMARY KEY);"


def schema(file: Path) -> str:
    """Every change applied, then every table and index with its own text."""
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set='healthbox' ORDER BY id")]
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY type DESC, name"
        )
        return "\n".join([f"-- {', '.join(names)}", *(f"{sql};" for (sql,) in made), ""])


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def lived(tmp_path: Path) -> Path:
    """The data folder of this version after Alice has walked a day."""
    house = House(tmp_path)
    house.sync(samples=[steps(at(2, 9), at(2, 10), 900), steps(at(2, 11), at(2, 12), 600)])
    house.database.close()
    return tmp_path


def newer(data: Path) -> None:
    with closing(sqlite3.connect(data / "healthbox.db")) as connection:
        connection.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('healthbox', 'm9999_future', '2030')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_the_schema_of_the_newest_release_is_what_it_was(tmp_path: Path) -> None:
    database = Database(tmp_path)
    upgrade(database)
    database.close()
    found = schema(database.path)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SCHEMA.write_text(found, "utf-8")
    diff = list(difflib.unified_diff(SCHEMA.read_text("utf-8").splitlines(), found.splitlines(), "schema.txt", "a fresh database", n=0))
    hint = "A released change is never edited: add a new mNNNN module, then UPDATE_SNAPSHOTS=1 bin/test tests/test_upgrade.py"
    assert not diff, "the schema changed:\n" + "\n".join(diff) + f"\n{hint}"


def test_a_file_without_anything_in_it_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "healthbox.db").touch()
    database = Database(tmp_path)
    assert upgrade(database) == known()
    with database.writing() as c:
        assert people.add_person(c, "Alice", "Europe/Berlin", NOON).id == 1
    database.close()
    assert list(tmp_path.glob("before-upgrade-*")) == [], "of nothing there is no copy"
    assert schema(database.path) == SCHEMA.read_text("utf-8")


def test_a_lived_in_database_keeps_everything_and_a_copy_of_before_is_whole(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, ask = lived / "healthbox.db", "SELECT metric, date, value FROM day"
    before, samples = schema(file), rows(file, "SELECT * FROM sample")
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, NEXT))
    database = Database(lived)
    with database.reading() as c:
        epoch = settings.epoch(c)
    assert upgrade(database) == ["m9998_next"]
    assert upgrade(database) == []
    with database.reading() as c:
        assert settings.epoch(c) == epoch, "an upgrade is no restore: phones go on where they were"
    database.close()
    copy = lived / f"before-upgrade-{known()[-2]}.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)] and schema(copy) == before
    assert rows(copy, ask) == rows(file, ask) == [("steps", "2026-03-02", 1500.0)]
    assert rows(copy, "SELECT * FROM sample") == rows(file, "SELECT * FROM sample") == samples
    assert rows(file, "SELECT name, shoe_size FROM person") == [("Alice", None)]


def test_a_database_that_is_not_sound_is_not_touched(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = lived / "healthbox.db"
    (page,) = rows(file, "SELECT rootpage FROM sqlite_master WHERE name='sample'")[0]
    with file.open("r+b") as raw:
        raw.seek((int(str(page)) - 1) * 4096)
        raw.write(b"\xff" * 512)
    held = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(upgrading, "NUMBERED", (*upgrading.NUMBERED, NEXT))
    database = Database(lived)
    with pytest.raises(Problem, match=r"not sound|could not be copied"):
        upgrade(database)
    database.close()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == held
    assert not list(lived.glob("before-upgrade-*.db"))


def test_a_newer_database_is_refused_in_words_and_left_as_it_is(lived: Path) -> None:
    newer(lived)
    held = hashlib.sha256((lived / "healthbox.db").read_bytes()).hexdigest()
    command = [sys.executable, "-m", "healthbox", "serve", "--data", str(lived), "--host", "127.0.0.1", "--port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 1
    assert "was written by a newer healthbox (it holds m9999_future)" in refused.stderr
    assert "Install that version again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert hashlib.sha256((lived / "healthbox.db").read_bytes()).hexdigest() == held
