"""Gathering samples into blocks of one type, unit and source, however they are mixed in the file."""

from collections.abc import Iterator

from healthbox.domain.records import SampleBlock
from healthbox.formats.apple_export.heads import Key, Row

BLOCK = 2_000
BEATING = 250  # of records that hold a list of heart beats: as much memory
_HELD = 10_000


class Gathering:
    """Holds rows until they fill a block. What it gives and when depends on the rows alone, not on the lane they came by."""

    def __init__(self) -> None:
        self._rows: dict[Key, list[Row]] = {}

    def rows(self, key: Key) -> list[Row]:
        """The list to append to; it is valid until the next ``full`` or ``rest``."""
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = []
        return rows

    def full(self) -> Iterator[SampleBlock]:
        """The blocks that are full; all there is when too much is held."""
        for key, rows in self._rows.items():
            size = BEATING if rows and "beats" in (rows[-1][5] or ()) else BLOCK
            while len(rows) >= size:
                yield _block(key, rows[:size])
                del rows[:size]
        if sum(map(len, self._rows.values())) > _HELD or len(self._rows) > _HELD:
            yield from self.rest()

    def rest(self) -> Iterator[SampleBlock]:
        held, self._rows = self._rows, {}
        for key, rows in held.items():
            for at in range(0, len(rows), BLOCK):
                yield _block(key, rows[at : at + BLOCK])


def _block(key: Key, rows: list[Row]) -> SampleBlock:
    metric, unit, source = key
    return SampleBlock(metric=metric, naming="healthkit", unit=unit, source=source, rows=rows)
