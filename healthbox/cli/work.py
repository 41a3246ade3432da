"""Who does the work that a command has written down: the running server, or this process as long as none runs."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from healthbox.cli.logs import configure
from healthbox.cli.place import now_ms
from healthbox.config import Settings
from healthbox.domain.errors import Problem
from healthbox.pipeline import supersede
from healthbox.pipeline.pump import Pump, calm_collector
from healthbox.store import days, uploads
from healthbox.store.engine import Database
from healthbox.store.locks import ServerLock, is_held

log = logging.getLogger("healthbox.work")
LOOK_S = 0.1
IDLE_S = 0.2


@contextmanager
def working(database: Database, given: Settings) -> Iterator[bool]:
    """Somebody works the ledger off while the block waits; says whether it is this process, which then holds the server lock.

    At the end of the block what is due is finished; when the block is left by an exception (Ctrl-C), only the step under way.
    """
    try:
        lock = ServerLock(given.data)
    except Problem as problem:
        if problem.code != "already_running":
            raise
        yield False
        return
    with lock:
        configure("error")
        pump = Pump(database, given.data, now_ms, _nothing)
        calm_collector()
        pump.boot()
        end = threading.Event()
        hands = threading.Thread(target=_work, args=(pump, end), name="pump")
        hands.start()
        try:
            yield True
        except BaseException:
            pump.stop()
            raise
        finally:
            end.set()
            hands.join()


def _work(pump: Pump, end: threading.Event) -> None:
    while True:
        try:
            pump.run()
        except Exception as error:  # the edge of the loop: what failed stays due, the waiting command goes on looking
            log.error("a step failed", exc_info=error)
        if end.wait(IDLE_S):
            return


def _nothing() -> None:
    """Messages are sent by a server: their rows wait for it."""


def wait(given: Settings, own: bool, done: Callable[[], bool]) -> None:
    """Until ``done``. Raises ``server_stopped`` when the server that was to do the work is gone."""
    while not done():
        time.sleep(LOOK_S)
        if not own and not is_held(given.data) and not done():
            hint = "Nothing is lost: it goes on where it was as soon as a server runs."
            raise Problem("The server has stopped meanwhile.", hint=hint, code="server_stopped")


def wait_for_days(
    database: Database, given: Settings, own: bool, person_id: int | None = None, show: Callable[[int], object] = lambda left: None
) -> None:
    """Until no chunk is due any more and every day that was touched is folded (of one person, or of all); ``show`` how many are not."""

    def done() -> bool:
        with database.reading() as c:
            left = days.dirty_count(c, person_id)
            idle = not (left or uploads.being_read(c, person_id, now_ms()) or supersede.waits(c, person_id))
        show(left)
        return idle

    wait(given, own, done)
