"""Held: which samples a file held, noted beside the database while it is read, so that what it lacks can be told afterwards.

A file of its own, in the spool: as large as the export needs, read again in windows of time, thrown away when it has been used.
What is written twice after a crash stands there once. Each ``add`` is on the disk before the step that it belongs to is.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

_CACHE_KB = 8_000


def make(path: Path) -> None:
    with closing(_open(path)) as connection:
        connection.execute(
            'CREATE TABLE IF NOT EXISTS held (series_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, '
            'value REAL, PRIMARY KEY (series_id, start, "end", value)) WITHOUT ROWID'
        )


def add(path: Path, rows: Iterable[tuple[int, int, int, float]]) -> None:
    """(series, start s, end s, value in the canonical unit); a value of infinity stands for any."""
    with closing(_open(path)) as connection, connection:
        connection.executemany("INSERT OR IGNORE INTO held VALUES (?,?,?,?)", rows)


def following(path: Path, series_id: int) -> tuple[int, int, int] | None:
    """(series, first start, last start) in seconds of the first series from this one on that the file held anything of."""
    with closing(_open(path)) as connection:
        (found,) = connection.execute("SELECT min(series_id) FROM held WHERE series_id>=?", (series_id,)).fetchone()
        if found is None:
            return None
        edge = "SELECT start FROM held WHERE series_id=? ORDER BY start {} LIMIT 1"
        return (found, *(connection.execute(edge.format(way), (found,)).fetchone()[0] for way in ("ASC", "DESC")))


def window(path: Path, series_id: int, low: int, high: int) -> dict[tuple[int, int], list[float]]:
    """(start, end) → values of what was held of a series with starts in [low, high) s."""
    found: dict[tuple[int, int], list[float]] = {}
    with closing(_open(path)) as connection:
        query = 'SELECT start, "end", value FROM held WHERE series_id=? AND start>=? AND start<?'
        for start, end, value in connection.execute(query, (series_id, low, high)):
            found.setdefault((start, end), []).append(value)
    return found


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
