"""A route file of an export: GPX with one point a second."""

from collections.abc import Iterable

from healthbox.domain.errors import Invalid
from healthbox.formats.recording import route
from healthbox.formats.wire import Unreadable
from healthbox.formats.workout_gpx import GpxReader


def points(chunks: Iterable[bytes]) -> list[list[float | None]]:
    """[[instant ms, latitude, longitude, altitude m or None, speed m/s or None], ...]. Raises ``Unreadable``."""
    reader = GpxReader(one=True)
    try:
        list(reader.read(chunks))
    except (Unreadable, Invalid):
        raise Unreadable("broken_route", "the route is not well-formed") from None
    return [point for track in reader.items for point in route(track.recording.rows)]
