import pytest

from healthbox.domain.records import Clinical, Sample, SleepStage, SourceRef, Workout

OW = "open-wearables"
SPAN = {"startDate": "2026-03-01T08:00:00Z", "endDate": "2026-03-01T08:05:00Z"}
PHONE = {"name": "Alice’s iPhone", "bundleIdentifier": "com.apple.health", "productType": "iPhone15,2", "deviceType": "phone"}


def body(**sections):
    return {"provider": "apple", "sdkVersion": "1.0.0", "syncTimestamp": "2026-03-01T10:00:00Z", "data": sections}


def record(**parts):
    return {"id": "A1", "type": "HKQuantityTypeIdentifierStepCount", "unit": "count", "value": 66, "source": PHONE} | SPAN | parts


def test_a_record_has_its_zone_and_its_source(read, ms):
    (one,) = read(body(records=[record(zoneOffset="+01:00")]), as_format=OW)
    assert one == Sample(
        position="data.records[0]",
        metric="HKQuantityTypeIdentifierStepCount",
        naming="healthkit",
        start=ms("2026-03-01T08:00:00+00:00"),
        end=ms("2026-03-01T08:05:00+00:00"),
        value=66.0,
        unit="count",
        source=SourceRef("Alice’s iPhone", "com.apple.health", "iPhone15,2", "phone"),
        uuid="A1",
        zone="+01:00",
    )


def test_percent_is_a_fraction_from_healthkit_only(read):
    items = [
        record(type="HKQuantityTypeIdentifierOxygenSaturation", unit="%", value=0.97),
        record(type="OXYGEN_SATURATION", unit="%", value=97),
    ]
    apple, android = read(body(records=items), as_format=OW)
    assert (apple.unit, apple.naming, android.unit, android.naming) == ("hk%", "healthkit", "%", "open_wearables")


def test_an_id_is_the_points_own_and_a_parent_alone_names_a_set(read):
    own, set_of, none = read(body(records=[record(parentId="P"), record(id=None, parentId="P"), record(id="")]), as_format=OW)
    assert [(r.uuid, r.parent) for r in (own, set_of, none)] == [("A1", False), ("P", True), (None, False)]


def test_a_number_is_an_id_too(read):
    own, set_of, neither = read(body(records=[record(id=4711), record(id=None, parentId=12), record(id=True)]), as_format=OW)
    assert [(r.uuid, r.parent) for r in (own, set_of)] == [("4711", False), ("12", True)]
    assert neither.code == "bad_uuid"


def test_a_food_tells_its_nutrients_apart(read):
    kind = "HKQuantityTypeIdentifierDietaryEnergyConsumed"
    (one,) = read(body(records=[record(type=kind, unit="kcal", metadata=[{"key": "HKFoodType", "value": "Bread"}])]), as_format=OW)
    assert one.tag == "Bread"


@pytest.mark.parametrize(
    "metadata",
    [
        {"HKTimeZone": "Asia/Tokyo", "HKWasUserEntered": True},
        [{"key": "HKTimeZone", "value": "Asia/Tokyo"}, {"key": "HKWasUserEntered", "value": 1}],
    ],
)
def test_metadata_is_an_object_or_a_list(read, metadata):
    (one,) = read(body(records=[record(metadata=metadata)]), as_format=OW)
    assert (one.zone, one.source.kind) == ("Asia/Tokyo", "manual")


@pytest.mark.parametrize(
    ("wire", "stage"),
    [
        ("inBed", "in_bed"),
        ("in_bed", "in_bed"),
        ("sleeping", "asleep_unspecified"),
        ("awake", "awake"),
        ("light", "core"),
        ("deep", "deep"),
        ("rem", "rem"),
    ],
)
def test_stages(read, wire, stage):
    (one,) = read(body(sleep=[SPAN | {"id": "S", "stage": wire, "source": PHONE}]), as_format=OW)
    assert isinstance(one, SleepStage)
    assert (one.stage, one.uuid, one.parent) == (stage, "S", False)


def test_an_unknown_stage_is_refused_and_the_rest_read(read):
    found = read(body(sleep=[SPAN | {"stage": "unknown"}, SPAN | {"stage": "rem"}], records=[record()]), as_format=OW)
    assert [getattr(r, "code", type(r)) for r in found] == ["unknown_stage", SleepStage, Sample]


def test_a_workout_with_totals_series_and_route(read, ms):
    item = SPAN | {
        "id": "W", "type": "RUNNING", "source": PHONE, "title": None, "notes": "slow", "laps": [{"n": 1}, 3],
        "values": [{"type": "duration", "value": 300000, "unit": "ms"}, {"type": "distance", "value": 1.5, "unit": "km"},
                   {"type": "averageHeartRate", "value": 140, "unit": "bpm"}, {"type": "indoorWorkout", "value": False, "unit": "bool"},
                   {"type": "averageMETs", "value": 8, "unit": "kcal/kg/hr"}, {"type": "energyOfTea", "value": 3}, {"value": 3}, "x"],
        "route": [{"timestamp": "2026-03-01T08:01:00Z", "latitude": 52.2, "longitude": 21.0, "altitudeM": 142.0}, {"latitude": 1}],
        "samples": [{"timestamp": "2026-03-01T08:01:00Z", "type": "heartRate", "value": 110, "unit": "bpm"}, {"type": "heartRate"},
                    {"timestamp": "2026-03-01T08:01:00Z", "type": "speed", "value": 18, "unit": "km/h"},
                    {"timestamp": "2026-03-01T08:02:00Z", "type": "speed", "value": 5}],
    }  # fmt: skip
    (one,) = read(body(workouts=[item]), as_format=OW)
    assert isinstance(one, Workout)
    at = ms("2026-03-01T08:01:00+00:00")
    assert (one.activity, one.uuid, one.laps) == ("running", "W", [{"n": 1}])
    assert one.totals == {"duration": 300.0, "distance": 1500.0, "heart_rate_avg": 140.0, "intensity": 8.0}
    assert one.series == {"heart_rate": [[at, 110.0]], "speed": [[at, 5.0], [at + 60_000, 5.0]]}
    assert one.route == [[at, 52.2, 21.0, 142.0, None]]
    assert one.metadata == {"notes": "slow", "indoorWorkout": {"value": False, "unit": "bool"}, "energyOfTea": 3}


def test_an_empty_sync_holds_nothing_and_a_new_section_is_kept_whole(read):
    assert read(body(), as_format=OW) == []
    (one,) = read(body(stateOfMind=[SPAN | {"id": "M", "valence": 1}]), as_format=OW)
    assert isinstance(one, Clinical)
    assert (one.kind, one.uuid, one.data["valence"]) == ("state_of_mind", "M", 1)
