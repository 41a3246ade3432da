"""Health Connect's backup beside HC Webhook's bodies: nothing twice in any order, the days are the person's own."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from hc_backup_fixture import MODIFIED, Phone, ms
from house import House

from healthbox.pipeline import schedule
from healthbox.pipeline.accept import Accepted
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.process import Processor

BUNDLE, MODEL = "com.fitbit.FitbitMobile", "Pixel Watch 2"
META = {"data_origin": BUNDLE, "recording_method": "automatically_recorded", "device": {"model": MODEL, "type": "watch"}}


def berlin(day: int, hour: int, minute: int = 0) -> str:
    return f"2026-03-{day:02d}T{hour:02d}:{minute:02d}:00+01:00"


def utc(text: str) -> str:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


STEPS = [(berlin(1, 8), berlin(1, 9), 812), (berlin(1, 23, 30), berlin(2, 0, 30), 600), (berlin(2, 9), berlin(2, 10), 1000)]
PULSE = [(berlin(1, 8, minute), 60 + minute) for minute in range(30)]
STAGES = [
    (berlin(2, 1), berlin(2, 3), 4),
    (berlin(2, 3), berlin(2, 3, 20), 1),
    (berlin(2, 3, 20), berlin(2, 5), 5),
    (berlin(2, 5), berlin(2, 6, 20), 6),
]
RUN = (berlin(1, 17), berlin(1, 18))


def backup(folder: Path, *, pulse: Any = PULSE, modified: int = MODIFIED, weight: float = 75_500.0) -> Path:
    folder.mkdir(exist_ok=True)
    phone = Phone(folder)
    by = {"app_info_id": phone.app(BUNDLE, "Fitbit"), "device_info_id": phone.device(MODEL, 1), "last_modified_time": modified}
    for start, end, count in STEPS:
        phone.record("steps", start, end, count=count, **by)
    series = phone.record("heart_rate", berlin(1, 8), berlin(1, 9), **by)
    for at, rate in pulse:
        phone.child("heart_rate_record_series_table", series, beats_per_minute=rate, epoch_millis=ms(at))
    night = phone.record("sleep_session", STAGES[0][0], STAGES[-1][1], **by)
    for start, end, kind in STAGES:
        phone.child("sleep_stages_table", night, stage_start_time=ms(start), stage_end_time=ms(end), stage_type=kind)
    phone.record("exercise_session", *RUN, exercise_type=33, **by)
    phone.record("weight", berlin(1, 7), weight=weight, **by)
    phone.record("blood_pressure", berlin(1, 7), systolic=121.0, diastolic=79.0, measurement_location="0", body_position="0", **by)
    phone.record("nutrition", berlin(1, 12), berlin(1, 13), energy=350_000.0, protein=25.0, meal_type=2, meal_name="Soup", **by)
    return phone.zipped()


def webhook(*, totals: bool = False) -> dict[str, Any]:
    """The same, as HC Webhook sends it: in UTC, without ids, exercises by the app library's codes."""
    body: dict[str, Any] = {"timestamp": "2026-03-11T10:00:00Z", "app_version": "1.9.0"}
    if totals:
        sums = {1: 812 + 300, 2: 300 + 1000}
        days = [{"count": count, "start_time": utc(berlin(day, 0)), "end_time": utc(berlin(day + 1, 0))} for day, count in sums.items()]
        return body | {"steps": days}
    spans = [{"stage": str(kind), "start_time": utc(start), "end_time": utc(end), "duration_seconds": 0} for start, end, kind in STAGES]
    night = {"session_end_time": utc(STAGES[-1][1]), "duration_seconds": 19_200, "stages": spans, "metadata": META}
    meal = {"calories": 350.0, "protein_grams": 25.0, "name": "Soup", "start_time": utc(berlin(1, 12)), "end_time": utc(berlin(1, 13))}
    return body | {
        "steps": [{"count": count, "start_time": utc(start), "end_time": utc(end), "metadata": META} for start, end, count in STEPS],
        "heart_rate": [{"bpm": rate, "time": utc(at), "metadata": META} for at, rate in PULSE],
        "sleep": [night],
        "exercise": [{"type": "56", "start_time": utc(RUN[0]), "end_time": utc(RUN[1]), "duration_seconds": 3600, "metadata": META}],
        "weight": [{"kilograms": 75.5, "time": utc(berlin(1, 7)), "metadata": META}],
        "blood_pressure": [{"systolic": 121, "diastolic": 79, "time": utc(berlin(1, 7)), "metadata": META}],
        "nutrition": [meal | {"metadata": META}],
    }


NEW = len(STEPS) + len(PULSE) + len(STAGES) + 1 + 1 + 2 + 2


def take(house: House, path: Path) -> Accepted:
    return house._sent(accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None), True)


def test_a_backup_makes_days_and_nights_and_again_it_is_all_known(house, tmp_path):
    path = backup(tmp_path / "phone")
    first = take(house, path)
    assert (house.receipt(first)["status"], house.counts(first)) == ("completed", {"new": NEW})
    assert house.days("steps") == {"2026-03-01": 812 + 300, "2026-03-02": 300 + 1000}
    assert house.days("weight") == {"2026-03-01": 75.5}
    assert house.days("dietary_energy") == {"2026-03-01": 350}
    night = house.nights()["2026-03-02"]
    assert [round(night[part]) for part in ("core", "deep", "rem", "awake")] == [120, 100, 80, 20]
    assert house.rows("SELECT activity, start FROM workout") == [("running", ms(RUN[0]))]
    before = house.all_days()
    assert house.counts(take(house, path)) == {"duplicate": NEW}
    assert house.all_days() == before
    assert sorted(p.suffix for p in (house.settings.data / "spool").iterdir()) == [".zip", ".zip"]


@pytest.mark.parametrize("order", list(itertools.permutations(("backup", "webhook", "totals"))))
def test_the_webhook_of_the_same_days_adds_nothing_in_any_order(house, tmp_path, order):
    path = backup(tmp_path / "phone")
    sent = {
        "backup": lambda: take(house, path),
        "webhook": lambda: house.ingest(webhook()),
        "totals": lambda: house.ingest(webhook(totals=True)),
    }
    counts = {name: house.counts(sent[name]()) for name in order}
    first, second = (name for name in order if name != "totals")
    assert counts[first] == {"new": NEW}
    assert {name: count for name, count in counts[second].items() if name != "updated"} == {"duplicate": NEW} or (
        counts[second] == {"duplicate": NEW - 1, "updated": 1}  # the workout learns its duration or its uuid
    )
    assert house.days("steps") == {"2026-03-01": 812 + 300, "2026-03-02": 300 + 1000}
    assert len(house.samples("heart_rate")) == len(PULSE)
    assert house.rows("SELECT count(*) FROM sleep_stage") == [(len(STAGES),)]
    assert house.rows("SELECT activity, count(*) FROM workout") == [("running", 1)]
    assert house.days("dietary_protein") == {"2026-03-01": 25}
    assert house.rows("SELECT count(*) FROM source WHERE name=?", MODEL) == [(1,)]


def test_a_newer_backup_replaces_a_series_as_a_whole_and_an_older_one_changes_nothing(house, tmp_path):
    shorter = [(at, rate + 1) for at, rate in PULSE[:10]]
    newer = backup(tmp_path / "newer", pulse=shorter, modified=MODIFIED + 60_000, weight=74_000.0)
    older = backup(tmp_path / "older")
    take(house, older)
    take(house, newer)
    expected = [(ms(at) // 1000, ms(at) // 1000, float(rate)) for at, rate in shorter]
    assert house.samples("heart_rate") == expected
    assert house.days("weight") == {"2026-03-01": 74}
    counts = house.counts(take(house, older))
    assert "new" not in counts and "updated" not in counts
    assert house.samples("heart_rate") == expected
    assert house.days("weight") == {"2026-03-01": 74}


def test_a_record_that_was_deleted_does_not_come_back(house, tmp_path):
    path = backup(tmp_path / "phone")
    take(house, path)
    gone = str(uuid.UUID(int=1))  # the first steps
    house.sync(deleted=[{"uuid": gone}])
    assert house.days("steps") == {"2026-03-01": 300, "2026-03-02": 1300}
    assert house.counts(take(house, path)) == {"duplicate": NEW - 1, "deleted": 1}
    assert house.days("steps") == {"2026-03-01": 300, "2026-03-02": 1300}


def test_an_import_goes_on_where_it_was_stopped(house, tmp_path, monkeypatch):
    monkeypatch.setattr("healthbox.pipeline.process.FILE_STEP", 1_000)
    pulse = [(f"2026-03-01T{8 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}+01:00", 60 + n % 50) for n in range(5_000)]
    path = backup(tmp_path / "phone", pulse=pulse)
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    for _ in range(2):  # each time by a new process, which has to open the zip again
        Processor(house.database, house.settings.data).step(house.at)
    progress = house.rows("SELECT position FROM chunk")
    assert 0 < progress[0][0] < 5_000
    house.run()
    counts = house.counts(accepted)
    assert counts["new"] + counts.get("updated", 0) == sum(counts.values()) == NEW - len(PULSE) + len(pulse)
    assert len(house.samples("heart_rate")) == len(pulse)


def test_a_trap_is_a_dead_upload_with_words(house, tmp_path):
    path = backup(tmp_path / "phone")
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    (spooled,) = (house.settings.data / "spool").iterdir()
    spooled.write_bytes(spooled.read_bytes()[:2_000])  # as if the disk had lost its end
    house.run()
    receipt = house.receipt(accepted)
    assert receipt["status"] == "failed"
    assert "damaged" in str(receipt)


def test_what_a_kill_left_of_an_unpacked_backup_is_swept(house, tmp_path):
    take(house, backup(tmp_path / "phone"))
    spool = house.settings.data / "spool"
    left = spool / ".unpacked-abc.db"
    left.write_bytes(b"half")
    for age, stays in ((60, True), (7_200, False)):
        os.utime(left, (house.at / 1000 - age,) * 2)
        schedule.JOBS["sweep"].run(house.database, house.settings, house.at)
        assert left.exists() is stays
    assert len(list(spool.iterdir())) == 1


# -- HC Webhook's own promises ----------------------------------------------------------------------------------------


def growing(count: int, until: str, metadata: Any = None, since: str = "") -> dict[str, Any]:
    day = {"count": count, "start_time": since or utc(berlin(1, 0)), "end_time": until} | ({"metadata": metadata} if metadata else {})
    return {"timestamp": until, "app_version": "1.9.0", "steps": [day]}


def test_a_daily_total_that_grows_is_restated_never_added(house):
    for count, until in ((3000, "2026-03-01T10:00:00Z"), (8000, "2026-03-01T21:30:00Z"), (9500, "2026-03-01T22:59:59Z")):
        house.ingest(growing(count, until, META))
        assert house.days("steps") == {"2026-03-01": count}
    house.ingest(growing(3000, "2026-03-01T10:00:00Z", META))  # a body that comes late or again
    assert house.days("steps") == {"2026-03-01": 9500}
    assert house.rows("SELECT count(*) FROM bucket") == [(1,)]


def test_a_walk_or_a_strange_midnight_told_of_while_it_grows_counts_once(house):
    for count, until in ((500, "2026-03-01T08:10:00Z"), (900, "2026-03-01T08:30:00Z")):
        house.ingest(growing(count, until, META, "2026-03-01T08:00:00Z"))
    assert house.days("steps") == {"2026-03-01": 900}
    for count, until in ((800, "2026-03-03T23:00:00Z"), (2800, "2026-03-04T00:00:00Z"), (3000, "2026-03-04T15:00:00Z")):
        house.ingest(growing(count, until, META, "2026-03-03T15:00:00Z"))  # a midnight in Tokyo
    found = house.days("steps")
    assert found["2026-03-03"] + found["2026-03-04"] == 3000


def test_without_a_zone_on_the_wire_the_days_are_the_person_s(build):
    late = {"count": 500, "start_time": "2026-03-02T02:00:00Z", "end_time": "2026-03-02T03:00:00Z"}
    body = {"timestamp": "2026-03-03T10:00:00Z", "app_version": "1.9.0", "steps": [late]}
    for zone, day in (("America/New_York", "2026-03-01"), ("Asia/Tokyo", "2026-03-02")):
        place = build(zone=zone)
        place.ingest(body)
        assert place.days("steps") == {day: 500}
