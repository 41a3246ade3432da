"""Recordings and tables through the whole house: one workout from many tellers, no sum touched, the same again stores nothing."""

from __future__ import annotations

import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import fit_bytes as f
import pytest
from house import House, at, steps
from test_import_files import take

EIGHT = 1_772_348_400  # 2026-03-01 08:00 in Berlin
WATCH = {"name": "Alice's Apple Watch", "bundle": "com.apple.health.1234", "product": "Watch7,2"}


def fit_file(folder: Path) -> Path:
    path = folder / "run.fit"
    points = [
        (f.RECORD, {"timestamp": f.seconds(EIGHT + s), "position_lat": f.semicircles(52 + s / 1e5), "position_long": f.semicircles(13.4),
                    "heart_rate": 140, "power": 250, "distance": s * 300})
        for s in range(0, 600, 5)
    ]  # fmt: skip
    session = {"timestamp": f.seconds(EIGHT + 640), "start_time": f.seconds(EIGHT + 1), "sport": 1, "total_elapsed_time": 600_000,
               "total_distance": 180_000, "total_calories": 150, "total_ascent": 7}  # fmt: skip
    about = {"type": 4, "manufacturer": 1, "product": 3113, "time_created": f.seconds(EIGHT)}
    path.write_bytes(f.fit((f.FILE_ID, about), *points, (f.SESSION, session)))
    return path


def gpx_file(folder: Path) -> Path:
    path = folder / "run.gpx"
    points = "".join(
        f'<trkpt lat="{52 + s / 1e5}" lon="13.4"><time>2026-03-01T07:{s // 60:02d}:{s % 60:02d}Z</time></trkpt>' for s in range(0, 601, 10)
    )
    path.write_text(f'<gpx creator="Somebody"><trk><trkseg>{points}</trkseg></trk></gpx>')
    return path


def synced() -> dict[str, Any]:
    return {
        "workouts": [
            {"uuid": "0F3C8D55-0000-4000-8000-000000000001", "activity": "running", "start": at(1, 8), "end": at(1, 8, 10), "source": WATCH,
             "totals": {"energy": 131.5, "distance": 1802.0, "duration": 598.0},
             "series": {"heart_rate": {"unit": "bpm", "points": [[at(1, 8), 138], [at(1, 8, 5), 151]]}}},
        ]
    }  # fmt: skip


def workouts(house: House) -> list[dict[str, Any]]:
    rows = house.rows('SELECT uuid, activity, start, "end", totals, series, route FROM workout')
    names = ("uuid", "activity", "start", "end", "totals", "series", "route")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for one in found:
        one |= {"totals": json.loads(one["totals"])}
        one |= {name: json.loads(zlib.decompress(one[name])) if one[name] else None for name in ("series", "route")}
    return found


def test_a_watch_s_file_and_the_phone_s_workout_are_one_in_any_order(build: Any, tmp_path: Path) -> None:
    ways = {
        "fit": lambda house: take(house, fit_file(tmp_path)),
        "gpx": lambda house: take(house, gpx_file(tmp_path)),
        "sync": lambda house: house.sync(**synced()),
    }
    results = []
    for order in itertools.permutations(ways):
        house = build()
        for way in order:
            accepted = ways[way](house)
            assert house.counts(accepted).get("rejected", 0) == 0
        [found] = workouts(house)
        results.append({name: found[name] for name in ("uuid", "activity", "totals", "series")})
        assert len(found["route"]) in (61, 120)
        build.clear()
    assert all(result == results[0] for result in results), "the order leaves no trace"
    one = results[0]
    assert one["uuid"] is not None
    assert {name: one["totals"][name] for name in ("energy", "distance", "duration")} == {
        "energy": 131.5,
        "distance": 1802,
        "duration": 598,
    }
    assert one["totals"]["elevation_up"] == 7, "what only the watch's file states"
    assert [value for _, value in one["series"]["heart_rate"]] == [138, 151], "the phone told later than the file was written"
    assert set(one["series"]) == {"heart_rate", "power", "distance"}, "field by field"


@pytest.mark.parametrize("make", [fit_file, gpx_file])
def test_the_same_file_again_stores_nothing(build: Any, tmp_path: Path, make: Any) -> None:
    house = build()
    assert house.counts(take(house, make(tmp_path))) == {"new": 1}
    before = workouts(house)
    assert house.counts(take(house, make(tmp_path))) == {"duplicate": 1}
    assert workouts(house) == before


def test_no_day_counts_what_a_workout_holds(build: Any, tmp_path: Path) -> None:
    house = build()
    house.sync(samples=[steps(at(1, 8), at(1, 8, 5), 700)])
    days = house.all_days()
    take(house, fit_file(tmp_path))
    assert house.all_days() == days
    assert house.rows("SELECT count(*) FROM sample") == [(1,)]


TABLE = """metric,date,value,unit,source
steps,2026-03-01,9000,,Notebook
weight,2026-03-01,72.5,kg,Scale
weight,2026-03-02 07:30,72.1,kg,Scale
Coffee,2026-03-01,3,cups,Notebook
steps,tomorrow,5,,
"""


def table(folder: Path, text: str = TABLE) -> Path:
    path = folder / "mine.csv"
    path.write_text(text)
    return path


def test_a_table_fills_days_and_the_same_again_changes_nothing(build: Any, tmp_path: Path) -> None:
    house = build()
    accepted = take(house, table(tmp_path))
    assert house.counts(accepted) == {"new": 4, "rejected": 1}
    [rejection] = house.receipt(accepted)["rejections"]
    assert (rejection["position"], rejection["code"]) == ("line 6", "bad_time")
    assert house.days("steps") == {"2026-03-01": 9000}
    assert house.days("weight") == {"2026-03-01": 72.5, "2026-03-02": 72.1}
    assert len(house.rows("SELECT * FROM unknown_metric")) == 1
    days = house.all_days()
    assert house.counts(take(house, table(tmp_path))) == {"duplicate": 4, "rejected": 1}
    assert house.all_days() == days


def test_a_line_put_right_replaces_the_day_and_adds_nothing(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, table(tmp_path))
    take(house, table(tmp_path, "metric,date,value\nsteps,2026-03-01,8000\n"))
    assert house.days("steps") == {"2026-03-01": 8000}


def test_a_table_says_less_than_what_the_phone_states_of_its_own_day(build: Any, tmp_path: Path) -> None:
    house = build()
    house.ingest({"date": "2026-03-01", "steps": 9321})
    take(house, table(tmp_path))
    assert house.days("steps") == {"2026-03-01": 9321}
