"""The drop folder: what is put into <data>/inbox/<person>/ is imported, then moved to done/ or failed/ with its receipt beside it.

Folders inside a person's are looked into. With exactly one person the files may lie in inbox/ itself. A file is taken once its
size stood still for five seconds and stays where it is until its batch is closed. Nothing is noted anywhere: the ledger knows a
content that this person's import device gave since the file was put there (its ctime), so a crash at any moment neither loses a
file nor imports it twice.
"""

import logging
import os
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from healthbox.config import Settings
from healthbox.domain.errors import Invalid, Problem
from healthbox.pipeline.accept import Door
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.slices import digest, is_json, json_body
from healthbox.store import devices, disk, ledger, people, receipts, slices
from healthbox.store.engine import Database
from healthbox.store.people import Person

log = logging.getLogger("healthbox.inbox")
STILL_MS = 5_000
AGAIN_MS = 60_000
DONE, FAILED = "done", "failed"
_UNPACKED = ("workout-routes", "electrocardiograms", "clinical-records")
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart")


class Seen(NamedTuple):
    """A file as it lay there: its shape, since when (ms) it has it, when to look again, its batch once it is accepted."""

    shape: tuple[int, int, int]
    since: int
    due: int
    batch: str | None = None
    person_id: int = 0


class Inbox:
    """Not for several threads at once."""

    def __init__(self, database: Database, settings: Settings, door: Door) -> None:
        self._database, self._settings, self._door = database, settings, door
        self._folder = settings.data / "inbox"
        self._seen: dict[Path, Seen] = {}

    def look(self, now: int) -> None:
        """One round over what lies there; to be called every few seconds."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        found = _files(self._folder)
        self._seen = {path: seen for path, seen in self._seen.items() if path in found}
        if not found:
            return
        with self._database.reading() as c:
            persons = people.list_persons(c)
        for path in found if persons else ():
            try:
                self._take(path, persons, now)
            except FileNotFoundError:
                self._seen.pop(path, None)  # taken away by whoever put it there
            except OSError as error:
                self._later(path, now, error.strerror or type(error).__name__)
            except Problem as problem:
                self._later(path, now, problem.code)

    def _take(self, path: Path, persons: list[Person], now: int) -> None:
        try:
            self._one(path, persons, now)
        except Problem as problem:
            if not problem.permanent:
                raise
            self._away(path, FAILED, {"error": {"code": problem.code, "message": problem.message, "hint": problem.hint}})

    def _one(self, path: Path, persons: list[Person], now: int) -> None:
        stat = path.lstat()
        shape = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        seen = self._seen.get(path)
        if seen is None or seen.shape != shape:
            self._seen[path] = Seen(shape, now, now + STILL_MS)
            return
        if now < seen.due:
            return
        if seen.batch is None:
            person = self._owner(path, persons)
            seen = seen._replace(batch=self._accept(path, person, now), person_id=person.id)
            self._seen[path] = seen
        assert seen.batch is not None  # noqa: S101 - just accepted
        with self._database.reading() as c:
            receipt = receipts.receipt(c, seen.person_id, seen.batch)
            batch = ledger.by_public(c, seen.batch)
        waits = receipt["chunks"]["pending"] + receipt["chunks"]["running"]
        part = batch is not None and batch.final is None  # a part of a sync whose end is in another file
        if not waits and (part or receipt["timings"]["closed"] is not None):
            for rejection in receipt["rejections"]:
                del rejection["raw"]  # the position tells where in the file it stands
            self._away(path, FAILED if receipt["status"] == "failed" else DONE, receipt)

    def _owner(self, path: Path, persons: list[Person]) -> Person:
        if path.parent == self._folder:
            if len(persons) == 1:
                return persons[0]
            raise Invalid("Whose data is it? There are several people.", hint="Put it into the folder inbox/NAME.", code="whose")
        wanted = _spelt(path.relative_to(self._folder).parts[0])
        for person in persons:
            if _spelt(person.name) == wanted:
                return person
        raise Invalid("The folder has the name of nobody here.", hint="Name it as the person is named in healthbox.", code="nobody")

    def _accept(self, path: Path, person: Person, now: int) -> str:
        """The batch of the file: the one that stands since before a crash, or a new one."""
        if path.is_symlink() or not path.is_file():
            raise Invalid("Only files themselves are taken, no links.", hint="Put a copy there.", code="no_file")
        if path.parent.name in _UNPACKED:  # by itself a route would be a workout beside the one that it belongs to
            raise Invalid(
                "This is a part of an unpacked Apple Health export.", hint="Put the zip there as the phone made it.", code="unpacked"
            )
        if not os.access(path, os.R_OK):
            raise Invalid(
                "The file may not be read.", hint=f"Let user {os.geteuid()} read it: chown {os.geteuid()} FILE", code="unreadable"
            )
        with self._database.writing() as c:
            device = devices.importer(c, person.id, now)
        with self._database.reading() as c:
            known = slices.accepted_since(c, device.id, digest(path), path.stat().st_ctime_ns // 1_000_000)
        if known is not None:
            return known
        if is_json(path):
            raw = json_body(path, self._settings)
            return self._door.ingest(device, raw, headers={}, now=now).batch
        return accept_file(self._database, self._settings, device, path, now=now, ring=self._door.ring).batch

    def _later(self, path: Path, now: int, reason: str) -> None:
        log.warning("a file in the inbox waits", extra={"reason": reason})
        if path in self._seen:
            self._seen[path] = self._seen[path]._replace(due=now + AGAIN_MS)

    def _away(self, path: Path, where: str, told: dict[str, Any]) -> None:
        """Write the receipt, then move the file: done twice after a crash in between, it comes out the same."""
        target = self._folder / where / path.relative_to(self._folder)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = _free(target)
        receipt = target.with_name(f"{target.name}.receipt.json")
        disk.write_private(receipt, msgspec.json.format(msgspec.json.encode({"file": path.name} | told), indent=2))
        shutil.move(path, target)
        disk.sync_folder(target.parent)
        self._seen.pop(path, None)
        log.info("a file in the inbox was %s", where)


def _files(folder: Path) -> list[Path]:
    """What lies in the inbox and in the people's folders in it, by name, without what is hidden or still being copied."""
    found = _lying(folder, without=(DONE, FAILED))
    return sorted(path for path in found if not path.name.startswith((".", "~")) and not path.name.lower().endswith(_UNFINISHED))


def _lying(folder: Path, *, without: tuple[str, ...] = ()) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)
        elif entry.name not in without and not entry.name.startswith("."):
            with suppress(OSError):  # not to be read, or taken away just now
                yield from _lying(Path(entry.path))


def _free(target: Path) -> Path:
    """The name itself, or with a number where one so named lies there."""
    number, free = 2, target
    while free.exists() or free.is_symlink():
        free, number = target.with_name(f"{target.stem} ({number}){target.suffix}"), number + 1
    return free


def _spelt(name: str) -> str:
    """One spelling for the ways that file systems write a name."""
    return unicodedata.normalize("NFC", name).casefold()
