"""The exact lane: a real parser that makes elements of a piece, whatever its shape.

A piece that is not well-formed is read again element by element, so that only the broken ones are lost. Bounds hold
everywhere: the depth, the size of one tag and the number of children of one element; entities cannot be declared here.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from xml.parsers import expat

from healthbox.formats.apple_export.pieces import TOP, Piece
from healthbox.formats.apple_export.track import Track

DEPTH = 20
TAG = 64 << 10  # bytes of one tag
CHILDREN = 20_000
_STEP = 256 << 10
_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_ANY = re.compile(rb"<[A-Za-z]")
_TOPS = {"Correlation", "Workout", "ActivitySummary", "ClinicalRecord", "Audiogram", "VisionPrescription", "Me", "ExportDate"}
_OPEN, _CLOSE = b"<HealthData>", b"</HealthData>"


@dataclass(slots=True)
class Element:
    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    track: Track | None = None  # its Location elements, of which there may be many
    text: str = ""

    def all(self, name: str) -> list["Element"]:
        return [child for child in self.children if child.name == name]


@dataclass(slots=True)
class Broken:
    """An element that is not well-formed or beyond the bounds."""

    code: str
    reason: str
    raw: str


class _Refused(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class _Run:
    """One parser over neighbouring elements."""

    def __init__(self) -> None:
        self.done: list[Element] = []
        self.ended = False  # the root was closed
        self.broken = ("not_xml", "the element is not well-formed")
        self._stack: list[Element] = []
        self._depth = self._children = self._fed = 0
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.Parse(_OPEN, False)
        self._fed = len(_OPEN)

    @property
    def open(self) -> bool:
        return bool(self._stack)

    def feed(self, data: bytes) -> bool:
        """Whether all of it could be read."""
        view = memoryview(data)
        try:
            for at in range(0, len(data), _STEP):
                self._parser.Parse(view[at : at + _STEP], False)
                self._fed += len(view[at : at + _STEP])
                if self._fed - self._parser.CurrentByteIndex > TAG + 2:
                    raise _Refused("too_long", "a tag is longer than 64 KiB")
        except expat.ExpatError:
            self._let_go()
            return self.ended
        except _Refused as problem:
            self.broken = problem.code, problem.reason
            self._let_go()
            return False
        return True

    def finish(self) -> bool:
        """Whether the last element was complete too."""
        if self.ended:
            self._let_go()
            return True
        try:
            self._parser.Parse(_CLOSE, True)
        except (expat.ExpatError, _Refused):
            return False
        finally:
            self._let_go()
        self.ended = False
        return True

    def _let_go(self) -> None:
        """A parser and its handlers hold each other, and its buffers with them, until the collector comes by."""
        self._parser.StartElementHandler = self._parser.EndElementHandler = self._parser.CharacterDataHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            return
        if self._depth > DEPTH:
            raise _Refused("too_deep", f"elements lie more than {DEPTH} deep")
        if sum(map(len, attributes.values())) > TAG:
            raise _Refused("too_long", "a tag is longer than 64 KiB")
        if not self._stack:
            self._children = 0
            if name == "Me":
                self._parser.CharacterDataHandler = self._text
        elif name in _TOPS or (name == "Record" and self._stack[-1].name != "Correlation"):
            raise _Refused("not_closed", "the element is not closed before the next one begins")
        elif name == "Location":
            parent = self._stack[-1]
            parent.track = parent.track or Track()
            parent.track.add(attributes)
        else:
            self._children += 1
            if self._children > CHILDREN:
                raise _Refused("too_many_children", f"the element holds more than {CHILDREN:,} others")
        element = Element(name, attributes)
        if self._stack and name != "Location":
            self._stack[-1].children.append(element)
        self._stack.append(element)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.ended = True
            return
        element = self._stack.pop()
        if not self._stack:
            self.done.append(element)
            self._parser.CharacterDataHandler = None

    def _text(self, text: str) -> None:
        if self._stack and len(self._stack[-1].text) < 1000:
            self._stack[-1].text += text


class ExactLane:
    """Reads pieces one after another. ``ended``: the root was closed, what follows is no part of the export."""

    def __init__(self, marker: bytes | None) -> None:
        self._starts = re.compile(re.escape(marker or b"<") + TOP)
        self._run: _Run | None = None
        self.ended = False

    @property
    def open(self) -> bool:
        """An element of the pieces before goes on."""
        return self._run is not None

    def strict(self, data: bytes, *, last: bool) -> list[Element] | None:
        """The elements of data that is well-formed by itself, else None. Only the ``last`` of a piece may close the root."""
        run = _Run()
        if not run.feed(data.translate(None, _CONTROL)) or not run.finish() or (run.ended and not last):
            return None
        self.ended = run.ended
        return run.done

    def read(self, piece: Piece) -> list[Element | Broken]:
        data = piece.data.translate(None, _CONTROL)
        run, self._run = self._run or _Run(), None
        carried = run.open
        if run.feed(data) and (not piece.whole or run.finish()):
            self.ended = run.ended
            if not piece.whole:
                self._run = run
            found: list[Element | Broken] = [*run.done]
            run.done = []
            return found
        return self._salvage(run, data, carried, piece.whole)

    def _salvage(self, run: _Run, data: bytes, carried: bool, whole: bool) -> list[Element | Broken]:
        found: list[Element | Broken] = []
        starts = [match.start() for match in self._starts.finditer(data)]
        if carried:
            found += run.done[:1] or [Broken(*run.broken, raw="")]
        elif not starts and _ANY.search(data):
            found.append(Broken(*run.broken, raw=_shown(data)))
        for start, end in pairwise([*starts, len(data)]):
            part = _Run()
            good = part.feed(data[start:end])
            if good and not whole and end == len(data):
                self._run = part
            elif good:
                good = part.finish()
            if not good and not part.done:
                found.append(Broken(*part.broken, raw=_shown(data[start:end])))
            found += part.done
            part.done = []
            self.ended = self.ended or part.ended
        return found


def _shown(data: bytes) -> str:
    return data[:2000].decode("utf-8", "replace").strip()
