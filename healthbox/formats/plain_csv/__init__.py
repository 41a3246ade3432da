"""Plain CSV, as people make it themselves: ``metric,date,value[,unit,source]``, a header row first.

The columns may stand in any order under any of the usual names ("type", "timestamp", "quantity", "device" ...; ``table``), beside
others that are passed over; ``end`` and ``uuid`` are understood too. Cells are separated by comma, semicolon, tab or bar; where it
is not the comma, a single comma in a number is its decimal mark. The text is UTF-8, or UTF-16 with its mark.

``date`` decides what a line is:

* a time: a reading (a sample), or with ``end`` an interval, or with a sleep stage for a value a stage of a night. A time without
  an offset is in the zone of the person.
* a date alone: the value of that whole day, as a *bucket* of the day. Not a stated total: that is the word of the system that
  measured, which outranks what it knows in detail, and a spreadsheet has no such standing. It makes the day, also of a weight,
  where nothing finer covers it better, and no time of day is made up for it. The same metric and date again, in this file or a
  later one, replaces it; nothing is added up.

01/02/2026 may be either day. A date with slashes or dashes is read as the whole file decides: one 14/02 in it says that days come
first, one 02/14 that months do; if nothing says it, or both are there, such lines are refused. With dots days come first.

A metric may be called as in any vocabulary we know, Apple's identifiers and the words of the Health app among them, also with a
unit behind it ("weight_kg"). A percent under one of Apple's identifiers is a fraction, as it is with Apple. As for Shortcuts, no
unit is guessed: a value that would be unclear without one is kept under a name of its own until a person says what it is.
"""

from collections.abc import Iterator
from pathlib import Path

from healthbox.domain.records import Record, Rejected
from healthbox.formats.contract import Envelope, FileFormat, Tell, untold
from healthbox.formats.plain_csv.dates import DayOrder
from healthbox.formats.plain_csv.lines import line
from healthbox.formats.plain_csv.table import Row, layout, rows
from healthbox.formats.wire import Unreadable, rejected


def claims(path: Path) -> bool:
    return layout(path) is not None


def records(path: Path, envelope: Envelope, tell: Tell = untold) -> Iterator[Record]:
    shape = layout(path)
    if shape is None:
        return
    order = DayOrder(path, shape)
    for row in rows(path, shape, tell):
        if isinstance(row.cells, Unreadable):
            yield _refused(row, row.cells)
            continue
        try:
            made = list(line(row.cells, _at(row), envelope.zone, order, decimal_comma=shape.delimiter != ","))
        except Unreadable as problem:
            made = [_refused(row, problem)]
        yield from made


def _at(row: Row) -> str:
    return f"line {row.line}"


def _refused(row: Row, problem: Unreadable) -> Rejected:
    return rejected(_at(row), problem.code, problem.reason, row.raw)


FILE_FORMAT = FileFormat(
    name="plain-csv",
    looks_for='a table as text whose first line names the columns "metric", "date" and "value"',
    claims=claims,
    records=records,
)
