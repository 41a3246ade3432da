import datetime as dt

import pytest

from healthbox.domain.records import Bucket, Clinical, Sample, SleepStage, SourceRef, StatedTotal, Workout
from healthbox.formats.healthsave import window

HS = "healthsave"
AT = "2026-03-01T08:00:00.000Z"


def body(metric, *samples):
    return {"metric": metric, "batch_index": 0, "total_batches": 1, "samples": list(samples)}


def test_a_reading_is_a_sample(read, ms):
    (one,) = read(body("heart_rate", {"date": AT, "qty": 72, "source": "Apple Watch"}), as_format=HS)
    at = ms("2026-03-01T08:00:00+00:00")
    assert one == Sample(
        position="samples[0]",
        metric="heart_rate",
        naming="health_auto_export",
        start=at,
        end=at,
        value=72.0,
        source=SourceRef("Apple Watch"),
    )


@pytest.mark.parametrize(
    ("zone", "at", "date"),
    [
        ("Europe/Berlin", "2026-02-28T23:00:00Z", 1),
        ("Europe/Berlin", "2026-03-01T00:00:00Z", 1),
        ("America/New_York", "2026-03-01T00:00:00Z", 1),
        ("America/New_York", "2026-03-01T05:00:00Z", 1),
        ("Asia/Tokyo", "2026-02-28T15:00:00Z", 1),
        ("Asia/Tokyo", "2026-03-02", 2),
    ],
)
def test_a_days_statistics_are_a_bucket_of_that_day(read, zone, at, date):
    (one,) = read(body("step_count", {"date": at, "qty": 8432, "source": "HealthKit Statistics"}), as_format=HS, zone=zone)
    assert isinstance(one, Bucket)
    assert (one.width, one.date, one.value, one.app) == ("day", dt.date(2026, 3, date), 8432.0, HS)


@pytest.mark.parametrize(
    ("metric", "qty", "unit", "found"),
    [
        ("blood_oxygen", 0.97, None, ("oxygen_saturation", "hk%")),
        ("oxygen_saturation", 97, None, ("oxygen_saturation", "%")),
        ("oxygen_saturation", 0.97, "%", ("oxygen_saturation", "hk%")),
        ("walking_asymmetry_percentage", 0.03, "%", ("walking_asymmetry_percentage", "hk%")),
        ("walking_asymmetry_percentage", 0.03, None, ("walking_asymmetry_percentage, no unit", None)),
        ("distance_walking_running", 7200, None, ("distance_walking_running", "m")),
        ("active_energy_burned", 410, None, ("active_energy_burned", "kcal")),
        ("wrist_temperature", 35.9, None, ("wrist_temperature", "degC")),
        ("body_mass", 70.5, None, ("body_mass, no unit", None)),
        ("body_mass", 70.5, "kg", ("body_mass", "kg")),
        ("something_new", 3, "x", ("something_new", "x")),
    ],
)
def test_a_unit_is_the_contracts_or_open(read, metric, qty, unit, found):
    (one,) = read(body(metric, {"date": AT, "qty": qty, "unit": unit, "source": "Apple Watch"}), as_format=HS)
    assert (one.metric, one.unit) == found


@pytest.mark.parametrize(
    ("wire", "stage"), [("Core", "core"), ("In Bed", "in_bed"), (3, "core"), (5, "rem"), ("4", "deep"), ("asleepREM", "rem")]
)
def test_stages_by_name_or_healthkits_number(read, wire, stage):
    (one,) = read(body("sleep_analysis", {"startDate": AT, "endDate": "2026-03-01T09:00:00Z", "value": wire, "source": "W"}), as_format=HS)
    assert isinstance(one, SleepStage)
    assert one.stage == stage


def test_a_workout(read, ms):
    item = {"name": "Outdoor Run", "start": AT, "end": "2026-03-01T08:45:00Z", "duration": 2700, "activeEnergy": 410, "distance": 7200,
            "avgHeartRate": 142, "maxHeartRate": 176, "source": "Apple Watch"}  # fmt: skip
    (one,) = read(body("workouts", item), as_format=HS)
    assert isinstance(one, Workout)
    assert (one.activity, one.end) == ("running", ms("2026-03-01T08:45:00+00:00"))
    assert one.totals == {"duration": 2700.0, "energy": 410.0, "distance": 7200.0, "heart_rate_avg": 142.0, "heart_rate_max": 176.0}


def test_doses_are_kept_whole_and_rings_are_stated_totals(read):
    (dose,) = read(body("medication_dose_event", {"date": AT, "medication_name": "Vitamin D", "dose_quantity": 0}), as_format=HS)
    assert isinstance(dose, Clinical)
    assert (dose.kind, dose.data["dose_quantity"]) == ("medication", 0)
    energy, exercise = read(
        body("activity_summaries", {"date": "2026-03-01", "activeEnergyBurned": 410, "appleExerciseTime": 30}), as_format=HS
    )
    assert [(type(r), r.metric, r.value, r.unit, r.date) for r in (energy, exercise)] == [
        (StatedTotal, "active_energy", 410.0, "kcal", dt.date(2026, 3, 1)),
        (StatedTotal, "exercise_time", 30.0, "min", dt.date(2026, 3, 1)),
    ]


def test_a_batch_may_be_empty_or_partly_broken(read):
    assert read({"metric": "heart_rate", "samples": []}, as_format=HS) == []
    found = read(body("heart_rate", {"date": AT}, {"qty": 3}, 7, {"date": AT, "qty": 60}), as_format=HS)
    assert [getattr(r, "code", r.position) for r in found] == ["no_value", "no_time", "not_an_object", "samples[3]"]


def test_the_window_spans_every_time_that_can_be_read(ms):
    samples = [{"date": AT}, {"startDate": "2026-03-01T07:00:00Z", "endDate": "2026-03-01T09:30:00Z"}, {"date": "never"}, 3]
    assert window(samples, "UTC") == (ms("2026-03-01T07:00:00+00:00"), ms("2026-03-01T09:30:00+00:00"))
    assert window([{"date": "never"}], "UTC") is None
