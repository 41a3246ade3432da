import datetime as dt

import pytest

from healthbox.domain.records import Clinical, StatedTotal

HDE, HCE = "health-data-export", "health-connect-exports"
DAY = "2026-03-01"


def body(**sections):
    return {"formatVersion": "ai-preset-v1", "preset": {"id": "daily"}, "sections": sections}


def test_a_day_is_a_stated_total(read):
    (one,) = read(body(steps={"summary": {"avg": 5}, "days": [{"date": DAY, "value": 8412}]}), as_format=HDE)
    assert one == StatedTotal(
        position="sections.steps.days[0].value", metric="steps", naming="shortcut", app=HDE, date=dt.date(2026, 3, 1), value=8412.0
    )


@pytest.mark.parametrize(
    ("section", "day", "found"),
    [
        ("sleep", {"duration_h": 7.5, "deep_h": 1.25}, {"sleep_asleep": (7.5, "hr"), "sleep_deep": (1.25, "hr")}),
        ("distance", {"distance_km": 5.2}, {"distance": (5.2, "km")}),
        ("resting_heart_rate", {"value": 58, "min": 55, "max": 61}, {"resting_heart_rate": (58.0, None)}),
        ("weight", {"value": 70.5}, {"weight, no unit": (70.5, None)}),
        ("weight", {"value": 70.5, "unit": "kg"}, {"weight": (70.5, "kg")}),
    ],
)
def test_a_fields_name_or_the_day_says_the_unit(read, section, day, found):
    assert {r.metric: (r.value, r.unit) for r in read(body(**{section: {"days": [{"date": DAY, **day}]}}), as_format=HDE)} == found


def test_spread_other_lists_and_broken_days(read):
    days = [{"date": DAY, "avg": 70, "min": 50, "max": 120}, {"date": DAY}, {"value": 3}, 4]
    spread, *wrong, kept = read(
        body(heart_rate={"days": days}, workouts={"items": [{"start": DAY, "name": "Run"}]}, notes="x"), as_format=HDE
    )
    assert (spread.value, spread.low, spread.high) == (70.0, 50.0, 120.0)
    assert [r.code for r in wrong] == ["no_value", "no_date", "not_an_object"]
    assert isinstance(kept, Clinical)
    assert kept.kind == "workouts"


@pytest.mark.parametrize(
    "started", ["2026-03-01T00:00:00+01:00", "2026-03-01T00:00:00+09:00", "2026-03-01T00:00:00-05:00", "2026-03-01T00:00:00Z"]
)
def test_yesterdays_totals_of_health_connect_wherever_the_phone_was(read, ms, started):
    data = {"steps": 8412, "active_calories": 310.5, "total_calories": 2100, "sleep_duration_seconds": 27000, "floors_climbed": 3}
    found = read({"time": ms(started), "data": data}, as_format=HCE)
    assert {r.date for r in found} == {dt.date(2026, 3, 1)}
    assert {r.metric: (r.value, r.unit) for r in found} == {
        "steps": (8412.0, "count"), "active_energy": (310.5, "kcal"), "total_energy": (2100.0, "kcal"), "sleep_asleep": (27000.0, "s"),
        "floors_climbed": (3.0, None),
    }  # fmt: skip


def test_a_zero_of_that_app_is_a_missing_value(read, ms):
    at = ms("2026-03-01T00:00:00+01:00")
    assert read({"time": at, "data": {"steps": 0, "active_calories": 0}}, as_format=HCE) == []
    (wrong,) = read({"time": at, "data": {"steps": "many"}}, as_format=HCE)
    assert wrong.code == "not_a_number"
