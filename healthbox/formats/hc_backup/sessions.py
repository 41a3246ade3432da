"""Nights and workouts: a row of their own with rows of other tables belonging to it, which no index finds."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from healthbox.domain.records import Record, SleepStage, Workout
from healthbox.formats.hc_backup import tables
from healthbox.formats.hc_backup.cells import Stated, code, instant, needed, real, span
from healthbox.formats.hc_backup.database import Backup, Broken, Row, Runs
from healthbox.formats.wire import Unreadable, catalogue, rejected, stage, text

POINTS = 100_000  # of a route: more than a day at one a second; beyond that they are thinned evenly
PARTS = 5_000  # laps or segments of a workout
_STAGE = ("stage_start_time", "stage_end_time", "stage_type")
_POINT = ("timestamp_millis", "latitude", "longitude", "altitude")
_LAP = ("lap_start_time", "lap_end_time", "lap_length")
_SEGMENT = ("segment_start_time", "segment_end_time", "segment_type", "repetitions_count")


class Children:
    """The rows that belong to a session, from one or several tables."""

    def __init__(self, backup: Backup, names: tuple[str, ...]) -> None:
        self._backup = backup
        found = {name: backup.runs(name) if name in backup.columns else ({}, True) for name in names}
        self._runs: dict[str, Runs] = {name: runs for name, (runs, _) in found.items()}
        self.broken = [name for name, (_, whole) in found.items() if not whole]

    def of(self, child: str, parent: int, wanted: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
        """As many as can be read; that there were more is said by ``broken``."""
        for run in self._runs[child].get(parent, ()):
            with suppress(Broken):
                yield from self._backup.rows(child, wanted, run)

    def count(self, child: str, parent: int) -> int:
        return sum(last - first + 1 for first, last in self._runs[child].get(parent, ()))


def sleep(stated: Stated, number: int, at: str, children: Children) -> Iterator[Record]:
    """The stages of a night; a night without any is sleep of no known stage."""
    parent = stated.uuid is not None
    if not children.count(tables.STAGES, number):
        if children.broken:
            return  # it may have had some
        yield SleepStage(
            position=at, start=stated.start, end=stated.end, stage="asleep_unspecified", source=stated.source, uuid=stated.uuid,
            parent=parent, zone=stated.zone, as_of=stated.as_of,
        )  # fmt: skip
        return
    for place, row in children.of(tables.STAGES, number, _STAGE):
        position = f"{tables.STAGES}/{place}"
        try:
            start, end = span(row["stage_start_time"], row["stage_end_time"])
            found = stage("health_connect", row["stage_type"])
        except Unreadable as problem:
            yield rejected(position, problem.code, problem.reason, row)
            continue
        yield SleepStage(
            position=position, start=start, end=end, stage=found, source=stated.source, uuid=stated.uuid, parent=parent,
            zone=stated.zone, as_of=stated.as_of,
        )  # fmt: skip


def exercise(row: Row, stated: Stated, number: int, at: str, children: Children) -> Workout:
    kind = row.get("exercise_type")
    if not isinstance(kind, int) or kind < 0:
        raise Unreadable("no_activity", "the workout names no activity")
    segments = [_segment(part) for _, part in islice(children.of(tables.SEGMENT_TABLE, number, _SEGMENT), PARTS)]
    effort = code(row.get("session_rate_of_perceived_exertion") or row.get("rate_of_perceived_exertion"))
    kept = {
        "title": text(row.get("title")),
        "notes": text(row.get("notes")),
        "rate_of_perceived_exertion": effort,
        "segments": [part for part in segments if part],
    }
    return Workout(
        position=at,
        activity=catalogue().activity("health_connect", tables.EXERCISES.get(kind, f"platform_{kind}")),
        start=stated.start,
        end=stated.end,
        uuid=stated.uuid,
        source=stated.source,
        zone=stated.zone,
        route=_route(number, children),
        laps=[lap for _, part in islice(children.of(tables.LAPS, number, _LAP), PARTS) if (lap := _lap(part))],
        as_of=stated.as_of,
        metadata={name: value for name, value in kept.items() if value} or None,
    )


def _route(number: int, children: Children) -> list[list[float | None]]:
    every = children.count(tables.ROUTE, number) // POINTS + 1
    points: list[list[float | None]] = []
    for _, row in islice(children.of(tables.ROUTE, number, _POINT), 0, None, every):
        try:
            at, latitude, longitude = instant(row["timestamp_millis"]), needed(row["latitude"]), needed(row["longitude"])
            if abs(latitude) <= 90 and abs(longitude) <= 180:
                points.append([at, latitude, longitude, real(row["altitude"]), None])
        except Unreadable:
            continue
    return sorted(points, key=lambda point: point[0] or 0)


def _lap(row: Row) -> dict[str, Any] | None:
    try:
        start, end = span(row["lap_start_time"], row["lap_end_time"])
        length = real(row["lap_length"])
    except Unreadable:
        return None
    lap: dict[str, Any] = {"name": "Lap", "start": start, "duration": (end - start) / 1000}
    return lap | ({"distance": length} if length is not None and length > 0 else {})


def _segment(row: Row) -> dict[str, Any] | None:
    try:
        start, end = span(row["segment_start_time"], row["segment_end_time"])
    except Unreadable:
        return None
    kind, times = row["segment_type"], code(row["repetitions_count"])
    name = tables.SEGMENTS.get(kind, str(kind)) if isinstance(kind, int) else "unknown"
    return {"name": name, "start": start, "end": end} | ({"repetitions": times} if times else {})
