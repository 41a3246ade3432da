"""A person's usual: which nights make it, how wide it is, and when there is none yet."""

import datetime as dt
from math import log

import pytest

from healthbox.analytics.baseline import DIRECTION, FLOORS, LOGARITHMIC, baseline, deviation, direction, floor, signed, usual

TODAY = dt.date(2026, 11, 20)


def nights(values: list[float], ending: int = 3) -> list[tuple[dt.date, float]]:
    """One value a night, the last one ``ending`` days ago."""
    return [(TODAY - dt.timedelta(days=ending + len(values) - 1 - i), value) for i, value in enumerate(values)]


def test_median_and_mad_make_the_range() -> None:
    usual = baseline(nights([50.0, 52.0, 54.0, 56.0, 58.0] * 4), TODAY, floor=1)
    assert (usual.n, usual.centre, usual.learning) == (20, 54, False)
    assert usual.scale == pytest.approx(1.4826 * 2)
    assert (usual.low, usual.high) == (pytest.approx(54 - 2 * 1.4826 * 2), pytest.approx(54 + 2 * 1.4826 * 2))


def test_a_steady_person_gets_the_floor() -> None:
    usual = baseline(nights([54.0] * 20), TODAY, floor=1)
    assert (usual.scale, usual.low, usual.high) == (1, 52, 56)


def test_one_mad_night_hardly_moves_it() -> None:
    assert baseline(nights([54.0] * 19 + [140.0]), TODAY, floor=1).high == 56


def test_thirteen_nights_are_still_learning_and_fourteen_are_enough() -> None:
    learning = baseline(nights([54.0] * 13), TODAY, floor=1)
    assert (learning.learning, learning.n, learning.needed, learning.centre, learning.low) == (True, 13, 14, None, None)
    assert not baseline(nights([54.0] * 14), TODAY, floor=1).learning


def test_the_last_three_nights_stay_out() -> None:
    values = [*nights([54.0] * 14), *nights([90.0, 90.0, 90.0], ending=0)]
    usual = baseline(values, TODAY, floor=1)
    assert (usual.n, usual.centre) == (14, 54)


def test_only_the_last_forty_two_valid_nights_count_and_none_from_long_ago() -> None:
    usual = baseline(nights([80.0] * 30 + [54.0] * 42), TODAY, floor=1)
    assert (usual.n, usual.centre) == (42, 54)
    assert baseline(nights([54.0] * 42, ending=100), TODAY, floor=1).n == 0


def test_flagged_nights_stay_out() -> None:
    values = nights([54.0] * 14 + [70.0] * 10)
    usual = baseline(values, TODAY, floor=1, without={date for date, value in values if value == 70})
    assert (usual.n, usual.centre) == (14, 54)


def test_order_does_not_matter() -> None:
    values = nights([50.0, 52.0, 54.0] * 6)
    assert baseline(values[::-1], TODAY, floor=1) == baseline(values, TODAY, floor=1)


def test_a_logarithmic_range_is_given_in_the_metrics_own_unit() -> None:
    usual = baseline(nights([40.0] * 15), TODAY, floor=0.08, log=True)
    assert usual.centre == pytest.approx(40)
    assert usual.high == pytest.approx(40 * 2.718281828 ** (0.16))
    assert deviation(20, usual) == pytest.approx(log(0.5) / 0.08)
    assert deviation(0, usual) is None


def test_no_deviation_while_learning_or_when_nothing_ever_varied() -> None:
    assert deviation(60, baseline([], TODAY, floor=1)) is None
    assert deviation(60, baseline(nights([0.0] * 20), TODAY, floor=0)) is None
    assert deviation(60, baseline(nights([54.0] * 20), TODAY, floor=1)) == 6


def test_every_metric_has_a_floor_and_few_have_a_worse_side() -> None:
    assert floor("resting_heart_rate", [50]) == 1
    assert floor("steps", [8000.0, 10_000.0, 9000.0]) == 270
    assert floor("steps", []) == 0
    assert (direction("resting_heart_rate"), direction("hrv_sdnn"), direction("steps")) == (1, -1, 0)
    assert set(DIRECTION) == set(FLOORS)
    assert set(FLOORS) >= LOGARITHMIC


def test_usual_knows_the_metric() -> None:
    assert usual("hrv_rmssd", nights([40.0] * 15), TODAY).log
    assert usual("respiratory_rate", nights([14.0] * 15), TODAY).scale == 0.3


def test_nobody_is_awake_for_less_than_no_time() -> None:
    values = nights([0.0, 8.0, 30.0] * 8)
    assert baseline(values, TODAY, floor=5, signed=False).low == 0
    assert baseline(values, TODAY, floor=5).low == pytest.approx(8 - 2 * 1.4826 * 8)
    assert usual("sleep_latency", values, TODAY).low == 0


def test_what_counts_from_zero_both_ways_keeps_its_lower_side() -> None:
    assert usual("skin_temperature_delta", nights([-0.2, 0.0, 0.2] * 8), TODAY).low == pytest.approx(-2 * 1.4826 * 0.2)
    assert [signed(metric) for metric in ("skin_temperature_delta", "water_temperature", "steps")] == [True, True, False]


def test_the_newest_nights_stay_out_once_there_are_enough_others() -> None:
    on = dt.date(2026, 3, 31)
    nights = [(on - dt.timedelta(days=age), 54.0 if age > 3 else 80.0) for age in range(1, 18)]
    assert usual("resting_heart_rate", nights, on).high == 56.0  # 14 nights are older than three days
    early = usual("resting_heart_rate", nights[:14], on)  # only 14 in all: the newest help out
    assert not early.learning and early.n == 14


def test_learning_counts_every_night_that_is_known() -> None:
    on = dt.date(2026, 3, 31)
    nights = [(on - dt.timedelta(days=age), 54.0) for age in range(5)]
    known = usual("resting_heart_rate", nights, on)
    assert (known.learning, known.n, known.needed) == (True, 5, 14)
