"""Secrets at rest: AES-256-GCM under a key that lies in a file beside the database, never in it.

A sealed blob is ``version (1 byte) | key id (4) | nonce (12) | ciphertext and tag``, bound to its table, row and column, so
that a blob moved to another row does not open. A canary in the database tells a wrong key at boot, by name.
"""

import base64
import binascii
import hashlib
import secrets
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import Connection

from healthbox.domain.errors import Invalid, Problem
from healthbox.store import settings
from healthbox.store.disk import write_private

FILE = "vault.key"
CANARY = "vault_canary"
PASSPHRASE_LENGTH = 8

_VERSION = b"\x01"
_MAGIC = b"HBXKEY1\n"
_WORDS = b"healthbox"

State = Literal["ready", "missing", "wrong"]


class Vault:
    """The one key of an installation. Without it (``key_id`` None) nothing seals and nothing opens."""

    def __init__(self, data: Path, key_file: Path | None = None) -> None:
        """Reads the key where there is one. Raises ``bad_key`` for a file that holds none."""
        self.path = key_file or data / FILE
        self._key = read_key(self.path)

    @property
    def key_id(self) -> str | None:
        """Eight hex digits that name the key and give nothing of it away."""
        return None if self._key is None else key_id(self._key)

    def start(self, connection: Connection) -> State:
        """At boot, in a write transaction: make the first key, check the canary. A key that others sealed with is never replaced."""
        canary = settings.get(connection, CANARY)
        if self._key is None:
            if canary is not None:
                return "missing"
            write_key(self.path, key := secrets.token_bytes(32))
            self._key = key
        if canary is None:
            self.sign(connection)
            return "ready"
        try:
            self.open(bytes.fromhex(canary), "setting", CANARY, "value")
        except (Problem, ValueError):
            return "wrong"
        return "ready"

    def sign(self, connection: Connection) -> None:
        """From now on this key is the one that the database was sealed with."""
        settings.put(connection, CANARY, self.seal(_WORDS.decode(), "setting", CANARY, "value").hex())

    def seal(self, plain: str, table: str, row: int | str, column: str) -> bytes:
        """Encrypt for one place. ``row`` is the row's id: insert first, then seal, in one transaction."""
        if self._key is None:
            raise _enter_again()
        identity, nonce = _key_id(self._key), secrets.token_bytes(12)
        sealed = AESGCM(self._key).encrypt(nonce, plain.encode(), _place(table, row, column, identity))
        return _VERSION + identity + nonce + sealed

    def open(self, blob: bytes, table: str, row: int | str, column: str) -> str:
        """What was sealed for this very place. Raises ``enter_again`` when the key is missing, another one, or the blob was changed."""
        if self._key is None or blob[:1] != _VERSION or len(blob) < 33 or blob[1:5] != _key_id(self._key):
            raise _enter_again()
        try:
            return AESGCM(self._key).decrypt(blob[5:17], blob[17:], _place(table, row, column, blob[1:5])).decode()
        except InvalidTag:
            raise _enter_again() from None

    def export_key(self, passphrase: str) -> bytes:
        """The key sealed under a passphrase (scrypt, AES-256-GCM), to lie beside a backup."""
        if self._key is None:
            raise Problem("There is no vault key to export.", hint=f"It is looked for at {self.path}.", code="no_key")
        if len(passphrase) < PASSPHRASE_LENGTH:
            raise Invalid(f"The passphrase has at least {PASSPHRASE_LENGTH} characters.")
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        return _MAGIC + salt + nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, self._key, _MAGIC)


def unwrap_key(exported: bytes, passphrase: str) -> bytes:
    """The key out of ``export_key``. Raises ``wrong_passphrase``."""
    start = len(_MAGIC)
    salt, nonce, sealed = exported[start : start + 16], exported[start + 16 : start + 28], exported[start + 28 :]
    try:
        if not exported.startswith(_MAGIC) or len(sealed) != 48:
            raise InvalidTag
        return AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, _MAGIC)
    except InvalidTag:
        raise Problem(
            "The passphrase does not open the key.", hint="Try another, or restore without it.", code="wrong_passphrase"
        ) from None


def read_key(path: Path) -> bytes | None:
    """The 32 bytes of a key file (base64 text), None where there is no file."""
    try:
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise Problem(f"The vault key file {path} cannot be read.", hint="It holds 32 bytes as base64; put your copy back.", code="bad_key")
    return key


def write_key(path: Path, key: bytes) -> None:
    write_private(path, base64.b64encode(key) + b"\n")


def key_id(key: bytes) -> str:
    return _key_id(key).hex()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"healthbox key id" + key).digest()[:4]


def _place(table: str, row: int | str, column: str, identity: bytes) -> bytes:
    return f"{table}|{row}|{column}|{identity.hex()}".encode()


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())


def _enter_again() -> Problem:
    return Problem(
        "This secret cannot be opened with the vault key at hand.",
        hint="Enter it again, or put the vault key back that it was sealed with.",
        code="enter_again",
    )
