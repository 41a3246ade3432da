"""Devices: a token is shown once, and what is revoked stays listed."""

import logging
import re

import pytest
from place import Place

TOKEN = re.compile(r"hbx_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")
PAGES = ("/data", "/devices", "/devices/1", "/uploads", "/dead", "/unknown", "/devices/1/revoke")


def add(place: Place, *scopes: str, login: str = "alice", name: str = "iPhone") -> str:
    browser = place.browser(login)
    answer = browser.client.post("/devices", data={"csrf": browser.csrf, "name": name, "scope": list(scopes or ("ingest",))})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_new_token_works_at_once(place: Place) -> None:
    page = add(place)
    token = TOKEN.findall(page)[0]
    assert set(TOKEN.findall(page)) == {token}
    assert ">http://localhost<" in page
    assert f"Authorization: Bearer {token}" in page
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": [{"date": "2025-11-20 08:00:00 +0100", "qty": 12}]}]}}
    sent = place.client().post("/api/v1/ingest", json=body, headers={"Authorization": f"Bearer {token}"})
    assert sent.status_code == 202
    assert place.client().get("/api/v1/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 403, "it may only send"


def test_a_token_is_shown_once_and_stays_out_of_the_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = TOKEN.findall(add(place))[0]
    secret = token[13:]
    client = place.browser().client
    for path in PAGES:
        page = client.get(path)
        assert page.status_code == 200, path
        assert secret not in page.text, path
        assert not TOKEN.search(page.text), path
    assert secret not in caplog.text


def test_the_answer_that_shows_it_is_kept_nowhere(place: Place) -> None:
    browser = place.browser()
    answer = browser.client.post("/devices", data={"csrf": browser.csrf, "name": "iPhone", "scope": "ingest"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    assert "data-live" not in answer.text, "a page that renewed itself would lose the token"
    assert not re.search(r'(src|href|action)="[^"]*hbx_', answer.text)


def test_only_an_admin_makes_a_token_that_watches_the_server(place: Place) -> None:
    bob = place.browser("bob")
    assert 'value="admin"' not in bob.client.get("/devices").text
    assert bob.client.post("/devices", data={"csrf": bob.csrf, "name": "Graphs", "scope": "admin"}).status_code == 403
    assert 'value="admin"' in place.browser().client.get("/devices").text
    assert TOKEN.search(add(place, "admin"))


@pytest.mark.parametrize(("form", "words"), [({"name": " "}, "A device&#39;s name"), ({"name": "iPhone", "scope": []}, "Choose what")])
def test_a_mistake_is_shown_and_makes_nothing(place: Place, form: dict[str, object], words: str) -> None:
    browser = place.browser()
    answer = browser.client.post("/devices", data={"csrf": browser.csrf, "scope": ["ingest"], **form})
    assert answer.status_code == 422
    assert words in answer.text
    assert not TOKEN.search(answer.text)
    assert "Yours" not in browser.client.get("/devices").text


def test_a_revoked_device_is_refused_and_stays_listed(place: Place) -> None:
    token = TOKEN.findall(add(place, "ingest"))[0]
    browser, headers = place.browser(), {"Authorization": f"Bearer {token}"}
    assert place.client().get("/api/v1/sync/state", headers=headers).status_code == 200
    answer = browser.client.post("/devices/1/revoke", data={"csrf": browser.csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/devices/1")
    assert place.client().get("/api/v1/sync/state", headers=headers).status_code == 401
    for page in ("/data", "/devices"):
        assert '<span class="badge">revoked</span>' in browser.client.get(page).text, page
    page = browser.client.get("/devices/1").text
    assert "Token revoked today" in page
    assert "Revoke its token" not in page


def test_another_persons_device_does_not_exist(place: Place) -> None:
    add(place)
    bob = place.browser("bob")
    for path in ("/devices/1", "/devices/1/revoke", f"/devices/{2**63}"):
        assert bob.client.get(path).status_code == 404
    assert bob.client.post("/devices/1/revoke", data={"csrf": bob.csrf}).status_code == 404
    assert "iPhone" not in bob.client.get("/data").text


def test_a_device_shows_its_bookmarks(place: Place) -> None:
    token = TOKEN.findall(add(place))[0]
    with place.database.writing() as c:
        c.exec_driver_sql("INSERT INTO anchor VALUES (1, 'heart_rate', 'opaque-anchor', 1, ?)", (place.clock(),))
    state = place.client().get("/api/v1/sync/state", headers={"X-API-Key": token}).json
    page = place.browser().client.get("/devices/1").text
    assert list(state["anchors"]) == ["heart_rate"]
    assert "heart_rate" in page
    assert state["epoch"] in page
    assert "opaque-anchor" not in page


def test_a_waiting_device_says_that_it_listens(place: Place) -> None:
    add(place)
    page = place.browser().client.get("/devices/1").text
    assert "Listening…" in page
    assert "Nothing has come from it yet" in page
    assert 'href="/pair/waiting/1"' in page
