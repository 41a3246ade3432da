"""The lines of ``healthbox.jsonl``: one JSON object a line, told apart by ``kind``. Both the writer and the reader use these.

Instants are whole milliseconds since 1970-01-01 UTC, values stand in the metric's canonical unit, ``metric`` is our key and
``source`` the number of a source line before it. Fields that hold their default are not written. Line 1 of the file is
``MAGIC``; a reader ignores kinds it does not know and those that are only for people (``day``, ``night``).
"""

from typing import Any

import msgspec

from healthbox.domain.records import Naming, SourceClass, Stage, Width

MAGIC = b'"healthbox export"'
VERSION = 1
FILE = "healthbox.jsonl"

Name = tuple[str, int, bool]  # a uuid, how recent that statement is, whether it names a parent of many points


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
    aliases: list[tuple[Naming, str]] = []


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
    start: int
    end: int
    value: float


class GoneStage(Line, tag="gone_sleep"):
    source: int
    start: int
    end: int
    stage: Stage


class GoneWorkout(Line, tag="gone_workout"):
    source: int
    activity: str
    start: int
    end: int


class SampleLine(Line, tag="sample"):
    metric: str
    source: int
    start: int
    end: int
    value: float
    uuids: list[Name] = []
    tag: str = ""
    zone: str | None = None
    metadata: dict[str, Any] | None = None


class StageLine(Line, tag="sleep"):
    """``superseded``: a newer export lacked it; kept for reading, not imported."""

    source: int
    start: int
    end: int
    stage: Stage
    as_of: int
    uuids: list[Name] = []
    zone: str | None = None
    superseded: bool = False


class BucketLine(Line, tag="bucket"):
    metric: str
    app: str
    width: Width
    as_of: int
    start: int = 0
    date: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source_text: str = ""


class TotalLine(Line, tag="stated_total"):
    metric: str
    app: str
    date: str
    as_of: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source_text: str = ""


class StatedNightLine(Line, tag="stated_night"):
    app: str
    date: str
    as_of: int
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
    source_text: str = ""


class WorkoutLine(Line, tag="workout"):
    source: int
    activity: str
    start: int
    end: int
    as_of: int
    uuid: str | None = None
    zone: str | None = None
    totals: dict[str, float] = {}
    laps: list[dict[str, Any]] = []
    metadata: dict[str, Any] = {}
    series: dict[str, list[list[float]]] = {}
    route: list[list[float | None]] = []
    superseded: bool = False


class ClinicalLine(Line, tag="clinical"):
    record: str  # fhir, ecg, symptom ...
    data: dict[str, Any]
    as_of: int
    source: int | None = None
    uuid: str | None = None
    start: int | None = None
    end: int | None = None


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


Any_ = (
    Head | Zones | Source | Order | Named | Unknown | Deleted | Gone | GoneStage | GoneWorkout | SampleLine | StageLine | BucketLine
    | TotalLine | StatedNightLine | WorkoutLine | ClinicalLine | DayLine | NightLine
)  # fmt: skip

KINDS = frozenset(kind.__struct_config__.tag for kind in Any_.__args__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Any_).decode


class _Kind(msgspec.Struct):
    kind: str


def encode(line: Line) -> bytes:
    """One line with its end. Text that is no valid Unicode (half a surrogate pair) is refused by UTF-8: U+FFFD stands for it."""
    try:
        return _encode(line) + b"\n"
    except UnicodeEncodeError:
        return _encode(_clean(msgspec.to_builtins(line))) + b"\n"


def decode(raw: bytes) -> Any_ | None:
    """The line, None for a kind that this version does not know. Raises ``msgspec.MsgspecError`` for what is no such line."""
    try:
        return _decode(raw)
    except msgspec.ValidationError:
        if msgspec.json.decode(raw, type=_Kind).kind in KINDS:
            raise
        return None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list | tuple) else value
