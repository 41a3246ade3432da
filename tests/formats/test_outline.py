"""The outline agrees with the general way wherever it says anything, and says nothing of any other body."""

import json

import pytest

from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.outline import outline
from healthbox.formats.registry import recognise

SAMPLE = {"type": "steps", "start": "2026-03-01T09:00:00Z", "end": "2026-03-01T10:00:00Z", "value": 7}
PLAIN = {"batch": "sync", "index": 3, "final": True, "anchor": "x", "metric": "steps", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"samples": [SAMPLE, {**SAMPLE, "value": "asleep", "source": "Alice's watch", "metadata": {"HKWasUserEntered": True}}]},
        {"samples": [{**SAMPLE, "unit": "count/min", "source": {"name": "Watch", "bundle": "b"}, "metadata": None}], "deleted": ["uuid"]},
        {"workouts": [], "clinical": []},
    ],
)
def test_a_plain_chunk_is_told_as_the_general_way_tells_it(more):
    raw = json.dumps({**PLAIN, **more}).encode()
    body = decode(raw)
    assert outline(raw) == {name: body[name] for name in PLAIN}
    assert recognise(body, Envelope(zone="UTC", accepted_at=0)).name == "native-sync"


def test_what_a_chunk_leaves_out_is_absent():
    assert outline(b'{"batch":"a","index":0}') == {
        "batch": "a", "index": 0, "final": False, "anchor": None, "metric": None, "zone": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"batch":"a","index":0',
        b'{"batch":"a","index":0} x',
        b'{"batch":"a","index":true}',
        b'{"batch":7,"index":0}',
        b'{"batch":"a","index":0,"data":[]}',
        b'{"batch":"a","index":0,"workouts":[{}]}',
        b'{"batch":"a\\u0000","index":0}',
        b'{"batch":"\xff","index":0}',
        json.dumps({**PLAIN, "samples": [{**SAMPLE, "metadata": {"deep": {}}}]}).encode(),
        json.dumps({**PLAIN, "samples": [{**SAMPLE, "steps": 1}]}).encode(),
        json.dumps({**PLAIN, "samples": [SAMPLE]}).replace("7}", "1e999}").encode(),
        b'{"batch":"a","index":0,"samples":' + b"[" * 100_000,
    ],
)
def test_any_other_body_is_left_to_the_general_way(raw):
    assert outline(raw) is None
