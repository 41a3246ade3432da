"""Every file that other people's programs wrote: exactly one format claims it, or it is listed here with the reason why none does.

The recordings and tables among them go through the real doors; counts and values are derived by hand from each file."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest
from box import NOW, SAMPLES, needs_samples, opened

from healthbox.domain.errors import Malformed
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files
from healthbox.store.workouts import unpack

pytestmark = needs_samples

NOT_UPLOADS = {
    "INDEX.tsv": "the list of the samples",
    "README.md": "about the samples",
    "apple-export-csv/*ActivitySummary.csv": "a table of rings, one column each: no metric, no value",
    "apple-export-csv/*Workout.csv": "a table of workouts, without metric and value",
    "gpx/*.csv": "numbers without a header: the expectation of another program's test",
    "health-bridge/*__delivery_*.json": "lists deliveries of another server's outbox, not what a phone sends",
    "healthsave/*__response_*.json": "what a server answers",
    "providers/*": "answers of providers, which are fetched and never uploaded",
}


def claims(path: Path) -> list[str]:
    """The names of all formats, for bodies and for files, that would take it."""
    found = [name for name, form in discover_files().items() if form.claims(path)]
    try:
        body = decode(path.read_bytes())
    except Malformed:
        return found
    envelope = Envelope(zone="Europe/Berlin", accepted_at=NOW)
    return found + [name for name, form in discover().items() if form.claims(body, envelope)]


def test_exactly_one_format_claims_every_sample_that_is_an_upload() -> None:
    wrong = {}
    for path in sorted(path for path in SAMPLES.rglob("*") if path.is_file()):
        name = str(path.relative_to(SAMPLES))
        expected = 0 if any(fnmatch(name, pattern) for pattern in NOT_UPLOADS) else 1
        if len(found := claims(path)) != expected:
            wrong[name] = found
    assert wrong == {}


def test_every_reason_is_still_about_a_file() -> None:
    names = [str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*") if path.is_file()]
    assert [pattern for pattern in NOT_UPLOADS if not any(fnmatch(name, pattern) for name in names)] == []


class Case(NamedTuple):
    """``days``: (metric, date, value); ``workout``: (first point, last point, points, {total: value})."""

    file: str
    new: int
    days: tuple[tuple[str, str, float], ...] = ()
    workout: tuple[int, int, int, dict[str, float]] | None = None


GADGET = "gpx/Freeyourgadget__Gadgetbridge__gpx"
CASES = [
    Case("apple-export-csv/tdda__applehealthdata__StepCount.csv", 10, days=(("steps", "2014-09-13", 2517),)),
    Case(
        "apple-export-csv/tdda__applehealthdata__DistanceWalkingRunning.csv", 5, days=(("distance_walking_running", "2014-09-20", 19.43),)
    ),
    Case("gpx/dogsheep__healthkit-to-sqlite__route_2019-06-11_3.00pm.gpx", 1, workout=(1560290442000, 1560290443000, 3, {})),
    Case("gpx/paulstaab__health-data-parser__route_2024-06-10.gpx", 1, workout=(1718043300000, 1718045100000, 7, {"distance": 6004.5})),
    Case(
        f"{GADGET}-parser-test-order.gpx",
        1,
        workout=(1680969788000, 1680970639000, 2, {"heart_rate_min": 56, "heart_rate_max": 123}),
    ),
    Case(f"{GADGET}-parser-test-multiple-segments.gpx", 1, workout=(1680969788000, 1680973017000, 4, {"heart_rate_avg": 103.5})),
    Case(f"{GADGET}-exporter-test-SampleTrack.gpx", 1, workout=(1546300800000, 1546300813000, 14, {"elevation_up": 6})),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.rpartition("__")[2])
def test_a_recording_or_a_table_gives_what_it_holds_and_twice_adds_nothing(tmp_path: Path, case: Case) -> None:
    with opened(tmp_path, "Europe/London") as box:
        assert box.take(SAMPLES / case.file) == {"new": case.new}
        for metric, date, value in case.days:
            assert box.rows("SELECT value FROM day WHERE metric=? AND date=?", metric, date) == [(pytest.approx(value),)]
        if case.workout is not None:
            start, end, points, totals = case.workout
            [(begun, ended, text, route)] = box.rows('SELECT start, "end", totals, route FROM workout')
            assert (begun, ended, len(unpack(route))) == (start, end, points)
            assert {name: json.loads(text)[name] for name in totals} == pytest.approx(totals, rel=1e-4)
        assert box.take(SAMPLES / case.file) == {"duplicate": case.new}
