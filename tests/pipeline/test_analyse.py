"""Changed days become findings and, when they are fresh, delivery rows; the same whatever the order in which data came."""

import datetime as dt
import random
import time

import pytest

from healthbox.analytics.rules.contract import Rule
from healthbox.pipeline.analyse import RULES, analyse
from healthbox.store import channels, deliveries, findings, people
from healthbox.store.engine import Database
from healthbox.store.findings import RuleSetting
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault

NOW = int(dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC).timestamp() * 1000)
TODAY = dt.date(2026, 11, 20)
DAY = dt.timedelta(days=1)
PULSE = "resting_heart_rate"


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path)
    upgrade(opened)
    with opened.writing() as c:
        people.add_person(c, "Alice", "Europe/Berlin", NOW)
        vault = Vault(tmp_path)
        vault.start(c)
        for name, least in (("Phone", "warn"), ("Siren", "urgent")):
            channels.add(c, vault, 1, name=name, service="JSON", url="json://192.168.1.20/", detail="values", least=least, now=NOW)
    yield opened
    opened.close()


def put(database, values, metric=PULSE, person=1, n=1):
    with database.writing() as c:
        for date, value in values.items():
            if value is None:
                c.exec_driver_sql("DELETE FROM day WHERE person_id=? AND metric=? AND date=?", (person, metric, date.isoformat()))
            else:
                c.exec_driver_sql(
                    "INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, NULL, NULL, NULL, ?, 1, 'raw', '', ?, NULL, NULL)",
                    (person, metric, date.isoformat(), value, n, '{"sources":[{"name":"Watch","kind":"watch","value":1}]}'),
                )
            c.exec_driver_sql(
                "INSERT INTO changed_day VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET generation=generation+1", (person, date.isoformat())
            )


def run(database, now=NOW):
    rounds = 0
    while analyse(database, now):
        rounds += 1
    return rounds


def usual(last=TODAY, days=60):
    """Calm mornings: 54 bpm give or take one."""
    return {last - i * DAY: 54.0 + (i % 3) - 1 for i in range(days)}


def told(database, person=1):
    with database.reading() as c:
        return [(row.rule, row.metric, row.started, row.latest, row.state, row.severity, row.json) for row in findings.of_person(c, person)]


def sent(database):
    with database.reading() as c:
        return [(row.finding_id, row.channel_id) for row in deliveries.of_person(c, 1)]


def test_two_unusual_mornings_are_one_episode_and_one_message(database):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    (found,) = told(database)
    assert found[:6] == ("deviation", PULSE, TODAY - DAY, TODAY, "open", "warn")
    assert sent(database) == [(1, 1)]
    with database.writing() as c:
        deliveries.mark_sent(c, deliveries.claim(c, NOW).id, NOW)
    tomorrow = NOW + 86_400_000
    put(database, {TODAY + DAY: 64.0})
    run(database, tomorrow)
    assert told(database)[0][2:4] == (TODAY - DAY, TODAY + DAY)
    assert sent(database) == [(1, 1)]


def test_a_worse_day_reaches_the_channel_that_waits_for_worse(database):
    put(database, {**usual(), TODAY - DAY: 112.0, TODAY: 112.0})
    run(database)
    assert {channel for _, channel in sent(database)} == {1}
    put(database, {TODAY: 132.0, TODAY + DAY: 133.0})
    run(database, NOW + 86_400_000)
    assert {channel for _, channel in sent(database)} == {1, 2}
    assert len(sent(database)) == len(set(sent(database)))


def test_of_two_findings_about_the_heart_the_graver_is_told_today_and_the_other_tomorrow_if_it_lasts(database):
    with database.writing() as c:
        c.exec_driver_sql("UPDATE channel SET least='info' WHERE id=1")
    put(database, {**{date: 45.0 + date.day % 3 for date in usual()}, TODAY: 20.0}, metric="hrv_sdnn")
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    by_metric = {row[1]: row[5] for row in told(database)}
    assert by_metric == {"hrv_sdnn": "info", PULSE: "warn"}
    with database.reading() as c:
        names = {row.id: row.metric for row in findings.of_person(c, 1)}
    assert [names[finding] for finding, _ in sent(database)] == [PULSE]
    put(database, {TODAY + DAY: 19.0}, metric="hrv_sdnn")
    run(database, NOW + 86_400_000)
    assert sorted(names[finding] for finding, _ in sent(database)) == ["hrv_sdnn", PULSE]


def test_a_backfill_of_two_years_pushes_nothing(database):
    put(database, {date: 63.0 if date.day in (9, 10) else value for date, value in usual(TODAY - 3 * DAY, 730).items()})
    put(database, {TODAY - 2 * DAY: 63.0, TODAY - 3 * DAY: 63.0})
    run(database)
    assert len(told(database)) > 10
    assert told(database)[0][4] == "open"
    assert sent(database) == []


def test_an_episode_ends_after_three_quiet_days_and_data_from_the_future_does_not_end_it(database):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0, dt.date(2099, 1, 1): 54.0})
    run(database)
    assert told(database)[0][4] == "open"
    put(database, {TODAY + i * DAY: 54.0 for i in (1, 2, 3)})
    run(database, NOW + 3 * 86_400_000)
    assert told(database)[0][4] == "resolved"
    assert len(sent(database)) == 1


def test_corrected_data_take_a_finding_and_its_unsent_message_back(database):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    put(database, {TODAY - DAY: 54.0, TODAY: None})
    run(database)
    assert told(database) == []
    assert sent(database) == []


def test_a_message_that_went_out_is_not_sent_again_when_the_episodes_edge_moves_or_it_comes_back(database):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    with database.writing() as c:
        deliveries.mark_sent(c, deliveries.claim(c, NOW).id, NOW)
    for change in ({TODAY - 2 * DAY: 64.0}, {TODAY - 2 * DAY: 54.0, TODAY - DAY: 54.0}, {TODAY: 54.0}, {TODAY - DAY: 62.0, TODAY: 63.0}):
        put(database, change)
        run(database)
    assert [row[4] for row in told(database)] == ["open"]
    assert len(sent(database)) == 1


def test_what_the_person_knows_the_reason_for_is_not_pushed(database):
    put(database, {**usual(), TODAY - DAY: 62.0})
    run(database)
    with database.writing() as c:
        findings.mute(c, 1, 1, note="a cold", quiet_until=TODAY + 5 * DAY, now=NOW)
    put(database, {TODAY: 63.0})
    run(database)
    assert told(database)[0][4:6] == ("muted", "warn")
    assert sent(database) == []


def test_a_rule_can_be_switched_off_or_set(database):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    with database.writing() as c:
        findings.set_rule(c, 1, "deviation", RuleSetting(True, {"scales": 20.0}))
    run(database)
    assert told(database) == []
    with database.writing() as c:
        findings.set_rule(c, 1, "deviation", RuleSetting(False, {}))
    assert run(database) > 0
    assert told(database) == []


def comparable(rows):
    return sorted(rows, key=str)


def test_findings_do_not_depend_on_the_order_in_which_days_arrive(database):
    seed = random.Random(7)
    values = {TODAY - i * DAY: 54.0 + seed.gauss(0, 1) + (9 if i % 37 in (4, 5, 6) else 0) for i in range(260)}
    order = list(values)
    for number in range(1, 5):
        with database.writing() as c:
            people.add_person(c, f"Bob {number}", "Europe/Berlin", NOW)
    put(database, values)
    run(database)
    expected = comparable(told(database))
    assert len(expected) >= 6
    arrivals = [order, order[::-1], seed.sample(order, len(order)), order[100:] + order[:100]]
    for person, arrival in enumerate(arrivals, start=2):
        for part in (arrival[i : i + 23] for i in range(0, 260, 23)):
            put(database, {date: values[date] for date in part}, person=person)
            run(database)
        assert comparable(told(database, person)) == expected


def test_nothing_is_half_done_when_it_fails_and_all_of_it_is_done_the_next_time(database, monkeypatch):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            analyse(database, NOW)
    assert told(database) == []
    run(database)
    assert len(told(database)) == len(sent(database)) == 1


def test_a_broken_rule_neither_silences_the_others_nor_takes_back_what_it_said(database, caplog):
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0})
    run(database)
    before = told(database)

    def broken(_):
        raise ValueError("the value 63.0 is odd")

    rules = {**RULES, "deviation": Rule("deviation", "", "", {}, broken)}
    put(database, {TODAY: 64.0})
    while analyse(database, NOW, rules):
        pass
    assert told(database) == before
    assert "deviation" in caplog.text
    assert "63.0" not in caplog.text


def test_other_people_are_not_touched(database):
    with database.writing() as c:
        people.add_person(c, "Bob", "UTC", NOW)
    put(database, {**usual(), TODAY - DAY: 62.0, TODAY: 63.0}, person=2)
    run(database)
    assert told(database) == []
    assert len(told(database, 2)) == 1
    assert sent(database) == []


def test_nights_are_judged_too(database):
    with database.writing() as c:
        for i in range(60):
            asleep = 250.0 if i < 2 else 430.0 + i % 5
            date = (TODAY - i * DAY).isoformat()
            c.exec_driver_sql("INSERT INTO night VALUES (1, ?, ?, 0, 1, ?, 0)", (date, asleep, '{"name":"Watch"}'))
            c.exec_driver_sql("INSERT INTO changed_day VALUES (1, ?, 1)", (date,))
    run(database)
    assert ("deviation", "asleep") in {row[:2] for row in told(database)}


def test_ten_years_at_once_take_seconds(database):
    seed = random.Random(3)
    with database.writing() as c:
        for metric in (PULSE, "hrv_sdnn", "respiratory_rate", "oxygen_saturation", "steps", "body_temperature"):
            rows = [(metric, (TODAY - i * DAY).isoformat(), 54 + seed.gauss(0, 2)) for i in range(3650)]
            c.exec_driver_sql("INSERT INTO day VALUES (1, ?, ?, ?, NULL, NULL, NULL, 1, 1, 'raw', '', '{}', NULL, NULL)", rows)
        c.exec_driver_sql("INSERT INTO changed_day SELECT DISTINCT 1, date, 1 FROM day")
    began = time.process_time()
    assert run(database) == 10
    assert time.process_time() - began < 20
    began = time.process_time()
    put(database, {TODAY: 54.0})
    run(database)
    assert time.process_time() - began < 1
