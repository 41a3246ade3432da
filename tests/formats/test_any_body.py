"""Whatever a body holds: a format that claims it reads it to the end, and what it yields can be stored."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.records import Rejected
from healthbox.formats.contract import Envelope
from healthbox.formats.registry import discover

FORMATS = discover()
TIMES = [
    "2026-03-01 09:00:00 +0100", "2026-03-01T09:00:00Z", "2026-03-01 00:00:00", "2026-03-01", "9999-12-31 00:00:00 +0000", "0001-01-01T00:00:00Z",
    1772352000, 1772352000000, -1, "1772352000", "2026-03-29 02:30:00", "Mar 1, 2026 at 9:05 AM",
]  # fmt: skip
WORDS = [
    "steps", "heart_rate", "HEART_RATE", "Heart Rate", "sleep_analysis", "Sleep", "SLEEP_SESSION", "WORKOUT", "NUTRITION", "blood_pressure",
    "HKCategoryTypeIdentifierSleepAnalysis", "HKQuantityTypeIdentifierStepCount", "handwashing", "count", "%", "kJ", "Deep", "8,412", "72,5",
    "7:30:00", "Europe/Berlin", "+25:00", "../etc/passwd", "googleHealthConnect", "manual", "\x00", "\ud800", "", " ", "\u202f", "1e999", "NaN",
]  # fmt: skip
KEYS = [
    "type", "start", "end", "value", "unit", "units", "uuid", "source", "metadata", "zone", "activity", "totals", "series", "points", "route",
    "laps", "dateFrom", "dateTo", "date_from", "date_to", "date", "qty", "Min", "Avg", "Max", "systolic", "diastolic", "name", "data", "asleep",
    "totalSleep", "core", "startDate", "endDate", "sleepStart", "sleepEnd", "inBed", "duration", "heartRateData", "stepCount", "activeEnergy",
    "elevation", "heartRate", "latitude", "longitude", "timestamp", "numericValue", "__type", "workoutActivityType", "workoutSummary", "steps",
    "weight_kg", "sleep_hours", "values", "dates", "ends", "sources", "energy", "HKTimeZone", "HKWasUserEntered", "resourceType", "id",
    "effectiveDateTime", "reason", "mealTime", "time", "recordingMethod", "sourcePlatform", "tz", "flow", "calories", "Unspecified",
]  # fmt: skip
LEAF = (
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from([2**53, 2**63, -(2**70), 10**400, 0, 1, 5])
    | st.sampled_from(TIMES) | st.sampled_from(WORDS) | st.text(max_size=8)
)  # fmt: skip
JUNK = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=7), max_leaves=25)
ITEMS = st.lists(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=12) | JUNK, max_size=3) | JUNK
BODIES = st.one_of(
    JUNK,
    ITEMS,
    st.fixed_dictionaries({"batch": JUNK, "index": JUNK}, optional={key: ITEMS for key in ("samples", "workouts", "clinical", "deleted", "zone")}),
    st.fixed_dictionaries({"anchor_token": JUNK, "data": ITEMS}, optional={"tz": JUNK}),
    st.fixed_dictionaries({"data": st.dictionaries(st.sampled_from(["metrics", "workouts", "ecg", "symptoms", "x"]), ITEMS)}),
    st.fixed_dictionaries({"type": LEAF}, optional={key: JUNK for key in ("dates", "values", "ends", "sources", "unit", "tz")}),
    st.fixed_dictionaries({"date": LEAF}, optional={"metrics": JUNK, "record": JUNK, "steps": LEAF, "weight_kg": LEAF, "step_samples": ITEMS}),
)


def sound(value: object) -> bool:
    """Only whole instants, finite numbers and what is made of them."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(sound, value.values()))
    return all(map(sound, value)) if isinstance(value, list) else True


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES, header=st.sampled_from(["", "Days", "minutes", "seconds"]))
def test_a_claimed_body_is_read_to_its_end(name, body, header):
    envelope = Envelope(zone="Europe/Berlin", accepted_at=0, headers={"automation-aggregation": header})
    if not FORMATS[name].claims(body, envelope):
        return
    for record in FORMATS[name].records(body, envelope):
        assert record.position or isinstance(body, list)
        if isinstance(record, Rejected):
            assert record.code
            assert len(record.raw) <= 2000
            continue
        for field in ("start", "end", "in_bed_start", "in_bed_end"):
            assert type(getattr(record, field, None)) in (int, type(None))
        for field in ("value", "low", "high", "asleep", "in_bed", "totals", "series", "route"):
            assert sound(getattr(record, field, None))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES)
def test_no_body_is_claimed_twice(body):
    envelope = Envelope(zone="UTC", accepted_at=0)
    claims = [name for name, guest in FORMATS.items() if guest.claims(body, envelope)]
    assert len(claims) <= 1, json.dumps(body, default=str)
