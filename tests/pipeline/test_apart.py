"""A file read by a process of its own gives what reading it here gives, and whatever befalls that process harms nothing."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from apple_fixtures import ECG, GPX, SPAN, WATCH, document, entry, record, zipped
from test_import_files import LONG, export, take

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Invalid, TooLarge
from healthbox.domain.records import SampleBlock
from healthbox.formats.contract import Envelope, FileFormat
from healthbox.formats.registry import discover_files, home_of
from healthbox.pipeline import apart, child, process
from healthbox.pipeline.apart import Apart
from healthbox.pipeline.readers import Here, Item
from healthbox.pipeline.ready import ready

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
APPLE = discover_files()["apple-health-export"]


def here(path: Path) -> list[Item]:
    catalogue = Catalogue.load()
    items, done = Here(APPLE.records(path, ENVELOPE)).take(1 << 30)
    assert done
    return [ready(item, catalogue) or item if isinstance(item, SampleBlock) else item for item in items]


def all_of(reader: Apart) -> list[Item]:
    found: list[Item] = []
    done = False
    with closing(reader):
        while not done:
            items, done = reader.take(2_000)
            found += items
    return found


PARENT = """
import sys, time
from pathlib import Path
from healthbox.formats.contract import Envelope
from healthbox.formats.registry import discover_files
from healthbox.pipeline.apart import Apart
reader = Apart(discover_files()["apple-health-export"], Path(sys.argv[1]), Envelope(zone="UTC", accepted_at=0), 0)
reader.take(1)
print(reader._child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """One of everything that an export holds: samples, a night, a workout with its route, a record with words for a value."""
    stated = [entry("HKTimeZone", "America/New_York"), entry("HKMetadataKeyHeartRateMotionContext", "1")]
    night = "HKCategoryTypeIdentifierSleepAnalysis"
    elements = [
        record(),
        record("HKQuantityTypeIdentifierHeartRate", "61", "count/min", body=stated[1]),
        record("HKQuantityTypeIdentifierHeartRate", "62", "count/min", body="\n".join(stated)),
        record("HKQuantityTypeIdentifierHeartRate", "9999", "count/min"),
        record(night, "HKCategoryValueSleepAnalysisAsleepREM", "", body=stated[0]),
        record("HKQuantityTypeIdentifierMood", "3", "points"),
        f'\n <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="10" durationUnit="min" {WATCH} {SPAN}>\n'
        '  <WorkoutRoute><FileReference path="/workout-routes/route.gpx"/></WorkoutRoute>\n </Workout>',
        '\n <ActivitySummary dateComponents="2026-03-01" activeEnergyBurned="412.5" activeEnergyBurnedUnit="kcal"/>',
        '\n <Record type="HKQuantityTypeIdentifierStepCount" value="1"/>',
    ]
    files = {"export.xml": document(*elements), "workout-routes/route.gpx": GPX, "electrocardiograms/ecg.csv": ECG}
    return zipped(tmp_path, {f"apple_health_export/{name}": content for name, content in files.items()})


def test_it_gives_what_reading_here_gives(whole: Path) -> None:
    reader = Apart(APPLE, whole, ENVELOPE, 0)
    found = all_of(reader)
    assert [repr(item) for item in found] == [repr(item) for item in here(whole)]
    assert len({type(item) for item in found}) > 3
    assert reader.share == 1.0


def test_it_goes_on_behind_what_is_stored(whole: Path) -> None:
    assert list(map(repr, all_of(Apart(APPLE, whole, ENVELOPE, 3)))) == list(map(repr, here(whole)))[3:]


def test_what_is_wrong_with_a_file_is_raised_here(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    path.write_bytes(b'<!DOCTYPE HealthData [<!ENTITY a "b">]>\n<HealthData locale="de_DE">\n</HealthData>\n')
    with pytest.raises(Invalid) as told:
        all_of(Apart(APPLE, path, ENVELOPE, 0))
    assert told.value.code == "entities"


def test_a_problem_keeps_its_kind() -> None:
    def records(_path: Path, _envelope: Envelope, _tell: Any) -> Iterator[Any]:
        raise TooLarge("Far too large.", hint="Send less.", code="zip_bomb")
        yield

    form = FileFormat(name="large", looks_for="", claims=lambda _path: True, records=records)
    (last,) = apart.messages(form, apart.Question("", "", "UTC", 0, {}, 0))
    assert last.problem is not None
    problem = apart._problem(*last.problem)
    assert (type(problem), problem.message, problem.hint, problem.code) == (TooLarge, "Far too large.", "Send less.", "zip_bomb")


def test_a_child_that_dies_is_a_failure_and_the_chunk_is_tried_again(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WORTH", 0)
    house = build()
    take(house, export(tmp_path, LONG[:40]), run=False)
    monkeypatch.setattr(apart, "MODULE", "healthbox.nowhere")
    while not (dead := house.rows("SELECT status, attempts, error FROM chunk WHERE attempts>0 AND status='pending' AND error IS NOT NULL")):
        house.pump.run()
    assert dead == [("pending", 1, "RuntimeError")]
    monkeypatch.undo()
    house.at += 31_000
    house.run()
    assert house.rows("SELECT count(*) FROM sample") == [(40,)]


def test_a_child_that_stands_still_is_given_up(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "STILL_S", 0.0)
    reader = Apart(APPLE, whole, ENVELOPE, 0)
    os.kill(reader._child.pid, signal.SIGSTOP)
    assert not reader.waits
    with pytest.raises(RuntimeError, match="stands still"):
        while True:
            reader.take(1)
    reader.close()


def test_a_child_that_does_not_take_its_question_is_ended(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = child.start

    def start(module: str) -> subprocess.Popen[bytes]:
        started.append(real(module))
        return started[-1]

    def put(*_given: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(child, "start", start)
    monkeypatch.setattr(child, "put", put)
    with pytest.raises(BrokenPipeError):
        Apart(APPLE, whole, ENVELOPE, 0)
    ended = started[0].poll() is not None
    if not ended:
        child.end(started[0])
    assert ended


def test_closing_ends_the_child(tmp_path: Path) -> None:
    reader = Apart(APPLE, export(tmp_path, LONG * 40), ENVELOPE, 0)
    reader.take(1)
    reader.close()
    assert reader._child.poll() is not None


def test_a_child_whose_parent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    path = export(tmp_path, LONG * 40)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    with parent, parent.stdout or io.BytesIO() as told:
        child = Path("/proc") / told.readline().decode().strip()
        parent.kill()
    deadline = time.monotonic() + 20
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(child)


def _lives(process_folder: Path) -> bool:
    try:
        return (process_folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"  # nobody may be there to bury it
    except OSError:
        return False


def test_every_file_format_is_found_again_by_its_module() -> None:
    assert [home_of(form).startswith("healthbox.formats.") for form in discover_files().values()]
