"""Cutting the xml where an element of the outermost level begins, so that each piece can be read by itself.

Everything before ``<HealthData`` is dropped: the document type that iOS 16 writes is not well-formed. Files without the
line breaks that Apple writes have no place to cut; their pieces say that the last element goes on in the next one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from healthbox.domain.errors import Invalid

TOP = rb"(?:Record|Correlation|Workout|ActivitySummary|ClinicalRecord|Audiogram|VisionPrescription|Me|ExportDate)(?=[\s/>])"

_ROOT = re.compile(rb"<HealthData(?:\s[^<>]*)?>")
_FIRST = re.compile(rb"<" + TOP)
_BREAK = re.compile(rb"\n[ \t]+(?=<[A-Za-z])")
_NAME = re.compile(TOP)
_PROLOG = 1 << 20
_NOTHING = 16 << 20
_TRIES = 100


class Piece(NamedTuple):
    data: bytes
    whole: bool  # no element goes on in the next piece


class Cutter:
    """``marker``: what stands before every outermost element, None when nothing tells it. ``rooted``: it must end as it began."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.rooted = False
        self._start = self._prolog()
        found = _BREAK.search(self._start)
        self.marker = found[0] + b"<" if found else None

    def pieces(self) -> Iterator[Piece]:
        """Every byte after the root's start tag, in order. Raises ``Invalid`` for a file that is all emptiness."""
        held, nothing = self._start, 0
        self._start = b""
        for chunk in self._chunks:
            nothing = 0 if b"<" in chunk else nothing + len(chunk)
            if nothing > _NOTHING:
                raise Invalid("The file goes on without holding anything.", code="empty_export")
            cut = self._cut(chunk)
            if cut >= 0:
                yield Piece(b"".join((held, memoryview(chunk)[:cut])), True)
                held = chunk[cut:]
                continue
            held += chunk
            cut = self._cut(held)  # also one that lies across the two
            if cut > 0:
                yield Piece(held[:cut], True)
                held = held[cut:]
            elif len(held) >= _PROLOG or self.marker is None:
                yield Piece(held, False)
                held = b""
        yield Piece(held, True)

    def _cut(self, data: bytes) -> int:
        """Where the last outermost element begins, or -1."""
        if self.marker is None:
            return -1
        at = len(data)
        for _ in range(_TRIES):
            at = data.rfind(self.marker, 0, at)
            if at < 0 or _NAME.match(data, at + len(self.marker)):
                return at
        return -1

    def _prolog(self) -> bytes:
        """What follows the root's start tag in the chunks read so far."""
        head = b""
        while len(head) < _PROLOG:
            chunk = next(self._chunks, None)
            head += chunk or b""
            found = _ROOT.search(head)
            if found or chunk is None:
                break
        start = found.end() if found else next((match.start() for match in _FIRST.finditer(head)), -1)
        if b"<!ENTITY" in head[:start]:
            raise Invalid("The xml declares entities, which no export does.", code="entities")
        if start < 0:
            raise Invalid("There is no <HealthData> in the file.", hint="Send export.zip as the phone made it.", code="no_export")
        self.rooted = found is not None
        return head[start:]
