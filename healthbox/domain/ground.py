"""The ground under a route: how far, and how much up and down."""

import math
from collections.abc import Iterable

EARTH = 6_371_000.0
NOISE = 2.0  # metres: a smaller step up or down is the barometer's


def apart(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Great-circle distance in metres between two places in degrees (haversine)."""
    a, b = math.radians(latitude), math.radians(to_latitude)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(to_longitude - longitude) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


def climbed(heights: Iterable[float]) -> tuple[float, float]:
    """(metres up, metres down), each step of ``NOISE`` or more counted."""
    up = down = 0.0
    standing: float | None = None
    for height in heights:
        if standing is None:
            standing = height
        elif abs(height - standing) >= NOISE:
            up += max(0.0, height - standing)
            down += max(0.0, standing - height)
            standing = height
    return up, down
