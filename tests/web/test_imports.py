"""Files by the page and by the API: the same slices behind two doors."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from place import Browser, Place

from healthbox.pipeline import slices
from healthbox.pipeline.slices import SLICE, Slices
from healthbox.store import devices

EXPORT = b"""<?xml version="1.0" encoding="UTF-8"?>
<HealthData locale="en_GB">
 <ExportDate value="2025-11-20 10:00:00 +0100"/>
</HealthData>
"""
NEW = {"name": "export.xml", "size": len(EXPORT)}


def batches(place: Place) -> list[tuple[Any, ...]]:
    query = "SELECT public, batch.person_id, name FROM batch JOIN device ON device.id=device_id"
    with place.database.reading() as c:
        return [tuple(row) for row in c.exec_driver_sql(query).all()]


def put(client: FlaskClient, path: str, offset: int, raw: bytes, headers: dict[str, str]) -> Any:
    return client.put(f"{path}?offset={offset}", data=raw, headers={"Content-Type": "application/octet-stream", **headers})


def test_a_file_in_slices_by_token(place: Place) -> None:
    client, bearer = place.client(), place.bearer()
    begun = client.post("/api/v1/files", json=NEW, headers=bearer)
    assert begun.status_code == 201
    assert {name: begun.json[name] for name in ("offset", "size", "slice")} == {"offset": 0, "size": len(EXPORT), "slice": SLICE}
    assert begun.json["needed"] == 2 * len(EXPORT)
    assert begun.json["free"] > begun.json["needed"]
    path = f"/api/v1/files/{begun.json['id']}"
    half = put(client, path, 0, EXPORT[:50], bearer)
    assert (half.status_code, half.json["offset"], half.json["batch"]) == (200, 50, None)
    assert client.get(path, headers=bearer).json == half.json
    whole = put(client, path, 50, EXPORT[50:], bearer)
    assert batches(place) == [(whole.json["batch"], place.persons["Alice"], "Phone")]
    assert client.get(whole.json["receipt"], headers=bearer).json["format"] == "apple-health-export"
    assert put(client, path, 50, EXPORT[50:], bearer).json == client.get(path, headers=bearer).json == whole.json


def test_a_wrong_offset_is_a_conflict_that_tells_the_right_one(place: Place) -> None:
    client, bearer = place.client(), place.bearer()
    path = f"/api/v1/files/{client.post('/api/v1/files', json=NEW, headers=bearer).json['id']}"
    put(client, path, 0, EXPORT[:50], bearer)
    answer = put(client, path, 20, EXPORT[20:70], bearer)
    assert (answer.status_code, answer.json["error"]["code"], answer.json["offset"]) == (409, "offset", 50)


def test_a_full_disk_tells_what_is_needed_and_free(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "room_for", lambda _settings, size: {"needed": 2 * size, "free": 1_000})
    answer = place.client().post("/api/v1/files", json={"name": "export.zip", "size": 600}, headers=place.bearer())
    assert answer.status_code == 507
    assert (answer.json["needed"], answer.json["free"], answer.json["error"]["code"]) == (1_200, 1_000, "disk_full")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400), (b"[]", 422), (b"{}", 422), (b'{"name": "a.zip", "size": -1}', 422), (b'{"name": "a.zip"}', 422),
        (b'{"name": "", "size": 5}', 400),
        (b'{"name": "a.zip", "size": "5"}', 422), (b'{"name": "a.zip", "size": 0}', 422), (b'{"name": "a.zip", "size": 1e30}', 422),
        (b'{"name": "a.zip", "size": 9000000000}', 413), (b'{"name": "a.zip", "size": 5, "sha256": "x"}', 422),
        (b'{"name": "a.zip", "size": 5, "mark": "' + b"m" * 65 + b'"}', 422), (b'{"name": "' + b"n" * 20_000 + b'", "size": 5}', 413),
    ],
)  # fmt: skip
def test_what_is_announced_wrongly_is_refused(place: Place, body: bytes, status: int) -> None:
    answer = place.client().post("/api/v1/files", data=body, headers=place.bearer())
    assert answer.status_code == status
    assert answer.json["error"]["message"]


def test_a_slice_is_bounded_and_its_offset_is_a_number(place: Place) -> None:
    client, bearer = place.client(), place.bearer()
    big = client.post("/api/v1/files", json={"name": "export.zip", "size": 2 * SLICE}, headers=bearer).json["id"]
    assert put(client, f"/api/v1/files/{big}", 0, b"\0" * (SLICE + 1), bearer).status_code == 413
    assert client.put(f"/api/v1/files/{big}", data=b"x", headers=bearer).status_code == 422
    assert client.put(f"/api/v1/files/{big}?offset=-1", data=b"x", headers=bearer).status_code == 422


def test_an_unknown_file_is_refused_in_words_and_a_cancelled_one_is_gone(place: Place) -> None:
    client, bearer = place.client(), place.bearer()
    path = f"/api/v1/files/{client.post('/api/v1/files', json={'name': 'a.jpg', 'size': 4}, headers=bearer).json['id']}"
    refused = put(client, path, 0, b"\xff\xd8\xff\xe0", bearer)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "unknown_shape")
    assert client.get(path, headers=bearer).json == refused.json
    path = f"/api/v1/files/{client.post('/api/v1/files', json=NEW, headers=bearer).json['id']}"
    assert client.delete(path, headers=bearer).status_code == 204
    assert client.get(path, headers=bearer).status_code == 404


def test_nobody_elses_upload_is_there(place: Place) -> None:
    client, bearer = place.client(), place.bearer()
    public = client.post("/api/v1/files", json=NEW, headers=bearer).json["id"]
    for other in (place.bearer("Bob"), place.bearer("Alice")):
        assert client.get(f"/api/v1/files/{public}", headers=other).status_code == 404
        assert put(client, f"/api/v1/files/{public}", 0, EXPORT, other).status_code == 404
        assert client.delete(f"/api/v1/files/{public}", headers=other).status_code == 404
    bob = place.browser("bob")
    assert bob.client.get(f"/import/files/{public}").status_code == 404
    assert bob.client.post(f"/import/files/{public}/cancel", data={"csrf": bob.csrf}).status_code == 404
    assert "export.xml" not in bob.client.get("/import").text
    assert client.get(f"/api/v1/files/{public}", headers=bearer).status_code == 200


def by_script(browser: Browser, **more: Any) -> Any:
    return browser.client.post("/import/files", json={**NEW, "mark": "crc-1", **more}, headers={"X-CSRF-Token": browser.csrf})


def test_the_page_sends_slices_and_goes_on_after_a_reload(place: Place) -> None:
    browser = place.browser()
    header = {"X-CSRF-Token": browser.csrf}
    begun = by_script(browser)
    assert (begun.status_code, begun.mimetype) == (201, "application/json")
    path = f"/import/files/{begun.json['id']}"
    assert put(browser.client, path, 0, EXPORT[:50], {}).status_code == 403, "no token of the session"
    assert put(browser.client, path, 0, EXPORT[:50], header).json["offset"] == 50
    text = browser.client.get("/import").text
    assert "Not finished" in text
    assert "export.xml" in text
    again = by_script(browser)
    assert (again.status_code, again.json["id"], again.json["offset"]) == (200, begun.json["id"], 50)
    wrong = put(browser.client, path, 7, EXPORT[50:], header)
    assert (wrong.status_code, wrong.json["offset"]) == (409, 50)
    whole = put(browser.client, path, 50, EXPORT[50:], header)
    assert browser.client.get(whole.json["receipt"]).status_code == 200
    assert batches(place) == [(whole.json["batch"], place.persons["Alice"], devices.IMPORTER)]
    assert "Not finished" not in browser.client.get("/import").text
    for where in ("/data", "/devices/1"):
        said = browser.client.get(where).text
        assert "The files that you imported" in said and "evoke" not in said, "nobody’s token is gone"


def test_problems_of_the_script_are_json_with_words(place: Place) -> None:
    browser = place.browser()
    path = f"/import/files/{by_script(browser, name='a.jpg', size=4).json['id']}"
    answer = put(browser.client, path, 0, b"\xff\xd8\xff\xe0", {"X-CSRF-Token": browser.csrf})
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "unknown_shape")
    assert browser.client.get(f"/import/files/{'0' * 32}").json["error"]["code"] == "not_found"


def test_an_unfinished_upload_can_be_forgotten(place: Place) -> None:
    browser = place.browser()
    by_script(browser)
    text = browser.client.get("/import").text
    action = re.search(r'action="(/import/files/\w+/cancel)"', text)
    assert action is not None
    assert browser.client.post(action[1], data={"csrf": browser.csrf}).status_code == 303
    assert "Not finished" not in browser.client.get("/import").text


def test_a_plain_form_does_without_scripts(place: Place) -> None:
    browser = place.browser()

    def send(name: str, content: bytes) -> Any:
        return browser.client.post("/import", data={"csrf": browser.csrf, "file": (io.BytesIO(content), name)})

    done = send("export.xml", EXPORT)
    assert done.status_code == 303
    assert browser.client.get(done.headers["Location"]).status_code == 200
    for name, content, status in (
        ("", b"", 422),
        ("a.jpg", b"\xff\xd8\xff\xe0", 422),
        ("a.zip", b"PK\x03\x04 cut", 422),
        ("empty.zip", b"", 422),
    ):
        answer = send(name, content)
        assert answer.status_code == status, name
        assert "aria-invalid" in answer.text
    assert "Not finished" not in browser.client.get("/import").text
    body = b'{"batch": "a", "index": 0, "final": true, "anchor": null, "metric": null, "zone": null, "samples": []}'
    assert send("sync.json", body).status_code == 303


TABLE = b"metric,date,value,unit\nweight,2026-03-01,72.5,kg\n"
RUN = b'<gpx><trk><trkseg><trkpt lat="52" lon="13"><time>2026-03-01T08:00:00Z</time></trkpt></trkseg></trk></gpx>'


@pytest.mark.parametrize(("name", "content", "form"), [("mine.csv", TABLE, "plain-csv"), ("run.gpx", RUN, "gpx")])
def test_a_table_or_a_recording_gets_a_receipt(place: Place, name: str, content: bytes, form: str) -> None:
    browser = place.browser()
    done = browser.client.post("/import", data={"csrf": browser.csrf, "file": (io.BytesIO(content), name)})
    assert done.status_code == 303
    assert browser.client.get(done.headers["Location"]).status_code == 200
    with place.database.reading() as c:
        assert c.exec_driver_sql("SELECT format FROM batch").scalar_one() == form


def test_the_page_tells_room_types_and_the_drop_folder(place: Place) -> None:
    text = place.browser().client.get("/import").text
    assert 'accept=".zip,.xml,.json,.jsonl,.csv,.tsv,.txt,.fit,.gpx,.tcx,.gz,.db"' in text
    assert "free on the server" in text
    assert "inbox/Alice" in text
    assert "style=" not in text
    assert 'href="/import"' in place.browser().client.get("/data").text


def test_a_person_may_cancel_what_a_token_began(place: Place) -> None:
    place.client().post("/api/v1/files", json=NEW, headers=place.bearer())
    browser = place.browser()
    action = re.search(r'action="(/import/files/\w+/cancel)"', browser.client.get("/import").text)
    assert action is not None
    assert browser.client.post(action[1], data={"csrf": browser.csrf}).status_code == 303


def test_links_lead_through_a_sub_path(furnished: Callable[..., Place]) -> None:
    place = furnished(base_url="http://localhost/health")
    text = place.browser().client.get("/health/import").text
    assert 'data-files="/health/import/files"' in text


def test_a_crowd_of_unfinished_files_is_a_conflict(place: Place) -> None:
    browser = place.browser()
    for number in range(slices.OPEN_PER_DEVICE):
        assert by_script(browser, mark=f"crc-{number}").status_code == 201
    answer = by_script(browser, mark="one more")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "too_many_open")
    house = place.app.extensions["healthbox"]
    everything = Slices(place.database, place.settings, house.door)
    assert len(everything.unfinished(place.persons["Alice"])) == slices.OPEN_PER_DEVICE
