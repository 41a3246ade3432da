"""Buckets of a stretch of time are sought app by app: the same ones as ever, however many minutes came before them."""

import random

from healthbox.store import buckets, night_reading, people
from healthbox.store.buckets import BucketRow

NOW = 1_000_000_000_000
MINUTE = 60_000
WIDTHS = ("minute", "minute", "minute", "hour", "day", "stated")
PULSE = night_reading.PULSE


def scatter(c, chance, people_):
    c.exec_driver_sql("DELETE FROM bucket")
    for _ in range(chance.randrange(60)):
        width, value = chance.choice(WIDTHS), chance.choice((None, 55.0, 60.0, 61.5))
        start = chance.randrange(30) * (1 if width in ("day", "stated") else MINUTE)
        row = BucketRow(
            chance.choice((PULSE, "steps")), chance.choice(("", "a", "b", "c")), width, start, None, value, chance.choice((None, 50.0)),
            None, chance.choice(("Watch", "Strap")), NOW,
        )  # fmt: skip
        buckets.put(c, chance.choice(people_), 1, row)


def test_every_app_s_buckets_are_found_and_nobody_else_s(database):
    with database.writing() as c:
        alice, bob = (people.add_person(c, name, "UTC", NOW).id for name in ("Alice", "Bob"))
        drawn = 0
        for seed in range(200):
            chance = random.Random(seed)
            scatter(c, chance, (alice, alice, alice, bob))
            every = c.exec_driver_sql(
                "SELECT metric, app, width, start, date, value, low, high, source, as_of FROM bucket WHERE person_id=? AND metric=? "
                "ORDER BY app, width, start",
                (alice, PULSE),
            ).fetchall()
            rows = [BucketRow(*row) for row in every]
            low = chance.randrange(30)
            high = low + chance.randrange(20)
            inside = [row for row in rows if row.width in buckets.LASTS and row.start < high * MINUTE]
            touching = [row for row in inside if row.start + buckets.LASTS[row.width] > low * MINUTE]
            assert sorted(buckets.between(c, alice, PULSE, low * MINUTE, high * MINUTE), key=str) == sorted(touching, key=str)
            dated = [row for row in rows if row.width in ("day", "stated") and low <= row.start <= high]
            assert sorted(buckets.dated(c, alice, PULSE, low, high), key=str) == sorted(dated, key=str)
            told = [row for row in inside if row.width == "minute" and row.start >= low * MINUTE and row.value is not None]
            told.sort(key=lambda row: row.start)  # of one minute: by app
            pulse = night_reading.pulse(c, alice, low * MINUTE, high * MINUTE)
            if not told:
                assert pulse is None
                continue
            drawn += 1
            assert pulse.source == told[0].source
            assert pulse.readings == [(row.start, row.value, row.value if row.low is None else row.low) for row in told]
    assert drawn > 50


def test_minutes_are_sought_by_app_and_time_and_apps_one_after_another(database):
    given = {"person": 1, "metric": PULSE, "low": 0, "high": 1, "most": 9}
    with database.reading() as c:
        for query in (buckets._BETWEEN, buckets._DATED, night_reading._MINUTES):
            plan = [row[3] for row in c.exec_driver_sql("EXPLAIN QUERY PLAN " + query, given).fetchall()]
            sought = [line.partition("PRIMARY KEY ")[2] for line in plan if " bucket " in line]
            assert sought[0].startswith("(person_id=? AND metric=? AND app=? AND width=? AND start>"), plan
            assert sorted(sought[1:]) == ["(person_id=? AND metric=? AND app>?)", "(person_id=? AND metric=?)"], plan
