"""Alice's house: database, device, door and pump, with a clock that only the test moves."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

from healthbox.config import Settings
from healthbox.pipeline.accept import Accepted, Door
from healthbox.pipeline.pump import Pump
from healthbox.store import anchors, devices, people, receipts
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

NOON = int(dt.datetime(2026, 3, 20, 12, 0, tzinfo=dt.UTC).timestamp() * 1000)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


class House:
    """``at`` is the time (ms); every accepted body moves it on by a second."""

    def __init__(self, data: Path, zone: str = "Europe/Berlin", *, upgraded: bool = False) -> None:
        self.database = Database(data)
        if not upgraded:
            upgrade(self.database)
        self.settings = Settings(data=data, min_free_mb=0, ballast_mb=0)
        self.at = NOON
        self.rings = 0
        self._names = itertools.count()
        with self.database.writing() as c:
            self.alice = people.add_person(c, "Alice", zone, NOON)
            self.phone, self.token = devices.add_device(c, self.alice.id, "Alice's phone", ["ingest"], NOON)
        self.door = Door(self.database, self.settings, self._ring)
        self.pump = self.new_pump()

    def new_pump(self) -> Pump:
        return Pump(self.database, self.settings.data, lambda: self.at, lambda: None)

    def _ring(self) -> None:
        self.rings += 1

    # -- sending ------------------------------------------------------------------------------------------------------

    def ingest(self, body: Any, *, run: bool = True, device: Any = None) -> Accepted:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        accepted = self.door.ingest(device or self.phone, raw, headers={}, now=self.at)
        return self._sent(accepted, run)

    def send(self, body: Any, *, run: bool = True, device: Any = None) -> Accepted:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._sent(self.door.sync(device or self.phone, raw, self.at), run)

    def sync(self, run: bool = True, **parts: Any) -> Accepted:
        """One native batch of one chunk; ``samples``, ``deleted``, ``workouts`` ... as on the wire."""
        return self.send(self.body(**parts), run=run)

    def body(self, **parts: Any) -> dict[str, Any]:
        return {"batch": f"sync-{next(self._names)}", "index": 0, "final": True, **parts}

    def _sent(self, accepted: Accepted, run: bool) -> Accepted:
        self.at += SECOND
        if run:
            self.run()
        return accepted

    def run(self) -> None:
        self.pump.run()
        self.at += 3 * SECOND
        self.pump.run()

    # -- looking ------------------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as c:
            return [tuple(row) for row in c.exec_driver_sql(query, values).fetchall()]

    def days(self, metric: str) -> dict[str, float | None]:
        return dict(self.rows("SELECT date, value FROM day WHERE metric=? ORDER BY date", metric))

    def all_days(self) -> list[tuple[Any, ...]]:
        days = self.rows("SELECT metric, date, value, low, high, mean, n, coverage, layer, rule, detail FROM day ORDER BY metric, date")
        return days + self.rows("SELECT date, json FROM night ORDER BY date")

    def nights(self) -> dict[str, dict[str, Any]]:
        return {date: json.loads(text) for date, text in self.rows("SELECT date, json FROM night ORDER BY date")}

    def samples(self, metric: str) -> list[tuple[int, int, float]]:
        """(start s, end s, value)."""
        return self.rows(
            'SELECT start, "end", value FROM sample JOIN series ON series.id=series_id WHERE metric=? ORDER BY 1, 2, 3', metric
        )

    def receipt(self, accepted: Accepted) -> dict[str, Any]:
        with self.database.reading() as c:
            return receipts.receipt(c, self.alice.id, accepted.batch)

    def counts(self, accepted: Accepted) -> dict[str, int]:
        """The receipt's counts that are not zero."""
        return {name: count for name, count in self.receipt(accepted)["records"].items() if count}

    def anchors(self) -> dict[str, str]:
        with self.database.reading() as c:
            return {name: found["anchor"] for name, found in anchors.state(c, self.phone.id, self.at)["anchors"].items()}


def steps(start: str, end: str, value: float, source: Any = "Alice's Watch", **more: Any) -> dict[str, Any]:
    """A step count on the wire; times as "2026-03-01T09:00:00+01:00"."""
    return {"type": "steps", "start": start, "end": end, "value": value, "unit": "count", "source": source, **more}


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> str:
    """Berlin wall-clock time in March 2026, before the clocks change."""
    return f"2026-03-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}+01:00"


def work_off(house: House, order: list[Accepted]) -> None:
    """Work off accepted batches one by one in this order, folding after each."""
    for accepted in order:
        with house.database.writing() as c:
            c.exec_driver_sql("UPDATE chunk SET due_at=? WHERE status='pending'", (house.at + 10**12,))
            c.exec_driver_sql(
                "UPDATE chunk SET due_at=0 WHERE status='pending' AND batch_id=(SELECT id FROM batch WHERE public=?)", (accepted.batch,)
            )
        house.run()
