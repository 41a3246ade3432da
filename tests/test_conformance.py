"""Real payloads of clients that people use, through the real doors: counts and values derived by hand from each file.

The files are not part of the project; where the folder is missing the tests say so and are skipped.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from box import SAMPLES, Box, needs_samples, opened

from healthbox.domain.catalogue import Catalogue
from healthbox.render import quantity

KCAL = 1 / 4.184


class Case(NamedTuple):
    """``days``: (metric, date, field, value); ``asleep``: (date, minutes)."""

    file: str
    new: int
    duplicate: int = 0
    rejected: int = 0
    days: tuple[tuple[str, str, str, float], ...] = ()
    asleep: tuple[tuple[str, float], ...] = ()
    workouts: tuple[tuple[str, str, float], ...] = ()  # (activity, total, value)


HAE, CUT = "health-auto-export", "shortcuts"
CASES = [
    Case(
        f"{HAE}/adriantech17__apple-health__health-auto-export-v2.json",
        3,
        days=(("steps", "2026-07-10", "value", 8248), ("resting_heart_rate", "2026-07-10", "value", 54)),
        asleep=(("2026-07-10", 7.4 * 60),),
    ),
    Case(
        f"{HAE}/anym001__healthlog__hae_sample.json",
        9,
        days=(
            ("steps", "2026-01-02", "value", 2000),
            ("active_energy", "2026-01-02", "value", 418.4 * KCAL),
            ("heart_rate", "2026-01-02", "min", 50),
            ("heart_rate", "2026-01-02", "max", 110),
            ("heart_rate", "2026-01-02", "mean", (58.5 + 64.2) / 2),
        ),
        asleep=(("2026-01-02", 450),),
        workouts=(("walking", "distance", 2400), ("walking", "energy", 627.6 * KCAL)),
    ),
    Case(
        f"{HAE}/irvinlim__apple-health-ingester__marshal_test_01.json",
        2,
        days=(("active_energy", "2021-12-23", "value", (0.7685677437484512 + 0.377848256251549) * KCAL),),
    ),
    Case(f"{HAE}/irvinlim__apple-health-ingester__marshal_test_03.json", 1, asleep=(("2021-12-18", 6.108333333333333 * 60),)),
    Case(f"{HAE}/irvinlim__apple-health-ingester__marshal_test_05.json", 0),
    Case(
        f"{HAE}/irvinlim__apple-health-ingester__marshal_test_07.json",
        1,
        workouts=(("walking", "steps", 908), ("walking", "energy", 226.21122641832523 * KCAL), ("walking", "elevation_up", 16.36)),
    ),
    Case(
        f"{HAE}/oboleto__hass-health-auto-export__sample_payload.json",
        4,
        days=(("steps", "2026-07-06", "value", 8500), ("heart_rate", "2026-07-06", "mean", 72), ("heart_rate", "2026-07-06", "max", 85)),
        asleep=(("2026-07-06", 450),),
        workouts=(("running", "distance", 5200), ("running", "energy", 350)),
    ),
    Case(f"{CUT}/mm__heartbridge__cycling_input.json", 1, days=(("unknown.cycling_distance_no_unit", "2021-04-13", "value", 15.4),)),
    Case(f"{CUT}/mm__heartbridge__flights_input.json", 2, 1, days=(("flights_climbed", "2021-04-05", "value", 3),)),
    Case(f"{CUT}/mm__heartbridge__generic_input.json", 1, days=(("unknown.memes_sent", "2021-04-13", "value", 90),)),
    Case(f"{CUT}/mm__heartbridge__hr_one_item_input.json", 1, days=(("heart_rate", "2019-12-16", "mean", 74),)),
    Case(
        f"{CUT}/mm__heartbridge__hr_typical_input.json",
        6,
        days=(
            ("heart_rate", "2019-12-16", "min", 74),
            ("heart_rate", "2019-12-16", "max", 157),
            ("heart_rate", "2019-12-16", "mean", (74 + 83 + 89 + 157 + 95 + 80) / 6),
        ),
    ),
    Case(
        f"{CUT}/mm__heartbridge__legacy_incomplete_input.json",
        4,
        rejected=1,
        days=(("heart_rate", "2019-12-16", "mean", (74 + 83 + 89 + 157) / 4),),
    ),
    Case(f"{CUT}/mm__heartbridge__legacy_typical_input.json", 6, days=(("heart_rate", "2019-12-16", "max", 157),)),
    Case(
        f"{CUT}/mm__heartbridge__resting_hr_input.json",
        3,
        days=tuple(("resting_heart_rate", f"2021-04-{day}", "value", value) for day, value in ((10, 60), (11, 59), (12, 62))),
    ),
    Case(f"{CUT}/mm__heartbridge__steps_input.json", 3, days=(("steps", "2021-04-10", "value", 94),)),
    Case(
        f"{CUT}/sheridangray__family-event-planner__doc_0.json",
        4,
        days=(
            ("steps", "2025-01-15", "value", 8543),
            ("exercise_time", "2025-01-15", "value", 32),
            ("resting_heart_rate", "2025-01-15", "value", 62),
        ),
    ),
]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with opened(tmp_path) as box:
        yield box


@needs_samples
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_a_clients_own_file_gives_the_counts_and_values_it_holds(box: Box, case: Case) -> None:
    raw = (SAMPLES / case.file).read_bytes()
    receipt = box.send(raw)
    counts = {"new": case.new, "updated": 0, "duplicate": case.duplicate, "deleted": 0, "rejected": case.rejected}
    assert receipt["records"] == counts
    assert receipt["status"] == ("completed_with_errors" if case.rejected else "completed")
    for metric, date, field, value in case.days:
        days = box.get(f"/api/v1/days?metric={metric}&from={date}&to={date}")["days"]
        assert [day["date"] for day in days] == [date]
        assert days[0][field] == pytest.approx(value, rel=1e-6)
        known = Catalogue.load().get(metric)
        if field == "value" and known is not None:
            shown = quantity(known, value, "metric", "en_GB").number
            assert shown in box.page(f"/metrics/{metric}/{date}/why")
        if days[0]["layer"] == "raw":
            samples = box.get(f"/api/v1/samples?metric={metric}&from={date}&to={date}")["samples"]
            assert len(samples) == days[0]["count"]
            if field in ("min", "max"):
                assert {"min": min, "max": max}[field](sample["value"] for sample in samples) == pytest.approx(value)
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
    assert again["records"]["duplicate"] == case.new + case.duplicate
