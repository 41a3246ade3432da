"""The lines of an export as records. What records cannot carry is rejected with words that say what to set again."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from healthbox.domain.records import (
    Bucket,
    Clinical,
    Naming,
    Record,
    Rejected,
    Sample,
    SampleBlock,
    SetAside,
    SleepStage,
    SourceRef,
    StatedNight,
    StatedTotal,
    Tombstone,
    WholeExport,
    Workout,
)
from healthbox.formats.healthbox_export import lines
from healthbox.formats.wire import RAW_LIMIT

BLOCK = 2_000
SAMPLE = 256 << 10  # bytes: no reading has so much to say, and each is kept many times over while it is stored
GONE = "gone-"  # begins the uuid made up for content that is gone and whose own uuid nobody needs any more
_NIGHT = ("start", "end", "in_bed_start", "in_bed_end", "asleep", "core", "deep", "rem", "awake", "in_bed")

Row = tuple[str, int, int, float | str | None, str | None, dict[str, Any] | None]


class Reading:
    """Reads one export; ``zone`` is the one in which the receiving person's days are counted."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._sources: dict[int, SourceRef] = {}
        self._labels: dict[int, str] = {}
        self._names: dict[str, tuple[Naming, str, str | None]] = {}
        self._block: list[Row] = []
        self._of: tuple[str, int] | None = None

    def records(self, raws: Iterable[tuple[int, bytes]]) -> Iterator[Record | SampleBlock]:
        """``raws``: (line number, line)."""
        for number, raw in raws:
            at = str(number)
            try:
                line = lines.decode(raw)
                if isinstance(line, lines.SampleLine) and len(raw) > SAMPLE:
                    raise ValueError(at)
                if isinstance(line, lines.SampleLine) and not (line.uuids or line.tag or line.set_aside):
                    yield from self._plain(line, at)
                    continue
                made = list(self._read(line, at))
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, OverflowError, RecursionError):
                made = [_rejected(at, "bad_line", "the line is not one of an export", raw)]
            except KeyError:
                made = [_rejected(at, "no_source", "the line names a source that no line before it describes", raw)]
            if made:
                yield from self._flush()
                yield from made
        yield from self._flush()

    # -- samples without uuid, side by side ---------------------------------------------------------------------------

    def _plain(self, line: lines.SampleLine, at: str) -> Iterator[SampleBlock]:
        if line.metadata:
            msgspec.msgpack.encode(line.metadata)  # a number beyond 64 bits could not be kept: it costs its own line, not the block
        key = (line.metric, line.source)
        if key != self._of or len(self._block) >= BLOCK:
            _ = self._sources[line.source]
            yield from self._flush()
            self._of = key
        self._block.append((at, line.start, line.end, line.value, line.zone, line.metadata))

    def _flush(self) -> Iterator[SampleBlock]:
        if self._block and self._of is not None:
            naming, name, unit = self._metric(self._of[0])
            rows, self._block = self._block, []
            yield SampleBlock(metric=name, naming=naming, unit=unit, source=self._sources[self._of[1]], rows=rows)

    def _metric(self, key: str) -> tuple[Naming, str, str | None]:
        """By what name a metric is found again: a metric that a person named, by what the wire called it."""
        return self._names.get(key, ("key", key, None))

    # -- everything else ----------------------------------------------------------------------------------------------

    def _read(self, line: lines.AnyLine | None, at: str) -> Iterator[Record]:
        match line:
            case lines.SampleLine():
                named = [
                    self._sample(line, at, uuid, as_of, parent=parent, value=line.value)
                    for uuid, as_of, parent in line.uuids or [("", 0, False)]
                ]
                yield from [SetAside(position=at, samples=list(named))] if line.set_aside else named
            case lines.StageLine():
                yield from self._stages(line, at)
            case lines.Gone():
                uuid = _made_up(self._sources[line.source], line)
                yield Tombstone(position=at, uuid=uuid, metric=line.metric, naming="key")
                yield self._sample(line, at, uuid, 0, parent=False, value=line.value)
            case lines.GoneStage():
                uuid = _made_up(self._sources[line.source], line)
                yield Tombstone(position=at, uuid=uuid, metric="sleep_analysis", naming="key")
                source = self._sources[line.source]
                yield SleepStage(position=at, start=line.start, end=line.end, stage=line.stage, source=source, uuid=uuid)
            case lines.GoneWorkout():
                uuid = _made_up(self._sources[line.source], line)
                yield Tombstone(position=at, uuid=uuid)
                source = self._sources[line.source]
                yield Workout(position=at, activity=line.activity, start=line.start, end=line.end, uuid=uuid, source=source)
            case lines.WorkoutLine():
                yield self._workout(line, at)
            case lines.WholeExportLine():
                covers = [(self._sources[source], first, last) for source, first, last in line.covers]
                yield WholeExport(position=at, as_of=line.as_of, covers=covers)
            case lines.ClinicalLine():
                source = SourceRef() if line.source is None else self._sources[line.source]
                yield Clinical(
                    position=at, kind=line.record, data=line.data, start=line.start, end=line.end, uuid=line.uuid, source=source,
                    as_of=line.as_of,
                )  # fmt: skip
            case lines.Deleted():
                yield Tombstone(position=at, uuid=line.uuid, metric=line.metric or None, naming="key")
            case lines.BucketLine() | lines.TotalLine():
                yield self._statement(line, at)
            case lines.StatedNightLine():
                numbers = {name: getattr(line, name) for name in _NIGHT}
                date = dt.date.fromisoformat(line.date)
                yield StatedNight(position=at, app=line.app, date=date, source=line.source_text, as_of=line.as_of, **numbers)
            case _:
                yield from self._learn(line, at)

    def _sample(self, line: lines.SampleLine | lines.Gone, at: str, uuid: str, as_of: int, *, parent: bool, value: float) -> Sample:
        naming, name, unit = self._metric(line.metric)
        made = Sample(
            position=at, metric=name, naming=naming, start=line.start, end=line.end, value=value, unit=unit,
            source=self._sources[line.source], uuid=uuid or None, parent=parent, as_of=as_of or None,
        )  # fmt: skip
        if isinstance(line, lines.SampleLine):
            made.tag, made.zone, made.metadata = line.tag, line.zone, line.metadata
        return made

    def _stages(self, line: lines.StageLine, at: str) -> Iterator[SleepStage]:
        """One record a uuid; a later statement without one comes last, when the stage stands already."""
        said = [(uuid or None, as_of, parent) for uuid, as_of, parent in line.uuids]
        if all(as_of < line.as_of for _, as_of, _ in said):
            said.append((None, line.as_of, False))
        for uuid, as_of, parent in said:
            yield SleepStage(
                position=at, start=line.start, end=line.end, stage=line.stage, source=self._sources[line.source], uuid=uuid,
                parent=parent, zone=line.zone, as_of=as_of,
            )  # fmt: skip

    def _workout(self, line: lines.WorkoutLine, at: str) -> Workout:
        return Workout(
            position=at, activity=line.activity, start=line.start, end=line.end, uuid=line.uuid, source=self._sources[line.source],
            zone=line.zone, totals=line.totals, series=line.series, route=line.route, laps=line.laps, as_of=line.as_of,
            metadata=line.metadata or None,
        )  # fmt: skip

    def _statement(self, line: lines.BucketLine | lines.TotalLine, at: str) -> Bucket | StatedTotal:
        naming, name, unit = self._metric(line.metric)
        if isinstance(line, lines.TotalLine):
            return StatedTotal(
                position=at, metric=name, naming=naming, app=line.app, date=dt.date.fromisoformat(line.date), value=line.value,
                low=line.low, high=line.high, unit=unit, source=line.source_text, as_of=line.as_of,
            )  # fmt: skip
        return Bucket(
            position=at, metric=name, naming=naming, app=line.app, width=line.width, start=line.start,
            date=dt.date.fromisoformat(line.date) if line.date else None, value=line.value, low=line.low, high=line.high, unit=unit,
            source=line.source_text, uuid=line.uuid, as_of=line.as_of,
        )  # fmt: skip

    # -- what stands around the records -------------------------------------------------------------------------------

    def _learn(self, line: lines.AnyLine | None, at: str) -> Iterator[Record]:
        match line:
            case lines.Head() if line.version > lines.VERSION:
                yield _again(at, "this export was written by a newer healthbox: what this one does not know is left out")
            case lines.Source():
                self._sources[line.id] = SourceRef(line.name or None, line.bundle, line.product, line.kind_of)
                self._labels[line.id] = line.name or line.bundle or "without a name"
                if len(line.bundles) > 1 or (not line.bundles and len(line.names) > 1):
                    also = ", ".join([*line.names, *line.bundles])
                    yield _again(at, f"{self._labels[line.id]} was known by several names ({also}): see healthbox source merge")
            case lines.Unknown():
                self._names[line.key] = (line.naming, line.name, line.unit or None)
            case lines.Named():
                if line.aliases:
                    naming, name, unit = line.aliases[0]
                    self._names[line.key] = (naming, name, unit or None)
                words = f"key {line.key}, unit {line.unit or 'none'}, counted as {line.aggregation}"
                yield _again(at, f"{line.label} was named by a person ({words}): name it again on the page Unknown metrics")
            case lines.Zones() if [zone for _, zone in line.history] != [self._zone]:
                since = [f"{zone} since {_date(at_ms)}" if at_ms else zone for at_ms, zone in line.history]
                yield _again(at, f"the days were counted in {', '.join(since)}: set it again on the page Settings")
            case lines.Order():
                names = " > ".join(self._labels[number] for number in line.sources)
                scope = "all metrics" if line.metric == "*" else line.metric
                yield _again(at, f"the order of sources for {scope} was {names}: set it again on the page Sources")
            case _:
                return


def _again(at: str, words: str) -> Rejected:
    return Rejected(position=at, code="set_again", reason=words)


def _rejected(at: str, code: str, reason: str, raw: bytes) -> Rejected:
    return Rejected(position=at, code=code, reason=reason, raw=raw[:RAW_LIMIT].decode("utf-8", "replace"))


def _date(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _made_up(source: SourceRef, line: lines.Gone | lines.GoneStage | lines.GoneWorkout) -> str:
    """The same in every box, so that leaving again says the same."""
    said = (source.name, source.kind, source.bundle, *(value for name, value in msgspec.structs.asdict(line).items() if name != "source"))
    return GONE + hashlib.sha256(repr((type(line).__name__, *said)).encode("utf-8", "replace")).hexdigest()[:40]
