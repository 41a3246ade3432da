"""The data directory on its disk: private files, the ballast that frees room when it is full, the file system it stands on."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from healthbox.domain.errors import DiskFull, Problem

BALLAST = "ballast"
BALLAST_MB = 32
COPIES = ("before-upgrade-*.db", "before-restore-*")  # what the house was before, as upgrades and restores put it aside
COPIES_KEPT, COPIES_S = 3, 90 * 86_400
_MB = 1024 * 1024
_STRETCH = 8 * _MB  # of a large file, at a time

# Locks or fsync are not to be trusted there: SQLite's own advice for network and pass-through file systems.
_DOUBTFUL = {
    "nfs": "a network share (NFS)",
    "cifs": "a network share (SMB)",
    "smb": "a network share (SMB)",
    "9p": "a pass-through share (9p)",
    "virtiofs": "a pass-through share (virtiofs)",
    "fuse": "a FUSE file system",
}


class Room(msgspec.Struct, frozen=True):
    """Bytes on the disk of a directory: ``free`` for this user, ``total`` of the file system."""

    free: int
    total: int


def prepare(data: Path) -> None:
    """Make the data directory, 0700, and every later file of this process private. Raises ``unwritable`` with the line to run."""
    os.umask(0o077)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
        if data.stat().st_uid == os.geteuid():
            data.chmod(0o700)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # the server still starts, shows what it has and answers 507
            return
        raise Problem(
            f"The data directory {data} cannot be written ({error.strerror}).",
            hint=f"Run on the host: chown -R {os.geteuid()}:{os.getegid()} {data}",
            code="unwritable",
        ) from error


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole and durably, 0600: after a crash it holds either what it held or all of ``content``."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy_synced(source: Path, target: Path, tell: Callable[[float], object]) -> bytes:
    """Copy a large file to a new one, 0600 and on disk at the end; the SHA-256 of the content. ``tell`` how far it is, 0 to 1.

    Stretch by stretch: gigabytes left to the kernel until one flush at the end would hold up every other flush of the disk, and
    would push out of memory what others read."""
    digest, size, at = hashlib.sha256(), source.stat().st_size, 0
    with source.open("rb", buffering=0) as given, target.open("xb", buffering=0) as copy, ThreadPoolExecutor(1) as beside:
        os.fchmod(copy.fileno(), 0o600)
        spare, other = bytearray(_STRETCH), bytearray(_STRETCH)
        before: Future[None] | None = None
        while got := given.readinto(spare):
            stretch = memoryview(spare)[:got]
            digest.update(stretch)
            if before is not None:
                before.result()
            before = beside.submit(_put, copy.fileno(), stretch)
            spare, other = other, spare
            at += got
            tell(min(at / max(size, 1), 1.0))
        if before is not None:
            before.result()
        os.fsync(copy.fileno())
    return digest.digest()


def _put(descriptor: int, stretch: memoryview) -> None:
    while stretch:
        stretch = stretch[os.write(descriptor, stretch) :]
    os.fsync(descriptor)
    let_go(descriptor, os.lseek(descriptor, 0, os.SEEK_CUR))


def let_go(descriptor: int, until: int) -> None:
    """Nobody needs the first ``until`` bytes of a file in memory any more. Where the system has no word for it, nothing happens."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, until, os.POSIX_FADV_DONTNEED)


def sync_folder(folder: Path) -> None:
    """Make renames and new names inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tidy_copies(data: Path, now: float) -> list[str]:
    """Remove the copies that upgrades and restores left, but the newest of each kind while they are young; their names. ``now`` in s."""
    gone = []
    for kind in COPIES:
        aged = sorted(((path.stat().st_mtime, path) for path in data.glob(kind)), reverse=True)
        for place, (made, path) in enumerate(aged):
            if place < COPIES_KEPT and now - made < COPIES_S:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            gone.append(path.name)
    return gone


def room(data: Path) -> Room:
    usage = shutil.disk_usage(data)
    return Room(free=usage.free, total=usage.total)


def ensure_room(data: Path, need: int, least: int) -> None:
    """Raise ``DiskFull`` unless ``need`` bytes can be written and ``least`` bytes stay free after it."""
    free = room(data).free
    if free - need < least:
        raise DiskFull(
            f"The disk is too full: {free // _MB} MB are free, {-(-(need + least) // _MB)} MB are needed.",
            hint="Free some space on the data volume; nothing accepted so far is lost.",
        )


def restore_ballast(data: Path, megabytes: int = BALLAST_MB) -> bool:
    """Set the reserve aside when there is four times its size free; says whether it stands. Real bytes, not a hole."""
    path, size = data / BALLAST, megabytes * _MB
    if path.exists() and path.stat().st_size == size:
        return True
    path.unlink(missing_ok=True)
    if room(data).free < 4 * size:
        return False
    try:
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(_MB))  # a compressing file system would keep zeros for nothing
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def release_ballast(data: Path) -> bool:
    """Give the reserve back: on a full disk even a DELETE needs room to write. Says whether there was one."""
    try:
        (data / BALLAST).unlink()
    except FileNotFoundError:
        return False
    return True


def doubtful_file_system(data: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Words for the kind of file system under ``data`` when SQLite should not live on it, else None."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    place, best, kind = data.resolve(), -1, ""
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        # a later mount on the same point covers the earlier one
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return next((words for start, words in _DOUBTFUL.items() if kind.startswith(start)), None)
