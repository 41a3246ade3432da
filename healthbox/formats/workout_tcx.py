"""TCX, the Training Center's XML: an activity with its laps, totals and track points.

Read as it flows by, like GPX, rather than with a library: tcxreader keeps the whole tree in memory. A cadence of runners counts
one foot: steps are twice as many. A workout lasts until the end of its last lap.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from healthbox.domain.records import Record, SourceRef
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.packed import head, opened, small
from healthbox.formats.recording import LONGEST_MS, Point, Recording, Stated, workout
from healthbox.formats.routes import instant, plain
from healthbox.formats.sports import activity
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, rejected
from healthbox.formats.wire import text as trimmed
from healthbox.formats.xml_reader import XmlReader, root

MOST_LAPS = 2000
_POINT = {"Time", "LatitudeDegrees", "LongitudeDegrees", "AltitudeMeters", "DistanceMeters", "Cadence", "Speed", "RunCadence", "Watts"}
_LAP = {"TotalTimeSeconds", "DistanceMeters", "MaximumSpeed", "Calories", "Cadence", "AvgSpeed", "AvgRunCadence", "AvgWatts", "MaxWatts"}
_PULSE = ("AverageHeartRateBpm", "MaximumHeartRateBpm", "HeartRateBpm")


class _Activity:
    def __init__(self, sport: str) -> None:
        self.sport = sport
        self.recording = Recording()
        self.laps: list[dict[str, str]] = []
        self.said: dict[str, str] = {}  # Id, Notes, the creator's Name


class _Reader(XmlReader[_Activity]):
    words = frozenset({*_POINT, *_LAP, "Value", "Id", "Notes", "Name"})

    def __init__(self) -> None:
        super().__init__()
        self.planned = False
        self._point: dict[str, str] | None = None
        self._part = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Activity":
            self.items.append(_Activity(attributes.get("Sport", "")[:100]))
            self.growing = True
        elif name in ("Course", "Workout"):
            self.planned = True
        elif not self.growing:
            return
        elif name == "Trackpoint":
            self._point = {} if self.items[-1].recording.wants() else None
        elif name == "Track":
            self._part += 1
        elif name == "Lap" and len(self.items[-1].laps) < MOST_LAPS:
            self.items[-1].laps.append({"StartTime": attributes.get("StartTime", "")})

    def closed(self, name: str, text: str) -> None:
        if not self.growing:
            return
        if name == "Activity":
            self.growing = False
        elif name == "Trackpoint":
            if self._point is not None:
                self.items[-1].recording.place(_point(self._point, self._part))
            self._point = None
        elif text:
            self._word(self.items[-1], name, text)

    def _word(self, found: _Activity, name: str, text: str) -> None:
        around = self.path[-1] if self.path else ""
        if name == "Value":
            name = around
        if "Trackpoint" in self.path:
            if self._point is not None and (name in _POINT or name in _PULSE):
                self._point[name] = text
        elif "Lap" in self.path:
            if found.laps and (name in _LAP or name in _PULSE):
                found.laps[-1][name] = text
        elif around in ("Activity", "Creator"):
            found.said[name] = text


def _point(said: dict[str, str], part: int) -> Point | None:
    at = instant(said.get("Time"), "UTC")
    if at is None:
        return None
    strides = plain(said.get("RunCadence"))
    return Point(
        at,
        plain(said.get("LatitudeDegrees")),
        plain(said.get("LongitudeDegrees")),
        plain(said.get("AltitudeMeters")),
        plain(said.get("Speed")),
        plain(said.get("HeartRateBpm")) or None,
        plain(said.get("Cadence")),
        None if strides is None else 2 * strides,
        plain(said.get("Watts")),
        plain(said.get("DistanceMeters")),
        part,
    )


def claims(path: Path) -> bool:
    return root(head(path)) == "TrainingCenterDatabase" and small(path)


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record]:
    reader, count = _Reader(), 0
    with opened(path, tell) as content:
        try:
            for found in reader.read(content.chunks()):
                yield _record(found, count, envelope)
                count += 1
        except Unreadable as problem:
            yield rejected("tcx", problem.code, problem.reason, "")
            return
    if not count:
        what = "only a plan, no recorded activity" if reader.planned else "no activity"
        yield rejected("tcx", "no_activity", f"there is {what} in the file", "")


def _record(found: _Activity, index: int, envelope: Envelope) -> Record:
    position = f"Activity[{index}]"
    laps = [_lap(lap) for lap in found.laps]
    start, end = _span(found, laps)
    stated = Stated(
        activity(found.sport),
        SourceRef(name=trimmed(found.said.get("Name"))),
        _totals(found.laps),
        start,
        end,
        laps,
        metadata={"notes": found.said["Notes"]} if "Notes" in found.said else {},
    )
    try:
        return workout(position, stated, found.recording, envelope)
    except Unreadable as problem:
        return rejected(position, problem.code, problem.reason, found.said.get("Id", ""))


def _span(found: _Activity, laps: list[dict[str, Any]]) -> tuple[int | None, int | None]:
    """From the start of the first lap to the end of the last one, or to the last point: the time of a lap lacks its pauses."""
    start = min((lap["start"] for lap in laps if "start" in lap), default=None)
    if start is None:
        start = instant(found.said.get("Id"), "UTC")
    if start is None:
        return None, None
    points = (point.at for point in found.recording.rows if start <= point.at <= start + LONGEST_MS)
    return start, max([*(lap["end"] for lap in laps if "end" in lap), *points], default=None)


def _lap(said: dict[str, str]) -> dict[str, Any]:
    """{"start", "end" in ms, "duration" in s, "distance" in m, "heart_rate_avg" ...}, each only where it is stated."""
    made: dict[str, Any] = {}
    start, seconds = instant(said.get("StartTime"), "UTC"), plain(said.get("TotalTimeSeconds"))
    if start is not None:
        made["start"] = start
        if seconds is not None and seconds >= 0:
            made["end"] = start + round(seconds * 1000)
    return made | _totals([said]).found


def _totals(laps: list[dict[str, str]]) -> Totals:
    """Sums of the laps; the highest of their highest; the mean pulse weighed by their time."""
    totals = Totals()
    sums = (("TotalTimeSeconds", "duration", "s"), ("DistanceMeters", "distance", "m"), ("Calories", "energy", "kcal"))
    for wire_name, name, unit in sums:
        values = [value for lap in laps if (value := plain(lap.get(wire_name))) is not None]
        if values and (total := sum(values)) > 0:
            totals.add(name, total, unit, wire_name=wire_name, wire_value=total)
    for wire_name, name, unit in (("MaximumHeartRateBpm", "heart_rate_max", "bpm"), ("MaximumSpeed", "speed_max", "m/s")):
        highest = max((value for lap in laps if (value := plain(lap.get(wire_name)))), default=None)
        totals.add(name, highest, unit, wire_name=wire_name, wire_value=highest)
    weighed = [
        (pulse, plain(lap.get("TotalTimeSeconds")) or 0.0) for lap in laps if (pulse := plain(lap.get("AverageHeartRateBpm"))) is not None
    ]
    if time := sum(seconds for _, seconds in weighed):
        mean = round(sum(pulse * seconds for pulse, seconds in weighed) / time, 1)
        totals.add("heart_rate_avg", mean, "bpm", wire_name="AverageHeartRateBpm", wire_value=mean)
    return totals


FILE_FORMAT = FileFormat(
    name="tcx",
    looks_for="a recorded activity (<TrainingCenterDatabase>), also as .tcx.gz",
    claims=claims,
    records=records,
)
