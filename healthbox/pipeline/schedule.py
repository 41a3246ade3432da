"""The schedule: rows with a due time in the ledger's database, caught up after a stop instead of skipped.

retention   worked-off bodies that are old enough go; hourly
sweep       spool files that no row names go, old copies that upgrades and restores left, logins that are over; hourly
metadata    what deleted samples alone referred to goes; once a night
trouble     devices and sources against their habits: silence needs a clock; half-hourly
backup      a verified copy into <data>/backups, once a night; one missed night is caught up at the next start
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from healthbox.config import Settings
from healthbox.domain.errors import Problem
from healthbox.pipeline import trouble
from healthbox.store import backup, disk, jobs, logins, repairs, series
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
        with suppress(FileNotFoundError):  # worked off just now
            if file.name not in named and now / 1000 - file.stat().st_mtime > ORPHAN_S:
                file.unlink()
    if gone := disk.tidy_copies(settings.data, now / 1000):
        log.info("old copies removed", extra={"deleted": len(gone)})
    with database.writing() as c:
        logins.clean_up(c, now, settings)


def _metadata(database: Database, _settings: Settings, _now: int) -> None:
    with database.reading() as c:
        unused = series.has_unused_metas(c)  # it takes a while: nobody waits for it behind the write lock in vain
    if unused:
        with database.writing() as c:
            series.drop_unused_metas(c)


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
    here = time.localtime(now / 1000)
    tonight, tomorrow = (_hour(here, days, settings.backup_hour) for days in (0, 1))
    return tonight if tonight > now else tomorrow


def _hour(here: time.struct_time, days: int, hour: int) -> int:
    """Whether the clocks are changed until then, the C library knows."""
    return int(time.mktime((here.tm_year, here.tm_mon, here.tm_mday + days, hour, 0, 0, 0, 0, -1))) * 1000


JOBS = {
    "retention": Job(_retention, _hourly),
    "sweep": Job(_sweep, _hourly),
    trouble.JOB: Job(_trouble, _half_hourly),
    "metadata": Job(_metadata, _nightly),
    "backup": Job(_backup, _nightly),
}


def prepare(database: Database, settings: Settings, now: int) -> None:
    """Make the rows that a database lacks; rows that stand keep their due time, so what was missed is due now."""
    with database.writing() as c:
        for name, job in JOBS.items():
            jobs.ensure(c, name, job.next(settings, now))


def run_due(database: Database, settings: Settings, now: int, go_on: Callable[[], bool] = lambda: True) -> list[str]:
    """Run what is due, one job after the other while ``go_on``; a failed one is due again in a quarter of an hour and keeps its reason."""
    with database.reading() as c:
        due = [name for name in jobs.due(c, now, now + LONGEST_MS) if name in JOBS]
    for name in due:
        if not go_on():
            break
        job, error = JOBS[name], None
        try:
            job.run(database, settings, now)
        except Exception as raised:  # the edge of a job: the others must run
            error = _reason(raised)
            log.error("job failed", extra={"job": name, "error": error}, exc_info=None if isinstance(raised, Problem) else raised)
        with database.writing() as c:
            jobs.finish(c, name, due_at=job.next(settings, now) if error is None else now + RETRY_MS, now=now, error=error)
    return due


def _reason(raised: Exception) -> str:
    """In words that hold no path and nothing of anybody's."""
    if isinstance(raised, Problem):
        return raised.message
    kind = type(raised).__name__
    return f"{kind}: {os.strerror(raised.errno)}" if isinstance(raised, OSError) and raised.errno else kind
