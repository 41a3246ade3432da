"""Days computed by a process of its own: the parent's side (``Beside``) and the child's (``python -m healthbox.pipeline.beside``).

What is stored is read here and goes over as ``Material``; rows come back, in the order asked. It pays for many days at a time,
as a large import or a rebuild brings them: they take the second core, and the server goes on answering.
"""

import queue
import sys
import threading

import msgspec

from healthbox.domain.days import DayRow
from healthbox.pipeline import child
from healthbox.pipeline.day_rows import Material, day_rows

MODULE = "healthbox.pipeline.beside"


STILL_S = 300.0  # over one question: something is wrong with the child


class Asked(msgspec.Struct, array_like=True):
    metric: str
    aggregation: str
    material: Material


class Told(msgspec.Struct, array_like=True):
    """``absent``: dates of which nothing tells. ``error`` names what went wrong, nothing else is there then."""

    rows: list[DayRow]
    absent: list[str]
    error: str = ""


encoded = msgspec.msgpack.Encoder().encode
_asked, _told = msgspec.msgpack.Decoder(Asked), msgspec.msgpack.Decoder(Told)


class Beside:
    """Raises ``OSError`` when no process can be started."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._child = child.start(MODULE)
        self._talker = threading.Thread(target=self._talk, name="days beside", daemon=True)
        self._talker.start()

    def ask(self, asked: bytes) -> None:
        """``asked`` is an ``encoded`` question."""
        self._questions.put(asked)

    def hear(self, timeout_s: float) -> Told | None:
        """The answer to the oldest question without one; None when it is not there yet. Raises ``ChildProcessError`` when the
        child is gone or stands still."""
        try:
            raw = self._answers.get(timeout=timeout_s) if timeout_s else self._answers.get_nowait()
        except queue.Empty:
            return None
        if not raw:
            raise ChildProcessError
        return _told.decode(raw)

    def close(self) -> None:
        self._questions.put(None)
        self._child.kill()
        self._talker.join()
        child.end(self._child)

    def _talk(self) -> None:
        while (question := self._questions.get()) is not None:
            try:
                child.put(self._child.stdin, question)
                told = child.take(self._child.stdout, STILL_S)
            except Exception:  # gone or standing still: who listens is told, and lets go of it
                told = b""
            self._answers.put(told)
            if not told:
                return


def answer(asked: Asked) -> Told:
    try:
        return Told(*day_rows(asked.metric, asked.aggregation, asked.material))
    except Exception as error:  # the days of this question wait, so that all others need not
        return Told([], [], type(error).__name__)


def main() -> None:
    while raw := child.take(sys.stdin.buffer):
        child.put(sys.stdout.buffer, msgspec.msgpack.encode(answer(_asked.decode(raw))))


if __name__ == "__main__":
    child.run(main)
