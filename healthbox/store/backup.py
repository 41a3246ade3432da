"""Backups: a folder with one instant of the database, the upload files it names, and a manifest that proves all of it.

    healthbox-2026-11-20T0300/
        healthbox.db      a sound copy, counted against the database it was made from
        spool/NAME        every large upload body or file of an upload that was not worked off yet
        vault.key.sealed  only on request, under a passphrase
        manifest.json     versions, rows per table, size and SHA-256 of every file, the vault key's id (never the key)
        manifest.sha256   of manifest.json, in the format of ``sha256sum``

The folder gets its name only when it is whole and on disk; until then it is ``.NAME.partial``.
"""

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

import healthbox
from healthbox.domain.errors import Conflict, DiskFull, Problem
from healthbox.store.disk import ensure_room, sync_folder, write_private
from healthbox.store.engine import FILE, Database
from healthbox.store.migrations.upgrade import applied
from healthbox.store.snapshot import inspect, open_copy, snapshot
from healthbox.store.vault import Vault

SPOOL = "spool"
MANIFEST, MANIFEST_SHA, SEALED_KEY = "manifest.json", "manifest.sha256", "vault.key.sealed"
_NAME = re.compile(r"healthbox-(\d{4}-\d\d-\d\d)T\d{4}")
_PARTIAL = re.compile(r"\.healthbox-.*\.partial")
_SPARE = 16 * 1024 * 1024
ABANDONED_S = 6 * 3600
# What an upload that is worked off was made of stands in the database: its file would only lie in every backup again.
_WANTED = (
    "SELECT DISTINCT spool FROM chunk WHERE spool IS NOT NULL "
    "AND batch_id IN (SELECT batch_id FROM chunk WHERE status NOT IN ('done', 'discarded')) ORDER BY spool"
)


class Stored(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """``created_at`` in ms; ``schema`` = the changes applied; ``missing`` = upload files that were already gone."""

    format: int
    created_at: int
    app: str
    sqlite: str
    schema: list[str]
    counts: dict[str, int]
    files: dict[str, Stored]
    key_id: str | None
    missing: list[str]


def folder_name(now: int) -> str:
    """The name of a backup begun at ``now`` (ms): UTC, so that it sorts."""
    return f"healthbox-{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%dT%H%M}"


def backup(database: Database, destination: Path, *, passphrase: str | None, vault: Vault, now: int) -> Manifest:
    """Write a verified backup as the new folder ``destination``; beside a running writer. ``passphrase`` adds the vault key, sealed.

    Raises ``Conflict`` when the folder exists, ``DiskFull`` before or while writing; then nothing is left behind.
    """
    if destination.exists():
        raise Conflict(f"{destination} exists already.", hint="Choose a new folder for the backup.")
    exported = None if passphrase is None else vault.export_key(passphrase)
    destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _tidy(destination.parent)
    log = database.path.with_name(f"{FILE}-wal")
    ensure_room(destination.parent, database.path.stat().st_size + (log.stat().st_size if log.exists() else 0), _SPARE)
    work = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        (work / SPOOL).mkdir(mode=0o700, parents=True)
        work.chmod(0o700)
        # Bodies first: one that is dropped while the database is copied is still named by the copy.
        with database.reading() as connection:
            schema = applied(connection)
            named = list(connection.exec_driver_sql(_WANTED).scalars())
        _keep(database.data / SPOOL, work / SPOOL, named)
        counts = snapshot(database.path, work / FILE)
        named = _spool_names(work / FILE)
        _keep(database.data / SPOOL, work / SPOOL, named)
        for file in (work / SPOOL).iterdir():
            if file.name not in named:
                file.unlink()
        if exported is not None:
            write_private(work / SEALED_KEY, exported)
        manifest = Manifest(
            format=1,
            created_at=now,
            app=healthbox.__version__,
            sqlite=sqlite3.sqlite_version,
            schema=schema,
            counts=counts,
            files={str(file.relative_to(work)): stored(file) for file in sorted(work.rglob("*")) if file.is_file()},
            key_id=vault.key_id,
            missing=[name for name in named if not (work / SPOOL / name).exists()],
        )
        _seal(work, manifest)
        work.rename(destination)
        sync_folder(destination.parent)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskFull("The disk became full during the backup.", hint="Free some space where the backup goes.") from error
        raise
    return manifest


def verify(folder: Path) -> Manifest:
    """Read every byte of a backup and hold it against its manifest. Raises ``bad_backup`` naming the file that is not sound."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        words = (folder / MANIFEST_SHA).read_text("ascii")
    except (OSError, ValueError):
        raise _bad(folder, "its manifest is missing") from None
    if words != _sha_line(raw):
        raise _bad(folder, "its manifest was changed")
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError:
        raise _bad(folder, "its manifest is of another format") from None
    if manifest.format != 1 or FILE not in manifest.files:
        raise _bad(folder, "its manifest is of another format")
    for name, expected in manifest.files.items():
        file = folder / name
        if name not in (FILE, SEALED_KEY, f"{SPOOL}/{file.name}") or file.is_symlink() or not file.is_file():
            raise _bad(folder, f"{name} is missing")
        if file.stat().st_size != expected.size or stored(file) != expected:
            raise _bad(folder, f"{name} was changed")
    try:
        counts = inspect(folder / FILE)
    except Problem as error:
        raise _bad(folder, error.message) from error
    if counts != manifest.counts:
        raise _bad(folder, "its row counts differ from its manifest")
    return manifest


def listed(folder: Path) -> list[Path]:
    """The finished backups in a folder, newest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name) and (p / MANIFEST).exists()), reverse=True)


def _tidy(folder: Path) -> None:
    """What a backup left that did not come to its end; not one that may be under way beside this one."""
    for path in folder.iterdir():
        if _PARTIAL.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def rotate(folder: Path, daily: int = 7, weekly: int = 4) -> list[Path]:
    """Keep the newest backup of each of the last ``daily`` days and ``weekly`` ISO weeks that have one; the folders removed."""
    days: dict[date, Path] = {}
    weeks: dict[tuple[int, int], Path] = {}
    found = listed(folder)
    for path in found:
        match = _NAME.fullmatch(path.name)
        day = date.fromisoformat(match[1]) if match else date.min
        days.setdefault(day, path)
        weeks.setdefault(day.isocalendar()[:2], path)
    kept = {*list(days.values())[:daily], *list(weeks.values())[:weekly]}
    removed = [path for path in found if path not in kept]
    for path in removed:
        shutil.rmtree(path)
    return removed


def stored(file: Path) -> Stored:
    """Size in bytes and SHA-256 of a file, read in pieces."""
    with file.open("rb") as handle:
        return Stored(os.fstat(handle.fileno()).st_size, hashlib.file_digest(handle, "sha256").hexdigest())


def _spool_names(copy: Path) -> list[str]:
    with closing(open_copy(copy)) as connection:
        return [name for (name,) in connection.execute(_WANTED)]


def _keep(source: Path, target: Path, names: list[str]) -> None:
    """Bodies never change once they have a name: a link is a copy, where the file system and the volume allow one."""
    for name in names:
        if Path(name).name != name or (target / name).exists():
            continue
        try:
            os.link(source / name, target / name)
        except FileNotFoundError:
            continue
        except OSError:
            try:
                ensure_room(target, (source / name).stat().st_size, _SPARE)
                shutil.copyfile(source / name, target / name)
            except FileNotFoundError:
                (target / name).unlink(missing_ok=True)
                continue
        (target / name).chmod(0o600)


def _seal(work: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        with (work / name).open("rb") as file:
            os.fsync(file.fileno())
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_private(work / MANIFEST, raw)
    write_private(work / MANIFEST_SHA, _sha_line(raw).encode())
    sync_folder(work / SPOOL)
    sync_folder(work)


def _sha_line(raw: bytes) -> str:
    return f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST}\n"


def _bad(folder: Path, reason: str) -> Problem:
    return Problem(f"The backup {folder.name} is not sound: {reason}.", hint="Use an older backup.", code="bad_backup")
