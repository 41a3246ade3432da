import hashlib
import os
import random
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from healthbox.domain.errors import Conflict, DiskFull, Problem
from healthbox.store import backup as backing
from healthbox.store import devices, logins, people, restore, settings
from healthbox.store import snapshot as snapshots
from healthbox.store.backup import Manifest, backup, folder_name, verify
from healthbox.store.engine import Database
from healthbox.store.locks import ServerLock
from healthbox.store.migrations.upgrade import known, upgrade
from healthbox.store.snapshot import counts, snapshot
from healthbox.store.vault import Vault

NOW = 1_763_000_000_000
LATER = NOW + 86_400_000


@pytest.fixture
def vault(database: Database) -> Vault:
    vault = Vault(database.data)
    with database.writing() as connection:
        vault.start(connection)
    return vault


@pytest.fixture
def token(database: Database, vault: Vault) -> str:
    """Alice with a phone, an alert channel and one large upload on disk; her phone's token."""
    (database.data / "spool").mkdir(mode=0o700)
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", NOW)
        device, token = devices.add_device(c, alice.id, "Phone", ["ingest"], NOW)
        c.exec_driver_sql(
            "INSERT INTO batch (id, public, person_id, device_id, format, status, zone, created_at, touched_at) "
            "VALUES (1, 'b1', ?, ?, 'native', 'open', 'UTC', 0, 0)",
            (alice.id, device.id),
        )
        c.exec_driver_sql(
            "INSERT INTO channel (id, person_id, name, service, sealed, detail, least, created_at) "
            "VALUES (1, ?, 'Mail', 'mailto', ?, 'values', 'notice', 0)",
            (alice.id, vault.seal("mailto://alice", "channel", 1, "sealed")),
        )
    spool(database, 0, b"a large body")
    return token


def spool(database: Database, idx: int, body: bytes, *, status: str = "pending", batch: int = 1) -> None:
    (database.data / "spool" / f"body{idx}").write_bytes(body)
    with database.writing() as c:
        c.exec_driver_sql(
            "INSERT INTO chunk (batch_id, idx, sha, spool, size, status, due_at, accepted_at, as_of) VALUES (?, ?, x'', ?, ?, ?, 0, 0, 0)",
            (batch, idx, f"body{idx}", len(body), status),
        )


def made(database: Database, vault: Vault, passphrase: str | None = None) -> Path:
    folder = database.data / "backups" / folder_name(NOW)
    backup(database, folder, passphrase=passphrase, vault=vault, now=NOW)
    return folder


def refused(folder: Path) -> bool:
    try:
        verify(folder)
    except Problem as problem:
        assert problem.code == "bad_backup" and problem.hint
        return True
    return False


def test_a_backup_holds_the_database_its_bodies_and_a_manifest(database: Database, vault: Vault, token: str) -> None:
    (database.data / "spool" / "unfinished").write_bytes(b"an upload that has no row yet")
    folder = made(database, vault)
    manifest = verify(folder)
    assert folder.name == "healthbox-2025-11-13T0213"
    assert set(manifest.files) == {"healthbox.db", "spool/body0"}
    assert manifest.schema == known() and manifest.created_at == NOW and manifest.key_id == vault.key_id
    assert manifest.counts["person"] == manifest.counts["chunk"] == 1 and manifest.missing == []
    assert manifest.files["healthbox.db"].sha256 == hashlib.sha256((folder / "healthbox.db").read_bytes()).hexdigest()
    assert all(p.stat().st_mode & 0o077 == 0 for p in [folder, *folder.rglob("*")])
    assert sorted(p.name for p in folder.iterdir()) == ["healthbox.db", "manifest.json", "manifest.sha256", "spool"]
    assert not list(folder.parent.glob(".*"))


def test_files_of_uploads_that_are_worked_off_are_in_no_backup(database: Database, vault: Vault, token: str, tmp_path: Path) -> None:
    with database.writing() as c:
        more = "INSERT INTO batch SELECT value, 'b' || value, {} FROM batch JOIN json_each('[2, 3, 4, 5]')"
        names = [row[1] for row in c.exec_driver_sql("PRAGMA table_info(batch)").fetchall()]
        c.exec_driver_sql(more.format(", ".join(f'batch."{name}"' for name in names[2:])))
    parts = {2: ("done", 2), 3: ("discarded", 3), 4: ("running", 4), 5: ("dead", 5), 6: ("done", 5)}  # 6: read again with the dead one
    for number, (status, batch) in parts.items():
        spool(database, number, b"a file", status=status, batch=batch)
    folder = made(database, vault)
    assert set(verify(folder).files) == {"healthbox.db", *(f"spool/body{number}" for number in (0, 4, 5, 6))}
    restore.restore(folder, tmp_path / "new", passphrase=None, now=LATER)
    again = reopened(tmp_path / "new")
    with again.reading() as c:
        kept = list(c.exec_driver_sql("SELECT spool FROM chunk ORDER BY idx").scalars())
    again.close()
    assert kept == ["body0", None, None, "body4", "body5", "body6"], "what is not there is not said to be kept"


def test_no_secret_lies_open_in_a_backup(database: Database, vault: Vault, token: str) -> None:
    folder = made(database, vault, "correct horse")
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    for secret in (token[13:56].encode(), (database.data / "vault.key").read_bytes().strip(), b"mailto://alice", b"correct horse"):
        assert secret not in everything


def test_an_existing_folder_is_not_written_into(database: Database, vault: Vault, token: str) -> None:
    with pytest.raises(Conflict):
        backup(database, made(database, vault), passphrase=None, vault=vault, now=NOW)


def test_a_full_disk_is_named_and_leaves_nothing(database: Database, vault: Vault, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backing, "write_private", full)
    with pytest.raises(DiskFull):
        made(database, vault)
    assert list((database.data / "backups").iterdir()) == []


def test_a_body_that_is_gone_is_told_and_stops_no_backup(database: Database, vault: Vault, token: str) -> None:
    (database.data / "spool" / "body0").unlink()
    assert verify(made(database, vault)).missing == ["body0"]


def test_a_body_dropped_during_the_copy_is_in_the_backup(
    database: Database, vault: Vault, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_then_drop(source: Path, target: Path) -> dict[str, int]:
        counts = snapshot(source, target)
        (database.data / "spool" / "body0").unlink()
        return counts

    monkeypatch.setattr(backing, "snapshot", copy_then_drop)
    folder = made(database, vault)
    assert verify(folder).missing == []
    assert (folder / "spool" / "body0").read_bytes() == b"a large body"


def test_rows_written_between_count_and_copy_are_in_neither(
    database: Database, vault: Vault, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_then_write(connection: sqlite3.Connection) -> dict[str, int]:
        counted = counts(connection)
        with database.writing() as c:
            c.exec_driver_sql("INSERT INTO job (name, due_at) SELECT 'job' || count(*), 0 FROM job")
        return counted

    monkeypatch.setattr(snapshots, "counts", count_then_write)
    assert made(database, vault)
    monkeypatch.undo()
    assert verify(database.data / "backups" / folder_name(NOW)).counts["job"] == 0


def test_a_backup_beside_a_writer_is_one_instant_with_all_its_bodies(database: Database, vault: Vault, token: str) -> None:
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            with database.writing() as c:  # always together, never one without the other
                settings.put(c, "left", str(n))
                c.exec_driver_sql("INSERT INTO job (name, due_at) VALUES (?, ?)", (f"job{n}", n))
                settings.put(c, "right", str(n))
            spool(database, n, b"body")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            folder = database.data / "backups" / f"healthbox-2026-01-0{n + 1}T0300"
            manifest = backup(database, folder, passphrase=None, vault=vault, now=NOW)
            assert verify(folder) == manifest
            with closing(sqlite3.connect(folder / "healthbox.db")) as copy:
                found = dict(copy.execute("SELECT name, value FROM setting"))
                jobs, most = copy.execute("SELECT count(*), max(due_at) FROM job").fetchone()
                bodies = {f"spool/{name}" for (name,) in copy.execute("SELECT spool FROM chunk")}
            assert found.get("left") == found.get("right") and str(jobs or None) == str(most) == found.get("left", "None")
            assert bodies == set(manifest.files) - {"healthbox.db"} and manifest.missing == []
    finally:
        stop.set()
        writer.join()


def test_200_flipped_bits_and_truncations_are_all_refused(database: Database, vault: Vault, token: str) -> None:
    folder = made(database, vault, "correct horse")
    files, chance = sorted(p for p in folder.rglob("*") if p.is_file()), random.Random(7)
    for attempt in range(200):
        file = files[attempt % len(files)]
        whole = file.read_bytes()
        at = chance.randrange(len(whole))
        if attempt % 4 == 3:
            file.write_bytes(whole[:at])
        else:
            file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
        assert refused(folder), (file.name, at)
        file.write_bytes(whole)
    assert not refused(folder)


@pytest.mark.parametrize("name", ["healthbox.db", "spool/body0", "manifest.json", "manifest.sha256"])
def test_a_missing_file_is_refused(database: Database, vault: Vault, token: str, name: str) -> None:
    folder = made(database, vault)
    (folder / name).unlink()
    assert refused(folder)


def rewrite(folder: Path, manifest: Manifest) -> None:
    raw = msgspec.json.encode(manifest)
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(raw).hexdigest()}  manifest.json\n")


def test_a_manifest_that_points_outside_its_folder_is_refused(database: Database, vault: Vault, token: str) -> None:
    folder = made(database, vault)
    manifest = verify(folder)
    files = {**manifest.files, "../../vault.key": backing.stored(database.data / "vault.key")}
    rewrite(folder, msgspec.structs.replace(manifest, files=files))
    assert refused(folder)


# --- going back -----------------------------------------------------------------------------------------------------


def reopened(data: Path) -> Database:
    database = Database(data)
    assert upgrade(database) == []
    return database


def test_a_restore_into_an_empty_directory_brings_everything_but_sessions(
    database: Database, vault: Vault, token: str, tmp_path: Path
) -> None:
    with database.writing() as c:
        old_epoch = settings.epoch(c)
        account = c.exec_driver_sql("INSERT INTO account (login, password, created_at) VALUES ('a', 'h', 0) RETURNING id").scalar_one()
        logins.create_session(c, account, "", NOW)
    folder = made(database, vault, "correct horse")
    there = restore.restore(folder, tmp_path / "new", passphrase="correct horse", now=LATER)
    assert (there.key, there.aside, there.since) == ("restored", None, NOW)
    again = reopened(tmp_path / "new")
    with again.writing() as c:
        device = devices.authenticate(c, token, LATER)
        assert device and people.get_person(c, device.person_id).name == "Alice"
        assert settings.epoch(c) == there.epoch != old_epoch
        assert settings.restored_from(c) == NOW and settings.get(c, "restored_at") == str(LATER)
        assert c.exec_driver_sql("SELECT count(*) FROM session").scalar() == 0
        kept = Vault(again.data)
        assert kept.start(c) == "ready"
        sealed, enabled = c.exec_driver_sql("SELECT sealed, enabled FROM channel").one()
        assert enabled and kept.open(sealed, "channel", 1, "sealed") == "mailto://alice"
    assert (again.data / "spool" / "body0").read_bytes() == b"a large body"
    assert all(p.stat().st_mode & 0o077 == 0 for p in again.data.rglob("*"))
    again.close()


def test_without_the_key_health_is_there_and_channels_ask_again(database: Database, vault: Vault, token: str, tmp_path: Path) -> None:
    there = restore.restore(made(database, vault), tmp_path / "new", passphrase=None, now=LATER)
    assert there.key == "lost"
    again = reopened(tmp_path / "new")
    with again.writing() as c:
        assert devices.authenticate(c, token, LATER)
        assert settings.get(c, settings.VAULT_LOST) == "1"
        sealed, enabled = c.exec_driver_sql("SELECT sealed, enabled FROM channel").one()
        fresh = Vault(again.data)
        assert not enabled and fresh.start(c) == "ready" and fresh.key_id != vault.key_id
        with pytest.raises(Problem, match="cannot be opened"):
            fresh.open(sealed, "channel", 1, "sealed")
        assert fresh.open(fresh.seal("mailto://b", "channel", 1, "sealed"), "channel", 1, "sealed") == "mailto://b"
    again.close()


def test_the_old_files_go_aside_together_with_their_log(database: Database, vault: Vault, token: str) -> None:
    folder = made(database, vault)
    with database.writing() as c:
        people.add_person(c, "Bob", "UTC", NOW)
    wal = database.path.with_name("healthbox.db-wal")
    assert wal.stat().st_size > 0
    held = wal.read_bytes()
    (database.data / "queue.db").touch()
    there = restore.restore(folder, database.data, passphrase=None, now=LATER)
    assert there.key == "kept" and there.aside == database.data / f"before-restore-{LATER}"
    assert (there.aside / "healthbox.db-wal").read_bytes() == held
    assert {p.name for p in there.aside.iterdir()} >= {"healthbox.db", "healthbox.db-shm", "spool", "queue.db"}
    again = reopened(database.data)
    with again.reading() as c:
        assert [person.name for person in people.list_persons(c)] == ["Alice"]
        assert c.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    again.close()
    with closing(sqlite3.connect(there.aside / "healthbox.db")) as before:
        assert before.execute("SELECT name FROM person").fetchall() == [("Alice",), ("Bob",)]


def snapshot_of(data: Path) -> dict[str, bytes]:
    return {str(p.relative_to(data)): p.read_bytes() for p in data.rglob("*") if p.is_file() and p.suffix != ".lock"}


@pytest.mark.parametrize("damage", ["rotten", "newer", "passphrase", "no key"])
def test_a_refused_restore_changes_nothing(database: Database, vault: Vault, token: str, tmp_path: Path, damage: str) -> None:
    folder = made(database, vault, None if damage == "no key" else "correct horse")
    if damage == "rotten":
        with (folder / "healthbox.db").open("r+b") as file:
            file.seek(5000)
            file.write(b"rot")
    if damage == "newer":
        rewrite(folder, msgspec.structs.replace(verify(folder), schema=[*known(), "m0099_future"]))
    moved = shutil.move(folder, tmp_path / "source")
    new = tmp_path / "new"
    new.mkdir()
    for name in ("healthbox.db", "healthbox.db-wal", "healthbox.db-shm"):
        shutil.copyfile(database.data / name, new / name)
    before = snapshot_of(new)
    with pytest.raises(Problem) as refusal:
        restore.restore(Path(moved), new, passphrase="another horse", now=LATER)
    codes = {"rotten": "bad_backup", "newer": "newer_schema", "passphrase": "wrong_passphrase", "no key": "no_key"}
    assert refusal.value.code == codes[damage]
    assert snapshot_of(new) == before


def test_a_restore_beside_a_running_server_is_refused(database: Database, vault: Vault, token: str) -> None:
    folder = made(database, vault)
    with ServerLock(database.data), pytest.raises(Problem) as refusal:
        restore.restore(folder, database.data, passphrase=None, now=LATER)
    assert refusal.value.code == "already_running"


@pytest.mark.parametrize("opened_before", [False, True])
def test_a_restore_killed_at_any_rename_is_completed(
    database: Database, vault: Vault, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_before: bool
) -> None:
    class Killed(BaseException):
        pass

    folder = made(database, vault, "correct horse")
    with database.writing() as c:
        people.add_person(c, "Bob", "UTC", NOW)
    rename, whole = Path.rename, 0
    for fatal in range(30):
        data = tmp_path / f"new{fatal}"
        shutil.copytree(database.data, data, ignore=shutil.ignore_patterns("backups", "*.lock"))
        (data / "vault.key").write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n")
        left = fatal

        def rename_or_die(self: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return rename(self, target)

        killed = False
        with monkeypatch.context() as faulty:
            faulty.setattr(Path, "rename", rename_or_die)
            try:
                restore.restore(folder, data, passphrase="correct horse", now=LATER)
            except Killed:
                killed = True
        if opened_before:  # makes an empty database where the swap left none
            Database(data).close()
        restore.resume(data)
        again = Database(data)
        with again.reading() as c:
            restored = settings.restored_from(c) == NOW
            assert [p.name for p in people.list_persons(c)] == (["Alice"] if restored else ["Alice", "Bob"])
        again.close()
        assert restored == (fatal > 0)
        assert (Vault(data).key_id == vault.key_id) == restored
        assert (data / "spool" / "body0").exists()
        assert not list(data.glob("restore-ready-*"))
        if restored:
            aside = data / f"before-restore-{LATER}"
            with closing(sqlite3.connect(aside / "healthbox.db")) as before:
                assert before.execute("SELECT count(*) FROM person").fetchone() == (2,)
            assert (aside / "spool" / "body0").exists() and os.listdir(aside / "spool") == ["body0"]
        whole += not killed
        if not killed:
            break
    assert whole == 1 and fatal > 5
