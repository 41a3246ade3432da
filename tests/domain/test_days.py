"""One day from everything stored: how readings become a number, which layer is believed, and what the page "Why" gets."""

import random

import pytest

from healthbox.domain.columns import HOUR
from healthbox.domain.days import Reading, explain, fold
from healthbox.domain.layers import BucketPoint

DAY = (0, 24 * HOUR)
MINUTE = 60_000


def watch(start: float, end: float, value: float) -> Reading:
    return Reading(1, "watch", 1, int(start * HOUR), int(end * HOUR), value)


def phone(start: float, end: float, value: float) -> Reading:
    return Reading(2, "phone", 2, int(start * HOUR), int(end * HOUR), value)


def bucket(
    width: str, hour: float, value: float | None, *, app: str = "export", as_of: float = 30, hours: float = 1, **more
) -> BucketPoint:
    low, high = more.get("low"), more.get("high")
    return BucketPoint(app, width, int(hour * HOUR), int((hour + hours) * HOUR), value, low, high, "Watch|iPhone", int(as_of * HOUR))


def test_nothing_stored_is_no_day() -> None:
    assert fold("sum", DAY, [], [], []) is None
    assert fold("mean", DAY, [watch(30, 30, 60)], [bucket("hour", 3, None)], []) is None


def test_an_unknown_aggregation_is_refused() -> None:
    with pytest.raises(ValueError, match="median"):
        fold("median", DAY, [], [], [])


def test_a_sum_is_merged_and_says_what_it_discarded() -> None:
    result = fold("sum", DAY, [watch(8, 9, 1000), phone(8, 10, 1600)], [], [])
    assert result is not None
    assert (result.value, result.n, result.layer, result.rule, result.overlap) == (1800, 2, "raw", "interval merge", 800)
    assert [(s.name, s.value, s.raw) for s in result.shares] == [("watch", 1000, 1000), ("phone", 800, 1600)]
    assert result.coverage == 2 / 24
    assert (result.low, result.high, result.mean) == (None, None, None)


def test_a_sample_over_midnight_gives_each_day_its_part() -> None:
    walk = [watch(23, 25, 1000)]
    first, second = fold("sum", DAY, walk, [], []), fold("sum", (24 * HOUR, 48 * HOUR), walk, [], [])
    assert first is not None
    assert second is not None
    assert (first.value, second.value) == (500, 500)


@pytest.mark.parametrize("hours", [23, 24, 25])
def test_a_fully_measured_day_is_covered_whatever_its_length(hours: int) -> None:
    result = fold("sum", (0, hours * HOUR), [watch(h, h + 1, 100) for h in range(25)], [], [])
    assert result is not None
    assert (result.value, result.coverage) == (100 * hours, 1.0)


def test_a_mean_believes_the_best_source_of_each_hour() -> None:
    readings = [watch(8, 8, 60), watch(8.5, 8.5, 70), phone(8.2, 8.2, 200), phone(9, 9, 80)]
    result = fold("min_max_mean", DAY, readings, [], [])
    assert result is not None
    assert (result.value, result.mean, result.low, result.high, result.n) == (70, 70, 60, 80, 4)
    assert [(s.name, s.value, s.raw, s.discarded) for s in result.shares] == [("watch", 2, 2, 0), ("phone", 1, 2, 1)]
    assert result.overlap is None


def test_intervals_weigh_by_their_length_and_points_weigh_one() -> None:
    intervals = fold("mean", DAY, [watch(1, 2, 10), watch(3, 6, 20)], [], [])
    mixed = fold("mean", DAY, [watch(1, 1, 10), watch(3, 6, 20)], [], [])
    assert intervals is not None
    assert mixed is not None
    assert (intervals.value, mixed.value) == (17.5, 15)


def test_a_nights_reading_stands_once_on_the_day_it_ends() -> None:
    night = [watch(22, 30, 35.6)]
    assert fold("mean", DAY, night, [], []) is None
    woken = fold("mean", (24 * HOUR, 48 * HOUR), night, [], [])
    assert woken is not None
    assert woken.value == 35.6


def test_a_reading_that_ends_at_midnight_belongs_to_the_day_before() -> None:
    assert fold("last", DAY, [watch(0, 24, 55)], [], []) is not None
    assert fold("last", (24 * HOUR, 48 * HOUR), [watch(0, 24, 55)], [], []) is None


def test_the_last_reading_is_the_latest_then_the_best_ranked() -> None:
    result = fold("last", DAY, [watch(7, 7, 80.0), phone(19, 19, 81.0), watch(19, 19, 80.5)], [], [])
    assert result is not None
    assert (result.value, result.rule, result.low) == (80.5, "last reading", None)


def test_duration_counts_each_minute_once() -> None:
    result = fold("duration", DAY, [watch(8, 9, 1), phone(8.5, 9.5, 1)], [], [])
    assert result is not None
    assert (result.value, result.overlap) == (90, 30)
    assert [(s.name, s.value) for s in result.shares] == [("watch", 60), ("phone", 30)]


def test_a_count_does_not_count_two_sources_twice() -> None:
    result = fold("count", DAY, [watch(8, 9, 0), watch(9, 10, 0), phone(8, 9, 0), phone(15, 16, 0)], [], [])
    assert result is not None
    assert (result.value, result.n, result.overlap) == (3, 4, 1)


def test_a_total_stated_after_the_day_wins_over_everything() -> None:
    readings = [watch(h, h + 1, 100) for h in range(24)]
    result = fold("sum", DAY, readings, [], [bucket("day", 0, 2350, as_of=24, hours=24, app="phone-app")])
    assert result is not None
    assert (result.value, result.layer, result.rule, result.shares, result.overlap) == (2350, "stated", "stated by phone-app", [], None)
    assert [(layer.kind, layer.value) for layer in result.layers] == [("stated", 2350), ("raw", 2400)]


def test_a_total_stated_at_noon_loses_to_a_whole_day_of_samples() -> None:
    result = fold("sum", DAY, [watch(h, h + 1, 100) for h in range(24)], [], [bucket("day", 0, 1200, as_of=12, hours=24)])
    assert result is not None
    assert (result.value, result.layer, result.layers[1].coverage) == (2400, "raw", 0.5)


@pytest.mark.parametrize("kind", ["stated", "day"])
def test_a_total_of_the_morning_is_overtaken_by_what_was_measured_after_it(kind: str) -> None:
    told = [bucket("day", 0, 400, as_of=10, hours=24)]
    buckets, stated = ([], told) if kind == "stated" else (told, [])
    sparse = [watch(8, 8.5, 400), watch(18, 18.5, 50)]  # two hours hold something, fewer than ten
    assert (fold("sum", DAY, sparse, buckets, stated).value, fold("sum", DAY, sparse[:1], buckets, stated).value) == (450, 400)
    assert fold("sum", DAY, [watch(18, 18.5, 50)], buckets, stated).value == 400, "who measured a part of the day only says less"
    hours = [bucket("hour", 8, 400), bucket("hour", 18, 50)]
    assert fold("sum", DAY, [], [*buckets, *hours], stated).value == 450
    running = [bucket("hour", 8, 400, as_of=10), bucket("hour", 9.5, 50, as_of=10)]
    assert fold("sum", DAY, [], [*buckets, *running], stated).value == 400, "its last hour was not over when it was said"
    late = [bucket("day", 0, 400, as_of=19, hours=24)]
    buckets, stated = ([], late) if kind == "stated" else (late, [])
    assert fold("sum", DAY, sparse, buckets, stated).value == 400, "nothing was measured after it"


def test_the_last_reading_is_the_one_after_a_statement_of_the_morning() -> None:
    stated = [bucket("day", 0, 81, as_of=10, hours=24)]
    assert fold("last", DAY, [watch(18, 18, 80)], [], stated).value == 80
    assert fold("last", DAY, [watch(8, 8, 80)], [], stated).value == 81
    assert fold("mean", DAY, [watch(18, 18, 80)], [], stated).value == 81, "one reading is no mean of a day"


def test_the_newest_of_two_stated_totals_wins() -> None:
    stated = [bucket("day", 0, 10, as_of=25, app="a"), bucket("day", 0, 12, as_of=26, app="b")]
    result = fold("sum", DAY, [], [], stated)
    assert result is not None
    assert (result.value, result.layers[0].app) == (12, "b")


def test_the_layer_that_covers_most_of_the_day_makes_it_alone() -> None:
    hours = [bucket("hour", h, 50) for h in range(20)]
    result = fold("sum", DAY, [watch(8, 12, 4000)], hours, [])
    assert result is not None
    assert (result.value, result.layer, result.rule) == (1000, "hour", "sum of the hour buckets of export")
    assert result.layers[1].value == 4000


def test_equal_coverage_goes_to_the_finest_layer() -> None:
    minutes = [bucket("minute", h, 2, hours=1 / 60) for h in range(24)]
    hours = [bucket("hour", h, 50) for h in range(24)]
    one = [bucket("day", 0, 1199, hours=24)]
    raw = [watch(h, h + 1, 51) for h in range(24)]
    chosen = [
        fold("sum", DAY, r, b, []) for r, b in ((raw, minutes + hours + one), ([], minutes + hours + one), ([], hours + one), ([], one))
    ]
    assert [c and c.layer for c in chosen] == ["raw", "minute", "hour", "day"]


def test_of_two_apps_the_one_with_more_of_the_day_is_believed() -> None:
    buckets = [bucket("hour", h, 10, app="b", as_of=40) for h in range(4)] + [bucket("hour", h, 11, app="c") for h in range(8)]
    result = fold("sum", DAY, [], buckets, [])
    assert result is not None
    assert (result.value, result.layers[0].app, len(result.layers)) == (88, "c", 2)
    same = [bucket("hour", 3, 1, app="b", as_of=30), bucket("hour", 3, 2, app="a", as_of=31)]
    newest = fold("sum", DAY, [], same, [])
    assert newest is not None
    assert newest.value == 2


def test_buckets_of_means_keep_their_extremes() -> None:
    hours = [bucket("hour", 3, 60, low=50, high=90), bucket("hour", 4, 70, low=55, high=120), bucket("hour", 5, None, low=48)]
    result = fold("min_max_mean", DAY, [], hours, [])
    assert result is not None
    assert (result.value, result.mean, result.low, result.high, result.rule) == (65, 65, 48, 120, "mean of the hour buckets of export")


def test_an_hour_bucket_over_a_half_hour_midnight_is_split() -> None:
    result = fold("sum", (HOUR // 2, HOUR // 2 + 24 * HOUR), [], [bucket("hour", 0, 100), bucket("hour", 24, 60)], [])
    assert result is not None
    assert result.value == 80


def test_the_last_bucket_is_the_last_value_and_a_week_is_no_layer_of_a_day() -> None:
    result = fold("last", DAY, [], [bucket("hour", 9, 81), bucket("hour", 7, 80), bucket("week", 0, 79)], [])
    assert result is not None
    assert (result.value, len(result.layers)) == (81, 1)


def test_why_shows_lanes_and_every_reading_even_when_a_stated_total_wins() -> None:
    readings = [phone(8, 10, 1600), watch(8, 9, 1000), watch(40, 41, 5)]
    why = explain("sum", DAY, readings, [], [bucket("day", 0, 1900)])
    assert why is not None
    assert why.result.value == 1900
    assert [(lane.source, lane.value) for lane in why.lanes] == [(1, 1000), (2, 800)]
    assert [r.name for r in why.readings] == ["watch", "phone"]
    pulse = explain("mean", DAY, [watch(8, 8, 60), phone(8, 8, 90)], [], [])
    assert pulse is not None
    assert [(lane.source, lane.value) for lane in pulse.lanes] == [(1, 60)]
    assert explain("mean", DAY, [], [], []) is None


@pytest.mark.parametrize("aggregation", ["sum", "duration", "mean", "min_max_mean", "count", "last"])
def test_the_order_of_arrival_never_matters(aggregation: str) -> None:
    chance = random.Random(7)
    readings = [
        Reading(s, "abc"[s], s // 2, t, t + chance.choice([0, 0, MINUTE, HOUR]), chance.random())
        for s in range(3)
        for t in (chance.randrange(24 * HOUR) for _ in range(40))
    ]
    buckets = [bucket("hour", h, chance.random(), app=a, as_of=chance.randrange(40)) for h in range(24) for a in "xy"]
    expected = explain(aggregation, DAY, readings, buckets, [])
    for _ in range(5):
        chance.shuffle(readings)
        chance.shuffle(buckets)
        assert explain(aggregation, DAY, readings, buckets, []) == expected
