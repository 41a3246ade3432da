from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from place import PASSWORD, Clock, Place

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.store import accounts, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.web import passwords
from healthbox.web.application import create_app


@pytest.fixture(scope="session")
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Builds an application over an empty database; keyword arguments are settings."""
    opened: list[Database] = []

    def make(**given: object) -> Place:
        settings = Settings(**{"data": tmp_path, "min_free_mb": 0, "ballast_mb": 0, **given})  # type: ignore[arg-type]
        if not opened:
            opened.append(Database(tmp_path))
            upgrade(opened[0])
        rings: list[int] = []
        clock = Clock()
        door = Door(opened[0], settings, lambda: rings.append(clock()))
        return Place(settings, opened[0], create_app(settings, opened[0], door, clock=clock), clock, rings)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def furnished(build: Callable[..., Place], password_hash: str) -> Callable[..., Place]:
    def make(**given: object) -> Place:
        place = build(**given)
        with place.database.writing() as c:
            for name, login, admin in (("Alice", "alice", True), ("Bob", "bob", False)):
                person = people.add_person(c, name, "Europe/Berlin", place.clock())
                place.persons[name] = person.id
                accounts.add_account(c, login, password_hash, person.id, admin, place.clock())
        return place

    return make


@pytest.fixture
def place(furnished: Callable[..., Place]) -> Place:
    return furnished()
