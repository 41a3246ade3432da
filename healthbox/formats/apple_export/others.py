"""What is kept whole: FHIR documents, audiograms, prescriptions, ECGs, the person's characteristics; and the day summaries."""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.errors import Malformed
from healthbox.domain.records import Clinical, Record, SourceRef, StatedTotal
from healthbox.formats.apple_export.archive import Export
from healthbox.formats.apple_export.elements import Element
from healthbox.formats.apple_export.heads import source_of
from healthbox.formats.json_body import decode
from healthbox.formats.routes import instant
from healthbox.formats.wire import Unreadable, number, rejected, text

APP = "apple-health-export"
_EARLIEST = dt.date(2000, 1, 1)  # the phone writes days of 1969
# attribute, the goal's attribute, the metric, its unit
_SUMMARY = (
    ("activeEnergyBurned", "activeEnergyBurnedGoal", "active_energy", None),
    ("appleExerciseTime", "appleExerciseTimeGoal", "exercise_time", "min"),
    ("appleStandHours", "appleStandHoursGoal", "stand_hour", None),
    ("appleMoveTime", "appleMoveTimeGoal", "move_time", "min"),
    ("appleMoveMinutes", "appleMoveMinutesGoal", "move_time", "min"),
)
_FHIR_TIMES = (
    "effectiveDateTime", "onsetDateTime", "occurrenceDateTime", "performedDateTime", "authoredOn", "recordedDate", "issued", "date",
)  # fmt: skip
_FHIR_PERIODS = ("effectivePeriod", "onsetPeriod", "performedPeriod", "period")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CHARACTERISTIC = "HKCharacteristicTypeIdentifier"
_RATE = re.compile(r"(\d+(?:[.,]\d+)?)\s*\D*", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\S*:\d.*")
_NOISE = {"creationDate", "device", "sourceName", "sourceVersion"}  # differs between exports, or is said by the source
_VOLTAGE = re.compile(r"-?\d+(?:[.,]\d+)?(?:[eE]-?\d+)?", re.ASCII)
_ECG_FIELDS = ("name", "date_of_birth", "recorded", "classification", "symptoms", "software", "device", "sample_rate", "lead", "unit")
_DIGITS = 40  # a longer number is none, and might be without end
_VOLTAGES = 200_000


def summary(element: Element, at: str, as_of: int | None) -> Iterator[Record]:
    """The rings of a day. One whose value and goal are both zero is not in use: it states nothing."""
    said = element.attributes
    try:
        date = dt.date.fromisoformat(said.get("dateComponents") or "")
    except ValueError:
        raise Unreadable("bad_date", "the summary has no date") from None
    if date < _EARLIEST:
        return
    for wire_name, goal, metric, unit in _SUMMARY:
        value = number(said.get(wire_name))
        if value is None or (value == 0 and not number(said.get(goal))):
            continue
        unit = text(said.get("activeEnergyBurnedUnit")) if metric == "active_energy" else unit
        yield StatedTotal(
            position=f"{at}.{wire_name}", metric=metric, naming="key", app=APP, date=date, value=value, unit=unit, as_of=as_of
        )


def characteristics(element: Element, at: str, as_of: int | None) -> Iterator[Record]:
    data = dict(element.attributes) | {child.name: child.text.strip() for child in element.children}
    data = {name.removeprefix(_CHARACTERISTIC): value for name, value in data.items() if value}
    if data:
        yield Clinical(position=at, kind="characteristics", data=data, as_of=as_of)


def fhir(element: Element, at: str, zone: str, as_of: int | None, export: Export) -> Iterator[Record]:
    """The document that the element refers to; without it, what the element itself says."""
    said = element.attributes
    source = SourceRef(name=text(said.get("sourceName")))
    entry = export.find(said.get("resourceFilePath") or "")
    if entry is None:
        start = instant(said.get("receivedDate"), zone)
        ident = f"{said.get('type')}/{said.get('identifier')}"[:200] if said.get("identifier") else None
        data = _steady(said, zone)
        yield Clinical(position=at, kind="clinical_record", data=data, start=start, uuid=ident, source=source, as_of=as_of)
        return
    yield document_record(b"".join(export.read(entry)), at, zone, as_of, source)


def document_record(raw: bytes, at: str, zone: str, as_of: int | None, source: SourceRef) -> Clinical:
    """A FHIR document as it was written. Raises ``Unreadable``."""
    try:
        document = decode(raw)
    except Malformed:
        raise Unreadable("bad_json", "the clinical document is no JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("bad_json", "the clinical document is no object")
    periods = (document.get(name) for name in _FHIR_PERIODS)
    period: dict[str, Any] = next((found for found in periods if isinstance(found, dict)), {})
    start = next((document[name] for name in _FHIR_TIMES if document.get(name)), period.get("start"))
    kind, ident = text(document.get("resourceType")), text(document.get("id"))
    return Clinical(
        position=at,
        kind="fhir",
        data=document,
        start=instant(start, zone),
        end=instant(period.get("end"), zone),
        uuid=f"{kind}/{ident}"[:200] if kind and ident else None,
        source=source,
        as_of=as_of,
    )


def whole(element: Element, at: str, zone: str, as_of: int | None) -> Iterator[Record]:
    """Any other element with all that stands in it. A name that is not known yet loses nothing."""
    said = element.attributes
    start = instant(said.get("startDate") or said.get("dateIssued") or said.get("date"), zone)
    end = instant(said.get("endDate") or said.get("expirationDate"), zone)
    source = source_of(said.get("sourceName"), said.get("device"))
    yield Clinical(
        position=at, kind=_snake(element.name), data=_tree(element, zone), start=start, end=end, source=source, as_of=as_of
    )  # fmt: skip


def _tree(element: Element, zone: str) -> dict[str, Any]:
    """What an element says, the same in every export: instants in ms, for their offset is the exporter's; no device address."""
    data = _steady(element.attributes, zone)
    for child in element.children:
        if child.name == "MetadataEntry":
            data.setdefault("metadata", {})[child.attributes.get("key", "")] = child.attributes.get("value", "")
        else:
            data.setdefault(_snake(child.name), []).append(_tree(child, zone))
    return data


def _steady(said: dict[str, str], zone: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in said.items():
        at = instant(value, zone) if _STAMP.fullmatch(value) else None
        if name not in _NOISE:
            data[name] = value if at is None else at
    return data


def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def electrocardiogram(name: str, content: bytes, zone: str, as_of: int | None) -> Record:
    """An ECG of ``electrocardiograms/``: about ten lines of label and value in the phone's language, told apart by their order,
    then one voltage a line, whose decimal sign may be a comma."""
    fields: list[str] = []
    voltages: list[float] = []
    for line in content.decode("utf-8-sig", "replace").splitlines():
        if len(line) < _DIGITS and _VOLTAGE.fullmatch(line.strip()) and len(fields) > 2:
            voltage = float(line.strip().replace(",", "."))
            if len(voltages) < _VOLTAGES and math.isfinite(voltage):
                voltages.append(voltage)
        elif line.strip() and not voltages:
            row = next(csv.reader(io.StringIO(line[:1000])), [])
            fields.append(",".join(row[1:]).strip())
    if not voltages:
        return rejected(name, "bad_ecg", "the file holds no voltages", "")
    data: dict[str, Any] = {field: said for field, said in zip(_ECG_FIELDS, fields, strict=False) if said}
    for said in ("name", "date_of_birth", "recorded"):  # not of the heart, or said by the start
        data.pop(said, None)
    recorded = next((said for said in fields if _STAMP.fullmatch(said)), None)
    start = instant(recorded, zone)
    rate = _RATE.fullmatch(data.get("sample_rate", ""))
    hertz = float(rate[1].replace(",", ".")) if rate and len(rate[1]) < _DIGITS else None
    end = None if start is None or not hertz else start + round(len(voltages) / hertz * 1000)
    data = data | {"sample_rate": hertz, "voltages": voltages}
    return Clinical(
        position=name, kind="ecg", data=data, start=start, end=end, source=SourceRef(product=text(data.get("device"))), as_of=as_of
    )  # fmt: skip
