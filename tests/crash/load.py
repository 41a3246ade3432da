"""A real server under load that is killed again and again, and an oracle that knows what it must hold in the end.

Four phones send native chunks over loopback until each is acknowledged: one in ten twice on purpose, some out of order.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from healthbox.store import devices, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

PHONES, CHUNKS, SAMPLES = 4, 4, 6
FIRST = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``healthbox serve`` as a process of its own on ``data``; ``boots`` holds how long each start took (s)."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data, self.port = data, free_port()
        self.boots: list[float] = []
        self._environment = (
            os.environ | {"HEALTHBOX_MIN_FREE_MB": "10", "HEALTHBOX_BALLAST_MB": "1", "HEALTHBOX_LOG_LEVEL": "error"} | environment
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        command = [sys.executable, "-m", "healthbox", "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        began = time.monotonic()
        with (self.data.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        if ready:
            self.wait_ready()
            self.boots.append(time.monotonic() - began)

    def wait_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if self.get("/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.02)
            assert self.process is not None and self.process.poll() is None, (self.data.parent / "server.log").read_text()[-2000:]
        raise AssertionError("the server did not come up")

    def get(self, path: str) -> tuple[int, bytes]:
        return self.request("GET", path, None, {})

    def post(self, path: str, body: Any, token: str) -> tuple[int, bytes]:
        return self.request(
            "POST", path, json.dumps(body).encode(), {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        )

    def request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Raises OSError when there is no whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError("no answer") from error
        finally:
            connection.close()

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.data / 'healthbox.db'}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def drain(self, seconds: float = 60) -> None:
        """Wait until nothing is left to do."""
        until = time.monotonic() + seconds
        busy = (
            "SELECT (SELECT count(*) FROM chunk WHERE status IN ('pending','running')) + (SELECT count(*) FROM dirty_day) + "
            "(SELECT count(*) FROM batch WHERE closed_at IS NULL)"
        )
        while (left := self.query(busy)[0][0]) and time.monotonic() < until:
            time.sleep(0.05)
        assert not left, f"{left} things were never worked off"


def found(data: Path) -> str:
    """A fresh data folder with Alice and her phone; returns the token."""
    database = Database(data)
    upgrade(database)
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", 0)
        token = devices.add_device(c, alice.id, "Phone", ["ingest", "read"], 0)[1]
    database.close()
    return token


@dataclass
class Oracle:
    """What has been acknowledged, and so must be there exactly once."""

    chunks: dict[tuple[str, int], list[tuple[int, float]]] = field(default_factory=dict)
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, batch: str, index: int, samples: list[tuple[int, float]]) -> None:
        with self.lock:
            self.chunks[batch, index] = samples


@dataclass
class Verdict:
    chunks: int
    samples: int
    requests: int
    lost: int
    extra: int
    out_of_order: int
    incomplete: int
    wrong_days: int
    integrity: str

    @property
    def clean(self) -> bool:
        return (self.lost, self.extra, self.out_of_order, self.incomplete, self.wrong_days, self.integrity) == (0, 0, 0, 0, 0, "ok")


class Phones:
    """Send until told to stop; a batch once begun is sent to its end."""

    def __init__(self, server: Server, token: str, seed: int) -> None:
        self.oracle, self._server, self._token = Oracle(), server, token
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n, random.Random(seed * 100 + n)), daemon=True) for n in range(PHONES)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 60) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive(), "a phone never got its acknowledgement"

    def _send(self, number: int, chance: random.Random) -> None:
        sequence = 0
        while not self._stop.is_set():
            name = f"phone{number}-{sequence}"
            order = list(range(CHUNKS))
            if chance.random() < 0.3:
                chance.shuffle(order)
            for index in order:
                slot = ((sequence * CHUNKS + index) * PHONES + number) * SAMPLES
                samples = [(FIRST + (slot + n) * 60, float(chance.randrange(1, 90))) for n in range(SAMPLES)]
                self._until_acknowledged(name, index, samples)
                if chance.random() < 0.1:
                    self._until_acknowledged(name, index, samples)
            sequence += 1

    def _until_acknowledged(self, name: str, index: int, samples: list[tuple[int, float]]) -> None:
        points = [
            {"type": "steps", "start": start, "end": start + 60, "value": value, "unit": "count", "source": "Watch",
             "uuid": f"{start:08x}-0000-4000-8000-000000000000"}
            for start, value in samples
        ]  # fmt: skip
        body = {"batch": name, "index": index, "final": index == CHUNKS - 1, "samples": points}
        while True:
            with self.oracle.lock:
                self.oracle.sent += 1
            try:
                status, answer = self._server.post("/api/v1/sync", body, self._token)
            except OSError:
                time.sleep(0.02)
                continue
            if status < 300:
                self.oracle.acknowledge(name, index, samples)
                return
            assert status in (503, 507), (status, answer)
            time.sleep(0.05)


def judge(server: Server, oracle: Oracle) -> Verdict:
    """The stored samples, chunks, batches and days against what was acknowledged. The server may run or not."""
    expected = Counter(sample for samples in oracle.chunks.values() for sample in samples)
    stored = Counter((row[0], row[1]) for row in server.query("SELECT start, value FROM sample"))
    ledger: dict[str, list[tuple[int, int, int, str]]] = {}
    for client, *chunk in server.query(
        "SELECT client, idx, accepted_at, coalesce(finished_at, 0), chunk.status FROM chunk JOIN batch ON batch.id=batch_id ORDER BY 1, 2"
    ):
        ledger.setdefault(client, []).append((chunk[0], chunk[1], chunk[2], chunk[3]))
    swapped = sum(
        1 for rows in ledger.values() for a in rows for b in rows if a[0] < b[0] and a[1] < b[1] and a[2] > b[2]
    )  # an earlier chunk that was there first was worked off later
    incomplete = sum(
        1 for client, rows in ledger.items() if [row[0] for row in rows] != list(range(CHUNKS)) or {row[3] for row in rows} != {"done"}
    )
    incomplete += server.query("SELECT count(*) FROM batch WHERE status<>'completed' OR new<>" + str(CHUNKS * SAMPLES))[0][0]
    days: Counter[str] = Counter()
    for (start, value), times in expected.items():
        days[(dt.datetime.fromtimestamp(start, dt.UTC) + dt.timedelta(hours=1)).date().isoformat()] += int(value) * times
    folded = dict(server.query("SELECT date, value FROM day WHERE metric='steps'"))
    wrong = sum(folded.get(date) != total for date, total in days.items()) + len(folded.keys() - days.keys())
    return Verdict(
        len(oracle.chunks), sum(expected.values()), oracle.sent,
        (expected - stored).total(), (stored - expected).total(), swapped, incomplete, wrong,
        server.query("PRAGMA integrity_check")[0][0],
    )  # fmt: skip


def kill_again_and_again(folder: Path, kills: int, seed: int) -> tuple[Verdict, Server]:
    """The whole story: load, ``kills`` times kill -9 at random moments (one in five during the start), then the judgement."""
    data = folder / "data"
    data.mkdir()
    server, chance = Server(data), random.Random(seed)
    token = found(data)
    server.start()
    phones = Phones(server, token, seed)
    phones.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.02, 0.5))
        server.kill()
        if chance.random() < 0.2:
            server.start(ready=False)
            time.sleep(chance.uniform(0.1, 0.8))
            server.kill()
        server.start()
    phones.stop()
    server.drain()
    verdict = judge(server, phones.oracle)
    assert server.kill(signal.SIGTERM) == 0
    return verdict, server
