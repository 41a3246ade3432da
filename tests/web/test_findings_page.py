"""What was unusual is shown with its evidence, and a person can say something to it."""

import datetime as dt

import msgspec
import pytest
from place import NOON, Place

from healthbox.analytics.rules.contract import Finding
from healthbox.pipeline.analyse import Evidence
from healthbox.store import days, findings, people
from healthbox.store.days import DayRow
from healthbox.store.findings import FindingRow

TODAY = dt.date(2025, 11, 20)
DAY = dt.timedelta(days=1)


def pulse_days(place: Place, name: str = "Alice", nights: int = 30) -> None:
    """A calm resting pulse, and two mornings that are not."""
    values = [61.0 if at < 2 else 54.0 + at % 3 for at in range(nights)]
    rows = [
        DayRow("resting_heart_rate", (TODAY - at * DAY).isoformat(), value, None, None, None, 1, 1.0, "raw", "", "{}")
        for at, value in enumerate(values)
    ]
    with place.database.writing() as c:
        days.put_days(c, place.persons[name], rows, [], [])


def found(place: Place, name: str = "Alice", *, ended: bool = False, back: int = 0, rule: str = "deviation") -> FindingRow:
    last = TODAY - back * DAY
    low, high = (52.0, 57.0) if rule == "deviation" else (None, 91.0)
    words: dict[str, str | float] = {} if rule == "deviation" else {"source": "NEWS2"}
    mornings = ((last - DAY, 60.0), (last, 61.0))
    told = [Finding(rule, "resting_heart_rate", day, "warn", value, low, high, "above", words) for day, value in mornings]
    with place.database.writing() as c:
        people.update(c, place.persons[name], locale="en_GB")
        return findings.upsert_episode(
            c, place.persons[name], rule, "resting_heart_rate", last - DAY, latest=last, ended=ended, severity="warn",
            json=msgspec.json.encode(Evidence(told)).decode(), now=NOON,
        )  # fmt: skip


def row(place: Place, identity: int, name: str = "Alice") -> FindingRow:
    with place.database.reading() as c:
        return findings.get(c, place.persons[name], identity)


def text(place: Place, path: str = "/findings", login: str = "alice") -> str:
    answer = place.browser(login).client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_finding_is_a_sentence_with_its_evidence(place: Place) -> None:
    pulse_days(place)
    one = found(place)
    page = text(place)
    assert "One thing is unusual right now." in page
    assert "Resting pulse 61 bpm" in page, "the name that Today uses"
    assert "4 bpm above your usual 52–57. 60, 61 on the last two such days." in page
    assert "Seen once in the last 90 days" in page
    assert f'id="spark-{one.id}-t"' in page, "the line is announced"
    assert f"/metrics/resting_heart_rate/{TODAY}/why" in page
    assert "band = your usual then" in page


def test_a_published_limit_names_its_source_and_is_marked_as_one(place: Place) -> None:
    found(place, rule="clinical")
    page = text(place)
    assert "Beyond a published limit" in page
    assert "under" not in page.split("card finding")[1].split("</h2>")[1].split("</p>")[0]
    assert "the limit of 91 bpm (NEWS2)" in page
    assert "card finding crit" in page


def test_a_known_reason_stays_and_silences(place: Place) -> None:
    one, browser = found(place), place.browser()
    answer = browser.client.post(f"/findings/{one.id}/reason", data={"csrf": browser.csrf, "note": " A  cold "})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/findings")
    assert (row(place, one.id).state, row(place, one.id).note) == ("muted", "A cold")
    page = text(place)
    assert "Your reason: A cold" in page
    assert "Nothing is unusual right now." in page
    browser.client.post(f"/findings/{one.id}/watch", data={"csrf": browser.csrf})
    assert (row(place, one.id).state, row(place, one.id).note) == ("open", "A cold")


def test_quiet_lasts_three_days_and_leads_back_to_where_it_was_asked(place: Place) -> None:
    one, browser = found(place), place.browser()
    answer = browser.client.post(f"/findings/{one.id}/quiet", data={"csrf": browser.csrf, "next": "/day/2025-11-20"})
    assert answer.headers["Location"] == "/day/2025-11-20"
    assert row(place, one.id).quiet_until == TODAY + 3 * DAY
    assert "Quiet until 23 Nov" in text(place)
    away = browser.client.post(f"/findings/{one.id}/quiet", data={"csrf": browser.csrf, "next": "//evil.example/"})
    assert away.headers["Location"] == "/"


@pytest.mark.parametrize("note", ["", "  ", "x" * 501])
def test_a_reason_has_words(place: Place, note: str) -> None:
    one, browser = found(place), place.browser()
    assert browser.client.post(f"/findings/{one.id}/reason", data={"csrf": browser.csrf, "note": note}).status_code == 422
    assert row(place, one.id).state == "open"


def test_a_form_without_its_token_changes_nothing(place: Place) -> None:
    one, browser = found(place), place.browser()
    for act in ("reason", "quiet", "watch"):
        assert browser.client.post(f"/findings/{one.id}/{act}", data={"note": "A cold"}).status_code == 403
    assert row(place, one.id).state == "open"


def test_past_and_withdrawn_ones_are_listed_and_long_lists_are_cut(place: Place) -> None:
    for back in range(10, 130, 5):
        found(place, ended=True, back=back)
    gone = found(place, back=2)
    with place.database.writing() as c:
        findings.mute(c, place.persons["Alice"], gone.id, note="A cold", quiet_until=None, now=NOON)
        findings.withdraw(c, gone.id, NOON)
    page = text(place)
    assert "Data that came later no longer shows this." in page
    assert "Show 15 older ones" in page
    assert "older ones" not in text(place, "/findings?past=all")
    assert f"{1 + sum(back + 1 < 90 for back in range(10, 130, 5))} times in 90 days" in page


def test_nobody_sees_or_touches_anothers_findings_not_even_an_admin(place: Place) -> None:
    pulse_days(place, "Bob")
    one = found(place, "Bob")
    page, browser = text(place), place.browser("alice")
    assert "Resting pulse" not in page and "Resting Heart Rate" not in page
    assert "Nothing is unusual right now." in page
    for act in ("reason", "quiet", "watch"):
        answer = browser.client.post(f"/findings/{one.id}/{act}", data={"csrf": browser.csrf, "note": "mine"})
        assert answer.status_code == 404
    assert row(place, one.id, "Bob").note is None
    assert "Resting pulse 61 bpm" in text(place, login="bob")


def test_units_and_numbers_are_those_of_the_person(place: Place) -> None:
    with place.database.writing() as c:
        people.update(c, place.persons["Alice"], units="imperial", locale="de")
        told = [Finding("clinical", "body_temperature", TODAY, "warn", 39.2, None, 39.1, "above", {"source": "NEWS2"})]
        findings.upsert_episode(
            c, place.persons["Alice"], "clinical", "body_temperature", TODAY, latest=TODAY, ended=False, severity="warn",
            json=msgspec.json.encode(Evidence(told)).decode(), now=NOON,
        )  # fmt: skip
    page = text(place)
    assert "Body temperature 102,6 °F" in page
    assert "0,2 °F over the limit of 102,4 °F (NEWS2)" in page


def test_while_the_usual_is_learnt_the_page_says_how_far(place: Place) -> None:
    pulse_days(place, nights=12)
    assert "Learning your usual: 12 of 14 nights" in text(place)
    assert "Learning your usual: 12 of 14 nights" in text(place, "/findings/rules")
    pulse_days(place, nights=60)
    assert "Learning" not in text(place, "/findings/rules")
    assert "usual range, from 42 nights" in text(place, "/findings/rules")


def test_a_rule_is_switched_off_and_its_numbers_are_kept(place: Place) -> None:
    browser = place.browser()
    pulse_days(place)
    numbers = {"resting_heart_rate_above_info": "95", "falls_above_urgent": "1", "asleep_week_nights": ""}
    answer = browser.client.post("/findings/rules/clinical", data={"csrf": browser.csrf, **numbers})
    assert answer.status_code == 303
    with place.database.reading() as c:
        kept = findings.rule_settings(c, place.persons["Alice"])["clinical"]
        assert (kept.enabled, kept.params) == (False, {"resting_heart_rate_above_info": 95.0})
        assert findings.next_changed(c, 400) is not None, "every day is judged anew"
    assert place.rings
    page = text(place, "/findings/rules?saved=clinical")
    assert "1 number changed" in page
    assert "the rule’s own: 91" in page
    browser.client.post("/findings/rules/clinical", data={"csrf": browser.csrf, "reset": "1"})
    with place.database.reading() as c:
        assert findings.rule_settings(c, place.persons["Alice"])["clinical"] == findings.RuleSetting()


@pytest.mark.parametrize("number", ["many", "-1", "nan", "inf", "1e9", "\x00"])
def test_a_number_that_is_none_is_refused_in_words(place: Place, number: str) -> None:
    browser = place.browser()
    answer = browser.client.post("/findings/rules/deviation", data={"csrf": browser.csrf, "enabled": "1", "scales": number})
    assert answer.status_code == 422
    assert "How far out counts" in answer.text
    with place.database.reading() as c:
        assert findings.rule_settings(c, place.persons["Alice"]) == {}
    assert browser.client.post("/findings/rules/nothing", data={"csrf": browser.csrf}).status_code == 404


def test_every_number_of_every_rule_has_a_label_and_a_field(place: Place) -> None:
    page = text(place, "/findings/rules")
    for name in ("resting_heart_rate_above_info", "falls_above_urgent", "asleep_week_below_warn", "scales", "nights_needed"):
        assert f'<label class="note" for="n-{name}">' in page
        assert f'name="{name}"' in page
    assert "Body temperature, °C" in page
    assert "NEWS2" in page and "ACC/AHA" in page
