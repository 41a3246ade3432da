import datetime as dt

import pytest

from healthbox.domain.records import Bucket, Rejected, Sample, SleepStage, SourceRef, Tombstone, Workout

HB = "health-bridge"
WATCH = {"source_key": "w", "name": "Bob's Watch", "kind": "watch", "bundle_id": "com.example.watch", "device_model": "Watch7,2"}
BEAT = {"client_record_id": "r1", "source_key": "w", "type_code": "heart_rate", "start_time": "2026-06-01T12:00:00Z",
        "end_time": "2026-06-01T12:00:05Z", "value": 72, "unit": "count/min"}  # fmt: skip
NIGHT = {"client_record_id": "n1", "source_key": "w", "start_time": "2026-06-04T03:00:00Z", "end_time": "2026-06-04T05:00:00Z"}


def batch(**sections):
    return {"schema_id": "health_bridge.batch.v1", "schema_version": "1.0.0", "sources": [WATCH], "samples": [], **sections}


def test_a_sample_takes_the_batchs_source_and_the_types_alias(read, ms):
    types = [{"type_code": "heart_rate", "aliases": ["HKQuantityTypeIdentifierHeartRate"]}]
    (one,) = read(batch(samples=[BEAT | {"metadata": {"sampling": "spot"}}], health_types=types), as_format=HB)
    assert one == Sample(
        position="samples[0]",
        metric="HKQuantityTypeIdentifierHeartRate",
        naming="healthkit",
        start=ms("2026-06-01T12:00:00+00:00"),
        end=ms("2026-06-01T12:00:05+00:00"),
        value=72.0,
        unit="count/min",
        source=SourceRef("Bob's Watch", "com.example.watch", "Watch7,2", "watch"),
        uuid="r1",
        metadata={"sampling": "spot"},
    )


@pytest.mark.parametrize(
    ("code", "found"),
    [("energy", ("open_wearables", "energy")), ("skin_temperature", ("key", "wrist_temperature")), ("body_mass", ("key", "weight"))],
)
def test_without_an_alias_a_type_has_the_apps_own_name(read, code, found):
    (one,) = read(batch(samples=[BEAT | {"type_code": code, "unit": "%"}]), as_format=HB)
    assert ((one.naming, one.metric), one.unit) == (found, "hk%")


@pytest.mark.parametrize(
    ("start", "end", "meta"),
    [
        ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", None),
        ("2026-05-31T22:00:00Z", "2026-06-01T22:00:00Z", None),  # Berlin's own day
        ("2026-05-31T22:00:00Z", "2026-06-01T10:00:00Z", {"aggregation": "daily_sum"}),
    ],
)
def test_a_days_sum_is_a_bucket_of_that_day(read, start, end, meta):
    item = BEAT | {"type_code": "steps", "start_time": start, "end_time": end, "value": 4321, "unit": "count", "metadata": meta}
    (one,) = read(batch(samples=[item]), as_format=HB)
    assert isinstance(one, Bucket)
    assert (one.width, one.date, one.value, one.source, one.uuid) == ("day", dt.date(2026, 6, 1), 4321.0, "Bob's Watch", "r1")


def test_a_night_is_the_parent_of_its_stages(read):
    parts = [{"stage": word, "start_time": f"2026-06-04T0{n}:00:00Z", "end_time": f"2026-06-04T0{n + 1}:00:00Z"}
             for n, word in enumerate(("in_bed", "core", "deep", "rem", "awake", "asleep", "light", "asleepCore", "unheard"))]  # fmt: skip
    *known, unheard = read(batch(sleep_sessions=[NIGHT | {"stage_intervals": parts}]), as_format=HB)
    assert [r.stage for r in known] == ["in_bed", "core", "deep", "rem", "awake", "asleep_unspecified", "core", "core"]
    assert {(r.uuid, r.parent) for r in known} == {("n1", True)}
    assert isinstance(unheard, Rejected)
    (whole,) = read(batch(sleep_sessions=[NIGHT]), as_format=HB)
    assert (whole.stage, whole.end - whole.start) == ("asleep_unspecified", 7_200_000)


def test_workouts_and_deletions(read):
    walk = {"client_record_id": "k", "source_key": "gone", "workout_type": "walking", "start_time": "2026-06-03T18:00:00Z",
            "end_time": "2026-06-03T18:32:00Z", "duration_seconds": 1920, "energy_kcal": 140.5, "distance_meters": 2400}  # fmt: skip
    deleted = [{"record_family": "sample", "client_record_id": "r1"}, {"record_family": "sample"}]
    workout, tombstone, nameless = read(batch(workouts=[walk], deleted_records=deleted), as_format=HB)
    assert isinstance(workout, Workout)
    assert (workout.activity, workout.source) == ("walking", SourceRef("gone"))
    assert workout.totals == {"duration": 1920.0, "energy": 140.5, "distance": 2400.0}
    assert tombstone == Tombstone(position="deleted_records[0]", uuid="r1")
    assert nameless.code == "no_uuid"


def test_lines_are_the_same_batch(read):
    lines = [
        {"record_family": "source", **WATCH},
        {"record_family": "sample", **BEAT},
        {"record_family": "sleep_session", **NIGHT},
        {"record_family": "deleted_record", "client_record_id": "gone"},
        {"record_family": "dream"},
    ]
    beat, night, tombstone, dream = read(lines, as_format=HB)
    assert (beat.position, beat.source.name, type(night), tombstone.uuid) == ("[1]", "Bob's Watch", SleepStage, "gone")
    assert dream.code == "unknown_family"
