from pathlib import Path

import pytest

from healthbox.domain.errors import Invalid, Problem
from healthbox.store.engine import Database
from healthbox.store.vault import Vault, read_key, unwrap_key, write_key


def started(database: Database, key_file: Path | None = None) -> Vault:
    vault = Vault(database.data, key_file)
    with database.writing() as connection:
        assert vault.start(connection) == "ready"
    return vault


def code(blob: bytes, vault: Vault, *place: str | int) -> str:
    with pytest.raises(Problem) as refused:
        vault.open(blob, *place)  # type: ignore[arg-type]
    return refused.value.code


def test_a_secret_opens_only_in_its_own_place(database: Database) -> None:
    vault = started(database)
    blob = vault.seal("ntfy://alice", "channel", 7, "sealed")
    assert b"alice" not in blob
    assert vault.open(blob, "channel", 7, "sealed") == "ntfy://alice"
    for place in (("channel", 8, "sealed"), ("channel", 7, "detail"), ("endpoint", 7, "sealed")):
        assert code(blob, vault, *place) == "enter_again"


def test_every_changed_byte_is_noticed(database: Database) -> None:
    vault = started(database)
    blob = vault.seal("secret", "channel", 1, "sealed")
    for at in range(len(blob)):
        assert code(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], vault, "channel", 1, "sealed") == "enter_again"
    assert code(b"", vault, "channel", 1, "sealed") == "enter_again"


def test_the_same_secret_never_looks_the_same(database: Database) -> None:
    vault = started(database)
    assert vault.seal("a", "channel", 1, "sealed") != vault.seal("a", "channel", 1, "sealed")


def test_the_key_lies_in_a_private_file_and_survives_a_restart(database: Database) -> None:
    blob = started(database).seal("secret", "channel", 1, "sealed")
    path = database.data / "vault.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert started(database).open(blob, "channel", 1, "sealed") == "secret"
    key = read_key(path)
    with database.reading() as connection:
        assert key and key.hex() not in str(connection.exec_driver_sql("SELECT * FROM setting").all())


def test_a_missing_key_is_named_and_not_replaced(database: Database) -> None:
    blob = started(database).seal("secret", "channel", 1, "sealed")
    (database.data / "vault.key").unlink()
    vault = Vault(database.data)
    with database.writing() as connection:
        assert vault.start(connection) == "missing"
    assert not (database.data / "vault.key").exists()
    assert vault.key_id is None
    assert code(blob, vault, "channel", 1, "sealed") == "enter_again"
    with pytest.raises(Problem):
        vault.seal("new", "channel", 1, "sealed")


def test_a_wrong_key_is_named_at_boot(database: Database) -> None:
    blob = started(database).seal("secret", "channel", 1, "sealed")
    write_key(database.data / "vault.key", bytes(32))
    vault = Vault(database.data)
    with database.writing() as connection:
        assert vault.start(connection) == "wrong"
    assert code(blob, vault, "channel", 1, "sealed") == "enter_again"


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 44, b"A" * 40])
def test_a_key_file_that_holds_no_key_is_refused(database: Database, content: bytes) -> None:
    (database.data / "vault.key").write_bytes(content)
    with pytest.raises(Problem) as refused:
        Vault(database.data)
    assert refused.value.code == "bad_key"


def test_the_key_file_may_lie_elsewhere(database: Database, tmp_path: Path) -> None:
    started(database, tmp_path / "secret.key")
    assert read_key(tmp_path / "secret.key") and not (database.data / "vault.key").exists()


def test_an_exported_key_opens_with_its_passphrase_only(database: Database) -> None:
    vault = started(database)
    exported = vault.export_key("correct horse")
    key = read_key(vault.path)
    assert key and key not in exported
    assert unwrap_key(exported, "correct horse") == key
    for blob, passphrase in ((exported, "wrong horse"), (exported[:-1], "correct horse"), (b"", "correct horse")):
        with pytest.raises(Problem) as refused:
            unwrap_key(blob, passphrase)
        assert refused.value.code == "wrong_passphrase"
    with pytest.raises(Invalid):
        vault.export_key("short")
