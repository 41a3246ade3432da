"""Channels: where a person's messages go. The address is sealed; the row shows only its name and its service."""

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import NotFound
from healthbox.store.vault import Vault

Detail = Literal["nothing", "metric", "values"]
COLUMNS = (
    "id, person_id, name, service, detail, least, enabled, created_at, "
    "length(sealed) > 0 AND (:key IS NULL OR substr(sealed, 2, 4) = :key) AS usable"  # the key's id, as the vault writes it
)


class Channel(msgspec.Struct, frozen=True):
    """``detail`` says how much a message tells, ``least`` from which severity on. Not ``usable``: enter the address again."""

    id: int
    person_id: int
    name: str
    service: str
    detail: Detail
    least: str
    enabled: bool
    created_at: int
    usable: bool


def _rows(c: Connection, rest: str, values: dict[str, Any], vault: Vault | None = None) -> list[Channel]:
    found = c.exec_driver_sql(f"SELECT {COLUMNS} FROM channel {rest}", {**values, "key": None if vault is None else _key(vault)})
    return [msgspec.convert(dict(row), Channel, strict=False) for row in found.mappings()]


def _key(vault: Vault) -> bytes:
    return bytes.fromhex(vault.key_id or "")


def of_person(c: Connection, person_id: int, vault: Vault | None = None) -> list[Channel]:
    """With the ``vault`` only what its key sealed is usable."""
    return _rows(c, "WHERE person_id=:person ORDER BY id", {"person": person_id}, vault)


def unopened(c: Connection, vault: Vault) -> list[Channel]:
    """Every channel of the box whose address this vault's key cannot open."""
    return [channel for channel in _rows(c, "ORDER BY id", {}, vault) if not channel.usable]


def get(c: Connection, channel_id: int) -> Channel:
    for row in _rows(c, "WHERE id=:id", {"id": channel_id}):
        return row
    raise NotFound("There is no such channel.")


def add(c: Connection, vault: Vault, person_id: int, *, name: str, service: str, url: str, detail: Detail, least: str, now: int) -> int:
    """Keep a checked address, sealed to its own row."""
    added = c.exec_driver_sql(
        "INSERT INTO channel (person_id, name, service, sealed, detail, least, created_at) VALUES (?, ?, ?, x'', ?, ?, ?) RETURNING id",
        (person_id, name, service, detail, least, now),
    ).scalar_one()
    set_address(c, vault, added, service, url)
    return int(added)


def set_address(c: Connection, vault: Vault, channel_id: int, service: str, url: str) -> None:
    """Seal an address to its row. The channel is on: one that a restore without the key had switched off is wanted again.
    With the last one that another key had sealed, this key is the right one."""
    sealed = vault.seal(url, "channel", channel_id, "sealed")
    c.exec_driver_sql("UPDATE channel SET sealed=?, service=?, enabled=1 WHERE id=?", (sealed, service, channel_id))
    if not unopened(c, vault):
        vault.sign(c)


def address(c: Connection, vault: Vault, channel_id: int) -> str | None:
    """The address in the clear, or None when it must be entered again. Raises ``enter_again`` as the vault does."""
    blob = c.exec_driver_sql("SELECT sealed FROM channel WHERE id=?", (channel_id,)).scalar()
    return vault.open(blob, "channel", channel_id, "sealed") if blob else None


def change(c: Connection, channel_id: int, *, name: str, detail: Detail, least: str, enabled: bool) -> None:
    get(c, channel_id)
    c.exec_driver_sql("UPDATE channel SET name=?, detail=?, least=?, enabled=? WHERE id=?", (name, detail, least, int(enabled), channel_id))


def remove(c: Connection, channel_id: int) -> None:
    c.exec_driver_sql("DELETE FROM channel WHERE id=?", (channel_id,))
