"""People: whose data it is, their preferences and the history of where their days are counted."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.store.engine import AnyConnection, driver
from healthbox.store.series import drop_unused_metas

UNITS = ("metric", "imperial")
NAME_LENGTH = 100

_SELECT = """SELECT id, name, units, locale, demo,
  (SELECT zone FROM person_zone WHERE person_id = person.id ORDER BY since DESC LIMIT 1), created_at FROM person"""

# Clustered by series and too many for a foreign key each: these go by hand.
_BY_SERIES = ("sample", "long_sample", "also_uuid", "point_set", "gone", "sleep_stage")


class Person(msgspec.Struct, frozen=True):
    """``zone`` is the latest IANA zone of the history; ``created_at`` in ms."""

    id: int
    name: str
    units: str
    locale: str
    demo: bool
    zone: str
    created_at: int


def add_person(connection: Connection, name: str, zone: str, now: int, *, demo: bool = False) -> Person:
    """A new person whose days are counted in ``zone`` from the beginning. Raises ``Conflict`` for a name that is taken."""
    name = _free_name(connection, name)
    check_zone(zone)
    made = connection.exec_driver_sql(
        "INSERT INTO person (name, demo, created_at) VALUES (?, ?, ?) RETURNING id", (name, demo, now)
    ).scalar_one()
    connection.exec_driver_sql("INSERT INTO person_zone VALUES (?, 0, ?)", (made, zone))
    return get_person(connection, int(made))


def list_persons(connection: Connection) -> list[Person]:
    return [_person(row) for row in connection.exec_driver_sql(f"{_SELECT} ORDER BY name COLLATE NOCASE, id")]


def get_person(connection: Connection, key: int | str) -> Person:
    """By id, or by name in any case. Raises ``NotFound``."""
    where = "id = ?" if isinstance(key, int) else "name = ? COLLATE NOCASE"
    row = connection.exec_driver_sql(f"{_SELECT} WHERE {where}", (key,)).first()
    if row is None:
        raise NotFound("There is no such person.", hint="See: healthbox person list")
    return _person(row)


def rename(connection: Connection, person_id: int, name: str) -> Person:
    get_person(connection, person_id)
    connection.exec_driver_sql("UPDATE person SET name = ? WHERE id = ?", (_free_name(connection, name, person_id), person_id))
    return get_person(connection, person_id)


def update(connection: Connection, person_id: int, *, units: str | None = None, locale: str | None = None) -> Person:
    """Change preferences; None leaves one as it is."""
    if units is not None and units not in UNITS:
        raise Invalid("Units are 'metric' or 'imperial'.")
    connection.exec_driver_sql(
        "UPDATE person SET units = coalesce(?, units), locale = coalesce(?, locale) WHERE id = ?", (units, locale, person_id)
    )
    return get_person(connection, person_id)


def remove(connection: Connection, person_id: int) -> list[str]:
    """Everything of a person, accounts too, zeroed in the file. The spool files to delete once this is committed."""
    get_person(connection, person_id)
    mine = "SELECT id FROM account WHERE person_id = ?"
    admins = "SELECT 1 FROM account WHERE admin"
    if (
        connection.exec_driver_sql(f"{admins} AND id IN ({mine})", (person_id,)).first()
        and connection.exec_driver_sql("SELECT 1 FROM account WHERE person_id IS NOT ?", (person_id,)).first()
        and not connection.exec_driver_sql(f"{admins} AND id NOT IN ({mine})", (person_id,)).first()
    ):
        raise Conflict("This person has the last admin account.", hint="Make another account an admin first.")
    spool = connection.exec_driver_sql(
        "SELECT spool FROM chunk JOIN batch ON batch.id = batch_id WHERE person_id = ? AND spool IS NOT NULL", (person_id,)
    )
    names = [str(name) for name in spool.scalars()]
    standing = connection.exec_driver_sql("PRAGMA secure_delete").scalar()
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    for table in _BY_SERIES:
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE series_id IN (SELECT id FROM series WHERE person_id = ?)", (person_id,))
    connection.exec_driver_sql("DELETE FROM person WHERE id = ?", (person_id,))
    drop_unused_metas(connection)
    connection.exec_driver_sql(f"PRAGMA secure_delete={standing}")
    return names


def zone_history(connection: Connection, person_id: int) -> list[tuple[int, str]]:
    """(since in ms, IANA zone), oldest first; the first is since 0."""
    rows = connection.exec_driver_sql("SELECT since, zone FROM person_zone WHERE person_id = ? ORDER BY since", (person_id,))
    return [(since, zone) for since, zone in rows]


def get_zone(connection: AnyConnection, person_id: int) -> str:
    """The latest IANA zone of the history. Raises ``NotFound``."""
    newest = "SELECT zone FROM person_zone WHERE person_id = ? ORDER BY since DESC LIMIT 1"
    row = driver(connection).execute(newest, (person_id,)).fetchone()
    if row is None:
        raise NotFound("There is no such person.", hint="See: healthbox person list")
    return str(row[0])


def set_zone(connection: Connection, person_id: int, zone: str, since: int) -> None:
    """Count days in ``zone`` from the instant ``since`` (ms) until the next change. The days this touches are the caller's to mark."""
    get_person(connection, person_id)
    check_zone(zone)
    connection.exec_driver_sql(
        "INSERT INTO person_zone VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET zone = excluded.zone", (person_id, since, zone)
    )


def check_zone(zone: str) -> None:
    """Raises ``Invalid`` for a name that is no IANA zone."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError; a folder's name an OSError
        raise Invalid(f"{zone[:60]!r} is no time zone.", hint="Use a name such as Europe/Berlin.") from error


def _free_name(connection: Connection, name: str, person_id: int | None = None) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A name has 1 to {NAME_LENGTH} printable characters.")
    if connection.exec_driver_sql("SELECT 1 FROM person WHERE name = ? COLLATE NOCASE AND id IS NOT ?", (name, person_id)).first():
        raise Conflict(f"There already is a person named {name}.")
    return name


def _person(row: Sequence[Any]) -> Person:
    identity, name, units, locale, demo, zone, created_at = row
    return Person(identity, name, units, locale, bool(demo), zone, created_at)
