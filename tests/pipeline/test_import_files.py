"""An export beside the live sync: nothing twice in any order, the layer rule alone decides a day, a kill -9 anywhere leaves no trace.

Run as a script, ``test_import_files.py FOLDER PLACE COUNT NOW WORTH`` works like the pump, reads files of WORTH bytes and more in a
process of their own, and kills itself the COUNT-th time it comes to PLACE.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from healthbox.pipeline import process, schedule
from healthbox.pipeline.accept import Accepted
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.fold import Folder
from healthbox.pipeline.process import Processor
from healthbox.pipeline.pump import Pump
from healthbox.store import ledger
from healthbox.store.engine import Database

BERLIN = ZoneInfo("Europe/Berlin")
WATCH = "Alice’s Apple\u00a0Watch"
DAY_MS = 86_400_000
KINDS = {"steps": ("HKQuantityTypeIdentifierStepCount", "count", "step_count"),
         "heart_rate": ("HKQuantityTypeIdentifierHeartRate", "count/min", "heart_rate")}  # fmt: skip

Reading = tuple[str, dt.datetime, dt.datetime, float]


def history(minutes: int) -> list[Reading]:
    """Steps and pulse minute by minute, on two days in March 2026 in turn."""
    found: list[Reading] = []
    for number in range(minutes):
        start = dt.datetime(2026, 3, 1 + number % 2, 6, 0, tzinfo=BERLIN) + dt.timedelta(minutes=number // 2)
        found.append(("steps", start, start + dt.timedelta(minutes=1), float(20 + number % 60)))
        found.append(("heart_rate", start, start, float(55 + number % 40)))
    return found


def export(folder: Path, readings: list[Reading]) -> Path:
    """As Apple writes it."""

    def told(at: dt.datetime) -> str:
        return f"{at:%Y-%m-%d %H:%M:%S %z}"

    lines = [
        f' <Record type="{KINDS[metric][0]}" sourceName="{WATCH}" sourceVersion="11.2" device="&lt;&lt;HKDevice: 0x3033c2a80&gt;, '
        f'name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch7,2, software:11.2&gt;" unit="{KINDS[metric][1]}" '
        f'creationDate="{told(end)}" startDate="{told(start)}" endDate="{told(end)}" value="{value:g}"/>'
        for metric, start, end, value in readings
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_GB">\n <ExportDate value="2026-03-10 10:00:00 +0100"/>\n'
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("apple_health_export/export.xml", head + "\n".join(lines) + "\n</HealthData>\n")
    return path


def synced(readings: list[Reading]) -> dict[str, Any]:
    """As our own protocol sends it: with uuids, ordinary quotes and spaces, instants in UTC."""
    source = {"name": "Alice's Apple Watch", "bundle": "com.apple.health.1234", "product": "Watch7,2"}
    samples = [
        {"uuid": str(uuid.UUID(int=number + 1)), "type": KINDS[metric][0], "start": start.astimezone(dt.UTC).isoformat(),
         "end": end.astimezone(dt.UTC).isoformat(), "value": value, "unit": KINDS[metric][1], "source": source}
        for number, (metric, start, end, value) in enumerate(readings)
    ]  # fmt: skip
    return {"batch": "history", "index": 0, "final": True, "samples": samples}


def bucketed(readings: list[Reading], *, by_day: bool) -> dict[str, Any]:
    """As Health Auto Export sends it, summarised by minute or by day."""
    parts: dict[tuple[str, dt.datetime], list[float]] = {}
    for metric, start, _, value in readings:
        parts.setdefault((metric, start.replace(hour=0, minute=0) if by_day else start), []).append(value)
    metrics = []
    for metric, (_, unit, name) in KINDS.items():
        points = []
        for (_, start), values in sorted(part for part in parts.items() if part[0][0] == metric):
            summary = (
                {"qty": sum(values)} if metric == "steps" else {"Min": min(values), "Avg": sum(values) / len(values), "Max": max(values)}
            )
            points.append({"date": f"{start:%Y-%m-%d %H:%M:%S %z}", "source": f"{WATCH}|iPhone", **summary})
        metrics.append({"name": name, "units": unit, "data": points})
    return {"data": {"metrics": metrics}}


def take(house: Any, path: Path, *, run: bool = True) -> Accepted:
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    return house._sent(accepted, run)


def days_of(house: Any) -> list[tuple[Any, ...]]:
    return house.rows("SELECT metric, date, value, low, high, mean, n, coverage, layer, rule FROM day ORDER BY metric, date")


def layers_of(house: Any) -> set[str]:
    return {row[0] for row in house.rows("SELECT DISTINCT layer FROM day")}


READINGS = history(40)


def deliveries(folder: Path) -> dict[str, Callable[[Any], Accepted]]:
    path = export(folder, READINGS)
    return {
        "export": lambda house: take(house, path),
        "sync": lambda house: house.send(synced(READINGS)),
        "minutes": lambda house: house.ingest(bucketed(READINGS, by_day=False)),
        "days": lambda house: house.ingest(bucketed(READINGS, by_day=True)),
    }


def test_the_same_history_by_any_way_in_any_order_is_stored_once(build: Any, tmp_path: Path) -> None:
    ways = deliveries(tmp_path)
    results = set()
    for order in itertools.permutations(ways):
        house = build()
        first: dict[str, dict[str, float | None]] = {}
        for way in order:
            accepted = ways[way](house)
            assert house.counts(accepted).get("rejected", 0) == 0, (order, way)
            for metric in ("steps", "heart_rate"):
                first.setdefault(metric, house.days(metric))
                assert house.days(metric) == pytest.approx(first[metric]), (order, way, "no total moves: every way tells the same")
        assert house.rows("SELECT count(*), count(DISTINCT series_id) FROM sample") == [(len(READINGS), 2)], order
        results.add((tuple(days_of(house)), tuple(house.samples("steps")), tuple(house.samples("heart_rate"))))
        build.clear()
    assert len(results) == 1, "the order leaves no trace"


def test_what_came_a_second_time_is_counted_as_known(build: Any, tmp_path: Path) -> None:
    ways = deliveries(tmp_path)
    house = build()
    assert house.counts(ways["export"](house)) == {"new": len(READINGS)}
    assert house.counts(ways["export"](house)) == {"duplicate": len(READINGS)}
    counts = house.counts(ways["sync"](house))
    assert counts.get("new", 0) == 0
    assert sum(counts.values()) == len(READINGS)


def test_a_day_total_changes_only_as_the_layer_rule_says(build: Any, tmp_path: Path) -> None:
    """The day bucket covers the whole day, the samples some hours of it: where they differ, the bucket's number stands, and says so."""
    house = build()
    take(house, export(tmp_path, READINGS))
    walked = house.days("steps")
    assert layers_of(house) == {"raw"}
    more = [(metric, start, end, value + 1) for metric, start, end, value in READINGS]
    house.ingest(bucketed(more, by_day=True))
    assert house.days("steps") == {date: value + 20 for date, value in walked.items() if value is not None}
    assert layers_of(house) == {"day"}
    before = days_of(house)
    house.send(synced(READINGS))
    assert days_of(house) == before, "the same samples once more move nothing"


def test_the_file_stays_in_the_spool_until_retention_takes_it(build: Any, tmp_path: Path) -> None:
    house = build()
    path = export(tmp_path, READINGS)
    accepted = take(house, path)
    (kept,) = (house.settings.data / "spool").iterdir()
    assert kept.read_bytes() == path.read_bytes()
    assert path.stat().st_size == house.receipt(accepted)["bytes"]

    def pass_days(number: int) -> None:
        for name in ("sweep", "retention"):
            schedule.JOBS[name].run(house.database, house.settings, house.at + number * DAY_MS)

    pass_days(house.settings.retention_days - 1)
    assert kept.exists()
    pass_days(house.settings.retention_days + 1)
    assert not kept.exists()
    assert house.rows("SELECT count(*) FROM sample") == [(len(READINGS),)], "samples never go"


# -- kill -9 ----------------------------------------------------------------------------------------------------------

LONG = history(2_100)
PLACES = [("claim", 1), ("applied", 1), ("committed", 1), ("claim", 2), ("applied", 3), ("folded", 1)]


def everything(house: Any, accepted: Accepted) -> dict[str, Any]:
    receipt = house.receipt(accepted)
    return {
        "samples": [house.samples(metric) for metric in KINDS],
        "days": house.all_days(),
        "receipt": {name: receipt[name] for name in receipt if name not in ("batch", "timings")},
        "left": house.rows("SELECT (SELECT count(*) FROM dirty_day) + (SELECT count(*) FROM chunk WHERE status<>'done')"),
    }


def killed(house: Any, place: str, count: int, *, worth: int = process.WORTH) -> int:
    command = [sys.executable, __file__, str(house.settings.data), place, str(count), str(house.at), str(worth)]
    return subprocess.run(command, timeout=60).returncode


@pytest.mark.slow
def test_kills_in_the_middle_of_an_import_leave_no_trace(build: Any, tmp_path: Path) -> None:
    path = export(tmp_path, LONG)
    calm = build()
    expected = everything(calm, take(calm, path))
    assert expected["receipt"]["records"]["new"] == len(LONG)
    many = build()
    accepted = take(many, path, run=False)
    for place, count in PLACES:
        once = build()
        alone = take(once, path, run=False)
        worth = 0 if count == 1 else process.WORTH
        assert killed(once, place, count, worth=worth) == -signal.SIGKILL, (place, count)
        start_again(once)
        assert everything(once, alone) == expected, (place, count)
    for place in ("claim", "applied", "committed", "applied", "folded"):
        assert killed(many, place, 1) == -signal.SIGKILL, place
    start_again(many)
    assert everything(many, accepted) == expected, "five kills one after the other"


def start_again(house: Any) -> None:
    house.pump = house.new_pump()
    house.pump.boot()
    house.run()


def main(folder: Path, place: str, count: int, now: int, worth: int) -> None:
    process.WORTH, process.FILE_STEP = worth, 2_000
    comings = itertools.count(1)

    def come(to: str) -> None:
        if to == place and next(comings) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    advance = ledger.advance

    def applied(*given: Any, **more: Any) -> None:
        advance(*given, **more)
        come("applied")  # the rows and their mark are written, not committed

    ledger.advance = applied
    database = Database(folder)
    Pump(database, folder, lambda: now, lambda: None).boot()
    processor, folder_of_days = Processor(database, folder), Folder(database)
    reader = processor._reader

    def read(claim: Any) -> Any:
        come("claim")  # the claim is committed
        return reader(claim)

    processor._reader = read  # type: ignore[method-assign]
    while processor.step(now) or processor.reading:
        come("committed")
    while folder_of_days.step(now + 3_000) or folder_of_days.waits:
        folder_of_days.hear(now + 3_000, 0.05)
        come("folded")
    sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
