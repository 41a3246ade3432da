"""The schedule: rows with a due time in the ledger's database, caught up after a stop instead of skipped.

retention   worked-off bodies that are old enough go; hourly
sweep       spool files that no row names go, and old copies that upgrades and restores left; hourly
trouble     devices and sources against their habits: silence needs a clock; half-hourly
backup      a verified copy into <data>/backups, once a night; one missed night is caught up at the next start
"""

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from healthbox.config import Settings
from healthbox.domain.errors import Problem
from healthbox.pipeline import trouble
from healthbox.store import backup, disk, jobs, repairs
from healthbox.store import settings as kept
from healthbox.store.engine import Database
from healthbox.store.vault import Vault

log = logging.getLogger("healthbox.schedule")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RETRY_MS = 15 * 60_000
LONGEST_MS = 26 * HOUR_MS  # no job waits longer, on the longest day of the year
DUPLICATES_MS = 7 * DAY_MS
ORPHAN_S = 3600
LAST_BACKUP = "last_backup"  # ms: made and verified


class Job(NamedTuple):
    run: Callable[[Database, Settings, int], None]
    next: Callable[[Settings, int], int]


def _retention(database: Database, settings: Settings, now: int) -> None:
    while True:
        with database.writing() as c:
            count, spools = repairs.retire_bodies(c, now, keep_ms=settings.retention_days * DAY_MS, keep_duplicates_ms=DUPLICATES_MS)
        for name in spools:
            (settings.data / "spool" / name).unlink(missing_ok=True)
        if count < repairs.STEP:
            return


def _sweep(database: Database, settings: Settings, now: int) -> None:
    with database.reading() as c:
        named = repairs.spooled(c)
    folder = settings.data / "spool"
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.name not in named and now / 1000 - file.stat().st_mtime > ORPHAN_S:
            file.unlink(missing_ok=True)
    if gone := disk.tidy_copies(settings.data, now / 1000):
        log.info("old copies removed", extra={"deleted": len(gone)})


def _trouble(database: Database, _settings: Settings, now: int) -> None:
    trouble.watch_all(database, now)


def _backup(database: Database, settings: Settings, now: int) -> None:
    folder = settings.data / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    made = folder / backup.folder_name(now)
    backup.backup(database, made, passphrase=None, vault=Vault(settings.data, key_file(settings)), now=now)
    backup.verify(made)
    with database.writing() as c:
        kept.put(c, LAST_BACKUP, str(now))
    backup.rotate(folder, settings.backups_daily, settings.backups_weekly)


def key_file(settings: Settings) -> Path | None:
    return Path(settings.vault_key_file) if settings.vault_key_file else None


def _hourly(settings: Settings, now: int) -> int:
    return now + HOUR_MS


def _half_hourly(settings: Settings, now: int) -> int:
    return now + HOUR_MS // 2


def _nightly(settings: Settings, now: int) -> int:
    """The next time the configured hour comes round in this machine's zone."""
    here = dt.datetime.fromtimestamp(now / 1000, dt.UTC).astimezone()
    due = here.replace(hour=settings.backup_hour, minute=0, second=0, microsecond=0)
    if due <= here:
        due += dt.timedelta(days=1)
    return int(due.timestamp() * 1000)


JOBS = {
    "retention": Job(_retention, _hourly),
    "sweep": Job(_sweep, _hourly),
    trouble.JOB: Job(_trouble, _half_hourly),
    "backup": Job(_backup, _nightly),
}


def prepare(database: Database, settings: Settings, now: int) -> None:
    """Make the rows that a database lacks; rows that stand keep their due time, so what was missed is due now."""
    with database.writing() as c:
        for name, job in JOBS.items():
            jobs.ensure(c, name, job.next(settings, now))


def run_due(database: Database, settings: Settings, now: int) -> list[str]:
    """Run what is due; a failed job is due again in a quarter of an hour and keeps its reason."""
    with database.reading() as c:
        due = [name for name in jobs.due(c, now, now + LONGEST_MS) if name in JOBS]
    for name in due:
        job = JOBS[name]
        try:
            job.run(database, settings, now)
            error = None
        except Problem as problem:
            error = problem.message
            log.error("job failed", extra={"job": name, "error": error})
        with database.writing() as c:
            jobs.finish(c, name, due_at=job.next(settings, now) if error is None else now + RETRY_MS, now=now, error=error)
    return due
