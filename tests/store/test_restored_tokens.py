"""What a restore does to device tokens: one that was revoked since the backup opens nothing again."""

from pathlib import Path

import pytest

from healthbox.store import devices, people, restore
from healthbox.store.backup import backup
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault

NOW = 1_763_000_000_000
LATER = NOW + 86_400_000


def device(database: Database, name: str) -> tuple[int, str]:
    with database.writing() as c:
        found = people.list_persons(c) or [people.add_person(c, "Alice", "UTC", NOW)]
        made, token = devices.add_device(c, found[0].id, name, ["ingest"], NOW)
        return made.id, token


def backed_up(database: Database, folder: Path) -> Path:
    backup(database, folder, passphrase=None, vault=Vault(database.data), now=NOW)
    return folder


def opens(data: Path, token: str, at: int) -> bool:
    database = Database(data)
    with database.reading() as c:
        found = devices.authenticate(c, token, at)
    database.close()
    return found is not None


def test_a_token_that_was_revoked_since_stays_revoked(database: Database, tmp_path: Path) -> None:
    (_, phone), (tablet, lost), (watch, rotated) = (device(database, name) for name in ("Phone", "Tablet", "Watch"))
    with database.writing() as c:
        devices.revoke(c, watch, LATER)
    folder = backed_up(database, tmp_path / "copy")
    with database.writing() as c:
        devices.revoke(c, tablet, NOW + 1)
        devices.revoke(c, watch, NOW + 2)
    assert restore.restore(folder, database.data, passphrase=None, now=LATER).revoked == 2
    assert opens(database.data, phone, NOW + 3)
    assert not opens(database.data, lost, NOW + 3)
    assert opens(database.data, rotated, NOW + 1) and not opens(database.data, rotated, NOW + 3)


@pytest.mark.parametrize("before", ["nothing", "torn", "another"])
def test_a_restore_says_when_it_cannot_know_what_was_revoked_since(database: Database, tmp_path: Path, before: str) -> None:
    _, phone = device(database, "Phone")
    folder, new = backed_up(database, tmp_path / "copy"), tmp_path / "new"
    new.mkdir()
    if before == "torn":
        (new / "healthbox.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    if before == "another":
        fresh = Database(new)
        upgrade(fresh)
        fresh.close()
    assert restore.restore(folder, new, passphrase=None, now=LATER).revoked is None
    assert opens(new, phone, LATER)
