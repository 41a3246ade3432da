"""Going back to a backup: checked first, staged beside the data, then swapped in so that a kill at any moment can be completed.

The staged folder is renamed to ``restore-ready-<ms>`` when it is whole. From then on ``resume`` (called before the database is
opened) carries the swap to its end: old files aside, upload files and key in, the database last.
"""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec

from healthbox.domain.errors import Problem
from healthbox.store import settings, vault
from healthbox.store.backup import SEALED_KEY, SPOOL, Manifest, stored, verify
from healthbox.store.disk import ensure_room, prepare, sync_folder
from healthbox.store.engine import FILE
from healthbox.store.locks import ServerLock
from healthbox.store.migrations.upgrade import refuse_unknown

_READY = re.compile(r"restore-ready-(\d+)")
_SPARE = 16 * 1024 * 1024

Key = Literal["none", "kept", "restored", "lost"]


class Restored(msgspec.Struct, frozen=True):
    """``aside`` holds what was there before; ``since`` (ms) is from when phones resend; ``key`` what became of the vault key;
    ``revoked`` how many tokens were revoked since and stay so, None where what was there before does not say."""

    manifest: Manifest
    aside: Path | None
    epoch: str
    since: int
    key: Key
    revoked: int | None


def restore(source: Path, data: Path, *, passphrase: str | None, now: int, key_file: Path | None = None) -> Restored:
    """Put a backup in place of the database of ``data``. The files there before go aside, together.

    Raises ``already_running`` beside a server, ``bad_backup``, ``newer_schema``, ``wrong_passphrase`` or ``DiskFull``; then nothing
    has changed. Without the vault key all health data is there; channels are off and ask for their address again.
    """
    prepare(data)
    with ServerLock(data):
        resume(data)
        manifest = verify(source)
        refuse_unknown(manifest.schema)
        key, unwrapped = _key(source, manifest, passphrase, data, key_file)
        ensure_room(data, sum(file.size for file in manifest.files.values()), _SPARE)
        stage = data / ".restore-partial"
        shutil.rmtree(stage, ignore_errors=True)
        try:
            epoch = _stage(source, stage, manifest, key, now)
            revoked = _revoke(stage / FILE, data / FILE)
            if unwrapped is not None:
                vault.write_key(stage / vault.FILE, unwrapped)
            sync_folder(stage)
            stage.rename(data / f"restore-ready-{now}")
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        sync_folder(data)
        aside = resume(data)
    return Restored(manifest, aside, epoch, manifest.created_at, key, revoked)


def resume(data: Path) -> Path | None:
    """Complete a swap that was begun; where the old files went. To be called under the server lock, before the database is opened."""
    aside = None
    for ready in sorted(path for path in data.iterdir() if _READY.fullmatch(path.name)):
        aside = _swap(data, ready, data / ready.name.replace("restore-ready", "before-restore"))
    return aside


def _swap(data: Path, ready: Path, aside: Path) -> Path | None:
    # While the staged database is still in ``ready``, what lies in place is old: the log goes with its database, never under the new one.
    if (ready / FILE).exists():
        aside.mkdir(mode=0o700, exist_ok=True)
        old = [f"{FILE}-wal", f"{FILE}-shm", FILE, *sorted(path.name for path in data.glob("queue.db*"))]
        old += [name for name in (SPOOL, vault.FILE) if (ready / name).exists()]
        for name in old:
            if (data / name).exists():
                # never over what went aside before a kill: a server started without ``resume`` has made a new file since
                taken = sum(path.name.startswith(f"{name}~") for path in aside.iterdir()) + 1 if (aside / name).exists() else 0
                (data / name).rename(aside / (f"{name}~{taken}" if taken else name))
        sync_folder(aside)
        for name in (SPOOL, vault.FILE, FILE):
            if (ready / name).exists():
                (ready / name).rename(data / name)
                sync_folder(data)
        sync_folder(ready)
    shutil.rmtree(ready)
    if aside.is_dir() and not any(aside.iterdir()):
        aside.rmdir()
    sync_folder(data)
    return aside if aside.is_dir() else None


def _key(source: Path, manifest: Manifest, passphrase: str | None, data: Path, key_file: Path | None) -> tuple[Key, bytes | None]:
    if manifest.key_id is None:
        return "none", None
    present = vault.read_key(key_file or data / vault.FILE)
    if present is not None and vault.key_id(present) == manifest.key_id:
        return "kept", None
    if passphrase is None:
        return "lost", None
    if key_file is not None:
        raise Problem(
            f"The vault key is read from {key_file}, where a restore does not write.",
            hint=f"Unset HEALTHBOX_VAULT_KEY_FILE, restore, then move {vault.FILE} there.",
            code="key_elsewhere",
        )
    if SEALED_KEY not in manifest.files:
        raise Problem("This backup does not hold the vault key.", hint="Restore without a passphrase.", code="no_key")
    return "restored", vault.unwrap_key((source / SEALED_KEY).read_bytes(), passphrase)


def _revoke(staged: Path, before: Path) -> int | None:
    """Tokens that the database ``before`` says were revoked are so in the staged one; see ``Restored.revoked``."""
    try:
        with closing(sqlite3.connect(f"{before.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            told = dict(connection.execute("SELECT token_id, revoked_at FROM device"))
    except sqlite3.Error:
        told = {}
    with closing(sqlite3.connect(staged)) as connection, connection:
        connection.execute("PRAGMA synchronous=FULL")
        mine = {token for (token,) in connection.execute("SELECT token_id FROM device")}
        if mine and mine.isdisjoint(told):
            return None
        return connection.executemany(
            "UPDATE device SET revoked_at=?1 WHERE token_id=?2 AND (revoked_at IS NULL OR revoked_at>?1)",
            [(at, token) for token, at in told.items() if at is not None],
        ).rowcount


def _stage(source: Path, stage: Path, manifest: Manifest, key: Key, now: int) -> str:
    """Copy, check the copies against the manifest, and mark the database as restored; its new epoch."""
    (stage / SPOOL).mkdir(mode=0o700, parents=True)
    stage.chmod(0o700)
    for name, expected in manifest.files.items():
        if name == SEALED_KEY:
            continue
        shutil.copyfile(source / name, stage / name)
        (stage / name).chmod(0o600)
        if stored(stage / name) != expected:
            raise Problem(f"{name} was changed while it was copied.", hint="Check the disk, then try again.", code="bad_backup")
    epoch = settings.new_epoch()
    with closing(sqlite3.connect(stage / FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        marks = {settings.EPOCH: epoch, settings.RESTORED_AT: str(now), settings.RESTORED_FROM: str(manifest.created_at)}
        if key == "lost":
            marks[settings.VAULT_LOST] = "1"
            connection.execute("UPDATE channel SET enabled = 0, sealed = x''")  # what no key opens is shown as "enter again"
            connection.execute("DELETE FROM setting WHERE name = ?", (vault.CANARY,))  # so that boot may take a new key
        named = connection.execute(
            "SELECT DISTINCT spool FROM chunk WHERE spool IS NOT NULL AND status IN ('done', 'discarded')"
        ).fetchall()
        left = [name for name in named if f"{SPOOL}/{name[0]}" not in manifest.files]  # worked off: not in a backup
        connection.executemany("UPDATE chunk SET spool = NULL WHERE spool = ? AND status IN ('done', 'discarded')", left)
        connection.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", marks.items())
        connection.execute("DELETE FROM session")  # one that was ended since must not come back
        connection.execute("COMMIT")
    for name in manifest.files:
        if name != SEALED_KEY:
            with (stage / name).open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(stage / SPOOL)
    return epoch
