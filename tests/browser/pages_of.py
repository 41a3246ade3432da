"""The stage of the acceptance tests: one server whose clock stands still, people in every state that a page can be in, the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from place import Clock

from healthbox.cli.demo_stated import HEADERS
from healthbox.cli.demo_year import make
from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.pump import Pump
from healthbox.store import accounts, devices, ledger, logins, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault
from healthbox.web import passwords
from healthbox.web.application import create_app
from healthbox.web.serving import Serving

ZONE = "Europe/Berlin"
NOW = 1_763_649_600_000  # Thursday 20 November 2025, 15:40 in Berlin
TODAY = "2025-11-20"
PASSWORD = "a long enough password"
LIVES = {"Alice": 365, "Bob": 40, "Carol": 5, "Dave": 1, "Erin": 0, "Frank": 20}
"""Days of data: a year, six weeks, still learning, a first day, nothing yet; Frank has an upload that could not be read."""

PAGES = {
    "today": "/", "day": "/day/2025-11-12", "choose": "/day", "sleep": "/sleep", "night": "/sleep/2025-11-12",
    "metrics": "/metrics/all", "steps": "/metrics/steps?range=m", "pulse": "/metrics/resting_heart_rate?range=6m",
    "weight": "/metrics/weight?range=y", "heart": "/metrics/heart_rate?range=d", "why": "/metrics/steps/2025-11-19/why",
    "workouts": "/workouts", "import": "/import", "export": "/settings/export", "workout": "/workouts/{workout}",
    "findings": "/findings", "rules": "/findings/rules", "channels": "/findings/channels", "data": "/data", "uploads": "/uploads",
    "compare": "/data/compare", "compared": "/data/compare/active_energy",
    "pair": "/pair", "pair-nowhere": "/pair/shortcut", "pair-hae": "/pair/health-auto-export?address=http://192.168.1.20:8765",
    "pair-other": "/pair/other?address=http://192.168.1.20:8765", "pair-waiting": "/pair/waiting/{device}",
    "upload": "/uploads/{upload}", "devices": "/devices", "device": "/devices/{device}", "unknown": "/unknown", "dead": "/dead",
    "name": "/unknown/unknown.mood", "settings": "/settings", "people": "/settings/people", "accounts": "/settings/accounts",
    "precedence": "/settings/precedence", "server": "/settings/server", "missing": "/nowhere",
}  # fmt: skip


@dataclass
class Stage:
    """``cookies`` and ``tokens`` are by person; ``paths`` are the pages with Alice's own numbers in them."""

    base: str
    clock: Clock
    database: Database
    settings: Settings
    cookies: dict[str, str]
    tokens: dict[str, str]
    paths: dict[str, str]

    def api(self, path: str, who: str = "Alice") -> Any:
        answer = requests.get(f"{self.base}/api/v1/{path}", headers={"Authorization": f"Bearer {self.tokens[who]}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def html(self, path: str, who: str = "Alice") -> requests.Response:
        return requests.get(self.base + path, cookies={"healthbox": self.cookies[who]}, headers={"Accept-Encoding": "gzip"}, timeout=10)

    def pump(self) -> None:
        Pump(self.database, self.settings.data, self.clock, lambda: None).run()

    @contextmanager
    def at(self, ms: int) -> Iterator[None]:
        """The server's clock turned to another instant for a while."""
        before, self.clock.at = self.clock.at, ms
        yield
        self.clock.at = before


def _settings(data: Path) -> Settings:
    return Settings(data=data, min_free_mb=0, ballast_mb=0, allow_loopback_targets=True)


def build(data: Path) -> None:
    """Everybody's data, sent through the door and worked off; what the tests need to know of it goes to ``stage.json``."""
    settings, database = _settings(data), Database(data)
    upgrade(database)
    door = Door(database, settings, lambda: None)
    clock = Clock(NOW)
    hashed = passwords.hashed(PASSWORD)
    known: dict[str, dict[str, str]] = {"cookies": {}, "tokens": {}}
    for seed, (name, length) in enumerate(LIVES.items()):
        with database.writing() as c:
            person = people.add_person(c, name, ZONE, NOW)
            account = accounts.add_account(c, name.lower(), hashed, person.id, name == "Alice", NOW)
            known["cookies"][name] = logins.create_session(c, account.id, "Firefox on Linux", NOW)[1]
            if not length:
                continue
            phone, _ = devices.add_device(c, person.id, f"{name}’s phone", ["ingest"], NOW)
            known["tokens"][name] = devices.add_device(c, person.id, "Script", ["ingest", "read"], NOW)[1]
        year = make(NOW, ZONE, days=length, seed=7 + seed)
        with database.writing() as c:
            for since, zone in year.zones[1:]:
                people.set_zone(c, person.id, zone, since)
        for body in year.bodies:
            door.sync(phone, body, NOW - 4 * 60_000)
        if name == "Alice":
            door.sync(phone, _one("mood"), NOW - 60_000)
            for at, body in year.stated:
                door.ingest(phone, body, headers=HEADERS, now=min(at, NOW - 120_000))
        Pump(database, data, clock, lambda: None).run()
        if name == "Frank":
            door.ingest(phone, TOTAL, headers=HEADERS, now=NOW - 55_000)
            Pump(database, data, clock, lambda: None).run()
            _bury(database, door, phone)
            Pump(database, data, clock, lambda: None).run()
    with database.reading() as c:
        alice = c.exec_driver_sql("SELECT id FROM person WHERE name='Alice'").scalar_one()
        numbers = {
            "workout": c.exec_driver_sql("SELECT max(id) FROM workout WHERE person_id=?", (alice,)).scalar_one(),
            "upload": c.exec_driver_sql("SELECT public FROM batch WHERE person_id=? ORDER BY id LIMIT 1", (alice,)).scalar_one(),
            "device": c.exec_driver_sql("SELECT min(id) FROM device WHERE person_id=?", (alice,)).scalar_one(),
        }
    known["paths"] = {name: path.format(**numbers) for name, path in PAGES.items()}
    (data / "stage.json").write_text(json.dumps(known))
    database.close()


MOOD = {"type": "mood", "start": "2025-11-20T08:00:00Z", "end": "2025-11-20T08:00:00Z", "value": 7, "source": {"name": "Diary"}}


TOTAL = b"""{"data": {"metrics": [{"name": "step_count", "units": "count",
  "data": [{"date": "2025-11-18 00:00:00 +0100", "qty": 9120, "source": "iPhone"}]}]}}"""


def _one(batch: str) -> bytes:
    return json.dumps({"batch": batch, "index": 0, "final": True, "metric": None, "samples": [MOOD]}).encode()


def _bury(database: Database, door: Door, phone: Any) -> None:
    """A body that failed four times."""
    sent = door.sync(phone, _one("broken"), NOW - 50_000)
    with database.writing() as c:
        batch = ledger.by_public(c, sent.batch)
        assert batch is not None
        c.exec_driver_sql("UPDATE chunk SET attempts=3 WHERE batch_id=?", (batch.id,))
        claim = ledger.claim(c, NOW)
        assert claim is not None
        ledger.fail(c, claim, error="the list ends in the middle", permanent=False, now=NOW)


@contextmanager
def served(data: Path) -> Iterator[Stage]:
    """A real server over ``data``, in a thread, with a clock that the tests may turn."""
    settings, database, clock = _settings(data), Database(data), Clock(NOW)
    vault = Vault(data)
    with database.writing() as c:
        vault.start(c)
    app = create_app(settings, database, Door(database, settings, lambda: None), clock=clock, vault=vault)
    server = Serving(app, settings, host="127.0.0.1", port=0)
    server.start()
    yield Stage(f"http://127.0.0.1:{server.port}", clock, database, settings, **json.loads((data / "stage.json").read_text()))
    server.stop()
    database.close()


WATCH = """
window.seen = {violations: [], shift: 0};
const note = e => window.seen.violations.push(`${e.violatedDirective} ${e.blockedURI}`);
document.addEventListener('securitypolicyviolation', note);
const shifts = new PerformanceObserver(list => { for (const e of list.getEntries()) window.seen.shift += e.value; });
shifts.observe({type: 'layout-shift', buffered: true});
"""


@contextmanager
def looking(chromium: Any, stage: Stage, who: str = "Alice", **options: Any) -> Iterator[Any]:
    """A page of a browser in which ``who`` is logged in; ``window.seen`` counts layout shifts and policy violations."""
    given = {"viewport": {"width": 375, "height": 800}, "timezone_id": ZONE, "locale": "en-GB", "reduced_motion": "reduce", **options}
    context = chromium.new_context(**given)
    if who:
        context.add_cookies([{"name": "healthbox", "value": stage.cookies[who], "url": stage.base}])
    context.add_init_script(WATCH)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
