"""Sessions of logged-in browsers, kept on the server, and the failures that slow a guesser down. All times in ms."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from healthbox.config import Settings

_DAY = 86_400_000
TOUCH_MS = 60_000
FAILURES_KEPT_MS = _DAY

_SELECT = "SELECT id, account_id, csrf, created_at, seen_at, agent FROM session"
_LIVES = "seen_at > ? AND created_at > ?"


class Session(msgspec.Struct, frozen=True):
    """``id`` is the SHA-256 of the cookie, so the table opens no door; ``csrf`` goes into the forms; ``agent`` names the browser."""

    id: bytes
    account_id: int
    csrf: str
    created_at: int
    seen_at: int
    agent: str


def create_session(connection: Connection, account_id: int, agent: str, now: int) -> tuple[Session, str]:
    """A new session and its cookie. Called at every login: an id from before it is never kept."""
    cookie = secrets.token_urlsafe(32)
    session = Session(_hash(cookie), account_id, secrets.token_urlsafe(24), now, now, agent[:200])
    connection.exec_driver_sql(
        "INSERT INTO session (id, account_id, csrf, created_at, seen_at, agent) VALUES (?, ?, ?, ?, ?, ?)",
        (session.id, session.account_id, session.csrf, session.created_at, session.seen_at, session.agent),
    )
    return session, cookie


def find_session(connection: Connection, cookie: str, now: int, given: Settings) -> Session | None:
    """The session of a cookie, unless it was idle or is old for as long as is ``given``."""
    row = connection.exec_driver_sql(f"{_SELECT} WHERE id = ? AND {_LIVES}", (_hash(cookie), *_since(now, given))).first()
    return _session(row) if row else None


def seen_is_due(session: Session, now: int) -> bool:
    """Whether ``touch_session`` would write: asked before a write transaction is opened for it."""
    return now - session.seen_at >= TOUCH_MS


def touch_session(connection: Connection, session_id: bytes, now: int) -> None:
    """Note that a session is in use, at most once a minute."""
    connection.exec_driver_sql("UPDATE session SET seen_at = ? WHERE id = ? AND seen_at <= ?", (now, session_id, now - TOUCH_MS))


def list_sessions(connection: Connection, account_id: int, now: int, given: Settings) -> list[Session]:
    """The live ones, the last used first."""
    rows = connection.exec_driver_sql(
        f"{_SELECT} WHERE account_id = ? AND {_LIVES} ORDER BY seen_at DESC, id", (account_id, *_since(now, given))
    )
    return [_session(row) for row in rows]


def revoke_session(connection: Connection, account_id: int, session_id: bytes) -> bool:
    """End one session of an account; False when it has no such session."""
    return connection.exec_driver_sql("DELETE FROM session WHERE id = ? AND account_id = ?", (session_id, account_id)).rowcount > 0


def revoke_all(connection: Connection, account_id: int, keep: bytes | None = None) -> int:
    """End every session of an account but ``keep``; how many."""
    return connection.exec_driver_sql("DELETE FROM session WHERE account_id = ? AND id IS NOT ?", (account_id, keep)).rowcount


def note_failure(connection: Connection, who: str, now: int) -> None:
    """A failed login of ``who`` (the caller's name for an account and address). Stored as a hash: people type passwords there."""
    connection.exec_driver_sql("INSERT INTO login_failure VALUES (?, ?)", (_who(who), now))


def failures(connection: Connection, who: str, since: int) -> list[int]:
    """When ``who`` failed after ``since``, oldest first."""
    rows = connection.exec_driver_sql("SELECT at FROM login_failure WHERE who = ? AND at > ? ORDER BY at", (_who(who), since))
    return [int(at) for at in rows.scalars()]


def forgive(connection: Connection, who: str) -> None:
    """Forget the failures of ``who``: after a login that succeeded."""
    connection.exec_driver_sql("DELETE FROM login_failure WHERE who = ?", (_who(who),))


def clean_up(connection: Connection, now: int, given: Settings) -> None:
    """Drop sessions that are over and failures older than a day."""
    connection.exec_driver_sql(f"DELETE FROM session WHERE NOT ({_LIVES})", _since(now, given))
    connection.exec_driver_sql("DELETE FROM login_failure WHERE at <= ?", (now - FAILURES_KEPT_MS,))


def _since(now: int, given: Settings) -> tuple[int, int]:
    """When a session that lives was seen, and made, at the earliest."""
    return now - given.session_idle_days * _DAY, now - given.session_max_days * _DAY


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()


def _who(who: str) -> str:
    return _hash(who.casefold()).hex()[:32]


def _session(row: Sequence[Any]) -> Session:
    return Session(*row)
