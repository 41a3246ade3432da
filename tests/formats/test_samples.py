"""The sample files of two formats, where they are at hand: counts and values worked out from the files by eye."""

from pathlib import Path

import pytest

from healthbox.domain.records import Bucket, Rejected, Sample, StatedNight, StatedTotal, Workout
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, recognise

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
BEATS = [74.0, 83.0, 89.0, 157.0, 95.0, 80.0]

# file → (records by kind, values in the file's order: of samples, buckets and totals the value, of nights the minutes asleep,
# of workouts the totals that are named)
EXPECTED = {
    "health-auto-export/adriantech17__apple-health__health-auto-export-v2.json": ({Bucket: 1, Sample: 1, StatedNight: 1}, [8248, 54, 444]),
    "health-auto-export/anym001__healthlog__hae_sample.json": (
        {Bucket: 7, StatedNight: 1, Workout: 1},
        [58.5, 64.2, 1200, 800, 418.4, 62, 7, 450, {"energy": 150, "distance": 2400, "heart_rate_avg": 112}],
    ),
    "health-auto-export/irvinlim__apple-health-ingester__marshal_test_01.json": ({Bucket: 2}, [0.7685677437484512, 0.377848256251549]),
    "health-auto-export/irvinlim__apple-health-ingester__marshal_test_03.json": ({StatedNight: 1}, [366.5]),
    "health-auto-export/irvinlim__apple-health-ingester__marshal_test_05.json": ({}, []),
    "health-auto-export/irvinlim__apple-health-ingester__marshal_test_07.json": (
        {Workout: 1},
        [{"steps": 908, "elevation_up": 16.36, "energy": 226.21122641832523 / 4.184}],
    ),
    "health-auto-export/oboleto__hass-health-auto-export__sample_payload.json": (
        {Bucket: 2, StatedNight: 1, Workout: 1},
        [8500, 72, 450, {"energy": 350, "distance": 5200, "duration": 1800}],
    ),
    "shortcuts/mm__heartbridge__cycling_input.json": ({Sample: 1}, [15.4]),
    "shortcuts/mm__heartbridge__flights_input.json": ({Sample: 3}, [1, 1, 2]),
    "shortcuts/mm__heartbridge__generic_input.json": ({Sample: 1}, [90]),
    "shortcuts/mm__heartbridge__hr_one_item_input.json": ({Sample: 1}, [74]),
    "shortcuts/mm__heartbridge__hr_typical_input.json": ({Sample: 6}, BEATS),
    "shortcuts/mm__heartbridge__legacy_incomplete_input.json": ({Sample: 4, Rejected: 1}, [74, 83, 89, 157, "unequal_lengths"]),
    "shortcuts/mm__heartbridge__legacy_typical_input.json": ({Sample: 6}, BEATS),
    "shortcuts/mm__heartbridge__resting_hr_input.json": ({Sample: 3}, [60, 59, 62]),
    "shortcuts/mm__heartbridge__steps_input.json": ({Sample: 3}, [34, 50, 10]),
    "shortcuts/sheridangray__family-event-planner__doc_0.json": ({StatedTotal: 4}, [8543, 32, 7.5, 62]),
}

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside this checkout")


def told(record, expected):
    if isinstance(record, Workout):
        return {name: record.totals[name] for name in expected}
    if isinstance(record, Rejected):
        return record.code
    return record.asleep if isinstance(record, StatedNight) else record.value


def test_every_file_is_expected():
    there = {f"{room}/{path.name}" for room in ("health-auto-export", "shortcuts") for path in (SAMPLES / room).iterdir()}
    assert there == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_file_gives_its_records_and_its_values(name):
    body = decode((SAMPLES / name).read_bytes())
    assert [guest.name for guest in discover().values() if guest.claims(body, ENVELOPE)] == [name.split("/")[0]]
    records = list(recognise(body, ENVELOPE).records(body, ENVELOPE))
    kinds, values = EXPECTED[name]
    assert {kind: sum(type(record) is kind for record in records) for kind in {type(record) for record in records}} == kinds
    for record, expected in zip(records, values, strict=True):
        assert told(record, expected) == (expected if isinstance(expected, str) else pytest.approx(expected))
