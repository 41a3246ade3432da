"""Dates with slashes or hyphens that begin with a day or a month: which of them, only the whole file can say."""

import re
from pathlib import Path

from healthbox.formats.plain_csv.table import Layout, rows
from healthbox.formats.wire import Unreadable

_SHORT = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(.*)", re.ASCII | re.DOTALL)


class DayOrder:
    """Looks through the file once, and only when it holds such a date."""

    def __init__(self, path: Path, shape: Layout) -> None:
        self._path, self._shape = path, shape
        self._day_first: bool | None = None
        self._looked = False

    def plain(self, said: str) -> str:
        """The date or time with the year first; any other text as it is, and also a date that could be two days."""
        found = _SHORT.fullmatch(said)
        if found is None:
            return said
        first, _, second, year, rest = found.groups()
        if first != second:
            if not self._looked:
                self._day_first, self._looked = self._look(), True
            if self._day_first is None:
                return said
            if not self._day_first:
                first, second = second, first
        return f"{year}-{int(second):02d}-{int(first):02d}{rest}"

    def _look(self) -> bool | None:
        days = months = False
        for row in rows(self._path, self._shape):
            for what in ("start", "end"):
                found = None if isinstance(row.cells, Unreadable) else _SHORT.fullmatch(row.cells.get(what, ""))
                if found is not None:
                    days |= int(found[1]) > 12
                    months |= int(found[3]) > 12
        return days if days != months else None
