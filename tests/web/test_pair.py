"""Pairing: what is said before, the token shown once, the wait for the first data."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from place import Place

from healthbox.pipeline.pump import Pump
from healthbox.web import clients
from healthbox.web.clients import CLIENTS

TOKEN = re.compile(r"hbx_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")
LAN = "http://192.168.1.20:8765"
WATCH, PHONE = "Alice’s Apple Watch", "Alice’s iPhone"
BODY = {"data": {"metrics": [
    {"name": "step_count", "units": "count", "data": [
        {"date": f"2025-11-20 0{hour}:00:00 +0100", "qty": 100 + hour, "source": f"{WATCH}|{PHONE}"} for hour in range(4)]},
    {"name": "resting_heart_rate", "units": "count/min", "data": [{"date": "2025-11-20 00:00:00 +0100", "qty": 52, "source": WATCH}]},
]}}  # fmt: skip


def pair(place: Place, key: str, *, login: str = "alice", **form: str) -> Any:
    browser = place.browser(login)
    given = {"csrf": browser.csrf, "name": PHONE, "address": LAN, "after": "0"} | form
    return browser.client.post(f"/pair/{key}", data=given)


def token_of(page: str) -> str:
    found = set(TOKEN.findall(unquote(html.unescape(page))))
    assert len(found) == 1
    return found.pop()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def told(place: Place, number: int = 1, login: str = "alice") -> tuple[str, str]:
    """The state of the waiting page, and what it says."""
    text = place.browser(login).client.get(f"/pair/waiting/{number}").text
    found = re.search(r'id="told" data-state="(\w+)".*?</div></div></div>', text, re.S)
    assert found is not None
    return found[1], html.unescape(" ".join(re.sub(r"<[^>]*>", " ", found[0]).split()))


def work(place: Place) -> None:
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()


# ── before ──


def test_the_choice_leads_to_a_page_for_every_app(place: Place) -> None:
    client = place.browser().client
    page = client.get("/pair").text
    for key in CLIENTS:
        assert f'href="/pair/{key}"' in page
        assert client.get(f"/pair/{key}").status_code == 200
    assert client.get("/pair/anything").status_code == 404
    assert place.client().get("/pair").status_code == 303, "it asks to log in"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("health-auto-export", ("paid feature", "A locked phone sends nothing", "last seven days")),
        ("shortcut", ("by hand", "locked phone")),
        ("hc-webhook", ("Choose raw data as the resolution", "grows with every upload", "48 hours")),
        ("healthsave", ("locked iPhone",)),
        ("other", ("may only send",)),
    ],
)
def test_what_there_is_to_know_is_said_before_anything_is_made(place: Place, key: str, words: tuple[str, ...]) -> None:
    page = place.browser().client.get(f"/pair/{key}?address={LAN}").text
    facts, form = page.index('id="know"'), page.index('name="after"')
    assert facts < form
    for said in words:
        assert said in page[facts:form]
    assert not TOKEN.search(page)


# ── the token ──


@pytest.mark.parametrize("key", CLIENTS)
def test_every_app_gets_a_token_that_may_only_send(place: Place, key: str) -> None:
    answer = pair(place, key)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    token = token_of(answer.text)
    if key != "healthsave":
        assert f"{LAN}/api/v1/ingest" in answer.text
    sent = place.client().post("/api/v1/ingest", json=BODY, headers=bearer(token))
    assert sent.status_code == 202
    assert place.client().get("/api/v1/metrics", headers=bearer(token)).status_code == 403


def test_a_token_stands_in_no_address_of_ours_and_in_no_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = place.browser().client
    for number, key in enumerate(CLIENTS, 1):
        page = pair(place, key, name=f"{PHONE} {number}").text
        secret = token_of(page)[13:]
        links = re.findall(r'(?:src|href|action|content|data-\w+)="(?!com\.HealthExport:|data:image)([^"]*)"', page)
        assert not [link for link in links if secret in unquote(link)]
        assert "data-live" not in page, "a page that renewed itself would lose the token"
        for path in (f"/pair/waiting/{number}", f"/pair/{key}", f"/devices/{number}", "/devices", "/data"):
            assert secret not in client.get(path).text, path
        assert secret not in caplog.text


def test_health_auto_export_is_set_up_by_its_codes(place: Place) -> None:
    page = pair(place, "health-auto-export").text
    links = [html.unescape(link) for link in re.findall(r'href="(com\.HealthExport://automation\?[^"]+)"', page)]
    asked = [{name: value[0] for name, value in parse_qs(urlsplit(link).query).items()} for link in links]
    assert len({link["name"] for link in asked}) == len(asked), "automations of one name cannot be told apart"
    for link in asked:
        assert link["url"] == f"{LAN}/api/v1/ingest"
        assert link["headers"] == f"Authorization,Bearer {token_of(page)}"
        assert (link["format"], link["exportversion"], link["enabled"], link["batchrequests"]) == ("json", "v2", "true", "true")
    metrics = [(link["period"], link["syncinterval"]) for link in asked if link["datatype"] == "healthMetrics"]
    assert metrics == [("lastsync", "hours"), ("previous7Days", "days")]
    assert [link["datatype"] for link in asked[2:]] == ["workouts", "symptoms"]
    codes = re.findall(r'src="data:image/svg\+xml[^,]*,([^"]+)"', page)
    drawn = [unquote(code) if "%" in code else base64.b64decode(code).decode() for code in codes]
    assert len(set(drawn)) == len(links)
    assert all("<path" in svg for svg in drawn)
    assert "style=" not in page


def test_the_shortcuts_test_body_proves_the_way_and_stores_nothing(place: Place) -> None:
    page = html.unescape(pair(place, "shortcut").text)
    payload = re.search(r'id="payload"[^>]*>(.*?)</code>', page)
    assert payload is not None
    sent = place.client().post("/api/v1/ingest", data=payload[1], headers=bearer(token_of(page)))
    assert sent.status_code == 202
    work(place)
    assert told(place)[0] == "empty"
    assert "is connected" in told(place)[1]
    assert f"-d '{payload[1]}'" in page, "the command sends the same"
    assert "Europe/Berlin" in page


def test_the_recipes_fields_are_what_the_door_takes(place: Place) -> None:
    """As iOS makes them of the recipe: every field a text, a line for each sample."""
    page = pair(place, "shortcut").text
    times = ["2025-11-20T08:00:00+01:00", "2025-11-20T09:00:00+01:00"]
    filled = {"type": "Steps", "unit": "count", "tz": "Europe/Berlin", "dates": "\n".join(times), "ends": "\n".join(times),
              "values": "120\n80", "sources": f"{WATCH}\n{PHONE}"}  # fmt: skip
    assert re.findall(r'<th scope="row"><code>(\w+)</code>', page) == list(filled)
    place.client().post("/api/v1/ingest", json=filled, headers=bearer(token_of(page)))
    work(place)
    assert told(place)[1].split("> ", 1)[1].startswith(f"Received 2 samples from {WATCH} and {PHONE}.")
    for kind, unit in clients.SHORTCUT_TYPES:
        assert f'<th scope="row">{kind}</th><td class="wrap">{unit or "none"}</td>' in page


def test_hc_webhook_is_told_its_resolution_and_healthsave_its_key(place: Place) -> None:
    android = html.unescape(pair(place, "hc-webhook").text)
    assert "raw data, no daily total" in android
    saved = pair(place, "healthsave", name="Second").text
    key = re.search(r">API key</span><code[^>]*>([^<]+)<", saved)
    assert key is not None
    assert re.search(rf">Server URL</span><code[^>]*>{LAN}<", saved)
    body = {"metric": "heart_rate", "batch_index": 0, "total_batches": 1, "samples": []}
    assert place.client().post("/api/apple/batch", json=body, headers={"x-api-key": key[1]}).status_code == 202


def test_a_form_sent_twice_makes_one_device(place: Place) -> None:
    browser = place.browser()
    form = {"csrf": browser.csrf, "name": f" {PHONE} ", "address": LAN, "after": "0"}
    assert browser.client.post("/pair/other", data=form).status_code == 200
    again = browser.client.post("/pair/other", data=form)
    assert (again.status_code, again.headers["Location"]) == (303, "/pair/waiting/1")
    fresh = re.search(r'name="after" value="(\d+)"', browser.client.get(f"/pair/other?address={LAN}").text)
    assert fresh is not None
    another = browser.client.post("/pair/other", data=form | {"after": fresh[1]})
    assert another.status_code == 200, "a second phone of the same name is a second phone"
    assert token_of(another.text)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\u0007b"])
def test_a_name_that_cannot_be_is_shown_and_makes_nothing(place: Place, name: str) -> None:
    answer = pair(place, "other", name=name)
    assert answer.status_code == 422
    assert "A device&#39;s name has" in answer.text
    assert not TOKEN.search(answer.text)


def test_pairing_takes_only_forms_of_ours(place: Place) -> None:
    browser = place.browser()
    for form, headers in (({}, {}), ({"csrf": "x"}, {}), ({"csrf": browser.csrf}, {"Origin": "https://elsewhere.example"})):
        answer = browser.client.post("/pair/other", data={"name": PHONE, "address": LAN} | form, headers=headers)
        assert answer.status_code == 403
        assert not TOKEN.search(answer.text)


# ── the wait ──


def test_the_page_says_what_came_and_from_whom(place: Place) -> None:
    token = token_of(pair(place, "health-auto-export").text)
    assert told(place)[0] == "waiting"
    sent = place.client().post("/api/v1/ingest", json=BODY, headers=bearer(token))
    assert told(place)[0] == "busy"
    work(place)
    state, words = told(place)
    assert state == "arrived"
    assert f"Received 5 samples from {WATCH} and {PHONE}." in words
    page = place.browser().client.get("/pair/waiting/1").text
    assert "data-connected" in page
    assert f'href="/uploads/{sent.json["batch"]}"' in page


def test_an_upload_that_names_nobody_comes_from_the_device(place: Place) -> None:
    token = token_of(pair(place, "health-auto-export", name="Old phone").text)
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": [{"date": "2025-11-20 08:00:00 +0100", "qty": 1}]}]}}
    place.client().post("/api/v1/ingest", json=body, headers=bearer(token))
    work(place)
    assert "Received 1 sample from Old phone." in told(place)[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "/api/v1/ingest/now"}, "an address that is not there"),
        ({"path": "/"}, "choose POST"),
        ({"data": b"date,steps"}, "no JSON"),
        ({"data": b'{"what": "is this"}'}, "of no app that healthbox knows"),
        ({"data": b" " * 3000}, "more than fits at once"),
        ({"cut": -1}, "not quite the one"),
        ({"cut": 40}, "not quite the one"),
    ],
)
def test_a_first_request_that_is_refused_is_explained(furnished: Callable[..., Place], change: dict[str, Any], words: str) -> None:
    place = furnished(max_json_bytes=2000)
    token = token_of(pair(place, "other").text)[: change.get("cut")]
    data = change.get("data", json.dumps(BODY).encode())
    answer = place.client().post(change.get("path", "/api/v1/ingest"), data=data, headers=bearer(token))
    assert 400 <= answer.status_code < 500
    state, said = told(place)
    assert state == "refused"
    assert words in said
    assert "data-connected" not in place.browser().client.get("/pair/waiting/1").text, "the token is still needed"


def test_a_refusal_is_forgotten_with_the_first_upload_and_never_noted_again(place: Place) -> None:
    token = token_of(pair(place, "other").text)
    place.client().post("/api/v1/nothing", headers=bearer(token))
    place.client().post("/api/v1/ingest", json=BODY, headers=bearer(token))
    work(place)
    assert told(place)[0] == "arrived"
    place.clock.at += 60_000
    place.client().post("/api/v1/nothing", headers=bearer(token))
    with place.database.reading() as c:
        assert c.exec_driver_sql("SELECT refused FROM device").scalar() == 404
        assert c.exec_driver_sql("SELECT refused_at FROM device").scalar() == place.clock() - 60_000


def test_an_upload_that_could_not_be_read_is_told(place: Place) -> None:
    token = token_of(pair(place, "health-auto-export").text)
    place.client().post("/api/v1/ingest", json=BODY, headers=bearer(token))
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead', error='the list ends in the middle'")
    state, words = told(place)
    assert state == "failed"
    assert "the list ends in the middle. Its bytes are kept." in words


def test_records_that_are_all_refused_are_told(place: Place) -> None:
    token = token_of(pair(place, "hc-webhook").text)
    body = {"timestamp": "2025-11-20T10:00:00Z", "app_version": "1", "test": True,
            "heart_rate": [{"bpm": 66, "time": "2025-11-20T09:00:00Z"}]}  # fmt: skip
    place.client().post("/api/v1/ingest", json=body, headers=bearer(token))
    work(place)
    state, words = told(place)
    assert state == "failed"
    assert "connected, but none of 1 sample could be used" in words


def test_a_revoked_token_is_said(place: Place) -> None:
    pair(place, "other")
    browser = place.browser()
    browser.client.post("/devices/1/revoke", data={"csrf": browser.csrf})
    assert told(place)[0] == "revoked"


def test_another_persons_pairing_does_not_exist(place: Place) -> None:
    token = token_of(pair(place, "other").text)
    place.client().post("/api/v1/ingest", json=BODY, headers=bearer(token))
    work(place)
    bob = place.browser("bob").client
    assert bob.get("/pair/waiting/1").status_code == 404
    assert bob.get(f"/pair/waiting/{2**63}").status_code == 404
    pair(place, "other", login="bob", name="Bob’s phone")
    assert told(place, 2, "bob")[0] == "waiting", "what Alice’s phone sent is not his"


def test_the_first_pages_lead_here(place: Place) -> None:
    client = place.browser().client
    for path in ("/", "/data", "/devices", "/uploads"):
        assert 'href="/pair"' in client.get(path).text, path
