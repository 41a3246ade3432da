import datetime as dt

import pytest
from hae_points import HAE, metric, point

from healthbox.domain.records import Bucket, Sample, SleepStage, SourceRef, StatedNight, Workout

DAY = dt.date(2026, 3, 1)


def workouts(**fields):
    return {
        "data": {"workouts": [{"name": "Outdoor Run", "start": "2026-03-01 07:00:00 +0100", "end": "2026-03-01 07:30:00 +0100"} | fields]}
    }


def test_an_hour_is_a_bucket_with_its_joined_source_text(read, ms):
    assert read(metric(point(qty=412.5, source="Alice’s Apple Watch|iPhone")), as_format=HAE, automation_aggregation="Hours") == [
        Bucket(
            position="data.metrics[0].data[0]",
            metric="step_count",
            naming="health_auto_export",
            app="health-auto-export",
            width="hour",
            start=ms("2026-03-01T09:00:00+01:00"),
            value=412.5,
            unit="count",
            source="Alice’s Apple Watch|iPhone",
        )
    ]


def test_days_of_local_midnights_need_no_offset_and_know_summer_time(read, ms):
    (record, _) = read(metric({"date": "2026-07-01 00:00:00", "qty": 1}, {"date": "2026-07-02 00:00:00", "qty": 1}), as_format=HAE)
    assert (record.width, record.date, record.start) == ("day", dt.date(2026, 7, 1), ms("2026-07-01T00:00:00+02:00"))


@pytest.mark.parametrize(
    "date",
    [
        "2026-03-01 09:00:00 +0100",
        "2026-03-01 9:00:00 AM +0100",
        "2026-03-01 9:00:00 am +0100",
        "2026-03-01 9:00:00\u202fAM +0100",
        "2026-03-01 9:00:00\xa0AM +0100",
        "2026-03-01 09:00:00.000 +0100",
        "2026-03-01 9:00 AM +0100",
    ],
)
def test_every_spelling_of_a_date(read, ms, date):
    (record,) = read(metric({"date": date, "qty": 1}), as_format=HAE)
    assert (type(record), record.start) == (Bucket, ms("2026-03-01T09:00:00+01:00"))


def test_a_heart_rate_has_three_numbers_or_one(read):
    body = metric(point(Min=61, Avg=66.5, Max=80, qty=None), point("10:00:00", qty=70), name="heart_rate", units="bpm")
    assert [(r.value, r.low, r.high, r.unit) for r in read(body, as_format=HAE)] == [(66.5, 61.0, 80.0, "bpm"), (70.0, None, None, "bpm")]
    (second,) = read(metric(point("09:00:07", Min=61, Avg=66, Max=80, qty=None), name="heart_rate", units="bpm"), as_format=HAE)
    assert (second.value, second.metadata) == (66.0, {"min": 61.0, "max": 80.0})


def test_blood_pressure_is_two_metrics(read):
    body = metric(
        {"date": "2026-03-01 09:05:07 +0100", "systolic": 121, "diastolic": 79, "source": "Cuff"}, name="blood_pressure", units="mmHg"
    )
    assert [(r.position, r.metric, r.value, r.unit, r.source) for r in read(body, as_format=HAE)] == [
        ("data.metrics[0].data[0].systolic", "blood_pressure_systolic", 121.0, "mmHg", SourceRef("Cuff")),
        ("data.metrics[0].data[0].diastolic", "blood_pressure_diastolic", 79.0, "mmHg", SourceRef("Cuff")),
    ]
    (half,) = read(metric(point(systolic=121), name="blood_pressure"), as_format=HAE)
    assert half.code == "no_value"


def test_a_raw_point_is_a_sample_with_all_it_says(read, ms):
    told = point("09:05:07", qty=5.4, mealTime="Before Meal", source="Meter", source_uuid="U1", metadata={"k": "v"})
    assert read(metric(told, name="blood_glucose", units="mmol/L"), as_format=HAE) == [
        Sample(
            position="data.metrics[0].data[0]",
            metric="blood_glucose",
            naming="health_auto_export",
            value=5.4,
            unit="mmol/L",
            start=ms("2026-03-01T09:05:07+01:00"),
            end=ms("2026-03-01T09:05:07+01:00"),
            source=SourceRef("Meter"),
            uuid="U1",
            metadata={"k": "v", "mealTime": "Before Meal"},
        )
    ]
    doses = [point("08:00:00", qty=4, reason="Bolus"), point("08:00:00", qty=9, reason="Basal")]
    assert [record.tag for record in read(metric(*doses, name="insulin_delivery", units="IU"), as_format=HAE)] == ["Bolus", "Basal"]


def test_categories_are_counts_and_so_never_samples(read):
    (record,) = read(metric(point("09:05:07", value="Complete"), name="handwashing"), as_format=HAE)
    assert (type(record), record.width, record.value) == (Bucket, "minute", 1.0)
    parts = {"date": "2026-03-01 00:00:00 +0100", "Unspecified": 1, "Protection Used": 2, "Protection Not Used": 0}
    (record,) = read(metric(parts, name="sexual_activity"), as_format=HAE)
    assert (record.width, record.value) == ("minute", 3.0)


def test_unknown_names_percent_and_empty_sources_pass_as_they_are(read):
    (record,) = read(metric(point(source=""), name="future_metric", units="widgets"), as_format=HAE, automation_aggregation="Hours")
    assert (record.metric, record.unit, record.source) == ("future_metric", "widgets", "")
    (record,) = read(metric(point(qty=0.8276), name="walking_asymmetry_percentage", units="%"), as_format=HAE)
    assert (record.value, record.unit) == (0.8276, "%")


def test_nothing_to_say_is_no_error(read):
    assert read({"data": {}}, as_format=HAE) == []
    assert read({"data": {"metrics": []}}, as_format=HAE) == []
    assert read({"data": {"metrics": [{"name": "step_count", "units": "count", "data": None}], "workouts": None}}, as_format=HAE) == []


def test_bad_points_are_rejected_one_by_one(read):
    bad = [3, {"qty": 1}, point(qty=None), point(qty="many"), point(qty=1e300), {"date": "2026-02-30 00:00:00 +0100", "qty": 1}]
    *records, good = read(metric(*bad, point()), as_format=HAE)
    assert [r.code for r in records] == ["not_an_object", "no_time", "no_value", "not_a_number", "number_out_of_range", "bad_time"]
    assert good.value == 1.0
    assert read({"data": {"metrics": {"name": "x"}}}, as_format=HAE)[0].code == "not_a_list"
    assert read({"data": {"metrics": [{"data": []}]}}, as_format=HAE)[0].code == "no_name"


def sleep(*points, units="hr"):
    return metric(*points, name="sleep_analysis", units=units)


TIMES = {"sleepStart": "2026-02-28 23:10:00 +0100", "sleepEnd": "2026-03-01 06:40:00 +0100"}


def night(ms, **parts):
    times = {"start": ms("2026-02-28T23:10:00+01:00"), "end": ms("2026-03-01T06:40:00+01:00")}
    return StatedNight(position="data.metrics[0].data[0]", app="health-auto-export", **({"date": DAY} | times | parts))


def test_a_new_night_has_stages_and_zeros_that_mean_nothing(read, ms):
    told = {
        "date": "2026-03-01",
        "totalSleep": 7.1,
        "asleep": 0,
        "core": 4.2,
        "deep": 1.1,
        "rem": 1.8,
        "awake": 0.3,
        "inBed": 0,
        "source": "W",
    }
    assert read(sleep(told | TIMES), as_format=HAE) == [night(ms, asleep=426.0, core=252.0, deep=66.0, rem=108.0, awake=18.0, source="W")]
    del told["totalSleep"]
    assert read(sleep(told | TIMES), as_format=HAE)[0].asleep == pytest.approx(426)


def test_an_old_night_has_two_sources_and_two_spans(read, ms):
    told = {"date": "2026-03-01 09:03:36 +0100", "asleep": 6.5, "sleepSource": "Watch", "inBed": 7, "inBedSource": "iPhone"} | TIMES
    bed = {"inBedStart": "2026-02-28 23:00:00 +0100", "inBedEnd": "2026-03-01 07:00:00 +0100"}
    assert read(sleep(told | bed), as_format=HAE) == [
        night(
            ms,
            asleep=390.0,
            in_bed=420.0,
            source="Watch|iPhone",
            in_bed_start=ms("2026-02-28T23:00:00+01:00"),
            in_bed_end=ms("2026-03-01T07:00:00+01:00"),
        )
    ]


def test_a_band_without_stages_and_a_night_of_durations_only(read, ms):
    band = {"date": "2026-03-01", "asleep": 6, "core": 0, "deep": 0, "rem": 0, "awake": 0, "inBed": 0}
    assert read(sleep(band), as_format=HAE) == [night(ms, start=None, end=None, asleep=360.0)]
    assert read(sleep({"date": "2026-03-01", "totalSleep": 420}, units="min"), as_format=HAE) == [
        night(ms, start=None, end=None, asleep=420.0)
    ]
    assert read(sleep({"totalSleep": 7} | TIMES), as_format=HAE)[0].date == DAY


def test_a_night_that_cannot_be_is_rejected(read):
    absurd = [{"asleep": 808742334249.947}, {"asleep": -1}, {"asleep": 25}, {"core": 20, "rem": 20}, {"asleep": 0, "inBed": 0}, {}]
    codes = [r.code for r in read(sleep(*({"date": "2026-03-01"} | told for told in absurd)), as_format=HAE)]
    assert codes == ["absurd_duration"] * 4 + ["no_value"] * 2
    assert read(sleep({"date": "2026-03-01", "asleep": 7}, units="moons"), as_format=HAE)[0].code == "unknown_unit"


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("Awake", "awake"),
        ("Asleep", "asleep_unspecified"),
        ("In Bed", "in_bed"),
        ("Core", "core"),
        ("REM", "rem"),
        ("Deep", "deep"),
        ("Unspecified", "asleep_unspecified"),
    ],
)
def test_sleep_that_is_not_aggregated_is_stages(read, ms, word, stage):
    told = {
        "startDate": "2026-03-01 01:00:00 +0100",
        "endDate": "2026-03-01 01:30:00 +0100",
        "value": word,
        "qty": 0.5,
        "date": None,
        "source": "W",
    }
    assert read(sleep(told), as_format=HAE) == [
        SleepStage(
            position="data.metrics[0].data[0]",
            start=ms("2026-03-01T01:00:00+01:00"),
            end=ms("2026-03-01T01:30:00+01:00"),
            stage=stage,
            source=SourceRef("W"),
        )
    ]
    assert read(sleep(told | {"value": "Tief"}), as_format=HAE)[0].code == "unknown_stage"


def test_a_workout_of_version_2(read, ms):
    at = "2026-03-01 07:00:00 +0100"
    body = workouts(
        id="W1",
        duration=1800,
        location="Outdoor",
        isIndoor=False,
        source="Watch",
        metadata={"k": "v"},
        activeEnergyBurned={"qty": 100, "units": "Cal"},
        distance={"qty": 5.02, "units": "km"},
        elevationUp={"qty": 1200, "units": "cm"},
        heartRate={"min": {"qty": 90, "units": "bpm"}, "avg": {"qty": 101, "units": "bpm"}, "max": {"qty": 118, "units": "bpm"}},
        intensity={"qty": 8, "units": "kcal/hr·kg"},
        humidity={"qty": 60, "units": "%"},
        temperature={"qty": 3, "units": "réaumur"},
        heartRateData=[{"date": at, "Min": 90, "Avg": 101, "Max": 118, "units": "bpm"}, {"date": "?", "Avg": 1, "units": "bpm"}],
        stepCount=[{"date": at, "qty": 80, "units": "count"}],
        activeEnergy=[{"date": at, "qty": 5, "units": "kcal"}],
        cyclingSpeed=[{"date": at, "qty": 18, "units": "km/hr"}],
        route=[{"latitude": 52.5, "longitude": 13.4, "altitude": 34.5, "timestamp": at, "speed": 2.5, "course": -1}],
    )
    start = ms("2026-03-01T07:00:00+01:00")
    assert read(body, as_format=HAE) == [
        Workout(
            position="data.workouts[0]",
            activity="running",
            start=start,
            end=start + 1_800_000,
            uuid="W1",
            source=SourceRef("Watch"),
            totals={
                "duration": 1800.0,
                "energy": 100.0,
                "distance": 5020.0,
                "elevation_up": 12.0,
                "intensity": 8.0,
                "humidity": 60.0,
                "heart_rate_min": 90.0,
                "heart_rate_avg": 101.0,
                "heart_rate_max": 118.0,
            },
            series={
                "energy": [[start, 5.0]],
                "steps": [[start, 80.0]],
                "speed": [[start, 5.0]],
                "heart_rate": [[start, 101.0]],
                "heart_rate_min": [[start, 90.0]],
                "heart_rate_max": [[start, 118.0]],
            },
            route=[[start, 52.5, 13.4, 34.5, 2.5]],
            metadata={
                "name": "Outdoor Run",
                "k": "v",
                "location": "Outdoor",
                "isIndoor": False,
                "temperature": {"qty": 3, "units": "réaumur"},
            },
        )
    ]


def test_a_workout_of_version_1(read, ms):
    at = "2026-03-01 07:00:00 +0100"
    body = workouts(
        stepCount={"qty": 908, "units": "steps"},
        activeEnergy={"qty": 200, "units": "kcal"},
        totalEnergy={"qty": 250, "units": "kcal"},
        elevation={"ascent": 16, "descent": 2, "units": "m"},
        intesity={"qty": 5, "units": "MET"},
        heartRateData=[{"date": at, "qty": 108, "units": "bpm"}],
        route=[{"lat": 1.5, "lon": 2.5, "altitude": 8, "timestamp": at}],
    )
    (record,) = read(body, as_format=HAE)
    start = ms("2026-03-01T07:00:00+01:00")
    assert record.uuid is None
    assert record.totals == {
        "steps": 908.0,
        "energy": 200.0,
        "total_energy": 250.0,
        "elevation_up": 16.0,
        "elevation_down": 2.0,
        "intensity": 5.0,
    }
    assert record.series == {"heart_rate": [[start, 108.0]]}
    assert record.route == [[start, 1.5, 2.5, 8.0, None]]


def test_a_workout_needs_a_name_and_both_ends(read):
    assert read(workouts(name=None), as_format=HAE)[0].code == "no_activity"
    assert read(workouts(end=None), as_format=HAE)[0].code == "no_time"
    assert read(workouts(name="Unterwasserrugby"), as_format=HAE)[0].activity == "unterwasserrugby"


def test_washing_in_seconds_is_how_long_and_not_how_often(read):
    for name in ("handwashing", "toothbrushing"):
        (long,) = read(metric(point("09:05:07", qty=22, value="Complete"), name=name, units="s"), as_format=HAE)
        assert (type(long), long.metric, long.value, long.unit) == (Sample, f"{name}_time", 22.0, "s")
        assert long.metadata == {"value": "Complete"}
        (often,) = read(metric(point("09:05:07"), name=name), as_format=HAE)
        assert (type(often), often.metric, often.value) == (Bucket, name, 1.0)
