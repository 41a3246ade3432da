"""Points without end in a bounded list: thinned evenly when there are more than a page can show or a row should hold."""

from typing import Generic, TypeVar

POINTS = 100_000  # more than a day, at one a second

Row = TypeVar("Row")


class Thinned(Generic[Row]):
    """Ask ``wants`` of every point before reading it, and ``add`` those it wants."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._seen, self._every = 0, 1

    def wants(self) -> bool:
        self._seen += 1
        return self._seen % self._every == 0

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if len(self.rows) >= POINTS:
            del self.rows[1::2]
            self._every *= 2
