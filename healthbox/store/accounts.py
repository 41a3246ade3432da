"""Accounts: who logs in. Password hashes are made and checked above; here they only lie."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import Conflict, Invalid, NotFound

LOGIN_LENGTH = 100
_SELECT = "SELECT id, login, person_id, admin, theme, created_at FROM account"


class Account(msgspec.Struct, frozen=True):
    """``person_id`` is whose data it sees, None for one that only manages; ``theme`` None follows the browser; ``created_at`` in ms."""

    id: int
    login: str
    person_id: int | None
    admin: bool
    theme: str | None
    created_at: int


def add_account(connection: Connection, login: str, password_hash: str, person_id: int | None, admin: bool, now: int) -> Account:
    """Raises ``Conflict`` for a login that is taken, in any case."""
    login = login.strip()
    if not 0 < len(login) <= LOGIN_LENGTH or not login.isprintable():
        raise Invalid(f"A login has 1 to {LOGIN_LENGTH} printable characters.")
    if find_account(connection, login):
        raise Conflict(f"There already is an account {login}.")
    made = connection.exec_driver_sql(
        "INSERT INTO account (login, password, admin, person_id, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (login, password_hash, admin, person_id, now),
    ).scalar_one()
    return get_account(connection, int(made))


def find_account(connection: Connection, login: str) -> Account | None:
    """By login, in any case."""
    row = connection.exec_driver_sql(f"{_SELECT} WHERE login = ?", (login.strip(),)).first()
    return _account(row) if row else None


def get_account(connection: Connection, account_id: int) -> Account:
    row = connection.exec_driver_sql(f"{_SELECT} WHERE id = ?", (account_id,)).first()
    if row is None:
        raise NotFound("There is no such account.", hint="See: healthbox account list")
    return _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    return [_account(row) for row in connection.exec_driver_sql(f"{_SELECT} ORDER BY login")]


def count_accounts(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM account").scalar_one())


def password_hash(connection: Connection, account_id: int) -> str:
    """Kept out of ``Account``, so that it is in no repr and no log."""
    return str(connection.exec_driver_sql("SELECT password FROM account WHERE id = ?", (account_id,)).scalar_one())


def set_password(connection: Connection, account_id: int, password_hash: str) -> None:
    """Keep a new hash. Sessions stay: end them with ``logins.revoke_all``."""
    get_account(connection, account_id)
    connection.exec_driver_sql("UPDATE account SET password = ? WHERE id = ?", (password_hash, account_id))


def set_theme(connection: Connection, account_id: int, theme: str | None) -> None:
    connection.exec_driver_sql("UPDATE account SET theme = ? WHERE id = ?", (theme, account_id))


def remove_account(connection: Connection, account_id: int) -> None:
    """The account and its sessions; the person's data stays. The last admin cannot go."""
    get_account(connection, account_id)
    _keep_an_admin(connection, account_id)
    connection.exec_driver_sql("DELETE FROM account WHERE id = ?", (account_id,))


def _keep_an_admin(connection: Connection, account_id: int) -> None:
    if not connection.exec_driver_sql("SELECT 1 FROM account WHERE admin AND id <> ?", (account_id,)).first():
        raise Conflict("This is the last admin account.", hint="Make another account an admin first.")


def _account(row: Sequence[Any]) -> Account:
    identity, login, person_id, admin, theme, created_at = row
    return Account(identity, login, person_id, bool(admin), theme, created_at)
