"""The other phone clients' real files through the real doors, as in test_conformance: counts and values derived by hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from box import SAMPLES, Box, needs_samples, opened


class Case(NamedTuple):
    """``days``: (metric, date, field, value); ``asleep``: (wake-up date, minutes); ``workouts``: (activity, total, value)."""

    file: str
    new: int
    deleted: int = 0
    days: tuple[tuple[str, str, str, float], ...] = ()
    asleep: tuple[tuple[str, float], ...] = ()
    workouts: tuple[tuple[str, str, float], ...] = ()


HS, OW, HB = (
    "healthsave/umutkeltek__health-data-hub__apple",
    "open-wearables-sdk/the-momentum__open-wearables_",
    "health-bridge/roian6__apple",
)
CASES = [
    Case(
        "hc-webhook/mcnaveen__health-connect-webhook__webhook_doc_0.json",
        2,
        days=(("steps", "2026-05-08", "value", 8421), ("heart_rate", "2026-05-09", "mean", 72)),
    ),
    Case(f"{HS}_body_temperature_batch.json", 1, days=(("body_temperature", "2026-04-10", "mean", 36.7),)),
    Case(f"{HS}_heart_rate_batch.json", 1, days=(("heart_rate", "2026-04-10", "mean", 72),)),
    Case(f"{HS}_medication_dose_event_batch.json", 1),
    Case(f"{HS}_quantity_step_count_batch.json", 1, days=(("steps", "2026-04-10", "value", 8432),)),
    Case(f"{HS}_sleep_analysis_batch.json", 3, asleep=(("2026-04-10", 150 + 75 + 270),)),
    Case(
        f"{HS}_workout_batch.json", 1, workouts=(("running", "distance", 7200), ("running", "energy", 410), ("running", "duration", 2700))
    ),
    Case(
        f"{OW}_sync_request_example.json",
        3,
        days=(("blood_pressure_systolic", "2026-02-24", "mean", 122),),
        workouts=(("running", "distance", 5234), ("running", "duration", 2700), ("running", "elevation_up", 45)),
    ),
    Case(
        f"{OW}_test_apple_sdk_01.json",
        3,
        days=(("steps", "2022-05-29", "value", 66),),  # 01:56 to 02:02 in Berlin
        workouts=(("walking", "distance", 2165.35), ("walking", "energy", 131.41), ("walking", "temperature", 11.19)),
    ),
    Case(f"{OW}_test_apple_sdk_02.json", 1, workouts=(("cycling", "energy", 77.16),)),
    Case(f"{OW}_test_apple_sdk_04.json", 1, workouts=(("walking", "duration", 1800),)),
    Case(f"{OW}_test_apple_sdk_05.json", 0),
    Case(f"{OW}_test_apple_sdk_07.json", 1, workouts=(("walking", "steps", 2981.57515735105),)),
    Case(f"{OW}_test_apple_sdk_08.json", 1),
    Case(f"{HB}-health-ai-bridge__health_bridge_batch_v1.apple-health-smoke.json", 1, 1, days=(("steps", "2026-06-01", "value", 4321),)),
    Case(
        f"{HB}-health-ai-bridge__health_bridge_batch_v1.synthetic.json",
        9,
        1,
        days=(("steps", "2026-06-01", "value", 4321), ("heart_rate", "2026-06-01", "mean", 72), ("weight", "2026-06-02", "value", 70.4)),
        asleep=(("2026-06-04", 215 + 70 + 135),),
        workouts=(("walking", "energy", 140.5),),
    ),
]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with opened(tmp_path) as box:
        yield box


@needs_samples
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_a_clients_own_file_gives_the_counts_and_values_it_holds(box: Box, case: Case) -> None:
    receipt = box.send((SAMPLES / case.file).read_bytes())
    assert receipt["records"] == {"new": case.new, "updated": 0, "duplicate": 0, "deleted": case.deleted, "rejected": 0}
    assert receipt["status"] == "completed"
    for metric, date, field, value in case.days:
        days = box.get(f"/api/v1/days?metric={metric}&from={date}&to={date}")["days"]
        assert [day["date"] for day in days] == [date], metric
        assert days[0][field] == pytest.approx(value, rel=1e-6)
    for date, minutes in case.asleep:
        nights = box.get(f"/api/v1/nights?from={date}&to={date}")["nights"]
        assert [night["asleep"] for night in nights] == [pytest.approx(minutes)]
    for activity, total, value in case.workouts:
        workouts = box.get("/api/v1/workouts?from=2019-01-01&to=2026-11-01")["workouts"]
        assert [w["activity"] for w in workouts] == [activity]
        assert workouts[0]["totals"][total] == pytest.approx(value, rel=1e-6)


@needs_samples
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_the_same_file_again_stores_nothing(box: Box, case: Case) -> None:
    raw = (SAMPLES / case.file).read_bytes()
    box.send(raw)
    again = box.send(json.dumps(json.loads(raw)).encode())
    assert again["records"]["new"] == again["records"]["updated"] == 0
    assert again["records"]["duplicate"] == case.new


@needs_samples
def test_every_file_of_these_clients_that_is_an_upload_is_a_case() -> None:
    rooms = ("hc-webhook", "healthsave", "open-wearables-sdk", "health-bridge")
    there = {f"{room}/{path.name}" for room in rooms for path in (SAMPLES / room).glob("*.json")}
    assert {name for name in there if "response" not in name and "delivery" not in name} == {case.file for case in CASES}
