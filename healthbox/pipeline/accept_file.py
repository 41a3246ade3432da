"""Accept a file: an export as large as it may be. It lies beside the database from here on, never in it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from healthbox.config import Settings
from healthbox.formats.contract import Tell, untold
from healthbox.formats.registry import recognise_file
from healthbox.pipeline.accept import Accepted, Owner
from healthbox.store import devices, disk, ledger, people, reconciling
from healthbox.store.engine import Database

MB = 1 << 20


def accept_file(
    database: Database,
    settings: Settings,
    device: Owner,
    path: Path,
    *,
    now: int,
    ring: Callable[[], None],
    reconcile: bool = False,
    tell: Tell = untold,
) -> Accepted:
    """Recognise the file, keep a synced copy in the spool, note it in the ledger, ring. Raises ``Problem`` as a door does.

    ``reconcile``: samples that it lacks are counted once it is read, for somebody to say whether they are to be set aside.
    ``tell`` how much of it is kept, 0 to 1."""
    form = recognise_file(path)
    size = path.stat().st_size
    disk.ensure_room(settings.data, 2 * size, settings.min_free_mb * MB)
    name, sha = _keep(path, settings.data / "spool", tell)
    public = note_file(database, device, form.name, spool=name, sha=sha, size=size, now=now, reconcile=reconcile)
    ring()
    return Accepted(public, "pending", 0, False)


def note_file(database: Database, device: Owner, form: str, *, spool: str, sha: bytes, size: int, now: int, reconcile: bool = False) -> str:
    """A file that lies synced in the spool into the ledger, as a batch of one chunk; its public name."""
    with database.writing() as c:
        batch = ledger.add_batch(
            c,
            person_id=device.person_id,
            device_id=device.id,
            client=None,
            format=form,
            headers={},
            zone=people.get_zone(c, device.person_id),
            anchor=None,
            metric=None,
            now=now,
        )
        ledger.add_chunk(c, batch, 0, sha=sha, body=None, spool=spool, size=size, final=True, anchor=None, now=now)
        if reconcile:
            reconciling.request(c, batch.id, f"{batch.public}.held")
        devices.touch_contact(c, device.id, now)
    return batch.public


def _keep(path: Path, spool: Path, tell: Tell) -> tuple[str, bytes]:
    """A copy in the spool, on disk before any row names it: its file name and the SHA-256 of its content."""
    spool.mkdir(mode=0o700, exist_ok=True)
    name = f"{os.urandom(12).hex()}{path.suffix[:8] if path.suffix.isascii() else ''}"
    try:
        digest = disk.copy_synced(path, spool / name, tell)
    except BaseException:  # a Ctrl-C too
        (spool / name).unlink(missing_ok=True)
        raise
    disk.sync_folder(spool)
    return name, digest


def room_for(settings: Settings, size: int) -> dict[str, int]:
    """What an import of ``size`` bytes needs and what there is (bytes), to be shown before it begins."""
    return {"needed": 2 * size + settings.min_free_mb * MB, "free": shutil.disk_usage(settings.data).free}
