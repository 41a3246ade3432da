"""Rules are found by discovery, and what each of them says about a day."""

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthbox.analytics.rules import clinical, deviation, discover
from healthbox.analytics.rules.contract import DayRow, Finding, RuleInput

TODAY = dt.date(2026, 11, 20)


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def quiet_then(usual: float, *recent: float, nights: int = 20, source: str = "watch") -> list[DayRow]:
    """``nights`` usual ones, then the recent values, the last of them today."""
    values = [usual] * nights + list(recent)
    return [DayRow(ago(len(values) - 1 - i), value, source=source) for i, value in enumerate(values)]


def deviating(metric: str, rows: list[DayRow], **more) -> list[Finding]:
    return deviation.RULE.evaluate(RuleInput(TODAY, {metric: rows}, **more))


def clinically(metric: str, *rows: DayRow, **params: float) -> list[tuple[str, float | None, float | None]]:
    found = clinical.RULE.evaluate(RuleInput(TODAY, {metric: rows}, params))
    assert all(f.metric == metric and f.date == TODAY and f.rule == "clinical" for f in found)
    return [(f.severity, f.low, f.high) for f in found]


# ── discovery ──


def test_both_rules_are_found_and_declare_their_numbers() -> None:
    rules = discover()
    assert list(rules) == ["clinical", "deviation"]
    assert all(rule.label and rule.about and rule.params for rule in rules.values())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    room = tmp_path / "guest_rules"
    room.mkdir()
    (room / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield room
    for name in [name for name in sys.modules if name.startswith("guest_rules")]:
        del sys.modules[name]


RULE = "from healthbox.analytics.rules.contract import Rule\nRULE = Rule({name!r}, 'a', 'b', {{}}, lambda given: [])\n"


def test_a_new_rule_is_one_new_file(package: Path) -> None:
    (package / "stillness.py").write_text(RULE.format(name="stillness"))
    assert list(discover("guest_rules")) == ["stillness"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1", "exports no RULE"),
        ("RULE = 3", "exports no RULE"),
        ("import nothing_like_it", "cannot be imported"),
        (RULE.format(name="x"), "calls itself"),
    ],
)
def test_a_broken_rule_is_loud_and_named(package: Path, text: str, complaint: str) -> None:
    (package / "stillness.py").write_text(text)
    with pytest.raises(RuntimeError, match=rf"guest_rules\.stillness {complaint}"):
        discover("guest_rules")


# ── deviation ──


def test_a_pulse_far_above_the_usual_is_a_finding() -> None:
    (found,) = deviating("resting_heart_rate", quiet_then(54, 54, 54, 57))
    assert (found.rule, found.metric, found.date, found.severity) == ("deviation", "resting_heart_rate", TODAY, "info")
    assert (found.value, found.low, found.high, found.direction, found.words["scales"]) == (57, 52, 56, "above", 3.0)


def test_the_second_night_in_a_row_warns_and_a_quiet_one_between_does_not() -> None:
    assert [f.severity for f in deviating("resting_heart_rate", quiet_then(54, 54, 58, 58))] == ["warn"]
    assert [f.severity for f in deviating("resting_heart_rate", quiet_then(54, 58, 54, 58))] == ["info"]


@pytest.mark.parametrize(
    ("metric", "usual", "better", "worse"),
    [
        ("resting_heart_rate", 54, 45, 63),
        ("hrv_sdnn", 40, 80, 20),
        ("hrv_rmssd", 40, 80, 20),
        ("respiratory_rate", 14, 12, 16),
        ("wrist_temperature", 35.5, 34.9, 36.1),
        ("oxygen_saturation", 97, 99, 94),
        ("asleep", 420, 540, 300),
    ],
)
def test_only_the_worse_side_speaks(metric: str, usual: float, better: float, worse: float) -> None:
    assert deviating(metric, quiet_then(usual, better)) == []
    assert [f.direction for f in deviating(metric, quiet_then(usual, worse))] == ["above" if worse > usual else "below"]


def test_thirteen_nights_say_nothing() -> None:
    assert deviating("resting_heart_rate", quiet_then(54, 54, 54, 70, nights=11)) == []
    assert len(deviating("resting_heart_rate", quiet_then(54, 54, 54, 70, nights=12))) == 1


def test_a_new_watch_is_not_compared_with_the_old_one() -> None:
    assert deviating("resting_heart_rate", [*quiet_then(54)[:-1], DayRow(TODAY, 60, source="ring")]) == []


def test_a_day_without_a_value_is_no_finding() -> None:
    assert deviating("resting_heart_rate", quiet_then(54, 70)[:-1]) == []
    assert deviation.RULE.evaluate(RuleInput(TODAY, {})) == []


def test_the_threshold_is_the_persons_to_set_and_flagged_nights_stay_out_of_the_baseline() -> None:
    assert deviating("resting_heart_rate", quiet_then(54, 54, 54, 58), params={"scales": 5.0}) == []
    rows = quiet_then(54, *[60.0] * 30)
    assert deviating("resting_heart_rate", rows) == []
    assert len(deviating("resting_heart_rate", rows, flagged={"resting_heart_rate": {ago(d) for d in range(1, 30)}})) == 1


# ── clinical ──


@pytest.mark.parametrize(
    ("metric", "value", "severity"),
    [
        ("resting_heart_rate", 90.9, None),
        ("resting_heart_rate", 91, "info"),
        ("resting_heart_rate", 111, "warn"),
        ("resting_heart_rate", 131, "urgent"),
        ("resting_heart_rate", 45, None),
        ("resting_heart_rate", 40, "urgent"),
        ("respiratory_rate", 14, None),
        ("respiratory_rate", 8, "urgent"),
        ("respiratory_rate", 11, "info"),
        ("respiratory_rate", 25, "urgent"),
        ("oxygen_saturation", 96, None),
        ("oxygen_saturation", 95, "info"),
        ("oxygen_saturation", 93, "warn"),
        ("oxygen_saturation", 91, "urgent"),
        ("body_temperature", 36.6, None),
        ("body_temperature", 38.1, "info"),
        ("body_temperature", 39.1, "warn"),
        ("body_temperature", 40, "urgent"),
        ("body_temperature", 35, "urgent"),
        ("blood_pressure_systolic", 180, None),
        ("blood_pressure_systolic", 181, "urgent"),
        ("blood_pressure_systolic", 90, "warn"),
        ("blood_pressure_diastolic", 121, "urgent"),
        ("blood_glucose", 180, None),
        ("blood_glucose", 181, "warn"),
        ("blood_glucose", 70, None),
        ("blood_glucose", 69, "warn"),
        ("blood_glucose", 53, "urgent"),
    ],
)
def test_published_limits(metric: str, value: float, severity: str | None) -> None:
    assert [s for s, _, _ in clinically(metric, DayRow(TODAY, value, n=3))] == ([severity] if severity else [])


def test_the_limit_that_was_passed_is_told() -> None:
    assert clinically("resting_heart_rate", DayRow(TODAY, 115, n=2)) == [("warn", None, 111)]
    assert clinically("oxygen_saturation", DayRow(TODAY, 92, n=3)) == [("warn", 93, None)]


def test_one_reading_is_not_enough_but_a_second_day_is() -> None:
    assert clinically("body_temperature", DayRow(TODAY, 39.5)) == []
    assert clinically("body_temperature", DayRow(ago(1), 38.5), DayRow(TODAY, 39.5)) == [("info", None, 38.1)]
    assert clinically("body_temperature", DayRow(ago(2), 39.5), DayRow(TODAY, 39.5)) == []
    assert clinically("oxygen_saturation", DayRow(TODAY, 90, n=2)) == []


def test_the_resting_pulse_is_made_of_a_days_readings_already() -> None:
    assert clinically("resting_heart_rate", DayRow(TODAY, 115)) == [("warn", None, 111)]


def test_pressure_categories_need_two_occasions() -> None:
    assert clinically("blood_pressure_systolic", DayRow(TODAY, 145, n=6)) == []
    assert clinically("blood_pressure_systolic", DayRow(ago(20), 150), DayRow(TODAY, 145)) == [("warn", None, 140)]
    assert clinically("blood_pressure_diastolic", DayRow(ago(20), 85), DayRow(TODAY, 95)) == [("info", None, 80)]


def test_low_glucose_looks_at_the_lowest_reading_of_the_day() -> None:
    assert clinically("blood_glucose", DayRow(TODAY, 110, low=50, high=170, n=200)) == [("urgent", 54, None)]


def test_a_device_speaks_for_itself() -> None:
    assert clinically("irregular_heart_rhythm_event", DayRow(TODAY, 1)) == [("warn", None, 1)]
    assert clinically("falls", DayRow(TODAY, 1)) == [("urgent", None, 1)]
    assert clinically("falls", DayRow(TODAY, 0)) == []


def test_limits_can_be_moved_and_switched_off() -> None:
    row = DayRow(TODAY, 95, n=2)
    assert clinically("resting_heart_rate", row, resting_heart_rate_above_info=100) == []
    assert clinically("resting_heart_rate", row, resting_heart_rate_above_info=0) == []
    assert clinically("resting_heart_rate", DayRow(TODAY, 48, n=2), resting_heart_rate_below_info=50) == [("info", 50, None)]


@pytest.mark.parametrize(("minutes", "severity"), [(430, None), (400, "info"), (340, "warn")])
def test_a_week_of_short_sleep(minutes: float, severity: str | None) -> None:
    week = [DayRow(ago(d), minutes) for d in (6, 4, 3, 1, 0)]
    assert [s for s, _, _ in clinically("asleep", *week)] == ([severity] if severity else [])
    assert clinically("asleep", *week[1:]) == []
    assert clinically("asleep", DayRow(ago(5), minutes), *week[:-1]) == []
