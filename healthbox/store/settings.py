"""Small facts about this installation: the epoch clients compare, the one-use setup token, when it was restored."""

import hashlib
import hmac
import secrets

from sqlalchemy import Connection

EPOCH = "epoch"
RESTORED_AT = "restored_at"
RESTORED_FROM = "restored_from"  # the instant (ms) of the backup: phones resend from there
VAULT_LOST = "vault_lost"
SETUP = "setup_token"


def get(connection: Connection, name: str) -> str | None:
    return connection.exec_driver_sql("SELECT value FROM setting WHERE name = ?", (name,)).scalar()


def put(connection: Connection, name: str, value: str) -> None:
    connection.exec_driver_sql("INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def drop(connection: Connection, name: str) -> None:
    connection.exec_driver_sql("DELETE FROM setting WHERE name = ?", (name,))


def new_epoch() -> str:
    return secrets.token_hex(8)


def ensure_epoch(connection: Connection) -> str:
    """The epoch, made when there is none: right after the first migration."""
    connection.exec_driver_sql("INSERT INTO setting VALUES (?, ?) ON CONFLICT DO NOTHING", (EPOCH, new_epoch()))
    return epoch(connection)


def epoch(connection: Connection) -> str:
    """Random; changes when the database was restored, so that a client knows its anchors may lie ahead of the data."""
    return str(get(connection, EPOCH))


def restored_from(connection: Connection) -> int | None:
    """Milliseconds of the backup that this database was restored from, None when it never was."""
    value = get(connection, RESTORED_FROM)
    return None if value is None else int(value)


def open_setup(connection: Connection) -> str | None:
    """A fresh setup token (192 bits; only its hash is kept) while there is no account yet, else None."""
    if connection.exec_driver_sql("SELECT 1 FROM account LIMIT 1").first():
        drop(connection, SETUP)
        return None
    token = secrets.token_urlsafe(24)
    put(connection, SETUP, hashlib.sha256(token.encode()).hexdigest())
    return token


def is_setup_token(connection: Connection, token: str) -> bool:
    """Whether the token opens the setup page; it is not used up by this."""
    kept = get(connection, SETUP)
    return kept is not None and hmac.compare_digest(kept, hashlib.sha256(token.encode()).hexdigest())


def claim_setup(connection: Connection, token: str) -> bool:
    """Use the setup token up. True exactly once: call it in the transaction that adds the first account."""
    if not is_setup_token(connection, token):
        return False
    drop(connection, SETUP)
    return True
