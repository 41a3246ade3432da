"""The lines of ``healthbox.jsonl``: one JSON object a line, told apart by ``kind``. Both the writer and the reader use these.

Instants are whole milliseconds since 1970-01-01 UTC, values stand in the metric's canonical unit, ``metric`` is our key and
``source`` the number of a source line before it. Fields that hold their default are not written. Line 1 of the file is
``MAGIC``; a reader ignores kinds it does not know and those that are only for people (``day``, ``night``).
"""

from typing import Annotated, Any, TypeAlias, get_args

import msgspec

from healthbox.domain.records import Naming, SourceClass, Stage, Width
from healthbox.formats.json_body import finite

MAGIC = b'"healthbox export"'
VERSION = 1
FILE = "healthbox.jsonl"

# The years 1900 to 2399; and a number as it was written, so that what comes back is the same to the last digit.
Instant = Annotated[int, msgspec.Meta(ge=-2_208_988_800_000, lt=13_569_465_600_000)]
AsOf = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Number: TypeAlias = int | float

Name = tuple[str, AsOf, bool]  # a uuid, how recent that statement is, whether it names a parent of many points


class Line(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind"):
    pass


class Head(Line, tag="export"):
    version: int
    person: str
    exported_at: int


class Zones(Line, tag="zones"):
    """Where the days were counted: (since, IANA zone), the first since 0."""

    history: list[tuple[int, str]]


class Source(Line, tag="source"):
    """``name`` "" where the source was only ever told by its bundle; the further names and bundles found to be the same."""

    id: int
    name: str
    kind_of: SourceClass = msgspec.field(name="class")
    bundle: str | None = None
    product: str | None = None
    names: list[str] = []
    bundles: list[str] = []


class Order(Line, tag="order"):
    """The person's own order of sources for a metric ("*" for all), best first."""

    metric: str
    sources: list[int]


class Named(Line, tag="metric"):
    """A metric that a person named, and what the wires call it."""

    key: str
    label: str
    unit: str
    aggregation: str
    aliases: list[tuple[Naming, str, str]] = []  # vocabulary, name, unit or ""


class Unknown(Line, tag="unknown_metric"):
    key: str
    naming: Naming
    name: str
    unit: str = ""


class Deleted(Line, tag="deleted"):
    """A client deleted the record with this uuid (of this metric)."""

    uuid: str
    metric: str = ""


class Gone(Line, tag="gone"):
    """Content that was deleted or replaced: it must not come back by a record without uuid."""

    metric: str
    source: int
    start: Instant
    end: Instant
    value: float


class GoneStage(Line, tag="gone_sleep"):
    source: int
    start: Instant
    end: Instant
    stage: Stage


class GoneWorkout(Line, tag="gone_workout"):
    source: int
    activity: str
    start: Instant
    end: Instant


class SampleLine(Line, tag="sample"):
    """``set_aside``: a whole export lacked it and a person said that it shall not count."""

    metric: str
    source: int
    start: Instant
    end: Instant
    value: float
    uuids: list[Name] = []
    tag: str = ""
    zone: str | None = None
    metadata: dict[str, Any] | None = None
    set_aside: bool = False


class StageLine(Line, tag="sleep"):
    """``superseded``: a newer export lacked it; said for people, an import works it out of the whole exports."""

    source: int
    start: Instant
    end: Instant
    stage: Stage
    as_of: AsOf
    uuids: list[Name] = []
    zone: str | None = None
    superseded: bool = False


class BucketLine(Line, tag="bucket"):
    metric: str
    app: str
    width: Width
    as_of: AsOf
    start: Instant = 0
    date: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source_text: str = ""
    uuid: str | None = None


class TotalLine(Line, tag="stated_total"):
    metric: str
    app: str
    date: str
    as_of: AsOf
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source_text: str = ""


class StatedNightLine(Line, tag="stated_night"):
    app: str
    date: str
    as_of: AsOf
    start: Instant | None = None
    end: Instant | None = None
    in_bed_start: Instant | None = None
    in_bed_end: Instant | None = None
    asleep: Number | None = None
    core: Number | None = None
    deep: Number | None = None
    rem: Number | None = None
    awake: Number | None = None
    in_bed: Number | None = None
    source_text: str = ""


class WorkoutLine(Line, tag="workout"):
    source: int
    activity: str
    start: Instant
    end: Instant
    as_of: AsOf
    uuid: str | None = None
    zone: str | None = None
    totals: dict[str, Number] = {}
    laps: list[dict[str, Any]] = []
    metadata: dict[str, Any] = {}
    series: dict[str, list[list[Number]]] = {}
    route: list[list[Number | None]] = []
    superseded: bool = False


class WholeExportLine(Line, tag="whole_export"):
    """A whole export in force, made at ``as_of``: the stages and workouts of its sources, in [first, last), whose own ``as_of`` is
    older do not count. ``covers``: (source, first, last)."""

    as_of: AsOf
    covers: list[tuple[int, Instant, Instant]]


class ClinicalLine(Line, tag="clinical"):
    record: str  # fhir, ecg, symptom ...
    data: dict[str, Any]
    as_of: AsOf
    source: int | None = None
    uuid: str | None = None
    start: Instant | None = None
    end: Instant | None = None


class DayLine(Line, tag="day"):
    """What was counted from the above; not imported, for an import counts again."""

    metric: str
    date: str
    n: int
    layer: str
    rule: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    coverage: float | None = None


class NightLine(Line, tag="night"):
    date: str
    night: dict[str, Any]


AnyLine: TypeAlias = (
    Head | Zones | Source | Order | Named | Unknown | Deleted | Gone | GoneStage | GoneWorkout | SampleLine | StageLine | BucketLine
    | TotalLine | StatedNightLine | WorkoutLine | WholeExportLine | ClinicalLine | DayLine | NightLine
)  # fmt: skip

KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(AnyLine))
_encode = msgspec.json.Encoder().encode
# with msgspec's own reading of numbers a megabyte of 1e308 takes seconds
_decoder: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine, float_hook=finite)


class _Kind(msgspec.Struct):
    kind: str


def encode(line: Line) -> bytes:
    """One line with its end."""
    return _encode(line) + b"\n"


def decode(raw: bytes) -> AnyLine | None:
    """The line, None for a kind that this version does not know. Raises ``msgspec.MsgspecError`` for what is no such line."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        if msgspec.json.decode(raw, type=_Kind).kind in KINDS:
            raise
        return None
