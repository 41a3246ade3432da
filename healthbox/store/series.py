"""Series = (person, metric, source), and the small tables that rows point into: zones and metadata."""

from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.domain.records import metadata_text
from healthbox.store.engine import driver

_SHARED = 200  # a longer text is hardly ever said twice in one go
_UNUSED = (
    "FROM meta WHERE id NOT IN (SELECT meta_id FROM sample WHERE meta_id IS NOT NULL) "
    "AND id NOT IN (SELECT meta_id FROM set_aside WHERE meta_id IS NOT NULL)"
)


class Series(NamedTuple):
    id: int
    metric: str
    source_id: int
    longest: int
    zoned: bool


class Registry:
    """Finds or makes series, zone and metadata rows inside one write transaction, remembering them meanwhile."""

    def __init__(self, c: Connection, person_id: int) -> None:
        self._c = c
        self._person = person_id
        self._series: dict[tuple[str, int], int] = {}
        self._zones: dict[str, int] = {}
        self._metas: dict[str, int] = {}
        self._seen: dict[tuple[tuple[str, Any], ...], int] = {}

    def series(self, metric: str, source_id: int) -> int:
        key = (metric, source_id)
        if key not in self._series:
            self._c.exec_driver_sql(
                "INSERT OR IGNORE INTO series (person_id, metric, source_id) VALUES (?,?,?)", (self._person, metric, source_id)
            )
            self._series[key] = self._c.exec_driver_sql(
                "SELECT id FROM series WHERE person_id=? AND metric=? AND source_id=?", (self._person, metric, source_id)
            ).scalar_one()
        return self._series[key]

    def zone(self, name: str | None) -> int | None:
        if not name:
            return None
        if name not in self._zones:
            self._zones[name] = _interned(self._c, "zone", "name", name)
        return self._zones[name]

    def meta(self, data: dict[str, Any] | None) -> int | None:
        if not data:
            return None
        if not all(type(value) is str for value in data.values()):  # for Python 1 and true are the same
            return self.meta_text(metadata_text(data))
        seen = tuple(data.items())  # the same few over and over: not worth writing out each time
        found = self._seen.get(seen)
        if found is None:
            found = self._seen[seen] = self.meta_text(metadata_text(data))
        return found

    def meta_text(self, text: str) -> int:
        """The same for what ``metadata_text`` made of it."""
        found = self._metas.get(text)
        if found is None:
            found = _interned(self._c, "meta", "json", text)
            if len(text) <= _SHARED:
                self._metas[text] = found
        return found


def has_unused_metas(c: Connection) -> bool:
    """Whether ``drop_unused_metas`` would find any; it reads every sample."""
    return c.exec_driver_sql(f"SELECT 1 {_UNUSED} LIMIT 1").first() is not None


def drop_unused_metas(c: Connection) -> None:
    """Metadata that no sample refers to any more. It reads every sample: a sample's key is too long for an index by metadata."""
    c.exec_driver_sql(f"DELETE {_UNUSED}")


def _interned(c: Connection, table: str, column: str, value: str) -> int:
    beneath = driver(c)
    made = beneath.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?) RETURNING id", (value,)).fetchone()
    return int((made or beneath.execute(f"SELECT id FROM {table} WHERE {column}=?", (value,)).fetchone())[0])


def of_metric(c: Connection, person_id: int, metric: str) -> list[Series]:
    rows = c.exec_driver_sql(
        "SELECT id, metric, source_id, longest, zoned FROM series WHERE person_id=? AND metric=? ORDER BY id", (person_id, metric)
    ).fetchall()
    return [Series(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def zone_names(c: Connection) -> dict[int, str]:
    return {row[0]: row[1] for row in c.exec_driver_sql("SELECT id, name FROM zone").fetchall()}
