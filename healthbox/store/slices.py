"""Files on their way in: each has a folder <data>/incoming/<id>/ until it is whole, and no row anywhere.

state.json  what was announced and how many bytes are safe: written after the bytes, so a crash forgets one slice at most
body        the bytes so far; gone once the file is accepted or refused
"""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from healthbox.domain.errors import DiskFull, NotFound, Unavailable
from healthbox.store import disk

STATE, BODY = "state.json", "body"
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK)


class Refusal(msgspec.Struct, frozen=True):
    """Why the whole file was not taken."""

    status: int
    code: str
    message: str
    hint: str


class Upload(msgspec.Struct, frozen=True):
    """A file on its way; ``offset`` bytes of ``size`` are safe. ``mark`` is the client's own fingerprint of the file. Times in ms."""

    id: str
    device_id: int
    person_id: int
    name: str
    size: int
    sha256: str | None
    mark: str | None
    created_at: int
    touched_at: int
    offset: int = 0
    batch: str | None = None
    refused: Refusal | None = None

    @property
    def open(self) -> bool:
        return self.batch is None and self.refused is None


class Busy(Unavailable):
    wait_s = 2

    def __init__(self) -> None:
        super().__init__("This upload is being worked on by another request.", hint="Ask again in a moment.", code="busy")


class Incoming:
    """The folder of them all. What writes raises ``DiskFull`` when there is no room."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "incoming"

    def all(self) -> list[Upload]:
        """Those that can be read; one that is being made or removed is not among them."""
        return [upload for public in self.names() if (upload := self.read(public)) is not None]

    def names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []

    def read(self, public: str) -> Upload | None:
        if not _ID.fullmatch(public):
            return None
        try:
            return msgspec.json.decode((self._folder / public / STATE).read_bytes(), type=Upload)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None

    def body(self, public: str) -> Path:
        return self._folder / public / BODY

    def make(self, upload: Upload) -> None:
        with _full_is_a_problem():
            (self._folder / upload.id).mkdir(mode=0o700, parents=True)
            self.body(upload.id).touch(0o600)
            disk.sync_folder(self._folder)
        self.note(upload)

    def note(self, upload: Upload) -> None:
        with _full_is_a_problem():
            disk.write_private(self._folder / upload.id / STATE, msgspec.json.encode(upload))

    def close(self, upload: Upload) -> None:
        """Note what became of the file; its bytes go."""
        self.note(upload)
        self.body(upload.id).unlink(missing_ok=True)

    def has(self, upload: Upload, offset: int, raw: bytes) -> bool:
        """Whether these very bytes are safe already."""
        if offset + len(raw) > upload.offset:
            return False
        with self.body(upload.id).open("rb") as body:
            body.seek(offset)
            return body.read(len(raw)) == raw

    def write(self, upload: Upload, raw: bytes, now: int) -> Upload:
        """The next slice: on disk before it counts."""
        with _full_is_a_problem(), self.body(upload.id).open("r+b") as body:
            body.seek(upload.offset)
            body.write(raw)
            body.truncate()
            body.flush()
            os.fsync(body.fileno())
        upload = msgspec.structs.replace(upload, offset=upload.offset + len(raw), touched_at=now)
        self.note(upload)
        return upload

    def second_name(self, upload: Upload, target: Path) -> None:
        """The body under another name on the same disk: no copy, where the file system knows such names."""
        body = self.body(upload.id)
        with _full_is_a_problem():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.utime(body)  # a new file in the spool: the sweep of orphans leaves it until its row stands
            try:
                os.link(body, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                _copy(body, target)
            disk.sync_folder(target.parent)

    def forget(self, public: str) -> None:
        shutil.rmtree(self._folder / public, ignore_errors=True)

    def touched(self, public: str) -> int:
        """When anything last happened in its folder (ms)."""
        try:
            return int((self._folder / public).stat().st_mtime * 1000)
        except FileNotFoundError:
            return 0

    @contextmanager
    def held(self, public: str) -> Iterator[None]:
        """One request at a time works on an upload. Raises ``Busy`` or ``NotFound``."""
        try:
            descriptor = os.open(self._folder / public, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("There is no such upload.", hint="Begin again.") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy from None
            yield
        finally:
            os.close(descriptor)


def accepted_since(c: Connection, device_id: int, sha: bytes, since: int) -> str | None:
    """The public name of the batch in which the device gave this very content at or after ``since`` (ms): after a crash it tells
    that a file was accepted already. The newest where there are several."""
    found = c.exec_driver_sql(
        "SELECT public FROM chunk JOIN batch ON batch.id = batch_id WHERE chunk.sha=? AND device_id=? AND accepted_at>=? "
        "ORDER BY chunk.id DESC LIMIT 1",
        (sha, device_id, since),
    ).scalar()
    return None if found is None else str(found)


def _copy(body: Path, target: Path) -> None:
    try:
        shutil.copyfile(body, target)
        with target.open("rb") as copy:
            os.fsync(copy.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _full_is_a_problem() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFull("The disk is full.", hint="Free some space on the data volume; nothing accepted so far is lost.") from error
