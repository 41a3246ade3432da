"""The day the disk dies: a backup made under load, put into an empty folder, and a phone that goes on as if nothing had been."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from load import Phones, Server, found
from terminal import Home, until

from healthbox.store import channels
from healthbox.store.engine import Database
from healthbox.store.vault import Vault

PASSPHRASE, PASSWORD = "a long passphrase", "correct horse battery"
ADDRESS = "json://alice:hook-token-8842@127.0.0.1:9/hook-path-3391"
HISTORY = {
    "batch": "history", "index": 0, "final": True,
    "samples": [
        *({"type": "steps", "start": f"2025-12-{day:02d}T08:00:00Z", "end": f"2025-12-{day:02d}T09:00:00Z", "value": 900 + day,
           "source": "Watch"} for day in range(1, 21)),
        *({"type": "sleep_analysis", "start": f"2025-12-{day:02d}T22:00:00Z", "end": f"2025-12-{day + 1:02d}T05:00:00Z", "value": "core",
           "source": "Watch"} for day in range(1, 20)),
    ],
}  # fmt: skip
FIRST = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp())  # of what the phones under load tell
WAITING = (  # a batch that the backup cut in two stays open: its end comes when the phone sends again
    "SELECT (SELECT count(*) FROM chunk WHERE status IN ('pending','running')) + (SELECT count(*) FROM dirty_day)"
)


@dataclass
class Drill:
    """``before`` are the samples acknowledged before the backup began, ``chunks`` all that were ever; ``ruins`` what kill -9 left."""

    home: Home
    ruins: Path
    token: str
    backup: Path
    began: int
    done: int
    epoch: str
    before: Counter[tuple[int, float]]
    chunks: dict[tuple[str, int], list[tuple[int, float]]]

    def resend(self, server: Server) -> None:
        """Everything anew, as a phone does that is told to."""
        phones = Phones(server, self.token, 0)
        for (batch, index), samples in self.chunks.items():
            phones._until_acknowledged(batch, index, samples)
        server.drain(30)


def epoch(server: Server, token: str) -> dict[str, Any]:
    status, raw = server.request("GET", "/api/v1/sync/state", None, {"Authorization": f"Bearer {token}"})
    assert status == 200, "the old phone's token works"
    return json.loads(raw)  # type: ignore[no-any-return]


def add_channel(data: Path) -> None:
    database, vault = Database(data), Vault(data)
    with database.writing() as c:
        assert vault.start(c) == "ready"
        channels.add(c, vault, 1, name="Alice's mail", service="JSON", url=ADDRESS, detail="values", least="info", now=0)
    database.close()


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """Alice's server with a year's end of history and a channel; a backup while four phones send; then it is killed."""
    folder = tmp_path_factory.mktemp("drill")
    home = Home(folder / "data")
    home.data.mkdir()
    token = found(home.data)
    home.run("account", "add", "alice", "--person", "Alice", "--password-stdin", said=f"{PASSWORD}\n")
    add_channel(home.data)
    server, phones = Server(home.data), None
    server.start()
    try:
        assert server.post("/api/v1/sync", HISTORY, token)[0] == 202
        server.drain()
        phones = Phones(server, token, random.Random(7).randrange(1000))
        phones.start()
        time.sleep(1.0)
        with phones.oracle.lock:
            before = Counter(sample for samples in phones.oracle.chunks.values() for sample in samples)
        began = time.time_ns() // 1_000_000
        made = home.run("backup", str(folder / "copy"), "--with-key", "--passphrase-stdin", said=f"{PASSPHRASE}\n").stdout.strip()
        done = time.time_ns() // 1_000_000
        time.sleep(0.5)
        phones.stop()
        server.drain()
        state = epoch(server, token)
    finally:
        server.kill(signal.SIGKILL)
    shutil.copytree(home.data, folder / "ruins", ignore=shutil.ignore_patterns("*.lock"))  # before a reader tidies its log away
    assert before and sum(map(len, phones.oracle.chunks.values())) > before.total(), "there was load before and after"
    return Drill(home, folder / "ruins", token, Path(made), began, done, state["epoch"], before, phones.oracle.chunks)


@pytest.fixture
def start() -> Iterator[Callable[[Home], Server]]:
    servers: list[Server] = []

    def begin(home: Home) -> Server:
        servers.append(Server(home.data, HEALTHBOX_ALLOW_LOOPBACK_TARGETS="true"))
        servers[-1].start()
        until(lambda: home.rows(WAITING) == [(0,)], 30)
        return servers[-1]

    yield begin
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def samples(home: Home) -> Counter[tuple[int, float]]:
    return Counter(home.rows("SELECT start, value FROM sample WHERE start>=?", FIRST))


def days(home: Home, before: str = "9999") -> list[tuple[Any, ...]]:
    found = home.rows("SELECT metric, date, value, low, high, mean, n, coverage, layer, rule FROM day WHERE date<? ORDER BY 1, 2", before)
    return found + home.rows("SELECT date, asleep, start, end FROM night WHERE date<? ORDER BY 1", before)


def is_sound(home: Home, drill: Drill) -> None:
    """All of what was acknowledged before the backup, and days that are the sum of what is there."""
    assert home.rows("PRAGMA integrity_check") == [("ok",)]
    assert home.rows("PRAGMA foreign_key_check") == []
    assert days(home, "2026") == days(drill.home, "2026") != []
    assert drill.before - samples(home) == Counter(), "what was acknowledged before the backup is in it"
    assert samples(home) - samples(drill.home) == Counter()
    summed = home.rows("SELECT date(start+3600, 'unixepoch'), sum(value) FROM sample GROUP BY 1 ORDER BY 1")
    assert home.rows("SELECT date, value FROM day WHERE metric='steps' ORDER BY 1") == summed


def address(home: Home) -> str | None:
    database = Database(home.data)
    with database.reading() as c:
        found = channels.address(c, Vault(home.data), 1)
    database.close()
    return found


def logged_in(server: Server) -> requests.Session:
    browser = requests.Session()
    answer = browser.post(f"http://127.0.0.1:{server.port}/login", data={"login": "alice", "password": PASSWORD}, timeout=10)
    assert answer.status_code == 200 and browser.cookies, "the old password works"
    return browser


def text(browser: requests.Session, server: Server, path: str) -> str:
    answer = browser.get(f"http://127.0.0.1:{server.port}{path}", timeout=10)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("key", ["with the key", "without the key"])
def test_a_backup_under_load_brings_everything_back(drill: Drill, start: Callable[[Home], Server], tmp_path: Path, key: str) -> None:
    home = Home(tmp_path / "new")
    if key == "with the key":
        assert "vault key is restored" in home.run("restore", str(drill.backup), "--passphrase-stdin", said=f"{PASSPHRASE}\n").stdout
    else:
        assert "addresses of channels are lost: enter them again" in home.run("restore", str(drill.backup)).stdout
    server = start(home)
    is_sound(home, drill)

    state = epoch(server, drill.token)
    assert state["epoch"] != drill.epoch
    assert drill.began <= state["resend_from"] <= drill.done
    with logged_in(server) as browser:
        page = text(browser, server, "/data")
        told = re.search(r'ask your phone to resend from <time datetime="([^"]+)">', page)
        assert told is not None
        assert abs(dt.datetime.fromisoformat(told[1]).timestamp() * 1000 - state["resend_from"]) < 60_000
        channel = text(browser, server, "/findings/channels")
        if key == "with the key":
            assert "enter again" not in channel and address(home) == ADDRESS
        else:
            assert "enter again" in channel and address(home) is None
            enter_again(browser, server, channel)
            assert "enter again" not in text(browser, server, "/findings/channels") and address(home) == ADDRESS
        assert home.rows("SELECT enabled FROM channel") == [(1,)]

    drill.resend(server)
    assert samples(home) == samples(drill.home), "sent again: all there, nothing twice"
    assert days(home) == days(drill.home)
    assert server.kill(signal.SIGTERM) == 0


def enter_again(browser: requests.Session, server: Server, page: str) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    url = f"http://127.0.0.1:{server.port}/findings/channels/1/address"
    assert browser.post(url, data={"csrf": csrf[1], "url": ADDRESS}, timeout=30).status_code == 200


@pytest.mark.parametrize("left", ["its log only", "a database and its log"])
def test_a_log_that_was_left_over_never_gets_into_the_restored_database(drill: Drill, tmp_path: Path, left: str) -> None:
    """Somebody deleted the ruined healthbox.db and forgot the files beside it; or the server died by kill -9 and all of them are there."""
    home, clean = Home(tmp_path / "data"), Home(tmp_path / "clean")
    home.data.mkdir()
    log = drill.ruins / "healthbox.db-wal"
    assert log.stat().st_size > 0, "the server that was killed left its log"
    for name in ("healthbox.db-wal", "healthbox.db-shm", *(("healthbox.db",) if left != "its log only" else ())):
        shutil.copyfile(drill.ruins / name, home.data / name)
    home.run("restore", str(drill.backup))
    clean.run("restore", str(drill.backup))
    assert home.rows("PRAGMA integrity_check") == [("ok",)]
    assert home.content() == clean.content()
    assert home.rows("SELECT count(*) FROM chunk") == clean.rows("SELECT count(*) FROM chunk")
    (aside,) = home.data.glob("before-restore-*")
    assert (aside / "healthbox.db-wal").read_bytes() == log.read_bytes(), "what was there is kept, together"
