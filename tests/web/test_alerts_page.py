"""Channels: only admins add addresses, no address is ever shown again, and what became of a message can be read."""

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from place import NOON, Browser, Place
from sqlalchemy import event

from healthbox.analytics.rules.contract import Finding
from healthbox.domain.catalogue import Catalogue
from healthbox.notify.channels import Outcome
from healthbox.pipeline import deliver
from healthbox.pipeline.accept import Door
from healthbox.pipeline.analyse import Evidence
from healthbox.store import channels, deliveries, findings
from healthbox.store.channels import Channel
from healthbox.store.vault import Vault, write_key
from healthbox.web.application import create_app

TODAY = dt.date(2025, 11, 20)
SECRET = "hook-token-8842"


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.seen, server.status = [], 200  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(furnished: Callable[..., Place]) -> Place:
    """A place with a vault, as a running server has one."""
    bare = furnished(allow_loopback_targets=True)
    vault = Vault(bare.settings.data)
    with bare.database.writing() as c:
        vault.start(c)
    door = Door(bare.database, bare.settings, lambda: bare.rings.append(1))
    return replace(bare, app=create_app(bare.settings, bare.database, door, clock=bare.clock, vault=vault))


def address(hook: ThreadingHTTPServer) -> str:
    return f"json://alice:{SECRET}@127.0.0.1:{hook.server_port}/{SECRET}"


def form(browser: Browser, url: str, **more: str) -> dict[str, str]:
    return {"csrf": browser.csrf, "url": url, "name": "My phone", "detail": "values", "least": "info", **more}


def of(place: Place, name: str) -> list[Channel]:
    with place.database.reading() as c:
        return channels.of_person(c, place.persons[name])


def added(place: Place, hook: ThreadingHTTPServer, **more: str) -> Channel:
    browser = place.browser()
    answer = browser.client.post("/findings/channels", data=form(browser, address(hook), **more))
    assert answer.status_code == 303, answer.text
    return of(place, "Alice")[-1]


def failed_delivery(place: Place, name: str = "Alice") -> int:
    told = Finding("deviation", "resting_heart_rate", TODAY, "warn", 61.0, 52.0, 57.0, "above", {})
    with place.database.writing() as c:
        row = findings.upsert_episode(
            c, place.persons[name], told.rule, told.metric, TODAY, latest=TODAY, ended=False, severity="warn",
            json=msgspec.json.encode(Evidence([told])).decode(), now=NOON,
        )  # fmt: skip
        deliveries.create(c, row.id, "opened", NOON)
        claimed = deliveries.claim(c, NOON)
        assert claimed is not None
        deliveries.mark_failed(c, claimed.id, "The service did not answer in time.", NOON, permanent=True)
        return claimed.id


def test_an_admin_adds_a_channel_and_its_address_is_never_seen_again(
    place: Place, hook: ThreadingHTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = added(place, hook)
    assert (channel.name, channel.service, channel.detail, channel.least, channel.enabled) == ("My phone", "JSON", "values", "info", True)
    page = place.browser().client.get(f"/findings/channels?added={channel.id}").text
    assert "My phone" in page and "Send a test" in page
    assert 'name="url" type="password"' in page
    assert SECRET not in page
    assert SECRET not in caplog.text
    for file in place.settings.data.glob("healthbox.db*"):
        assert SECRET.encode() not in file.read_bytes()


def test_send_test_shows_what_the_service_said_without_the_secret(place: Place, hook: ThreadingHTTPServer) -> None:
    channel, browser = added(place, hook), place.browser()
    answer = browser.client.post(f"/findings/channels/{channel.id}/test", data={"csrf": browser.csrf})
    assert answer.status_code == 200
    assert "The service took the message." in answer.text
    (message,) = hook.seen  # type: ignore[attr-defined]
    assert "This is a test" in message["message"]
    hook.status = 500  # type: ignore[attr-defined]
    answer = browser.client.post(f"/findings/channels/{channel.id}/test", data={"csrf": browser.csrf})
    assert "500" in answer.text
    assert "What the service said" in answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Enter the address"),
        ("syslog://localhost", "not one that healthbox sends to"),
        ("just words", "not one that healthbox sends to"),
        ("json://169.254.169.254/latest", ""),
        (f"json://127.0.0.1/{SECRET}?+=x&unheard=1", ""),
    ],
)
def test_a_refused_address_is_refused_in_words_and_not_repeated(place: Place, url: str, words: str) -> None:
    browser = place.browser()
    answer = browser.client.post("/findings/channels", data=form(browser, url))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'class="msg crit"' in answer.text
    assert 'value="My phone"' in answer.text, "the rest of the form is kept"
    assert not url or f'"{url}"' not in answer.text
    assert SECRET not in answer.text
    assert of(place, "Alice") == []


def test_only_admins_add_addresses_and_only_forms_of_ours(place: Place, hook: ThreadingHTTPServer) -> None:
    bob, alice = place.browser("bob"), place.browser("alice")
    page = bob.client.get("/findings/channels")
    assert page.status_code == 200
    assert "Add a channel" not in page.text
    assert bob.client.post("/findings/channels", data=form(bob, address(hook))).status_code == 403
    assert alice.client.post("/findings/channels", data={**form(alice, address(hook)), "csrf": ""}).status_code == 403
    assert of(place, "Alice") == of(place, "Bob") == []


def test_a_channel_for_somebody_else_begins_off_and_tells_nothing(place: Place, hook: ThreadingHTTPServer) -> None:
    alice, bob = place.browser("alice"), place.browser("bob")
    answer = alice.client.post("/findings/channels", data=form(alice, address(hook), person=str(place.persons["Bob"])))
    assert answer.status_code == 303
    (channel,) = of(place, "Bob")
    assert (channel.enabled, channel.detail) == (False, "nothing")
    assert "My phone" not in alice.client.get("/findings/channels").text
    for path in (f"/findings/channels/{channel.id}", f"/findings/channels/{channel.id}/test", f"/findings/channels/{channel.id}/remove",
                 f"/findings/channels/{channel.id}/address"):  # fmt: skip
        assert alice.client.post(path, data=form(alice, address(hook), enabled="1")).status_code == 404, path
    chosen = {"csrf": bob.csrf, "enabled": "1", "detail": "metric", "least": "urgent", "name": "Bob’s phone"}
    assert bob.client.post(f"/findings/channels/{channel.id}", data=chosen).status_code == 303
    (channel,) = of(place, "Bob")
    assert (channel.enabled, channel.detail, channel.least, channel.name) == (True, "metric", "urgent", "Bob’s phone")


def test_a_channel_is_changed_switched_off_and_removed(place: Place, hook: ThreadingHTTPServer) -> None:
    channel, browser = added(place, hook), place.browser()
    chosen = {"csrf": browser.csrf, "detail": "nothing", "least": "warn", "name": "Quiet phone"}
    browser.client.post(f"/findings/channels/{channel.id}", data=chosen)
    assert [(c.name, c.enabled, c.detail) for c in of(place, "Alice")] == [("Quiet phone", False, "nothing")]
    assert browser.client.post(f"/findings/channels/{channel.id}", data={**chosen, "detail": "all"}).status_code == 422
    assert browser.client.post(f"/findings/channels/{channel.id}/remove", data={"csrf": browser.csrf}).status_code == 303
    assert of(place, "Alice") == []


def test_after_a_restore_without_the_key_the_address_is_entered_again(place: Place, hook: ThreadingHTTPServer) -> None:
    channel, browser = added(place, hook), place.browser()
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE channel SET sealed=x''")
    page = browser.client.get("/findings/channels").text
    assert "enter again" in page and "Send a test" not in page
    path = f"/findings/channels/{channel.id}/address"
    assert browser.client.post(path, data={"csrf": browser.csrf, "url": "syslog://x"}).status_code == 422
    assert browser.client.post(path, data={"csrf": browser.csrf, "url": address(hook)}).status_code == 303
    assert of(place, "Alice")[0].usable
    assert "The service took the message." in browser.client.post(path.replace("address", "test"), data={"csrf": browser.csrf}).text


def test_a_channel_sealed_with_another_key_says_so_before_the_first_message(place: Place, hook: ThreadingHTTPServer) -> None:
    channel = added(place, hook)
    path = place.settings.data / "vault.key"
    path.unlink()
    write_key(path, b"n" * 32)
    door = Door(place.database, place.settings, lambda: None)
    exchanged = replace(place, app=create_app(place.settings, place.database, door, clock=place.clock, vault=Vault(place.settings.data)))
    browser = exchanged.browser()
    page = browser.client.get("/findings/channels").text
    assert "enter again" in page and "sealed with another key" in page and "Send a test" not in page
    assert "its address must be entered again" in browser.client.get("/findings").text
    again = f"/findings/channels/{channel.id}/address"
    assert browser.client.post(again, data={"csrf": browser.csrf, "url": address(hook)}).status_code == 303
    assert "Send a test" in browser.client.get("/findings/channels").text


def test_the_log_is_read_with_as_many_queries_for_one_line_as_for_many(place: Place, hook: ThreadingHTTPServer) -> None:
    added(place, hook)
    client = place.browser().client

    def asked() -> int:
        statements: list[str] = []
        listen = lambda _c, _cursor, statement, *_: statements.append(statement)  # noqa: E731
        event.listen(place.database.reader, "before_cursor_execute", listen)
        assert client.get("/findings/channels").status_code == 200
        event.remove(place.database.reader, "before_cursor_execute", listen)
        return len(statements)

    failed_delivery(place)
    one = asked()
    with place.database.writing() as c:
        c.exec_driver_sql(
            "INSERT INTO delivery (finding_id, state, channel_id, status, due_at, created_at) SELECT finding_id, 'again' || value, "
            "channel_id, 'dead', 0, 0 FROM delivery, json_each('[1,2,3,4,5,6,7,8]')"
        )
    assert asked() == one


def test_the_log_tells_why_a_message_failed_and_sends_it_again(place: Place, hook: ThreadingHTTPServer) -> None:
    added(place, hook)
    failed = failed_delivery(place)
    browser, bob = place.browser(), place.browser("bob")
    page = browser.client.get("/findings/channels").text
    assert "Failed" in page and "The service did not answer in time." in page
    assert "1 message could not be delivered" in browser.client.get("/findings").text
    assert bob.client.post(f"/findings/deliveries/{failed}/again", data={"csrf": bob.csrf}).status_code == 404
    assert browser.client.post(f"/findings/deliveries/{failed}/again", data={"csrf": browser.csrf}).status_code == 303
    assert place.rings

    def sent(url: str, title: str, body: str, settings: object) -> Outcome:
        return Outcome(SECRET in url, "")

    vault = Vault(place.settings.data)
    assert deliver.deliver(place.database, vault, place.settings, Catalogue.load(), NOON, send=sent)
    page = browser.client.get("/findings/channels").text
    assert "Sent" in page and "Send again" not in page


def test_every_service_is_listed_with_an_example(place: Place) -> None:
    page = place.browser().client.get("/findings/channels").text
    for words in ("ntfys://ntfy.example.org/topic", "Telegram", "Home Assistant", "healthbox has something for you"):
        assert words in page
