import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.units import for_display, normalise_unit, plausible, to_canonical

CATALOGUE = Catalogue.load()


def metric(key: str) -> Metric:
    found = CATALOGUE.get(key)
    assert found
    return found


@pytest.mark.parametrize(
    ("key", "value", "unit", "expected"),
    [
        ("active_energy", 418.4, "kJ", 100.0),
        ("active_energy", 100, "Cal", 100),
        ("sexual_activity", 2, "times", 2),
        ("handwashing_time", 30, "s", 0.5),
        ("active_energy", 100, "cal", 0.1),
        ("distance_walking_running", 2, "mi", 3218.688),
        ("distance_walking_running", 5.02, "km", 5020),
        ("height", 5.5, "ft", 167.64),
        ("height", 1.8, "m", 180),
        ("weight", 150, "lb", 68.0388555),
        ("weight", 11, "st", 69.85322498),
        ("body_temperature", 98.6, "degF", 37.0),
        ("body_temperature", 98.6, "ºF", 37.0),
        ("body_temperature", 310.15, "K", 37.0),
        ("skin_temperature_delta", -1.8, "degF", -1.0),
        ("blood_glucose", 5.5, "mmol<180.1558800000541>/L", 99.085734),
        ("blood_glucose", 5.5, "mmol<180.15588000005408>/l", 99.085734),
        ("blood_glucose", 5.5, "mmol/L", 99.085734),
        ("oxygen_saturation", 0.97, "hk%", 97.0),
        ("oxygen_saturation", 97, "%", 97),
        ("walking_asymmetry", 0.8276, "%", 0.8276),
        ("vo2_max", 42.1, "mL/min·kg", 42.1),
        ("vo2_max", 42.1, "mL/min⋅kg", 42.1),
        ("vo2_max", 42.1, "ml/(kg*min)", 42.1),
        ("vo2_max", 42.1, "mL/kg·min", 42.1),
        ("vo2_max", 42.1, "ml / kg / min", 42.1),
        ("physical_effort", 3.4, "kcal/hr·kg", 3.4),
        ("heart_rate", 1.1, "count/s", 66.0),
        ("heart_rate", 66, "bpm", 66),
        ("heart_rate", 66, "count/min", 66),
        ("dietary_vitamin_d", 12, "\u00b5g", 12),
        ("dietary_vitamin_d", 12, "\u03bcg", 12),
        ("dietary_vitamin_d", 0.012, "mg", 12),
        ("dietary_water", 8, "fl_oz_us", 236.5882365),
        ("bmi", 22, "kg/m²", 22),
        ("sleep_asleep", 7.1, "hr", 426),
        ("cycling_speed", 36, "km/hr", 10),
        ("cycling_speed", 36, "kmph", 10),
        ("basal_metabolic_rate", 80, "W", 1652.0076481835565),
        ("blood_pressure_systolic", 16, "kPa", 120.00986923264),
        ("steps", 412, "count", 412),
        ("workout_effort_score", 7, "appleEffortScore", 7),
        ("environmental_audio_exposure", 61, "dBASPL", 61),
    ],
)
def test_units_seen_on_the_wire(key: str, value: float, unit: str, expected: float) -> None:
    assert to_canonical(metric(key), value, unit) == pytest.approx(expected, rel=1e-9)


def test_without_a_unit_a_value_is_canonical() -> None:
    assert to_canonical(metric("distance_walking_running"), 5020, None) == 5020
    assert to_canonical(metric("distance_walking_running"), 5020, "") == 5020


@pytest.mark.parametrize(
    ("key", "unit"),
    [("steps", "km"), ("weight", "KG"), ("blood_glucose", "mmol<386.65>/L"), ("ecg", "V"), ("food", "g")],
)
def test_an_unknown_unit_is_never_guessed(key: str, unit: str) -> None:
    with pytest.raises(ValueError, match="unknown unit"):
        to_canonical(metric(key), 1, unit)


def test_the_error_never_holds_the_value() -> None:
    with pytest.raises(ValueError) as caught:
        to_canonical(metric("weight"), 83.7251, "furlong" * 50)
    assert "83" not in str(caught.value) and len(str(caught.value)) < 100


def test_a_metric_that_bob_named_knows_its_own_unit_only() -> None:
    mine = Metric(key="x_ketones", label="Ketones", unit="µmol/L")
    assert to_canonical(mine, 3, "\u03bcmol/L") == 3
    with pytest.raises(ValueError, match="unknown unit"):
        to_canonical(mine, 3, "mmol/L")


def test_every_unit_of_the_table_can_be_found_after_normalising() -> None:
    for found in CATALOGUE.all():
        for unit, conversion in found.accepted.items():
            assert found.accepted.get(normalise_unit(unit)) == conversion, (found.key, unit)


def test_percent_means_the_same_for_all_metrics_in_percent() -> None:
    in_percent = [m for m in CATALOGUE.all() if m.unit == "%"]
    assert len(in_percent) == 12
    assert {to_canonical(m, 0.5, "hk%") for m in in_percent} == {50.0}
    assert {to_canonical(m, 0.5, "%") for m in in_percent} == {0.5}


def test_plausible_bounds() -> None:
    heart_rate = metric("heart_rate")
    assert plausible(heart_rate, 15) and plausible(heart_rate, 300)
    assert not plausible(heart_rate, 14.9) and not plausible(heart_rate, 301) and not plausible(heart_rate, math.nan)
    assert plausible(metric("heart_rate_recovery"), -20)
    assert plausible(Metric(key="x", label="X"), 1e12)


@pytest.mark.parametrize(
    ("key", "value", "system", "expected"),
    [
        ("distance_walking_running", 5020, "metric", (5.02, "km")),
        ("distance_walking_running", 1609.344, "imperial", (1.0, "mi")),
        ("weight", 70, "metric", (70, "kg")),
        ("weight", 45.359237, "imperial", (100.0, "lb")),
        ("height", 180, "metric", (180, "cm")),
        ("height", 182.88, "imperial", (72.0, "in")),
        ("body_temperature", 37, "metric", (37, "°C")),
        ("body_temperature", 37, "imperial", (98.6, "°F")),
        ("skin_temperature_delta", -1, "imperial", (-1.8, "°F")),
        ("sleep_asleep", 426, "metric", (7.1, "h")),
        ("running_speed", 2.5, "metric", (9.0, "km/h")),
        ("running_speed", 4.4704, "imperial", (10.0, "mph")),
        ("dietary_water", 29.5735295625, "imperial", (1.0, "fl oz")),
        ("dietary_vitamin_d", 12, "metric", (12, "µg")),
        ("active_energy", 500, "imperial", (500, "kcal")),
        ("oxygen_saturation", 97, "imperial", (97, "%")),
        ("heart_rate", 66, "metric", (66, "bpm")),
        ("steps", 9000, "imperial", (9000, "steps")),
        ("environmental_audio_exposure", 61, "metric", (61, "dB(A)")),
    ],
)
def test_what_a_person_sees(key: str, value: float, system: str, expected: tuple[float, str]) -> None:
    shown, unit = for_display(metric(key), value, system)  # type: ignore[arg-type]
    assert (pytest.approx(shown), unit) == expected


def test_a_display_unit_that_is_not_in_the_table_is_only_a_word() -> None:
    words = {m.display_unit for m in CATALOGUE.all() if m.display_unit and normalise_unit(m.display_unit) not in m.accepted}
    scales = {"0-100", "0-21", "0-27", "1-10", "-1..1", "UVI", "index", "level", "severity"}
    assert words == scales | {"days", "doses", "dpt", "events", "h", "recordings"}
    assert [m.key for m in CATALOGUE.all() if m.display_unit == "h" and "h" not in m.accepted] == ["stand_hour"]


@given(st.sampled_from([m for m in CATALOGUE.all() if m.accepted]), st.floats(-1e6, 1e6), st.sampled_from(["metric", "imperial"]))
def test_showing_and_reading_back_is_the_same_value(shown: Metric, value: float, system: str) -> None:
    number, unit = for_display(shown, value, system)  # type: ignore[arg-type]
    unit = {"fl oz": "fl_oz_us"}.get(unit, unit)
    if unit in shown.accepted:
        assert to_canonical(shown, number, unit) == pytest.approx(value, rel=1e-9, abs=1e-9)
