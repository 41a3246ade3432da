"""A recording that lies in one other workout is shown as a part of it, whichever came first; where two could be meant it stands alone."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from house import SECOND, House, at
from test_import_files import take
from test_workout_files_import import EIGHT, WATCH, fit_file

from healthbox.store import pages_reading, workouts
from healthbox.store.workouts import WorkoutRow

START = EIGHT * SECOND


def gpx(folder: Path, first: int, last: int, sport: str = "") -> Path:
    """As Apple writes a way: the first point seconds after the start, the last one before the end (seconds after eight)."""
    path = folder / f"route {first}-{last}.gpx"
    points = "".join(
        f'<trkpt lat="{52 + s / 1e5}" lon="13.4"><ele>34.5</ele>'
        f"<time>{dt.datetime.fromtimestamp(EIGHT + s, dt.UTC):%Y-%m-%dT%H:%M:%SZ}</time></trkpt>"
        for s in range(first, last + 1)
    )
    path.write_text(f'<gpx creator="Apple Health Export"><trk><name>Route</name>{sport}<trkseg>{points}</trkseg></trk></gpx>')
    return path


def session(first: int, last: int, number: int = 1, activity: str = "running", **totals: float) -> dict[str, Any]:
    return {"uuid": f"0F3C8D55-0000-4000-8000-{number:012d}", "activity": activity, "start": at(1, 8, first // 60, first % 60),
            "end": at(1, 8, last // 60, last % 60), "source": WATCH, "totals": totals}  # fmt: skip


def listed(house: House) -> list[WorkoutRow]:
    with house.database.reading() as c:
        found = workouts.between(c, house.alice.id, 0, 2**53)
        day = dt.date(2026, 3, 1)
        assert len(pages_reading.window(c, house.alice.id, day, day, (), (0, 2**53)).workouts) == len(found)
    return found


def shown(house: House, row: WorkoutRow) -> tuple[WorkoutRow, dict[str, Any], list[Any]]:
    with house.database.reading() as c:
        found = workouts.get(c, house.alice.id, row.id)
    assert found is not None
    return found


def test_a_way_belongs_to_its_workout_in_any_order(build: Any, tmp_path: Path) -> None:
    path = gpx(tmp_path, 6, 596)
    ways: list[Callable[[House], Any]] = [
        lambda house: take(house, path),
        lambda house: house.sync(workouts=[session(0, 600, energy=131.5)]),
        lambda house: take(house, path),
    ]
    for order in itertools.permutations(ways):
        house = build()
        for way in order:
            way(house)
        [row] = listed(house)
        row, _, route = shown(house, row)
        assert (row.uuid is not None, row.start, len(route)) == (True, START, 591)
        assert row.totals["energy"] == 131.5 and row.totals["distance"] > 600, "stated, and worked out of the way"
        build.clear()


def test_a_recording_fills_what_is_missing_and_nothing_else(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, fit_file(tmp_path))  # 1 s to 641 s, power and pulse and a way
    told = session(0, 650, distance=1802.0) | {"series": {"heart_rate": {"unit": "bpm", "points": [[at(1, 8), 138], [at(1, 8, 5), 151]]}}}
    house.sync(workouts=[told])
    [row] = listed(house)
    row, series, route = shown(house, row)
    assert row.totals["distance"] == 1802.0 and row.totals["elevation_up"] == 7
    assert [value for _, value in series["heart_rate"]] == [138, 151]
    assert set(series) == {"heart_rate", "power", "distance"} and len(route) == 120


@pytest.mark.parametrize(
    ("sessions", "count"),
    [
        ([(0, 600), (601, 1200)], 2),  # back to back
        ([(0, 600), (0, 610)], 3),  # two apps tell of the same hour: nobody knows whose it is
        ([(0, 900)], 2),  # a part of a longer one
        ([(30, 570)], 2),  # it goes on beyond the workout
    ],
)
def test_it_is_a_part_of_one_workout_or_stands_alone(build: Any, tmp_path: Path, sessions: list[tuple[int, int]], count: int) -> None:
    for first in (True, False):
        house = build()
        if first:
            take(house, gpx(tmp_path, 6, 596))
        house.sync(workouts=[session(*span, number) for number, span in enumerate(sessions)])
        if not first:
            take(house, gpx(tmp_path, 6, 596))
        assert len(listed(house)) == count
        build.clear()


def test_a_ride_is_no_part_of_a_run(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, gpx(tmp_path, 6, 596, "<type>cycling</type>"))
    house.sync(workouts=[session(0, 600)])
    assert sorted(row.activity for row in listed(house)) == ["cycling", "running"]


def test_the_way_stands_alone_again_when_its_workout_is_deleted(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, gpx(tmp_path, 6, 596))
    house.sync(workouts=[session(0, 600)])
    house.sync(deleted=[{"uuid": session(0, 600)["uuid"]}])
    [row] = listed(house)
    assert row.uuid is None and len(shown(house, row)[2]) == 591


def test_another_person_s_workout_is_another(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, gpx(tmp_path, 6, 596))
    house.sync(workouts=[session(0, 600)])
    with house.database.writing() as c:
        c.exec_driver_sql("INSERT INTO person (id, name, created_at) VALUES (9, 'Bob', 0)")
        c.exec_driver_sql("UPDATE workout SET person_id=9 WHERE uuid IS NOT NULL")
    [row] = listed(house)
    assert row.uuid is None


def test_recordings_are_no_parts_of_each_other(build: Any, tmp_path: Path) -> None:
    house = build()
    take(house, gpx(tmp_path, 0, 600))
    take(house, gpx(tmp_path, 6, 596))
    assert len(listed(house)) == 2
