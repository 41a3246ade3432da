"""A kill between any two stages: after the next start everything is there, and told once."""

import datetime as dt
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.pump import Pump
from healthbox.store import channels, deliveries, devices, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault

NOW = int(dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC).timestamp() * 1000)
TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def folder(tmp_path):
    """Alice's data with sixty accepted mornings of her pulse, the last two unusual, and a channel; nothing worked off yet."""
    database = Database(tmp_path)
    upgrade(database)
    vault = Vault(tmp_path)
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", NOW)
        phone, _ = devices.add_device(c, alice.id, "Phone", ["ingest"], NOW)
        vault.start(c)
        channels.add(c, vault, alice.id, name="Phone", service="JSON", url="json://192.168.1.20/", detail="values", least="warn", now=NOW)
    door = Door(database, Settings(data=tmp_path, min_free_mb=0), lambda: None)
    mornings = [(TODAY - dt.timedelta(days=59 - n), 63.0 if n > 57 else 54.0 + n % 3 - 1) for n in range(60)]
    for index in range(6):
        samples = [
            {"type": "resting_heart_rate", "start": f"{date}T06:00:00Z", "end": f"{date}T06:00:00Z", "value": value, "source": "Watch"}
            for date, value in mornings[index * 10 : index * 10 + 10]
        ]
        raw = json.dumps({"batch": "mornings", "index": index, "final": index == 5, "samples": samples}).encode()
        door.sync(phone, raw, NOW)
    database.close()
    return tmp_path


def run_until_killed(folder: Path, place: str) -> int:
    return subprocess.run([sys.executable, str(Path(__file__).with_name("stages.py")), str(folder), place, str(NOW)], timeout=60).returncode


def start_again(folder: Path):
    """A fresh process' pump, run to the end; then what stands."""
    database = Database(folder)
    pump = Pump(database, folder, lambda: NOW + 10_000, lambda: None)
    pump.boot()
    pump.run()
    with database.reading() as c:
        stands = {
            "samples": c.exec_driver_sql("SELECT count(*) FROM sample").scalar_one(),
            "days": c.exec_driver_sql("SELECT count(*) FROM day").scalar_one(),
            "batch": c.exec_driver_sql("SELECT status, new FROM batch").fetchall(),
            "findings": c.exec_driver_sql("SELECT rule, started FROM finding").fetchall(),
            "left": c.exec_driver_sql("SELECT (SELECT count(*) FROM dirty_day) + (SELECT count(*) FROM changed_day)").scalar_one(),
            "deliveries": len(deliveries.of_person(c, 1)),
        }
    database.close()
    return stands


WHOLE = {
    "samples": 60, "days": 60, "batch": [("completed", 60)], "findings": [("deviation", "2026-11-19")], "left": 0, "deliveries": 1,
}  # fmt: skip


@pytest.mark.parametrize("place", ["chunk", "close", "fold", "finding"])
def test_a_kill_after_any_stage_loses_nothing_and_tells_nothing_twice(folder, place):
    assert run_until_killed(folder, place) == -signal.SIGKILL
    assert start_again(folder) == WHOLE
    assert start_again(folder) == WHOLE, "and once more changes nothing"


def test_kills_after_every_stage_one_after_the_other(folder):
    for place in ("claim", "chunk", "chunk", "chunk", "claim", "close", "fold", "finding"):
        assert run_until_killed(folder, place) == -signal.SIGKILL
    assert start_again(folder) == WHOLE


def test_a_chunk_that_kills_the_process_is_dead_after_four_boots_and_the_batch_goes_on(folder):
    for _ in range(4):
        assert run_until_killed(folder, "claim") == -signal.SIGKILL
    stands = start_again(folder)
    assert stands["batch"] == [("completed_with_errors", 50)] and stands["samples"] == 50
    database = Database(folder)
    with database.reading() as c:
        assert c.exec_driver_sql("SELECT idx, attempts FROM chunk WHERE status='dead'").fetchall() == [(0, 4)]
    database.close()
