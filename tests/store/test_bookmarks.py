"""How far an anchor moves: as the rule says it batch by batch, and as cheaply in the tenth year as on the first day."""

import random
import re

import pytest

from healthbox.store import anchors, devices, people

NOW = 1_000_000_000_000
METRICS = (None, "steps", "heart_rate")
STATUSES = ("done",) * 12 + ("dead", "discarded", "pending", "running")


@pytest.fixture
def phones(database):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", NOW)
        return database, alice.id, [devices.add_device(c, alice.id, name, ["ingest"], NOW)[0].id for name in ("Phone", "Tablet")]


def add(c, person, device, number, *, metric="steps", anchor="a", final=0, closed=True, chunks=((0, "done", 1),)):
    c.exec_driver_sql(
        "INSERT INTO batch (id, public, person_id, device_id, format, status, zone, anchor, metric, final, created_at, touched_at, "
        "closed_at) VALUES (?,?,?,?,'native-sync','completed','UTC',?,?,?,0,0,?)",
        (number, str(number), person, device, anchor, metric, final, 1 if closed else None),
    )
    for index, status, position in chunks:
        c.exec_driver_sql(
            "INSERT INTO chunk (batch_id, idx, sha, size, status, position, due_at, accepted_at, as_of) VALUES (?,?,x'00',1,?,?,0,0,0)",
            (number, index, status, position),
        )


def scatter(c, chance, person, owners):
    c.exec_driver_sql("DELETE FROM batch")
    c.exec_driver_sql("DELETE FROM anchor")
    for number in range(1, 11):
        found = [(index, chance.choice(STATUSES), chance.choice((0, 1, 5, 5))) for index in range(3) if chance.random() < 0.8]
        add(
            c, person, chance.choice(owners), number, metric=chance.choice(METRICS), anchor=chance.choice((f"a{number}",) * 4 + (None,)),
            final=chance.choice((None, 0, 0, 1, 2)), closed=chance.random() < 0.8, chunks=found,
        )  # fmt: skip
    if chance.random() < 0.4:
        c.exec_driver_sql(
            "INSERT INTO anchor VALUES (?,?,'before',?,0)", (owners[0], chance.choice(("*", "steps")), chance.randrange(1, 11))
        )


def by_the_rule(c, batch_id):
    """The anchors as they should stand, looked at one batch after another in the order they were accepted."""
    rows = c.exec_driver_sql("SELECT id, device_id, coalesce(metric, '*'), anchor, final, closed_at FROM batch ORDER BY id").fetchall()
    chunks = {row[0]: [] for row in rows}
    for owner, index, status, position in c.exec_driver_sql("SELECT batch_id, idx, status, position FROM chunk").fetchall():
        chunks[owner].append((index, status, position))
    stands = {(row[0], row[1]): (row[2], row[3], row[4]) for row in c.exec_driver_sql("SELECT * FROM anchor").fetchall()}
    (place,) = [(row[1], row[2]) for row in rows if row[0] == batch_id]
    held = False
    for number, device, metric, anchor, final, closed in rows:
        if (device, metric) != place:
            continue
        whole = anchor is not None and final is not None and closed is not None
        done = [position for index, status, position in chunks[number] if final is not None and index <= final and status == "done"]
        if number >= batch_id and whole and not held and len(done) == final + 1 and sum(done) and number > stands.get(place, ("", 0))[1]:
            stands[place] = (anchor, number, NOW)
        held = held or any(status in ("dead", "pending", "running") for _, status, _ in chunks[number])
    return stands


def test_an_anchor_moves_as_the_rule_says_batch_by_batch(phones):
    database, alice, owners = phones
    moved = 0
    with database.writing() as c:
        for seed in range(400):
            chance = random.Random(seed)
            scatter(c, chance, alice, owners)
            closing = chance.randrange(1, 11)
            before = c.exec_driver_sql("SELECT * FROM anchor").fetchall()
            expected = by_the_rule(c, closing)
            answer = anchors.settle(c, closing, NOW)
            after = c.exec_driver_sql("SELECT * FROM anchor").fetchall()
            assert {(row[0], row[1]): tuple(row[2:]) for row in after} == expected, seed
            assert answer == (before != after)
            moved += answer
    assert moved > 40


def test_a_discarded_letter_of_long_ago_moves_the_anchor_to_the_next_one_that_holds(phones):
    database, alice, (phone, _) = phones
    with database.writing() as c:
        for number in range(1, 200):
            add(c, alice, phone, number, anchor=f"a{number}", chunks=[(0, "dead" if number == 90 else "done", 1)])
        c.exec_driver_sql("UPDATE chunk SET status='discarded' WHERE batch_id=1")
        assert anchors.settle(c, 1, NOW)
        assert c.exec_driver_sql("SELECT anchor FROM anchor").scalar_one() == "a89"
        c.exec_driver_sql("UPDATE chunk SET status='discarded' WHERE batch_id=90")
        assert anchors.settle(c, 90, NOW)
        assert c.exec_driver_sql("SELECT anchor FROM anchor").scalar_one() == "a199"


def test_settling_looks_at_what_waits_and_what_came_after_never_at_all_that_came_before(phones):
    database, _, (phone, _) = phones
    given = {"device": phone, "metric": "steps", "first": 1, "last": 9, "before": 9}
    with database.reading() as c:
        ready, holds = (
            [row[3] for row in c.exec_driver_sql("EXPLAIN QUERY PLAN " + query, given).fetchall()]
            for query in (anchors._READY, anchors._HOLDS)
        )
    assert "SEARCH batch USING INDEX batch_device (device_id=? AND id>? AND id<?)" in ready
    assert [line for line in holds if re.search(r" (chunk|b)( |$)", line)] == [
        "SEARCH chunk USING INDEX chunk_next (batch_id<?)",
        "SCAN chunk USING INDEX chunk_dead",  # only those that wait for a person
        "SEARCH b USING INTEGER PRIMARY KEY (rowid=?)",
    ]
