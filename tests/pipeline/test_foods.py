"""What was eaten at one moment: foods of equal value are each counted, and none twice, whichever way they come."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from house import House, at
from test_import_files import take

KIND = "HKQuantityTypeIdentifierDietaryEnergyConsumed"
UUIDS = {"Bread": "AAAAAAAA-0000-4000-8000-000000000001", "Cheese": "BBBBBBBB-0000-4000-8000-000000000002"}


def export(folder: Path, *, meals: bool = False) -> Path:
    """Bread and cheese at one instant; with ``meals`` only what they are a part of says which is which."""
    when = "2026-03-01 12:00:00 +0100"
    head = f'type="{KIND}" sourceName="Diary" unit="kcal" creationDate="{when}" startDate="{when}" endDate="{when}" value="500"'
    names = {food: f'<MetadataEntry key="HKFoodType" value="{food}"/>' for food in UUIDS}
    lines = [f"\n <Record {head}/>" if meals else f"\n <Record {head}>\n  {said}\n </Record>" for said in names.values()]
    if meals:
        span = f'sourceName="Diary" creationDate="{when}" startDate="{when}" endDate="{when}"'
        lines += [
            f'\n <Correlation type="HKCorrelationTypeIdentifierFood" {span}>\n  {said}\n  <Record {head}/>\n </Correlation>'
            for said in names.values()
        ]
    path = folder / "export.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n<HealthData locale="en">\n <ExportDate value="2026-03-19 10:00:00 +0100"/>{"".join(lines)}\n</HealthData>'
    )
    return path


def synced(*, named: bool = True) -> list[dict[str, Any]]:
    return [
        {"type": KIND, "start": at(1, 12), "value": 500, "unit": "kcal", "source": "Diary", "uuid": uuid}
        | ({"metadata": {"HKFoodType": food}} if named else {})
        for food, uuid in UUIDS.items()
    ]


def test_two_foods_of_equal_energy_are_two(house: House, tmp_path: Path) -> None:
    assert house.counts(take(house, export(tmp_path))) == {"new": 2}
    assert house.days("dietary_energy") == {"2026-03-01": 1000.0}


def test_import_and_sync_in_any_order_store_nothing_twice(build: Any, tmp_path: Path) -> None:
    path = export(tmp_path)
    ways = [lambda house: take(house, path), lambda house: house.sync(samples=synced()), lambda house: take(house, path)]
    for order in itertools.permutations(ways):
        house = build()
        told = [house.counts(way(house)) for way in order]
        assert told == [{"new": 2}, {"duplicate": 2}, {"duplicate": 2}]
        assert house.days("dietary_energy") == {"2026-03-01": 1000.0}


def test_a_food_that_is_deleted_leaves_the_other(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path))
    house.sync(samples=synced())
    house.sync(deleted=[UUIDS["Bread"]])
    take(house, export(tmp_path))
    assert house.rows("SELECT tag, value FROM sample") == [("Cheese", 500.0)]


def test_a_meal_that_alone_says_the_food_names_its_records(house: House, tmp_path: Path) -> None:
    path = export(tmp_path, meals=True)
    for _ in range(2):
        take(house, path)
        assert house.rows("SELECT tag, value FROM sample ORDER BY tag") == [("Bread", 500.0), ("Cheese", 500.0)]
    assert house.days("dietary_energy") == {"2026-03-01": 1000.0}
