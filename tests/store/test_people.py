import subprocess

import pytest
from sqlalchemy import Connection

from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.store import accounts, devices, people, series
from healthbox.store.engine import Database

NOW = 1_763_000_000_000


def test_a_person_is_found_by_id_and_by_name(database: Database) -> None:
    with database.writing() as connection:
        alice = people.add_person(connection, " Alice ", "Europe/Berlin", NOW)
        assert (alice.name, alice.zone, alice.units, alice.demo) == ("Alice", "Europe/Berlin", "metric", False)
        assert people.get_person(connection, alice.id) == people.get_person(connection, "alice") == alice
        assert people.list_persons(connection) == [alice]
        with pytest.raises(NotFound):
            people.get_person(connection, "Bob")


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "x" * 101, "Al\nice\x1b"])
def test_a_name_that_is_none_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Invalid), database.writing() as connection:
        people.add_person(connection, name, "UTC", NOW)


def test_two_people_do_not_share_a_name_in_any_case(database: Database) -> None:
    with database.writing() as connection:
        people.add_person(connection, "Alice", "UTC", NOW)
        bob = people.add_person(connection, "Bob", "UTC", NOW)
        with pytest.raises(Conflict):
            people.add_person(connection, "ALICE", "UTC", NOW)
        with pytest.raises(Conflict):
            people.rename(connection, bob.id, "alice")
        assert people.rename(connection, bob.id, "bob").name == "bob"


@pytest.mark.parametrize("zone", ["Berlin", "", "../etc/passwd", "Europe", "/etc/localtime", "a\x00b"])
def test_only_zones_that_exist_are_taken(database: Database, zone: str) -> None:
    with pytest.raises(Invalid), database.writing() as connection:
        people.add_person(connection, "Alice", zone, NOW)


def test_a_move_is_kept_in_the_history(database: Database) -> None:
    with database.writing() as connection:
        alice = people.add_person(connection, "Alice", "Europe/Berlin", NOW)
        people.set_zone(connection, alice.id, "Asia/Tokyo", NOW)
        people.set_zone(connection, alice.id, "Asia/Seoul", NOW)
        assert people.zone_history(connection, alice.id) == [(0, "Europe/Berlin"), (NOW, "Asia/Seoul")]
        assert people.get_person(connection, alice.id).zone == "Asia/Seoul"


def test_preferences_change_one_at_a_time(database: Database) -> None:
    with database.writing() as connection:
        alice = people.add_person(connection, "Alice", "UTC", NOW)
        people.update(connection, alice.id, units="imperial")
        changed = people.update(connection, alice.id, locale="de")
        assert (changed.units, changed.locale) == ("imperial", "de")
        with pytest.raises(Invalid):
            people.update(connection, alice.id, units="stones")


def store_something(database: Database, name: str, food: str) -> int:
    with database.writing() as c:
        person = people.add_person(c, name, "UTC", NOW).id
        device, _ = devices.add_device(c, person, "Phone", ["ingest"], NOW)
        source = c.exec_driver_sql(
            "INSERT INTO source (person_id, name, kind, created_at) VALUES (?, 'Watch', 'watch', 0) RETURNING id", (person,)
        ).scalar_one()
        series = c.exec_driver_sql(
            "INSERT INTO series (person_id, metric, source_id) VALUES (?, 'steps', ?) RETURNING id", (person, source)
        ).scalar_one()
        meta = c.exec_driver_sql("INSERT INTO meta (json) VALUES (?) RETURNING id", (f'{{"food":"{food}"}}',)).scalar_one()
        shared = c.exec_driver_sql("INSERT INTO meta (json) VALUES ('{}') ON CONFLICT DO UPDATE SET json = json RETURNING id").scalar_one()
        for start, of in ((0, meta), (60, shared)):
            c.exec_driver_sql(
                'INSERT INTO sample (series_id, start, "end", tag, value, meta_id, batch_id) VALUES (?, ?, ?, ?, 1, ?, 1)',
                (series, start, start + 60, food, of),
            )
        c.exec_driver_sql(
            'INSERT INTO sleep_stage (series_id, start, "end", stage, as_of, batch_id) VALUES (?, 0, 60, ?, 0, 1)', (series, "deep")
        )
        batch = c.exec_driver_sql(
            "INSERT INTO batch (public, person_id, device_id, format, status, zone, created_at, touched_at) "
            "VALUES (?, ?, ?, 'native', 'open', 'UTC', 0, 0) RETURNING id",
            (name, person, device.id),
        ).scalar_one()
        c.exec_driver_sql(
            "INSERT INTO chunk (batch_id, idx, sha, spool, size, status, due_at, accepted_at, as_of) "
            "VALUES (?, 0, x'00', ?, 1, 'done', 0, 0, 0)",
            (batch, f"{name}.zst"),
        )
        return person


def test_removing_a_person_takes_all_of_theirs_and_nothing_of_others(database: Database) -> None:
    alice = store_something(database, "Alice", "zebrafruit")
    store_something(database, "Bob", "apple")
    with database.writing() as connection:
        tables = [t for t in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars() if t != "meta"]
        before = {t: connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in tables}
        assert people.remove(connection, alice) == ["Alice.zst"]
        theirs = ("person", "person_zone", "device", "source", "series", "sample", "sleep_stage", "batch", "chunk")
        for table in tables:
            left = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert left == (before[table] // 2 if table in theirs else before[table]), table
        assert set(connection.exec_driver_sql("SELECT json FROM meta").scalars()) == {'{"food":"apple"}', "{}"}
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


def aside(database: Database, name: str, food: str) -> None:
    """A sample of ``name`` with metadata that a newer export lacks; another's was deleted and left its metadata behind."""
    with database.writing() as c:
        meta = c.exec_driver_sql("INSERT INTO meta (json) VALUES (?) RETURNING id", (f'{{"food":"{food}"}}',)).scalar_one()
        c.exec_driver_sql("INSERT INTO meta (json) VALUES (?)", (f'{{"food":"{food} that was deleted"}}',))
        c.exec_driver_sql(
            'INSERT INTO set_aside (batch_id, series_id, start, "end", tag, value, meta_id, origin) '
            "SELECT batch.id, series.id, 120, 180, '', 1, ?, batch.id FROM batch JOIN series USING (person_id) WHERE public = ?",
            (meta, name),
        )


def metas(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT json FROM meta").scalars())


def test_removing_a_person_takes_the_metadata_of_samples_set_aside_or_deleted_too(database: Database) -> None:
    alice = store_something(database, "Alice", "zebrafruit")
    store_something(database, "Bob", "apple")
    aside(database, "Alice", "durian")
    aside(database, "Bob", "pear")
    with database.writing() as connection:
        people.remove(connection, alice)
        assert metas(connection) == {'{"food":"apple"}', "{}", '{"food":"pear"}'}


def test_metadata_that_another_has_only_set_aside_stays(database: Database) -> None:
    alice = store_something(database, "Alice", "zebrafruit")
    store_something(database, "Bob", "apple")
    with database.writing() as c:
        c.exec_driver_sql(
            'INSERT INTO set_aside (batch_id, series_id, start, "end", tag, value, meta_id, origin) '
            "SELECT batch.id, series.id, 120, 180, '', 1, meta.id, batch.id FROM meta, batch JOIN series USING (person_id) "
            """WHERE json = '{"food":"zebrafruit"}' AND public = 'Bob'"""
        )
        people.remove(c, alice)
        assert metas(c) == {'{"food":"apple"}', "{}", '{"food":"zebrafruit"}'}


def test_metadata_of_deleted_samples_can_be_dropped(database: Database) -> None:
    store_something(database, "Alice", "zebrafruit")
    aside(database, "Alice", "durian")
    with database.writing() as c:
        assert series.has_unused_metas(c)
        series.drop_unused_metas(c)
        assert metas(c) == {'{"food":"zebrafruit"}', "{}", '{"food":"durian"}'}
        assert not series.has_unused_metas(c)


def test_a_later_device_never_gets_the_number_of_one_that_is_gone(database: Database) -> None:
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", NOW)
        gone, _ = devices.add_device(c, alice.id, "Phone", ["ingest"], NOW)
        people.remove(c, alice.id)
        bob = people.add_person(c, "Bob", "UTC", NOW)
        assert devices.add_device(c, bob.id, "Phone", ["ingest"], NOW)[0].id > gone.id


def raw(database: Database) -> bytes:
    # by another process: closing the file in this one would drop SQLite's own locks on it
    return subprocess.run(["cat", database.path], capture_output=True, check=True).stdout


def test_what_was_removed_is_not_left_in_the_file(database: Database) -> None:
    alice = store_something(database, "Alice", "zebrafruit")
    database.checkpoint()
    assert b"zebrafruit" in raw(database)
    with database.writing() as connection:
        people.remove(connection, alice)
    database.checkpoint()
    assert b"zebrafruit" not in raw(database)


def test_accounts_are_found_in_any_case_and_keep_one_admin(database: Database) -> None:
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", NOW)
        bob = people.add_person(c, "Bob", "UTC", NOW)
        admin = accounts.add_account(c, "alice", "hash-a", alice.id, True, NOW)
        other = accounts.add_account(c, "bob", "hash-b", bob.id, False, NOW)
        assert accounts.find_account(c, "ALICE") == admin
        assert accounts.find_account(c, "carol") is None
        assert accounts.count_accounts(c) == 2 and accounts.list_accounts(c) == [admin, other]
        with pytest.raises(Conflict):
            accounts.add_account(c, "Bob", "hash", bob.id, False, NOW)
        with pytest.raises(Conflict):
            accounts.remove_account(c, admin.id)
        with pytest.raises(Conflict):
            people.remove(c, alice.id)
        third = accounts.add_account(c, "carol", "hash-c", None, True, NOW)
        people.remove(c, alice.id)
        assert accounts.list_accounts(c) == [other, third]


def test_a_password_hash_is_in_no_account(database: Database) -> None:
    with database.writing() as c:
        account = accounts.add_account(c, "alice", "hash-one", None, True, NOW)
        assert accounts.password_hash(c, account.id) == "hash-one"
        accounts.set_password(c, account.id, "hash-two")
        assert accounts.password_hash(c, account.id) == "hash-two"
        assert "hash-" not in repr(account)
