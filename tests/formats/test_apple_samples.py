"""Real exports, where they are at hand: counts by an independent parser, some values by eye."""

import re
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from apple_fixtures import others, read, rows

from healthbox.domain.records import Rejected, SleepStage, StatedTotal, Workout
from healthbox.formats.apple_export import FILE_FORMAT, gpx
from healthbox.formats.registry import discover_files, recognise_file

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
EXPORTS = sorted(path for room in ("apple-export-xml", "apple-export-zip") for path in (SAMPLES / room).glob("*"))
GPX = sorted((SAMPLES / "gpx").glob("*.gpx"))

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside this checkout")


def tree(path: Path) -> ElementTree.Element:
    """The export's elements by another parser: without its document type, inside a root."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = next(archive.read(name) for name in archive.namelist() if name.endswith(".xml")).decode()
    else:
        text = path.read_text("utf-8")
    return ElementTree.fromstring(f"<all>{text[re.search(r'<(HealthData|Workout)[ >]', text).start() :]}</all>")


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_nothing_of_an_export_is_lost_or_made_up(path):
    assert recognise_file(path) is FILE_FORMAT
    assert [name for name, guest in discover_files().items() if guest.claims(path)] == ["apple-health-export"]
    found = read(path)
    assert found == read(path, fast=False)
    there = Counter(element.tag for element in tree(path).iter())
    stages = [one for one in found if isinstance(one, SleepStage)]
    assert [one for one in found if isinstance(one, Rejected)] == []
    assert len(rows(found)) + len(stages) == there["Record"]
    assert sum(isinstance(one, Workout) for one in found) == there["Workout"]
    assert len({one.date for one in found if isinstance(one, StatedTotal)}) == there["ActivitySummary"]
    by_type = Counter(row[0] for row in rows(found)) + Counter({"HKCategoryTypeIdentifierSleepAnalysis": len(stages)})
    assert by_type == Counter(element.get("type") for element in tree(path).iter("Record"))


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_the_sums_of_an_export_are_its_own(path):
    sums: Counter[str] = Counter()
    for element in tree(path).iter("Record"):
        if (element.get("type") or "").startswith("HKQuantityType"):
            sums[element.get("type")] += float(element.get("value"))
    ours: Counter[str] = Counter()
    for row in rows(read(path)):
        if row[0].startswith("HKQuantityType"):
            ours[row[0]] += row[6]
    assert ours == pytest.approx(sums)


@pytest.mark.parametrize("path", GPX, ids=lambda path: path.name)
def test_every_timed_point_of_a_route_is_read(path):
    points = [point for point in ElementTree.parse(path).iter() if point.tag.endswith("trkpt")]
    timed = [point for point in points if any(child.tag.endswith("}time") for child in point)]
    assert len(gpx.points([path.read_bytes()])) == len(timed) > 0


def one_of(name: str) -> list:
    return others(read(SAMPLES / "apple-export-xml" / name))


def test_an_old_workout_by_eye():
    workout = next(one for one in one_of("dogsheep__healthkit-to-sqlite__export.xml") if isinstance(one, Workout))
    assert (workout.activity, workout.start, workout.end, workout.zone) == ("running", 1479133541000, 1479133852000, "America/Los_Angeles")
    assert workout.totals == pytest.approx(
        {"duration": 311.647408, "distance": 800.1256, "energy": 48.745, "temperature": 13.3333, "humidity": 96}, rel=1e-5
    )
    assert workout.route[0] == [1479133544000, 37.7777, -122.426, 21.2694, 2.48034]


def test_a_new_workout_by_eye():
    [workout] = one_of("NicolasReyrolle__apple-health-analyzer__workout_running_usaint_bolt.xml")
    assert (workout.zone, workout.source.product, workout.source.name) == ("Europe/Luxembourg", "Watch3,4", "Apple\u00a0Watch")
    assert workout.totals == pytest.approx(
        {
            "duration": 4832.57732,
            "energy": 694.34,
            "distance": 8822.38,
            "basal_energy": 137.782,
            "elevation_up": 235.9,
            "intensity": 7.84293,
        }
    )
    assert workout.metadata["routes"] == ["/workout-routes/route_2021-12-26_4.50pm.gpx"]
    assert (len(workout.laps), len(workout.metadata["events"])) == (15, 37)


def test_the_first_summary_by_eye():
    stated = [one for one in one_of("dogsheep__healthkit-to-sqlite__export.xml") if isinstance(one, StatedTotal)][:3]
    assert [(one.metric, one.value, one.date.isoformat(), one.as_of) for one in stated] == [
        ("active_energy", 590.252, "2016-11-15", 1563557771000),
        ("exercise_time", 68.0, "2016-11-15", 1563557771000),
        ("stand_hour", 13.0, "2016-11-15", 1563557771000),
    ]


def test_records_by_eye():
    found = rows(read(SAMPLES / "apple-export-xml" / "grll__apple-health-mcp__export.xml"))
    glucose = [row for row in found if row[0].endswith("BloodGlucose")]
    assert [(row[1], row[2].kind, row[4], row[6]) for row in glucose] == [
        ("mmol<180.1558800000541>/L", "manual", 1704799800000, 4.59),
        ("mmol<180.1558800000541>/L", "manual", 1704821400000, 5.23),
    ]
    pulse = [row for row in found if row[0] == "HKQuantityTypeIdentifierHeartRate"]
    assert [(row[2].product, row[6], row[8]["HKMetadataKeyHeartRateMotionContext"]) for row in pulse] == [
        ("Watch4,4", 56.0, "0"), ("Watch4,4", 96.0, "1"), ("Watch4,4", 150.0, "2"),
    ]  # fmt: skip
