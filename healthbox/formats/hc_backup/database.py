"""Reading a database that somebody else wrote: the one place outside ``store`` that speaks SQL, and it can only read.

The file is opened read-only and immutable. Only real tables are seen: a view, a virtual table or a generated column is never
asked, an authorizer allows nothing but reading columns, and no row may take longer than a scan can. Tables are read in the order
of their row ids, which must rise: a b-tree that runs in a circle ends there.
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
_OPS, _CALLS = 20_000, 200  # no row takes more than so many steps of SQLite's machine: about a tenth of a second
_BROKEN = (sqlite3.Error, ValueError)  # also what sqlite3 makes of an error that quotes bytes which are no text
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class Broken(Exception):
    """The rest of a table cannot be read."""


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
        self._connection, self._calls = connection, 0
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
        return int(row[0]) if row else 0

    def rows(self, table: str, wanted: Sequence[str] | None = None, run: tuple[int, int] | None = None) -> Iterator[tuple[int, Row]]:
        """(row id, columns by name), all or a run of row ids. Raises ``Broken`` where the table cannot be read any further."""
        names = self.columns[table] if wanted is None else [name for name in wanted if name in self.columns[table]]
        missing = {} if wanted is None else dict.fromkeys(wanted)
        where, values = ("", ()) if run is None else ("WHERE t.rowid BETWEEN ? AND ?", run)
        listed = ", ".join(["t.rowid", *(f"t.{_quoted(name)}" for name in names)])
        query = f"SELECT {listed} FROM {_quoted(table)} AS t {where} ORDER BY t.rowid"  # noqa: S608 - names of this file's own schema
        for row in self._steps(query, values):
            yield row[0], missing | dict(zip(names, row[1:], strict=True))

    def points(self, child: str, parent: str, wanted: Sequence[str], known: Sequence[str]) -> Iterator[tuple[int, Row]]:
        """The rows of a child table, each with the ``known`` columns of its parent, all None where there is no such parent."""
        own = [name for name in wanted if name in self.columns[child]]
        theirs = [name for name in known if name in self.columns[parent]]
        listed = ", ".join(["t.rowid", *(f"t.{_quoted(name)}" for name in own), *(f"p.{_quoted(name)}" for name in theirs)])
        query = (
            f"SELECT {listed} FROM {_quoted(child)} AS t LEFT JOIN {_quoted(parent)} AS p "  # noqa: S608 - as above
            f"ON p.rowid = t.{_quoted(self.key(child))} ORDER BY t.rowid"
        )
        missing: Row = dict.fromkeys([*wanted, *known])
        for row in self._steps(query, ()):
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

    def _steps(self, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        last: int | None = None
        try:
            with closing(self._connection.cursor()) as cursor:
                self._calls = 0
                cursor.execute(query, values)
                for row in cursor:
                    if last is not None and row[0] <= last:
                        raise Broken(query)
                    last = row[0]
                    yield row
                    self._calls = 0
        except _BROKEN as problem:
            if self._calls > _CALLS:
                raise Invalid(
                    "The database in this backup never ends.",
                    hint="Let Health Connect write a new backup and send that one.",
                    code="endless_database",
                ) from problem
            raise Broken(query) from problem

    def _count(self) -> int:
        self._calls += 1
        return int(self._calls > _CALLS)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
