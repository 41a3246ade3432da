from healthbox.domain.records import Clinical, Rejected, Sample, SleepStage, SourceRef, Workout

HEP = "health-export-pro"
SPAN = {"startDate": "2026-02-25T08:00:00.000Z", "endDate": "2026-02-25T08:30:00.000Z"}
BEAT = SPAN | {
    "uuid": "A",
    "value": 72,
    "unit": "count/min",
    "sourceName": "Alice’s Apple Watch",
    "metadata": {"HKTimeZone": "Europe/Berlin"},
}


def body(routes=None, traits=None, **data):
    return {"exportDate": "2026-02-26T12:00:00.000Z", "syncSource": "background-delivery", "data": data, "workoutRoutes": routes,
            "characteristics": traits}  # fmt: skip


def test_a_reading_is_as_recent_as_the_export(read, ms):
    (one,) = read(body(HKQuantityTypeIdentifierHeartRate=[BEAT]), as_format=HEP)
    assert one == Sample(
        position="data.HKQuantityTypeIdentifierHeartRate[0]",
        metric="HKQuantityTypeIdentifierHeartRate",
        naming="healthkit",
        start=ms("2026-02-25T08:00:00+00:00"),
        end=ms("2026-02-25T08:30:00+00:00"),
        value=72.0,
        unit="count/min",
        source=SourceRef("Alice’s Apple Watch"),
        uuid="A",
        zone="Europe/Berlin",
        as_of=ms("2026-02-26T12:00:00+00:00"),
        metadata={"HKTimeZone": "Europe/Berlin"},
    )


def test_values_are_healthkits(read):
    data = {
        "HKQuantityTypeIdentifierOxygenSaturation": [
            SPAN | {"quantity": 0.97, "unit": "%", "source": {"name": "W", "bundleIdentifier": "b"}}
        ],
        "HKCategoryTypeIdentifierSleepAnalysis": [SPAN | {"value": 5}, SPAN | {"value": "HKCategoryValueSleepAnalysisAsleepCore"}],
        "HKCategoryTypeIdentifierAppleStandHour": [SPAN | {"value": 0}],
        "HKQuantityTypeIdentifierNotYetKnown": [SPAN | {"value": 3, "unit": "x"}],
    }
    oxygen, rem, core, stood, unknown = read(body(**data), as_format=HEP)
    assert (oxygen.value, oxygen.unit, oxygen.source) == (0.97, "hk%", SourceRef("W", "b"))
    assert [(type(r), r.stage) for r in (rem, core)] == [(SleepStage, "rem"), (SleepStage, "core")]
    assert (stood.value, unknown.metric, unknown.unit) == (0.0, "HKQuantityTypeIdentifierNotYetKnown", "x")


def test_a_workout_takes_its_route_and_only_totals_with_a_unit(read, ms):
    item = SPAN | {"uuid": "W", "workoutActivityType": 37, "durationSeconds": 1799.5, "totalDistance": {"value": 5.2, "unit": "km"},
                   "totalEnergyBurned": 300, "averageHeartRate": 140, "averageHeartRateUnit": "count/min"}  # fmt: skip
    point = {"timestamp": "2026-02-25T08:01:00Z", "latitude": 52.5, "longitude": 13.4, "altitude": 34.0, "speed": -1}
    workout, stray = read(body(workouts=[item], routes={"W": [[point], {"locations": [point]}], "X": [point]}), as_format=HEP)
    assert isinstance(workout, Workout)
    assert workout.activity == "running"
    assert workout.totals == {"duration": 1799.5, "distance": 5200.0, "heart_rate_avg": 140.0}
    assert workout.metadata == {"totalEnergyBurned": 300}
    assert workout.route == [[ms("2026-02-25T08:01:00+00:00"), 52.5, 13.4, 34.0, None]] * 2
    assert isinstance(stray, Rejected)
    assert (stray.position, stray.code) == ("workoutRoutes.X", "no_workout")


def test_the_rest_is_kept_whole(read):
    dose = {"uuid": "D", "scheduledDate": "2026-02-25T09:00:00Z", "status": "taken"}
    found = read(
        body(traits={"biologicalSex": "female"}, medicationDoseEvents=[dose], HKDataTypeStateOfMind=[SPAN | {"valence": 1}]), as_format=HEP
    )
    assert [(type(r), r.kind) for r in found] == [(Clinical, "characteristics"), (Clinical, "medication_dose"), (Clinical, "state_of_mind")]
    assert found[1].start is not None


def test_bad_records_cost_themselves_only(read):
    found = read(body(HKQuantityTypeIdentifierStepCount=[{"value": 1}, SPAN, BEAT], workouts=[SPAN], medications=3), as_format=HEP)
    assert [getattr(r, "code", r.position) for r in found] == [
        "no_time", "no_value", "data.HKQuantityTypeIdentifierStepCount[2]", "no_activity", "not_a_list",
    ]  # fmt: skip
