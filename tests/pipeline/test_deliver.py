"""From a delivery row to a message at a real receiver, with retries, through kills, without a secret in any log."""

import datetime as dt
import json
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from healthbox.analytics.rules.contract import Finding
from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import DiskFull, Forbidden, Invalid
from healthbox.notify.channels import Outcome
from healthbox.pipeline import deliver as delivering
from healthbox.pipeline.analyse import Evidence
from healthbox.pipeline.deliver import add_channel, deliver, resume, send_test
from healthbox.store import channels, deliveries, findings, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault

NOW = int(dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC).timestamp() * 1000)
TODAY = dt.date(2026, 11, 20)
SECRET = "hook-token-8842"
CATALOGUE = Catalogue.load()


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.seen, server.status = [], 200
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path):
    """Alice's server: database, vault and settings."""
    database = Database(tmp_path)
    upgrade(database)
    vault = Vault(tmp_path)
    with database.writing() as c:
        people.add_person(c, "Alice", "Europe/Berlin", NOW)
        vault.start(c)
    yield database, vault, Settings(data=tmp_path, allow_loopback_targets=True, base_url="https://health.home.arpa")
    database.close()


def sealed_channel(home, url="json://192.168.1.20/x", detail="values"):
    database, vault, _ = home
    with database.writing() as c:
        return channels.add(c, vault, 1, name="Phone", service="JSON", url=url, detail=detail, least="info", now=NOW)


def found(home):
    database = home[0]
    told = Finding("deviation", "resting_heart_rate", TODAY, "warn", 61.0, 52.0, 57.0, "above", {})
    with database.writing() as c:
        row = findings.upsert_episode(
            c,
            1,
            told.rule,
            told.metric,
            TODAY,
            latest=TODAY,
            ended=False,
            severity="warn",
            json=msgspec.json.encode(Evidence([told])).decode(),
            now=NOW,
        )
        deliveries.create(c, row.id, "opened", NOW)


def rows(home):
    with home[0].reading() as c:
        return deliveries.of_person(c, 1)


def test_a_finding_arrives_at_a_real_receiver_once(home, hook, caplog):
    caplog.set_level(logging.DEBUG)
    database, vault, settings = home
    url = f"json://127.0.0.1:{hook.server_port}/{SECRET}"
    made = add_channel(database, vault, settings, 1, name=" ", url=url, detail="values", least="warn", now=NOW)
    assert (made.name, made.service, made.usable) == ("JSON", "JSON", True)
    found(home)
    assert deliver(database, vault, settings, CATALOGUE, NOW)
    assert not deliver(database, vault, settings, CATALOGUE, NOW)
    (message,) = hook.seen
    assert message["title"].replace("\N{NO-BREAK SPACE}", " ").endswith("61 bpm")
    assert "usually 52–57" in message["message"]
    assert message["message"].endswith("https://health.home.arpa/day/2026-11-20")
    assert rows(home)[0].status == "sent"
    for hidden in (SECRET, "61", "Resting"):
        assert hidden not in caplog.text


def test_failures_follow_the_schedule_and_the_log_of_them_keeps_no_secret(home, hook):
    database, vault, settings = home
    hook.status = 500
    sealed_channel(home, f"json://alice:korrekt-pferd@127.0.0.1:{hook.server_port}/{SECRET}")
    found(home)
    dues = []
    for _ in range(4):
        due = rows(home)[0].due_at
        assert not deliver(database, vault, settings, CATALOGUE, due - 1)
        assert deliver(database, vault, settings, CATALOGUE, due)
        dues.append((due - NOW) // 1000)
    (row,) = rows(home)
    assert dues == [0, 30, 30 + 90, 30 + 90 + 270]
    assert (row.status, row.attempts) == ("dead", 4)
    assert "500" in row.error
    assert len(hook.seen) == 4
    for hidden in (SECRET, "korrekt-pferd", "61", "Resting"):
        assert hidden not in row.error
    assert not deliver(database, vault, settings, CATALOGUE, NOW + 10**9)


@pytest.mark.parametrize(("detail", "title"), [("nothing", "healthbox"), ("metric", "Resting Heart Rate is unusual")])
def test_a_message_tells_no_more_than_the_channel_may(home, detail, title):
    database, vault, settings = home
    sealed_channel(home, detail=detail)
    found(home)
    said = []

    def keep(_url, title, body, _settings):
        said.append((title, body))
        return Outcome(True, "")

    assert deliver(database, vault, settings, CATALOGUE, NOW, send=keep)
    assert said[0][0] == title
    assert "61" not in said[0][1]


def test_a_kill_while_sending_leaves_a_row_that_is_resumed_at_boot(home):
    database, vault, settings = home
    sealed_channel(home)
    found(home)

    def killed(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(database, vault, settings, CATALOGUE, NOW, send=killed)
    assert rows(home)[0].status == "sending"
    assert resume(database, NOW + 1) == 1
    said = []
    assert deliver(database, vault, settings, CATALOGUE, NOW + 1, send=lambda *message: said.append(message) or Outcome(True, ""))
    assert (len(said), rows(home)[0].status, rows(home)[0].attempts) == (1, "sent", 2)


def test_a_process_killed_between_finding_and_delivery_sends_once(home):
    """A real kill -9 after the commit that holds the finding; the next process finds the row and sends it."""
    database, vault, settings = home
    sealed_channel(home)
    found(home)
    code = f"""
import os, pathlib, signal
from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue
from healthbox.pipeline import deliver
from healthbox.store.engine import Database
from healthbox.store.vault import Vault
data = pathlib.Path({str(settings.data)!r})
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
deliver.deliver(Database(data), Vault(data), Settings(data=data), Catalogue.load(), {NOW}, send=die)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert resume(database, NOW) == 1
    said = []
    while deliver(database, vault, settings, CATALOGUE, NOW, send=lambda *message: said.append(message) or Outcome(True, "")):
        pass
    assert len(said) == 1
    assert resume(database, NOW) == 0


def test_a_full_disk_after_the_send_does_not_send_again(home, monkeypatch):
    database, vault, settings = home
    sealed_channel(home)
    found(home)
    monkeypatch.setattr(delivering.time, "sleep", lambda _seconds: None)
    mark, tries = deliveries.mark_sent, []

    def full_at_first(c, delivery_id, now):
        tries.append(delivery_id)
        if len(tries) < 3:
            raise DiskFull("full")
        mark(c, delivery_id, now)

    monkeypatch.setattr(deliveries, "mark_sent", full_at_first)
    said = []
    assert deliver(database, vault, settings, CATALOGUE, NOW, send=lambda *message: said.append(message) or Outcome(True, ""))
    assert (len(said), len(tries), rows(home)[0].status) == (1, 3, "sent")


def test_without_the_key_the_delivery_says_what_to_do(home, tmp_path):
    database, _vault, settings = home
    sealed_channel(home)
    found(home)
    other = Vault(tmp_path, tmp_path / "no-key-here")
    assert deliver(database, other, settings, CATALOGUE, NOW, send=lambda *_: pytest.fail("nothing to send to"))
    assert rows(home)[0].status == "dead"
    with database.writing() as c:
        c.exec_driver_sql("UPDATE channel SET sealed=x''")
        deliveries.again(c, 1, rows(home)[0].id, NOW)
    deliver(database, other, settings, CATALOGUE, NOW)
    assert "entered again" in rows(home)[0].error
    assert "entered again" in send_test(database, other, settings, 1).reason


def test_a_channel_switched_off_meanwhile_sends_nothing(home):
    database, vault, settings = home
    made = sealed_channel(home)
    found(home)
    with database.writing() as c:
        channels.change(c, made, name="Phone", detail="values", least="info", enabled=False)
    assert deliver(database, vault, settings, CATALOGUE, NOW, send=lambda *_: pytest.fail("switched off"))
    assert rows(home)[0].status == "dead"


def test_the_test_button_shows_the_services_answer(home, hook):
    database, vault, settings = home
    made = sealed_channel(home, f"json://127.0.0.1:{hook.server_port}/{SECRET}")
    outcome = send_test(database, vault, settings, made)
    assert outcome.ok
    assert "JSON" in outcome.answer
    assert SECRET not in outcome.answer
    assert hook.seen[0]["title"] == "healthbox: test"
    hook.status = 403
    assert "403" in send_test(database, vault, settings, made).answer


def test_an_address_that_may_not_be_used_is_not_kept(home):
    database, vault, settings = home
    for url, problem in (("syslog://", Invalid), ("json://169.254.169.254/", Forbidden)):
        with pytest.raises(problem):
            add_channel(database, vault, settings, 1, name="x", url=url, detail="values", least="warn", now=NOW)
    with database.reading() as c:
        assert channels.of_person(c, 1) == []
