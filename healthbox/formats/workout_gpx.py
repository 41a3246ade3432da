"""GPX: every track with times is a workout, its segments the parts between pauses.

Read while it flows by rather than with a library: gpxpy keeps the whole tree (15 bytes of memory for each byte of file), Apple's
routes need the same reader, and a recording may have a point for every second of a week. Times are UTC, as the standard says.
Beside the points a GPX states nothing: distance, climb and mean pulse are worked out from them.
"""

from collections.abc import Iterator
from pathlib import Path

from healthbox.domain.records import Record, SourceRef
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.packed import head, opened, small
from healthbox.formats.recording import Point, Recording, Stated, workout
from healthbox.formats.routes import instant, plain
from healthbox.formats.sports import activity
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, rejected
from healthbox.formats.wire import text as trimmed
from healthbox.formats.xml_reader import XmlReader, root

# The extensions of Garmin, Strava, Apple and others beside the standard's own.
_POINT = {"ele": "ele", "time": "time", "speed": "speed", "hr": "hr", "heartrate": "hr", "cad": "cad", "cadence": "cad",
          "power": "power", "PowerInWatts": "power"}  # fmt: skip


class Track:
    def __init__(self) -> None:
        self.recording = Recording()
        self.said: dict[str, str] = {}  # name and type


class GpxReader(XmlReader[Track]):
    """``one``: all tracks of the file are parts of a single one."""

    words = frozenset({*_POINT, "name", "type"})

    def __init__(self, *, one: bool = False) -> None:
        super().__init__()
        self.creator = ""
        self._one = one
        self._point: dict[str, str] | None = None
        self._part = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "trkpt" and self.growing:
            self._point = attributes if self.items[-1].recording.wants() else None
        elif name == "trk" and not (self._one and self.items):
            self.items.append(Track())
            self.growing = True
        elif name == "trkseg":
            self._part += 1
        elif name == "gpx":
            self.creator = (trimmed(attributes.get("creator")) or "")[:100]

    def closed(self, name: str, text: str) -> None:
        if self._point is not None:
            if name == "trkpt":
                self.items[-1].recording.place(_point(self._point, self._part))
                self._point = None
            elif name in _POINT and text:
                self._point[_POINT[name]] = text
        elif name in ("name", "type") and self.growing and self.path[-1:] == ["trk"]:
            self.items[-1].said[name] = text
        elif name == "trk" and not self._one:
            self.growing = False


def _point(said: dict[str, str], part: int) -> Point | None:
    at = instant(said.get("time"), "UTC")
    if at is None:
        return None
    speed = plain(said.get("speed"))
    return Point(
        at,
        plain(said.get("lat")),
        plain(said.get("lon")),
        plain(said.get("ele")),
        speed if speed is not None and speed >= 0 else None,  # negative means unknown
        plain(said.get("hr")) or None,
        plain(said.get("cad")),
        power=plain(said.get("power")),
        part=part,
    )


def claims(path: Path) -> bool:
    return root(head(path)) == "gpx" and small(path)


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record]:
    reader, count = GpxReader(), 0
    with opened(path, tell) as content:
        try:
            for track in reader.read(content.chunks()):
                yield _record(track, count, reader.creator, envelope)
                count += 1
        except Unreadable as problem:
            yield rejected("gpx", problem.code, problem.reason, "")
            return
    if not count:
        yield rejected("gpx", "no_track", "there is no track in the file: places and planned routes are no workout", "")


def _record(track: Track, index: int, creator: str, envelope: Envelope) -> Record:
    position = f"trk[{index}]"
    stated = Stated(
        activity(track.said.get("type"), creator=creator),
        SourceRef(name=creator or None),
        Totals(),
        metadata={"name": track.said["name"]} if track.said.get("name") else {},
        computed=True,
    )
    try:
        return workout(position, stated, track.recording, envelope)
    except Unreadable as problem:
        return rejected(position, problem.code, problem.reason, track.said.get("name", ""))


FILE_FORMAT = FileFormat(
    name="gpx",
    looks_for="a recorded track (<gpx>), also as .gpx.gz",
    claims=claims,
    records=records,
)
