"""Readers: the items of one body, in the order that the body alone decides, some at a time.

A body or a small file is read here. A large file is read by a process of its own (``apart``), which uses the second core and
keeps what a hostile file does away from this process; it never opens the database.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from healthbox.domain.records import Record, SampleBlock
from healthbox.formats.contract import Envelope, FileFormat
from healthbox.pipeline.ready import Ready

Item = Record | SampleBlock | Ready


def weight(item: Item) -> int:
    """How many records an item is."""
    return len(item.rows) if isinstance(item, SampleBlock) else item.weight if isinstance(item, Ready) else 1


class Reader(Protocol):
    share: float | None
    """How far a file is read behind the items taken so far, 0 to 1; None for what is not a file."""

    @property
    def waits(self) -> bool:
        """Whether the next items are still being read, so that taking them would mean to wait."""

    def take(self, most: int) -> tuple[list[Item], bool]:
        """The next items, of about so many records, and whether the body ends with them. Raises what reading it raises."""

    def close(self) -> None: ...


class Here:
    """Reads in this process."""

    waits = False

    def __init__(self, items: Iterator[Record | SampleBlock]) -> None:
        self.share: float | None = None
        self._items = items
        self._ahead: Item | None = None  # one ahead, so that the last items are known to be the last
        self._begun = False

    @classmethod
    def file(cls, form: FileFormat, path: Path, envelope: Envelope) -> "Here":
        reader = cls(iter(()))
        reader.share = 0.0
        reader._items = form.records(path, envelope, partial(setattr, reader, "share"))
        return reader

    def skip(self, count: int) -> None:
        for _ in islice(self._items, count):
            pass

    def take(self, most: int) -> tuple[list[Item], bool]:
        if not self._begun:
            self._begun, self._ahead = True, next(self._items, None)
        found: list[Item] = []
        held = 0
        while self._ahead is not None and held < most:
            found.append(self._ahead)
            held += weight(self._ahead)
            self._ahead = next(self._items, None)
        return found, self._ahead is None

    def close(self) -> None:
        self._items = iter(())
