"""Whatever a body holds: a format that claims it reads it to the end, and what it yields can be stored."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.records import Rejected
from healthbox.formats.contract import Envelope
from healthbox.formats.registry import discover

FORMATS = discover()
TIMES = [
    "2026-03-01 09:00:00 +0100",
    "2026-03-01T09:00:00Z",
    "2026-03-01 00:00:00",
    "2026-03-01",
    "9999-12-31 00:00:00 +0000",
    "0001-01-01T00:00:00Z",
    1772352000,
    1772352000000,
    -1,
    "1772352000",
    "2026-03-29 02:30:00",
    "Mar 1, 2026 at 9:05 AM",
]
WORDS = [
    "steps",
    "heart_rate",
    "HEART_RATE",
    "Heart Rate",
    "sleep_analysis",
    "Sleep",
    "SLEEP_SESSION",
    "WORKOUT",
    "NUTRITION",
    "blood_pressure",
    "HKCategoryTypeIdentifierSleepAnalysis",
    "HKQuantityTypeIdentifierStepCount",
    "handwashing",
    "count",
    "%",
    "kJ",
    "Deep",
    "8,412",
    "72,5",
    "7:30:00",
    "Europe/Berlin",
    "+25:00",
    "../etc/passwd",
    "googleHealthConnect",
    "manual",
    "\x00",
    "\ud800",
    "",
    " ",
    "\u202f",
    "1e999",
    "NaN",
]
KEYS = [
    "type",
    "start",
    "end",
    "value",
    "unit",
    "units",
    "uuid",
    "source",
    "metadata",
    "zone",
    "activity",
    "totals",
    "series",
    "points",
    "route",
    "laps",
    "dateFrom",
    "dateTo",
    "date_from",
    "date_to",
    "date",
    "qty",
    "Min",
    "Avg",
    "Max",
    "systolic",
    "diastolic",
    "name",
    "data",
    "asleep",
    "totalSleep",
    "core",
    "startDate",
    "endDate",
    "sleepStart",
    "sleepEnd",
    "inBed",
    "duration",
    "heartRateData",
    "stepCount",
    "activeEnergy",
    "elevation",
    "heartRate",
    "latitude",
    "longitude",
    "timestamp",
    "numericValue",
    "__type",
    "workoutActivityType",
    "workoutSummary",
    "steps",
    "weight_kg",
    "sleep_hours",
    "values",
    "dates",
    "ends",
    "sources",
    "energy",
    "HKTimeZone",
    "HKWasUserEntered",
    "resourceType",
    "id",
    "effectiveDateTime",
    "reason",
    "mealTime",
    "time",
    "recordingMethod",
    "sourcePlatform",
    "tz",
    "flow",
    "calories",
    "Unspecified",
]
LEAF = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([2**53, 2**63, -(2**70), 10**400, 0, 1, 5])
    | st.sampled_from(TIMES)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
JUNK = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=7), max_leaves=25
)
ITEMS = st.lists(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=12) | JUNK, max_size=3) | JUNK
AT, LATER = "2026-03-01 09:00:00 +0100", "2026-03-01 09:05:07 +0100"
WHOLE: list[Any] = [
    {
        "batch": "b",
        "index": 0,
        "zone": "Europe/Berlin",
        "deleted": ["A", {"uuid": "B", "type": "steps"}],
        "clinical": [{"id": "o", "issued": AT}],
        "samples": [
            {
                "uuid": "A",
                "type": "steps",
                "start": AT,
                "end": LATER,
                "value": 4,
                "unit": "count",
                "source": {"name": "W"},
                "metadata": {"a": 1},
            },
            {"type": "sleep_analysis", "start": AT, "end": LATER, "value": "deep", "metadata": {"HKTimeZone": "Asia/Tokyo"}},
        ],
        "workouts": [
            {
                "activity": "running",
                "start": AT,
                "end": LATER,
                "totals": {"energy": {"value": 3, "unit": "kJ"}, "distance": 7},
                "series": {"heart_rate": {"unit": "bpm", "points": [[AT, 90]]}},
                "laps": [{"n": 1}],
                "route": [{"time": AT, "latitude": 1, "longitude": 2, "altitude": 3, "speed": 4}],
            }
        ],
    },
    {
        "anchor_token": "t",
        "data": [{"uuid": "A", "type": "STEPS", "value": 4, "unit": "COUNT", "date_from": AT, "date_to": LATER, "source": "W"}],
    },
    [
        {
            "uuid": "A",
            "type": "HEART_RATE",
            "value": {"numericValue": 66},
            "unit": "PERCENT",
            "dateFrom": AT,
            "dateTo": LATER,
            "sourceName": "W",
        },
        {
            "type": "WORKOUT",
            "value": {"workoutActivityType": "BIKING", "totalDistance": 4},
            "dateFrom": AT,
            "dateTo": LATER,
            "workoutSummary": {},
        },
        {"type": "NUTRITION", "value": {"calories": 4, "name": "Soup"}, "dateFrom": AT, "dateTo": LATER},
        {"type": "SLEEP_SESSION", "value": 5, "dateFrom": AT, "dateTo": LATER, "sourcePlatform": "googleHealthConnect", "uuid": "S"},
    ],
    {
        "data": {
            "metrics": [
                {"name": "heart_rate", "units": "bpm", "data": [{"date": AT, "Min": 1, "Avg": 2, "Max": 3}, {"date": LATER, "qty": 3}]},
                {"name": "blood_pressure", "units": "mmHg", "data": [{"date": AT, "systolic": 120, "diastolic": 80, "source": "C"}]},
                {"name": "sexual_activity", "units": "count", "data": [{"date": AT, "Unspecified": 1}]},
                {
                    "name": "sleep_analysis",
                    "units": "hr",
                    "data": [
                        {"date": "2026-03-01", "totalSleep": 7, "core": 3, "deep": 2, "rem": 2, "sleepStart": AT, "inBed": 8},
                        {"startDate": AT, "endDate": LATER, "value": "Core"},
                    ],
                },
            ],
            "workouts": [
                {
                    "name": "Run",
                    "start": AT,
                    "end": LATER,
                    "duration": 3,
                    "distance": {"qty": 1, "units": "km"},
                    "elevation": {"ascent": 1, "units": "m"},
                    "heartRateData": [{"date": AT, "Avg": 3, "units": "bpm"}],
                    "route": [{"timestamp": AT, "lat": 1, "lon": 2}],
                    "heartRate": {"avg": {"qty": 3, "units": "bpm"}},
                }
            ],
            "ecg": [{"start": AT, "end": LATER, "id": "E"}],
        }
    },
    {
        "type": "Steps",
        "dates": [AT, LATER],
        "values": ["1,234", "5"],
        "ends": [LATER, LATER],
        "sources": ["W", "W"],
        "unit": "count",
        "tz": "UTC",
    },
    {"type": "Sleep", "dates": AT, "ends": LATER, "values": "Deep"},
    {"date": "2026-03-01", "steps": "8,412", "sleep_hours": "7:30", "weight_kg": "72,5"},
    {"step_samples": [{"start": AT, "end": LATER, "value": 3}]},
]


def holes(node: Any) -> list[tuple[Any, Any]]:
    """Every place inside a body that can be overwritten: (container, key)."""
    inner = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _ in inner] + [hole for _, child in inner for hole in holes(child)]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A good body in which one to three things are something else."""
    body = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(holes(body)))
        container[key] = draw(JUNK)
    return body


BODIES = st.one_of(
    damaged(),
    damaged(),
    JUNK,
    ITEMS,
    st.fixed_dictionaries(
        {"batch": JUNK, "index": JUNK}, optional=dict.fromkeys(("samples", "workouts", "clinical", "deleted", "zone"), ITEMS)
    ),
    st.fixed_dictionaries({"anchor_token": JUNK, "data": ITEMS}, optional={"tz": JUNK}),
    st.fixed_dictionaries({"data": st.dictionaries(st.sampled_from(["metrics", "workouts", "ecg", "symptoms", "x"]), ITEMS)}),
    st.fixed_dictionaries({"type": LEAF}, optional=dict.fromkeys(("dates", "values", "ends", "sources", "unit", "tz"), JUNK)),
    st.fixed_dictionaries(
        {"date": LEAF}, optional={"metrics": JUNK, "record": JUNK, "steps": LEAF, "weight_kg": LEAF, "step_samples": ITEMS}
    ),
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


@pytest.mark.parametrize("body", WHOLE)
def test_undamaged_bodies_hold_no_rejected_record(body):
    envelope = Envelope(zone="Europe/Berlin", accepted_at=0)
    (guest,) = (guest for guest in FORMATS.values() if guest.claims(body, envelope))
    assert not [record for record in guest.records(body, envelope) if isinstance(record, Rejected)]
