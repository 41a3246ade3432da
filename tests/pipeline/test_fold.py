"""Days of 23 to 25 hours, in the zone a person was in, from the layer that tells most."""

import datetime as dt
import json

import pytest
from house import at, steps

from healthbox.pipeline import day_rows
from healthbox.pipeline.explain import why
from healthbox.pipeline.fold import rebuild
from healthbox.store import days, people


def row(house, metric, date):
    (found,) = house.rows("SELECT value, low, high, n, coverage, layer, rule FROM day WHERE metric=? AND date=?", metric, date)
    return dict(zip(("value", "low", "high", "n", "coverage", "layer", "rule"), found, strict=True))


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 3, 20), 24)])
def test_a_day_of_23_24_or_25_hours_holds_all_of_its_hours(house, date, hours):
    midnight = dt.datetime(*date, tzinfo=dt.UTC) - dt.timedelta(hours=2 if date[1] == 10 else 1)
    house.at = int((midnight + dt.timedelta(days=3)).timestamp() * 1000)
    each = [
        steps((midnight + dt.timedelta(hours=n)).isoformat(), (midnight + dt.timedelta(hours=n + 1)).isoformat(), 100)
        for n in range(-1, hours + 1)
    ]
    house.sync(samples=each)
    found = row(house, "steps", dt.date(*date).isoformat())
    assert (found["value"], found["coverage"], found["n"]) == (hours * 100.0, 1.0, hours)


def test_a_sample_over_midnight_is_split_in_proportion(house):
    house.sync(samples=[steps(at(1, 23, 45), at(2, 0, 15), 300), steps(at(2, 23, 30), at(3, 0, 0), 50)])
    assert house.days("steps") == {"2026-03-01": 150.0, "2026-03-02": 200.0}


def test_the_last_fraction_of_a_second_reaches_the_next_day_too(house):
    house.sync(samples=[steps("2026-03-01T23:59:59.500+01:00", "2026-03-02T00:00:00.500+01:00", 10)])
    before = house.all_days()
    assert house.days("steps") == {"2026-03-01": 5.0, "2026-03-02": 5.0}
    rebuild(house.database, house.at)
    house.run()
    assert house.all_days() == before


def test_an_event_with_a_zone_of_its_own_stands_on_the_date_of_its_own_clock(house):
    house.sync(samples=[steps("2026-03-01T22:00:00-05:00", "2026-03-01T23:00:00-05:00", 400, metadata={"HKTimeZone": "America/New_York"})])
    assert house.days("steps") == {"2026-03-01": 400.0}, "in Berlin it was the second already"


def test_travel_counts_days_where_the_person_was(house):
    house.sync(samples=[steps(at(1, 20), at(1, 21), 100), steps(at(5, 20), at(5, 21), 100), steps(at(6, 3), at(6, 4), 7)])
    with house.database.writing() as c:
        people.set_zone(c, house.alice.id, "Asia/Tokyo", int(dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC).timestamp() * 1000))
    rebuild(house.database, house.at, since="2026-03-02")
    house.run()
    assert house.days("steps") == {"2026-03-01": 100.0, "2026-03-06": 107.0}, "20:00 in Berlin is 04:00 of the next day in Tokyo"


def test_a_zone_change_marks_exactly_the_days_from_it_on(house):
    house.sync(samples=[steps(at(n, 9), at(n, 10), 100) for n in range(1, 6)])
    with house.database.writing() as c:
        assert days.mark_known(c, house.alice.id, house.at, since="2026-03-03") == 3
    assert house.rows("SELECT date FROM dirty_day ORDER BY date") == [("2026-03-03",), ("2026-03-04",), ("2026-03-05",)]


def test_an_unknown_metric_is_stored_listed_and_has_a_mean(house):
    point = {"type": "HKQuantityTypeIdentifierMoonlight", "start": at(1, 9), "end": at(1, 9), "unit": "lx", "source": "Watch"}
    accepted = house.sync(samples=[{**point, "value": 3}, {**point, "start": at(1, 10), "end": at(1, 10), "value": 5}])
    assert house.counts(accepted) == {"new": 2}
    ((key, records),) = house.rows("SELECT key, records FROM unknown_metric")
    assert records == 2 and list(house.days(key).values()) == [4.0]


def test_missing_is_no_row_and_never_a_zero(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 100), steps(at(3, 9), at(3, 10), 100)])
    assert list(house.days("steps")) == ["2026-03-01", "2026-03-03"]


def test_only_the_best_source_counts_in_every_instant(house):
    house.sync(samples=[steps(at(1, 9), at(1, 11), 2000, "Alice's iPhone"), steps(at(1, 10), at(1, 11), 1500, "Alice's Watch")])
    assert house.days("steps") == {"2026-03-01": 2500.0}


# -- layers -------------------------------------------------------------------------------------------------------------


def exported(house, points, aggregation, period="today"):
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": points}]}}
    house.door.ingest(
        house.phone, json.dumps(body).encode(),
        headers={"automation-aggregation": aggregation, "automation-period": period}, now=house.at,
    )  # fmt: skip
    house.run()


def test_the_layer_that_covers_most_makes_the_day_and_nothing_is_added_across(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    exported(house, [{"date": f"2026-03-01 {hour:02d}:00:00 +0100", "qty": 100} for hour in range(8, 18)], "hours")
    found = row(house, "steps", "2026-03-01")
    assert (found["value"], found["layer"], found["coverage"]) == (1000.0, "hour", 10 / 24)


def test_a_day_bucket_made_after_the_day_covers_all_of_it(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    exported(house, [{"date": "2026-03-01 00:00:00 +0100", "qty": 9000}], "days")
    assert row(house, "steps", "2026-03-01")["layer"] == "day" and house.days("steps") == {"2026-03-01": 9000.0}


def test_minute_buckets_add_up(house):
    exported(house, [{"date": f"2026-03-01 09:{minute:02d}:00 +0100", "qty": 10} for minute in range(30)], "minutes")
    found = row(house, "steps", "2026-03-01")
    assert (found["value"], found["layer"], found["n"]) == (300.0, "minute", 30)


def test_a_total_stated_after_the_day_comes_before_every_layer_and_one_stated_during_it_does_not(house):
    house.sync(samples=[steps(at(1, hour), at(1, hour + 1), 100) for hour in range(23)])
    during = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp() * 1000)
    for as_of, layer, value in ((during, "raw", 2300.0), (house.at, "stated", 2345.0)):
        with house.database.writing() as c:
            c.exec_driver_sql(
                "INSERT OR REPLACE INTO bucket (person_id, metric, app, width, start, date, value, source, as_of, batch_id) "
                "VALUES (?, 'steps', 'shortcuts', 'stated', ?, '2026-03-01', 2345, '', ?, 1)",
                (house.alice.id, dt.date(2026, 3, 1).toordinal(), as_of),
            )
            days.mark(c, house.alice.id, [("steps", "2026-03-01")], house.at)
        house.run()
        assert (row(house, "steps", "2026-03-01")["layer"], house.days("steps")) == (layer, {"2026-03-01": value})


def test_a_rebuild_marks_everything_and_changes_nothing(house):
    house.sync(samples=[steps(at(n, 23, 30), at(n + 1, 0, 30), 100) for n in range(1, 9)])
    exported(house, [{"date": "2026-03-04 00:00:00 +0100", "qty": 9000}], "days")
    before = house.all_days()
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM changed_day")
    assert rebuild(house.database, house.at) == 9
    house.run()
    assert house.all_days() == before and house.rows("SELECT count(*) FROM changed_day") == [(0,)]


def test_a_new_class_of_a_source_folds_its_days_and_nights_again(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 100, "Vitalo"), steps(at(1, 9), at(1, 10), 300, "Alice's iPhone")])
    assert house.days("steps") == {"2026-03-01": 300.0}
    watch = {"name": "Vitalo", "bundle": "com.apple.health.77", "product": "Watch7,1"}
    house.sync(samples=[steps(at(9, 9), at(9, 10), 5, watch)])
    assert house.days("steps") == {"2026-03-01": 100.0, "2026-03-09": 5.0}


def test_a_mark_of_a_metric_from_a_date_on_reaches_nights_too(house):
    stage = {"type": "sleep_analysis", "start": at(1, 23), "end": at(2, 6), "value": "core", "source": "Alice's Watch"}
    house.sync(samples=[stage])
    with house.database.writing() as c:
        assert days.mark_known(c, house.alice.id, house.at) == 1
    assert house.rows("SELECT metric, date FROM dirty_day") == [("sleep_analysis", "2026-03-02")]


def test_a_day_that_cannot_be_computed_holds_up_no_other(house, monkeypatch):
    real = day_rows.fold

    def broken(aggregation, *given):
        if aggregation == "sum":
            raise ArithmeticError("a fault of ours")
        return real(aggregation, *given)

    monkeypatch.setattr(day_rows, "fold", broken)
    weight = {"type": "weight", "start": at(1, 8), "end": at(1, 8), "value": 80, "unit": "kg"}
    house.sync(samples=[steps(at(1, 8), at(1, 8, 10), 100), weight])
    assert house.days("weight") == {"2026-03-01": 80.0}
    assert house.days("steps") == {}
    monkeypatch.undo()
    house.run()
    assert house.days("steps") == {}  # it waits
    house.at += 300_000
    house.run()
    assert house.days("steps") == {"2026-03-01": 100.0}


def test_readings_of_two_devices_that_do_not_say_how_long_they_took_are_not_added_up(house):
    watch = [{"date": f"2026-03-01 09:{minute:02d}:13 +0100", "qty": 100, "source": "Alice's Apple Watch"} for minute in range(0, 60, 10)]
    phone = [{"date": f"2026-03-01 09:{minute:02d}:20 +0100", "qty": 110, "source": "Alice's iPhone"} for minute in range(0, 60, 10)]
    house.ingest({"data": {"metrics": [{"name": "step_count", "units": "count", "data": watch + phone}]}})
    assert house.days("steps")["2026-03-01"] == pytest.approx(600, abs=2)
    told = why(house.database, house.alice.id, "steps", dt.date(2026, 3, 1))
    assert told["value"] == house.days("steps")["2026-03-01"]


def test_two_apps_that_log_what_somebody_drinks_are_added_up(house):
    glasses = [
        {"date": "2026-03-01 09:00:13 +0100", "qty": 250, "source": "Waterful"},
        {"date": "2026-03-01 09:03:20 +0100", "qty": 330, "source": "Drinks"},
    ]
    house.ingest({"data": {"metrics": [{"name": "dietary_water", "units": "mL", "data": glasses}]}})
    assert house.days("dietary_water") == {"2026-03-01": 580.0}


def test_an_hour_over_a_midnight_gives_each_day_its_part(build):
    house = build(zone="Asia/Kolkata")
    rows = [{"date": f"2026-03-01 {hour:02d}:00:00 +0000", "qty": 120} for hour in range(24)]
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": rows}]}}
    house._sent(house.door.ingest(house.phone, json.dumps(body).encode(), headers={"automation-aggregation": "Hours"}, now=house.at), True)
    assert house.days("steps") == {"2026-03-01": 18 * 120 + 60, "2026-03-02": 60 + 5 * 120}
    before = house.all_days()
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day")
    rebuild(house.database, house.at)
    house.run()
    assert house.all_days() == before
