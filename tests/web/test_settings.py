"""A person sets zone, units, looks and password; an admin sees the server's backups and settings."""

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from place import NOON, PASSWORD, Browser, Place

from healthbox.pipeline import schedule
from healthbox.store import accounts, days, jobs, logins, people
from healthbox.store.days import DayRow

TODAY = dt.date(2025, 11, 20)


def post(browser: Browser, path: str, **form: str) -> int:
    return browser.client.post(f"/settings/{path}", data={"csrf": browser.csrf, **form}).status_code


def history(place: Place) -> list[tuple[int, str]]:
    with place.database.reading() as c:
        return people.zone_history(c, place.persons["Alice"])


def dirty(place: Place) -> list[str]:
    with place.database.reading() as c:
        return [row[0] for row in c.exec_driver_sql("SELECT date FROM dirty_day WHERE metric='steps' ORDER BY date")]


@pytest.fixture
def walked(place: Place) -> Place:
    """Ten days of steps, folded."""
    rows = [
        DayRow("steps", (TODAY - dt.timedelta(days=at)).isoformat(), 1000.0, None, None, None, 1, 1.0, "raw", "", '{"sources":[]}')
        for at in range(10)
    ]
    with place.database.writing() as c:
        people.update(c, place.persons["Alice"], locale="en_GB")
        days.put_days(c, place.persons["Alice"], rows, [], [])
    return place


def test_the_page_says_who_and_what_is_set(place: Place) -> None:
    page = place.browser().client.get("/settings").text
    assert "Logged in as <b>alice</b>, an admin" in page
    assert "seen by this account alone" in page
    assert "Your days begin at midnight in <b>Europe/Berlin</b>" in page
    assert 'id="precedence"' in page


def test_units_clock_and_colours_are_kept_and_used(place: Place) -> None:
    browser = place.browser()
    assert post(browser, "look", units="imperial", locale="en_US", theme="dark") == 303
    with place.database.reading() as c:
        person = people.get_person(c, place.persons["Alice"])
    assert (person.units, person.locale) == ("imperial", "en_US")
    assert '<html lang="en" data-theme="dark">' in browser.client.get("/settings?saved=look").text
    assert post(browser, "look", units="imperial", locale="en_US", theme="") == 303
    assert "data-theme" not in browser.client.get("/settings").text


@pytest.mark.parametrize("wrong", [{"units": "stones"}, {"locale": "tlh"}, {"theme": "pink"}])
def test_a_look_that_is_not_offered_is_refused(place: Place, wrong: dict[str, str]) -> None:
    assert post(place.browser(), "look", **({"units": "metric", "locale": "de", "theme": ""} | wrong)) == 422


def test_a_new_zone_holds_from_its_first_day_and_marks_the_days_it_touches(walked: Place) -> None:
    assert post(walked.browser(), "zone", zone="Asia/Tokyo", since="2025-11-17") == 303
    midnight = int(dt.datetime(2025, 11, 17, tzinfo=ZoneInfo("Asia/Tokyo")).timestamp() * 1000)
    assert history(walked) == [(0, "Europe/Berlin"), (midnight, "Asia/Tokyo")]
    assert dirty(walked) == [f"2025-11-{day}" for day in range(15, 22)], "the days from then on and their neighbours"
    assert walked.rings
    assert "since 17 Nov 2025" in walked.browser().client.get("/settings").text


def test_a_zone_before_a_later_change_touches_only_the_days_between(walked: Place) -> None:
    post(walked.browser(), "zone", zone="Asia/Tokyo", since="2025-11-17")
    with walked.database.writing() as c:
        c.exec_driver_sql("DELETE FROM dirty_day")
    post(walked.browser(), "zone", zone="America/New_York", since="2025-11-13")
    assert dirty(walked)[0] == "2025-11-11"
    assert dirty(walked)[-1] <= "2025-11-19"


def test_without_a_date_the_zone_was_wrong_all_along(walked: Place) -> None:
    assert post(walked.browser(), "zone", zone="Europe/London", since="") == 303
    assert history(walked) == [(0, "Europe/London")]
    assert len(dirty(walked)) == 12


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"zone": "Mars/Base", "since": ""}, "no time zone"),
        ({"zone": "Asia/Tokyo", "since": "2025-11-22"}, "not begun yet"),
        ({"zone": "Asia/Tokyo", "since": "soon"}, "not a date"),
        ({"zone": "\x00", "since": ""}, "no time zone"),
    ],
)
def test_a_zone_that_cannot_be_is_refused_in_words(place: Place, form: dict[str, str], words: str) -> None:
    browser = place.browser()
    answer = browser.client.post("/settings/zone", data={"csrf": browser.csrf, **form})
    assert answer.status_code == 422
    assert words in answer.text
    assert history(place) == [(0, "Europe/Berlin")]


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(place: Place) -> None:
    here, elsewhere = place.browser(), place.browser()
    assert post(here, "password", old="guessed", new="a better one") == 422
    assert post(here, "password", old=PASSWORD, new="short") == 422
    assert elsewhere.client.get("/settings").status_code == 200
    assert post(here, "password", old=PASSWORD, new="a better one") == 303
    assert here.client.get("/settings").status_code == 200
    assert elsewhere.client.get("/settings").status_code == 303
    fresh = place.client()
    assert fresh.post("/login", data={"login": "alice", "password": PASSWORD}).status_code == 401
    assert fresh.post("/login", data={"login": "alice", "password": "a better one"}).status_code == 303


def test_guessing_the_old_password_is_slowed_down(place: Place) -> None:
    browser = place.browser()
    assert [post(browser, "password", old="guess", new="a better one") for _ in range(6)] == [422] * 5 + [429]


def test_sessions_are_listed_and_ended_but_only_ones_own(place: Place) -> None:
    here, other, bobs = place.browser(), place.browser(), place.browser("bob")
    with place.database.reading() as c:
        names = [s.id.hex()[:16] for s in logins.list_sessions(c, other.account_id, NOON, place.settings)]
        foreign = logins.list_sessions(c, bobs.account_id, NOON, place.settings)[0].id.hex()[:16]
    page = here.client.get("/settings").text
    listed = [name for name in names if f"/sessions/{name}/end" in page]
    assert len(listed) == 1, "not the one that asks"
    assert post(here, f"sessions/{foreign}/end") == 404
    assert post(here, f"sessions/{listed[0]}/end") == 303
    assert other.client.get("/settings").status_code == 303
    place.browser()
    assert post(here, "sessions/others/end") == 303
    with place.database.reading() as c:
        assert len(logins.list_sessions(c, here.account_id, NOON, place.settings)) == 1
    assert bobs.client.get("/settings").status_code == 200


@pytest.mark.parametrize("path", ["zone", "look", "password", "sessions/others/end", "server/backup"])
def test_no_form_works_without_its_token(place: Place, path: str) -> None:
    browser = place.browser()
    assert browser.client.post(f"/settings/{path}", data={"zone": "Asia/Tokyo"}).status_code == 403


def test_backups_are_listed_and_made_on_request(place: Place) -> None:
    browser = place.browser()
    schedule.prepare(place.database, place.settings, NOON)
    assert "No backup was made yet" in browser.client.get("/settings/server").text
    assert post(browser, "server/backup") == 303
    assert place.rings == [], "the worker looks at the schedule by itself"
    assert "Asked for" in browser.client.get("/settings/server").text
    assert schedule.run_due(place.database, place.settings, NOON) == ["backup"]
    page = browser.client.get("/settings/server").text
    assert "made and verified <b>just now" in page
    assert "healthbox-2025-11-20T1200" in page
    assert post(browser, "server/backup") == 409
    place.clock.at += 3 * 3_600_000
    assert "verified <b>3 h ago" in browser.client.get("/settings/server").text
    with place.database.writing() as c:
        jobs.finish(c, "backup", due_at=NOON + 9e9, now=NOON, error="The disk became full during the backup.")  # type: ignore[arg-type]
    assert "The last try failed: The disk became full" in browser.client.get("/settings/server").text


def test_a_backup_that_cannot_be_read_is_listed_as_that(place: Place) -> None:
    broken = place.settings.data / "backups" / "healthbox-2025-11-19T0300"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{")
    assert "manifest unreadable" in place.browser().client.get("/settings/server").text


def test_settings_say_where_they_come_from(furnished: Callable[..., Place], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHBOX_BACKUP_HOUR", "5")
    place = furnished(backup_hour=5, retention_days=30, threads=3)
    (place.settings.data / "config.toml").write_text("retention_days = 30\n")
    page = place.browser().client.get("/settings/server").text
    origins = dict(re.findall(r'<h3><code>(\w+)</code> <span class="badge[^"]*">([^<]+)', page))
    assert origins["backup_hour"] == "HEALTHBOX_BACKUP_HOUR"
    assert origins["retention_days"] == "config.toml"
    assert origins["threads"] == "as it was started"
    assert origins["port"] == "default"


def test_the_server_is_for_admins(place: Place) -> None:
    bob = place.browser("bob")
    assert bob.client.get("/settings/server").status_code == 403
    assert post(bob, "server/backup") == 403
    page = bob.client.get("/settings").text
    assert "/settings/server" not in page and "/settings/people" not in page
    with place.database.reading() as c:
        assert accounts.get_account(c, bob.account_id).theme is None
