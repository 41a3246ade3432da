"""What leaves as an SQLite file of its own, for other programs to read."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlite_utils import Database

BATCH = 1_000


def write_tables(path: Path, tables: Iterable[tuple[str, dict[str, type], Iterable[Sequence[Any]]]]) -> None:
    """A new file with one table each: (name, columns with their types, rows). It is made whole or thrown away: no journal."""
    database = Database(path)
    try:
        database.conn.execute("PRAGMA journal_mode=OFF")
        database.conn.execute("PRAGMA synchronous=OFF")
        for name, columns, rows in tables:
            table = database.table(name)
            table.create(columns)
            table.insert_all(_named(list(columns), rows), batch_size=BATCH)
    finally:
        database.close()


def _named(columns: list[str], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    return (dict(zip(columns, row, strict=True)) for row in rows)
