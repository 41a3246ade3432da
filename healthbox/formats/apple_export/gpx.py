"""A route file of an export: GPX with one point a second."""

from collections.abc import Iterable
from typing import Any
from xml.parsers import expat

from healthbox.formats.apple_export.track import Track
from healthbox.formats.wire import Unreadable

_PARTS = {"ele", "time", "speed"}
_TEXT = 100
_TAG = 64 << 10


def points(chunks: Iterable[bytes]) -> list[list[float | None]]:
    """[[instant ms, latitude, longitude, altitude m or None, speed m/s or None], ...]. Raises ``Unreadable``."""
    reader = _Reader()
    try:
        for chunk in chunks:
            reader.parser.Parse(chunk, False)
            if len(chunk) > _TAG and reader.parser.CurrentByteIndex < reader.fed:  # a whole chunk in which no tag ended
                raise Unreadable("broken_route", "the route holds an endless tag")
            reader.fed += len(chunk)
        reader.parser.Parse(b"", True)
    except expat.ExpatError:
        raise Unreadable("broken_route", "the route is not well-formed") from None
    finally:
        reader.let_go()
    return reader.track.points


class _Reader:
    def __init__(self) -> None:
        self.track = Track()
        self.fed = 0
        self._point: dict[str, str | None] | None = None
        self._part = ""
        self._depth = 0
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity

    def let_go(self) -> None:
        parser = self.parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = parser.EntityDeclHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > 20:
            raise Unreadable("broken_route", "elements of the route lie too deep")
        name = name.rpartition(":")[2]
        if name == "trkpt":
            self._point = {"lat": attributes.get("lat"), "lon": attributes.get("lon")}
        elif self._point is not None and name in _PARTS:
            self._part = name
            self.parser.CharacterDataHandler = self._text

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = name.rpartition(":")[2]
        if name == "trkpt" and self._point is not None:
            self.track.add(self._point)
            self._point = None
        elif name == self._part:
            self._part = ""
            self.parser.CharacterDataHandler = None

    def _text(self, text: str) -> None:
        if self._point is not None:
            self._point[self._part] = ((self._point.get(self._part) or "") + text)[:_TEXT]

    def _entity(self, *declared: Any) -> None:
        raise Unreadable("broken_route", "the route declares entities")
