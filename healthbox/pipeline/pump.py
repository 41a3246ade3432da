"""The pump: takes whatever is due, one small step after the other, until nothing is.

Every to-do is a durable row written in the transaction that caused it, so the pump can be stopped anywhere and simply
started again: due chunks → closable batches → dirty days → changed days to analyse.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from healthbox.domain.errors import DiskFull, Unavailable
from healthbox.pipeline import trouble
from healthbox.pipeline.analyse import analyse
from healthbox.pipeline.close import close_batches
from healthbox.pipeline.fold import Folder
from healthbox.pipeline.process import Processor
from healthbox.store import disk, ledger, people
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.pump")
STUCK_S = 300
IMPORT_STEPS = 8
READING_SETTLE_MS = 250  # a day of which nothing came for so long is folded while there is nothing else to do
READING_JUDGE_S = 2.0
LONGEST_MS = 600_000  # nothing waits longer: a chunk's last retry comes after 270 s, days that cannot be computed after 300 s
BACK_MS = 60_000  # a clock is set right by a second now and then
READING_S = 0.01  # until we look again whether the process that reads a file has come further


def calm_collector() -> None:
    """For a process that works: what is loaded by now stays, and what comes holds few cycles. Looking through all of it again and
    again costs an import a tenth of its time and now and then a page three times its own."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Pump:
    """One at a time: a second call while one runs returns at once, the running one sees the new work."""

    def __init__(self, database: Database, data: Path, clock: Callable[[], int], sent: Callable[[], None]) -> None:
        self._database, self._data, self._clock, self._ring_sender = database, data, clock, sent
        self._processor = Processor(database, data)
        self._folder = Folder(database)
        self._one = threading.Lock()
        self._stop = threading.Event()
        self._refresh: set[int] = set()  # people with new data since their sources' habits were last computed
        self._judged_at = 0.0
        self._latest = 0
        self.progress_at = time.monotonic()
        self.stage = "idle"

    def boot(self) -> None:
        """What ran when the process ended is due again; what killed it every time is a dead letter."""
        now = self._clock()
        self._set_right(now)
        with self._database.writing() as c:
            reset, buried = ledger.reset_running(c), ledger.bury_exhausted(c, now)
            self._refresh = {person.id for person in people.list_persons(c)}  # some may have been due when the process ended
        if reset or buried:
            log.warning("work resumed after a stop", extra={"chunks": reset, "dead": buried})

    def stop(self) -> None:
        self._stop.set()

    def _set_right(self, now: int) -> None:
        """A clock that was ahead has put work off for as long as it was wrong."""
        self._latest = now
        with self._database.writing() as c:
            if late := ledger.pull_back(c, now, LONGEST_MS):
                log.warning("the clock was ahead: work is due again", extra={"rows": late})

    def run(self) -> None:
        """Work until nothing is due."""
        if not self._one.acquire(blocking=False):
            return
        try:
            now = self._clock()
            if now < self._latest - BACK_MS:
                self._set_right(now)
            self._latest = max(now, self._latest)
            while not self._stop.is_set() and (worked := self._turn()) is not False:
                if worked:
                    self.progress_at = time.monotonic()
        except DiskFull:
            freed = disk.release_ballast(self._data)
            log.error("disk full", extra={"ballast_released": freed})
        except Unavailable as problem:
            log.warning("the database is busy, trying again", extra={"code": problem.code})
        finally:
            self._folder.rest()
            if self._stop.is_set():
                self._processor.close()
            self.stage = "idle"
            self.progress_at = time.monotonic()
            self._one.release()

    def _turn(self) -> bool | None:
        """One round: some chunk steps, then what has waited long enough; the rest when no chunk is due. None when it only waited
        for another process, False when there is nothing to do."""
        worked = False
        for _ in range(IMPORT_STEPS):
            self.stage = "process"
            if self._stop.is_set() or not self._processor.step(self._clock()):
                break
            worked = True
            self.stage = "fold"
            self._folder.step(self._clock())
        else:
            return True
        self.stage = "fold"
        if self._processor.reading and not self._stop.is_set() and self._folder.step(self._clock(), settle_ms=READING_SETTLE_MS):
            return True
        self.stage = "close"
        if closed := close_batches(self._database, self._clock()):
            self._refresh |= closed
            worked = True
        self._refresh |= self._processor.closed
        self._processor.closed.clear()
        self.stage = "fold"
        while not self._stop.is_set() and self._folder.step(self._clock()):
            worked = True
            if self._chunk_waits():
                return True
        if self._folder.waits and (self._judged_lately() or not self._processor.reading):  # beside a long import others wait to be told
            return self._folder.hear(self._clock(), READING_S) or worked or None
        self.stage = "analyse"
        if not self._stop.is_set() and not self._judged_lately() and analyse(self._database, self._clock()):
            self._judged_at = time.monotonic()
            self._ring_sender()
            worked = True
        if not worked and self._refresh:
            for person_id in self._refresh:
                trouble.refresh(self._database, person_id, self._clock())
            self._refresh.clear()
        if not worked and self._processor.reading:
            self._stop.wait(READING_S)
            return None
        return worked

    def _judged_lately(self) -> bool:
        """While a file is read its days change with every metric: judging them each time would cost more than folding them."""
        return self._processor.reading and time.monotonic() - self._judged_at < READING_JUDGE_S

    def _chunk_waits(self) -> bool:
        with self._database.reading() as c:
            due = ledger.next_due(c)
        return due is not None and due <= self._clock()

    @property
    def stuck(self) -> bool:
        """Whether a stage has run for five minutes without finishing a step."""
        return self.stage != "idle" and time.monotonic() - self.progress_at > STUCK_S
