"""A megabyte of the smallest entries there are: what holds nothing must cost next to nothing. Work is counted in calls."""

from __future__ import annotations

import copy
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import seeds
from test_any_body import holes

from healthbox.domain.records import Bucket, Rejected
from healthbox.formats.json_body import decode
from healthbox.formats.plain_csv import FILE_FORMAT
from healthbox.formats.registry import discover

MOST = 10  # calls for each byte of an entry: a megabyte of ten million takes about half a second
ENTRIES = (1, "a", {}, [], None)
HEADER = "metric,date,value,unit\n"


def calls(work: Callable[[], object]) -> int:
    count = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def bodies_with(good: Any, at: int, entry: Any) -> list[bytes]:
    """The body with two hundred more entries in one of its lists, and with four hundred."""
    made = []
    for count in (200, 400):
        body = copy.deepcopy(good)
        container, key = holes(body)[at]
        container[key] += [entry] * count
        made.append(json.dumps(body).encode())
    return made


def read(name: str, raw: bytes) -> list[Any]:
    body, guest = decode(raw), discover()[name]
    return list(guest.records(body, seeds.ENVELOPE)) if guest.claims(body, seeds.ENVELOPE) else []


@pytest.mark.parametrize("name", discover())
def test_an_entry_that_holds_nothing_costs_few_calls(name: str) -> None:
    for good in seeds.bodies()[name]:
        for at, (container, key) in enumerate(holes(good)):
            if not isinstance(container[key], list):
                continue
            for entry in ENTRIES:
                some, more = bodies_with(good, at, entry)
                read(name, some)
                each = (calls(lambda more=more: read(name, more)) - calls(lambda some=some: read(name, some))) / 200
                assert each <= MOST * (len(json.dumps(entry)) + 1), (key, entry)


@pytest.mark.parametrize("entry", [1, {}, "a", None])
def test_every_one_of_them_is_refused_for_itself(entry: Any) -> None:
    body = {"batch": "b", "index": 0, "final": True, "samples": [entry] * 3}
    found = read("native-sync", json.dumps(body).encode())
    assert [(type(one), one.position, one.raw) for one in found] == [
        (Rejected, f"samples[{at}]", entry if isinstance(entry, str) else json.dumps(entry)) for at in range(3)
    ]
    assert {one.code for one in found} == {"empty_object" if entry == {} else "not_an_object"}


NIGHT = {"client_record_id": "n", "start_time": "2026-03-01T22:00:00Z", "end_time": "2026-03-02T06:00:00Z"}
WITHIN: dict[str, Callable[[list[Any]], dict[str, Any]]] = {
    "health-bridge": lambda parts: {
        "schema_id": "health_bridge.batch.v1", "samples": [], "sleep_sessions": [{**NIGHT, "stage_intervals": parts}],
    },
    "hc-webhook": lambda parts: {"timestamp": "2026-03-01T10:00:00Z", "app_version": "1", "sleep": [{"stages": parts}]},
    "open-wearables": lambda parts: {
        "provider": "apple", "sdkVersion": "1",
        "data": {"workouts": [{"type": "x", "startDate": "2026-03-01T08:00:00Z", "route": [{} for _ in parts]}], "records": parts},
    },
    "health-auto-export": lambda parts: {"data": {"metrics": [{"name": "heart_rate", "units": "bpm", "data": parts}]}},
}  # fmt: skip


@pytest.mark.parametrize("name", WITHIN)
def test_a_long_list_inside_an_object_is_not_held_as_a_whole(name: str) -> None:
    body, guest = decode(json.dumps(WITHIN[name]([[]] * 40_000)).encode()), discover()[name]
    next(iter(guest.records(body, seeds.ENVELOPE)))
    tracemalloc.start()
    read = sum(1 for _ in guest.records(body, seeds.ENVELOPE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 40_000 + (name == "open-wearables")
    assert peak < 1_000_000


def test_numbers_at_the_edge_of_what_a_double_holds_are_read_as_fast_as_others() -> None:
    def seconds(number: bytes) -> float:
        raw, took = b"[" + b",".join([number] * 2_000) + b"]", []
        for _ in range(5):
            begun = time.perf_counter()
            decode(raw)
            took.append(time.perf_counter() - begun)
        return min(took)

    for number in (b"1e308", b"-17e291", b"5e-324", b"1e23"):
        assert seconds(number) < 10 * seconds(b"1.5e100"), "by itself the reader needs hundreds of times as long for some"


@pytest.mark.parametrize(("line", "most"), [("\n", 5), (",,,\n", 5), ("x\n", 25), ("x,1\n", 25), ('"\n', 17)])
def test_a_line_that_holds_nothing_costs_few_calls(tmp_path: Path, line: str, most: int) -> None:
    def table(count: int) -> Path:
        path = tmp_path / f"{count}.csv"
        path.write_text(HEADER + line * count + "steps,2026-03-01,5,\n")
        return path

    def drain(path: Path) -> None:
        *_, last = FILE_FORMAT.records(path, seeds.ENVELOPE)
        assert isinstance(last, Bucket)

    some, more = table(1_000), table(2_000)
    drain(some)
    each = (calls(lambda: drain(more)) - calls(lambda: drain(some))) / 1_000
    assert each < most + 1
