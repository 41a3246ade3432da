"""FIT, the binary files of Garmin, Wahoo, Coros, Suunto and others: every session is a workout.

Read with fitdecode, leniently: a file that breaks off gives what stands before that, one whose checksum is wrong gives all it
holds, and either is said in a ``Rejected``. A recording that was never closed has no session; its points make the workout.
A cadence on foot counts one foot: steps are twice as many. Times are UTC; the zone is what the device's own clock showed.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fitdecode

from healthbox.domain.records import Record, SourceRef
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.packed import MOST_BINARY, Content, head, opened, small
from healthbox.formats.recording import Point, Recording, Stated, fit_ms, offset, workout
from healthbox.formats.sports import activity
from healthbox.formats.totals import Totals
from healthbox.formats.wire import EXACT, Unreadable, rejected

MOST_LAPS = 2000
MOST_SESSIONS = 100
MAGIC = b".FIT"
_MANY = 4096  # pieces, mostly of a few bytes, that are summed at once
_SINCE_START = 0x10000000  # smaller times count from when the device was switched on
_DEGREES = 180 / 2**31
_WANTED = {"record", "session", "lap", "file_id", "activity", "sport", "device_info"}
_ON_FOOT = {"running", "walking", "hiking"}
# Whatever a damaged file makes the library trip over.
_BROKEN = (fitdecode.FitError, struct.error, LookupError, ValueError, TypeError, ArithmeticError, AssertionError, AttributeError)

_TOTALS = (
    ("total_timer_time", "duration", "s"), ("total_distance", "distance", "m"), ("total_calories", "energy", "kcal"),
    ("avg_heart_rate", "heart_rate_avg", "bpm"), ("min_heart_rate", "heart_rate_min", "bpm"), ("max_heart_rate", "heart_rate_max", "bpm"),
    ("total_ascent", "elevation_up", "m"), ("total_descent", "elevation_down", "m"), ("enhanced_avg_speed", "speed_avg", "m/s"),
    ("avg_speed", "speed_avg", "m/s"), ("enhanced_max_speed", "speed_max", "m/s"), ("max_speed", "speed_max", "m/s"),
    ("avg_power", "power_avg", "W"), ("avg_cadence", "cadence", "rpm"), ("total_strokes", "swim_strokes", "count"),
    ("pool_length", "lap_length", "m"),
)  # fmt: skip


class _Ride:
    """What one FIT file holds (several may stand in a row)."""

    def __init__(self) -> None:
        self.recording = Recording()
        self.sessions: list[dict[str, Any]] = []
        self.laps: list[dict[str, Any]] = []
        self.about: dict[str, dict[str, Any]] = {}  # file_id, activity, sport, device_info: the first of each

    def take(self, name: str, said: dict[str, Any]) -> None:
        if name == "record":
            self.recording.place(_point(said))
        elif name == "session":
            self.sessions += [said] if len(self.sessions) < MOST_SESSIONS else []
        elif name == "lap":
            self.laps += [said] if len(self.laps) < MOST_LAPS else []
        else:
            self.about.setdefault(name, said)

    @property
    def empty(self) -> bool:
        return not (self.sessions or self.recording.rows or self.recording.untimed or self.about)


class _Checked:
    """The content as the library reads it, with its own checksum over each file: the library's is a quarter of all its work."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._read: list[bytes] = []
        self._sum = 0

    def read(self, length: int) -> bytes:
        found = self._content.read(length)
        self._read.append(found)
        if len(self._read) >= _MANY:
            self._add()
        return found

    def right(self) -> bool:
        """Whether the file that ends here bears the right checksum: over what includes it, the sum is 0. Then the next begins."""
        self._add()
        found, self._sum = self._sum == 0, 0
        return found

    def _add(self) -> None:
        found = self._sum
        for byte in b"".join(self._read):
            found = _CRC[(found ^ byte) & 0xFF] ^ (found >> 8)
        self._sum = found
        self._read.clear()


def claims(path: Path) -> bool:
    begins = head(path)
    return begins[8:12] == MAGIC and begins[0] in (12, 14) and small(path, MOST_BINARY)


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record]:
    with opened(path, tell, MOST_BINARY) as content:
        for number, (ride, problem) in enumerate(_rides(content)):
            at = f"file[{number}]."
            if not ride.empty or problem is None:
                yield from _workouts(ride, at, envelope)
            if problem is not None:
                yield rejected(f"{at}end", problem.code, problem.reason, "")


def _rides(content: Content) -> Iterator[tuple[_Ride, Unreadable | None]]:
    """Every file in the file, with what is wrong with it."""
    ride: _Ride | None = None
    checked = _Checked(content)
    try:
        with _reader(checked) as frames:
            for frame in frames:
                if frame.frame_type == fitdecode.FIT_FRAME_HEADER:
                    ride = _Ride()
                elif frame.frame_type == fitdecode.FIT_FRAME_DATA and ride is not None and frame.name in _WANTED:
                    if frame.name != "record" or ride.recording.wants():
                        ride.take(frame.name, {field.name: field.value for field in reversed(frame.fields) if field.value is not None})
                elif frame.frame_type == fitdecode.FIT_FRAME_CRC and ride is not None:
                    wrong = None if checked.right() else Unreadable("checksum", "its checksum is wrong: some of its values may be, too")
                    yield ride, wrong
                    ride = None
    except Unreadable as problem:
        yield ride or _Ride(), problem
    except _BROKEN:
        yield ride or _Ride(), Unreadable("truncated", "the file breaks off or is damaged; what stands before that is read")


def _reader(content: _Checked) -> fitdecode.FitReader:
    """Without the library's own conversions: times stay seconds, and it takes half the time."""
    return fitdecode.FitReader(
        content, processor=None, check_crc=fitdecode.CrcCheck.DISABLED, error_handling=fitdecode.ErrorHandling.IGNORE
    )


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC = tuple(map(_crc_of, range(256)))


def _point(said: dict[str, Any]) -> Point | None:
    at = _instant(said.get("timestamp"))
    if at is None:
        return None
    latitude, longitude = _number(said.get("position_lat")), _number(said.get("position_long"))
    return Point(
        at,
        None if latitude is None else latitude * _DEGREES,
        None if longitude is None else longitude * _DEGREES,
        _number(said.get("enhanced_altitude", said.get("altitude"))),
        _number(said.get("enhanced_speed", said.get("speed"))),
        _number(said.get("heart_rate")) or None,
        _number(said.get("cadence")),
        power=_number(said.get("power")),
        far=_number(said.get("distance")),
    )


def _workouts(ride: _Ride, at: str, envelope: Envelope) -> Iterator[Record]:
    kind = ride.about.get("file_id", {}).get("type", "activity")
    if kind != "activity":
        yield rejected(f"{at}file_id", "no_activity", "this FIT file holds no recorded activity", str(kind))
        return
    for index, session in enumerate(ride.sessions or [{}]):
        position = f"{at}session[{index}]"
        try:
            yield workout(position, _stated(session, ride), ride.recording, envelope)
        except Unreadable as problem:
            yield rejected(position, problem.code, problem.reason, str(session.get("sport", "")))


def _stated(session: dict[str, Any], ride: _Ride) -> Stated:
    start, end = _span(session)
    sport = session.get("sport", ride.about.get("sport", {}).get("sport"))
    further = session.get("sub_sport", ride.about.get("sport", {}).get("sub_sport"))
    found = activity(_word(sport), _word(further))
    laps = [lap for said in ride.laps if (lap := _lap(said)) and start is not None and start <= lap.get("start", -1) <= (end or start)]
    totals = _totals(session)
    strides = _number(session.get("avg_running_cadence", session.get("avg_walking_cadence")))
    if strides is not None:
        totals.found["step_cadence"] = 2 * strides
    steps = _number(session.get("total_strides"))
    if steps is not None:
        totals.found["steps"] = 2 * steps
    return Stated(found, _source(ride.about), totals, start, end, laps, _zone(ride.about.get("activity", {})), strides=found in _ON_FOOT)


def _span(said: dict[str, Any]) -> tuple[int | None, int | None]:
    """Start and end; the time that passed counts pauses, while the message itself may be written long after the end."""
    start, written = _instant(said.get("start_time")), _instant(said.get("timestamp"))
    elapsed = _number(said.get("total_elapsed_time"))
    if start is not None and elapsed is not None and elapsed >= 0:
        return start, start + round(elapsed * 1000)
    return start, written


def _lap(said: dict[str, Any]) -> dict[str, Any]:
    start, end = _span(said)
    times = {name: at for name, at in (("start", start), ("end", end)) if at is not None}
    return times | _totals(said).found


def _totals(said: dict[str, Any]) -> Totals:
    totals = Totals()
    for wire_name, name, unit in _TOTALS:
        value = _number(said.get(wire_name))
        if value is not None and (value or name.startswith("elevation")):
            totals.add(name, value, unit, wire_name=wire_name, wire_value=value)
    return totals


def _source(about: dict[str, dict[str, Any]]) -> SourceRef:
    """ "garmin fr945" as FIT's own lists call maker and product, else the name that the device gives itself."""
    known = about.get("file_id", {})
    maker = _word(known.get("manufacturer"))
    product = _word(known.get("product_name") or known.get("garmin_product")) or _word(about.get("device_info", {}).get("product_name"))
    name = " ".join(word for word in ((maker or "").replace("_", " ").capitalize(), product or "") if word)
    return SourceRef(name=name or None)


def _zone(said: dict[str, Any]) -> str | None:
    local, utc = _number(said.get("local_timestamp")), _number(said.get("timestamp"))
    return None if local is None or utc is None else offset(local - utc)


def _instant(value: Any) -> int | None:
    seconds = _number(value)
    return None if seconds is None or seconds < _SINCE_START else fit_ms(seconds)


def _number(value: Any) -> float | None:
    """A finite number; a field with several values says its first."""
    if isinstance(value, tuple):
        value = next((part for part in value if part is not None), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -EXACT < value < EXACT else None  # false for what is no number


def _word(value: Any) -> str | None:
    return "".join(letter for letter in value if letter.isprintable()).strip()[:100] or None if isinstance(value, str) else None


FILE_FORMAT = FileFormat(
    name="fit",
    looks_for="a recorded activity (.FIT), also as .fit.gz",
    claims=claims,
    records=records,
)
