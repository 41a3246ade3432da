"""Devices and their tokens: ``hbx_<id, 8>_<secret, 43><check, 6>``, all base62.

The check digits (CRC-32) let a mistyped token fail without a look-up and let secret scanners recognise one. Of the secret only its
SHA-256 is kept: 256 random bits need no slow hash.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import Invalid, NotFound
from healthbox.store.engine import AnyConnection, driver

SCOPES = ("ingest", "read", "admin")
TOUCH_MS = 60_000  # how often "last used" is worth a write
REFUSED_MS = 5_000  # how often one and the same refusal is
PAIRING_MS = 24 * 3_600_000  # how long after its making a device is watched for refusals
NAME_LENGTH = 100
IMPORTER = "import"  # what files come from that nobody's phone sent

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"hbx_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
_BEGINS = re.compile(r"\s*hbx_([0-9A-Za-z]{8})_", re.ASCII)
_SELECT = (
    "SELECT id, person_id, name, token_id, scopes, created_at, revoked_at, last_used_at, last_contact_at, refused_at, refused FROM device"
)
_WITH_HASH = f"{_SELECT.replace(' FROM', ', token_hash FROM')} WHERE token_id = ?"
_NEW_AND_REFUSED = (
    "token_id=:token AND revoked_at IS NULL AND last_contact_at IS NULL AND created_at>:young "
    "AND (refused_at IS NULL OR refused_at<=:again OR refused<>:status)"
)


class Token(msgspec.Struct, frozen=True):
    """``text`` is shown once and never stored; ``id`` finds the row; ``hash`` is the SHA-256 of the secret."""

    text: str
    id: str
    hash: bytes

    def __repr__(self) -> str:
        return f"Token(id={self.id!r})"


class Device(msgspec.Struct, frozen=True):
    """An uploader of one person. Times in ms; ``last_contact_at`` is the last sync, an empty one too; ``refused`` is an HTTP status."""

    id: int
    person_id: int
    name: str
    token_id: str
    scopes: frozenset[str]
    created_at: int
    revoked_at: int | None
    last_used_at: int | None
    last_contact_at: int | None
    refused_at: int | None
    refused: int | None


def new_token() -> Token:
    identity = "".join(secrets.choice(_DIGITS) for _ in range(8))
    secret = _base62(int.from_bytes(secrets.token_bytes(32)), 43)
    head = f"hbx_{identity}_{secret}"
    return Token(head + _check(head), identity, _hash(secret))


def add_device(connection: Connection, person_id: int, name: str, scopes: list[str], now: int) -> tuple[Device, str]:
    """The device and its token, which is shown now or never."""
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A device's name has 1 to {NAME_LENGTH} printable characters.")
    if not scopes or set(scopes) - set(SCOPES):
        raise Invalid("Unknown scope.", hint=f"Scopes are: {', '.join(SCOPES)}.")
    token = new_token()
    made = connection.exec_driver_sql(
        "INSERT INTO device (person_id, name, token_id, token_hash, scopes, created_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (person_id, name, token.id, token.hash, ",".join(s for s in SCOPES if s in scopes), now),
    ).scalar_one()
    return get_device(connection, int(made)), token.text


def authenticate(connection: AnyConnection, text: str, now: int) -> Device | None:
    """The device of a token that is right and, at ``now`` (ms), not revoked. No look-up for one whose check digits are wrong."""
    match = _SHAPE.fullmatch(text)
    if match is None or _check(text[:-6]) != match[3]:
        return None
    row = driver(connection).execute(_WITH_HASH, (match[1],)).fetchone()
    # an unknown id costs the same comparison as a wrong secret
    if not hmac.compare_digest(row[-1] if row else bytes(32), _hash(match[2])) or row is None:
        return None
    device = _device(row)
    return None if device.revoked_at is not None and device.revoked_at <= now else device


def get_device(connection: Connection, device_id: int) -> Device:
    row = connection.exec_driver_sql(f"{_SELECT} WHERE id = ?", (device_id,)).first()
    if row is None:
        raise NotFound("There is no such device.", hint="See: healthbox token list")
    return _device(row)


def importer(connection: Connection, person_id: int, now: int) -> Device:
    """The person's device for files, made on demand; its token is known to nobody and valid for nothing."""
    for device in list_devices(connection, person_id):
        if device.name == IMPORTER:
            return device
    made, _ = add_device(connection, person_id, IMPORTER, ["ingest"], now)
    return revoke(connection, made.id, now)


def list_devices(connection: Connection, person_id: int | None = None) -> list[Device]:
    """Of one person, or all; the newest last, revoked ones too."""
    rows = connection.exec_driver_sql(f"{_SELECT} WHERE ? IS NULL OR person_id = ? ORDER BY id", (person_id, person_id))
    return [_device(row) for row in rows]


def revoke(connection: Connection, device_id: int, at: int) -> Device:
    """The token stops working at ``at`` (ms), which may lie ahead: a rotated token overlaps. An earlier revocation stands."""
    get_device(connection, device_id)
    connection.exec_driver_sql("UPDATE device SET revoked_at = min(coalesce(revoked_at, ?), ?) WHERE id = ?", (at, at, device_id))
    return get_device(connection, device_id)


def used_is_due(device: Device, now: int) -> bool:
    """Whether ``touch_used`` would write: asked before a write transaction is opened for it."""
    return device.last_used_at is None or now - device.last_used_at >= TOUCH_MS


def touch_used(connection: Connection, device_id: int, now: int) -> bool:
    """Note the use of a token, at most once a minute; says whether it was noted."""
    done = connection.exec_driver_sql(
        "UPDATE device SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)", (now, device_id, now - TOUCH_MS)
    )
    return done.rowcount > 0


def touch_contact(connection: AnyConnection, device_id: int, now: int) -> None:
    driver(connection).execute("UPDATE device SET last_contact_at = max(coalesce(last_contact_at, 0), ?) WHERE id = ?", (now, device_id))


def refusal_is_due(connection: AnyConnection, text: str, status: int, now: int) -> bool:
    """Whether ``note_refusal`` would write for what was sent as a token: not for a device that has been heard, nor for an old one."""
    return driver(connection).execute(f"SELECT 1 FROM device WHERE {_NEW_AND_REFUSED}", _refused(text, status, now)).fetchone() is not None


def note_refusal(connection: AnyConnection, text: str, status: int, now: int) -> None:
    """That a request was refused which names a device just paired: by its token, or by one that is wrong behind the device's name."""
    driver(connection).execute(f"UPDATE device SET refused_at=:now, refused=:status WHERE {_NEW_AND_REFUSED}", _refused(text, status, now))


def _refused(text: str, status: int, now: int) -> dict[str, Any]:
    match = _BEGINS.match(text)
    identity = match[1] if match else ""
    return {"token": identity, "status": status, "now": now, "again": now - REFUSED_MS, "young": now - PAIRING_MS}


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def _check(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), 6)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _device(row: Sequence[Any]) -> Device:
    identity, person_id, name, token_id, scopes, created_at, *times = row[:11]
    return Device(identity, person_id, name, token_id, frozenset(scopes.split(",")), created_at, *times)
