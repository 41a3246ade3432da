"""The worker: bell, pump, sender, watch, schedule and inbox together, beside the web server in one process."""

import logging
import threading
import time
from collections.abc import Callable

from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Problem
from healthbox.pipeline import deliver, schedule, slices, supersede
from healthbox.pipeline.accept import Door
from healthbox.pipeline.bell import Bell
from healthbox.pipeline.inbox import Inbox
from healthbox.pipeline.pump import Pump, calm_collector
from healthbox.store import days, deliveries, disk, ledger
from healthbox.store.engine import Database
from healthbox.store.vault import Vault

log = logging.getLogger("healthbox.worker")
WATCH_S = 1.0
JOBS_S = 5.0  # until a job that fell due is begun
STOP_S = 5.0  # for all of it together: who ends a container gives it ten
INBOX_S = 3.0
SWEEP_MS = 3_600_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Worker:
    """Start and stop once. ``beat`` is when the watch last went round, for readiness."""

    def __init__(self, database: Database, settings: Settings, vault: Vault | None, clock: Callable[[], int] = now_ms) -> None:
        self._database, self._settings, self._vault, self._clock = database, settings, vault, clock
        self._catalogue = Catalogue.load()
        self.pump = Pump(database, settings.data, clock, self._ring_sender)
        self.bell = Bell(settings.data, self.pump.run, self._send, poll_seconds=settings.poll_seconds)
        self._stop = threading.Event()
        self._beat: int | None = None
        self._sending = threading.Lock()
        self._watch = threading.Thread(target=self._look, name="watch", daemon=True)
        self._inbox = Inbox(database, settings, Door(database, settings, self.ring))
        self._timed = threading.Thread(target=self._run_jobs, name="schedule", daemon=True)
        self._collect = threading.Thread(target=self._look_into_the_inbox, name="inbox", daemon=True)

    def ring(self) -> None:
        self.bell.ring("pump")

    def _ring_sender(self) -> None:
        self.bell.ring("send")

    def beat(self) -> int | None:
        return None if self.pump.stuck else self._beat

    def start(self) -> None:
        calm_collector()
        self.pump.boot()
        deliver.resume(self._database, self._clock())
        schedule.prepare(self._database, self._settings, self._clock())
        self.bell.start()
        self._watch.start()
        self._timed.start()
        self._collect.start()
        self.bell.ring("pump")
        self.bell.ring("send")

    def stop(self) -> bool:
        """Finish the step under way, leave the rest to the next start. False when something goes on until the process ends, as a
        backup of gigabytes does: half of one has no name, and it stays due."""
        until = time.monotonic() + STOP_S
        self._stop.set()
        self.pump.stop()
        self.bell.stop()
        threads = self._watch, self._collect, self._timed
        for thread in threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        return not (any(thread.is_alive() for thread in threads) or self.pump.stage != "idle" or self._sending.locked())

    def _send(self) -> None:
        if self._vault is None or not self._sending.acquire(blocking=False):
            return
        try:
            while not self._stop.is_set() and deliver.deliver(self._database, self._vault, self._settings, self._catalogue, self._clock()):
                pass
        finally:
            self._sending.release()

    def _look(self) -> None:
        """Every second: whatever fell due without a ring (retries, a lost bell) is rung for."""
        while not self._stop.wait(WATCH_S):
            try:
                now = self._clock()
                self.bell.mend()
                with self._database.reading() as c:
                    due = ledger.next_due(c)
                    waits = (due is not None and due <= now) or days.waits(c) or ledger.may_close(c, now) or supersede.waits(c)
                    send = deliveries.next_due(c)
                if waits:
                    self.bell.ring("pump")
                if send is not None and send <= now:
                    self.bell.ring("send")
                self._beat = now
                disk.restore_ballast(self._settings.data, self._settings.ballast_mb)
            except Problem as problem:
                log.warning("the watch could not look", extra={"code": problem.code})
            except Exception as error:  # the edge of the watch: it must go on looking
                log.error("the watch failed", exc_info=error)

    def _run_jobs(self) -> None:
        """A thread of its own: a backup of gigabytes must not keep the watch from going round."""
        while not self._stop.wait(JOBS_S):
            try:
                schedule.run_due(self._database, self._settings, self._clock(), lambda: not self._stop.is_set())
            except Problem as problem:
                log.warning("the schedule could not be run", extra={"code": problem.code})
            except Exception as error:  # the edge of the schedule: it must go on
                log.error("the schedule failed", exc_info=error)

    def _look_into_the_inbox(self) -> None:
        """A thread of its own: reading a file of gigabytes must not keep the watch from going round."""
        swept = 0
        while not self._stop.wait(INBOX_S):
            try:
                now = self._clock()
                self._inbox.look(now)
                if now - swept > SWEEP_MS:
                    slices.sweep(self._database, self._settings, now)
                    swept = now
            except Problem as problem:
                log.warning("the inbox could not be looked into", extra={"code": problem.code})
            except Exception as error:  # the edge of the inbox: it must go on looking
                log.error("looking into the inbox failed", exc_info=error)
