"""The bodies of the phone clients: exactly one format claims each, and whatever is damaged in them is read to its end."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from client_bodies import KEYS, WHOLE, WHOLE_LINES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.records import Rejected
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
FORMATS = discover()
ROOMS = {
    "hc-webhook": "hc-webhook",
    "open-wearables-sdk": "open-wearables",
    "healthsave": "healthsave",
    "health-bridge": "health-bridge",
    "health-auto-export": "health-auto-export",
    "shortcuts": "shortcuts",
}
LEAF = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([2**53, 2**63, -(2**70), 10**400, 0, 1, 5])
    | st.sampled_from(["2026-03-01T09:00:00Z", "2026-03-01", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", 1772352000000, "-1"])
    | st.sampled_from(
        ["HKCategoryTypeIdentifierSleepAnalysis", "%", "Deep", "5", "+25:00", "\x00", "\ud800", "", " ", "1e999", "NaN", "9" * 400]
    )
    | st.text(max_size=6)
)
JUNK = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=15
)


def claiming(body: Any, zone: str = "Europe/Berlin") -> list[str]:
    return [name for name, guest in FORMATS.items() if guest.claims(body, Envelope(zone=zone, accepted_at=0))]


def holes(node: Any) -> list[tuple[Any, Any]]:
    """Every place inside a body that can be overwritten: (container, key)."""
    inner = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _ in inner] + [hole for _, child in inner for hole in holes(child)]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A good body in which up to three things are something else or too many."""
    body = copy.deepcopy(draw(st.sampled_from([*WHOLE.values(), WHOLE_LINES])))
    for _ in range(draw(st.integers(0, 3))):
        places = holes(body)
        if places:
            container, key = draw(st.sampled_from(places))
            container[key] = draw(JUNK)
    if isinstance(body, dict):
        body |= draw(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=2))
    return body


def sound(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(sound, value.values()))
    return all(map(sound, value)) if isinstance(value, list) else True


@pytest.mark.parametrize("name", WHOLE)
def test_an_undamaged_body_has_one_owner_and_no_rejected_record(name):
    assert claiming(WHOLE[name]) == [name]
    records = list(FORMATS[name].records(WHOLE[name], Envelope(zone="Europe/Berlin", accepted_at=0)))
    assert records
    assert not [record for record in records if isinstance(record, Rejected)]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=damaged() | JUNK, zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "+05:45"]))
def test_a_damaged_body_has_at_most_one_owner_who_reads_it_to_its_end(body, zone):
    owners = claiming(body, zone)
    assert len(owners) <= 1, json.dumps(body, default=str)
    for name in owners:
        envelope = Envelope(zone=zone, accepted_at=0)
        first = list(FORMATS[name].records(body, envelope))
        assert repr(first) == repr(list(FORMATS[name].records(body, envelope)))
        for record in first:
            assert record.position
            if isinstance(record, Rejected):
                assert record.code
                assert len(record.raw) <= 2000
                continue
            for field in ("start", "end", "as_of"):
                assert type(getattr(record, field, None)) in (int, type(None))
            for field in ("value", "low", "high", "totals", "series", "route"):
                assert sound(getattr(record, field, None))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder with other people's sample files is not beside this checkout")
def test_every_sample_file_has_exactly_one_owner_or_is_no_upload():
    seen = 0
    for room, owner in ROOMS.items():
        for path in sorted((SAMPLES / room).glob("*json")):
            raw = path.read_bytes()
            body = [decode(line) for line in raw.splitlines()] if path.suffix == ".ndjson" else decode(raw)
            uploads = "response" not in path.name and "delivery" not in path.name  # answers, sealed envelopes and a test plan
            assert claiming(body) == ([owner] if uploads else []), path.name
            seen += 1
    assert seen
