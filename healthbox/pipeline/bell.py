"""The bell: Huey on a file of its own. It only ever says "there is work"; what the work is stands in the ledger.

Two tasks without arguments (pump, send), two worker threads, tagged JSON instead of pickle. The file may be deleted at any
moment: the next ring or the watch in ``server`` makes it anew.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

log = logging.getLogger("healthbox.bell")
FILE = "queue.db"
LOOK_S = 1.0
# what a task without arguments, retries or a due time leaves in the remaining fields of Huey's message
_BARE: tuple[Any, ...] = (None, 0, 0, None, (), {}, None, None, None, None, None, None, None)


class TaggedJson(Serializer):  # type: ignore[misc]
    """Huey messages as JSON; anything else in the queue file is refused, no code is ever run from it."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            raise TypeError("only task messages go into the queue")
        return json.dumps({"message": [data.id, data.name]}).encode()

    def _deserialize(self, data: bytes) -> Any:
        identity, name = json.loads(data)["message"]
        return Message(identity, name, *_BARE)


class _Listening(SqliteStorage):  # type: ignore[misc]
    """Looks into the file when something was put there, and once a second in case that was missed: the workers ask ten times a
    second, and a box that has nothing to do should do nothing."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._news, self._looked = True, 0.0

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        self._news = True

    def dequeue(self) -> bytes | None:
        now = time.monotonic()
        if not self._news and now - self._looked < LOOK_S:
            return None
        self._looked = now
        self._news = False  # before the look: what comes after it is news
        found: bytes | None = super().dequeue()
        self._news = self._news or found is not None
        return found


class _EmbeddedConsumer(Consumer):  # type: ignore[misc]
    def _set_signal_handlers(self) -> None:
        """The server's own signal handling stays in force."""


class Bell:
    """Rings for the pump and for the sender; one unanswered ring of each kind is enough."""

    def __init__(self, data: Path, pump: Callable[[], None], send: Callable[[], None], *, poll_seconds: float) -> None:
        self._file, self._poll = data / FILE, poll_seconds
        self._work = {"pump": pump, "send": send}
        self._rung = {"pump": threading.Event(), "send": threading.Event()}
        self._running = False
        self._open()

    def _open(self) -> None:
        for suffix in ("", "-wal", "-shm"):  # what a file left behind, or a half of one, is not worth asking
            self._file.with_name(FILE + suffix).unlink(missing_ok=True)
        self._huey = SqliteHuey(
            "healthbox", filename=str(self._file), results=False, store_none=False, serializer=TaggedJson(), fsync=False, utc=True,
            storage_class=_Listening,
        )  # fmt: skip
        os.chmod(self._file, 0o600)
        self._inode = self._file.stat().st_ino
        self._tasks = {name: self._huey.task(name=name)(self._answer(name)) for name in self._work}
        self._consumer: Consumer | None = None

    def _answer(self, name: str) -> Callable[[], None]:
        def answer() -> None:
            self._rung[name].clear()
            self._work[name]()

        answer.__name__ = name
        return answer

    def start(self) -> None:
        self._running = True
        self._consumer = _EmbeddedConsumer(
            self._huey,
            workers=2,
            periodic=False,
            initial_delay=self._poll,
            max_delay=max(self._poll, 0.2),
            backoff=1.15,
            check_worker_health=True,
            shutdown_timeout=6,
        )
        self._consumer.start()

    def ring(self, name: str = "pump") -> None:
        """Never raises: a lost ring costs a second, until the watch looks."""
        if self._rung[name].is_set():
            return
        self._rung[name].set()
        try:
            self._tasks[name]()
        except Exception as error:  # the queue is only a bell; the ledger holds the work
            self._rung[name].clear()
            log.warning("the bell did not ring", extra={"error": type(error).__name__})
            self._file.unlink(missing_ok=True)  # whatever is wrong with it: the watch makes it anew

    def mend(self) -> None:
        """Called every second: a deleted queue file is made anew, dead workers are replaced."""
        try:
            same = self._file.stat().st_ino == self._inode
        except FileNotFoundError:
            same = False
        if same:
            if self._consumer is not None:
                self._consumer.check_worker_health()
            return
        log.warning("queue file is gone, making a new one")
        running = self._running
        self.stop(graceful=False)
        for rung in self._rung.values():
            rung.clear()
        self._open()
        if running:
            self.start()

    def stop(self, *, graceful: bool = True) -> None:
        self._running = False
        if self._consumer is not None:
            self._consumer.stop(graceful=graceful)
            self._consumer = None
