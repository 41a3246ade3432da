import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.clock import EPOCH, AmbiguousDate, Moment, ZoneHistory, is_zone, parse

HOUR = 3_600_000
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "+05:45"]


def ms(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("written", "instant", "offset"),
    [
        ("2024-01-05 08:00:00 -0800", "2024-01-05T08:00:00-08:00", -28800),
        ("2024-09-21 7:57:00 AM +1000", "2024-09-21T07:57:00+10:00", 36000),
        ("2024-09-21 7:57:00 am +1000", "2024-09-21T07:57:00+10:00", 36000),
        ("2024-09-21 7:57:00\u202fPM +1000", "2024-09-21T19:57:00+10:00", 36000),
        ("2024-09-21 7:57:00\u00a0p.m. +1000", "2024-09-21T19:57:00+10:00", 36000),
        ("2024-09-21 12:05 AM +1000", "2024-09-21T00:05:00+10:00", 36000),
        ("2024-09-21 12:05 PM +1000", "2024-09-21T12:05:00+10:00", 36000),
        ("2024-09-21 07:57:00.25 +1000", "2024-09-21T07:57:00.250+10:00", 36000),
        ("2026-04-25T22:30:00+03:00", "2026-04-25T22:30:00+03:00", 10800),
        ("2026-04-25T22:30+03:00", "2026-04-25T22:30:00+03:00", 10800),
        ("2026-04-25T22:30:00+03", "2026-04-25T22:30:00+03:00", 10800),
        ("2026-04-25T22:30:00+03:00[Europe/Istanbul]", "2026-04-25T22:30:00+03:00", 10800),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00+00:00", 0),
        ("2026-03-01T10:00:00z", "2026-03-01T10:00:00+00:00", 0),
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123+00:00", 0),
        ("2026-03-01T10:00:00.123456789Z", "2026-03-01T10:00:00.123+00:00", 0),
        ("2026-03-01T10:00:00,5Z", "2026-03-01T10:00:00.500+00:00", 0),
        ("20140114084347-0800", "2014-01-14T08:43:47-08:00", -28800),
        ("20140114T084347Z", "2014-01-14T08:43:47+00:00", 0),
        ("Sun, 01 Mar 2026 09:05:00 +0100", "2026-03-01T09:05:00+01:00", 3600),
        ("March 1, 2026 at 9:05:00 PM GMT+1", "2026-03-01T21:05:00+01:00", 3600),
        ("1 March 2026 at 09:05 UTC", "2026-03-01T09:05:00+00:00", 0),
        ("2026/03/01 09:05 +0530", "2026-03-01T09:05:00+05:30", 19800),
        ("19.03.2026 09:05:30 +0100", "2026-03-19T09:05:30+01:00", 3600),
        ("19.03.2026, 9:05\u202fPM GMT+1", "2026-03-19T21:05:00+01:00", 3600),
        ("19.3.2026T09:05:30.25Z", "2026-03-19T09:05:30.250+00:00", 0),
    ],
)
def test_times_with_an_offset(written: str, instant: str, offset: int) -> None:
    moment = parse(written, "America/New_York")
    assert moment == Moment(ms(instant), offset, dt.date.fromisoformat(instant[:10]), False)


@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("2019-12-16 08:24:36", "2019-12-16T08:24:36+01:00"),
        ("2026-07-01T09:05:00.000", "2026-07-01T09:05:00+02:00"),
        ("Mar 1, 2026 at 9:05\u202fAM", "2026-03-01T09:05:00+01:00"),
        ("Mar 1, 2026, 9:05 AM", "2026-03-01T09:05:00+01:00"),
        ("Sunday, March 1, 2026 at 9:05 AM", "2026-03-01T09:05:00+01:00"),
        ("1 Mar 2026 at 09:05", "2026-03-01T09:05:00+01:00"),
        ("Sept 1, 2026 at 9:05 PM", "2026-09-01T21:05:00+02:00"),
        ("19.03.2026, 09:05", "2026-03-19T09:05:00+01:00"),
        ("19.03.2026 um 09:05:30", "2026-03-19T09:05:30+01:00"),
        ("03.04.2026 9:05", "2026-04-03T09:05:00+02:00"),
        ("1.3.2026 at 9:05 am", "2026-03-01T09:05:00+01:00"),
        ("2026-03-29 02:30:00", "2026-03-29T03:30:00+02:00"),  # skipped by the clock: forward by the gap
        ("2026-10-25 02:30:00", "2026-10-25T02:30:00+02:00"),  # twice there: the first
    ],
)
def test_times_without_an_offset_are_in_the_given_zone(written: str, local: str) -> None:
    assert parse(written, "Europe/Berlin") == Moment(ms(local), None, dt.date.fromisoformat(local[:10]), False)


@pytest.mark.parametrize("written", ["2026-03-01", "20260301", 20260301, 20260301.0, "Mar 1, 2026", "1 March 2026", "2026/3/1", "1.3.2026"])
def test_a_date_alone_is_its_local_midnight(written: str | float) -> None:
    assert parse(written, "Europe/Berlin") == Moment(ms("2026-03-01T00:00:00+01:00"), None, dt.date(2026, 3, 1), True)


@pytest.mark.parametrize(
    "written",
    [1772353507, 1772353507.0, "1772353507", 1772353507000, "1772353507000", 1772353507000000, "1772353507000000", 1772353507000000000],
)
def test_numbers_since_1970_are_told_apart_by_size(written: str | float) -> None:
    assert parse(written, "Pacific/Auckland") == Moment(1772353507000, None, dt.date(2026, 3, 1), False)


def test_fractions_of_a_numeric_second_are_kept() -> None:
    assert parse(1772353507.25, "UTC").ms == parse("1772353507.25", "UTC").ms == 1772353507250


def test_the_date_is_the_one_written_and_not_the_one_in_the_zone() -> None:
    assert parse("2026-03-01 23:30:00 -0800", "Asia/Tokyo").date == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    "written",
    [
        "", "  ", "yesterday", "2026", "12:30", "2026-13-01", "2026-02-30", "2026-03-01 25:00:00", "2026-03-01 24:00:00 +0100",
        "2026-03-01 09:61:00 +0100", "2026-03-01 13:05 PM +0100", "2026-03-01 0:05 AM", "2026-03-01 09:05:00 +2500", "2026-W09-7T09:05:00Z",
        "2569-03-01 09:05:00 +0700", "1569-03-01", "1/3/2026", "3 Mai 2026", "Mar 1, 2026 at", "2026-03-01 09:05:00 CET", "-5", "12345",
        "٢٠٢٦-03-01", "2026-03-01 09:05:00 +0100 x", "19.03.26", "03.19.2026", "30.02.2026",
        "19.03.2026 um", "19.03.2026um 09:05", "19.3/2026", "19.03.2569", "19.03.20261", 0, 1, -0.5, 20260301.5, 99_999_999, 20261301,
        1.5e-30, 1e18 * 100, 10**400, -1e12 * 5, float("nan"), float("inf"), True,
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(written: str | float) -> None:
    with pytest.raises(ValueError):
        parse(written, "Europe/Berlin")


@pytest.mark.parametrize(
    "written", ["18/03/2026", "03/18/2026", "1/3/2026", "03/03/2026", " 18/03/2026, 09:05", "3/18/2026, 9:05\u202fAM", "18-03-2026 09:05"]
)
def test_a_date_that_may_mean_two_days_is_refused_with_what_to_do(written: str) -> None:
    with pytest.raises(AmbiguousDate, match=r"day or month .* 2026-03-18"):
        parse(written, "Europe/Berlin")


@pytest.mark.parametrize("written", ["18/03/26", "18/03/20261", "18/03-2026", "2026/13/01"])
def test_other_marks_in_a_row_are_just_no_date(written: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(written, "Europe/Berlin")
    assert not isinstance(caught.value, AmbiguousDate)


def test_an_unknown_zone_is_refused_only_where_it_is_needed() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse("2026-03-01 09:05:00", "Mars/Olympus")
    assert parse("2026-03-01 09:05:00 +0100", "Mars/Olympus").offset == 3600


def test_names_of_zones() -> None:
    assert all(map(is_zone, [*ZONES, "-03:30", "Etc/GMT+5"]))
    assert not any(map(is_zone, ["", "Europe", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "+1", "+25:00", "+01:75", "a\0b"]))


SHAPES = [
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d %I:%M:%S\u202f%p %z",
    "%Y%m%d%H%M%S%z",
    "%d %b %Y %H:%M:%S %z",
]


@given(
    st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2400, 12, 31)),  # noqa: DTZ001 (strategies want naive bounds)
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(SHAPES),
)
def test_what_is_written_is_read_back(naive: dt.datetime, east: int, shape: str) -> None:
    written = naive.replace(tzinfo=dt.timezone(dt.timedelta(minutes=east)))
    if "%f" not in shape:
        written = written.replace(microsecond=0)
    moment = parse(written.strftime(shape), "UTC")
    assert moment == Moment((written - EPOCH) // dt.timedelta(milliseconds=1), east * 60, written.date(), False)


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers()))
def test_whatever_comes_is_a_time_or_a_value_error(written: str | float) -> None:
    try:
        moment = parse(written, "Europe/Berlin")
    except ValueError:
        return
    assert 1900 <= moment.date.year <= 2400


def test_days_have_23_24_or_25_hours() -> None:
    berlin = ZoneHistory([(0, "Europe/Berlin")])
    bounds = [berlin.bounds(date) for date in (dt.date(2026, 3, 28), dt.date(2026, 3, 29), dt.date(2026, 10, 25))]
    assert [end - start for start, end in bounds] == [24 * HOUR, 23 * HOUR, 25 * HOUR]


def test_a_midnight_that_the_clock_skips_begins_the_day_at_the_jump() -> None:
    brazil = ZoneHistory([(0, "America/Sao_Paulo")])
    start, end = brazil.bounds(dt.date(2018, 11, 4))
    assert (start, end - start) == (ms("2018-11-04T01:00:00-02:00"), 23 * HOUR)
    assert brazil.local_date(start - 1) == dt.date(2018, 11, 3)


def test_a_date_that_a_zone_left_out_is_empty() -> None:
    samoa = ZoneHistory([(0, "Pacific/Apia")])
    start, end = samoa.bounds(dt.date(2011, 12, 30))
    assert start == end == samoa.bounds(dt.date(2011, 12, 31))[0]
    assert samoa.dates(start - 1, end + 1) == [dt.date(2011, 12, 29), dt.date(2011, 12, 31)]


def test_flying_east_makes_a_short_day() -> None:
    landed = ms("2026-03-02T20:00:00-05:00")  # 01:00 of the next day in London
    alice = ZoneHistory([(0, "America/New_York"), (landed, "Europe/London")])
    assert alice.bounds(dt.date(2026, 3, 2)) == (ms("2026-03-02T00:00:00-05:00"), landed)
    assert alice.bounds(dt.date(2026, 3, 3)) == (landed, ms("2026-03-04T00:00:00+00:00"))
    assert alice.zone_at(landed - 1) == "America/New_York" and alice.zone_at(landed) == "Europe/London"


def test_flying_west_makes_a_long_day_and_takes_none_back() -> None:
    landed = ms("2026-03-03T02:00:00+00:00")  # 21:00 of the day before in New York
    bob = ZoneHistory([(0, "Europe/London"), (landed, "America/New_York")])
    assert bob.bounds(dt.date(2026, 3, 3)) == (ms("2026-03-03T00:00:00+00:00"), ms("2026-03-04T00:00:00-05:00"))
    assert bob.local_date(landed + HOUR) == dt.date(2026, 3, 3)


def test_the_first_zone_holds_before_it_was_stated() -> None:
    history = ZoneHistory([(ms("2026-01-01T00:00:00+00:00"), "Asia/Tokyo")])
    assert history.zone_at(0) == "Asia/Tokyo"
    assert history.local_date(ms("2020-05-05T16:00:00+00:00")) == dt.date(2020, 5, 6)


def test_the_zone_of_the_event_decides_alone() -> None:
    history = ZoneHistory([(0, "Europe/Berlin")])
    instant = ms("2026-03-01T23:30:00+00:00")
    assert history.local_date(instant) == dt.date(2026, 3, 2)
    assert history.local_date(instant, "-08:00") == history.local_date(instant, "America/New_York") == dt.date(2026, 3, 1)


def test_the_dates_an_interval_touches() -> None:
    history = ZoneHistory([(0, "UTC")])
    midnight = ms("2026-03-02T00:00:00+00:00")
    first, second, third = dt.date(2026, 3, 1), dt.date(2026, 3, 2), dt.date(2026, 3, 3)
    assert history.dates(midnight, midnight) == [second]
    assert history.dates(midnight - HOUR, midnight) == [first]
    assert history.dates(midnight - HOUR, midnight + 1) == [first, second]
    assert history.dates(midnight - HOUR, midnight + 25 * HOUR) == [first, second, third]


def test_a_history_needs_zones_that_exist() -> None:
    for entries in ([], [(0, "Mars/Olympus")]):
        with pytest.raises(ValueError, match="zone"):
            ZoneHistory(entries)


INSTANTS = st.integers(ms("1980-01-01T00:00:00+00:00"), ms("2040-01-01T00:00:00+00:00"))
STAYS = st.tuples(INSTANTS, st.sampled_from([*ZONES, "Asia/Tokyo", "America/Los_Angeles"]))
HISTORIES = st.lists(STAYS, min_size=1, max_size=4).map(ZoneHistory)


@given(HISTORIES, INSTANTS)
def test_days_cut_the_timeline_without_gap_or_overlap(history: ZoneHistory, instant: int) -> None:
    date = history.local_date(instant)
    start, end = history.bounds(date)
    assert start <= instant < end
    assert history.bounds(date - dt.timedelta(days=1))[1] == start
    assert history.bounds(date + dt.timedelta(days=1))[0] == end
    assert history.local_date(start) == history.local_date(end - 1) == date
    assert history.dates(start, end) == [date]
    assert 0 < end - start <= 24 * HOUR * 3


@given(st.sampled_from(ZONES[:-1]), INSTANTS)
def test_in_one_zone_a_day_is_what_the_wall_clock_shows(zone: str, instant: int) -> None:
    history = ZoneHistory([(0, zone)])
    wall = (EPOCH + dt.timedelta(milliseconds=instant)).astimezone(ZoneInfo(zone))
    date = history.local_date(instant)
    repeated_midnight = date > wall.date()  # the clock went back over midnight: the new date is not taken back
    assert date == wall.date() or (repeated_midnight and wall.hour >= 22)


@given(HISTORIES, st.lists(INSTANTS, min_size=2, max_size=6))
def test_dates_never_run_backwards(history: ZoneHistory, instants: list[int]) -> None:
    dates = [history.local_date(instant) for instant in sorted(instants)]
    assert dates == sorted(dates)


def test_a_name_of_thousands_of_folders_is_no_zone() -> None:
    assert not is_zone("/".join("a" * 5_000))
    assert is_zone("America/Argentina/ComodRivadavia")
