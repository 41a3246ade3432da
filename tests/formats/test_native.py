import pytest

from healthbox.domain.records import Clinical, Rejected, Sample, SleepStage, SourceRef, Tombstone, Workout

NATIVE = "native-sync"
START, END = "2026-03-01T08:00:00+01:00", "2026-03-01T08:05:00+01:00"


def body(**parts):
    return {"batch": "b1", "index": 0, "final": True, "anchor": None, "metric": None, "zone": None} | parts


def one(read, sample, **parts):
    (record,) = read(body(samples=[{"start": START, "end": END} | sample], **parts), as_format=NATIVE)
    return record


def test_a_sample_keeps_all_that_was_said(read, ms):
    source = {"name": "Alice's Apple Watch", "bundle": "com.apple.health", "product": "Watch7,2"}
    record = one(read, {"uuid": "A1", "type": "steps", "value": 412, "unit": "count", "source": source, "metadata": {"k": "v"}})
    assert record == Sample(
        position="samples[0]",
        metric="steps",
        naming="key",
        start=ms(START),
        end=ms(END),
        value=412.0,
        unit="count",
        source=SourceRef("Alice's Apple Watch", "com.apple.health", "Watch7,2"),
        uuid="A1",
        metadata={"k": "v"},
    )


def test_healthkit_percent_is_a_fraction_and_the_key_s_is_not(read):
    assert one(read, {"type": "HKQuantityTypeIdentifierOxygenSaturation", "value": 0.97, "unit": "%"}).unit == "hk%"
    assert one(read, {"type": "oxygen_saturation", "value": 97, "unit": "%"}).unit == "%"


def test_a_category_value_comes_by_number_or_by_name(read):
    kind = "HKCategoryTypeIdentifierAppleStandHour"
    assert one(read, {"type": kind, "value": 0}).value == 0.0
    assert one(read, {"type": kind, "value": "HKCategoryValueAppleStandHourStood"}).value == "HKCategoryValueAppleStandHourStood"
    assert one(read, {"type": "steps", "value": "many"}).code == "not_a_number"
    assert one(read, {"type": "steps", "value": "12"}).value == 12.0


@pytest.mark.parametrize(("said", "code"), [("NaN", "not_a_number"), ("-Infinity", "not_a_number"), ("1e999", "number_out_of_range")])
def test_a_number_that_nothing_can_hold_is_no_name_of_a_category(read, said, code):
    assert one(read, {"type": "HKCategoryTypeIdentifierAppleStandHour", "value": said}).code == code
    assert one(read, {"type": "coffee", "value": said}).code == code


def test_a_food_tells_its_nutrients_apart(read):
    bread = {"metadata": {"HKFoodType": " Sour\x1fdough  bread "}, "value": 500, "unit": "kcal"}
    assert one(read, bread | {"type": "HKQuantityTypeIdentifierDietaryEnergyConsumed"}).tag == "Sour dough bread"
    assert one(read, bread | {"type": "dietary_protein", "unit": "g"}).tag == "Sour dough bread"
    assert one(read, bread | {"type": "steps", "unit": "count"}).tag == ""
    assert one(read, bread | {"type": "dietary_water", "unit": "mL", "metadata": {"HKFoodType": 7}}).tag == ""


def test_sleep_is_stages_by_number_constant_or_name(read, ms):
    kind = "HKCategoryTypeIdentifierSleepAnalysis"
    assert one(read, {"uuid": "S", "type": kind, "value": 5}) == SleepStage(
        position="samples[0]", start=ms(START), end=ms(END), stage="rem", uuid="S"
    )
    assert one(read, {"type": kind, "value": "HKCategoryValueSleepAnalysisAsleepCore"}).stage == "core"
    assert one(read, {"type": "sleep_analysis", "value": "deep"}).stage == "deep"
    assert one(read, {"type": "sleep_analysis", "value": "dreaming"}).code == "unknown_stage"


def test_the_nearest_zone_counts_and_reads_times_without_an_offset(read, ms):
    local = {"type": "steps", "value": 1, "start": "2026-03-01T08:00:00", "end": "2026-03-01T08:00:00"}
    travel = {"metadata": {"HKTimeZone": "Asia/Tokyo"}}
    assert one(read, local).zone is None
    assert one(read, local).start == ms("2026-03-01T08:00:00+01:00")
    assert one(read, local, zone="America/New_York").zone == "America/New_York"
    assert one(read, local, zone="America/New_York").start == ms("2026-03-01T08:00:00-05:00")
    assert one(read, local | travel, zone="America/New_York").zone == "Asia/Tokyo"
    assert one(read, local | travel | {"zone": "+02:00"}).start == ms("2026-03-01T08:00:00+02:00")
    assert one(read, local | {"zone": "Mars/Olympus"}).zone is None


def test_what_a_person_typed_in_is_manual(read):
    assert one(read, {"type": "weight", "value": 70, "metadata": {"HKWasUserEntered": True}}).source == SourceRef(kind="manual")


def test_bad_samples_are_rejected_one_by_one(read):
    bad = [
        "text",
        {"type": "steps", "value": 1},
        {"start": START, "value": 1},
        {"type": "steps", "start": START},
        {"type": "steps", "start": "yesterday", "value": 1},
        {"type": "steps", "start": END, "end": START, "value": 1},
        {"type": "steps", "start": START, "value": 2**53},
        {"type": "steps", "start": START, "value": True},
        {"type": "steps", "start": START, "value": 1, "uuid": "a\ufffd"},
        {"type": "steps", "start": START, "value": 1, "uuid": 7},
    ]
    *records, good = read(body(samples=[*bad, {"type": "steps", "start": START, "value": 3}]), as_format=NATIVE)
    assert [record.code for record in records] == [
        "not_an_object",
        "no_time",
        "no_type",
        "no_value",
        "bad_time",
        "end_before_start",
        "number_out_of_range",
        "not_a_number",
        "bad_uuid",
        "bad_uuid",
    ]
    assert records[0] == Rejected(position="samples[0]", code="not_an_object", reason="an object was expected here", raw="text")
    assert (good.position, good.value) == ("samples[10]", 3.0)


def test_a_rejected_record_shows_at_most_two_thousand_characters(read):
    (record,) = read(body(samples=[{"note": "x" * 5000}]), as_format=NATIVE)
    assert len(record.raw) == 2000


def test_a_workout_is_converted_and_the_unknown_is_kept(read, ms):
    workout = {
        "uuid": "W1",
        "activity": "HKWorkoutActivityTypeRunning",
        "start": START,
        "end": END,
        "zone": "Europe/Berlin",
        "source": {"name": "Watch"},
        "laps": [{"n": 1}, 3],
        "totals": {
            "energy": {"value": 100, "unit": "Cal"},
            "distance": 1200,
            "duration": {"value": 5, "unit": "min"},
            "energy_2": {"value": 1, "unit": "kcal"},
            "steps": {"value": 9, "unit": "furlong"},
        },
        "series": {
            "heart_rate": {"unit": "count/min", "points": [[START, 120], ["?", 1], [END, "x"]]},
            "power": [[END, 200]],
            "speed": {"unit": "km/h", "points": [[START, 9]]},
        },
        "route": [
            {"time": START, "latitude": 52.5, "longitude": 13.4, "altitude": 30, "speed": -1},
            {"time": START, "latitude": 91, "longitude": 0},
        ],
    }
    (record,) = read(body(workouts=[workout]), as_format=NATIVE)
    assert record == Workout(
        position="workouts[0]",
        activity="running",
        start=ms(START),
        end=ms(END),
        uuid="W1",
        zone="Europe/Berlin",
        source=SourceRef("Watch"),
        totals={"energy": 100.0, "distance": 1200.0, "duration": 300.0},
        laps=[{"n": 1}],
        series={"heart_rate": [[ms(START), 120.0]], "power": [[ms(END), 200.0]], "speed": [[ms(START), 2.5]]},
        route=[[ms(START), 52.5, 13.4, 30.0, None]],
        metadata={"energy_2": {"value": 1, "unit": "kcal"}, "steps": {"value": 9, "unit": "furlong"}},
    )
    assert read(body(workouts=[{"start": START, "end": END, "activity": 37}]), as_format=NATIVE)[0].activity == "running"
    assert read(body(workouts=[{"start": START, "end": END}]), as_format=NATIVE)[0].code == "no_activity"


def test_clinical_resources_are_kept_whole(read, ms):
    resource = {"resourceType": "Observation", "id": "o1", "effectivePeriod": {"start": START, "end": END}}
    assert read(body(clinical=[resource]), as_format=NATIVE) == [
        Clinical(position="clinical[0]", kind="fhir", data=resource, start=ms(START), end=ms(END), uuid="Observation/o1")
    ]


def test_deletions_name_a_uuid_and_perhaps_a_metric(read):
    assert read(body(deleted=["A1", {"uuid": "A2", "type": "steps"}, {"type": "steps"}, 3]), as_format=NATIVE) == [
        Tombstone(position="deleted[0]", uuid="A1"),
        Tombstone(position="deleted[1]", uuid="A2", metric="steps", naming="key"),
        Rejected(position="deleted[2]", code="no_uuid", reason="the deletion names no id", raw='{"type":"steps"}'),
        Rejected(position="deleted[3]", code="not_an_object", reason="an object was expected here", raw="3"),
    ]
    assert read(body(deleted="A1", samples=None), as_format=NATIVE)[0].code == "not_a_list"
    assert read(body(), as_format=NATIVE) == []
