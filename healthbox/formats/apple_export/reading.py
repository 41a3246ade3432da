"""From pieces to records: which lane reads a piece, and what becomes of each element."""

import json
from collections.abc import Iterator

from healthbox.domain.errors import Invalid
from healthbox.domain.records import Clinical, Record, Rejected, SampleBlock, SourceRef
from healthbox.formats.apple_export import others
from healthbox.formats.apple_export.archive import Export
from healthbox.formats.apple_export.elements import Broken, Element, ExactLane
from healthbox.formats.apple_export.fast import Columns, FastLane, sleep_stage
from healthbox.formats.apple_export.gather import Gathering
from healthbox.formats.apple_export.heads import BEATS, body, head, nutrient
from healthbox.formats.apple_export.pieces import Cutter
from healthbox.formats.apple_export.workouts import workout
from healthbox.formats.foods import food
from healthbox.formats.routes import instant
from healthbox.formats.wire import Unreadable, rejected, span

FOOD = "HKCorrelationTypeIdentifierFood"
_CLINICAL, _ECGS = "clinical-records", "electrocardiograms"


class Reading:
    """One pass over an export. ``fast`` off reads everything with the real parser; the records are the same."""

    def __init__(self, export: Export, zone: str, *, fast: bool = True) -> None:
        self._export, self._zone = export, zone
        self._gathering = Gathering()
        self._fast = FastLane(self._gathering) if fast else None
        self._count = 0
        self._exported: int | None = None
        self._documents: set[str] = set()

    def records(self) -> Iterator[Record | SampleBlock]:
        cutter = Cutter(self._export.main())
        exact = ExactLane(cutter.marker)
        for piece in cutter.pieces():
            if exact.ended:
                continue  # read on all the same: only the last byte shows whether the zip is whole
            columns = self._fast.read(piece.data) if self._fast and piece.whole and not exact.open else None
            gaps = _gaps(columns, exact) if columns else None
            if self._fast and columns and gaps is not None:
                yield from self._both(self._fast, columns, gaps)
            else:
                for element in exact.read(piece):
                    yield from self._element(element)
            yield from self._gathering.full()
        if cutter.rooted and not exact.ended:
            yield Rejected(position=str(self._count + 1), code="truncated", reason="the export breaks off before its end")
        yield from self._gathering.rest()
        yield from self._files()

    def _both(self, fast: FastLane, columns: Columns, gaps: list[tuple[int, list[Element]]]) -> Iterator[Record]:
        """Runs of records by the fast lane and the elements of the gaps between them, in the order of the file."""
        first = 0
        for last, elements in [*gaps, (len(columns.raw), [])]:
            if last > first:
                yield from fast.gather(columns, first, last, self._count, self._exported)
                self._count += last - first
                first = last
            for element in elements:
                yield from self._element(element)

    def _element(self, element: Element | Broken) -> Iterator[Record]:
        self._count += 1
        at = str(self._count)
        if isinstance(element, Broken):
            yield rejected(at, element.code, element.reason, element.raw)
            return
        try:
            yield from list(self._made(element, at))
        except Unreadable as problem:
            yield rejected(at, problem.code, problem.reason, element.attributes)

    def _made(self, element: Element, at: str) -> Iterator[Record]:
        zone, as_of = self._zone, self._exported
        match element.name:
            case "Record":
                yield from self._record(element, at)
            case "Workout":
                yield from workout(element, at, zone, as_of, self._export)
            case "Correlation":
                yield from self._correlation(element, at)
            case "ActivitySummary":
                yield from others.summary(element, at, as_of)
            case "ClinicalRecord":
                entry = self._export.find(element.attributes.get("resourceFilePath") or "")
                self._documents.add(entry.filename if entry else "")
                yield from others.fhir(element, at, zone, as_of, self._export)
            case "Me":
                yield from others.characteristics(element, at, as_of)
            case "ExportDate":
                self._exported = instant(element.attributes.get("value"), zone)
            case _:
                yield from others.whole(element, at, zone, as_of)

    def _record(self, element: Element, at: str, meal: str = "") -> Iterator[Record]:
        said = element.attributes
        entries = _entries(element)
        entries += [
            (child.name, json.dumps(child.attributes, ensure_ascii=False))
            for child in element.children
            if child.name not in ("MetadataEntry", BEATS)
        ]
        beats = [
            (beat.attributes.get("bpm", ""), beat.attributes.get("time", ""))
            for series in element.all(BEATS)
            for beat in series.all("InstantaneousBeatsPerMinute")
        ]
        known = head(said.get("type"), said.get("unit"), said.get("sourceName") or said.get("source"), said.get("device"))
        stated = body(entries, beats)
        start, end = span(said.get("startDate"), said.get("endDate"), stated.zone or self._zone)
        row = (at, start, end, known.value(said.get("value")), stated.zone, stated.metadata)
        if known.is_sleep:
            yield sleep_stage(known, row, stated, self._exported)
        elif (eaten := nutrient(known, row, stated, meal)) is not None:
            yield eaten
        else:
            self._gathering.rows(known.typed if stated.typed else known.key).append(row)

    def _correlation(self, element: Element, at: str) -> Iterator[Record]:
        """Its records, which mostly stand outside of it too: the same content, so nothing is counted twice. A meal's own name
        is said nowhere else, so it is kept whole besides, and names those of its records that do not say it."""
        meal = food(dict(_entries(element))) if element.attributes.get("type") == FOOD else ""
        for index, child in enumerate(element.all("Record"), 1):
            try:
                yield from list(self._record(child, f"{at}.{index}", meal))
            except Unreadable as problem:
                yield rejected(f"{at}.{index}", problem.code, problem.reason, child.attributes)
        if element.attributes.get("type") == FOOD:
            for kept in others.whole(element, at, self._zone, self._exported):
                if isinstance(kept, Clinical):
                    kept.kind = "food"
                    yield kept

    def _files(self) -> Iterator[Record]:
        """What stands beside the xml: ECGs, and clinical documents that no element named."""
        for name, entry in self._export.named(_ECGS, ".csv"):
            try:
                yield others.electrocardiogram(name, b"".join(self._export.read(entry, 16 << 20)), self._zone, self._exported)
            except Invalid as problem:
                yield rejected(name, problem.code, problem.message, "")
        for name, entry in self._export.named(_CLINICAL, ".json"):
            if entry.filename in self._documents:
                continue
            try:
                yield others.document_record(b"".join(self._export.read(entry)), name, self._zone, self._exported, SourceRef())
            except (Unreadable, Invalid):
                yield rejected(name, "bad_json", "the clinical document cannot be read", "")


def _entries(element: Element) -> list[tuple[str, str]]:
    return [(entry.attributes.get("key", ""), entry.attributes.get("value", "")) for entry in element.all("MetadataEntry")]


def _gaps(columns: Columns, exact: ExactLane) -> list[tuple[int, list[Element]]] | None:
    """The elements of each gap, or None when one of the gaps cannot stand by itself."""
    found: list[tuple[int, list[Element]]] = []
    for number, data in columns.gaps:
        elements = exact.strict(data, last=number == len(columns.raw))
        if elements is None:
            return None
        found.append((number, elements))
    return found
