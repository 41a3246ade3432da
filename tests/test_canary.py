"""A whole life with unique numbers, names and secrets in it; afterwards they are looked for everywhere they have no business to be.

Health values: in no log, no error answer, no queue file, no command's output, no page of another person. Secrets (tokens,
passwords, setup link, session cookies, channel addresses, passphrase): in none of these and, in the clear, in no file at all.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from served import House, receipt, wait_for
from terminal import Home

VALUES = ("4711.25", "8642.75", "163.625", "2347.125", "5813.375", "6173.875", "9281.625", "Zwiebelkanarie", "Kanarienfieber", "71.1234567")
NAMES = ("Quillon", "Quillons Armband", "Quillons Handy", "Canary Box")
PASSWORDS = {"right": "kanarien-passwort-4417", "wrong": "kanarien-passwort-9903", "carol": "kanarien-passwort-2218"}
PASSPHRASE = "kanarien-losung-7731"
HOOKS = ("hookuser-3391", "hookpass-3392", "hookpath-3393", "deadhook-3394")
DAY = dt.datetime.now(ZoneInfo("Europe/Berlin")).replace(hour=0, minute=0, second=0, microsecond=0)  # of the person, at any hour of UTC
BAD_BODIES: tuple[tuple[bytes, int], ...] = (
    (b'{"samples": [{"value": 4711.25', 400),
    (b'{"Zwiebelkanarie": 4711.25}', 422),
    (b"weight=4711.25&note=Zwiebelkanarie", 400),
    (b'{"batch": "x", "index": "Zwiebelkanarie", "final": 4711.25, "samples": []}', 422),
    (b"\xff\xfe 4711.25", 400),
    (b'{"a":' * 200 + b"4711.25" + b"}" * 200, 400),
)


class Life:
    """Collects what was said aloud: ``errors`` are all answers from 400 on, ``told`` what commands printed, ``elsewhere`` Carol's pages."""

    def __init__(self, house: House) -> None:
        self.house, self.base = house, house.base
        self.errors: list[str] = []
        self.told: list[str] = []
        self.elsewhere: list[str] = []
        self.files: list[tuple[Path, bytes]] = []
        self.secrets: dict[str, str] = {"setup link": house.setup.rsplit("/", 1)[1], "passphrase": PASSPHRASE}
        self.secrets |= {f"password {name}": text for name, text in PASSWORDS.items()} | {text: text for text in HOOKS}

    def ask(self, method: str, path: str, expected: int, *, browser: requests.Session | None = None, **more: Any) -> requests.Response:
        answer = (browser or requests).request(method, self.base + path, timeout=30, **more)
        assert answer.status_code == expected, (path, answer.status_code, answer.text[:300])
        if answer.status_code >= 400:
            self.errors.append(f"{method} {path}\n{answer.headers}\n{answer.text}")
        return answer

    def run(self, *words: str, said: str = "", code: int = 0) -> str:
        done = Home(self.house.data).run(*words, said=said, code=code)
        self.told.append(f"{words}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def token(self, browser: requests.Session, csrf: str) -> dict[str, str]:
        form = {"csrf": csrf, "name": "Quillons Handy", "scope": ["ingest", "read"]}
        page = self.ask("POST", "/devices", 200, browser=browser, data=form).text
        found = re.search(r"hbx_\w{58}", page)
        assert found is not None
        self.secrets["token"] = found[0]
        return {"Authorization": f"Bearer {found[0]}"}


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def hours(start: float, length: float = 0.5) -> dict[str, str]:
    begin = DAY + dt.timedelta(hours=start)
    return {"start": begin.isoformat(), "end": (begin + dt.timedelta(hours=length)).isoformat()}


def good(batch: str) -> dict[str, Any]:
    source = {"name": "Quillons Armband", "bundle": "org.example.armband"}
    samples = [
        {"type": "weight", "value": 4711.25, "unit": "g", **hours(-20, 0)},
        {"type": "steps", "value": 8642.75, "unit": "count", **hours(-19), "metadata": {"note": "Zwiebelkanarie"}},
        {"type": "resting_heart_rate", "value": 163.625, "unit": "count/min", **hours(-18, 0)},
        {"type": "zorgindex", "value": 2347.125, "unit": "zorg", **hours(-17)},
        {"type": "steps", "value": 5813.375, "unit": "furlong", **hours(-16)},
        {"type": "steps", "value": "6173.875 Zwiebelkanarie", "unit": "count", **hours(-15)},
    ]
    route = [{"time": hours(-14)["start"], "latitude": 71.1234567, "longitude": 8.1}]
    run = {"activity": "running", **hours(-14), "source": source, "route": route, "totals": {"distance": {"value": 9281.625, "unit": "m"}}}
    illness = {"resourceType": "Condition", "id": "c1", "code": {"text": "Kanarienfieber"}}
    return {
        "batch": batch,
        "index": 0,
        "final": True,
        "samples": [s | {"source": source} for s in samples],
        "workouts": [run],
        "clinical": [illness],
    }


class Hook(BaseHTTPRequestHandler):
    heard: list[bytes]

    def do_POST(self) -> None:
        self.heard.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def hook() -> Iterator[ThreadingHTTPServer]:
    Hook.heard = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, hook: ThreadingHTTPServer) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("canary")
    (folder / "data").mkdir()
    house = House(folder / "data", allow_loopback_targets="true", log_level="debug")
    life = Life(house)
    try:
        with requests.Session() as quillon, requests.Session() as carol:
            live(life, quillon, carol, hook)
        life.files = [*files(life)]  # with the log of a running database
        assert house.stop() == 0
    finally:
        house.process.kill()
        house.process.wait()
    yield life


def live(life: Life, quillon: requests.Session, carol: requests.Session, hook: ThreadingHTTPServer) -> None:
    csrf = moved_in(life, quillon)
    headers = life.token(quillon, csrf)
    told_where(life, quillon, csrf, hook.server_port)
    uploaded(life, headers)
    wait_for(lambda: Hook.heard, 20)
    broken(life, quillon, headers)
    looked_after(life, quillon)
    looked_at_by_another(life, carol)


def moved_in(life: Life, quillon: requests.Session) -> str:
    form = {"name": "Quillon", "login": "quillon", "zone": "Europe/Berlin"}
    life.ask("POST", life.house.setup, 422, browser=quillon, data=form | {"password": "short"})
    life.ask("POST", life.house.setup, 200, browser=quillon, data=form | {"password": PASSWORDS["right"]})
    life.ask("GET", life.house.setup, 404)
    life.ask("POST", "/login", 401, data={"login": "quillon", "password": PASSWORDS["wrong"]})
    life.ask("POST", "/login", 200, browser=quillon, data={"login": "quillon", "password": PASSWORDS["right"]})
    life.secrets["session"] = quillon.cookies["healthbox"]
    return csrf_of(life.ask("GET", "/devices", 200, browser=quillon).text)


def told_where(life: Life, quillon: requests.Session, csrf: str, port: int) -> None:
    """One channel that works, one whose service is not there, one address that is refused."""
    user, password, path, dead = HOOKS
    form = {"csrf": csrf, "name": "Canary Box", "detail": "values", "least": "info"}

    def add(url: str, status: int) -> None:
        life.ask("POST", "/findings/channels", status, browser=quillon, data=form | {"url": url})

    add(f"json://{user}:{password}@127.0.0.1:{port}/{path}", 200)
    add(f"json://{user}:{password}@127.0.0.1:9/{dead}", 200)
    add(f"syslog://{password}@{dead}", 422)
    for channel in (1, 2):
        life.ask("POST", f"/findings/channels/{channel}/test", 200, browser=quillon, data={"csrf": csrf})


def uploaded(life: Life, headers: dict[str, str]) -> None:
    def post(status: int, body: Any) -> requests.Response:
        return life.ask("POST", "/api/v1/sync", status, headers=headers, json=body)

    first = post(202, good("one")).json()["receipt"]
    found = receipt(life.base, headers["Authorization"].split()[1], first)
    assert found["records"] == {"new": 6, "updated": 0, "duplicate": 0, "deleted": 0, "rejected": 2}
    for body, status in BAD_BODIES:
        for path in ("ingest", "sync"):
            answer = requests.post(f"{life.base}/api/v1/{path}", data=body, headers=headers, timeout=10)
            assert 400 <= answer.status_code < 500, (body[:40], answer.text)
            assert answer.status_code in (status, 400, 415, 422), (body[:40], answer.text)
            life.errors.append(answer.text)
    other = good("one")
    other["samples"][0]["value"] = 71.1234567
    post(409, other)
    token = life.secrets["token"]
    life.ask("GET", f"/api/v1/samples?token={token}", 422, headers=headers)
    life.ask("GET", f"/api/v1/{token}", 404, headers=headers)
    life.ask("GET", "/api/v1/days", 401, headers={"X-API-Key": token[:-1] + ("A" if token[-1] != "A" else "B")})
    life.ask("GET", "/api/v1/batches/nothing", 404, headers=headers)
    life.ask("DELETE", "/api/v1/samples", 405, headers=headers)


def broken(life: Life, quillon: requests.Session, headers: dict[str, str]) -> None:
    """Our own mistakes: tables that are gone while values are read and stored."""
    rename(life.house.data, "sample", "sample_gone")
    rename(life.house.data, "workout", "workout_gone")
    again = good("two")
    again["samples"] = again["samples"][:2]
    again["samples"][0] |= {"value": 71.1234567, **hours(-13, 0)}
    sent = life.ask("POST", "/api/v1/sync", 202, headers=headers, json=again).json()
    life.ask("GET", "/api/v1/workouts", 500, headers=headers)
    life.ask("GET", "/workouts", 500, browser=quillon)

    def failed() -> bool:
        found = life.ask("GET", sent["receipt"], 200, headers=headers).json()
        life.errors.append(json.dumps(found["errors"]))
        return bool(found["errors"])

    wait_for(failed, 15)
    rename(life.house.data, "sample_gone", "sample")
    rename(life.house.data, "workout_gone", "workout")


def rename(data: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(data / "healthbox.db", timeout=20)) as connection:
        connection.execute("PRAGMA legacy_alter_table=ON")
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")


def looked_after(life: Life, quillon: requests.Session) -> None:
    """Every command that shows something, and a backup."""
    life.run("person", "add", "Carol")
    life.run("account", "add", "carol", "--person", "Carol", "--admin", "--password-stdin", said=PASSWORDS["carol"] + "\n")
    life.secrets["second token"] = requests_token = life.run("token", "add", "Spare", "--person", "Quillon").strip()
    life.told.pop()  # the one output that is the token
    assert requests_token.startswith("hbx_")
    path = life.house.data.parent / "bad.json"
    path.write_text(json.dumps(good("three")))
    life.run("import", str(path), "--person", "Quillon")
    path.write_bytes(BAD_BODIES[0][0])
    life.run("import", str(path), "--person", "Quillon", code=1)
    public = life.run("batches").split("\n")[1].split()[0]
    for words in (
        ("batches", public),
        ("dead", "list"),
        ("token", "list"),
        ("account", "list"),
        ("source", "list"),
        ("check",),
        ("rebuild",),
    ):
        life.run(*words)
    life.run("backup", str(life.house.data.parent / "copy"), "--with-key", "--passphrase-stdin", said=PASSPHRASE + "\n")
    for path_of_admin in ("/settings/server", "/settings/people"):
        life.ask("GET", path_of_admin, 200, browser=quillon)


def looked_at_by_another(life: Life, carol: requests.Session) -> None:
    """Carol is an admin too, and of nobody's health but her own."""
    life.ask("POST", "/login", 200, browser=carol, data={"login": "carol", "password": PASSWORDS["carol"]})
    pages = (
        "/", "/data", "/uploads", "/dead", "/unknown", "/devices", "/devices/1", "/workouts", "/workouts/1", "/sleep", "/metrics/all",
        "/metrics/weight", "/metrics/zorgindex", "/findings", "/findings/rules", "/findings/channels", "/settings", "/settings/people",
        "/settings/server",
    )  # fmt: skip
    for path in (*pages, "/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"):
        life.elsewhere.append(f"{path}\n{carol.get(life.base + path, timeout=10).text}")


def hits(text: str, wanted: dict[str, str] | tuple[str, ...]) -> list[str]:
    """Which of the canaries are in a text, each with what stands around it; numbers in the spelling of every locale too."""
    found = []
    for name, canary in wanted.items() if isinstance(wanted, dict) else ((one, one) for one in wanted):
        for form in {canary, canary.replace(".", ","), re.sub(r"^(\d)(\d{3}\.)", r"\1,\2", canary)}:
            if (at := text.find(form)) >= 0:
                found.append(f"{name}: ...{text[max(0, at - 120) : at + 60]}")
    return found


def files(life: Life) -> Iterator[tuple[Path, bytes]]:
    for folder in (life.house.data, life.house.data.parent / "copy"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


def shaped(secret: str) -> str:
    """Of a token the secret part only: its id is kept, to find the row."""
    return secret[13:56] if secret.startswith("hbx_") else secret


def test_the_life_was_a_full_one(life: Life) -> None:
    log = life.house.errors.read_text()
    assert "163.625" in Hook.heard[-1].decode() or "164" in Hook.heard[-1].decode(), "where values were asked for, they are told"
    for trace in ("mistake id=", '"chunk step"', "batch closed", "delivery id=", "status=500", "chunk failed"):
        assert trace in log, trace
    assert len(life.errors) > 20 and len(life.told) > 10
    database = b"".join(raw for path, raw in life.files if path.name.startswith("healthbox.db")).decode("latin-1")
    assert len(hits(database, NAMES)) == len(NAMES), "what is looked for can be found"


def test_no_log_line_holds_a_health_value_a_name_or_a_secret(life: Life) -> None:
    log = life.house.errors.read_text()
    assert hits(log, VALUES) + hits(log, NAMES) + hits(log, {name: shaped(text) for name, text in life.secrets.items()}) == []
    said = "\n".join(life.house.said)
    assert said.count(life.secrets["setup link"]) == 1
    assert hits(said.replace(life.secrets["setup link"], ""), {name: shaped(text) for name, text in life.secrets.items()}) == []


def test_no_error_answer_holds_a_health_value_or_a_secret_or_a_traceback(life: Life) -> None:
    for answer in life.errors:
        sent_back = re.sub(r'name="login" value="[^"]*"', "", answer.split("\n", 1)[-1])
        assert hits(sent_back, VALUES) + hits(sent_back, {name: shaped(text) for name, text in life.secrets.items()}) == []
        assert "Traceback" not in answer and ".py" not in answer and "SELECT" not in answer and "INSERT" not in answer


def test_no_command_tells_a_health_value_or_a_secret(life: Life) -> None:
    for output in life.told:
        assert hits(output, VALUES) + hits(output, {name: shaped(text) for name, text in life.secrets.items()}) == []


def test_no_page_of_another_person_nor_the_meters_hold_anything_of_hers(life: Life) -> None:
    secrets = {name: shaped(text) for name, text in life.secrets.items()}
    for page in life.elsewhere:
        assert hits(page, VALUES) + hits(page, NAMES[1:]) + hits(page, secrets) == []  # that a Quillon lives here is an admin's to know


def test_the_queue_holds_nothing_and_the_setup_link_is_gone(life: Life) -> None:
    queue = b"".join(raw for path, raw in [*life.files, *files(life)] if path.name.startswith("queue.db")).decode("latin-1")
    assert queue
    assert hits(queue, VALUES) + hits(queue, NAMES) + hits(queue, {name: shaped(text) for name, text in life.secrets.items()}) == []
    assert not (life.house.data / "setup_token").exists()


def test_no_file_holds_a_secret_in_the_clear(life: Life) -> None:
    key = (life.house.data / "vault.key").read_bytes().strip()
    looked: set[str] = set()
    for path, raw in [*life.files, *files(life)]:
        looked.add(path.name)
        found = [name for name, text in life.secrets.items() if shaped(text).encode() in raw]
        assert found == [], path
        assert path.name == "vault.key" or key not in raw, path
        assert not path.exists() or path.stat().st_mode & 0o077 == 0, path
    assert {"healthbox.db", "healthbox.db-wal", "queue.db", "vault.key", "manifest.json"} <= looked


def test_her_data_is_all_there_in_spite_of_it(life: Life) -> None:
    """What is hidden elsewhere is kept where it belongs."""
    with closing(sqlite3.connect(life.house.data / "healthbox.db")) as connection:
        stored = {value for (value,) in connection.execute("SELECT value FROM sample")}
    assert {8642.75, 163.625, 2347.125} <= stored
