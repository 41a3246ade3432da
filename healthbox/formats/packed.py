"""A recording as it lies there: bare, or packed by gzip as some sites hand theirs out (``.fit.gz``)."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from healthbox.domain.errors import TooLarge
from healthbox.formats.contract import Tell
from healthbox.formats.wire import Unreadable

HEAD = 4096
CHUNK = 128 << 10
MOST = 256 << 20  # bytes: a week at one point a second, in the wordiest of them
MOST_BINARY = 32 << 20  # as many points
_EVERY = 64 << 10  # bytes between two words of how far it is
_GZIP = b"\x1f\x8b"
_WITH_HEAD = 31  # zlib's word for gzip


class Content:
    """The content of a file, counted while it is read. Raises ``Unreadable`` where the packing is damaged."""

    def __init__(self, file: BinaryIO, size: int, tell: Tell, most: int) -> None:
        self._file, self._size, self._tell, self._most = file, size, tell, most
        self._pack: zlib._Decompress | None = None
        if file.read(2) == _GZIP:
            self._pack = zlib.decompressobj(_WITH_HEAD)
        file.seek(0)
        self._held = io.BytesIO()
        self._read = self._told = 0

    def read(self, length: int) -> bytes:
        found = self._file.read(length) if self._pack is None else self._unpacked(self._pack, length)
        self._read += len(found)
        if self._read > self._most:
            raise _too_large(self._most)
        if self._read - self._told >= _EVERY:
            self._told = self._read
            self._tell(min(self._file.tell() / self._size, 1.0))
        return found

    def _unpacked(self, pack: "zlib._Decompress", length: int) -> bytes:
        """Up to ``length`` bytes; the damage shows only once everything before it is given."""
        found = self._held.read(length)
        while len(found) < length and not pack.eof:
            packed = pack.unconsumed_tail or self._file.read(_EVERY)
            try:
                self._held = io.BytesIO(pack.decompress(packed, CHUNK))
            except zlib.error:
                packed = b""
            if not packed:
                if not found:
                    raise Unreadable("broken_gzip", "the packed file is cut short or damaged")
                break
            found += self._held.read(length - len(found))
        return found

    def chunks(self) -> Iterator[bytes]:
        return iter(lambda: self.read(CHUNK), b"")


def head(path: Path) -> bytes:
    """How the content begins; nothing for a damaged packing."""
    with path.open("rb") as file:
        found = file.read(HEAD)
    if not found.startswith(_GZIP):
        return found
    try:
        return zlib.decompressobj(_WITH_HEAD).decompress(found, HEAD)
    except zlib.error:
        return b""


def small(path: Path, most: int = MOST) -> bool:
    """True. Raises ``TooLarge`` for a file that is larger than any recording."""
    if path.stat().st_size > most:
        raise _too_large(most)
    return True


@contextmanager
def opened(path: Path, tell: Tell, most: int = MOST) -> Iterator[Content]:
    with path.open("rb") as file:
        yield Content(file, path.stat().st_size, tell, most)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"No recording of a workout is larger than {most >> 20} MB.", hint="Export this workout alone.")
