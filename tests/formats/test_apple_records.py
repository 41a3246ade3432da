"""Each element of an Apple Health export, told by hand."""

import datetime as dt
import json

import pytest
from apple_fixtures import ECG, GPX, SPAN, WATCH, bare, document, entry, others, read, record, rows, zipped

from healthbox.domain.records import Clinical, Rejected, Sample, SampleBlock, SleepStage, SourceRef, StatedTotal, Workout

EIGHT, TEN_PAST = 1772348400000, 1772349000000  # 2026-03-01 08:00 and 08:10 +0100
EXPORTED = 1772442000000
BOB = SourceRef(name="Bob’s Apple\u00a0Watch", product="Watch7,5")


@pytest.fixture(params=["as apple writes it", "as a parser sees it"])
def told(request, tmp_path):
    return lambda *elements: read(bare(tmp_path, document(*elements)), fast=request.param == "as apple writes it")


def test_a_record_becomes_a_row_of_its_source(told):
    assert told(record()) == [
        SampleBlock(
            metric="HKQuantityTypeIdentifierStepCount",
            naming="healthkit",
            unit="count",
            source=BOB,
            rows=[("2", EIGHT, TEN_PAST, 512.0, None, None)],
        )
    ]


def test_the_exporters_offset_is_no_zone_but_hktimezone_is(told):
    [plain, own, nonsense] = rows(
        told(record(), record(body=entry("HKTimeZone", "Asia/Tokyo")), record(body=entry("HKTimeZone", "Mars/Base")))
    )
    assert (plain[-2:], own[-2:]) == ((None, None), ("Asia/Tokyo", {"HKTimeZone": "Asia/Tokyo"}))
    assert nonsense[-2:] == (None, {"HKTimeZone": "Mars/Base"})


def test_what_was_typed_in_is_manual_and_keeps_its_metadata(told):
    body = "\n".join((entry("HKWasUserEntered", "1"), entry("Withings Link", "a&amp;b&#160;c")))
    [typed] = rows(told(record(body=body)))
    assert typed[2] == SourceRef(BOB.name, None, BOB.product, "manual")
    assert typed[-1] == {"HKWasUserEntered": "1", "Withings Link": "a&b\u00a0c"}
    assert rows(told(record(body=entry("HKWasUserEntered", "0"))))[0][2] == BOB


def test_percent_is_healthkits_fraction_and_units_are_unescaped(told):
    oxygen = record("HKQuantityTypeIdentifierOxygenSaturation", "0.97", "%")
    glucose = record("HKQuantityTypeIdentifierBloodGlucose", "4.59", "mmol&lt;180.1558800000541&gt;/L")
    assert [row[1] for row in rows(told(oxygen, glucose))] == ["hk%", "mmol<180.1558800000541>/L"]


def test_a_device_address_that_changes_makes_no_other_source(told):
    [block] = told(record(), record(who=WATCH.replace("0x3033c2a80", "0x1111")), record(who=WATCH.replace("11.2", "11.3")))
    assert len(block.rows) == 3


def test_sleep_becomes_stages(told):
    body = entry("HKTimeZone", "Europe/Berlin")
    assert told(record("HKCategoryTypeIdentifierSleepAnalysis", "HKCategoryValueSleepAnalysisAsleepREM", "", body)) == [
        SleepStage(
            position="2", start=EIGHT, end=TEN_PAST, stage="rem", source=BOB, zone="Europe/Berlin", as_of=EXPORTED,
            metadata={"HKTimeZone": "Europe/Berlin"},
        )
    ]  # fmt: skip


def test_a_category_keeps_its_word(told):
    assert rows(told(record("HKCategoryTypeIdentifierAppleStandHour", "HKCategoryValueAppleStandHourStood", "")))[0][6] == (
        "HKCategoryValueAppleStandHourStood"
    )


@pytest.mark.parametrize(("said", "code"), [("NaN", "not_a_number"), ("1e999", "number_out_of_range")])
def test_a_number_that_nothing_can_hold_is_no_word(told, said, code):
    [found] = told(record("HKDataTypeCoffee", said, ""))
    assert (type(found), found.code) == (Rejected, code)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (("11:59:59,50", "12:00:00,25"), {"from": "11:59:59,50", "bpm": [61, 62], "ms": [0, 750]}),
        (("11:59:59.50 AM", "12:00:00.25 PM"), {"from": "11:59:59.50 AM", "bpm": [61, 62], "ms": [0, 750]}),
        (("11:59:59.5", "noon"), {"bpm": [61, 62], "at": ["11:59:59.5", "noon"]}),
    ],
)
def test_beats_are_kept_compactly(told, times, said):
    beats = "\n".join(f'   <InstantaneousBeatsPerMinute bpm="{61 + at}" time="{time}"/>' for at, time in enumerate(times))
    body = f"{entry('HKAlgorithmVersion', '2')}\n  <HeartRateVariabilityMetadataList>\n{beats}\n  </HeartRateVariabilityMetadataList>"
    [found] = rows(told(record("HKQuantityTypeIdentifierHeartRateVariabilitySDNN", "41.5", "ms", body)))
    assert found[-1] == {"HKAlgorithmVersion": "2", "beats": said}


def test_a_record_that_says_nothing_readable_is_rejected_alone(told):
    bad = record(value="many")
    backwards = record().replace("08:00:00", "09:00:00")
    found = told(record(), bad, backwards, record(value=""), record(kind=""), record())
    assert [(one.position, one.code) for one in others(found)] == [
        ("3", "not_a_number"), ("4", "end_before_start"), ("5", "no_value"), ("6", "no_type"),
    ]  # fmt: skip
    assert [row[3] for row in rows(found)] == ["2", "7"]


def test_the_children_of_a_correlation_are_its_records(told):
    pair = [
        record(f"HKQuantityTypeIdentifierBloodPressure{side}", value, "mmHg") for side, value in (("Systolic", "136"), ("Diastolic", "69"))
    ]
    inner = "".join(one.replace("\n ", "\n  ") for one in pair)
    found = told(*pair, f'\n <Correlation type="HKCorrelationTypeIdentifierBloodPressure" {WATCH} {SPAN}>{inner}\n </Correlation>')
    assert sorted((row[0][-9:], row[3], row[6]) for row in rows(found)) == [
        ("Diastolic", "3", 69.0), ("Diastolic", "4.2", 69.0), ("eSystolic", "2", 136.0), ("eSystolic", "4.1", 136.0),
    ]  # fmt: skip
    assert others(found) == []


def test_a_meal_keeps_its_name(told):
    inner = record("HKQuantityTypeIdentifierDietaryEnergyConsumed", "95", "kcal").replace("\n ", "\n  ")
    meal = f'\n <Correlation type="HKCorrelationTypeIdentifierFood" {WATCH} {SPAN}>\n{entry("HKFoodType", "Apple")}{inner}\n </Correlation>'
    [eaten, food] = others(told(meal))
    assert (type(eaten), eaten.value, eaten.tag) == (Sample, 95.0, "Apple")
    assert (food.kind, food.data["metadata"], food.start) == ("food", {"HKFoodType": "Apple"}, EIGHT)


def test_day_summaries_are_stated_totals_as_of_the_export(told):
    rings = (
        ' <ActivitySummary dateComponents="{}" activeEnergyBurned="410.2" activeEnergyBurnedGoal="500" activeEnergyBurnedUnit="kcal" '
        'appleMoveTime="0" appleMoveTimeGoal="0" appleExerciseTime="0" appleExerciseTimeGoal="30" '
        'appleStandHours="11" appleStandHoursGoal="12"/>'
    )
    found = told("\n" + rings.format("1969-12-30"), "\n" + rings.format("2026-03-01"), "\n" + rings.format("soon"))
    stated = [one for one in found if isinstance(one, StatedTotal)]
    assert [(one.metric, one.value, one.unit) for one in stated] == [
        ("active_energy", 410.2, "kcal"), ("exercise_time", 0.0, "min"), ("stand_hour", 11.0, None),
    ]  # fmt: skip
    assert {(one.app, one.date, one.as_of) for one in stated} == {("apple-health-export", dt.date(2026, 3, 1), EXPORTED)}
    assert [(one.position, one.code) for one in found if isinstance(one, Rejected)] == [("4", "bad_date")]


WORKOUT = f"""
 <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="10" durationUnit="min" {WATCH} {SPAN}>
{entry("HKTimeZone", "Europe/Berlin")}
{entry("HKElevationAscended", "5900 cm")}
{entry("HKWeatherHumidity", "6400 %")}
{entry("HKWeatherTemperature", "56 degF")}
{entry("HKAverageMETs", "9.9 kcal/hr·kg")}
  <WorkoutEvent type="HKWorkoutEventTypePause" date="2026-03-01 08:05:00 +0100"/>
  <WorkoutEvent type="HKWorkoutEventTypeLap" date="2026-03-01 08:00:00 +0100" duration="4" durationUnit="min"/>
  <WorkoutActivity uuid="5508C9A8" {SPAN[43:]} duration="10" durationUnit="min">
   <WorkoutStatistics type="HKQuantityTypeIdentifierStepCount" {SPAN[43:]} sum="900" unit="count"/>
   <MetadataEntry key="WOIntervalStepKeyPath" value="0.0.0"/>
  </WorkoutActivity>
  <WorkoutStatistics type="HKQuantityTypeIdentifierHeartRate" {SPAN[43:]} average="141.5" minimum="92" maximum="171" unit="count/min"/>
  <WorkoutStatistics type="HKQuantityTypeIdentifierActiveEnergyBurned" {SPAN[43:]} sum="120" unit="Cal"/>
  <WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" {SPAN[43:]} sum="1.8" unit="km"/>
  <WorkoutStatistics type="HKQuantityTypeIdentifierRunningGroundContactTime" {SPAN[43:]} average="250" unit="ms"/>
  <WorkoutRoute sourceName="Bob" {SPAN}><FileReference path="/workout-routes/route_a.gpx"/></WorkoutRoute>
  <WorkoutRoute sourceName="Bob" {SPAN}><FileReference path="/workout-routes/route_a.gpx"/><FileReference path="/x/b.gpx"/></WorkoutRoute>
 </Workout>"""


def test_a_workout_has_totals_laps_parts_and_its_route_once(tmp_path):
    path = zipped(tmp_path, {"apple_health_export/export.xml": document(WORKOUT), "apple_health_export/workout-routes/route_a.gpx": GPX})
    [found] = read(path)
    assert isinstance(found, Workout)
    assert (found.activity, found.start, found.end, found.zone, found.source) == ("running", EIGHT, TEN_PAST, "Europe/Berlin", BOB)
    assert found.totals == pytest.approx(
        {
            "duration": 600, "heart_rate_avg": 141.5, "heart_rate_min": 92, "heart_rate_max": 171, "energy": 120, "distance": 1800,
            "running_ground_contact_time_avg": 250, "elevation_up": 59, "humidity": 64, "temperature": 40 / 3, "intensity": 9.9,
        }
    )  # fmt: skip
    assert found.laps == [{"name": "Lap", "start": EIGHT, "duration": 240.0}]
    assert found.metadata["events"] == [{"name": "Pause", "start": EIGHT + 300_000}]
    [part] = found.metadata["activities"]
    assert (part["uuid"], part["totals"], part["metadata"]) == (
        "5508C9A8",
        {"duration": 600.0, "steps": 900.0},
        {"WOIntervalStepKeyPath": "0.0.0"},
    )
    assert found.route == [[EIGHT, 52.5, 13.4, 34.5, 2.5], [EIGHT + 1000, 52.6, 13.5, 35.5, None]]
    assert found.metadata["routes"] == ["/x/b.gpx"]


def test_a_broken_route_costs_the_route_alone(tmp_path):
    found = read(zipped(tmp_path, {"export.xml": document(WORKOUT), "workout-routes/route_a.gpx": GPX[:-20]}))
    assert [type(one) for one in found] == [Workout, Rejected]
    assert (found[1].position, found[1].code, found[0].route) == ("2.route", "broken_route", [])


def test_an_old_workout_has_its_totals_and_places_inside(told):
    old = f"""
 <Workout workoutActivityType="HKWorkoutActivityTypeWalking" duration="10" durationUnit="min" totalDistance="0.5" totalDistanceUnit="mi" \
totalEnergyBurned="48.7" totalEnergyBurnedUnit="kcal" {WATCH} {SPAN}>
  <WorkoutRoute sourceName="Bob" {SPAN}>
   <Location date="2026-03-01 08:00:01 +0100" latitude="37.7" longitude="-122.4" altitude="21.2" course="-1" speed="2.4"/>
  </WorkoutRoute>
 </Workout>"""
    [found] = told(old)
    assert found.totals == pytest.approx({"duration": 600, "distance": 804.672, "energy": 48.7})
    assert found.route == [[EIGHT + 1000, 37.7, -122.4, 21.2, 2.4]]


def test_what_stands_beside_the_xml_is_kept_whole(tmp_path):
    condition = {"resourceType": "Condition", "id": "c1", "onsetDateTime": "2020-01-01T00:00:00Z"}
    said = (
        '\n <ClinicalRecord type="HKClinicalTypeIdentifierConditionRecord" identifier="c1" sourceName="Clinic" sourceURL="u" '
        'fhirVersion="4" receivedDate="2026-01-01 00:00:00 +0100" resourceFilePath="/clinical-records/c.json"/>'
    )
    volts = "".join(f"{n}\n" for n in ["-265,868", "12", "0,5"] * 512)
    files = {
        "导出/导出.xml": document(said),
        "导出/clinical-records/c.json": json.dumps(condition),
        "导出/clinical-records/d.json": json.dumps(condition | {"id": "d"}),
        "导出/electrocardiograms/ecg_2026-02-05.csv": ECG + volts,
        "导出/export_cda.xml": "<ClinicalDocument/>",
        "__MACOSX/导出/._导出.xml": "<HealthData>",
    }
    first, ecg, second = read(zipped(tmp_path, files))
    assert (first.kind, first.uuid, first.source.name, first.data, first.start) == (
        "fhir", "Condition/c1", "Clinic", condition, 1577836800000,
    )  # fmt: skip
    assert (second.uuid, second.position) == ("Condition/d", "clinical-records/d.json")
    assert (ecg.kind, ecg.data["classification"], ecg.data["unit"], ecg.data["sample_rate"]) == ("ecg", "Sinusrhythmus", "µV", 512.0)
    assert (ecg.data["voltages"][:3], len(ecg.data["voltages"]), ecg.end - ecg.start) == ([-265.868, 12.0, 0.5], 1536, 3000)
    assert ecg.source.product == "Watch7,5"
    assert "Bob" not in str(ecg.data)


def test_other_elements_are_kept_whole(told):
    ear = f"""
 <Audiogram type="HKDataTypeIdentifierAudiogram" {WATCH} {SPAN}>
  <SensitivityPoint frequencyValue="500" frequencyUnit="Hz" leftEarValue="10" leftEarUnit="dBHL"/>
 </Audiogram>"""
    eye = '\n <VisionPrescription type="glasses" dateIssued="2025-05-01"><RightEye sphere="-1.5" sphereUnit="D"/></VisionPrescription>'
    me = (
        '\n <Me HKCharacteristicTypeIdentifierBloodType="HKBloodTypeAPositive"><HKCharacteristicTypeIdentifierDateOfBirth>1980-01-01'
        "</HKCharacteristicTypeIdentifierDateOfBirth></Me>"
    )
    mood = f'\n <StateOfMind kind="daily" {SPAN} valence="0.5"/>'
    ears, eyes, self, minds = told(ear, eye, me, mood)
    assert all(isinstance(one, Clinical) for one in (ears, eyes, self, minds))
    assert (ears.kind, ears.data["sensitivity_point"][0]["leftEarValue"], ears.start) == ("audiogram", "10", EIGHT)
    assert (eyes.kind, eyes.data["right_eye"]) == ("vision_prescription", [{"sphere": "-1.5", "sphereUnit": "D"}])
    assert (self.kind, self.data) == ("characteristics", {"BloodType": "HKBloodTypeAPositive", "DateOfBirth": "1980-01-01"})
    assert (minds.kind, minds.data["valence"]) == ("state_of_mind", "0.5")


def test_what_is_kept_whole_is_the_same_in_the_next_export(tmp_path):
    def exported(offset: str, address: str) -> list:
        hour = {"+0100": "08", "+0200": "09"}[offset]
        span = SPAN.replace("+0100", offset).replace("08:0", f"{hour}:0").replace("08:1", f"{hour}:1")
        who = WATCH.replace("0x3033c2a80", address)
        inner = f'<Record type="HKQuantityTypeIdentifierDietarySugar" {who} unit="g" {span} value="9"/>'
        meal = f'\n <Correlation type="HKCorrelationTypeIdentifierFood" {who} {span}>{inner}</Correlation>'
        ear = f'\n <Audiogram type="HKDataTypeIdentifierAudiogram" {who} {span}/>'
        volts = ECG.replace("09:14:40 +0100", {"+0100": "09:14:40 +0100", "+0200": "10:14:40 +0200"}[offset]) + "1\n2\n"
        path = zipped(tmp_path, {"export.xml": document(meal, ear), "electrocardiograms/ecg.csv": volts})
        return [(one.kind, one.data, one.start, one.end) for one in read(path) if isinstance(one, Clinical)]

    winter = exported("+0100", "0x1")
    assert [kind for kind, *_ in winter] == ["food", "audiogram", "ecg"]
    assert exported("+0200", "0x2") == winter


def test_a_voltage_or_a_rate_of_hundreds_of_digits_is_no_number(tmp_path):
    endless = "9" * 400
    files = {
        "export.xml": document(),
        "electrocardiograms/a.csv": f"{ECG}1,5\n{endless}\n1e999\n2\n",
        "electrocardiograms/b.csv": ECG.replace("512 Hertz", f"{endless} Hertz") + "1\n",
    }
    first, second = read(zipped(tmp_path, files))
    assert first.data["voltages"] == [1.5, 2.0]
    assert (second.data["sample_rate"], second.data["voltages"]) == (None, [1.0])


def test_a_food_tells_its_nutrients_apart(told):
    kind = "HKQuantityTypeIdentifierDietaryEnergyConsumed"
    soup = entry("HKFoodType", "Soup") + record(kind, "90", "kcal") + record(kind, "20", "kcal", entry("HKFoodType", "Bread"))
    found = told(
        record(kind, "500", "kcal", entry("HKFoodType", "Bread\u00a0 rolls")),
        record(kind, "500", "kcal", entry("HKFoodMeal", "Lunch")),
        record(body=entry("HKFoodType", "Bread")),
        f'\n <Correlation type="HKCorrelationTypeIdentifierFood" {SPAN}>{soup}\n </Correlation>',
    )
    singles = [one for one in found if isinstance(one, Sample)]
    assert [(one.metric, one.value, one.tag) for one in singles] == [
        (kind, 500.0, "Bread rolls"),
        (kind, 90.0, "Soup"),
        (kind, 20.0, "Bread"),
    ]
    assert singles[0] == Sample(
        position="2", metric=kind, naming="healthkit", start=EIGHT, end=TEN_PAST, value=500.0, unit="kcal", source=BOB, tag="Bread rolls",
        metadata={"HKFoodType": "Bread\u00a0 rolls"},
    )  # fmt: skip
    assert [(row[0], row[6]) for row in rows(found)] == [(kind, 500.0), ("HKQuantityTypeIdentifierStepCount", 512.0)]
