import datetime as dt

import pytest
from hae_points import HAE, metric, point

from healthbox.domain.records import Bucket, Sample

DAY = dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("clocks", "width"),
    [
        (["00:00:00"], "minute"),  # one alone tells nothing, but may be a total that grows
        (["12:07:00"], "minute"),
        (["00:00:00", "01:00:00"], "hour"),
        (["09:00:00", "09:01:00"], "minute"),
        (["09:00:00", "09:01:07"], None),
        (["09:00:00", "09:00:00"], None),
    ],
)
def test_without_a_header_the_points_tell_their_width(read, clocks, width):
    records = read(metric(*map(point, clocks)), as_format=HAE)
    assert [getattr(record, "width", None) for record in records] == [width] * len(clocks)
    assert all(isinstance(record, Bucket if width else Sample) for record in records)


PULSE = ("heart_rate", ["09:00:07", "09:04:31"])
STEPS = ("step_count", ["09:00:00", "10:00:00"])
ENERGY = ("active_energy", ["09:00:00", "09:01:00"])


def lists_of(*lists):
    made = [metric(*map(point, clocks), name=name)["data"]["metrics"][0] for name, clocks in lists]
    return {"data": {"metrics": made}}


@pytest.mark.parametrize(
    ("others", "clock", "width"),
    [
        ([PULSE], "12:07:00", None),
        ([PULSE, STEPS], "12:00:00", None),
        ([STEPS], "12:00:00", "hour"),
        ([STEPS, ENERGY], "12:00:00", "minute"),
        ([STEPS], "12:07:00", "minute"),  # an hour cannot begin there
        ([PULSE], "00:00:00", "minute"),
        ([("step_count", ["09:00:00"])], "12:00:00", "minute"),
        ([("step_count", []), ("sleep_analysis", ["09:00:07"])], "12:00:00", "minute"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_point_alone_is_what_the_other_lists_of_its_body_are(read, others, clock, width, turned):
    lists = [("flights_climbed", [clock]), *others]
    records = read(lists_of(*(reversed(lists) if turned else lists)), as_format=HAE)
    (alone,) = [record for record in records if getattr(record, "metric", None) == "flights_climbed"]
    assert (type(alone), getattr(alone, "width", None)) == (Bucket if width else Sample, width)


@pytest.mark.parametrize(("clock", "width"), [("12:07:00", None), ("00:00:00", "minute")])
def test_where_nothing_tells_what_is_not_added_up_is_a_reading_but_at_midnight(read, clock, width):
    (weight,) = read(lists_of(("weight_body_mass", [clock])), as_format=HAE)
    assert (type(weight), getattr(weight, "width", None)) == (Bucket if width else Sample, width)


def test_several_points_at_full_minutes_stay_what_they_are_beside_raw_ones(read):
    """What the app does by default: heart rate by the second, the rest by the minute."""
    widths = {record.metric: getattr(record, "width", None) for record in read(lists_of(PULSE, ENERGY, STEPS), as_format=HAE)}
    assert widths == {"heart_rate": None, "active_energy": "minute", "step_count": "hour"}
    lone = lists_of(PULSE, ("flights_climbed", ["12:07:00"]))
    assert [getattr(r, "width", None) for r in read(lone, as_format=HAE, automation_aggregation="Default")] == [None, None, "minute"]
    (pulse,) = read(lists_of(("heart_rate", ["12:07:00"])), as_format=HAE, automation_aggregation="Default")
    assert type(pulse) is Sample


def test_a_date_is_a_day_and_a_category_at_least_a_minute_beside_raw_points(read):
    lists = lists_of(PULSE, ("apple_stand_hour", ["12:00:00"]))
    lists["data"]["metrics"].append({"name": "step_count", "units": "count", "data": [{"date": "2026-03-01", "qty": 9000}]})
    assert [getattr(record, "width", None) for record in read(lists, as_format=HAE)] == [None, None, "minute", "day"]


def test_one_point_that_says_from_where_to_where_is_a_mean_and_its_body_aggregated(read):
    spread = {"name": "heart_rate", "units": "bpm", "data": [point(qty=None, Min=65, Avg=72, Max=85)]}
    lone = lists_of(("step_count", ["09:00:00"]))
    lone["data"]["metrics"].append(spread)
    assert [getattr(record, "width", None) for record in read(lone, as_format=HAE)] == ["minute", "minute"]
    lone["data"]["metrics"] += lists_of(("weight_body_mass", ["09:00:07"]))["data"]["metrics"]
    assert [getattr(record, "width", None) for record in read(lone, as_format=HAE)] == [None, None, None]


@pytest.mark.parametrize(
    ("header", "width"),
    [
        ("minutes", "minute"),
        ("Hours", "hour"),
        ("DAYS", "day"),
        (" day ", "day"),
        ("weeks", "week"),
        ("Months", "month"),
        ("years", "year"),
        ("Seconds", None),
        ("Default", "minute"),
        ("none", None),
        ("", "minute"),
    ],
)
def test_the_header_tells_the_width_in_any_spelling(read, header, width):
    (record,) = read(metric(point()), as_format=HAE, automation_aggregation=header)
    assert getattr(record, "width", None) == width
    if width in ("day", "week", "month", "year"):
        assert record.date == DAY


def test_several_rows_of_one_day_are_one_bucket(read):
    """A row a source is the same seen twice; bolus and basal are parts."""
    steps = metric(point("00:00:00", qty=1000, source="iPhone"), point("00:00:00", qty=6000, source="Watch"))
    (day,) = read(steps, as_format=HAE, automation_aggregation="Days")
    assert (day.width, day.value, day.source) == ("day", 6000, "Watch")
    doses = [point("00:00:00", qty=12, reason="Basal"), point("00:00:00", qty=9, reason="Bolus"), point("00:00:00", qty=8, reason="Bolus")]
    (day,) = read(metric(*doses, name="insulin_delivery", units="IU"), as_format=HAE, automation_aggregation="Days")
    assert (day.width, day.value) == ("day", 21)
    pulses = [point("09:00:00", qty=61), point("09:00:00", qty=64)]  # of a metric whose last value counts
    (hour,) = read(metric(*pulses, name="resting_heart_rate", units="bpm"), as_format=HAE, automation_aggregation="Hours")
    assert hour.value == 64


@pytest.mark.parametrize("turned", [False, True])
def test_rows_of_a_mean_are_averaged_from_the_lowest_to_the_highest(read, turned):
    def hour(name, *rows):
        told = metric(*(reversed(rows) if turned else rows), name=name)
        (found,) = read(told, as_format=HAE, automation_aggregation="Hours")
        return found.value, found.low, found.high, found.source

    watch, band = {"Min": 60, "Avg": 62, "Max": 64, "source": "Watch"}, {"Min": 80, "Avg": 90, "Max": 99, "source": "Band|Watch"}
    assert hour("heart_rate", point(qty=None, **watch), point(qty=None, **band)) == (76.0, 60.0, 99.0, "Band|Watch")
    assert hour("heart_rate", point(qty=58), point(qty=None, **band)) == (74.0, 58.0, 99.0, "Band|Watch")
    assert hour("heart_rate", point(qty=None, **watch)) == (62.0, 60.0, 64.0, "Watch")
    assert hour("walking_speed", point(qty=4), point(qty=5), point(qty=6)) == (5.0, 4.0, 6.0, "")
    assert hour("step_count", point(qty=9, source="A"), point(qty=9, source="B")) == (9.0, None, None, "B")


def test_rows_of_a_blood_pressure_are_averaged_one_side_at_a_time(read):
    rows = [point(systolic=120, diastolic=80), point(systolic=130, diastolic=70)]
    sides = read(metric(*rows, name="blood_pressure", units="mmHg"), as_format=HAE, automation_aggregation="Hours")
    assert [(side.metric, side.value, side.low, side.high) for side in sides] == [
        ("blood_pressure_systolic", 125.0, 120.0, 130.0),
        ("blood_pressure_diastolic", 75.0, 70.0, 80.0),
    ]


def test_a_bad_row_beside_others_of_its_day_is_refused_alone(read):
    rows = [point("00:00:00", qty="many"), point("00:00:00", qty=5)]
    records = read(metric(*rows), as_format=HAE, automation_aggregation="Days")
    assert sorted(type(record).__name__ for record in records) == ["Bucket", "Rejected"]
