"""What a format makes of bytes: records.

Instants are whole milliseconds since 1970-01-01 UTC (``int``). Dates are ``datetime.date``. A value that is missing is
``None``, never a number. ``metric`` is the name exactly as the wire writes it and ``naming`` says in which vocabulary
(a column of the catalogue); the pipeline turns both into a catalogue key. ``position`` says where in the body the record
stood ("data.metrics[0].data[3]"): receipts quote it.

``zone`` is an IANA name or an offset ("+01:00") and is given only where the wire ties it to the event itself.
``as_of`` is how recent the client says its statement is; ``None`` means "when the body was accepted".
"""

import datetime as dt
import json
from typing import Any, Literal

import msgspec

Naming = Literal["key", "healthkit", "health_auto_export", "health_connect", "flutter", "open_wearables", "shortcut"]
UNSAID = ", no unit"  # behind a metric's name: it comes in several units, and which one was not said
Width = Literal["minute", "hour", "day", "week", "month", "year"]
WIDE: tuple[Width, ...] = ("week", "month", "year")  # these may add up what no sensor can say at once
Stage = Literal["in_bed", "asleep_unspecified", "awake", "core", "deep", "rem"]
SourceClass = Literal["manual", "watch", "ring", "strap", "phone", "scale", "app", "provider", "unknown"]


class SourceRef(msgspec.Struct, frozen=True):
    """What measured, as the wire describes it. Every part may be missing; ``kind`` only where the wire says it outright."""

    name: str | None = None
    bundle: str | None = None
    product: str | None = None
    kind: SourceClass | None = None


def metadata_text(data: dict[str, Any]) -> str:
    """One text for equal metadata: what it is stored and found by."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Sample(msgspec.Struct, kw_only=True):
    """A raw reading (start == end) or interval. ``value``: a number, or a category value by number or name."""

    position: str
    metric: str
    naming: Naming
    start: int
    end: int
    value: float | str | None
    unit: str | None = None
    source: SourceRef = SourceRef()
    uuid: str | None = None
    parent: bool = False  # uuid names a parent that holds many points: a new point set replaces the old as a whole
    tag: str = ""  # separates what really differs at one (series, start, end): external id, food name
    zone: str | None = None
    as_of: int | None = None
    metadata: dict[str, Any] | None = None


class SampleBlock(msgspec.Struct, kw_only=True):
    """Samples of one wire type, unit and source, side by side: what a big file yields instead of one object each.

    ``rows``: (position, start, end, value, zone, metadata) as in ``Sample``; values are still text where the wire has text."""

    metric: str
    naming: Naming
    unit: str | None
    source: SourceRef
    rows: list[tuple[str, int, int, float | str | None, str | None, dict[str, Any] | None]]


class Bucket(msgspec.Struct, kw_only=True):
    """A point that the client aggregated and merged over sources. From a day up ``date`` is the local date as stated."""

    position: str
    metric: str
    naming: Naming
    app: str  # the uploading app, part of the identity: "health-auto-export", "hc-webhook" ...
    width: Width
    start: int
    date: dt.date | None = None
    value: float | None = None  # the sum, or the mean
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    source: str = ""  # the joined source text: an attribute, never part of the identity
    uuid: str | None = None  # what a deletion calls it: an attribute, too
    as_of: int | None = None


class StatedTotal(msgspec.Struct, kw_only=True):
    """A whole day's value as the client's own system reports it."""

    position: str
    metric: str
    naming: Naming
    app: str
    date: dt.date
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    source: str = ""
    as_of: int | None = None


class SleepStage(msgspec.Struct, kw_only=True):
    """One interval of one stage. ``uuid`` is a sample's own; with ``parent`` it names the session holding the stages."""

    position: str
    start: int
    end: int
    stage: Stage
    source: SourceRef = SourceRef()
    uuid: str | None = None
    parent: bool = False
    zone: str | None = None
    as_of: int | None = None
    metadata: dict[str, Any] | None = None


class StatedNight(msgspec.Struct, kw_only=True):
    """A whole night as the client's system reports it; durations in minutes; ``date`` is the wake-up date."""

    position: str
    app: str
    date: dt.date
    start: int | None = None
    end: int | None = None
    in_bed_start: int | None = None
    in_bed_end: int | None = None
    asleep: float | None = None
    core: float | None = None
    deep: float | None = None
    rem: float | None = None
    awake: float | None = None
    in_bed: float | None = None
    source: str = ""
    as_of: int | None = None


class Workout(msgspec.Struct, kw_only=True):
    """A training session. ``totals``: canonical name → number in canonical units (energy kcal, distance m, duration s,
    speed_avg/max m/s, heart_rate_avg/min/max per min, elevation_up/down m, steps ...). ``series``: name → [[instant, value], ...],
    in the same units, speed m/s. ``route``: [[instant, latitude, longitude, altitude m|None, speed m/s|None], ...]; ``laps``: [{...}]."""

    position: str
    activity: str
    start: int
    end: int
    uuid: str | None = None
    source: SourceRef = SourceRef()
    zone: str | None = None
    totals: dict[str, int | float] = {}
    series: dict[str, list[list[int | float]]] = {}
    route: list[list[int | float | None]] = []
    laps: list[dict[str, Any]] = []
    as_of: int | None = None
    metadata: dict[str, Any] | None = None


class Clinical(msgspec.Struct, kw_only=True):
    """A typed record kept whole: FHIR resources, ECGs, symptoms, states of mind, medications, notifications ..."""

    position: str
    kind: str  # fhir | ecg | symptom | state_of_mind | medication | cycle | heart_notification | ...
    data: dict[str, Any]
    start: int | None = None
    end: int | None = None
    uuid: str | None = None
    source: SourceRef = SourceRef()
    as_of: int | None = None


class Tombstone(msgspec.Struct, kw_only=True):
    """The client's system deleted the record with this uuid (of this metric, where it says so)."""

    position: str
    uuid: str
    metric: str | None = None
    naming: Naming = "healthkit"


class SetAside(msgspec.Struct, kw_only=True):
    """A sample that a whole export lacked, in the box where it comes from: once for each of its names."""

    position: str
    samples: list[Sample]


class WholeExport(msgspec.Struct, kw_only=True):
    """A whole export that was in force in the box where this comes from, made at ``as_of``. ``covers``: the sources it speaks of,
    each from when until before when (ms)."""

    position: str
    as_of: int
    covers: list[tuple[SourceRef, int, int]]


class Rejected(msgspec.Struct, kw_only=True):
    """A record that could not be understood. ``raw`` is the record's own text, cut at 2,000 characters."""

    position: str
    code: str
    reason: str
    raw: str = ""


Record = Sample | Bucket | StatedTotal | SleepStage | StatedNight | Workout | Clinical | Tombstone | SetAside | WholeExport | Rejected
