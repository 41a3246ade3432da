"""The page Data: is it arriving, and what became of it."""

import re
from collections.abc import Callable, Iterable

import pytest
from place import NOON, Place
from test_uploads import text

from healthbox.domain.records import SourceRef
from healthbox.store import freshness, settings
from healthbox.store.series import Registry
from healthbox.store.sources import Sources
from healthbox.web.arriving import rhythm

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
Reads = Callable[[str, str, Iterable[int]], None]


@pytest.fixture
def reads(place: Place) -> Reads:
    def put(source: str, metric: str, instants: Iterable[int]) -> None:
        who = place.persons["Alice"]
        with place.database.writing() as c:
            series = Registry(c, who).series(metric, Sources(c, who, NOON).resolve(SourceRef(name=source)))
            c.exec_driver_sql(
                "INSERT INTO sample (series_id, start, \"end\", tag, value, batch_id) VALUES (?,?,?,'',60,1)",
                [(series, at // 1000, at // 1000) for at in instants],
            )
            freshness.put(c, who, freshness.habits(c, who))

    return put


def shown(place: Place) -> str:
    return text(place.browser().client.get("/data").text)


def test_nothing_yet_tells_what_to_do(place: Place) -> None:
    page = shown(place)
    assert "Nothing has arrived yet." in page
    assert "Pair a phone" in page
    assert "Listening…" in page
    assert not re.search(r"\b0\b", page), "nothing is no number"


def test_a_source_on_time_says_its_habit(place: Place, reads: Reads) -> None:
    reads("Apple Watch", "heart_rate", [NOON - n * 5 * MINUTE for n in range(50)])
    page = shown(place)
    assert "Everything arrives as usual." in page
    assert "Pulse every 5 min, as usual" in page
    assert "1 of 1 source on time" in page


def test_a_late_scale_says_what_the_page_shows_instead(place: Place, reads: Reads) -> None:
    reads("Scale", "weight", [NOON - 2 * DAY - n * DAY for n in range(20)])
    reads("Apple Watch", "heart_rate", [NOON - n * 5 * MINUTE for n in range(50)])
    place.clock.at += 25 * HOUR
    reads("Apple Watch", "heart_rate", [place.clock.at - n * 5 * MINUTE for n in range(50)])
    page = shown(place)
    assert "Scale is late." in page
    assert "You usually weigh daily; shows Tuesday’s" in page
    assert page.index("You usually weigh") < page.index("Pulse every 5 min"), "what is unusual stands first"
    assert "Scale is late" in place.browser().client.get("/pulse").json["text"]


def test_who_fell_silent_long_ago_is_not_late(place: Place, reads: Reads) -> None:
    reads("Old watch", "heart_rate", [NOON - 40 * DAY - n * 5 * MINUTE for n in range(50)])
    reads("Apple Watch", "heart_rate", [NOON - n * 5 * MINUTE for n in range(50)])
    page = shown(place)
    assert "Silent since 11 Oct; nobody waits for it any more" in page
    assert "Everything arrives as usual." in page


def test_a_restore_asks_phones_to_send_again(place: Place) -> None:
    with place.database.writing() as c:
        settings.put(c, settings.RESTORED_FROM, str(NOON - 3 * DAY))
        settings.put(c, settings.RESTORED_AT, str(NOON))
    assert "Restored from a backup of Monday 13:00." in shown(place)
    assert "ask your phone to resend from Monday 13:00" in shown(place)
    state = place.client().get("/api/v1/sync/state", headers=place.bearer()).json
    assert state["resend_from"] == NOON - 3 * DAY
    place.clock.at += 31 * DAY
    assert "Restored" not in shown(place)


def test_it_holds_no_form_so_that_it_renews_itself(place: Place) -> None:
    place.bearer()
    page = place.browser().client.get("/data").text
    assert "data-live" in page
    assert "<form" not in page
    assert "<details" not in page


def test_recent_uploads_stand_there(place: Place) -> None:
    headers = place.bearer()
    for n in range(8):
        assert (
            place.client()
            .post("/api/v1/sync", json={"batch": f"b{n}", "index": 0, "final": True, "samples": []}, headers=headers)
            .status_code
            == 202
        )
    page = place.browser().client.get("/data").text
    batches = place.client().get("/api/v1/batches?limit=6", headers=headers).json["batches"]
    for batch in batches:
        assert f"/uploads/{batch['batch']}" in page
    assert page.count('href="/uploads/') == 6


def test_another_person_sees_none_of_it(place: Place, reads: Reads) -> None:
    reads("Apple Watch", "heart_rate", [NOON - n * 5 * MINUTE for n in range(50)])
    assert "Apple Watch" not in place.browser("bob").client.get("/data").text


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (20_000, "every minute"), (2 * MINUTE, "every 2 min"), (11 * MINUTE, "every 10 min"), (58 * MINUTE, "hourly"),
        (4 * HOUR, "every 4 h"),
        (23 * HOUR, "daily"), (26 * HOUR, "daily"), (3 * DAY, "every 3 days"), (7 * DAY, "weekly"), (30 * DAY, "every 30 days"),
    ],
)  # fmt: skip
def test_a_rhythm_in_words(gap: int, words: str) -> None:
    assert rhythm(gap) == words
