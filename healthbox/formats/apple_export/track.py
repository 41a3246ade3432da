"""The points of a route that stand in the xml itself."""

from collections.abc import Mapping

from healthbox.formats.routes import route
from healthbox.formats.thinned import Thinned


class Track:
    def __init__(self) -> None:
        self._points = Thinned[list[float | None]]()

    @property
    def points(self) -> list[list[float | None]]:
        return self._points.rows

    def add(self, point: Mapping[str, str | None]) -> None:
        """Add a point given as the wire's words; one without a time or a place is left out."""
        if not self._points.wants():
            return
        said = {
            "time": point.get("date") or point.get("time"),
            "latitude": point.get("latitude") or point.get("lat"),
            "longitude": point.get("longitude") or point.get("lon"),
            "altitude": point.get("altitude") or point.get("ele"),
            "speed": point.get("speed"),
        }
        for row in route([said], "UTC"):
            self._points.add(row)
