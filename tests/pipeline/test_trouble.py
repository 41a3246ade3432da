"""Real uploads and a clock: what loops, what brings nothing new and what falls silent is found once, told once, and closes by itself."""

import datetime as dt

import msgspec
import pytest
from house import HOUR, NOON, House, steps

from healthbox.analytics.trouble import TROUBLES
from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue
from healthbox.notify.channels import Outcome
from healthbox.pipeline import schedule, trouble
from healthbox.pipeline.analyse import Evidence, analyse
from healthbox.pipeline.deliver import deliver
from healthbox.store import channels, deliveries, devices, findings, freshness, people
from healthbox.store.findings import RuleSetting
from healthbox.store.vault import Vault

CATALOGUE = Catalogue.load()
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def only_this_job(monkeypatch):
    monkeypatch.setattr(schedule, "JOBS", {trouble.JOB: schedule.JOBS[trouble.JOB]})


@pytest.fixture
def house(house: House) -> House:
    with house.database.writing() as c:
        vault = Vault(house.settings.data)
        vault.start(c)
        channels.add(c, vault, 1, name="Phone", service="JSON", url="json://192.168.1.20/", detail="values", least="info", now=NOON)
    schedule.prepare(house.database, house.settings, house.at)
    return house


def iso(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat()


def reading(at: int, source: str) -> dict[str, object]:
    product = {"Watch": "Watch7,5", "iPhone": "iPhone15,4"}[source]
    return steps(iso(at - 600_000), iso(at), 100 + at // HOUR % 50, source={"name": source, "product": product})


def live(house: House, hours: int, *sources: str, send: bool = True, every: int = 1) -> list[dict[str, object]]:
    """Hour by hour: the phone sends what these sources measured, the schedule runs what is due; returns what was sent."""
    sent: list[dict[str, object]] = []
    for hour in range(hours):
        house.at += HOUR
        if send and hour % every == 0:
            sent += (samples := [reading(house.at, source) for source in sources])
            house.sync(samples=samples)
        tick(house)
    return sent


def tick(house: House) -> None:
    schedule.run_due(house.database, house.settings, house.at)


def rows(house: House) -> list[tuple[str, str, str]]:
    with house.database.reading() as c:
        return [(row.rule, row.metric, row.state) for row in findings.of_person(c, 1, rules=TROUBLES)]


def evidence(house: House, at: int = 0):
    with house.database.reading() as c:
        return msgspec.json.decode(findings.of_person(c, 1, rules=TROUBLES)[at].json, type=Evidence).findings[-1]


def messages(house: House) -> list[str]:
    """What goes out now."""
    said: list[str] = []
    send = lambda _url, title, body, _settings: said.append(f"{title}|{body}") or Outcome(True, "")  # noqa: E731
    settings = Settings(data=house.settings.data)
    while deliver(house.database, Vault(house.settings.data), settings, CATALOGUE, house.at, send=send):
        pass
    return said


def test_a_phone_that_stops_is_found_told_once_and_closed_by_its_next_upload(house):
    live(house, 4 * 24, "Watch", "iPhone", every=4)
    assert rows(house) == []
    ((stopped,),) = house.rows("SELECT last_contact_at FROM device")
    live(house, 20, send=False)
    assert rows(house) == []
    live(house, 2, send=False)
    assert rows(house) == [("silent", "device:1", "open")], "its sources are no findings of their own"
    (said,) = messages(house)
    assert said.startswith("Alice's phone has not sent since ")
    assert "Unlock the phone" in said
    live(house, 20, send=False)
    assert messages(house) == []
    assert evidence(house).words["since"] == stopped
    house.at += HOUR
    house.sync(samples=[reading(house.at, "Watch")])
    assert rows(house) == [("silent", "device:1", "resolved")], "closed by the upload itself, not by the clock"
    assert evidence(house).words["ended"] == "cured"
    live(house, 23, "Watch", "iPhone", every=4)
    assert rows(house) == [("silent", "device:1", "resolved")], "a phone that is back brings the rest bit by bit"
    live(house, 30, send=False)
    assert rows(house) == [("silent", "device:1", "open")], "the same episode goes on within a week"
    assert messages(house) == []


def test_a_watch_that_is_taken_off_is_found_while_the_phone_goes_on(house):
    live(house, 4 * 24, "Watch", "iPhone", every=4)
    live(house, 30, "iPhone")
    with house.database.reading() as c:
        ((number,),) = c.exec_driver_sql("SELECT id FROM source WHERE name='Watch'").fetchall()
    assert rows(house) == [("silent", f"source:{number}", "open")]
    (said,) = messages(house)
    assert said.startswith("Nothing new from Watch since ")
    assert "Alice's phone still sends" in said
    live(house, 1, "Watch", "iPhone")
    assert rows(house) == [("silent", f"source:{number}", "resolved")]


def test_an_unlocked_phones_uploads_without_anything_in_them_are_one_finding(house):
    live(house, 4 * 24, "Watch", "iPhone", every=4)
    live(house, 30)
    assert rows(house) == [("silent", "device:1", "open")]
    assert evidence(house).words["cause"] == "empty"


def test_the_same_body_again_and_again(house):
    live(house, 4 * 24, "Watch", every=4)
    stuck = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": [
        {"qty": 12, "date": "2026-03-22 09:00:00 +0100", "source": "Watch"}]}]}}  # fmt: skip
    for count in range(24):
        house.at += HOUR
        house.ingest(stuck)
        tick(house)
        assert count > 5 or rows(house) == []
    assert rows(house) == [("looping", "device:1", "open")]
    (said,) = messages(house)
    assert "has sent the same again and again since" in said
    live(house, 2, "Watch")
    assert rows(house) == [("looping", "device:1", "resolved")]


def test_a_chunk_of_a_sync_that_is_sent_forever_leaves_a_trace_though_it_is_answered_as_known(house):
    live(house, 4 * 24, "Watch", every=4)
    house.at += HOUR
    body = house.body(samples=[reading(house.at, "Watch")])
    before = house.send(body)
    for _ in range(20):
        house.at += 20 * 60_000
        assert house.send(body) == before._replace(status="completed", again=True)
    for _ in range(20):
        house.at += HOUR
        house.send(body)
        tick(house)
    assert rows(house) == [("looping", "device:1", "open")]
    assert house.rows("SELECT again FROM chunk WHERE again>0") == [(40,)]


def test_an_automation_with_the_wrong_span_brings_nothing_new(house):
    old = live(house, 4 * 24, "Watch", every=4)
    for count in range(30):
        house.at += HOUR
        house.sync(samples=[old[count % 20]])
        tick(house)
    assert rows(house) == [("duplicates", "device:1", "open")]
    assert evidence(house).words["upload"] == house.rows("SELECT public FROM batch ORDER BY id DESC LIMIT 1")[0][0]
    live(house, 1, "Watch")
    assert rows(house) == [("duplicates", "device:1", "resolved")]


def test_a_daily_automation_of_duplicates_beside_an_hourly_one_is_fine(house):
    for _ in range(6):
        live(house, 24, "Watch", every=4)
        house.sync(samples=[reading(house.at - back * HOUR, "Watch") for back in range(3, 24, 4)])
    assert rows(house) == []


def test_a_server_that_was_off_does_not_blame_the_phone(house):
    live(house, 4 * 24, "Watch", every=4)
    house.at += 4 * DAY
    house.pump = house.new_pump()
    tick(house)
    live(house, 23, send=False)
    assert rows(house) == []
    live(house, 3, send=False)
    assert rows(house) == [("silent", "device:1", "open")]


def test_a_revoked_phone_and_another_persons_are_nobodys_trouble(house):
    live(house, 4 * 24, "Watch", every=4)
    with house.database.writing() as c:
        people.add_person(c, "Bob", "Europe/Berlin", house.at)
        devices.revoke(c, house.phone.id, house.at)
    live(house, 30, send=False)
    assert rows(house) == []
    with house.database.reading() as c:
        assert findings.of_person(c, 2) == []


def test_while_an_upload_is_being_read_findings_stay_as_they_are(house):
    live(house, 4 * 24, "Watch", every=4)
    live(house, 20, send=False)
    house.at += 3 * HOUR
    house.sync(samples=[reading(house.at - DAY, "Watch")], run=False)
    trouble.watch(house.database, 1, house.at)
    assert rows(house) == []


def test_a_rule_that_is_switched_off_takes_its_finding_back_and_days_judged_anew_do_not(house):
    live(house, 4 * 24, "Watch", every=4)
    live(house, 26, send=False)
    with house.database.writing() as c:
        findings.mark_changed(c, 1, dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    while analyse(house.database, house.at):
        pass
    assert rows(house) == [("silent", "device:1", "open")]
    with house.database.writing() as c:
        findings.set_rule(c, 1, "silent", RuleSetting(False, {}), days=False)
        assert findings.next_changed(c, 400) is None
    tick(house)
    live(house, 1, send=False)
    assert rows(house) == []
    assert messages(house) == []


def test_a_known_reason_silences_it_until_it_is_over(house):
    live(house, 4 * 24, "Watch", every=4)
    live(house, 26, send=False)
    with house.database.writing() as c:
        (row,) = findings.of_person(c, 1)
        findings.mute(c, 1, row.id, note="on a boat", quiet_until=None, now=house.at)
    live(house, 30, send=False)
    assert rows(house) == [("silent", "device:1", "muted")]
    assert messages(house) == []


def test_a_second_trouble_of_the_day_is_shown_and_not_told(house):
    with house.database.writing() as c:
        other, _ = devices.add_device(c, 1, "Alice's tablet", ["ingest"], house.at)
    for _ in range(4 * 6):
        live(house, 4, "Watch", every=4)
        house.send(house.body(samples=[reading(house.at, "iPhone")]), device=other)
    live(house, 26, send=False)
    assert rows(house) == [("silent", "device:1", "open"), ("silent", "device:2", "open")]
    assert len(messages(house)) == 1
    live(house, 24, send=False)
    assert len(messages(house)) == 1, "the other one on the next day, for it lasts"


def test_the_search_is_bounded_and_walks_along_indexes(house):
    live(house, 3, "Watch")
    with house.database.writing() as c:
        c.exec_driver_sql(
            "CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM up LIMIT 20000) SELECT i FROM up"
        )
        c.exec_driver_sql(
            "INSERT INTO batch (public, person_id, device_id, format, status, zone, new, created_at, touched_at, closed_at) "
            "SELECT 'b'||i, 1, 1, 'native-sync', 'completed', 'UTC', 1, ?+i, ?+i, ?+i FROM n",
            (house.at, house.at, house.at),
        )
        c.exec_driver_sql(
            "INSERT INTO chunk (batch_id, idx, sha, size, status, due_at, accepted_at, as_of) "
            "SELECT id, 0, randomblob(32), 9, 'done', 0, created_at, created_at FROM batch WHERE public GLOB 'b[0-9]*'"
        )
    with house.database.reading() as c:
        ((device,),) = [[one.uploads] for one in trouble.gather(c, 1, house.at + 30_000).devices]
        assert len(device) == 400
        plan = " ".join(
            str(row) for row in c.exec_driver_sql("EXPLAIN QUERY PLAN SELECT id FROM batch WHERE device_id=1 ORDER BY id DESC LIMIT 9")
        )
    assert "batch_device" in plan


def test_a_broken_detector_stops_nothing_and_takes_nothing_back(house, monkeypatch, caplog):
    live(house, 4 * 24, "Watch", every=4)
    live(house, 26, send=False)

    def broken(*_):
        raise ValueError("Alice's watch")

    monkeypatch.setattr(trouble, "judge", broken)
    live(house, 3, "Watch")
    assert rows(house) == [("silent", "device:1", "open")]
    assert "trouble_failed" in caplog.text
    assert "Alice's watch" not in caplog.text


def test_deliveries_of_trouble_are_of_their_own_category(house):
    live(house, 4 * 24, "Watch", every=4)
    live(house, 26, send=False)
    assert house.rows("SELECT category FROM delivery") == [("data",)]
    with house.database.reading() as c:
        assert len(deliveries.of_person(c, 1)) == 1


def test_habits_are_computed_while_others_may_write(house, monkeypatch):
    real, readonly = freshness.habits, []

    def habits(c, person_id):
        readonly.append(c.exec_driver_sql("PRAGMA query_only").scalar_one())
        return real(c, person_id)

    monkeypatch.setattr(freshness, "habits", habits)
    live(house, 3, "Watch")
    assert set(readonly) == {1}
    assert house.rows("SELECT count(*) FROM arrival WHERE form='series'") == [(1,)]


def test_who_is_removed_while_his_habits_are_computed_gets_none(house, monkeypatch):
    live(house, 3, "Watch")
    real = freshness.habits

    def habits(c, person_id):
        found = real(c, person_id)
        with house.database.writing() as other:
            other.exec_driver_sql("DELETE FROM person")
        return found

    monkeypatch.setattr(freshness, "habits", habits)
    trouble.refresh(house.database, 1, house.at)
    assert house.rows("SELECT count(*) FROM arrival") == [(0,)]
