"""Reading a database that somebody else wrote: the one place outside ``store`` that speaks SQL, and it can only read.

The file is opened read-only and immutable. Only real tables are seen: a view, a virtual table or a generated column is never
asked, an authorizer allows nothing but reading columns, and no row may take longer than a scan can. Tables are read in the order
of their row ids, which must rise: a b-tree that runs in a circle ends there. Behind a row that is too large, or a page that is
damaged, reading goes on, up to ``FAULTS`` times a file.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from healthbox.domain.errors import Invalid
from healthbox.formats.hc_backup import head
from healthbox.formats.hc_backup.unpack import unpacked

Row = dict[str, Any]
Runs = dict[Any, list[tuple[int, int]]]

CELL = 1 << 20  # bytes of the largest text or blob that is read
STATEMENT = 64 << 10
RUNS = 200_000  # a session's points stand side by side: one run each
FAULTS = 10_000  # refusals of SQLite after which a damaged file is given up
_ALL = (-(2**63), 2**63 - 1)
_RUN = " WHERE t.rowid BETWEEN ? AND ? ORDER BY t.rowid"
_FIRST = f"{_RUN} LIMIT 1"
_OPS, _CALLS = 20_000, 200  # no row takes more than so many steps of SQLite's machine: about a tenth of a second
_BROKEN = (sqlite3.Error, ValueError)  # also what sqlite3 makes of an error that quotes bytes which are no text
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class Broken(Exception):
    """A table is at its end, and not all of it could be read: row ids of rows ``too_large``, and whether more is ``damaged``."""

    def __init__(self, *, damaged: bool = False) -> None:
        super().__init__()
        self.too_large: list[int] = []
        self.damaged = damaged


@contextmanager
def opened(path: Path) -> Iterator["Backup"]:
    """Health Connect's database, bare or in its zip. Raises ``Invalid`` when it is none, is damaged or a trap."""
    with unpacked(path) as (file, forget):
        with file.open("rb") as raw:
            head.check_schema(raw)
        try:
            connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
            )
        except _BROKEN as problem:
            raise head.trap() from problem
        with closing(connection):
            try:
                backup = Backup(connection)
            except _BROKEN as problem:
                raise head.trap() from problem
            forget()
            yield backup


class Backup:
    """``columns``: of each table, by name. A wanted column that is not there is None in every row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._calls, self._faults = connection, 0, 0
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, STATEMENT)
        connection.set_progress_handler(self._count, _OPS)
        for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")
        named = connection.execute("SELECT name, sql FROM sqlite_master WHERE type='table' ORDER BY name").fetchall()
        plain = [str(name) for name, sql in named if str(sql).upper().startswith("CREATE TABLE")]
        if head.APPS not in plain:
            raise head.trap()
        self.columns = {
            name: [str(row[1]) for row in connection.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()] for name in plain
        }
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)

    def last(self, table: str) -> int:
        """The highest row id, 0 for an empty or unreadable table."""
        try:
            row = self._connection.execute(f"SELECT rowid FROM {_quoted(table)} ORDER BY rowid DESC LIMIT 1").fetchone()  # noqa: S608
        except _BROKEN:
            return 0
        return row[0] if row and isinstance(row[0], int) else 0

    def rows(self, table: str, wanted: Sequence[str] | None = None, run: tuple[int, int] | None = None) -> Iterator[tuple[int, Row]]:
        """(row id, columns by name), all or a run of row ids. Raises ``Broken`` at the end when some could not be read."""
        names = self.columns[table] if wanted is None else [name for name in wanted if name in self.columns[table]]
        missing = {} if wanted is None else dict.fromkeys(wanted)
        listed = ", ".join(["t.rowid", *(f"t.{_quoted(name)}" for name in names)])
        query = f"SELECT {listed} FROM {_quoted(table)} AS t"  # noqa: S608 - names of this file's own schema
        for row in self._steps(table, query, run or _ALL):
            yield row[0], missing | dict(zip(names, row[1:], strict=True))

    def points(self, child: str, parent: str, wanted: Sequence[str], known: Sequence[str]) -> Iterator[tuple[int, Row]]:
        """The rows of a child table, each with the ``known`` columns of its parent, all None where there is no such parent."""
        own = [name for name in wanted if name in self.columns[child]]
        theirs = [name for name in known if name in self.columns[parent]]
        listed = ", ".join(["t.rowid", *(f"t.{_quoted(name)}" for name in own), *(f"p.{_quoted(name)}" for name in theirs)])
        query = (
            f"SELECT {listed} FROM {_quoted(child)} AS t LEFT JOIN {_quoted(parent)} AS p "  # noqa: S608 - as above
            f"ON p.rowid = t.{_quoted(self.key(child))}"
        )
        missing: Row = dict.fromkeys([*wanted, *known])
        for row in self._steps(child, query, _ALL):
            yield row[0], missing | dict(zip([*own, *theirs], row[1:], strict=True))

    def runs(self, child: str) -> tuple[Runs, bool]:
        """Where each parent's rows stand in a child table, which has no index on them: parent's row id → runs of row ids; and
        whether that is all of the table."""
        found: Runs = {}
        count, before = 0, None
        try:
            for number, row in self.rows(child, [self.key(child)]):
                parent = row[self.key(child)]
                if count and parent == before:
                    found[parent][-1] = (found[parent][-1][0], number)
                    continue
                found.setdefault(parent, []).append((number, number))
                count, before = count + 1, parent
                if count > RUNS:
                    return found, False
        except Broken:
            return found, False
        return found, True

    def key(self, child: str) -> str:
        """The column of a child table that holds its parent's row id."""
        return "parent_id" if "parent_id" in self.columns[child] else "parent_key"

    def _steps(self, table: str, query: str, run: tuple[int, int]) -> Iterator[tuple[Any, ...]]:
        (low, high), lost, alone = run, Broken(), False
        while low <= high:
            try:
                for row in self._asked(query + (_FIRST if alone else _RUN), low, high):
                    if not isinstance(row[0], int) or row[0] < low:
                        lost.damaged, high = True, low - 1
                        break
                    low = row[0] + 1
                    yield row
            except _BROKEN as problem:
                if self._faults > FAULTS:
                    lost.damaged = True
                    break
                if alone:
                    low = self._behind(problem, table, low, high, lost)
                alone = not alone  # sqlite3 steps a row ahead, so the good row before a bad one is lost with it: it is asked for alone
            else:
                if not alone:
                    break
                alone = False
        if lost.damaged or lost.too_large:
            raise lost

    def _behind(self, problem: Exception, table: str, low: int, high: int, lost: Broken) -> int:
        """The first row from ``low`` on cannot be read: note what is lost, and tell the row id from which to go on."""
        query = f"SELECT t.rowid FROM {_quoted(table)} AS t{_FIRST}"  # noqa: S608 - as above
        try:
            number = next(iter(list(self._asked(query, low, high))), (None,))[0]
        except _BROKEN:
            lost.damaged = True
            return self._beyond(query, low, high)
        if not isinstance(number, int) or number < low:
            lost.damaged = True
            return high + 1
        if isinstance(problem, sqlite3.DataError):  # what sqlite3 makes of SQLITE_TOOBIG alone
            lost.too_large.append(number)
        else:
            lost.damaged = True
        return number + 1

    def _beyond(self, query: str, low: int, high: int) -> int:
        """A page is damaged: the first row id above ``low`` that leads to another one, by doubling and then halving the distance."""
        bad, step = low, 1
        while (good := min(low + step, high)) > bad and not self._leads(query, good, high):
            bad, step = good, 2 * step
        if good == bad:
            return high + 1
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if self._leads(query, middle, high) else (middle, good)
        return good

    def _leads(self, query: str, low: int, high: int) -> bool:
        try:
            list(self._asked(query, low, high))
        except _BROKEN:
            return False
        return True

    def _asked(self, query: str, low: int, high: int) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(self._connection.cursor()) as cursor:
                self._calls = 0
                cursor.execute(query, (low, high))
                for row in cursor:
                    yield row
                    self._calls = 0
        except _BROKEN as problem:
            if self._calls > _CALLS:
                raise Invalid(
                    "The database in this backup never ends.",
                    hint="Let Health Connect write a new backup and send that one.",
                    code="endless_database",
                ) from problem
            self._faults += 1
            raise

    def _count(self) -> int:
        self._calls += 1
        return int(self._calls > _CALLS)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
