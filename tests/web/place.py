"""The stage of the web tests: an application, its people, their tokens and browsers."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient

from healthbox.config import Settings
from healthbox.store import accounts, devices, logins
from healthbox.store.engine import Database

PASSWORD = "correct horse"
NOON = 1_763_640_000_000  # 2025-11-20 12:00 UTC


@dataclass
class Clock:
    at: int = NOON

    def __call__(self) -> int:
        return self.at


@dataclass
class Browser:
    """A browser that is logged in, and the token that its forms carry."""

    client: FlaskClient
    csrf: str
    account_id: int


@dataclass
class Place:
    """An application over a fresh database with Alice, who is admin, and Bob."""

    settings: Settings
    database: Database
    app: Flask
    clock: Clock
    rings: list[int] = field(default_factory=list)
    persons: dict[str, int] = field(default_factory=dict)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def token(self, name: str = "Alice", *scopes: str) -> str:
        with self.database.writing() as c:
            return devices.add_device(c, self.persons[name], "Phone", list(scopes or ("ingest", "read")), self.clock())[1]

    def bearer(self, name: str = "Alice", *scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(name, *scopes)}"}

    def browser(self, login: str = "alice", *, name: str = "healthbox") -> Browser:
        with self.database.writing() as c:
            account = accounts.find_account(c, login)
            assert account is not None
            session, cookie = logins.create_session(c, account.id, "test", self.clock())
        client = self.client()
        client.set_cookie(name, cookie)
        return Browser(client, session.csrf, account.id)
