"""Imports, receipts, dead letters, and taking an upload back, without a server."""

import copy
import json
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from contextlib import closing

import pytest
from apple_fixtures import bare, document, record, zipped
from bodies import auto_export, beats, sample, sync

NOV = ("2026-11-16", "2026-11-17", "2026-11-18")
SLEEP, CORE = "HKCategoryTypeIdentifierSleepAnalysis", "HKCategoryValueSleepAnalysisAsleep{}"


def morning(date, steps):
    return {f"{date} {hour:02d}:00": steps + hour for hour in range(7, 12)}


def test_an_import_is_worked_off_and_its_receipt_printed(home):
    result = home.run("import", home.file(auto_export(morning(NOV[0], 500), sleep=NOV[0])), "--person", "Alice")
    assert "11 new, 0 updated, 0 duplicate" in result.stdout
    assert "health-auto-export  completed" in result.stdout
    assert home.rows("SELECT value FROM day WHERE metric='steps'") == [(2545.0,)]
    assert home.rows("SELECT count(*) FROM dirty_day UNION ALL SELECT count(*) FROM changed_day") == [(0,), (0,)]
    listed = home.run("batches", "--person", "Alice").stdout
    assert home.batch(0) in listed
    assert home.run("batches", home.batch(0)).stdout == result.stdout
    assert "no such upload" in home.run("batches", "nothing", code=1).stderr


def test_a_table_is_a_file_of_its_own_format(home):
    table = home.data.parent / "mine.csv"
    table.write_text("metric,date,value\nsteps,2026-11-16,8412\nsteps,some day,1\n")
    result = home.run("import", str(table), "--person", "Alice", "--format", "plain-csv")
    assert "plain-csv  completed_with_errors" in result.stdout
    assert "line 3" in result.stdout
    assert home.rows("SELECT date, value FROM day WHERE metric='steps'") == [("2026-11-16", 8412.0)]


def test_a_second_import_of_the_same_file_adds_nothing(home):
    file = home.file(auto_export(morning(NOV[0], 500)))
    home.run("import", file, "--person", "Alice")
    before = home.content()
    assert "0 new, 0 updated, 10 duplicate" in home.run("import", file, "--person", "1", "--format", "health-auto-export").stdout
    assert home.content() == before
    assert home.rows("SELECT name, revoked_at IS NOT NULL FROM device") == [("import", 1)]


def test_a_file_that_nobody_knows_or_that_is_another_format_is_refused_in_words(home):
    assert "No format knows" in home.run("import", home.file({"a": 1}), "--person", "Alice", code=1).stderr
    file = home.file(auto_export(morning(NOV[0], 500)))
    assert "No format knows" in home.run("import", file, "--person", "Alice", "--format", "shortcuts", code=1).stderr
    assert "Formats are" in home.run("import", file, "--person", "Alice", "--format", "nothing", code=1).stderr
    assert home.receipts() == []


def test_refused_records_are_told_without_their_values(home):
    body = sync(sample(1, "2026-11-18T08:00:00Z", "2026-11-18T08:10:00Z", 7_654_321_987))
    out = home.run("import", home.file(body), "--person", "Alice").stdout
    assert "completed_with_errors" in out
    assert "outside what" in out
    assert "7654321987" not in out


def test_an_interrupted_import_is_finished_by_the_next_command(home):
    file = home.file(beats(8_000))
    process = subprocess.Popen(
        [sys.executable, "-m", "healthbox", "import", file, "--person", "Alice", "--data", str(home.data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 20
    while not home.rows("SELECT 1 FROM chunk WHERE position>0"):
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert home.batch(0) in said
    assert 0 < home.rows("SELECT count(*) FROM sample")[0][0] < 8_000
    home.run("rebuild")
    assert home.receipts() == [("native-sync", "completed", 8_000, 0, 0, 0, 0)]


def test_where_nobody_watches_progress_is_plain_lines(home):
    said = home.run("import", home.file(auto_export(morning(NOV[0], 500))), "--person", "Alice").stderr
    assert "10 records read in 1 s." in said
    assert not {"\r", "\x1b", "#"} & set(said)


def test_an_upload_that_waits_is_watched_and_worked_off(home):
    home.run("import", home.file(beats(3_000)), "--person", "Alice")
    with closing(sqlite3.connect(home.data / "healthbox.db")) as connection:
        connection.execute("UPDATE chunk SET status='pending', finished_at=NULL")
        connection.execute("UPDATE batch SET status='processing', closed_at=NULL, new=0")
        connection.commit()
    assert "read      0 %" not in home.run("batches", home.batch(0)).stdout, "nobody knows how much of a plain body is read"
    result = home.run("batches", home.batch(0), "--watch")
    assert "records read" in result.stderr
    assert "completed" in result.stdout
    assert "by its id" in home.run("batches", "--watch", code=1).stderr


def test_an_upload_is_read_again_by_its_name(home):
    home.run("import", home.file(auto_export(morning(NOV[0], 500))), "--person", "Alice")
    before = home.content()
    assert "0 new, 0 updated, 10 duplicate" in home.run("upload", "replay", home.batch(0)).stdout
    assert home.content() == before
    with closing(sqlite3.connect(home.data / "healthbox.db")) as connection:
        connection.execute("UPDATE chunk SET body=NULL, spool=NULL")
        connection.commit()
    assert "no longer kept" in home.run("upload", "replay", home.batch(0), code=1).stderr
    assert "no such upload" in home.run("upload", "replay", "nothing", code=1).stderr


@pytest.fixture
def broken(home):
    """An upload whose kept body cannot be read any more."""
    home.run("import", home.file(sync(sample(1, "2026-11-18T08:00:00Z", "2026-11-18T08:10:00Z", 100))), "--person", "Alice")
    connection = __import__("sqlite3").connect(home.data / "healthbox.db")
    good = connection.execute("SELECT body FROM chunk").fetchone()[0]
    connection.execute("UPDATE chunk SET body=?, status='dead', error='not valid JSON', position=0", (zlib.compress(b"{"),))
    connection.commit()
    yield home, connection, good
    connection.close()


def test_dead_letters_are_listed_shown_replayed_and_discarded(broken):
    home, connection, good = broken
    assert home.batch(0) in home.run("dead", "list").stdout
    assert "not valid JSON" in home.run("dead", "show", "1").stdout
    assert home.run("dead", "show", "1", "--body").stdout == "{"
    assert "1 dead once more" in home.run("dead", "replay", "1", code=1).stdout
    connection.execute("UPDATE chunk SET body=?", (good,))
    connection.commit()
    assert "0 dead once more" in home.run("dead", "replay", "--all").stdout
    assert "no dead letter 1" in home.run("dead", "show", "1", code=1).stderr


def test_a_discarded_dead_letter_is_gone_from_the_list(broken):
    home = broken[0]
    assert "--all" in home.run("dead", "discard", code=1).stderr
    home.run("dead", "discard", "1")
    assert home.rows("SELECT status FROM chunk") == [("discarded",)]
    assert home.batch(0) not in home.run("dead", "list").stdout


def test_beyond_a_thousand_dead_letters_each_is_found_and_all_are_counted(broken):
    home, connection, _ = broken
    row = "INSERT INTO chunk (batch_id, idx, sha, size, status, due_at, accepted_at, as_of) VALUES (1, ?, x'', 1, 'dead', 0, 0, 0)"
    connection.executemany(row, [(index,) for index in range(1, 1200)])
    connection.commit()
    listed = home.run("dead", "list")
    assert len(listed.stdout.splitlines()) == 1001
    assert "These are the oldest 1000 of 1200." in listed.stderr
    assert "dead letters 1200" in home.run("check").stdout
    assert "1200" in home.run("dead", "show", "1200").stdout
    assert "no dead letter 99" in home.run("dead", "show", "9" * 18, code=1).stderr
    assert "9" * 20 in home.run("dead", "show", "9" * 20, code=2).stderr
    assert "1 dead letter discarded" in home.run("dead", "discard", "1200").stdout
    assert "1199 dead letters discarded" in home.run("dead", "discard", "--all").stdout
    assert home.rows("SELECT count(*) FROM chunk WHERE status='dead'") == [(0,)]
    assert home.run("dead", "list").stderr == ""


def test_a_rebuild_changes_nothing_on_a_sound_database(home):
    night = [sample(n, f"2026-11-17T{22 + n}:00:00Z", f"2026-11-17T{22 + n}:50:00Z", CORE.format("Core"), SLEEP) for n in (0, 1)]
    home.run("import", home.file(auto_export(morning(NOV[0], 500), sleep=NOV[1], workout=NOV[0])), "--person", "Alice")
    home.run("import", home.file(sync(*night, *beats(500)["samples"])), "--person", "Alice")
    before = home.content()
    assert before["night"]
    assert before["day"]
    home.run("rebuild")
    home.run("rebuild", "--from", "2026-11-17")
    assert home.content() == before


FIRST = auto_export(morning(NOV[0], 500) | morning(NOV[1], 700), sleep=NOV[1])
SECOND = auto_export(morning(NOV[1], 900) | morning(NOV[2], 400), sleep=NOV[2], workout=NOV[1])
STAGES = [sample(20 + n, f"2026-11-17T{20 + n}:00:00Z", f"2026-11-17T{20 + n}:59:00Z", CORE.format("Core"), SLEEP) for n in range(4)]
STEPS = [sample(n, f"2026-11-17T{8 + n:02d}:00:00Z", f"2026-11-17T{8 + n:02d}:30:00Z", 100 + n) for n in range(5)]
MOVED = sample(1, "2026-11-18T15:00:00Z", "2026-11-18T15:30:00Z", 555)
DEEPER = STAGES[1] | {"value": CORE.format("Deep")}
RUN = FIRST | {"data": FIRST["data"] | {"workouts": copy.deepcopy(SECOND["data"]["workouts"])}}
LONGER = copy.deepcopy(RUN)
LONGER["data"]["workouts"][0] |= {"distance": {"qty": 6, "units": "km"}, "activeEnergyBurned": {"qty": 300, "units": "kcal"}}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST, SECOND),
        (SECOND, FIRST),
        (FIRST, FIRST),
        (RUN, LONGER),
        (sync(*STEPS, *STAGES), sync(*STEPS[2:], MOVED, DEEPER, batch="two")),
        (sync(*STEPS, *STAGES), sync(*STAGES[:1], batch="two", deleted=(0, 3, 21))),
        (sync(*(step | {"uuid": None} for step in STEPS)), sync(*STEPS, *STAGES, batch="two")),
    ],
    ids=["newer totals", "older totals", "all the same", "merged workout", "updates", "deletions", "uuids of the same"],
)
def test_after_an_upload_is_removed_all_is_as_if_it_had_never_come(home, first, second):
    home.run("import", home.file(first), "--person", "Alice")
    before = home.content()
    home.run("import", home.file(second), "--person", "Alice")
    home.run("upload", "remove", home.batch(1))
    after = home.content()
    adopted = first["samples"][0]["uuid"] is None if "samples" in first else False
    if adopted:  # that the first upload's readings have a uuid was learned from the second and does no harm
        before["sample"], after["sample"] = ([row[:5] for row in found["sample"]] for found in (before, after))
    assert after == before
    assert home.rows("SELECT status FROM batch ORDER BY id") == [("completed",), ("removed",)]


@pytest.mark.parametrize(
    ("first", "again"), [(FIRST, FIRST), (sync(*STEPS, *STAGES), sync(*STEPS, *STAGES, batch="two"))], ids=["totals", "samples"]
)
def test_what_another_upload_also_held_is_there_again(home, first, again):
    home.run("import", home.file(first), "--person", "Alice")
    before = home.content()
    home.run("import", home.file(again), "--person", "Alice")
    assert home.content() == before
    out = home.run("upload", "remove", home.batch(0)).stdout
    assert "1 other upload read again" in out
    assert home.content() == before


def test_what_an_export_also_held_is_there_again(home, tmp_path):
    export = document(record(), record("HKQuantityTypeIdentifierHeartRate", "61", "count/min"))
    first = bare(tmp_path, export)
    home.run("import", str(first), "--person", "Alice")
    before = home.content()
    assert before["sample"]
    home.run("import", str(zipped(tmp_path, {"export.xml": export})), "--person", "Alice")
    assert "1 other upload read again" in home.run("upload", "remove", home.batch(0)).stdout
    assert home.content() == before


def test_a_removed_upload_cannot_be_removed_or_replayed_back(home):
    home.run("import", home.file(FIRST), "--person", "Alice")
    home.run("upload", "remove", home.batch(0))
    assert not any(home.content().values())
    assert home.rows("SELECT count(*) FROM chunk") == [(0,)]
    assert "removed already" in home.run("upload", "remove", home.batch(0), code=1).stderr
    assert "  removed" in home.run("batches", home.batch(0)).stdout
    home.run("rebuild")
    assert not any(home.content().values())


def test_it_is_said_when_a_body_that_may_have_held_the_same_is_gone(home):
    home.run("import", home.file(sync(*STEPS)), "--person", "Alice")
    home.run("import", home.file(sync(*STEPS, batch="two")), "--person", "Alice")
    connection = __import__("sqlite3").connect(home.data / "healthbox.db")
    connection.execute("UPDATE chunk SET body=NULL WHERE batch_id=2")
    connection.commit()
    connection.close()
    result = home.run("upload", "remove", home.batch(0))
    assert "5 records removed; 0 other uploads read again" in result.stdout
    assert "no longer kept" in result.stderr


def test_a_large_body_of_a_removed_upload_leaves_the_spool(home):
    body = beats(12_000)
    assert len(json.dumps(body)) > 1_000_000
    home.run("import", home.file(body), "--person", "Alice")
    assert len(list((home.data / "spool").iterdir())) == 1
    home.run("upload", "remove", home.batch(0))
    assert list((home.data / "spool").iterdir()) == []
    assert home.rows("SELECT count(*) FROM sample") == [(0,)]
