"""A whole small box for the files of other people's programs: the real doors, and a pump that works when something came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from healthbox.config import load
from healthbox.pipeline.accept import Door
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.pump import Pump
from healthbox.store import accounts, devices, logins, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.web.application import create_app

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
NOW = 1_795_000_000_000  # 2026-11-18
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder with other people's sample files is not beside this checkout")


class Box:
    """Alice's: her phone sends and reads, her browser is logged in, files come by the command."""

    def __init__(self, data: Path, zone: str) -> None:
        self.database = Database(data)
        upgrade(self.database)
        self._settings = load(data, {"HEALTHBOX_MIN_FREE_MB": "1"})
        with self.database.writing() as c:
            alice = people.add_person(c, "Alice", zone, NOW)
            token = devices.add_device(c, alice.id, "Phone", ["ingest", "read"], NOW)[1]
            self._importer = devices.importer(c, alice.id, NOW)
            account = accounts.add_account(c, "alice", "no password fits", alice.id, True, NOW)
            cookie = logins.create_session(c, account.id, "test", NOW)[1]
        app = create_app(self._settings, self.database, Door(self.database, self._settings, lambda: None), clock=lambda: NOW)
        self._pump = Pump(self.database, data, lambda: NOW, lambda: None)
        self._phone, self._browser, self._bearer = app.test_client(), app.test_client(), {"Authorization": f"Bearer {token}"}
        self._browser.set_cookie("healthbox", cookie)

    def page(self, path: str) -> str:
        answer = self._browser.get(path)
        assert answer.status_code == 200, path
        return answer.text

    def get(self, path: str) -> Any:
        answer = self._phone.get(path, headers=self._bearer)
        assert answer.status_code == 200, answer.json
        return answer.json

    def send(self, body: bytes) -> Any:
        """The receipt of a body."""
        answer = self._phone.post("/api/v1/ingest", data=body, headers=self._bearer)
        assert answer.status_code == 202, answer.json
        self._pump.run()
        return self.get(answer.json["receipt"])

    def take(self, path: Path) -> dict[str, int]:
        """The counts of a file that are not zero."""
        accepted = accept_file(self.database, self._settings, self._importer, path, now=NOW, ring=lambda: None)
        self._pump.run()
        return {name: count for name, count in self.get(f"/api/v1/batches/{accepted.batch}")["records"].items() if count}

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as c:
            return [tuple(row) for row in c.exec_driver_sql(query, values).all()]


@contextmanager
def opened(data: Path, zone: str = "Europe/Berlin") -> Iterator[Box]:
    box = Box(data, zone)
    yield box
    box.database.close()
