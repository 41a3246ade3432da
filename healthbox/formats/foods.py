"""Foods: HealthKit keeps each nutrient of each food as a sample of its own, and only the metadata says of which food."""

from collections.abc import Mapping
from typing import Any

from healthbox.domain.records import Naming
from healthbox.formats.wire import catalogue, text

FOOD_TYPE = "HKFoodType"


def is_nutrient(naming: Naming, name: str) -> bool:
    metric = catalogue().find(naming, name)
    return metric is not None and metric.category == "nutrition" and metric.kind == "quantity"


def food(metadata: Mapping[str, Any] | None) -> str:
    """The name of the food, or "". White space is made plain: a separator in it would read as an ordinal of the store."""
    return " ".join((text((metadata or {}).get(FOOD_TYPE)) or "").split())


def food_tag(naming: Naming, name: str, metadata: Mapping[str, Any] | None) -> str:
    """What tells a nutrient's sample apart from one of another food at the same moment."""
    return food(metadata) if is_nutrient(naming, name) else ""
