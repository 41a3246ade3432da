"""Uploads and their receipts: the page says what the API says, in words."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from place import NOON, Place

from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.pump import Pump
from healthbox.store import days, devices, ledger

Send = Callable[..., str]


def sample(minute: int, value: float = 60, **more: Any) -> dict[str, Any]:
    moment = f"2025-11-20T{minute // 60:02d}:{minute % 60:02d}:00Z"
    kind = "HKQuantityTypeIdentifierHeartRate"
    return {"type": kind, "start": moment, "end": moment, "value": value, "unit": "count/min", "source": {"name": "Watch"}} | more


@pytest.fixture
def work(place: Place) -> Callable[[], None]:
    return Pump(place.database, place.settings.data, place.clock, lambda: None).run


@pytest.fixture
def send(place: Place, work: Callable[[], None]) -> Send:
    headers = {name: place.bearer(name) for name in place.persons}

    def sent(
        samples: list[Any], *, who: str = "Alice", batch: str = "s", at: int = 0, final: bool = True, run: bool = True, **more: Any
    ) -> str:
        body = {"batch": batch, "index": at, "final": final, "anchor": None, "metric": None, "zone": "UTC", "samples": samples} | more
        answer = place.client().post("/api/v1/sync", json=body, headers=headers[who])
        assert answer.status_code == 202, answer.text
        if run:
            work()
        return str(answer.json["batch"])

    return sent


def text(html: str) -> str:
    """What a person reads of the page's main part."""
    main = html.split("<main", 1)[1].split("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace(" .", ".").replace("&#39;", "'")


def test_a_receipt_says_what_the_api_says(place: Place, send: Send) -> None:
    send([sample(n) for n in range(8)], batch="first")
    public = send([sample(n) for n in range(4, 14)] + [sample(20, value="no number")], batch="second")
    records = place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json["records"]
    assert records == {"new": 6, "updated": 0, "duplicate": 4, "deleted": 0, "rejected": 1}
    page = place.browser().client.get(f"/uploads/{public}")
    assert page.status_code == 200
    assert "11 records: 6 new, 4 known, 1 refused." in text(page.text)
    assert "New 6 Updated 0 Known 4 Deleted 0 Refused 1" in text(page.text)
    assert "Some refused" in page.text
    assert public in page.text
    listed = place.browser().client.get("/uploads").text
    assert "11 records: 6 new, 4 known, 1 refused." in listed
    assert "8 records, all new." in listed


def test_a_refused_record_is_shown_with_its_place_and_reason(place: Place, send: Send) -> None:
    public = send([sample(1), sample(2, value=9999)])
    rejection = place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json["rejections"][0]
    page = text(place.browser().client.get(f"/uploads/{public}").text)
    assert rejection["reason"].split(" (")[0] in page
    assert rejection["position"] in page


def test_refused_records_are_paged(place: Place, send: Send) -> None:
    public = send([sample(n, value=9999) for n in range(60)])
    client, seen, url = place.browser().client, [], f"/uploads/{public}"
    for _ in range(3):
        page = client.get(url)
        seen.append(page.text.count("outside what"))
        more = re.search(r'href="([^"]+)#refused">More', page.text)
        url = more[1] if more else ""
    assert seen == [25, 25, 10]
    assert url == ""
    assert "60 records, all refused." in text(page.text)


def test_uploads_are_paged(place: Place, send: Send) -> None:
    for n in range(27):
        send([sample(n)], batch=f"b{n}", run=n == 26)
    client = place.browser().client
    first = client.get("/uploads").text
    assert first.count('class="item"') == 25
    older = re.search(r'href="([^"]+)">Older', first)
    assert older is not None
    second = client.get(older[1]).text
    assert second.count('class="item"') == 2
    assert "Older" not in second
    assert client.get("/uploads?cursor=nonsense").status_code == client.get("/uploads?cursor=-1").status_code == 200
    assert client.get("/uploads?cursor=" + "9" * 30).status_code == 200


def test_an_open_upload_shows_how_far_it_is(place: Place, send: Send) -> None:
    public = send([sample(1)], at=0, final=False)
    send([sample(2)], at=1, final=False, run=False)
    page = place.browser().client.get(f"/uploads/{public}").text
    assert "1 record read, 1 of 2 parts" in text(page)
    assert 'max="100" value="50"' in page
    assert "<form" not in page.split("<main")[1], "a page that holds no form renews itself"


def test_one_body_is_measured_by_what_came_before(place: Place, send: Send) -> None:
    send([sample(n) for n in range(100)], batch="before")
    public = send([sample(n) for n in range(100, 200)], batch="now", run=False)
    page = place.browser().client.get(f"/uploads/{public}").text
    assert re.search(r"0 of about (9\d|100) records", text(page))
    assert 'value="0"' in page


def test_between_two_parts_it_waits_for_the_rest(place: Place, send: Send) -> None:
    public = send([sample(1)], at=0, final=False)
    page = place.browser().client.get(f"/uploads/{public}").text
    assert "Waiting for the rest" in page
    assert "the last part has not come yet" in text(page)


def test_an_empty_sync_says_why(place: Place, send: Send) -> None:
    public = send([])
    assert "Nothing in it: the phone was locked or had nothing new." in text(place.browser().client.get(f"/uploads/{public}").text)


def test_an_unfinished_upload_names_what_is_missing(place: Place, send: Send, work: Callable[[], None]) -> None:
    public = send([sample(1)], at=0, final=False)
    send([sample(2)], at=4, final=True)
    place.clock.at += 7 * 3_600_000
    work()
    unfinished = place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json["unfinished"]
    assert unfinished["missing"] == [1, 2, 3]
    page = text(place.browser().client.get(f"/uploads/{public}").text)
    assert "2 records, all new. Parts 2–4 never came." in page
    assert "Incomplete" in page


def test_replay_reads_it_again_and_counts_nothing_twice(place: Place, send: Send, work: Callable[[], None]) -> None:
    public = send([sample(n) for n in range(5)])
    browser = place.browser()
    rings = len(place.rings)
    answer = browser.client.post(f"/uploads/{public}/replay", data={"csrf": browser.csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/uploads/{public}")
    assert len(place.rings) == rings + 1, "the pump is woken"
    assert "Waiting for its turn" in browser.client.get(f"/uploads/{public}").text
    work()
    assert "5 records, all known." in text(browser.client.get(f"/uploads/{public}").text)


def test_another_persons_uploads_do_not_exist(place: Place, send: Send) -> None:
    public = send([sample(1)])
    bob = place.browser("bob")
    assert bob.client.get(f"/uploads/{public}").status_code == 404
    assert bob.client.post(f"/uploads/{public}/replay", data={"csrf": bob.csrf}).status_code == 404
    assert public not in bob.client.get("/uploads").text
    assert "Nothing was uploaded yet" in bob.client.get("/uploads").text


def kill(place: Place, public: str) -> int:
    """Make every part of an upload a dead letter, as four failed attempts would."""
    with place.database.writing() as c:
        batch = ledger.by_public(c, public)
        assert batch is not None
        c.exec_driver_sql("UPDATE chunk SET attempts=3 WHERE batch_id=?", (batch.id,))
        claim = ledger.claim(c, NOON)
        assert claim is not None
        ledger.fail(c, claim, error="the list ends in the middle", permanent=False, now=NOON)
        return claim.chunk_id


def test_a_dead_letter_is_shown_looked_into_and_tried_again(place: Place, send: Send, work: Callable[[], None]) -> None:
    public = send([sample(1)], run=False)
    letter = kill(place, public)
    work()
    browser = place.browser()
    assert place.client().get("/api/v1/dead", headers=place.bearer()).json["dead"][0]["id"] == letter
    for page in ("/data", "/dead", f"/dead/{letter}", f"/uploads/{public}"):
        assert "the list ends in the middle" in browser.client.get(page).text, page
    assert "<h1>One part of an upload could not be read.</h1>" in browser.client.get("/data").text, "not that all is as usual"
    assert "HKQuantityTypeIdentifierHeartRate" in browser.client.get(f"/dead/{letter}").text, "how it begins"
    assert "Could not be read" in browser.client.get(f"/uploads/{public}").text
    assert "Its bytes are kept until you decide." in text(browser.client.get(f"/uploads/{public}").text)
    answer = browser.client.post(f"/dead/{letter}/replay", data={"csrf": browser.csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/uploads/{public}")
    work()
    assert "1 record, new." in text(browser.client.get(f"/uploads/{public}").text)
    assert browser.client.get(f"/dead/{letter}").status_code == 404
    assert "Every part could be read." in browser.client.get("/dead").text


def test_all_dead_letters_are_tried_again_at_once(place: Place, send: Send, work: Callable[[], None]) -> None:
    for n in range(2):
        kill(place, send([sample(n)], batch=f"b{n}", run=False))
    browser = place.browser()
    assert "2 parts could not be read." in browser.client.get("/dead").text
    browser.client.post("/dead/replay", data={"csrf": browser.csrf})
    work()
    assert place.client().get("/api/v1/dead", headers=place.bearer()).json["dead"] == []


def test_a_dead_letter_is_discarded_only_by_its_owner(place: Place, send: Send) -> None:
    letter = kill(place, send([sample(1)], run=False))
    bob, alice = place.browser("bob"), place.browser()
    for path in (f"/dead/{letter}/discard", f"/dead/{letter}/replay"):
        assert bob.client.post(path, data={"csrf": bob.csrf}).status_code == 404
    assert bob.client.get(f"/dead/{letter}").status_code == 404
    bob.client.post("/dead/replay", data={"csrf": bob.csrf})
    assert len(place.client().get("/api/v1/dead", headers=place.bearer()).json["dead"]) == 1, "Bob's replay of all is of all of his"
    assert alice.client.post(f"/dead/{letter}/discard", data={"csrf": alice.csrf}).status_code == 303
    assert place.client().get("/api/v1/dead", headers=place.bearer()).json["dead"] == []


def test_the_api_replays_and_discards(place: Place, send: Send, work: Callable[[], None]) -> None:
    public = send([sample(1)], run=False)
    letter, headers = kill(place, public), place.bearer()
    listed = place.client().get("/api/v1/dead", headers=headers).json["dead"][0]
    assert (listed["batch"], listed["chunk"], listed["error"]) == (public, 0, "the list ends in the middle")
    assert "person_id" not in listed
    for action in ("replay", "discard"):
        refused = place.client().post(f"/api/v1/dead/{letter}/{action}", headers=place.bearer("Bob"))
        assert (refused.status_code, refused.json["error"]["code"]) == (404, "not_found")
    answer = place.client().post(f"/api/v1/dead/{letter}/replay", headers=headers)
    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    assert place.client().post(f"/api/v1/dead/{letter}/replay", headers=headers).status_code == 404
    work()
    other = kill(place, send([sample(2)], batch="other", run=False))
    answer = place.client().post(f"/api/v1/dead/{other}/discard", headers=headers)
    assert (answer.status_code, answer.json["status"]) == (200, "discarded")


def many_letters(place: Place, public: str) -> range:
    """1,200 dead letters of Alice's; their ids."""
    with place.database.writing() as c:
        made = "INSERT INTO chunk (batch_id, idx, sha, size, status, due_at, accepted_at, as_of) SELECT id, ?, x'', 1, 'dead', 0, 0, 0 "
        c.exec_driver_sql(f"{made} FROM batch WHERE public=?", [(index, public) for index in range(1, 1201)])
        last = c.exec_driver_sql("SELECT max(id) FROM chunk").scalar_one()
    return range(last - 1199, last + 1)


def test_beyond_a_thousand_dead_letters_each_is_found_and_all_are_counted(place: Place, send: Send) -> None:
    letters = many_letters(place, send([sample(1)]))
    alice, headers = place.browser(), place.bearer()
    assert "1,200 parts of uploads could not be read." in text(alice.client.get("/data").text)
    page = alice.client.get("/dead").text
    assert "1,200 parts could not be read." in text(page)
    assert page.count('class="card finding"') == 1000
    assert "These are the oldest 1,000." in text(page)
    assert alice.client.get(f"/dead/{letters[-1]}").status_code == 200
    assert place.client().post(f"/api/v1/dead/{letters[-1]}/discard", headers=headers).status_code == 200
    assert alice.client.post(f"/dead/{letters[-2]}/discard", data={"csrf": alice.csrf}).status_code == 303
    assert len(place.client().get("/api/v1/dead", headers=headers).json["dead"]) == 1000
    bob = place.browser("bob")
    assert bob.client.get(f"/dead/{letters[0]}").status_code == 404
    bob.client.post("/dead/replay", data={"csrf": bob.csrf})
    assert "1,198 parts" in text(alice.client.get("/dead").text)
    alice.client.post("/dead/replay", data={"csrf": alice.csrf})
    assert "Every part could be read." in alice.client.get("/dead").text, "all are tried again, not the first thousand"


def exported(place: Place, folder: Path, hour: int, *elements: str) -> str:
    """An Apple Health export of Alice's that was made at this hour of 20 November; its receipt's name."""
    path = folder / f"export-{hour}.xml"
    head = f'<?xml version="1.0"?>\n<HealthData locale="en_GB">\n <ExportDate value="2025-11-20 {hour:02d}:00:00 +0000"/>\n'
    path.write_text(head + "\n".join(elements) + "\n</HealthData>\n")
    with place.database.writing() as c:
        device = devices.importer(c, place.persons["Alice"], place.clock())
    return accept_file(place.database, place.settings, device, path, now=place.clock(), ring=lambda: None).batch


def slept(first: int, last: int) -> str:
    return (
        ' <Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="Watch" value="HKCategoryValueSleepAnalysisAsleepCore" '
        f'startDate="2025-11-19 {first:02d}:00:00 +0000" endDate="2025-11-19 {last:02d}:00:00 +0000"/>'
    )


RUN = (
    ' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" sourceName="Watch" startDate="2025-11-19 09:00:00 +0000" '
    'endDate="2025-11-19 09:30:00 +0000"/>'
)


def test_what_a_newer_export_lacks_is_told_and_can_be_undone(place: Place, work: Callable[[], None], tmp_path: Path) -> None:
    exported(place, tmp_path, 8, slept(1, 3), slept(3, 5), RUN)
    work()
    public = exported(place, tmp_path, 9, slept(1, 4))
    work()
    browser = place.browser()
    url = f"/uploads/{public}"
    told = "2 stages of sleep and 1 workout that this newer export lacks are set aside: kept, but not counted."
    assert told in text(browser.client.get(url).text)
    receipt = place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json
    assert receipt["superseded"] == {"stages": 2, "workouts": 1, "samples": 0, "undone": False}
    rings = len(place.rings)
    answer = browser.client.post(f"{url}/aside", data={"csrf": browser.csrf, "put": "undo"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{url}#aside")
    assert len(place.rings) == rings + 1, "the pump is woken"
    work()
    assert "What this newer export lacks is counted again, as you chose." in text(browser.client.get(url).text)
    assert browser.client.post(f"{url}/aside", data={"csrf": browser.csrf, "put": "undo"}).status_code == 409
    browser.client.post(f"{url}/aside", data={"csrf": browser.csrf, "put": "redo"})
    work()
    assert "2 stages of sleep and 1 workout" in text(browser.client.get(url).text)
    bob = place.browser("bob")
    assert bob.client.post(f"{url}/aside", data={"csrf": bob.csrf, "put": "undo"}).status_code == 404
    assert browser.client.post(f"{url}/aside", data={"put": "undo"}).status_code in (400, 403)


def test_an_export_that_lacks_nothing_says_nothing_of_it(place: Place, work: Callable[[], None], tmp_path: Path) -> None:
    public = exported(place, tmp_path, 8, slept(1, 3))
    work()
    assert "set aside" not in text(place.browser().client.get(f"/uploads/{public}").text)


def half_read(place: Place, public: str, share: float | None) -> None:
    with place.database.writing() as c:
        batch = ledger.by_public(c, public)
        assert batch is not None
        c.exec_driver_sql("UPDATE chunk SET position=5, share=? WHERE batch_id=?", (share, batch.id))
        c.exec_driver_sql("UPDATE batch SET new=5, started_at=created_at, status='processing' WHERE id=?", (batch.id,))


def test_how_far_a_file_is_read_stands_wherever_it_is_shown(place: Place, send: Send) -> None:
    public = send([sample(n) for n in range(12)], run=False)
    half_read(place, public, 0.437)
    browser = place.browser()
    for path in (f"/uploads/{public}", "/uploads", "/import", "/data"):
        page = browser.client.get(path)
        assert 'value="43"' in page.text, path
        assert "43\u202f%" in page.text.replace("\u00a0", "\u202f"), path
        assert f'data-upload="{public}"' in page.text, path
    assert "5 records read" in text(browser.client.get(f"/uploads/{public}").text)
    live = browser.client.get("/pulse").json
    (one,) = live["uploads"]
    assert (one["batch"], one["read"], one["share"], live["at"], live["busy"]) == (public, 5, 0.437, place.clock.at, True)
    assert place.browser("bob").client.get("/pulse").json["uploads"] == []
    assert place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json["share"] == 0.437


def test_nobody_makes_up_how_far_a_plain_body_is(place: Place, send: Send, work: Callable[[], None]) -> None:
    public = send([sample(n) for n in range(12)], run=False)
    half_read(place, public, None)
    browser = place.browser()
    page = browser.client.get(f"/uploads/{public}").text
    assert "<progress" not in page
    assert browser.client.get("/pulse").json["uploads"][0]["share"] is None
    work()
    assert browser.client.get("/pulse").json["uploads"] == []
    assert place.client().get(f"/api/v1/batches/{public}", headers=place.bearer()).json["share"] == 1


def test_days_that_are_still_to_be_counted_are_told_for_a_while(place: Place, send: Send) -> None:
    public = send([sample(1)])
    with place.database.writing() as c:
        days.mark(c, place.persons["Alice"], {("steps", f"2025-11-{day:02d}") for day in range(1, 13)}, place.clock.at)
    browser = place.browser()
    assert "12 days still to be counted." in text(browser.client.get(f"/uploads/{public}").text)
    assert browser.client.get("/pulse").json["busy"]
    place.clock.at += 2 * 3_600_000
    assert "still to be counted" not in browser.client.get(f"/uploads/{public}").text


def test_what_is_no_longer_kept_cannot_be_read_again_and_says_so(place: Place, send: Send) -> None:
    public = send([sample(1)])
    browser, headers = place.browser(), place.bearer()
    assert place.client().get(f"/api/v1/batches/{public}", headers=headers).json["kept"] is True
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET body=NULL")
    page = browser.client.get(f"/uploads/{public}").text
    assert "no longer kept" in page
    assert "Read this upload again" not in page
    assert place.client().get(f"/api/v1/batches/{public}", headers=headers).json["kept"] is False
    answer = place.client().post(f"/api/v1/batches/{public}/replay", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "body_gone")
    assert browser.client.post(f"/uploads/{public}/replay", data={"csrf": browser.csrf}).status_code == 409
    assert "1 record, new." in text(browser.client.get(f"/uploads/{public}").text)


def test_replay_by_the_api_twice_is_once(place: Place, send: Send, work: Callable[[], None]) -> None:
    public, headers = send([sample(n) for n in range(5)]), place.bearer()
    for _ in range(2):
        answer = place.client().post(f"/api/v1/batches/{public}/replay", headers=headers)
        assert (answer.status_code, answer.json["status"], answer.json["read"]) == (202, "processing", 0)
    work()
    records = place.client().get(f"/api/v1/batches/{public}", headers=headers).json["records"]
    assert records == {"new": 0, "updated": 0, "duplicate": 5, "deleted": 0, "rejected": 0}
