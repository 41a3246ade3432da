"""The schedule: due rows are run, missed ones are caught up, failed ones tried again."""

import datetime as dt
import errno
import json
import time
from zoneinfo import ZoneInfo

import msgspec
import pytest
from house import HOUR, MINUTE, at, steps

from healthbox.domain.errors import Unavailable
from healthbox.pipeline import schedule
from healthbox.pipeline.schedule import Job, prepare, run_due
from healthbox.store import accounts, days, logins

DAY = 24 * HOUR


def jobs(house):
    return dict(house.rows("SELECT name, due_at FROM job"))


@pytest.fixture
def no_backup(monkeypatch):
    monkeypatch.setattr(schedule, "JOBS", {name: job for name, job in schedule.JOBS.items() if name != "backup"})


def test_every_job_gets_a_row_once_and_keeps_its_due_time_over_a_start(house):
    prepare(house.database, house.settings, house.at)
    first = jobs(house)
    assert {"retention", "sweep", "backup"} <= first.keys()
    house.at += 30 * MINUTE
    prepare(house.database, house.settings, house.at)
    assert jobs(house) == first


def test_nothing_runs_before_it_is_due_and_what_was_missed_runs_at_the_next_look(house, no_backup):
    prepare(house.database, house.settings, house.at)
    assert run_due(house.database, house.settings, house.at) == []
    house.at += 5 * DAY
    assert set(run_due(house.database, house.settings, house.at)) >= {"retention", "sweep"}
    assert jobs(house)["sweep"] == house.at + HOUR, "once, not a hundred and twenty times"
    assert "sweep" not in run_due(house.database, house.settings, house.at)


def test_a_failed_job_keeps_its_reason_and_is_due_in_a_quarter_of_an_hour(house, monkeypatch):
    def busy(*_args):
        raise Unavailable("The database could not be used just now.")

    monkeypatch.setattr(schedule, "JOBS", {"sweep": Job(busy, lambda _settings, now: now + HOUR)})
    prepare(house.database, house.settings, house.at)
    house.at += 2 * HOUR
    run_due(house.database, house.settings, house.at)
    assert house.rows("SELECT due_at, last_error FROM job WHERE name='sweep'") == [
        (house.at + 15 * MINUTE, "The database could not be used just now.")
    ]


def test_a_job_that_breaks_is_put_off_tells_no_path_and_keeps_no_other_from_running(house, monkeypatch, caplog):
    ran = []

    def gone(*_args):
        raise OSError(errno.EROFS, "gone", "/home/alice/backups")

    def wrong(*_args):
        raise ValueError("alice 54 bpm")

    def later(_settings, now):
        return now + HOUR

    made = {"backup": Job(gone, later), "retention": Job(wrong, later), "sweep": Job(lambda *_args: ran.append("sweep"), later)}
    monkeypatch.setattr(schedule, "JOBS", made)
    prepare(house.database, house.settings, house.at)
    house.at += 2 * HOUR
    assert run_due(house.database, house.settings, house.at) == ["backup", "retention", "sweep"]
    assert ran == ["sweep"]
    put_off = house.at + 15 * MINUTE
    assert house.rows("SELECT name, due_at, last_error FROM job ORDER BY name") == [
        ("backup", put_off, "OSError: Read-only file system"),
        ("retention", put_off, "ValueError"),
        ("sweep", house.at + HOUR, None),
    ]
    assert "alice" not in "".join(record.error for record in caplog.records)
    assert run_due(house.database, house.settings, house.at + 1000) == []


def test_the_sweep_goes_on_when_a_file_goes_before_it_is_looked_at(house, monkeypatch):
    spool = house.settings.data / "spool"
    spool.mkdir(exist_ok=True)
    (spool / "b.z").write_bytes(b"left behind")
    real = type(spool).iterdir
    monkeypatch.setattr(type(spool), "iterdir", lambda folder: [folder / "a.z", *real(folder)])
    schedule.JOBS["sweep"].run(house.database, house.settings, int(time.time() * 1000) + 2 * HOUR)
    assert not (spool / "b.z").exists()


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("now", "hour", "due"),
    [
        ("2026-03-28T12:00+01:00", 3, "2026-03-29T03:00+02:00"),
        ("2026-03-29T03:00+02:00", 3, "2026-03-30T03:00+02:00"),
        ("2026-10-24T12:00+02:00", 3, "2026-10-25T03:00+01:00"),
        ("2026-12-31T12:00+01:00", 3, "2027-01-01T03:00+01:00"),
        ("2026-03-20T01:59+01:00", 2, "2026-03-20T02:00+01:00"),
    ],
)
def test_the_nightly_hour_is_the_hour_on_the_wall_also_when_the_clocks_change(house, berlin, now, hour, due):
    settings = msgspec.structs.replace(house.settings, backup_hour=hour)

    def ms(text):
        return int(dt.datetime.fromisoformat(text).timestamp() * 1000)

    assert schedule.JOBS["backup"].next(settings, ms(now)) == ms(due)


@pytest.mark.parametrize("before", ["2026-03-28T12:00+01:00", "2026-10-24T12:00+02:00"])
def test_an_hour_that_a_night_skips_or_has_twice_comes_once(house, berlin, before):
    settings = msgspec.structs.replace(house.settings, backup_hour=2)
    now = int(dt.datetime.fromisoformat(before).timestamp() * 1000)
    nights = []
    for _ in range(3):
        now = schedule.JOBS["backup"].next(settings, now)
        nights.append(dt.datetime.fromtimestamp(now / 1000, ZoneInfo("Europe/Berlin")).date())
    first = dt.datetime.fromisoformat(before).date() + dt.timedelta(days=1)
    assert nights == [first + dt.timedelta(days=n) for n in range(3)]


def test_bodies_go_after_their_time_duplicates_sooner_and_dead_ones_never(house, no_backup):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    house.sync(samples=[steps(at(1, 11), at(1, 12), 500)])
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead' WHERE batch_id=3")
    prepare(house.database, house.settings, house.at)

    def kept():
        return [row[0] for row in house.rows("SELECT batch_id FROM chunk WHERE body IS NOT NULL ORDER BY 1")]

    house.at += 8 * DAY
    run_due(house.database, house.settings, house.at)
    assert kept() == [1, 3]
    house.at += 90 * DAY
    run_due(house.database, house.settings, house.at)
    assert kept() == [3]
    assert len(house.samples("steps")) == 2, "samples stay for ever"


def test_the_sweep_takes_old_files_that_no_row_names(house, no_backup):
    spool = house.settings.data / "spool"
    samples = [steps(at(1, 9, n // 60, n % 60), at(1, 9, n // 60, n % 60), n, metadata={"note": f"{n} " * 90}) for n in range(2500)]
    house.send(json.dumps({"batch": "big", "index": 0, "final": True, "samples": samples}).encode())
    ((named,),) = house.rows("SELECT spool FROM chunk")
    (spool / "orphan.z").write_bytes(b"left behind")
    now = int(time.time() * 1000)
    schedule.JOBS["sweep"].run(house.database, house.settings, now)
    assert (spool / "orphan.z").exists(), "it may be on its way"
    schedule.JOBS["sweep"].run(house.database, house.settings, now + 2 * HOUR)
    assert [file.name for file in spool.iterdir()] == [named]


def test_jobs_that_a_clock_a_year_ahead_has_put_off_run_when_it_is_right_again(house, no_backup):
    house.at += 365 * DAY
    prepare(house.database, house.settings, house.at)
    house.at -= 365 * DAY
    assert set(run_due(house.database, house.settings, house.at)) >= {"retention", "sweep"}
    assert jobs(house)["sweep"] == house.at + HOUR


@pytest.mark.parametrize("restarts", [False, True])
def test_work_that_a_clock_a_year_ahead_has_put_off_is_done_when_it_is_right_again(house, restarts):
    house.sync(samples=[steps(at(2, 8), at(2, 9), 7)])
    house.at += 365 * DAY
    house.sync(run=False, samples=[steps(at(1, 8), at(1, 9), 100)])
    with house.database.writing() as c:
        days.mark(c, house.alice.id, [("steps", "2026-03-02")], house.at)
    house.pump._latest = house.at
    house.at -= 365 * DAY
    if restarts:
        house.pump = house.new_pump()
        house.pump.boot()
    house.run()
    assert house.days("steps") == {"2026-03-01": 100.0, "2026-03-02": 7.0}
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_the_sweep_forgets_logins_that_are_over_and_failures_of_long_ago(house, no_backup):
    with house.database.writing() as c:
        account = accounts.add_account(c, "alice", "hash", house.alice.id, True, house.at)
        logins.create_session(c, account.id, "Firefox", house.at)
        logins.note_failure(c, "mallory", house.at)
    schedule.JOBS["sweep"].run(house.database, house.settings, house.at + HOUR)
    assert house.rows("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM login_failure)") == [(1, 1)]
    schedule.JOBS["sweep"].run(house.database, house.settings, house.at + 15 * DAY)
    assert house.rows("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM login_failure)") == [(0, 0)]


def test_metadata_of_deleted_samples_goes_over_night(house, no_backup):
    name = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500, uuid=name, metadata={"food": "durian"})])
    house.sync(samples=[steps(at(1, 11), at(1, 12), 500, metadata={"food": "pear"})])
    house.sync(deleted=[name])
    prepare(house.database, house.settings, house.at)
    run_due(house.database, house.settings, house.at + DAY)
    assert house.rows("SELECT json FROM meta") == [('{"food":"pear"}',)]
