"""What silently stopped is one calm line on Today and a card with advice among the findings; it judges nobody's body."""

import datetime as dt
import re

import msgspec
import pytest
from place import NOON, Place
from sqlalchemy import event
from year import live_a_year

from healthbox.analytics.rules.contract import Finding
from healthbox.pipeline.analyse import Evidence
from healthbox.pipeline.schedule import prepare
from healthbox.store import channels, deliveries, findings, jobs
from healthbox.store.findings import FindingRow
from healthbox.store.vault import Vault

TODAY = dt.date(2025, 11, 20)
DAY = dt.timedelta(days=1)
HOUR = 3_600_000
KINDS = {
    "silent": ("device:1", 24.0, {"longest": 9.0 * HOUR}),
    "looping": ("device:1", 31.0, {"upload": "an-upload"}),
    "duplicates": ("device:1", 30.0, {"upload": "an-upload"}),
    "watch": ("source:4", 24.0, {"longest": 9.0 * HOUR, "kind": "watch", "phone": "Phone"}),
}
LINES = {
    "silent": "Alice’s phone has not sent since 18 Nov 08:38.",
    "looping": "Alice’s phone has sent the same again and again since 18 Nov 08:38.",
    "duplicates": "Nothing new from Alice’s phone since 18 Nov 08:38.",
    "watch": "Nothing new from Alice’s phone since 18 Nov 08:38.",
}


def trouble(place: Place, kind: str, *, ended: bool = False, person: str = "Alice", number: int = 0) -> FindingRow:
    key, value, words = KINDS[kind]
    since = dt.datetime(2025, 11, 18, 7, 38, tzinfo=dt.UTC).timestamp() * 1000
    said = {"name": "Alice’s phone", "since": since, **words}
    if ended:
        said |= {"until": since + 40.0 * HOUR, "ended": "cured"}
    rule = "silent" if kind == "watch" else kind
    found = Finding(rule, f"{key}{number or ''}", TODAY, "info", value, None, None, "above", said)
    with place.database.writing() as c:
        return findings.upsert_episode(
            c, place.persons[person], rule, found.metric, TODAY, latest=TODAY, ended=ended, severity="info",
            json=msgspec.json.encode(Evidence([found])).decode(), now=NOON,
        )  # fmt: skip


def text(place: Place, path: str, login: str = "alice") -> str:
    answer = place.browser(login).client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\N{NO-BREAK SPACE}", " ").replace("&#39;", "'")


@pytest.mark.parametrize("kind", list(KINDS))
def test_today_says_what_stopped_and_since_when_and_leads_there(place: Place, kind: str) -> None:
    live_a_year(place, last_days=60)
    row = trouble(place, kind)
    page = text(place, "/")
    assert LINES[kind] in page
    assert f'href="/findings#finding-{row.id}"' in page
    assert LINES[kind] not in text(place, "/day/2025-11-12"), "today's matter"
    assert LINES[kind] not in text(place, "/", "bob")
    assert "Beyond a published limit" not in page
    with place.database.writing() as c:
        findings.mute(c, place.persons["Alice"], row.id, note="on a boat", quiet_until=None, now=NOON)
    assert LINES[kind] not in text(place, "/")


def test_today_is_silent_again_when_it_is_cured_and_says_many_in_one_line(place: Place) -> None:
    live_a_year(place, last_days=60)
    trouble(place, "silent", ended=True)
    assert "has not sent" not in text(place, "/")
    first = trouble(place, "watch")
    trouble(place, "watch", number=1)
    trouble(place, "watch", number=2)
    page = text(place, "/")
    assert "3 things that usually send bring nothing new." in page
    assert f'href="/findings#finding-{first.id}"' in page
    assert f'id="finding-{first.id}"' in text(place, "/findings")


@pytest.mark.parametrize(("kind", "link"), [("silent", "/devices/1"), ("looping", "/uploads/an-upload"), ("watch", "/data")])
def test_a_card_says_what_to_do_and_can_be_silenced(place: Place, kind: str, link: str) -> None:
    row, browser = trouble(place, kind), place.browser()
    page = text(place, "/findings")
    assert LINES[kind].rstrip(".") in page
    assert "Nothing is unusual right now." in page, "it is no finding about the body"
    assert f'href="{link}"' in page
    assert "It closes by itself once new data comes." in page
    assert re.search(r"unlocked|Unlock|charged", page)
    assert browser.client.post(f"/findings/{row.id}/quiet", data={"csrf": browser.csrf}).status_code == 303
    assert "Quiet until 23 Nov" in text(place, "/findings")
    assert LINES[kind].rstrip(".") not in text(place, "/findings", "bob")


def test_what_is_over_says_how_it_ended(place: Place) -> None:
    trouble(place, "silent", ended=True)
    page = text(place, "/findings")
    assert "Over since 20 Nov 00:38: new data came." in page
    assert "It closes by itself" not in page


def test_each_detector_is_a_rule_with_numbers_and_its_change_judges_no_days(place: Place) -> None:
    live_a_year(place, last_days=30)
    prepare(place.database, place.settings, NOON)
    with place.database.writing() as c:
        c.exec_driver_sql("DELETE FROM changed_day")
    page, browser = text(place, "/findings/rules"), place.browser()
    for name in ("looping_times", "duplicates_uploads", "silent_hours", "silent_longest"):
        assert f'<label class="note" for="n-{name}">' in page
    answer = browser.client.post("/findings/rules/silent", data={"csrf": browser.csrf, "enabled": "1", "silent_hours": "48"})
    assert answer.status_code == 303
    with place.database.reading() as c:
        assert findings.rule_settings(c, place.persons["Alice"])["silent"].params == {"silent_hours": 48.0}
        assert findings.next_changed(c, 400) is None
        assert jobs.due(c, NOON) == ["trouble"], "it is looked at now"


def test_the_channels_log_names_it_without_a_device(place: Place) -> None:
    vault = Vault(place.settings.data)
    row = trouble(place, "silent")
    with place.database.writing() as c:
        vault.start(c)
        channels.add(c, vault, place.persons["Alice"], name="My phone", service="JSON", url="json://192.168.1.20/", detail="metric",
                     least="info", now=NOON)  # fmt: skip
        deliveries.create(c, row.id, "opened", NOON, category="data", today=NOON)
    assert "device:1" not in text(place, "/findings/channels")
    assert "on its way to My phone" in text(place, "/findings")


def test_the_findings_page_takes_fifteen_reads_however_many_there_are(place: Place) -> None:
    live_a_year(place, last_days=120)
    vault, person = Vault(place.settings.data), place.persons["Alice"]
    metrics = ("steps", "resting_heart_rate", "hrv_sdnn", "respiratory_rate", "oxygen_saturation", "asleep", "weight")
    with place.database.writing() as c:
        vault.start(c)
        c.exec_driver_sql("DELETE FROM finding")
        channels.add(c, vault, person, name="Phone", service="JSON", url="json://192.168.1.20/", detail="values", least="info", now=NOON)
        for back in range(0, 100, 9):
            for metric in metrics:
                told = Finding("deviation", metric, TODAY - back * DAY, "warn", 61.0, 52.0, 57.0, "above", {})
                row = findings.upsert_episode(
                    c, person, "deviation", metric, told.date, latest=told.date, ended=back > 0, severity="warn",
                    json=msgspec.json.encode(Evidence([told])).decode(), now=NOON,
                )  # fmt: skip
                deliveries.create(c, row.id, "opened", NOON)
    for kind in KINDS:
        trouble(place, kind, number=3)
    client, seen = place.browser().client, list[str]()

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(place.database.reader, "before_cursor_execute", note)
    page = client.get("/findings").text
    client.get("/findings?past=all")
    event.remove(place.database.reader, "before_cursor_execute", note)
    assert page.count("on its way to Phone") >= 7
    assert len(seen) <= 2 * 15, seen
