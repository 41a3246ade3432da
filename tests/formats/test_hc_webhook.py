import datetime as dt

import pytest

from healthbox.domain.records import Bucket, Rejected, Sample, SleepStage, SourceRef, Workout

HC = "hc-webhook"
ROOT = {"timestamp": "2026-03-01T10:00:00.123Z", "app_version": "1.9.0"}
SAMSUNG = {
    "data_origin": "com.sec.android.app.shealth",
    "recording_method": "automatically_recorded",
    "device": {"manufacturer": "Samsung", "model": "SM-R960", "type": "watch"},
}
WATCH = SourceRef("SM-R960", "com.sec.android.app.shealth", "SM-R960", "watch")


def steps(count, start, end, **more):
    return {"count": count, "start_time": start, "end_time": end, **more}


def test_a_raw_interval_is_a_sample_without_a_zone(read, ms):
    (one,) = read(ROOT | {"steps": [steps(812, "2026-03-01T07:00:00Z", "2026-03-01T08:00:00.123456789Z", metadata=SAMSUNG)]}, as_format=HC)
    assert one == Sample(
        position="steps[0]",
        metric="steps",
        naming="key",
        start=ms("2026-03-01T07:00:00+00:00"),
        end=ms("2026-03-01T08:00:00.123+00:00"),
        value=812.0,
        unit="count",
        source=WATCH,
    )


def test_a_growing_daily_total_is_one_bucket_restated(read, ms):
    midnight = "2026-02-28T23:00:00Z"  # in Berlin
    for built, count in (("2026-03-01T10:00:00Z", 3000), ("2026-03-01T21:30:00Z", 8000)):
        (one,) = read({"timestamp": built, "app_version": "1", "steps": [steps(count, midnight, built)]}, as_format=HC)
        assert one == Bucket(
            position="steps[0]",
            metric="steps",
            naming="key",
            app=HC,
            width="day",
            start=ms("2026-03-01T00:00:00+01:00"),
            date=dt.date(2026, 3, 1),
            value=float(count),
            unit="count",
            source="Health Connect",
            as_of=ms(built.replace("Z", "+00:00")),
        )


def test_a_whole_day_is_a_bucket_also_when_it_has_23_hours_or_is_written_in_utc(read):
    days = [steps(5, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), steps(6, "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z")]
    records = read({**ROOT, "timestamp": "2026-04-01T00:00:00Z", "steps": days}, as_format=HC)
    assert [(type(r), r.date) for r in records] == [(Bucket, dt.date(2026, 3, 29)), (Bucket, dt.date(2026, 3, 30))]
    (written_in_utc,) = read(
        ROOT | {"distance": [{"meters": 9.5, "start_time": "2026-02-27T00:00:00Z", "end_time": "2026-02-28T00:00:00Z"}]}, as_format=HC
    )
    assert (written_in_utc.date, written_in_utc.unit) == (dt.date(2026, 2, 27), "m")


def test_a_time_without_an_offset_is_utc_wherever_it_stands(read):
    [with_z], [without] = (
        read(
            {**ROOT, "timestamp": f"2026-03-01T10:00:00{z}", "steps": [steps(5, f"2026-02-28T23:00:00{z}", f"2026-03-01T10:00:00{z}")]},
            as_format=HC,
        )
        for z in ("Z", "")
    )
    assert (type(without), without) == (Bucket, with_z)


@pytest.mark.parametrize(
    "items",
    [
        [steps(9, "2026-02-28T23:00:00Z", "2026-02-28T23:20:00Z")],  # a few minutes after midnight
        [steps(9, "2026-02-28T23:00:00Z", "2026-03-01T02:00:00Z")],  # ends long before the body was built
        [steps(9, "2026-02-28T23:00:00Z", "2026-03-01T09:50:00Z"), steps(1, "2026-03-01T09:50:00Z", "2026-03-01T10:00:00Z")],
    ],
)
def test_what_is_no_daily_total_stays_a_sample(read, items):
    assert {type(r) for r in read(ROOT | {"steps": items}, as_format=HC)} == {Sample}


def test_windows_with_average_are_buckets(read, ms):
    body = ROOT | {
        "heart_rate": [{"time": "2026-03-01T09:00:00Z", "avg": 70.5, "min": 60, "max": 90}, {"bpm": 72, "time": "2026-03-01T09:15:00Z"}],
        "skin_temperature": [
            {"time": "2026-03-01T03:00:00Z", "avg_delta_celsius": 0.2, "min_delta_celsius": -0.1, "max_delta_celsius": 0.4},
            {"time": "2026-03-01T04:00:00Z", "delta_celsius": -0.3, "baseline_celsius": 34.1, "measurement_location": "wrist"},
        ],
    }
    window, beat, warm, delta, baseline = read(body, as_format=HC)
    assert (window.width, window.start, window.value, window.low, window.high) == ("minute", ms("2026-03-01T09:00:00+00:00"), 70.5, 60, 90)
    assert (beat.value, beat.start, beat.end) == (72.0, ms("2026-03-01T09:15:00+00:00"), ms("2026-03-01T09:15:00+00:00"))
    assert (warm.metric, warm.value, warm.low, warm.high) == ("skin_temperature_delta", 0.2, -0.1, 0.4)
    assert (delta.metric, delta.value, delta.metadata) == ("skin_temperature_delta", -0.3, {"measurement_location": "wrist"})
    assert (baseline.metric, baseline.value) == ("skin_temperature", 34.1)


def test_stages_come_as_digits_or_names(read):
    parts = [("1", "awake"), ("2", "asleep_unspecified"), ("3", "awake"), ("4", "core"), ("5", "deep"), (6, "rem"), ("7", "awake"),
             ("light", "core"), ("deep", "deep"), ("rem", "rem")]  # fmt: skip
    stages = [
        {"stage": wire, "start_time": f"2026-02-28T23:{n:02d}:00Z", "end_time": f"2026-02-28T23:{n + 1:02d}:00Z"}
        for n, (wire, _) in enumerate(parts)
    ]
    stages.append({"stage": "0", "start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-01T00:01:00Z"})
    night = {"session_end_time": "2026-03-01T06:00:00Z", "duration_seconds": 25200, "stages": stages, "metadata": SAMSUNG}
    *known, unknown = read(ROOT | {"sleep": [night]}, as_format=HC)
    assert [(r.stage, r.source) for r in known] == [(ours, WATCH) for _, ours in parts]
    assert {(r.uuid, r.parent) for r in known} == {("1772344800000 com.sec.android.app.shealth", True)}
    (nameless,) = read(ROOT | {"sleep": [{"stages": stages[:1]}]}, as_format=HC)
    assert (nameless.uuid, nameless.parent) == (None, False)
    assert isinstance(unknown, Rejected)
    assert (unknown.position, unknown.code) == ("sleep[0].stages[10]", "unknown_stage")


def test_a_night_without_stages_is_sleep_back_from_its_end(read, ms):
    (one,) = read(ROOT | {"sleep": [{"session_end_time": "2026-03-01T06:00:00Z", "duration_seconds": 25200, "stages": []}]}, as_format=HC)
    start, end = ms("2026-02-28T23:00:00+00:00"), ms("2026-03-01T06:00:00+00:00")
    assert one == SleepStage(position="sleep[0]", start=start, end=end, stage="asleep_unspecified", source=SourceRef("Health Connect"),
                             uuid=f"{end} Health Connect", parent=True)  # fmt: skip


def test_units_that_are_not_the_catalogue_s_are_said(read):
    at = {"time": "2026-03-01T06:00:00Z"}
    body = ROOT | {
        "basal_metabolic_rate": [at | {"watts": 85.0}],
        "blood_glucose": [at | {"mmol_per_liter": 5.4}],
        "height": [at | {"meters": 1.78}],
        "hydration": [{"liters": 0.5, "start_time": "2026-03-01T06:00:00Z", "end_time": "2026-03-01T06:01:00Z"}],
        "blood_pressure": [at | {"systolic": 120, "diastolic": 80}],
        "weight": [at | {"kilograms": 75.5, "metadata": {"data_origin": "com.example.scale", "recording_method": "manual_entry"}}],
    }
    found = {r.metric: (r.value, r.unit) for r in read(body, as_format=HC)}
    assert found == {
        "basal_metabolic_rate": (85.0, "W"), "blood_glucose": (5.4, "mmol/L"), "height": (1.78, "m"), "dietary_water": (0.5, "L"),
        "blood_pressure_systolic": (120.0, "mmHg"), "blood_pressure_diastolic": (80.0, "mmHg"), "weight": (75.5, "kg"),
    }  # fmt: skip
    assert next(r for r in read(body, as_format=HC) if r.metric == "weight").source == SourceRef(None, "com.example.scale", None, "manual")


def test_a_meal_is_one_sample_for_each_nutrient(read):
    meal = {"calories": 350.0, "protein_grams": 25.0, "sodium_grams": 0.8, "name": "Oatmeal",
            "start_time": "2026-03-01T07:30:00Z", "end_time": "2026-03-01T07:31:00Z"}  # fmt: skip
    records = read(ROOT | {"nutrition": [meal]}, as_format=HC)
    assert [(r.metric, r.value, r.unit, r.tag) for r in records] == [
        ("dietary_energy", 350.0, "kcal", "Oatmeal"), ("dietary_protein", 25.0, "g", "Oatmeal"), ("dietary_sodium", 0.8, "g", "Oatmeal"),
    ]  # fmt: skip
    assert [r.position for r in records] == ["nutrition[0].calories", "nutrition[0].protein_grams", "nutrition[0].sodium_grams"]


@pytest.mark.parametrize(("wire", "activity"), [("56", "running"), (8, "cycling"), ("running", "running"), ("999", "health_connect_999")])
def test_an_exercise_is_a_workout(read, wire, activity):
    item = {"type": wire, "start_time": "2026-03-01T08:00:00Z", "end_time": "2026-03-01T09:00:00Z", "duration_seconds": 3600,
            "distance_meters": 5420.0, "steps": 6800, "avg_cadence_spm": 170.0, "stride_length_m": 1.2}  # fmt: skip
    (one,) = read(ROOT | {"exercise": [item]}, as_format=HC)
    assert isinstance(one, Workout)
    assert (one.activity, one.metadata) == (activity, {"stride_length_m": 1.2})
    assert one.totals == {"duration": 3600.0, "distance": 5420.0, "steps": 6800.0, "step_cadence": 170.0}


def test_cycle_codes_are_health_connect_s_own(read):
    at = {"time": "2026-03-01T08:00:00Z"}
    body = ROOT | {
        "menstruation_flow": [at | {"flow": 2}],
        "ovulation_test": [at | {"result": 3}],
        "cervical_mucus": [at | {"appearance": 5}, at | {"appearance": 6}],
        "intermenstrual_bleeding": [at],
        "sexual_activity": [at | {"protection_used": 1}],
        "menstruation_period": [{"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-03T00:00:00Z"}],
    }
    flow, test, mucus, unusual, bleeding, activity, period = read(body, as_format=HC)
    assert [r.value for r in (flow, test, mucus)] == ["medium", "negative", "egg_white"]
    assert unusual.code == "unknown_value"
    assert (bleeding.metric, activity.metadata) == ("intermenstrual_bleeding", {"protection_used": 1})
    assert (period.value, period.unit) == (172800.0, "s")


def test_nothing_that_the_app_made_up_is_stored(read):
    body = ROOT | {"test": True, "steps": [steps(1, "2026-03-01T07:00:00Z", "2026-03-01T08:00:00Z")], "weight": [{"kilograms": 3}]}
    assert [(r.position, r.code) for r in read(body, as_format=HC)] == [("steps[0]", "test"), ("weight[0]", "test")]


def test_a_type_of_a_later_version_is_kept_under_its_own_name(read):
    (one,) = read(
        ROOT | {"floors": [{"floors": 3, "start_time": "2026-03-01T07:00:00Z", "end_time": "2026-03-01T08:00:00Z"}]}, as_format=HC
    )
    assert (one.metric, one.value) == ("floors_floors", 3.0)


def test_one_bad_record_costs_itself_only(read):
    items = [
        steps(None, "2026-03-01T07:00:00Z", ""),
        "x",
        steps(4, "yesterday", ""),
        steps(5, "2026-03-01T07:00:00Z", "2026-03-01T07:05:00Z"),
    ]
    found = read(ROOT | {"steps": items, "heart_rate": {"bpm": 1}}, as_format=HC)
    assert [getattr(r, "code", r.position) for r in found] == ["no_value", "not_an_object", "bad_time", "steps[3]", "not_a_list"]
