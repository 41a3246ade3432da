"""The points of a route, thinned evenly when there are more than a page can show or a row should hold."""

from collections.abc import Mapping

from healthbox.formats.routes import route

POINTS = 100_000  # more than a day, at one a second


class Track:
    def __init__(self) -> None:
        self.points: list[list[float | None]] = []
        self._seen, self._every = 0, 1

    def add(self, point: Mapping[str, str | None]) -> None:
        """Add a point given as the wire's words; one without a time or a place is left out."""
        self._seen += 1
        if self._seen % self._every:
            return
        self.points += route(
            [
                {
                    "time": point.get("date") or point.get("time"),
                    "latitude": point.get("latitude") or point.get("lat"),
                    "longitude": point.get("longitude") or point.get("lon"),
                    "altitude": point.get("altitude") or point.get("ele"),
                    "speed": point.get("speed"),
                }
            ],
            "UTC",
        )
        if len(self.points) >= POINTS:
            del self.points[1::2]
            self._every *= 2
