"""Nights, lanes, the calendar and routes, by number."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from healthbox.web import timelines

HOUR = 3_600_000


def test_a_night_stands_in_four_lanes_with_links_between_them() -> None:
    drawn = timelines.hypnogram([("core", 0, HOUR), ("deep", HOUR, 2 * HOUR), ("rem", 2 * HOUR, 4 * HOUR)], 0, 4 * HOUR)
    assert [(block.state, block.x, block.width) for block in drawn.blocks] == [("core", 0, 25), ("deep", 25, 25), ("rem", 50, 50)]
    assert len(drawn.links) == 2
    assert drawn.blocks[1].y > drawn.blocks[0].y > drawn.blocks[2].y
    assert drawn.gaps == ()


def test_unmeasured_time_in_a_night_is_a_gap_without_a_link() -> None:
    drawn = timelines.hypnogram([("core", 0, HOUR), ("rem", 2 * HOUR, 3 * HOUR)], 0, 4 * HOUR)
    assert [(gap.at, gap.size) for gap in drawn.gaps] == [(25, 25), (75, 25)]
    assert drawn.links == ()


def test_sleep_without_stages_is_told_apart_from_core() -> None:
    (block,) = timelines.hypnogram([("asleep", -HOUR, 9 * HOUR)], 0, 8 * HOUR).blocks
    assert (block.state, block.x, block.width) == ("asleep", 0, 100)


def test_a_clock_change_is_counted_in_the_hours_of_a_night() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 10, 24, 23, tzinfo=berlin), datetime(2026, 10, 25, 5, tzinfo=berlin)
    assert [mark.hour for mark in timelines.hour_marks(start, end, 1)] == [23, 0, 1, 2, 2, 3, 4, 5]


def test_hours_of_a_zone_with_a_quarter_hour_offset_stand_on_its_own_clock() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    start = datetime(2026, 11, 19, 22, 10, tzinfo=kathmandu)
    marks = timelines.hour_marks(start, start + timedelta(hours=4), 2)
    assert [(mark.hour, mark.minute) for mark in marks] == [(0, 0), (2, 0)]


def test_an_axis_of_hours_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        timelines.hour_marks(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 the naive one is the point


def test_nights_float_from_bed_to_waking_and_missing_ones_are_hatched() -> None:
    drawn = timelines.nights([(660, 1140), None, (720, 1080)], hours=[(660, "23:00"), (5000, "out of sight")])
    first, last = drawn.bars
    assert first.y < last.y
    assert first.height > last.height
    assert len(drawn.gaps) == 1
    assert [tick.text for tick in drawn.y_ticks] == ["23:00"]
    assert last.state == "last"


def test_shares_fill_the_width_and_leave_out_what_is_zero() -> None:
    parts = timelines.shares([("deep", 60), ("core", 180), ("awake", 0)])
    assert [(part.state, part.x, part.width) for part in parts] == [("deep", 0, 24.5), ("core", 25, 74.5)]
    assert timelines.shares([("deep", 0)]) == ()


def test_a_lane_is_cut_to_its_day() -> None:
    parts = timelines.lane([(-HOUR, HOUR, "won"), (23 * HOUR, 30 * HOUR, "overlap"), (30 * HOUR, 31 * HOUR, "lost")], 0, 24 * HOUR)
    assert [(part.state, part.x) for part in parts] == [("won", 0), ("overlap", 95.83)]


def test_the_calendar_hatches_days_without_data_and_ends_today() -> None:
    last = date(2026, 11, 20)
    drawn = timelines.calendar({last: 400.0, last - timedelta(days=1): None}, last, weeks=2)
    assert drawn.first == date(2026, 11, 9)
    assert sum(drawn.counts) == 12
    assert drawn.counts[5] == 11


def test_the_calendar_has_five_steps_by_ones_own_quintiles() -> None:
    last = date(2026, 11, 22)
    values: dict[date, float | None] = {last - timedelta(days=index): float(index) for index in range(70)}
    drawn = timelines.calendar(values, last, weeks=10)
    assert drawn.counts == (14, 14, 14, 14, 14, 0)
    assert drawn.cuts == (13, 27, 41, 55)


def test_the_week_begins_where_the_locale_says() -> None:
    assert timelines.calendar({}, date(2026, 11, 20), weeks=1, monday=False).first == date(2026, 11, 15)


def test_a_route_keeps_its_shape_and_breaks_at_a_pause() -> None:
    drawn = timelines.route([(52.50, 13.40), (52.51, 13.40), None, (52.51, 13.41), (52.50, 13.41)])
    assert len(drawn.lines) == 2
    assert drawn.start is not None
    assert drawn.end is not None
    height = 220 - 2 * 14
    assert drawn.start[1] == 206
    assert drawn.end[0] - drawn.start[0] == pytest.approx(height * 678 / 1106, rel=0.02)  # a degree east is shorter than one north
    assert drawn.metres == 500
    assert drawn.scale == pytest.approx(500 / 1106 * height, rel=0.02)


def test_a_route_over_the_date_line_is_no_trip_around_the_world() -> None:
    drawn = timelines.route([(0, 179.999), (0.001, -179.999)])
    assert drawn.metres < 500


def test_one_point_is_no_route() -> None:
    assert timelines.route([None, (52.5, 13.4)]).lines == ()


def test_hours_in_utc_follow_the_step() -> None:
    start = datetime(2026, 11, 19, 23, 41, tzinfo=UTC)
    assert [mark.hour for mark in timelines.hour_marks(start, start + timedelta(hours=7), 2)] == [0, 2, 4, 6]
