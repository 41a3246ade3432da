"""Health Connect's backup: what is claimed, and files that are damaged, lie or want to hurt."""

import shutil
import sqlite3
import struct
import time
import tracemalloc
import zipfile
from collections import namedtuple

import pytest
from hc_backup_fixture import Phone, ms, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import DiskFull, Invalid, Problem
from healthbox.domain.records import Rejected, Sample, Workout
from healthbox.formats.contract import Envelope
from healthbox.formats.hc_backup import FILE_FORMAT
from healthbox.formats.hc_backup.database import opened
from healthbox.formats.hc_backup.head import SCHEMA_BYTES
from healthbox.formats.registry import discover_files, recognise_file

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
START, END = "2026-03-01T07:00:00+01:00", "2026-03-01T08:00:00+01:00"


@pytest.fixture
def phone(tmp_path):
    made = Phone(tmp_path)
    yield made
    made.db.close()


def walked(phone, rows=3):
    for number in range(rows):
        phone.record("steps", START, END, count=100 + number)
    return phone


def read(path):
    return list(recognise_file(path).records(path, ENVELOPE))


def database(path, *statements):
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    return path


# -- claims -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "inside"),
    [("Health Connect.zip", "health_connect_export.db"), ("Connessione Salute.zip", "health_connect_export.db"),
     ("phone.zip", "backup/health_connect_export.db"), ("again.zip", "Alice/mine.DB")],
)  # fmt: skip
def test_the_backup_is_told_by_its_database_in_whatever_zip(phone, name, inside):
    path = packed(walked(phone).saved(), name, inside)
    assert [found.name for found in discover_files().values() if found.claims(path)] == ["health-connect-backup"]
    assert len(read(path)) == 3
    assert [found.name for found in discover_files().values() if found.claims(phone.path)] == ["health-connect-backup"]


def test_any_other_database_is_nobody_s(tmp_path):
    own = database(tmp_path / "healthbox.db", "CREATE TABLE sample (series_id INTEGER, start INTEGER)", "CREATE TABLE person (name TEXT)")
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    for path in (own, packed(own, "own.zip", "healthbox.db"), empty):
        with pytest.raises(Invalid, match="No format knows"):
            recognise_file(path)
    with zipfile.ZipFile(tmp_path / "short.zip", "w") as archive:
        archive.writestr("health_connect_export.db", "SQLite format 3\0")
    with pytest.raises(Invalid, match="No format knows") as caught:
        recognise_file(tmp_path / "short.zip")
    assert FILE_FORMAT.looks_for in caught.value.hint


def test_a_database_that_only_has_the_name_is_refused_with_words(tmp_path):
    other = database(tmp_path / "other.db", "CREATE TABLE sample (id INTEGER)")
    with pytest.raises(Invalid) as caught:
        read(packed(other))
    assert caught.value.code == "broken_database"


def test_a_database_in_write_ahead_mode_is_read_without_its_log(phone):
    phone.db.execute("PRAGMA journal_mode=WAL")
    path = walked(phone).saved()
    assert path.read_bytes()[18] == 2
    assert len(read(path)) == len(read(packed(path))) == 3
    assert sorted(found.name for found in path.parent.iterdir()) == ["Health Connect.zip", "health_connect_export.db"]


# -- the unpacked file ------------------------------------------------------------------------------------------------


def test_nothing_stays_beside_the_zip_however_the_reading_ends(phone, monkeypatch):
    path = walked(phone).zipped()
    phone.path.unlink()
    beside = lambda: [found.name for found in path.parent.iterdir()]  # noqa: E731
    reading = FILE_FORMAT.records(path, ENVELOPE)
    next(reading)
    assert beside() == [path.name]  # its name is gone while it is read, so a kill leaves nothing
    reading.close()
    assert list(FILE_FORMAT.records(path, ENVELOPE))
    monkeypatch.setattr("healthbox.formats.hc_backup.database.Backup", lambda connection: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(FILE_FORMAT.records(path, ENVELOPE))
    assert beside() == [path.name]


def test_too_little_room_is_said_before_anything_is_written(phone, monkeypatch):
    path = walked(phone).zipped()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: namedtuple("usage", "free")(1 << 20))
    with pytest.raises(DiskFull, match="65 MB are needed"):
        list(FILE_FORMAT.records(path, ENVELOPE))
    assert list(FILE_FORMAT.records(phone.path, ENVELOPE))  # the bare file needs none


# -- zips -------------------------------------------------------------------------------------------------------------


def patched(path, at, form, value):
    """Lie at one place of the directory."""
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, raw.rfind(b"PK\x01\x02") + at, value)
    path.write_bytes(raw)
    return path


def bomb(phone):
    with (
        zipfile.ZipFile(phone.path.parent / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("health_connect_export.db", "w") as file,
    ):
        file.write(walked(phone).saved().read_bytes())
        for _ in range(40):
            file.write(bytes(1 << 20))
    return phone.path.parent / "bomb.zip"


def cut(phone):
    path = walked(phone).zipped()
    path.write_bytes(path.read_bytes()[:-30])
    return path


def spoiled(phone):
    path = walked(phone, 5_000).zipped()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 50] = b"\xff" * 50
    path.write_bytes(raw)
    return path


ZIPS = {
    "a size above the truth": (lambda phone: patched(walked(phone).zipped(), 24, "<L", 1 << 20), "broken_zip"),
    "a size below the truth": (lambda phone: patched(walked(phone).zipped(), 24, "<L", 1 << 12), "broken_zip"),
    "two gigabytes of little": (lambda phone: patched(walked(phone).zipped(), 24, "<L", 1 << 31), "zip_bomb"),
    "much of nothing": (bomb, "zip_bomb"),
    "a password": (lambda phone: patched(walked(phone).zipped(), 8, "<H", 1), "encrypted_zip"),
    "a zip that breaks off": (cut, "broken_zip"),
    "bytes spoiled on the way": (spoiled, "broken_zip"),
}


@pytest.mark.parametrize("trap", ZIPS)
def test_a_zip_that_is_a_trap_is_a_clear_error_at_once(phone, trap):
    build, code = ZIPS[trap]
    path = build(phone)
    before = time.process_time()
    tracemalloc.start()
    with pytest.raises(Invalid) as caught:
        read(path)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
    assert time.process_time() - before < 2
    assert not [found for found in path.parent.iterdir() if found.name.startswith(".unpacked")]


# -- databases --------------------------------------------------------------------------------------------------------


def test_views_triggers_and_virtual_tables_are_never_asked(phone):
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS uuid, n AS time, n AS weight FROM c"
    for statement in (
        "DROP TABLE weight_record_table",
        f"CREATE VIEW weight_record_table AS {endless}",
        f"CREATE VIEW new_record_table AS {endless}",
        "CREATE VIRTUAL TABLE searched_record_table USING fts5(uuid, time, amount)",
        "CREATE TRIGGER t AFTER INSERT ON distance_record_table BEGIN DELETE FROM steps_record_table; END",
    ):
        phone.db.execute(statement)
    assert [type(found) for found in read(walked(phone).saved())] == [Sample] * 3


def test_a_computed_column_named_like_a_value_is_not_computed(phone):
    phone.db.execute("DROP TABLE weight_record_table")
    phone.db.execute(
        "CREATE TABLE weight_record_table (row_id INTEGER PRIMARY KEY, uuid BLOB, time INTEGER, weight AS (length(zeroblob(900000000))))"
    )
    phone._insert("weight_record_table", uuid=None, time=ms(START))
    *_, weight = read(walked(phone).saved())
    assert (weight.code, weight.position) == ("no_value", "weight_record_table/1")


def test_a_row_too_large_to_be_read_costs_itself_alone(phone):
    for number in range(1, 8):
        size = 2 << 20 if number in (1, 4, 5) else 10
        phone.record("exercise_session", START, END, exercise_type=33, notes="x" * size)
    phone.record("oxygen_saturation", START, percentage=97.0)
    found = read(walked(phone).saved())
    refused = [r for r in found if isinstance(r, Rejected)]
    assert [(r.code, r.position) for r in refused] == [("too_large", f"exercise_session_record_table/{number}") for number in (1, 4, 5)]
    assert "1 MB" in refused[0].reason
    assert [r.position for r in found if isinstance(r, Workout)] == [f"exercise_session_record_table/{number}" for number in (2, 3, 6, 7)]
    assert sum(isinstance(r, Sample) for r in found) == 4


def test_no_end_of_rows_too_large_is_given_up(phone, monkeypatch):
    monkeypatch.setattr("healthbox.formats.hc_backup.database.FAULTS", 20)
    phone.db.executemany(
        "INSERT INTO exercise_session_record_table (uuid, notes) VALUES (?, zeroblob(1100000))",
        [(bytes([number]) * 16,) for number in range(40)],
    )
    *told, last = [r for r in read(walked(phone).saved()) if isinstance(r, Rejected)]
    assert 3 < len(told) < 20 and {r.code for r in told} == {"too_large"}
    assert (last.code, last.position) == ("damaged_table", "exercise_session_record_table")


def test_names_and_ids_of_a_megabyte_are_not_kept(phone):
    for number in range(60):
        app = phone.app(f"{number}" + "x" * 900_000)
        phone.record("steps", START, END, count=number, app_info_id=app)
    for number in range(60):
        phone.record("steps", START, END, count=number, app_info_id=f"{number}" + "y" * 900_000)
    path = phone.saved()
    tracemalloc.start()
    found = read(path)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert len({r.source for r in found}) == 61


def test_a_broken_page_costs_its_own_rows_alone(phone):
    for number in range(5_000):
        phone.child("heart_rate_record_series_table", 1, beats_per_minute=60, epoch_millis=ms(START) + number)
    path = walked(phone).saved()
    raw = bytearray(path.read_bytes())
    (root,) = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_master WHERE name='heart_rate_record_series_table'").fetchone()
    size = struct.unpack_from(">H", raw, 16)[0]
    at = (root - 1) * size
    third = struct.unpack_from(">L", raw, at + struct.unpack_from(">H", raw, at + 12 + 4)[0])[0]
    raw[(third - 1) * size : third * size] = b"\xee" * size
    path.write_bytes(raw)
    found = read(path)
    assert [r.code for r in found if isinstance(r, Rejected)] == ["damaged_table"]
    assert (found[-1].position, found[-2].position) == ("heart_rate_record_series_table", "heart_rate_record_series_table/5000")
    assert 4_500 < sum(isinstance(r, Sample) for r in found) < 5_000


def test_a_night_whose_stages_cannot_be_read_is_not_made_up(phone):
    phone.record("sleep_session", START, END)
    path = walked(phone).saved()
    raw = bytearray(path.read_bytes())
    (root,) = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_master WHERE name='sleep_stages_table'").fetchone()
    size = struct.unpack_from(">H", raw, 16)[0]
    raw[(root - 1) * size : root * size] = b"\xee" * size
    path.write_bytes(raw)
    *steps, told = read(path)
    assert (told.code, told.position) == ("damaged_table", "sleep_stages_table")
    assert {type(r) for r in steps} == {Sample}


@pytest.mark.parametrize(
    "words",
    [
        "SELECT max(rowid) FROM steps_record_table",
        "ATTACH ':memory:' AS x",
        "PRAGMA query_only=OFF",
        "DELETE FROM steps_record_table",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c) SELECT n FROM c",
    ],
)
def test_the_connection_can_do_nothing_but_read_columns(phone, words):
    with opened(walked(phone).saved()) as backup, pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
        backup._connection.execute(words)


def test_a_table_whose_pages_run_in_a_circle_ends(phone):
    for number in range(5_000):
        phone.child("heart_rate_record_series_table", 1, beats_per_minute=60, epoch_millis=ms(START) + number)
    path = walked(phone).saved()
    raw = bytearray(path.read_bytes())
    (root,) = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_master WHERE name='heart_rate_record_series_table'").fetchone()
    size = struct.unpack_from(">H", raw, 16)[0]
    at = (root - 1) * size
    cells = struct.unpack_from(">H", raw, at + 3)[0]
    offsets = [struct.unpack_from(">H", raw, at + 12 + 2 * cell)[0] for cell in range(cells)]
    for offset in offsets[1:]:
        struct.pack_into(">L", raw, at + offset, struct.unpack_from(">L", raw, at + offsets[0])[0])
    path.write_bytes(raw)
    found = read(path)
    assert found[-1].code == "damaged_table"
    assert len(found) < 1_000


def test_a_schema_larger_than_any_is_refused_before_it_is_parsed(phone):
    phone.db.executescript("BEGIN;" + ";".join(f"CREATE TABLE padding_{n} (a, b, c /* {'x' * 3000} */)" for n in range(800)) + ";COMMIT")
    assert phone.path.stat().st_size > SCHEMA_BYTES
    path = walked(phone).saved()
    before = time.process_time()
    with pytest.raises(Invalid) as caught:
        list(FILE_FORMAT.records(path, ENVELOPE))
    assert caught.value.code == "broken_database"
    assert time.process_time() - before < 1


def test_a_row_that_takes_for_ever_is_given_up(phone, monkeypatch):
    """A child table whose parent has no row id to be found by: each of its rows would be a scan of the whole parent table."""
    monkeypatch.setattr("healthbox.formats.hc_backup.database._CALLS", 3)
    monkeypatch.setattr("healthbox.formats.hc_backup.database._OPS", 1_000)
    phone.db.execute("DROP TABLE SpeedRecordTable")
    phone.db.execute("CREATE TABLE SpeedRecordTable (rowid TEXT, uuid BLOB, start_zone_offset INTEGER)")
    phone.db.executemany("INSERT INTO SpeedRecordTable VALUES (?, NULL, 0)", [(f"x{number}",) for number in range(20_000)])
    phone.child("speed_record_table", 5, speed=1.0, epoch_millis=ms(START))
    with pytest.raises(Invalid) as caught:
        read(walked(phone).saved())
    assert caught.value.code == "endless_database"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    phone = walked(Phone(tmp_path_factory.mktemp("small")))
    night = phone.record("sleep_session", START, END)
    phone.child("sleep_stages_table", night, stage_start_time=ms(START), stage_end_time=ms(END), stage_type=5)
    phone.child("heart_rate_record_series_table", phone.record("heart_rate", START, END), beats_per_minute=60, epoch_millis=ms(START))
    return phone.saved()


# The header and schema page, and the pages behind the first tables.
SPOTS = st.lists(st.tuples(st.integers(0, 40_000) | st.integers(0, 650_000), st.integers(0, 255)), max_size=12)


@settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spots=SPOTS, keep=st.integers(50, 700_000))
def test_a_spoiled_database_is_read_or_refused(small, spots, keep, tmp_path):
    raw = bytearray(small.read_bytes())
    for at, byte in spots:
        raw[at % len(raw)] = byte
    path = tmp_path / "spoiled.db"
    path.write_bytes(raw[:keep])
    for reading in (lambda: read(path), lambda: list(FILE_FORMAT.records(path, ENVELOPE))):
        try:
            assert isinstance(reading(), list)
        except Problem as problem:
            assert problem.code != "problem"
