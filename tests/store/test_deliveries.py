"""A delivery is sent at least once, retried on schedule, and never written twice."""

import datetime as dt

import pytest

from healthbox.domain.errors import NotFound, Problem
from healthbox.store import channels, deliveries, findings, people
from healthbox.store.vault import Vault, write_key

NOW = 1_795_000_000_000
DAY = dt.date(2026, 11, 18)
DAY_MS = 86_400_000
MIDNIGHT = NOW - NOW % DAY_MS
NOON = MIDNIGHT + DAY_MS // 2


@pytest.fixture
def vault(database):
    made = Vault(database.data)
    with database.writing() as c:
        assert made.start(c) == "ready"
    return made


@pytest.fixture
def alice(database):
    with database.writing() as c:
        return people.add_person(c, "Alice", "Europe/Berlin", NOW).id


def channel(database, vault, person, name="Phone", least="warn"):
    with database.writing() as c:
        return channels.add(
            c, vault, person, name=name, service="ntfy", url="ntfys://n.example.org/secret-topic", detail="values", least=least, now=NOW
        )


def finding(database, person, severity="warn", started=DAY, metric="resting_heart_rate"):
    with database.writing() as c:
        return findings.upsert_episode(
            c, person, "deviation", metric, started, latest=started, ended=False, severity=severity, json='{"findings":[]}', now=NOW
        ).id


def create(database, finding_id, now=NOW):
    with database.writing() as c:
        return deliveries.create(c, finding_id, "opened", now)


def claim(database, now):
    with database.writing() as c:
        return deliveries.claim(c, now)


def test_one_row_for_each_channel_that_wants_the_severity_and_never_a_second(database, vault, alice):
    channel(database, vault, alice, "Phone", "warn")
    channel(database, vault, alice, "Log", "info")
    off = channel(database, vault, alice, "Off", "info")
    with database.writing() as c:
        channels.change(c, off, name="Off", detail="nothing", least="info", enabled=False)
        bob = people.add_person(c, "Bob", "UTC", NOW).id
    channel(database, vault, bob, "Bob's", "info")
    found = finding(database, alice, "info")
    assert create(database, found) == 1
    with database.writing() as c:
        c.exec_driver_sql("UPDATE finding SET severity='urgent'")
    assert create(database, found) == 1
    assert create(database, found) == 0
    with database.reading() as c:
        assert [(row.channel_id, row.status, row.attempts) for row in deliveries.of_person(c, alice)] == [
            (1, "pending", 0),
            (2, "pending", 0),
        ]
        assert deliveries.of_person(c, bob) == []


def test_one_message_a_day_and_category_to_each_channel_urgent_ones_excepted(database, vault, alice):
    channel(database, vault, alice, "Phone", "info")
    channel(database, vault, alice, "Siren", "warn")
    metrics = iter(("resting_heart_rate", "hrv_sdnn", "heart_rate", "walking_heart_rate", "vo2_max", "steps"))

    def told(category, severity="info", *, now=NOON, today=MIDNIGHT):
        made = finding(database, alice, severity, metric=next(metrics))
        with database.writing() as c:
            deliveries.create(c, made, "opened", now, category=category, today=today)
            deliveries.create(c, made, "opened", now + 1, category=category, today=today)
            return sorted(row.channel_id for row in deliveries.of_person(c, alice) if row.finding_id == made)

    assert told("heart") == [1]
    assert told("heart", "warn") == [2], "the siren heard nothing of the first"
    assert told("heart", "warn") == []
    assert told("activity", "warn") == [1, 2]
    assert told("heart", "urgent") == [1, 2]
    assert told("heart", "warn", now=NOON + DAY_MS, today=MIDNIGHT + DAY_MS) == [1, 2]


def test_a_message_that_could_not_be_delivered_does_not_hold_back_another(database, vault, alice):
    channel(database, vault, alice, least="info")
    first, second = finding(database, alice), finding(database, alice, metric="hrv_sdnn")
    with database.writing() as c:
        deliveries.create(c, first, "opened", NOON, category="heart", today=MIDNIGHT)
        deliveries.mark_failed(c, deliveries.claim(c, NOON).id, "no such address", NOON, permanent=True)
        assert deliveries.create(c, second, "opened", NOON, category="heart", today=MIDNIGHT) == 1
        deliveries.drop_pending(c, second)
        assert [row.finding_id for row in deliveries.of_person(c, alice)] == [first]
        assert deliveries.dead_count(c, alice) == 1


def test_failures_are_due_again_after_30_90_270_seconds_and_then_dead(database, vault, alice):
    channel(database, vault, alice)
    create(database, finding(database, alice))
    now, waits = NOW, []
    for _ in range(4):
        claimed = claim(database, now)
        assert claimed
        assert claimed.status == "sending"
        assert claim(database, now + 10**9) is None
        with database.writing() as c:
            deliveries.mark_failed(c, claimed.id, "500", now)
            due = deliveries.next_due(c)
        if due is not None:
            assert claim(database, due - 1) is None
            waits.append(due - now)
            now = due
    assert waits == [30_000, 90_000, 270_000]
    with database.reading() as c:
        (row,) = deliveries.of_person(c, alice)
    assert (row.status, row.attempts, row.error) == ("dead", 4, "500")


def test_a_dead_delivery_can_be_asked_for_again_by_its_own_person(database, vault, alice):
    channel(database, vault, alice)
    create(database, finding(database, alice))
    claimed = claim(database, NOW)
    with database.writing() as c:
        deliveries.mark_failed(c, claimed.id, "no such address", NOW, permanent=True)
        bob = people.add_person(c, "Bob", "UTC", NOW).id
    assert claim(database, NOW + 10**9) is None
    with pytest.raises(NotFound), database.writing() as c:
        deliveries.again(c, bob, claimed.id, NOW)
    with database.writing() as c:
        deliveries.again(c, alice, claimed.id, NOW)
    assert claim(database, NOW).attempts == 1


def test_sent_is_sent(database, vault, alice):
    channel(database, vault, alice)
    create(database, finding(database, alice))
    claimed = claim(database, NOW)
    with database.writing() as c:
        deliveries.mark_sent(c, claimed.id, NOW + 5)
        deliveries.mark_failed(c, claimed.id, "late", NOW + 6)
        assert deliveries.resume(c, NOW) == 0
    assert claim(database, NOW + 10**9) is None
    with database.reading() as c:
        (row,) = deliveries.of_person(c, alice)
    assert (row.status, row.sent_at, row.error) == ("sent", NOW + 5, None)


def test_what_a_killed_process_was_sending_is_tried_again_while_attempts_are_left(database, vault, alice):
    channel(database, vault, alice)
    create(database, finding(database, alice))
    for attempt in (1, 2, 3, 4):
        assert claim(database, NOW).attempts == attempt
        with database.writing() as c:
            assert deliveries.resume(c, NOW) == 1
    assert claim(database, NOW) is None
    with database.reading() as c:
        assert deliveries.of_person(c, alice)[0].status == "dead"


def test_the_address_is_sealed_and_bound_to_its_row(database, vault, alice):
    first, second = channel(database, vault, alice), channel(database, vault, alice, "Other")
    with database.writing() as c:
        assert channels.address(c, vault, first) == "ntfys://n.example.org/secret-topic"
        c.exec_driver_sql("UPDATE channel SET sealed=(SELECT sealed FROM channel WHERE id=?) WHERE id=?", (first, second))
        with pytest.raises(Problem):
            channels.address(c, vault, second)
        c.exec_driver_sql("UPDATE channel SET sealed=x'' WHERE id=?", (second,))
        assert channels.address(c, vault, second) is None
        assert [row.usable for row in channels.of_person(c, alice)] == [True, False]
    database.checkpoint()
    assert b"secret-topic" not in database.path.read_bytes()


def test_what_another_key_sealed_is_not_usable_until_it_is_entered_again(database, vault, alice):
    first, second = channel(database, vault, alice), channel(database, vault, alice, "Other")
    vault.path.unlink()
    write_key(vault.path, b"n" * 32)
    exchanged = Vault(database.data)
    with database.writing() as c:
        assert exchanged.start(c) == "wrong"
        assert [row.usable for row in channels.of_person(c, alice, vault)] == [True, True]
        assert [row.usable for row in channels.of_person(c, alice, exchanged)] == [False, False]
        channels.set_address(c, exchanged, first, "ntfy", "ntfys://n.example.org/topic")
        assert [row.id for row in channels.unopened(c, exchanged)] == [second] and exchanged.start(c) == "wrong"
        channels.set_address(c, exchanged, second, "ntfy", "ntfys://n.example.org/topic")
        assert channels.unopened(c, exchanged) == [] and exchanged.start(c) == "ready", "nothing is left of the old key"


def test_a_removed_channel_takes_its_deliveries_along(database, vault, alice):
    made = channel(database, vault, alice)
    create(database, finding(database, alice))
    with database.writing() as c:
        channels.remove(c, made)
        assert deliveries.claim(c, NOW) is None
        assert deliveries.next_due(c) is None
        with pytest.raises(NotFound):
            channels.get(c, made)
