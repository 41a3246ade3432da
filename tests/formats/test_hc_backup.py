"""Health Connect's backup: every table against values worked out by hand."""

import json
import uuid

import pytest
from hc_backup_fixture import INSTANTS, INTERVALS, MODIFIED, UNSET, Phone, ms, offset

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.records import Clinical, Rejected, Sample, SleepStage, SourceRef, Workout
from healthbox.domain.units import to_canonical
from healthbox.formats.contract import Envelope
from healthbox.formats.hc_backup import FILE_FORMAT, tables
from healthbox.formats.registry import recognise_file

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
START, END = "2026-03-01T07:00:00+01:00", "2026-03-01T08:00:00+01:00"
CATALOGUE = Catalogue.load()


@pytest.fixture
def phone(tmp_path):
    return Phone(tmp_path)


def read(path):
    assert recognise_file(path) is FILE_FORMAT
    found = list(FILE_FORMAT.records(path, ENVELOPE))
    assert found == list(FILE_FORMAT.records(path, ENVELOPE))
    return found


def ident(number):
    return str(uuid.UUID(int=number))


# table → columns as Android writes them, our metric, its canonical value
SINGLE = {
    "steps": ({"count": 812}, "steps", 812),
    "distance": ({"distance": 5401.0}, "distance_walking_running", 5401),
    "active_calories_burned": ({"energy": 412_000.0}, "active_energy", 412),
    "total_calories_burned": ({"energy": 1_900_500.0}, "total_energy", 1900.5),
    "hydration": ({"volume": 0.5}, "dietary_water", 500),
    "floors_climbed": ({"floors": 3.0}, "flights_climbed", 3),
    "elevation_gained": ({"elevation": 21.5}, "elevation_gained", 21.5),
    "wheelchair_pushes": ({"count": 400}, "push_count", 400),
    "weight": ({"weight": 75_500.0}, "weight", 75.5),
    "height": ({"height": 1.78}, "height", 178),
    "body_fat": ({"percentage": 28.9}, "body_fat", 28.9),
    "lean_body_mass": ({"mass": 54_000.0}, "lean_body_mass", 54),
    "bone_mass": ({"mass": 3_100.0}, "bone_mass", 3.1),
    "body_water_mass": ({"body_water_mass": 41_000.0}, "body_water_mass", 41),
    "basal_metabolic_rate": ({"basal_metabolic_rate": 85.0}, "basal_metabolic_rate", 85 * 86_400 / 4_184),
    "resting_heart_rate": ({"beats_per_minute": 52}, "resting_heart_rate", 52),
    "heart_rate_variability_rmssd": ({"heart_rate_variability_millis": 41.5}, "hrv_rmssd", 41.5),
    "oxygen_saturation": ({"percentage": 97.0}, "oxygen_saturation", 97),
    "respiratory_rate": ({"rate": 14.5}, "respiratory_rate", 14.5),
    "vo2_max": ({"vo2_milliliters_per_minute_kilogram": 44.0, "measurement_method": 2}, "vo2_max", 44),
    "body_temperature": ({"temperature": 36.7, "measurement_location": 8}, "body_temperature", 36.7),
    "basal_body_temperature": ({"temperature": 36.4, "measurement_location": 0}, "basal_body_temperature", 36.4),
    "blood_glucose": (
        {"level": 5.4, "specimen_source": "2", "relation_to_meal": "2", "meal_type": "0"}, "blood_glucose", 5.4 * 18.015588
    ),
}  # fmt: skip


def test_every_value_of_the_documented_tables_is_read():
    assert set(tables.VALUES) == set(SINGLE)
    read_otherwise = {"nutrition", "sleep_session", "exercise_session", "planned_exercise_session", "heart_rate", "skin_temperature",
                      "blood_pressure", "menstruation_flow", "ovulation_test", "cervical_mucus", "sexual_activity",
                      "intermenstrual_bleeding", "menstruation_period", "mindfulness_session", "activity_intensity"}  # fmt: skip
    assert set(SINGLE) | read_otherwise == set(INSTANTS) | set(INTERVALS)


@pytest.mark.parametrize("table", SINGLE)
def test_a_row_is_one_sample_in_the_unit_that_android_stores(phone, table):
    columns, metric, value = SINGLE[table]
    phone.record(table, START, END if table in INTERVALS else None, **columns)
    (one,) = read(phone.zipped())
    assert (one.position, one.metric, one.naming) == (f"{table}_record_table/1", metric, "key")
    assert to_canonical(CATALOGUE.get(metric), one.value, one.unit) == pytest.approx(value)
    assert (one.start, one.end) == (ms(START), ms(END if table in INTERVALS else START))


def test_when_by_what_and_under_which_name(phone):
    fitbit, samsung = phone.app("com.fitbit.FitbitMobile", "Fitbit"), phone.app("com.sec.android.app.shealth")
    watch, nameless = phone.device("Pixel Watch 2", 1), phone.device(None, 0)
    summer, winter = "2026-03-29T03:30:00+02:00", "2026-03-29T01:30:00+01:00"
    phone.record("steps", winter, summer, count=5, app_info_id=fitbit, device_info_id=watch)
    phone.record("weight", "2026-03-01T07:00:00-03:30", weight=70_000.0, app_info_id=fitbit, device_info_id=nameless, recording_method=3)
    phone.record("weight", START, weight=70_000.0, app_info_id=samsung, zone_offset=7_200_000, last_modified_time=None)
    phone.record("weight", START, weight=70_000.0, app_info_id=77, zone_offset=None)
    steps, typed, badly, orphan = read(phone.zipped())
    assert (steps.source, steps.zone) == (SourceRef("Pixel Watch 2", "com.fitbit.FitbitMobile", "Pixel Watch 2", "watch"), "+01:00")
    assert (steps.uuid, steps.parent, steps.as_of) == ("00000000-0000-0000-0000-000000000001", False, MODIFIED)
    assert steps.end - steps.start == 3_600_000
    assert (typed.source, typed.zone) == (SourceRef("Fitbit", "com.fitbit.FitbitMobile", None, "manual"), "-03:30")
    assert (badly.source, badly.zone, badly.as_of) == (SourceRef(None, "com.sec.android.app.shealth", None, None), None, None)
    assert (orphan.source, orphan.zone) == (SourceRef("Health Connect"), None)


def test_a_series_is_the_point_set_of_its_parent(phone):
    app = phone.app("com.fitbit.FitbitMobile")
    first = phone.record("heart_rate", START, END, app_info_id=app)
    second = phone.record("heart_rate", END, END, app_info_id=app)
    for parent, rate, at in ((first, 60, START), (second, 99, END), (first, 62, END)):  # an updated record's points come last
        phone.child("heart_rate_record_series_table", parent, beats_per_minute=rate, epoch_millis=ms(at))
    phone.child("heart_rate_record_series_table", 400, beats_per_minute=70, epoch_millis=ms(END))
    found = read(phone.zipped())
    assert [(r.value, r.start, r.end, r.uuid, r.parent) for r in found] == [
        (60.0, ms(START), ms(START), ident(1), True), (99.0, ms(END), ms(END), ident(2), True), (62.0, ms(END), ms(END), ident(1), True),
        (70.0, ms(END), ms(END), None, False),
    ]  # fmt: skip
    assert {(r.metric, r.unit, r.zone, r.as_of) for r in found[:3]} == {("heart_rate", "count/min", "+01:00", MODIFIED)}


@pytest.mark.parametrize(
    ("parent", "child", "column", "value", "metric", "canonical"),
    [
        ("SpeedRecordTable", "speed_record_table", "speed", 2.5, "speed", 2.5),
        ("PowerRecordTable", "power_record_table", "power", 210.0, "power", 210),
        (
            "CyclingPedalingCadenceRecordTable",
            "cycling_pedaling_cadence_record_table",
            "revolutions_per_minute",
            85.0,
            "cycling_cadence",
            85,
        ),
        ("StepsCadenceRecordTable", "steps_cadence_record_table", "rate", 168.0, "steps_cadence", 168),
    ],
)
def test_the_other_series_whose_parents_have_names_of_their_own(phone, parent, child, column, value, metric, canonical):
    phone.child(child, phone.record(parent, START, END), epoch_millis=ms(START), **{column: value})
    (one,) = read(phone.zipped())
    assert (one.metric, one.uuid, one.parent) == (metric, ident(1), True)
    assert to_canonical(CATALOGUE.get(metric), one.value, one.unit) == canonical


def test_skin_temperature_is_its_baseline_and_the_deltas(phone):
    parent = phone.record("skin_temperature", START, END, measurement_location=3, baseline=34.1)
    phone.record("skin_temperature", START, END, measurement_location=0, baseline=UNSET)
    phone.child("skin_temperature_delta_table", parent, delta=-0.3, epoch_millis=ms(END))
    baseline, delta = read(phone.zipped())
    assert (baseline.metric, baseline.value, baseline.start, baseline.end) == ("skin_temperature", 34.1, ms(START), ms(START))
    assert (delta.metric, delta.value, delta.start, delta.uuid) == ("skin_temperature_delta", -0.3, ms(END), ident(1))


def test_a_night_is_its_stages_on_the_day_of_waking(phone):
    app = phone.app("com.fitbit.FitbitMobile", "Fitbit")
    night = phone.record("sleep_session", "2026-02-28T23:00:00-05:00", "2026-03-01T13:00:00+01:00", app_info_id=app, title="Night")
    phone.record("sleep_session", "2026-03-02T23:00:00+01:00", "2026-03-03T06:00:00+01:00", app_info_id=app)
    at = ms("2026-02-28T23:00:00-05:00")
    for number, kind in enumerate((1, 2, 3, 4, 5, 6, 7, 0)):
        start = at + number * 600_000
        phone.child("sleep_stages_table", night, stage_start_time=start, stage_end_time=start + 600_000, stage_type=kind)
    *stages, unknown, plain = read(phone.zipped())
    assert [s.stage for s in stages] == ["awake", "asleep_unspecified", "awake", "core", "deep", "rem", "awake"]
    assert {(s.uuid, s.parent, s.zone, s.as_of) for s in stages} == {(ident(1), True, "+01:00", MODIFIED)}
    assert (stages[0].start, stages[-1].end) == (at, at + 7 * 600_000)
    assert (unknown.code, unknown.position) == ("unknown_stage", "sleep_stages_table/8")
    start, end = ms("2026-03-02T23:00:00+01:00"), ms("2026-03-03T06:00:00+01:00")
    assert plain == SleepStage(
        position="sleep_session_record_table/2", start=start, end=end, stage="asleep_unspecified", source=stages[0].source,
        uuid=ident(2), parent=True, zone="+01:00", as_of=MODIFIED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "activity"),
    [(33, "running"), (56, "wheelchair_walk_pace"), (4, "cycling"), (53, "walking"), (57, "yoga"), (61, "rowing"), (0, "other"),
     (58, "other"), (99, "platform_99")],
)  # fmt: skip
def test_exercises_have_the_codes_of_the_platform_not_those_of_the_app_library(phone, code, activity):
    phone.record("exercise_session", START, END, exercise_type=code)
    (one,) = read(phone.zipped())
    assert isinstance(one, Workout)
    assert one.activity == activity


def test_the_codes_are_as_many_as_android_has_and_every_activity_has_a_name():
    assert (len(tables.EXERCISES), tables.EXERCISES[33], tables.EXERCISES[61]) == (62, "running", "rowing_machine")
    assert (len(tables.SEGMENTS), tables.SEGMENTS[16], tables.SEGMENTS[67]) == (68, "running", "pause")
    assert all(CATALOGUE.find("key", metric) for metric in tables.NUTRIENTS.values())
    assert len(tables.NUTRIENTS) == 42


def test_a_workout_has_its_route_laps_and_segments(phone):
    run = phone.record("exercise_session", START, END, exercise_type=33, title="Round the lake", has_route=1)
    other = phone.record("exercise_session", END, END, exercise_type=53)
    for second, parent in ((2, run), (0, other), (1, run), (0, run)):
        where = {"latitude": 52.5 + second / 1000, "longitude": 13.4, "altitude": UNSET if second == 2 else 40.0}
        phone.child("exercise_route_table", parent, timestamp_millis=ms(START) + second * 1000, **where, horizontal_accuracy=UNSET,
                    vertical_accuracy=UNSET)  # fmt: skip
    phone.child("exercise_route_table", run, timestamp_millis=ms(START), latitude=152.0, longitude=0, altitude=0.0,
                horizontal_accuracy=1.0, vertical_accuracy=1.0)  # fmt: skip
    phone.child("exercise_laps_table", run, lap_start_time=ms(START), lap_end_time=ms(START) + 300_000, lap_length=1000.0)
    phone.child("exercise_laps_table", run, lap_start_time=ms(START), lap_end_time=ms(START) + 290_000, lap_length=UNSET)
    phone.child("exercise_segments_table", run, segment_start_time=ms(START), segment_end_time=ms(END), segment_type=55,
                repetitions_count=12)  # fmt: skip
    one, walk = read(phone.zipped())
    assert (one.activity, one.uuid, one.zone, one.as_of, one.start, one.end) == (
        "running",
        ident(1),
        "+01:00",
        MODIFIED,
        ms(START),
        ms(END),
    )
    assert one.route == [
        [ms(START), 52.5, 13.4, 40.0, None], [ms(START) + 1000, 52.501, 13.4, 40.0, None], [ms(START) + 2000, 52.502, 13.4, None, None]
    ]  # fmt: skip
    assert one.laps == [
        {"name": "Lap", "start": ms(START), "duration": 300.0, "distance": 1000.0}, {"name": "Lap", "start": ms(START), "duration": 290.0}
    ]  # fmt: skip
    segment = {"name": "squat", "start": ms(START), "end": ms(END), "repetitions": 12}
    assert one.metadata == {"title": "Round the lake", "segments": [segment]}
    assert (len(walk.route), walk.laps, walk.metadata) == (1, [], None)


def test_a_route_without_end_is_thinned_evenly(phone, monkeypatch):
    monkeypatch.setattr("healthbox.formats.hc_backup.sessions.POINTS", 10)
    run = phone.record("exercise_session", START, END, exercise_type=33)
    for second in range(35):
        phone.child("exercise_route_table", run, timestamp_millis=ms(START) + second * 1000, latitude=52.5, longitude=13.4, altitude=1.0,
                    horizontal_accuracy=1.0, vertical_accuracy=1.0)  # fmt: skip
    (one,) = read(phone.zipped())
    assert [int(point[0] - ms(START)) // 1000 for point in one.route] == [0, 4, 8, 12, 16, 20, 24, 28, 32]


def test_blood_pressure_is_two_samples_of_one_parent(phone):
    phone.record("blood_pressure", START, systolic=121.0, diastolic=79.0, measurement_location="3", body_position="0")
    phone.record("blood_pressure", START, systolic=121.0, diastolic=None, measurement_location="3", body_position="0")
    high, low, missing = read(phone.zipped())
    assert [(r.metric, r.value, r.unit, r.uuid, r.parent) for r in (high, low)] == [
        ("blood_pressure_systolic", 121.0, "mmHg", ident(1), True), ("blood_pressure_diastolic", 79.0, "mmHg", ident(1), True),
    ]  # fmt: skip
    assert high.metadata == {"measurement_location": 3}
    assert (missing.code, missing.position) == ("no_value", "blood_pressure_record_table/2")


def test_a_meal_is_one_sample_for_each_nutrient_that_is_set(phone):
    unset = dict.fromkeys(tables.NUTRIENTS, UNSET)
    meal = unset | {"energy": 350_000.0, "protein": 25.0, "vitamin_c": 0.09, "sugar": 0.0}
    phone.record("nutrition", START, END, meal_type=1, meal_name="Oatmeal", **meal)
    phone.record("nutrition", START, END, meal_type=0, **unset)
    *found, empty = read(phone.zipped())
    values = {r.metric: to_canonical(CATALOGUE.get(r.metric), r.value, r.unit) for r in found}
    assert values == pytest.approx({"dietary_energy": 350, "dietary_protein": 25, "dietary_vitamin_c": 90, "dietary_sugar": 0})
    assert {(r.tag, r.metadata["meal"], r.metadata["name"], r.uuid, r.parent) for r in found} == {
        ("Oatmeal", "breakfast", "Oatmeal", ident(1), True)
    }
    assert empty.code == "no_value"


def test_codes_events_and_lengths(phone):
    phone.record("menstruation_flow", START, flow=2)
    phone.record("menstruation_flow", START, flow=9)
    phone.record("ovulation_test", START, result=3)
    phone.record("cervical_mucus", START, appearance=5, sensation=1)
    phone.record("intermenstrual_bleeding", START)
    phone.record("sexual_activity", START, protection_used=1)
    phone.record("menstruation_period", "2026-03-01T00:00:00+01:00", "2026-03-05T00:00:00+01:00")
    phone.record("mindfulness_session", START, END, type=3, title="Breathing")
    phone.record("activity_intensity", START, END, type=1)
    found = {r.metric: r for r in read(phone.zipped()) if isinstance(r, Sample)}
    assert {name: found[name].value for name in ("menstrual_flow", "ovulation_test", "cervical_mucus")} == {
        "menstrual_flow": "medium", "ovulation_test": "negative", "cervical_mucus": "egg_white",
    }  # fmt: skip
    assert found["cervical_mucus"].metadata == {"sensation": 1}
    assert found["sexual_activity"].metadata == {"protection_used": 1}
    assert found["intermenstrual_bleeding"].value == 0.0
    assert (found["menstruation_period"].value, found["menstruation_period"].unit) == (4 * 86_400, "s")
    assert (found["mindful_session"].end, found["mindful_session"].metadata) == (ms(END), {"title": "Breathing"})
    assert (found["activity_intensity_vigorous"].value, found["activity_intensity_vigorous"].unit) == (3600.0, "s")
    (refused,) = [r for r in read(phone.path) if isinstance(r, Rejected)]
    assert (refused.code, refused.position) == ("unknown_value", "menstruation_flow_record_table/2")


def test_plans_and_clinical_documents_are_kept_whole(phone):
    phone.record("planned_exercise_session", START, END, exercise_type=33, title="Long run", completed_session_id=b"\x00" * 16)
    document = {"resourceType": "Immunization", "id": "i1", "occurrenceDateTime": "2025-10-01"}
    phone._insert("medical_resource_table", fhir_data=json.dumps(document), uuid=b"\x01" * 16, last_modified_time=MODIFIED)
    for number, raw in enumerate(('{"a": "\\ud800"}', "{", "[]", "[" * 100_000, '{"a": NaN}', None)):
        phone._insert("medical_resource_table", fhir_data=raw, uuid=bytes([2 + number]) * 16)
    plan, shot, half, *broken = read(phone.zipped())
    assert (plan.kind, plan.data, plan.uuid) == ("planned_workout", {"activity": "running", "title": "Long run"}, ident(1))
    assert isinstance(shot, Clinical)
    assert (shot.kind, shot.data, shot.uuid, shot.as_of) == ("fhir", document, "Immunization/i1", MODIFIED)
    assert isinstance(half, Clinical) and half.data == {"a": "\ufffd"}
    assert [(r.code, r.raw) for r in broken] == [("bad_json", "")] * 5


def test_a_table_of_a_later_version_keeps_its_numbers_under_its_own_name(phone):
    shared = "row_id INTEGER PRIMARY KEY, uuid BLOB, last_modified_time INTEGER, app_info_id INTEGER, recording_method INTEGER"
    interval = "start_time INTEGER, start_zone_offset INTEGER, end_time INTEGER, end_zone_offset INTEGER"
    taken = "nicotine_intake_type INTEGER, quantity INTEGER, nicotine_intake REAL"
    phone.db.execute(f"CREATE TABLE nicotine_intake_record_table ({shared}, {interval}, {taken})")
    phone.db.execute(f"CREATE TABLE symptom_record_table ({shared}, time INTEGER, zone_offset INTEGER, symptom_type INTEGER, notes TEXT)")
    phone.record("nicotine_intake", START, END, nicotine_intake_type=2, quantity=1, nicotine_intake=UNSET)
    phone._insert(
        "symptom_record_table", uuid=uuid.UUID(int=9).bytes, time=ms(START), zone_offset=offset(START), symptom_type=4, notes="since noon"
    )
    intake, symptom = read(phone.zipped())
    assert (intake.metric, intake.naming, intake.value, intake.unit) == ("nicotine_intake_quantity", "health_connect", 1.0, None)
    assert (intake.metadata, intake.zone, intake.uuid) == ({"nicotine_intake_type": 2}, "+01:00", ident(1))
    assert (symptom.kind, symptom.data, symptom.uuid) == ("symptom", {"symptom_type": 4, "notes": "since noon"}, ident(9))


def test_an_earlier_version_lacks_tables_and_columns(phone):
    for name in ("nutrition_record_table", "device_info_table", "sleep_stages_table"):
        phone.db.execute(f"DROP TABLE {name}")
    phone.db.execute("DROP TABLE steps_record_table")
    phone.db.execute(
        "CREATE TABLE steps_record_table (row_id INTEGER PRIMARY KEY, uuid TEXT, start_time INTEGER, end_time INTEGER, count INTEGER)"
    )
    phone._insert("steps_record_table", uuid="as-text", start_time=ms(START), end_time=ms(END), count=7)
    phone.record("sleep_session", START, END)
    steps, night = read(phone.zipped())
    assert (steps.uuid, steps.value, steps.zone, steps.as_of, steps.source) == ("as-text", 7.0, None, None, SourceRef("Health Connect"))
    assert night.stage == "asleep_unspecified"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"count": None}, "no_value"),
        ({"count": "many"}, "not_a_number"),
        ({"count": b"\x00\x01"}, "not_a_number"),
        ({"count": 9e300}, "number_out_of_range"),
        ({"count": 5, "start_time": None}, "no_time"),
        ({"count": 5, "start_time": "yesterday"}, "bad_time"),
        ({"count": 5, "start_time": 2**62}, "bad_time"),
        ({"count": 5, "end_time": 0}, "end_before_start"),
        ({"count": 5, "uuid": b"short"}, "bad_uuid"),
    ],
)
def test_one_bad_row_costs_itself_only(phone, cells, code):
    phone.record("steps", START, END, **cells)
    phone.record("steps", START, END, count=6)
    bad, good = read(phone.zipped())
    assert (bad.code, bad.position, good.value) == (code, "steps_record_table/1", 6.0)
    assert bad.raw.startswith("{")


def test_reading_again_from_the_middle_gives_the_same(phone):
    parent = phone.record("heart_rate", START, END)
    for number in range(5_000):
        phone.child("heart_rate_record_series_table", parent, beats_per_minute=60 + number % 40, epoch_millis=ms(START) + number * 1000)
    for number in range(50):
        phone.record("steps", START, END, count=number)
    path, told = phone.zipped(), []
    whole = list(FILE_FORMAT.records(path, ENVELOPE, told.append))
    assert told == sorted(told)
    assert len(told) == 2
    assert 0 < told[0] < told[-1] <= 1
    again = FILE_FORMAT.records(path, ENVELOPE)
    assert [next(again) for _ in range(777)] == whole[:777]
    assert list(again) == whole[777:]
    assert len(whole) == 5_050
