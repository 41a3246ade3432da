import pytest

from healthbox.domain.records import Clinical, Sample, SleepStage, SourceRef, Workout

FLUTTER, SEED = "flutter-health", "seed-sync"
POINT = {
    "uuid": "0F3C",
    "value": {"__type": "NumericHealthValue", "numericValue": 66},
    "type": "HEART_RATE",
    "unit": "BEATS_PER_MINUTE",
    "dateFrom": "2026-03-01T09:05:00.000",
    "dateTo": "2026-03-01T09:06:00.000",
    "sourcePlatform": "appleHealth",
    "sourceDeviceId": "X",
    "sourceId": "com.apple.health.ABC",
    "sourceName": "Alice’s Apple Watch",
    "recordingMethod": "automatic",
}
ANDROID = {"sourcePlatform": "googleHealthConnect", "sourceId": "com.sec.android.app.shealth", "sourceName": ""}
START, END = "2026-03-01T09:05:00+01:00", "2026-03-01T09:06:00+01:00"


def value(**fields):
    return {"value": fields}


def one(read, **parts):
    (record,) = read([POINT | parts], as_format=FLUTTER)
    return record


def test_a_point_is_a_sample_in_the_envelope_s_zone(read, ms):
    assert one(read) == Sample(
        position="[0]",
        metric="HEART_RATE",
        naming="flutter",
        start=ms(START),
        end=ms(END),
        value=66.0,
        unit="count/min",
        source=SourceRef("Alice’s Apple Watch", "com.apple.health.ABC"),
        uuid="0F3C",
    )
    (elsewhere,) = read({"data": [POINT], "tz": "America/New_York"}, as_format=FLUTTER)
    assert (elsewhere.position, elsewhere.start) == ("data[0]", ms("2026-03-01T09:05:00-05:00"))


def test_the_plugin_s_points_stay_its_own_in_the_seed_s_envelope(read):
    assert len(read({"anchor_token": "t", "is_final_chunk": True, "data": [POINT, POINT]}, as_format=FLUTTER)) == 2
    assert read({"anchor_token": "t", "is_final_chunk": True, "data": []}, as_format=SEED) == []
    assert read([], as_format=FLUTTER) == []


def test_an_android_heart_rate_names_its_parent_and_a_step_count_does_not(read):
    assert one(read, **ANDROID).parent is True
    assert one(read, **ANDROID, uuid="").parent is False
    assert one(read, **ANDROID, type="STEPS", unit="COUNT").parent is False
    assert one(read, uuid="").uuid is None


def test_percent_follows_the_platform(read):
    assert one(read, type="BLOOD_OXYGEN", unit="PERCENT").unit == "hk%"
    assert one(read, **ANDROID, type="BLOOD_OXYGEN", unit="PERCENT").unit == "%"


def test_plain_values_manual_entries_and_models(read):
    record = one(read, value=70.5, type="WEIGHT", unit="KILOGRAM", recordingMethod="manual", deviceModel="Watch7,2")
    assert (record.value, record.unit, record.source.kind, record.source.product) == (70.5, "kg", "manual", "Watch7,2")
    assert one(read, unit="NO_UNIT").unit is None
    assert one(read, unit="FATHOM").unit == "FATHOM"
    assert one(read, metadata={"HKTimeZone": "Asia/Tokyo"}).zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        ("SLEEP_IN_BED", "in_bed"),
        ("SLEEP_ASLEEP", "asleep_unspecified"),
        ("SLEEP_AWAKE", "awake"),
        ("SLEEP_LIGHT", "core"),
        ("SLEEP_DEEP", "deep"),
        ("SLEEP_REM", "rem"),
        ("SLEEP_OUT_OF_BED", "awake"),
        ("SLEEP_SESSION", "asleep_unspecified"),
    ],
)
def test_sleep_types_are_stages(read, ms, kind, stage):
    source = SourceRef("Alice’s Apple Watch", "com.apple.health.ABC")
    expected = SleepStage(position="[0]", start=ms(START), end=ms(END), stage=stage, uuid="0F3C", source=source)
    assert one(read, type=kind, unit="MINUTE") == expected


def test_a_session_with_stages_of_its_own_is_time_in_bed(read):
    session, deep = POINT | ANDROID | {"type": "SLEEP_SESSION"}, POINT | ANDROID | {"type": "SLEEP_DEEP"}
    assert [(record.stage, record.parent) for record in read([session, deep], as_format=FLUTTER)] == [("in_bed", True), ("deep", True)]
    assert one(read, type="SLEEP_UNKNOWN").code == "unknown_stage"


def test_a_workout_takes_its_totals_from_the_value_else_from_the_summary(read, ms):
    said = {
        "__type": "WorkoutHealthValue",
        "workoutActivityType": "BIKING",
        "totalEnergyBurned": 300,
        "totalEnergyBurnedUnit": "KILOCALORIE",
    }
    summary = {"workoutType": "BIKING", "totalDistance": 10000, "totalEnergyBurned": 1, "totalSteps": 0}
    record = one(read, type="WORKOUT", unit="NO_UNIT", value=said, workoutSummary=summary)
    assert record == Workout(
        position="[0]",
        activity="cycling",
        start=ms(START),
        end=ms(END),
        uuid="0F3C",
        totals={"energy": 300.0, "distance": 10000.0},
        source=SourceRef("Alice’s Apple Watch", "com.apple.health.ABC"),
    )


def test_a_meal_is_one_sample_for_each_nutrient(read):
    meal = {"__type": "NutritionHealthValue", "name": "Soup", "meal_type": "LUNCH", "calories": 250, "protein": 12.5, "sodium": 0.8}
    records = read([POINT | {"type": "NUTRITION", "unit": "NO_UNIT", "value": meal}], as_format=FLUTTER)
    assert [(r.position, r.metric, r.value, r.unit, r.tag) for r in records] == [
        ("[0].dietary_energy", "dietary_energy", 250.0, "kcal", "Soup"),
        ("[0].dietary_protein", "dietary_protein", 12.5, "g", "Soup"),
        ("[0].dietary_sodium", "dietary_sodium", 0.8, "g", "Soup"),
    ]
    assert records[0].metadata == {"name": "Soup", "meal_type": "LUNCH"}


def test_the_other_value_classes(read):
    assert one(read, type="INSULIN_DELIVERY", **value(units=4.5, reason="BOLUS")).value == 4.5
    assert one(read, type="INSULIN_DELIVERY", **value(units=4.5, reason="BOLUS")).metadata == {"reason": "BOLUS"}
    assert one(read, type="MENSTRUATION_FLOW", **value(flow="heavy", isStartOfCycle=True)).value == "heavy"
    assert (one(read, type="HEADACHE_MILD").metric, one(read, type="HEADACHE_MILD").value) == ("symptom_headache", "mild")
    assert one(read, type="MINDFULNESS", unit="MINUTE").value == 0.0
    bmr = one(read, **ANDROID, type="BASAL_ENERGY_BURNED", unit="KILOCALORIE")
    assert (bmr.metric, bmr.naming, bmr.unit) == ("basal_metabolic_rate", "key", "kcal/day")
    ecg = POINT | {"type": "ELECTROCARDIOGRAM", "value": {"__type": "ElectrocardiogramHealthValue", "averageHeartRate": 60}}
    (record,) = read([ecg], as_format=FLUTTER)
    assert isinstance(record, Clinical)
    assert (record.kind, record.data, record.uuid) == ("ecg", ecg, "0F3C")
    assert one(read, type="AUDIOGRAM", **value(frequencies=[1])).kind == "audiogram"


def test_bad_points_are_rejected(read):
    bad = [{"value": 1}, 3, POINT | {"value": None}, POINT | {"dateTo": "2026-02-01T00:00:00"}, POINT | {"type": "NUTRITION", "value": {}}]
    codes = [record.code for record in read([POINT, *bad], as_format=FLUTTER)[1:]]
    assert codes == ["no_type", "not_an_object", "no_value", "end_before_start", "no_value"]


SEEDED = {"uuid": "A1", "type": "heart_rate", "value": 66, "unit": "count/min", "date_from": START, "date_to": END, "source": "Watch"}


def test_the_seed_s_points_name_their_type_in_any_vocabulary(read, ms):
    kinds = ["heart_rate", "HKQuantityTypeIdentifierHeartRate", "HEART_RATE"]
    records = read({"anchor_token": None, "is_final_chunk": False, "data": [SEEDED | {"type": kind} for kind in kinds]}, as_format=SEED)
    assert records[0] == Sample(
        position="data[0]",
        metric="heart_rate",
        naming="key",
        start=ms(START),
        end=ms(END),
        value=66.0,
        unit="count/min",
        source=SourceRef("Watch"),
        uuid="A1",
    )
    assert [record.naming for record in records] == ["key", "healthkit", "flutter"]


def test_the_seed_s_sleep_percent_and_mistakes(read):
    data = [
        SEEDED | {"type": "HKCategoryTypeIdentifierSleepAnalysis", "value": 4},
        SEEDED | {"type": "SLEEP_REM", "value": 20},
        SEEDED | {"type": "HKQuantityTypeIdentifierOxygenSaturation", "value": 0.98, "unit": "%"},
        SEEDED | {"type": "BLOOD_OXYGEN", "value": 0.98, "unit": "PERCENT"},
        SEEDED | {"type": "oxygen_saturation", "value": 98, "unit": "%"},
        SEEDED | {"date_from": None},
    ]
    *records, bad = read({"is_final_chunk": True, "data": data}, as_format=SEED)
    assert [record.stage for record in records[:2]] == ["deep", "rem"]
    assert [record.unit for record in records[2:]] == ["hk%", "hk%", "%"]
    assert bad.code == "no_time"
