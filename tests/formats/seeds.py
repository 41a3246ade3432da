"""A small good file of every file format and a whole body of every other, for the tests that damage them."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import client_bodies
import fit_bytes
import test_any_body
from apple_fixtures import ECG, GPX, SPAN, WATCH, document, entry, record
from hc_backup_fixture import Phone

from healthbox.formats.contract import Envelope
from healthbox.formats.healthbox_export import lines
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=1_772_352_000_000)
AT = 1_772_000_000_000
TCX = """<?xml version="1.0"?><TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>
<Activity Sport="Running"><Id>2026-03-01T07:00:00Z</Id><Lap StartTime="2026-03-01T07:00:00Z"><TotalTimeSeconds>2</TotalTimeSeconds>
<DistanceMeters>5.5</DistanceMeters><Calories>1</Calories><Track><Trackpoint><Time>2026-03-01T07:00:00Z</Time><Position>
<LatitudeDegrees>52.5</LatitudeDegrees><LongitudeDegrees>13.4</LongitudeDegrees></Position><AltitudeMeters>34</AltitudeMeters>
<HeartRateBpm><Value>120</Value></HeartRateBpm></Trackpoint><Trackpoint><Time>2026-03-01T07:00:02Z</Time></Trackpoint></Track></Lap>
<Creator><Name>Watch</Name></Creator></Activity></Activities></TrainingCenterDatabase>"""
GPX_WORKOUT = """<?xml version="1.0"?><gpx version="1.1" creator="Watch" xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:t="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"><trk><name>Run</name><type>running</type><trkseg>
<trkpt lat="52.5" lon="13.4"><ele>34</ele><time>2026-03-01T07:00:00Z</time><extensions><t:TrackPointExtension><t:hr>120</t:hr>
<t:cad>80</t:cad></t:TrackPointExtension></extensions></trkpt>
<trkpt lat="52.6" lon="13.5"><ele>35</ele><time>2026-03-01T07:00:09Z</time></trkpt></trkseg></trk></gpx>"""
WORKOUT = (
    f'\n <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="10" durationUnit="min" {WATCH} {SPAN}>\n'
    f'{entry("HKTimeZone", "Europe/Berlin")}\n  <WorkoutEvent type="HKWorkoutEventTypePause" date="2026-03-01 08:05:00 +0100"/>\n'
    f'  <WorkoutStatistics type="HKQuantityTypeIdentifierActiveEnergyBurned" {SPAN} sum="55" unit="kcal"/>\n'
    f'  <WorkoutRoute {WATCH} {SPAN}>\n   <FileReference path="/workout-routes/route_1.gpx"/>\n  </WorkoutRoute>\n </Workout>'
)
BEATS = (
    '  <HeartRateVariabilityMetadataList>\n   <InstantaneousBeatsPerMinute bpm="61" time="08:00:01,50"/>\n'
    "  </HeartRateVariabilityMetadataList>"
)
OTHERS = (
    '\n <ActivitySummary dateComponents="2026-03-01" activeEnergyBurned="400" activeEnergyBurnedUnit="kcal" appleExerciseTime="30"/>'
    '\n <ClinicalRecord type="Lab" identifier="a" sourceName="H" resourceFilePath="/clinical-records/Lab-1.json" '
    'receivedDate="2026-03-01 08:00:00 +0100"/>'
)
CSV = """metric,date,value,unit,source
heart_rate,2026-03-01 09:00,61,bpm,Alice's Watch
steps,2026-03-01,"8,412",,Notebook
weight,2026-03-01T07:00:00+01:00,75.5,kg,Scale
"""
SAID = (
    {"kind": "source", "id": 1, "name": "Alice's Watch", "class": "watch", "bundle": "com.x", "product": "Watch7,1"},
    {"kind": "sample", "metric": "steps", "source": 1, "start": AT, "end": AT + 1000, "value": 5.0, "uuid": "A", "metadata": {"a": 1}},
    {"kind": "sample", "metric": "heart_rate", "source": 1, "start": AT, "end": AT, "value": 61.5},
    {"kind": "stage", "source": 1, "start": AT, "end": AT + 60_000, "stage": "deep"},
    {"kind": "total", "metric": "steps", "date": "2026-03-01", "value": 900, "app": "x"},
    {"kind": "workout", "source": 1, "activity": "running", "start": AT, "end": AT + 60_000, "totals": {"distance": 7}},
)


def bodies() -> dict[str, list[Any]]:
    """Good bodies by the format that claims them."""
    found: dict[str, list[Any]] = {name: [] for name in discover()}
    for body in [*test_any_body.WHOLE, *client_bodies.WHOLE.values(), client_bodies.WHOLE_LINES]:
        for name, guest in discover().items():
            if guest.claims(decode(json.dumps(body).encode()), ENVELOPE):
                found[name].append(body)
    return found


def files(folder: Path) -> dict[str, list[Path]]:
    """Good files by the file format that claims them, written into a folder."""
    found: dict[str, list[Path]] = {name: [] for name in discover_files()}
    for path in _written(folder):
        for name, guest in discover_files().items():
            if guest.claims(path):
                found[name].append(path)
    return found


def _written(folder: Path) -> Iterator[Path]:
    apple = document(
        record(), record(who=WATCH.replace("7,5", "6,1"), body=entry("HKTimeZone", "Asia/Tokyo")),
        record("HKCategoryTypeIdentifierSleepAnalysis", "HKCategoryValueSleepAnalysisAsleepDeep", ""),
        record("HKQuantityTypeIdentifierHeartRateVariabilitySDNN", "40", "ms", BEATS), WORKOUT, OTHERS,
    )  # fmt: skip
    yield _text(folder / "export.xml", apple)
    parts = {
        "apple_health_export/Export.xml": apple, "apple_health_export/workout-routes/route_1.gpx": GPX,
        "apple_health_export/electrocardiograms/ecg_1.csv": ECG + "1,5\n-2\n" * 20,
        "apple_health_export/clinical-records/Lab-1.json": '{"resourceType": "Observation", "id": "a", "effectiveDateTime": "2026-03-01"}',
    }  # fmt: skip
    yield _zip(folder / "export.zip", parts)
    own = "\n".join([lines.MAGIC.decode(), *(json.dumps(one) for one in SAID)]) + "\n"
    yield _text(folder / "healthbox.jsonl", own)
    yield _zip(folder / "healthbox.zip", {"README.txt": "x", "healthbox.jsonl": own})
    yield _text(folder / "run.gpx", GPX_WORKOUT)
    yield _text(folder / "run.tcx", TCX)
    packed = folder / "run.gpx.gz"
    packed.write_bytes(gzip.compress(GPX_WORKOUT.encode(), mtime=0))
    yield packed
    yield _text(folder / "mine.csv", CSV)
    recording = folder / "run.fit"
    recording.write_bytes(_fit())
    yield recording
    database = _backup(folder)
    yield database
    yield _zip(folder / "Health Connect.zip", {database.name: database.read_bytes()})


def _fit() -> bytes:
    start = fit_bytes.seconds(AT // 1000)
    return fit_bytes.fit(
        (fit_bytes.FILE_ID, {"type": 4, "manufacturer": 1, "product": 2, "time_created": start}),
        *((fit_bytes.RECORD, {"timestamp": start + n, "position_lat": fit_bytes.semicircles(52.5), "position_long": n, "altitude": 2700,
                              "heart_rate": 120 + n, "cadence": 80, "distance": 250 * n, "speed": 2500}) for n in range(5)),
        (fit_bytes.LAP, {"timestamp": start + 5, "start_time": start, "total_elapsed_time": 5000, "total_distance": 1250}),
        (fit_bytes.SESSION, {"timestamp": start + 5, "start_time": start, "sport": 1, "sub_sport": 0, "total_elapsed_time": 5000,
                             "total_timer_time": 5000, "total_distance": 1250, "total_calories": 3, "avg_heart_rate": 122}),
        (fit_bytes.ACTIVITY, {"timestamp": start + 5, "local_timestamp": start + 3605}),
    )  # fmt: skip


def _backup(folder: Path) -> Path:
    phone = Phone(folder)
    start, end = "2026-03-01T07:00:00+01:00", "2026-03-01T08:00:00+01:00"
    source = {"app_info_id": phone.app("com.example", "Steps"), "device_info_id": phone.device("Watch", 1)}
    phone.record("steps", start, end, count=812, **source)
    phone.record("weight", start, weight=75_500.0, **source)
    pulse = phone.record("heart_rate", start, end, **source)
    phone.child("heart_rate_record_series_table", pulse, beats_per_minute=61, epoch_millis=AT)
    return phone.saved()


def _zip(path: Path, parts: dict[str, str] | dict[str, bytes]) -> Path:
    """Without the time of day, so that it is the same every time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def _text(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path
