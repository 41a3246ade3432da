"""The database out of its zip: into a file beside the zip that has lost its name again before anything is read from it.

SQLite can only open files. The hourly sweep of the spool takes what a kill leaves in the moment before the name is gone.
"""

import errno
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from healthbox.domain.errors import DiskFull, Invalid, TooLarge
from healthbox.formats.apple_export.archive import BROKEN, directory, is_zip
from healthbox.formats.hc_backup import head

NAME = "health_connect_export.db"  # in every language; only the zip's own name is translated
LARGEST = 16 << 30  # bytes
SWELLS = 200  # such a database packs to a fifth or tenth; a nearly empty one to a fiftieth
SMALL = 16 << 20  # below this any ratio will do
SPARE = 64 << 20  # bytes left free beside it
_LOOK = 1 << 20
_CHUNK = 1 << 20
_CANDIDATES = 20  # so many databases are looked into


def claims(path: Path) -> bool:
    """Whether it is Health Connect's database, or a zip with it in. Cheap: at most a megabyte is read."""
    if is_zip(path):
        with directory(path) as archive:
            return _entry(archive) is not None
    with path.open("rb") as file:
        return head.is_database(file.read(head.HEADER)) and head.is_health_connect(file)


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """The file to open, and what to call once it is open. Raises ``Invalid``, ``TooLarge`` or ``DiskFull``."""
    if not is_zip(path):
        yield path, lambda: None
        return
    descriptor, name = tempfile.mkstemp(prefix=".unpacked-", suffix=".db", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target, directory(path) as archive:
            _unpack(archive, target, path.parent)
        yield made, lambda: made.unlink(missing_ok=True)
    finally:
        made.unlink(missing_ok=True)


def _entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    candidates = [(info.filename.replace("\\", "/").rpartition("/")[2], info) for info in archive.infolist()]
    candidates = [(name, info) for name, info in candidates if name.lower().endswith(".db") and not name.startswith(".")]
    for name, info in candidates[:_CANDIDATES]:
        own = name == NAME
        if own and info.flag_bits & 1:
            raise Invalid("The zip has a password.", hint="Send the backup as Health Connect wrote it.", code="encrypted_zip")
        try:
            with archive.open(info) as file:
                start = file.read(_LOOK)
        except (*BROKEN, OSError, ValueError) as problem:  # a directory that lies about where things begin
            if own:
                raise _damaged() from problem
            continue
        if head.is_database(start) and (own or head.is_health_connect(io.BytesIO(start))):
            return info
    return None


def _unpack(archive: zipfile.ZipFile, target: io.BufferedWriter, folder: Path) -> None:
    info = _entry(archive)
    if info is None:
        raise head.trap()
    if info.file_size > max(SWELLS * info.compress_size, SMALL) or info.file_size > LARGEST:
        hint = "Send the backup as Health Connect wrote it."
        raise TooLarge("The database in the zip swells more than any backup does.", hint=hint, code="zip_bomb")
    if shutil.disk_usage(folder).free < info.file_size + SPARE:
        raise _full(info.file_size)
    got = 0
    try:
        with archive.open(info) as file:
            while chunk := file.read(_CHUNK):
                got += target.write(chunk)
    except BROKEN as problem:
        raise _damaged() from problem
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(info.file_size) from problem
        if problem.errno is None:  # bz2's word for damage
            raise _damaged() from problem
        raise
    if got != info.file_size:
        raise _damaged()


def _full(need: int) -> DiskFull:
    return DiskFull(
        f"The disk is too full to unpack the backup: {-(-(need + SPARE) >> 20)} MB are needed.",
        hint="Free some space on the data volume; nothing accepted so far is lost.",
    )


def _damaged() -> Invalid:
    return Invalid("The zip is cut short or damaged.", hint="Let Health Connect write it again, or copy it again.", code="broken_zip")
