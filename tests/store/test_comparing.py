"""What was stated of whole days, read beside the rows made of them: one person's, one stretch's, and never through the minutes."""

import datetime as dt
import json
import re

import pytest

from healthbox.store import buckets, comparing, days, people
from healthbox.store.buckets import BucketRow
from healthbox.store.comparing import SLEEP
from healthbox.store.days import DayRow

NOW = 1_763_640_000_000
FIRST, LAST = dt.date(2025, 11, 1), dt.date(2025, 11, 30)


@pytest.fixture
def two(database):
    """The database, and the ids of Alice and Bob."""
    with database.writing() as c:
        ids = tuple(people.add_person(c, name, "Europe/Berlin", NOW).id for name in ("Alice", "Bob"))
    return database, *ids


def put_day(c, person, date, value=1000.0, metric="steps", layer="raw"):
    detail = json.dumps({"sources": [], "layers": [{"kind": layer, "value": value}]})
    days.put_days(c, person, [DayRow(metric, date, value, None, None, None, 1, 1.0, layer, "rule", detail)], [], [])


def put_stated(c, person, date, app="phone", width="stated", metric="steps", value=1010.0):
    ordinal = dt.date.fromisoformat(date).toordinal()
    buckets.put(c, person, 1, BucketRow(metric, app, width, ordinal, date, value, None, None, "Watch|iPhone", NOW))


def read(database, person, *, first=FIRST, last=LAST, metric=None):
    with database.reading() as c:
        return [(row.metric, row.date, row.app, row.width) for row in comparing.stated_days(c, person, first, last, metric)]


def test_only_dates_with_both_a_day_and_a_statement_are_read(two):
    database, alice, _ = two
    with database.writing() as c:
        put_day(c, alice, "2025-11-02")
        put_day(c, alice, "2025-11-03")
        put_stated(c, alice, "2025-11-03")
        put_stated(c, alice, "2025-11-04")
    assert read(database, alice) == [("steps", "2025-11-03", "phone", "stated")]


def test_every_app_and_width_of_every_metric_is_found_and_minutes_are_not(two):
    database, alice, _ = two
    with database.writing() as c:
        for metric in ("flights_climbed", "steps"):
            put_day(c, alice, "2025-11-03", metric=metric)
            for app in ("a", "b"):
                put_stated(c, alice, "2025-11-03", app, "day", metric)
                put_stated(c, alice, "2025-11-03", app, "stated", metric)
                buckets.put(c, alice, 1, BucketRow(metric, app, "minute", NOW, None, 5.0, None, None, "", NOW))
    expected = [(m, "2025-11-03", app, width) for m in ("flights_climbed", "steps") for app in "ab" for width in ("day", "stated")]
    assert sorted(read(database, alice)) == expected
    assert sorted(read(database, alice, metric="steps")) == expected[4:]
    assert read(database, alice, metric="weight") == []


def test_both_ends_of_the_stretch_are_included(two):
    database, alice, _ = two
    with database.writing() as c:
        for date in ("2025-10-31", "2025-11-01", "2025-11-30", "2025-12-01"):
            put_day(c, alice, date)
            put_stated(c, alice, date)
    assert [row[1] for row in read(database, alice)] == ["2025-11-01", "2025-11-30"]


def test_nobody_reads_anothers_statements(two):
    database, alice, bob = two
    with database.writing() as c:
        for person in (alice, bob):
            put_day(c, person, "2025-11-03")
        put_stated(c, bob, "2025-11-03")
        buckets.put_night(c, bob, 1, "phone", "2025-11-03", {"asleep": 400}, "Watch", NOW)
        days.put_nights(c, alice, {"2025-11-03": night()}, [])
    assert read(database, alice) == [] and len(read(database, bob)) == 1
    with database.reading() as c:
        assert comparing.stated_nights(c, alice, FIRST, LAST) == []
        assert comparing.first_stated(c, alice) is None


def night(**more):
    return {"asleep": 410.0, "start": NOW, "end": NOW + 1, "name": "Watch", "stated": False, "naps": [], "alternates": []} | more


def test_a_stated_night_comes_with_the_night_it_is_held_against_the_newest_first(two):
    database, alice, _ = two
    with database.writing() as c:
        days.put_nights(c, alice, {"2025-11-03": night(naps=[[1, 2, 20.0]]), "2025-11-04": night()}, [])
        buckets.put_night(c, alice, 1, "old", "2025-11-03", {"asleep": 400}, "Watch", NOW)
        buckets.put_night(c, alice, 1, "new", "2025-11-03", {"asleep": 405}, "Watch", NOW + 1)
        buckets.put_night(c, alice, 1, "old", "2025-11-05", {"asleep": 300}, "Watch", NOW)
    with database.reading() as c:
        found = comparing.stated_nights(c, alice, FIRST, LAST)
    assert [(row.date, row.app, row.asleep, row.stated) for row in found] == [
        ("2025-11-03", "new", 410.0, 405), ("2025-11-03", "old", 410.0, 400),
    ]  # fmt: skip
    assert json.loads(found[0].night) == ["Watch", [[1, 2, 20.0]], []]
    with database.reading() as c:
        assert comparing.asleep(c, alice, FIRST, LAST) == {"2025-11-03": (410.0, 405.0)}


def test_a_night_that_was_only_stated_compares_with_nothing_and_stages_add_up(two):
    database, alice, _ = two
    with database.writing() as c:
        days.put_nights(
            c, alice, {"2025-11-03": night(stated=True), "2025-11-04": night(), "2025-11-05": night(), "2025-11-06": night()}, []
        )
        for date, said in (("03", {"asleep": 400}), ("04", {"core": 200, "rem": 90.5}), ("05", {"in_bed": 480}), ("06", {"asleep": 0})):
            buckets.put_night(c, alice, 1, "phone", f"2025-11-{date}", said, "", NOW)
    with database.reading() as c:
        assert comparing.asleep(c, alice, FIRST, LAST) == {"2025-11-04": (410.0, 290.5), "2025-11-06": (410.0, 0.0)}
        assert [row.date for row in comparing.stated_nights(c, alice, FIRST, LAST)] == ["2025-11-04", "2025-11-06"]


def test_a_summary_of_years_is_read_from_indexes_alone(two):
    database, alice, _ = two
    given = (alice, "steps", FIRST.isoformat(), LAST.isoformat())
    with database.reading() as c:
        for query, wanted in (
            (comparing._KEYS, given[:1]),
            (f"SELECT date, drift {comparing._OF_DAYS}", given),
            (f"SELECT covered {comparing._OF_DAYS}", given),
            (comparing._ASLEEP, given[:1] + given[2:]),
        ):
            plan = [row[3] for row in c.exec_driver_sql("EXPLAIN QUERY PLAN " + query, wanted).fetchall()]
            assert all("USING COVERING INDEX" in line for line in plan if line.startswith(("SEARCH", "SCAN"))), plan
            assert not any("night_edges" in line and "date>" in line for line in plan), "a night is looked up by its date"


def test_the_first_date_is_the_earliest_of_all_widths_and_nights(two):
    database, alice, _ = two
    with database.writing() as c:
        put_stated(c, alice, "2025-11-05", width="stated")
        put_stated(c, alice, "2025-11-04", "other", "day")
        put_stated(c, alice, "2025-11-06", metric="active_energy")
        buckets.put_night(c, alice, 1, "phone", "2025-11-02", {"asleep": 400}, "", NOW)
        buckets.put(c, alice, 1, BucketRow("steps", "phone", "minute", 1000, None, 5.0, None, None, "", NOW))
    with database.reading() as c:
        firsts = {metric: comparing.first_stated(c, alice, metric) for metric in (None, "steps", "active_energy", SLEEP, "weight")}
    assert firsts == {
        None: dt.date(2025, 11, 2), "steps": dt.date(2025, 11, 4), "active_energy": dt.date(2025, 11, 6), SLEEP: dt.date(2025, 11, 2),
        "weight": None,
    }  # fmt: skip


def test_the_read_looks_up_its_rows_and_scans_no_table(two):
    database, alice, _ = two
    given = {"person": alice, "first": FIRST.toordinal(), "last": LAST.toordinal(), "metric": "steps"}
    with database.reading() as c:
        for query in (comparing._EVERY, comparing._ONE, comparing._FIRST):
            plan = [row[3] for row in c.exec_driver_sql("EXPLAIN QUERY PLAN " + query, given).fetchall()]
            tables = [line for line in plan if re.search(r" (bucket|b|day)( |$)", line)]
            assert tables and all(line.startswith("SEARCH") for line in tables), plan
