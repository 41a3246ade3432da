import importlib.resources
import shutil
from pathlib import Path

import pytest

from healthbox.domain import catalogue as module
from healthbox.domain.catalogue import NAMINGS, Catalogue, Metric, read_units

DATA = importlib.resources.files("healthbox.domain").joinpath("data")


def lines(table: str) -> list[dict[str, str]]:
    head, *rows = (line.split("\t") for line in DATA.joinpath(table).read_text(encoding="utf-8").splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def key(catalogue: Catalogue, naming: str, name: str) -> str | None:
    metric = catalogue.find(naming, name)  # type: ignore[arg-type]
    return metric and metric.key


def test_every_row_is_loaded(catalogue: Catalogue) -> None:
    assert len(catalogue.all()) == len(lines("metrics.tsv")) == 275


def test_every_metric_is_found_by_its_key_in_every_vocabulary(catalogue: Catalogue) -> None:
    for metric in catalogue.all():
        assert catalogue.get(metric.key) is metric
        assert {key(catalogue, naming, metric.key) for naming in NAMINGS} == {metric.key}


def test_every_name_of_the_table_means_its_own_row(catalogue: Catalogue) -> None:
    for row in lines("metrics.tsv"):
        for naming in NAMINGS:
            for name in filter(None, row.get(naming, "").split("|")):
                assert key(catalogue, naming, name) == row["key"], (naming, name)
                assert "?" not in name


@pytest.mark.parametrize(
    ("naming", "name", "expected"),
    [
        ("healthkit", "HKQuantityTypeIdentifierStepCount", "steps"),
        ("healthkit", "StepCount", "steps"),
        ("healthkit", "HKCategoryTypeIdentifierSleepAnalysis", "sleep_analysis"),
        ("healthkit", "HKStateOfMindTypeIdentifier", "state_of_mind"),
        ("healthkit", "HKDataTypeSleepDurationGoal", "sleep_duration_goal"),
        ("health_auto_export", "walking_running_distance", "distance_walking_running"),
        ("health_auto_export", "heart_rate_variability", "hrv_sdnn"),
        ("health_auto_export", "vo2max", "vo2_max"),
        ("health_auto_export", "vo2_max", "vo2_max"),
        ("health_auto_export", "phosphorus", "dietary_phosphorus"),
        ("health_auto_export", "monosaturated_fat", "dietary_fat_monounsaturated"),
        ("health_connect", "StepsRecord.count", "steps"),
        ("health_connect", "StepsRecord", "steps"),
        ("health_connect", "HeartRateVariabilityRmssdRecord", "hrv_rmssd"),
        ("health_connect", "BasalMetabolicRateRecord", "basal_metabolic_rate"),
        ("flutter", "HEART_RATE", "heart_rate"),
        ("flutter", "BASAL_ENERGY_BURNED", "basal_energy"),
        ("flutter", "HEADACHE_MILD", "symptom_headache"),
        ("open_wearables", "HKQuantityTypeIdentifierBodyMass", "weight"),
        ("open_wearables", "STEP_COUNT", "steps"),
        ("open_wearables", "HEART_RATE_VARIABILITY", "hrv_rmssd"),
        ("open_wearables", "energy", "active_energy"),
        ("open_wearables", "power", "power"),
        ("shortcut", "Heart Rate", "heart_rate"),
        ("shortcut", "heart rate", "heart_rate"),
        ("shortcut", "Walking + Running Distance", "distance_walking_running"),
        ("shortcut", "distance", "distance_walking_running"),
        ("shortcut", "exercise_minutes", "exercise_time"),
        ("shortcut", "calories", "active_energy"),
        ("shortcut", "distance_km", None),
        ("key", "HeartRate", None),
    ],
)
def test_names_of_a_vocabulary(catalogue: Catalogue, naming: str, name: str, expected: str | None) -> None:
    assert key(catalogue, naming, name) == expected


def test_every_category_has_its_values(catalogue: Catalogue) -> None:
    assert [metric.key for metric in catalogue.all() if metric.kind == "category" and not metric.enum] == ["hrv_status"]


@pytest.mark.parametrize("value", [3, "3", 3.0, "3.0", "HKCategoryValueSeverityModerate", "SeverityModerate", "Moderate", "moderate"])
def test_a_category_value_has_many_spellings(catalogue: Catalogue, value: str | float) -> None:
    headache = catalogue.get("symptom_headache")
    assert headache and catalogue.category_value(headache, value) == 3
    assert catalogue.category_name(headache, 3) == "moderate"


def test_category_values_that_are_easily_got_wrong(catalogue: Catalogue) -> None:
    stood, mood, fever, flow = (catalogue.get(k) for k in ("stand_hour", "symptom_mood_changes", "symptom_fever", "menstrual_flow"))
    assert stood and mood and fever and flow
    assert catalogue.category_value(stood, "HKCategoryValueAppleStandHourStood") == 0
    assert catalogue.category_value(mood, "Present") == 0
    assert catalogue.category_value(fever, "Not Present") == 1
    assert catalogue.category_value(flow, "HKCategoryValueVaginalBleedingHeavy") == 4
    assert catalogue.category_value(flow, "HKCategoryValueMenstrualFlowHeavy") == 4


def test_a_category_value_that_is_none(catalogue: Catalogue) -> None:
    headache = catalogue.get("symptom_headache")
    assert headache
    assert [catalogue.category_value(headache, value) for value in ("awful", "", "2.5", 2.5, float("nan"), True)] == [None] * 6
    assert catalogue.category_value(headache, 9) == 9
    assert catalogue.category_name(headache, 9) is None


def test_sleep_stages_have_a_table_per_vocabulary(catalogue: Catalogue) -> None:
    apple = [catalogue.stage("healthkit", code) for code in range(7)]
    assert apple == ["in_bed", "asleep_unspecified", "awake", "core", "deep", "rem", None]
    spoken = [catalogue.stage("health_connect", str(code)) for code in range(8)]
    assert spoken == [None, "awake", "asleep_unspecified", "awake", "core", "deep", "rem", "awake"]
    assert catalogue.stage("healthkit", "HKCategoryValueSleepAnalysisAsleep") == "asleep_unspecified"
    assert catalogue.stage("healthkit", "AsleepREM") == "rem"
    assert catalogue.stage("health_auto_export", "In Bed") == "in_bed"
    assert catalogue.stage("health_auto_export", "REM") == "rem"
    assert catalogue.stage("health_connect", "light") == "core"
    assert catalogue.stage("health_connect", "STAGE_TYPE_DEEP") == "deep"
    assert catalogue.stage("flutter", "SLEEP_AWAKE_IN_BED") == "awake"
    assert catalogue.stage("open_wearables", "inBed") == "in_bed"
    assert catalogue.stage("open_wearables", "unknown") is None
    assert catalogue.stage("health_auto_export", "5") is None


def test_stage_codes_agree_with_the_category_table(catalogue: Catalogue) -> None:
    sleep = catalogue.get("sleep_analysis")
    assert sleep
    assert [catalogue.category_name(sleep, code) for code in range(6)] == [catalogue.stage("healthkit", code) for code in range(6)]


@pytest.mark.parametrize(
    ("naming", "value", "expected"),
    [
        ("healthkit", "HKWorkoutActivityTypeRunning", "running"),
        ("healthkit", 37, "running"),
        ("healthkit", "37", "running"),
        ("healthkit", 8, "boxing"),
        ("healthkit", "HKWorkoutActivityTypeSomethingNew", "something_new"),
        ("healthkit", 4711, "healthkit_4711"),
        ("health_connect", 8, "cycling"),
        ("health_connect", "56", "running"),
        ("health_connect", "running_treadmill", "running"),
        ("health_connect", "EXERCISE_TYPE_STAIR_CLIMBING", "stairs"),
        ("health_connect", 99, "health_connect_99"),
        ("health_auto_export", "Outdoor Run", "running"),
        ("health_auto_export", "Indoor Cycle", "cycling"),
        ("health_auto_export", "Open Water Swim", "swimming"),
        ("health_auto_export", "Functional Strength Training", "functional_strength_training"),
        ("health_auto_export", "Unterwasser-Rugby", "unterwasser_rugby"),
        ("health_auto_export", "", "other"),
        ("shortcut", "Outdoor Walk", "walking"),
        ("flutter", "BIKING", "cycling"),
        ("flutter", "STAIR_CLIMBING", "stair_climbing"),
        ("flutter", "WEIGHTLIFTING", "traditional_strength_training"),
        ("open_wearables", "alpine_skiing", "downhill_skiing"),
        ("open_wearables", "generic", "other"),
        ("key", "running", "running"),
    ],
)
def test_workout_activities(catalogue: Catalogue, naming: str, value: str | int, expected: str) -> None:
    assert catalogue.activity(naming, value) == expected  # type: ignore[arg-type]


def test_a_metric_that_alice_named_is_found_by_both_names(catalogue: Catalogue) -> None:
    mine = Metric(key="x_sauna_minutes", label="Sauna", unit="min", aggregation="sum", known=False)
    wider = catalogue.with_extra([mine], [("health_auto_export", "Sauna Minutes", "min", "x_sauna_minutes", "")])
    assert wider.get("x_sauna_minutes") is mine
    assert wider.find("health_auto_export", "sauna minutes", "min") is mine
    assert wider.find("health_auto_export", "Sauna Minutes", "h") is wider.find("health_auto_export", "Sauna Minutes") is None
    assert wider.find("shortcut", "x_sauna_minutes") is mine
    assert wider.find("shortcut", "Sauna Minutes", "min") is None
    assert catalogue.get("x_sauna_minutes") is None
    assert len(wider.all()) == 276


def test_what_an_upgrade_brings_wins_over_a_row_made_before_it(catalogue: Catalogue) -> None:
    wider = Catalogue.load([Metric(key="steps", label="My steps")], [("shortcut", "heart rate", "", "steps", "")])
    steps = wider.get("steps")
    assert steps and steps.known and steps.label == "Steps"
    assert key(wider, "shortcut", "Heart Rate") == "heart_rate"


def test_an_alias_of_nothing_is_an_error(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        catalogue.with_extra([], [("shortcut", "sauna", "", "x_sauna", "")])


@pytest.mark.parametrize("text", ["km", "km=far", "km=1/0", "km=0", "km=-1", "km=1;km=1", "=3", "km=inf", "degC=1:x"])
def test_a_broken_unit_is_named(text: str) -> None:
    with pytest.raises(RuntimeError, match="units"):
        read_units(text)


@pytest.mark.parametrize(
    ("table", "old", "new", "complaint"),
    [
        ("metrics.tsv", "\nsteps\t", "\nheart_rate\t", "heart_rate"),
        ("metrics.tsv", "\tsum\t0\t30000\t", "\ttotal\t0\t30000\t", "metrics.tsv:2"),
        ("metrics.tsv", "\tsum\t0\t30000\t", "\tsum\t40000\t30000\t", "upside down"),
        ("metrics.tsv", "\tenergy\tkcal\t", "\tvigour\tkcal\t", "metrics.tsv:2"),
        ("metrics.tsv", "apple_stand_time", "step_count", "step_count"),
        ("metrics.tsv", "\tpresence\t", "\tabsence\t", "absence"),
        ("metrics.tsv", "\nsteps\t", "\n", "cells"),
        ("units.tsv", "\tmin=1;", "\tmin=60;", "duration"),
        ("enums.tsv", "severity\t3\tmoderate", "severity\t3\tmild", "mild"),
        ("stages.tsv", "health_connect\t5\tdeep", "health_connect\t4\tdeep", "two stages"),
        ("activities.tsv", "healthkit\t37\t", "healthkit\t36\t", "two activities"),
    ],
)
def test_a_broken_table_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: str, old: str, new: str, complaint: str) -> None:
    shutil.copytree(str(DATA), tmp_path / "data")
    broken = tmp_path / "data" / table
    text = broken.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(module.importlib.resources, "files", lambda package: tmp_path)
    with pytest.raises(RuntimeError, match=complaint):
        module._shipped.__wrapped__()
