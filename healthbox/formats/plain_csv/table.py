"""The table in a text file: its encoding, what separates its cells, its columns, its rows. Bounded whatever the file holds."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from healthbox.domain.errors import Invalid, TooLarge
from healthbox.formats.contract import Tell, untold
from healthbox.formats.wire import Unreadable

LONGEST = 64 << 10  # characters of a line
HEAD = 64 << 10
_LINES = 20  # so many lines may one quoted cell go over
_EVERY = 1000  # rows between two words of how far it is
_EMPTY, _BLANK = 2 << 20, 32 << 20  # lines without anything, and characters on them, in a row: a sheet has a million of them
_ENDLESS = 64 << 20  # characters of a line that are passed over
_DELIMITERS = ",;\t|"
_BREAK = re.compile(r"\r\n|\r|\n")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# What people call the columns, without what they put between words, the likelier name first.
_NAMES: dict[str, tuple[str, ...]] = {
    "metric": ("metric", "type", "name", "metricname", "datatype"),
    "start": ("date", "time", "datetime", "timestamp", "start", "startdate", "starttime", "day"),
    "end": ("end", "enddate", "endtime"),
    "value": ("value", "quantity", "qty"),
    "unit": ("unit", "units"),
    "source": ("source", "sourcename", "app", "device"),
    "uuid": ("uuid",),
}
# And what is said of a line that ends before one of these.
_NEEDED = {
    "metric": Unreadable("no_type", "the line names no metric"),
    "start": Unreadable("no_time", "the line holds no time"),
    "value": Unreadable("no_value", "the line holds no value"),
}


class Layout(NamedTuple):
    """Which column says what, by its place."""

    encoding: str
    delimiter: str
    header: int  # its line, from 1
    columns: dict[str, int]


class Row(NamedTuple):
    """``cells`` by what they say, or why the row cannot be taken apart into them."""

    line: int
    raw: str
    cells: dict[str, str] | Unreadable


def layout(path: Path) -> Layout | None:
    """None for a file that is no such table: not text, or without the columns that are needed."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    encoding = "utf-16" if head.startswith(_UTF16) else "utf-8-sig"
    if encoding != "utf-16" and b"\0" in head:
        return None
    for number, line in enumerate(_BREAK.split(head.decode(encoding, "replace"), maxsplit=3)[:3], start=1):
        if not line.strip() or re.fullmatch(r"sep=.", line.strip(), re.IGNORECASE):  # Excel's own first line
            continue
        return next((found for delimiter in _DELIMITERS if (found := _layout(encoding, delimiter, number, line))), None)
    return None


def _layout(encoding: str, delimiter: str, number: int, line: str) -> Layout | None:
    try:
        cells = [re.sub(r"[\s_./-]+", "", cell.casefold()) for cell in _cells(line, delimiter)]
    except Unreadable:
        return None
    columns: dict[str, int] = {}
    for what, names in _NAMES.items():
        place = next((cells.index(name) for name in names if name in cells), None)
        if place is not None:
            columns[what] = place
    return Layout(encoding, delimiter, number, columns) if columns.keys() >= _NEEDED.keys() else None


def rows(path: Path, shape: Layout, tell: Tell = untold) -> Iterator[Row]:
    """Every row below the header, empty ones left out. What is no text in the file's encoding becomes U+FFFD. Raises ``Invalid``
    or ``TooLarge`` for a file that goes on and holds nothing."""
    size = path.stat().st_size
    with path.open("rb") as raw_file, io.TextIOWrapper(raw_file, shape.encoding, "replace", newline="") as file:
        lines = _Lines(file, f" \r\n{shape.delimiter}")
        for count, (number, raw) in enumerate(lines):
            if count % _EVERY == 0:
                tell(min(raw_file.tell() / size, 1.0))
            if number <= shape.header:
                continue
            try:
                cells = _row(lines.whole(raw), shape)
            except Unreadable as problem:
                cells = problem
            yield Row(number, raw, cells)


class _Lines:
    """(number, line) of the lines with more on them than ``nothing``; those that are too long come cut, and a quoted cell may go
    on in the next ones."""

    def __init__(self, file: TextIO, nothing: str) -> None:
        self._file, self._nothing = file, nothing
        self._number = 0
        self._ahead: deque[str] = deque()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        empty = blank = 0
        while line := self._next():
            self._number += 1
            if line.strip(self._nothing):
                yield self._number, line
                empty = blank = 0
                continue
            empty, blank = empty + 1, blank + len(line)
            if empty > _EMPTY or blank > _BLANK:
                raise Invalid("The table goes on without holding anything.", hint="Save it without its empty rows.", code="empty_table")

    def whole(self, line: str) -> str:
        """The line with those that its open quote goes over; by itself, and so broken, where nothing closes it."""
        if len(line) >= LONGEST:
            raise Unreadable("line_too_long", f"a line has at most {LONGEST:,} characters")
        if line.count('"') % 2 == 0:
            return line
        more: list[str] = []
        while len(more) < _LINES and (further := self._next()):
            more.append(further)
            if further.count('"') % 2:
                self._number += len(more)
                return line + "".join(more)
        self._ahead.extendleft(reversed(more))
        return line

    def _next(self) -> str:
        if self._ahead:
            return self._ahead.popleft()
        line = rest = self._file.readline(LONGEST)
        passed = 0
        while len(rest) >= LONGEST and not rest.endswith("\n"):
            rest = self._file.readline(LONGEST)
            passed += len(rest)
            if passed > _ENDLESS:
                raise TooLarge("A line of the table is longer than any can be.", hint="Save the table again.", code="line_too_long")
        return line


def _row(line: str, shape: Layout) -> dict[str, str] | Unreadable:
    cells = _cells(line, shape.delimiter)
    most = len(cells)
    if most < len(shape.columns):
        for what, missing in _NEEDED.items():
            if shape.columns[what] >= most:
                return missing
    return {what: cells[place].strip() for what, place in shape.columns.items() if place < most}


def _cells(line: str, delimiter: str) -> list[str]:
    """Without a quote the same as with ``csv``, in a fifth of the time; spaces around cells are dropped later."""
    quotes = line.count('"')
    if not quotes:
        return line.split(delimiter)
    try:
        if quotes % 2 == 0:
            return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    except (csv.Error, StopIteration):
        pass
    raise Unreadable("broken_line", "the quotes of this line do not match")
