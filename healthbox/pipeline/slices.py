"""Files that come in slices: nothing of one is accepted before it is whole; then it is, once, whatever crashes in between.

What became of a file stays known for a week, so a client that lost the last answer gets it by asking again.
"""

import hashlib
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from healthbox.config import Settings
from healthbox.domain.errors import Conflict, DiskFull, Invalid, Malformed, NotFound, Problem, TooLarge
from healthbox.formats.registry import recognise_file
from healthbox.pipeline.accept import Door, Owner
from healthbox.pipeline.accept_file import note_file, room_for
from healthbox.store import disk, people
from healthbox.store.engine import Database
from healthbox.store.slices import Incoming, Refusal, Upload, accepted_since

SLICE = 8 << 20  # bytes
MAX_SIZE = 8 << 30
OPEN_PER_DEVICE = 3
KEEP_MS = 7 * 24 * 3_600_000
MB = 1 << 20
NAME_LENGTH = 200


class Device(NamedTuple):
    """Who uploads, as the doors want to know it."""

    id: int
    person_id: int


class WrongOffset(Conflict):
    """``offset``: where the next slice begins."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The next slice begins at byte {offset}.", hint="Send from there on.", code="offset")
        self.offset = offset


class NoRoom(DiskFull):
    """``needed`` and ``free``: bytes on the disk of the data folder."""

    def __init__(self, needed: int, free: int) -> None:
        words = f"The disk is too full for this file: {free // MB} MB are free, {-(-needed // MB)} MB are needed."
        super().__init__(words, hint="Free some space on the data volume, then try again; what arrived is kept.")
        self.needed, self.free = needed, free


class Slices:
    """The uploads of one data folder."""

    def __init__(self, database: Database, settings: Settings, door: Door) -> None:
        self._database, self._settings, self._door = database, settings, door
        self._incoming = Incoming(settings.data)

    def begin(self, device: Owner, *, name: str, size: int, sha256: str | None = None, mark: str | None = None, now: int) -> Upload:
        """A new upload, or the unfinished one of the same file. Raises ``Invalid``, ``TooLarge``, ``Conflict`` (too many) or
        ``NoRoom``."""
        if size == 0:
            raise Invalid("The file is empty.", hint="There is nothing in it to import: make the export again.", code="empty")
        if size < 0:
            raise Invalid("`size` must be how many bytes the file has, a number above zero.")
        if size > MAX_SIZE:
            raise TooLarge(f"A file may have up to {MAX_SIZE >> 30} GB.", hint="Split it, or import it with: healthbox import FILE")
        if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            raise Invalid("`sha256` must be 64 hexadecimal digits.")
        mine = [upload for upload in self._incoming.all() if upload.open and upload.device_id == device.id]
        name, sha256 = _tidy(name), sha256.lower() if sha256 else None
        for upload in mine:
            if (upload.name, upload.size, upload.sha256, upload.mark) == (name, size, sha256, mark) and (sha256 or mark):
                return upload
        if len(mine) >= OPEN_PER_DEVICE:
            words = f"{len(mine)} uploads of this device are not finished."
            raise Conflict(words, hint="Finish or cancel one of them.", code="too_many_open")
        needed, free = self.room(size)
        if free < needed:
            raise NoRoom(needed, free)
        upload = Upload(secrets.token_hex(16), device.id, device.person_id, name, size, sha256, mark, now, now)
        self._incoming.make(upload)
        return upload

    def room(self, size: int, upload: Upload | None = None) -> tuple[int, int]:
        """(needed, free) bytes for a file of this size, or for what ``upload`` lacks. What others still lack is not free."""
        found = room_for(self._settings, size)
        promised = sum(other.size - other.offset for other in self._incoming.all() if other.open and other != upload)
        return found["needed"] - (upload.offset if upload else 0), max(0, found["free"] - promised)

    def find(self, public: str, *, device_id: int | None = None, person_id: int | None = None) -> Upload:
        """Of this device or person, else ``NotFound``. Raises what refused the file, once it was."""
        upload = self._incoming.read(public)
        if upload is None or (upload.device_id != device_id if device_id is not None else upload.person_id != person_id):
            raise NotFound("There is no such upload.", hint="It was cancelled or has expired: begin again.")
        if upload.refused is not None:
            problem = Problem(upload.refused.message, hint=upload.refused.hint, code=upload.refused.code)
            problem.status = upload.refused.status
            raise problem
        return upload

    def add(self, upload: Upload, offset: int, raw: bytes, now: int) -> Upload:
        """Keep a slice; the last one makes the file accepted. A slice that is there already changes nothing.

        Raises ``WrongOffset``, ``TooLarge``, ``DiskFull``, ``Busy``, and what refuses the whole file."""
        with self._incoming.held(upload.id):
            upload = self.find(upload.id, device_id=upload.device_id)
            if upload.batch is not None:
                return upload
            if len(raw) > SLICE or offset + len(raw) > upload.size:
                raise TooLarge("This slice is too large, or reaches beyond the announced size.", hint=f"At most {SLICE} bytes at a time.")
            if not self._incoming.has(upload, offset, raw):
                if offset != upload.offset:
                    raise WrongOffset(upload.offset)
                disk.ensure_room(self._settings.data, len(raw), self._settings.min_free_mb * MB)
                upload = self._incoming.write(upload, raw, now)
            return self._finish(upload, now) if upload.offset == upload.size else upload

    def cancel(self, upload: Upload) -> None:
        with self._incoming.held(upload.id):
            self._incoming.forget(upload.id)

    def unfinished(self, person_id: int) -> list[Upload]:
        """Of one person, the newest first."""
        mine = [upload for upload in self._incoming.all() if upload.open and upload.person_id == person_id]
        return sorted(mine, key=lambda upload: -upload.created_at)

    def _finish(self, upload: Upload, now: int) -> Upload:
        try:
            batch = self._accept(upload, now)
        except Problem as problem:
            if problem.permanent:
                refusal = Refusal(problem.status, problem.code, problem.message, problem.hint)
                self._incoming.close(replace(upload, refused=refusal, touched_at=now))
            raise
        upload = replace(upload, batch=batch, touched_at=now)
        self._incoming.close(upload)
        return upload

    def _accept(self, upload: Upload, now: int) -> str:
        """The batch of the whole file: after a crash in between the ledger tells that it was accepted already."""
        body = self._incoming.body(upload.id)
        sha = digest(body)
        if upload.sha256 is not None and sha.hex() != upload.sha256:
            raise Invalid("What arrived is not the file that was announced: its SHA-256 differs.", hint="Send it again.", code="sha256")
        with self._database.reading() as c:
            known = accepted_since(c, upload.device_id, sha, upload.created_at)
        if known is not None:
            return known
        device = Device(upload.device_id, upload.person_id)
        if is_json(body):
            raw = json_body(body, self._settings)
            return self._door.ingest(device, raw, headers={}, now=now).batch
        return self._adopt(device, upload, body, sha, now)

    def _adopt(self, device: Owner, upload: Upload, body: Path, sha: bytes, now: int) -> str:
        """As ``accept_file``, but the body already lies on this disk: the spool gets a second name of it, not a copy."""
        form = recognise_file(body)
        disk.ensure_room(self._settings.data, upload.size, self._settings.min_free_mb * MB)
        suffix = Path(upload.name).suffix
        name = f"{secrets.token_hex(12)}{suffix[:8] if suffix.isascii() and suffix[1:].isalnum() else ''}"
        self._incoming.second_name(upload, self._settings.data / "spool" / name)
        public = note_file(self._database, device, form.name, spool=name, sha=sha, size=upload.size, now=now)
        self._door.ring()
        return public


def sweep(database: Database, settings: Settings, now: int) -> int:
    """Remove uploads that nobody touched for a week or whose person is gone; how many."""
    incoming, gone = Incoming(settings.data), 0
    names = list(incoming.names())  # before the people: whoever began one of these stands then
    with database.reading() as c:
        standing = {person.id for person in people.list_persons(c)}
    for public in names:
        upload = incoming.read(public)
        touched = upload.touched_at if upload is not None else incoming.touched(public)
        if now - touched > KEEP_MS or (upload is not None and upload.person_id not in standing):
            incoming.forget(public)
            gone += 1
    return gone


def is_json(path: Path) -> bool:
    """JSON bodies go through the door of the phones; anything else is a file of its own format."""
    with path.open("rb") as file:
        return file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def json_body(path: Path, settings: Settings) -> bytes:
    """Raises ``TooLarge`` before anything is read."""
    if path.stat().st_size > settings.max_json_bytes:
        hint = "Split it, or raise HEALTHBOX_MAX_JSON_BYTES, for the server too."
        raise TooLarge(f"The file is larger than {settings.max_json_bytes // MB} MB, the most for JSON.", hint=hint)
    return path.read_bytes()


def digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _tidy(name: str) -> str:
    """The file's name for people to read; no path ever comes of it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    tidy = "".join(letter for letter in last if letter.isprintable()).strip()[:NAME_LENGTH]
    if not tidy:
        raise Malformed("The file has no name.")
    return tidy
