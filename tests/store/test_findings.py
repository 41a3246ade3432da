"""An episode is one row, keeps its identity, and keeps what the person said about it."""

import datetime as dt

import pytest

from healthbox.domain.errors import NotFound
from healthbox.store import findings, people
from healthbox.store.findings import RuleSetting

NOW = 1_795_000_000_000
DAY = dt.timedelta(days=1)
START = dt.date(2026, 11, 18)
EMPTY = '{"findings":[]}'
TOLD = '{"findings":["told"]}'


@pytest.fixture
def alice(database):
    with database.writing() as c:
        return people.add_person(c, "Alice", "Europe/Berlin", NOW).id


def upsert(c, person, started=START, *, latest=None, ended=False, severity="warn", json=TOLD, now=NOW, standing=None):
    return findings.upsert_episode(
        c, person, "deviation", "resting_heart_rate", started,
        latest=latest or started, ended=ended, severity=severity, json=json, now=now, standing=standing,
    )  # fmt: skip


def test_an_episode_grows_and_ends_in_one_row(database, alice):
    with database.writing() as c:
        first = upsert(c, alice)
        assert upsert(c, alice, now=NOW + 1, standing=first).changed_at == NOW
        second = upsert(c, alice, latest=START + DAY, severity="urgent", now=NOW + 2, standing=first)
        upsert(c, alice, latest=START + DAY, severity="urgent", ended=True, now=NOW + 3, standing=second)
        (row,) = findings.of_person(c, alice)
    assert (row.state, row.severity, row.latest, row.created_at, row.changed_at) == ("resolved", "urgent", START + DAY, NOW, NOW + 3)


def test_its_first_day_may_move(database, alice):
    with database.writing() as c:
        row = upsert(c, alice)
        moved = upsert(c, alice, START - DAY, latest=START, standing=row)
        assert [(r.id, r.started) for r in findings.of_person(c, alice)] == [(row.id, START - DAY)]
    assert moved.id == row.id


def test_a_mute_lasts_until_the_episode_ends_and_quiets_the_next_one(database, alice):
    with database.writing() as c:
        row = upsert(c, alice)
        findings.mute(c, alice, row.id, note="a cold", quiet_until=START + 9 * DAY, now=NOW)
        muted = findings.get(c, alice, row.id)
        assert (muted.state, muted.note) == ("muted", "a cold")
        grown = upsert(c, alice, latest=START + DAY, standing=muted)
        assert grown.state == "muted"
        assert upsert(c, alice, latest=START + DAY, ended=True, standing=grown).state == "resolved"
        assert upsert(c, alice, START + 8 * DAY).state == "muted"
        assert upsert(c, alice, START + 10 * DAY).state == "open"
        findings.unmute(c, alice, row.id, NOW)
        assert upsert(c, alice, START + 9 * DAY).state == "open"


def test_a_finding_taken_back_goes_unless_the_person_wrote_on_it(database, alice):
    with database.writing() as c:
        gone, noted = upsert(c, alice), upsert(c, alice, START + 9 * DAY)
        findings.mute(c, alice, noted.id, note="race day", quiet_until=None, now=NOW)
        findings.withdraw(c, gone.id, NOW)
        findings.withdraw(c, noted.id, NOW + 1)
        findings.withdraw(c, noted.id, NOW + 2)
        (row,) = findings.of_person(c, alice)
    assert (row.id, row.state, row.json, row.changed_at) == (noted.id, "resolved", EMPTY, NOW + 1)


def test_nobody_reaches_another_persons_finding(database, alice):
    with database.writing() as c:
        bob = people.add_person(c, "Bob", "UTC", NOW).id
        row = upsert(c, alice)
        for reach in (
            lambda: findings.get(c, bob, row.id),
            lambda: findings.mute(c, bob, row.id, note="", quiet_until=None, now=NOW),
            lambda: findings.unmute(c, bob, row.id, NOW),
        ):
            with pytest.raises(NotFound):
                reach()


def test_a_day_that_changes_while_it_is_analysed_stays_to_be_done(database, alice):
    mark = "INSERT INTO changed_day VALUES (?, '2026-11-18', 1) ON CONFLICT DO UPDATE SET generation=generation+1"
    with database.writing() as c:
        c.exec_driver_sql(mark, (alice,))
        person, days = findings.next_changed(c, 400)
        c.exec_driver_sql(mark, (alice,))
        findings.analysed(c, person, days.items())
        assert findings.next_changed(c, 400) == (alice, {START: 2})
        findings.analysed(c, person, [(START, 2)])
        assert findings.next_changed(c, 400) is None


def test_a_changed_rule_has_every_day_judged_again(database, alice):
    with database.writing() as c:
        zero = "INSERT INTO day VALUES (?, 'steps', '2026-11-17', 1, NULL, NULL, NULL, 1, 1, 'raw', '', '{}', NULL, NULL)"
        c.exec_driver_sql(zero, (alice,))
        c.exec_driver_sql("INSERT INTO night VALUES (?, '2026-11-18', 400, 0, 1, '{}', 0)", (alice,))
        findings.set_rule(c, alice, "deviation", RuleSetting(False, {"scales": 4.0}))
        assert findings.rule_settings(c, alice) == {"deviation": RuleSetting(False, {"scales": 4.0})}
        assert set(findings.next_changed(c, 400)[1]) == {START - DAY, START}
