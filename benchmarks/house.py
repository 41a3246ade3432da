"""What every benchmark stands on: a data folder with a person, a device and so many samples; clocks; rows of the table.

The stored samples are written straight into the table, in its own order: only how much is stored matters here, not how it came.
"""

import datetime as dt
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.pump import Pump
from healthbox.store import accounts, devices, disk, logins, people
from healthbox.store.devices import Device
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

DAY_S = 86_400
WATCH = {"name": "Apple Watch", "bundle": "com.apple.health.BENCH", "product": "Watch7,5"}
STORED = ("heart_rate", "steps", "active_energy", "respiratory_rate", "oxygen_saturation")


@dataclass(frozen=True)
class Row:
    """A line of the table. ``holds`` is None where there is no bar."""

    what: str
    bar: str
    measured: str
    holds: bool | None
    note: str = ""


@dataclass
class House:
    """A data folder and the parts of a server over it, without the server."""

    data: Path
    settings: Settings
    database: Database
    door: Door
    pump: Pump
    person_id: int
    device: Device
    token: str
    cookie: str
    newest: int  # seconds; nothing stored is later

    def close(self) -> None:
        self.database.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def house(samples: int = 0, *, years: int = 10, metrics: Sequence[str] = STORED) -> Iterator[House]:
    """A fresh folder in which one person has so many samples over so many years; deleted afterwards."""
    with TemporaryDirectory(prefix="healthbox-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        data = Path(folder)
        built = build(data, samples, years=years, metrics=metrics)
        try:
            yield built
        finally:
            built.close()


def build(data: Path, samples: int, *, years: int = 10, metrics: Sequence[str] = STORED) -> House:
    settings = Settings(data=data, ballast_mb=0, host="127.0.0.1", port=0, log_level="error")
    disk.prepare(data)
    database = Database(data)
    upgrade(database)
    now = now_ms()
    with database.writing() as c:
        person = people.add_person(c, "Alice", "Europe/Berlin", now)
        account = accounts.add_account(c, "alice", "-", person.id, True, now)
        _, cookie = logins.create_session(c, account.id, "benchmark", now)
        device, token = devices.add_device(c, person.id, "Phone", ["ingest", "read"], now)
    newest = now // 1000 // DAY_S * DAY_S - 2 * DAY_S
    if samples:
        _fill(database, person.id, samples, newest, years, metrics)
    door = Door(database, settings, lambda: None)
    pump = Pump(database, data, now_ms, lambda: None)
    return House(data, settings, database, door, pump, person.id, device, token, cookie, newest)


def _fill(database: Database, person_id: int, samples: int, newest: int, years: int, metrics: Sequence[str]) -> None:
    """Evenly spaced samples with random uuids, series after series, in the clustered order."""
    each = samples // len(metrics)
    oldest = newest - years * 365 * DAY_S
    with database.writing() as c:
        source = c.exec_driver_sql(
            "INSERT INTO source (person_id, name, kind, product, created_at) VALUES (?,?,'watch',?,0) RETURNING id",
            (person_id, WATCH["name"], WATCH["product"]),
        ).scalar_one()
        for form, value in (("bundle", WATCH["bundle"]), ("name", WATCH["name"])):
            c.exec_driver_sql("INSERT INTO source_alias VALUES (?,?,?,'watch',?)", (person_id, form, value, source))
    for metric in metrics:
        with database.writing() as c:
            series = c.exec_driver_sql(
                "INSERT INTO series (person_id, metric, source_id, longest) VALUES (?,?,?,60) RETURNING id", (person_id, metric, source)
            ).scalar_one()
            c.exec_driver_sql(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i+1<?) "
                'INSERT INTO sample (series_id, start, "end", tag, value, uuid, batch_id, as_of) '
                "SELECT ?, ?+i*?/?, ?+i*?/?, '', 60+i%40, randomblob(16), 0, 0 FROM n",
                (each, series, oldest, newest - oldest, each, oldest, newest - oldest, each),
            )
    database.checkpoint()


def iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def samples(rng: Random, start: int, count: int, *, step: int = 45, uuids: bool = False) -> list[dict[str, object]]:
    """Heart rates as the wire has them, ascending from ``start`` (seconds)."""
    made: list[dict[str, object]] = []
    for at in range(start, start + count * step, step):
        sample: dict[str, object] = {
            "type": "heart_rate", "start": iso(at), "end": iso(at), "value": rng.randrange(50, 120), "unit": "bpm", "source": WATCH,
        }  # fmt: skip
        if uuids:
            sample["uuid"] = uuid(rng)
        made.append(sample)
    return made


def uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032X}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, CPU of this process) seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(math.ceil(len(ordered) * share) - 1, len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio_row(what: str, bar: float, measured: float, *, at_least: bool = False, note: str = "") -> Row:
    holds = measured >= bar if at_least else measured <= bar
    return Row(what, f"{'≥' if at_least else '≤'} {bar:g} ×", f"{measured:.2f} ×", holds, note)


def table(rows: Sequence[Row]) -> str:
    lines = ["| what | bar | measured | holds | |", "|---|---|---|---|---|"]
    words = {True: "yes", False: "**no**", None: "-"}
    lines += [f"| {row.what} | {row.bar} | {row.measured} | {words[row.holds]} | {row.note} |" for row in rows]
    return "\n".join(lines)
