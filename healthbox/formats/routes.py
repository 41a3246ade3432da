"""Routes: points that have a time and a place, in the wire's order. Points are not records: a broken one is left out."""

from typing import Any

from healthbox.formats.wire import Unreadable, moment, number


def route(points: Any, zone: str) -> list[list[float | None]]:
    """[[instant ms, latitude, longitude, altitude m or None, speed m/s or None], ...]; both spellings of the coordinates."""
    made: list[list[float | None]] = []
    for point in points if isinstance(points, list) else ():
        if not isinstance(point, dict):
            continue
        at = instant(point.get("timestamp", point.get("time")), zone)
        latitude = plain(point.get("latitude", point.get("lat")))
        longitude = plain(point.get("longitude", point.get("lon")))
        if at is None or latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
            continue
        speed = plain(point.get("speed"))  # negative means unknown
        made.append([at, latitude, longitude, plain(point.get("altitude")), speed if speed is not None and speed >= 0 else None])
    return made


def instant(value: Any, zone: str) -> int | None:
    """The instant in ms, or None where there is none that can be read."""
    try:
        return moment(value, zone).ms
    except Unreadable:
        return None


def plain(value: Any) -> float | None:
    """The number, or None where there is none that can be read."""
    try:
        return number(value)
    except Unreadable:
        return None
