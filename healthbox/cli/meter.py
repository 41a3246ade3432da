"""How far the work is, for the person at the terminal: one line that changes; where nobody watches, a plain one now and then."""

import shutil
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TextIO

SPAN_S, LEAST_S = 10.0, 1.0  # the pace is that of the last ten seconds
PLAIN_S, WATCHED_S = 10.0, 0.2
BAR = 24


class _Look(NamedTuple):
    at: float
    read: int
    share: float | None


class Meter:
    """Writes to ``out``; ``clock`` counts seconds."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._watched = out.isatty()
        self._looks: deque[_Look] = deque()
        self._first: _Look | None = None
        self._said = clock()
        self._open = False

    def keeping(self, share: float) -> None:
        """So much of the file, 0 to 1, is copied to where it is kept."""
        if self._due(self._clock()):
            self._say(f"Keeping a copy: {int(100 * share)} %", share)

    def reading(self, read: int, share: float | None) -> None:
        """So many records are read; ``share`` is how much of the upload is worked off, 0 to 1, None where nobody can say."""
        look = _Look(self._clock(), read, share)
        self._first = self._first or look
        self._looks.append(look)
        while len(self._looks) > 2 and look.at - self._looks[1].at >= SPAN_S:
            self._looks.popleft()
        if self._due(look.at):
            self._say(", ".join(self._words()), share)

    def read(self) -> None:
        """The upload is worked off."""
        if not self._looks or self._first is None:
            return
        last = self._looks[-1]
        took = "" if self._first.read else f" in {_span(self._clock() - self._first.at)}"
        self._close(f"{last.read:,} record{'' if last.read == 1 else 's'} read{took}.")

    def counting(self, days: int) -> None:
        """So many days are still to be counted from what was read."""
        if days and self._due(self._clock()):
            self._say(f"Counting days: {days:,} left", None)

    def counted(self) -> None:
        """All days are counted."""
        if self._open:
            self._close("Days counted.")

    def _due(self, now: float) -> bool:
        if now - self._said < (WATCHED_S if self._watched else PLAIN_S):
            return False
        self._said = now
        return True

    def _words(self) -> list[str]:
        first, last = self._looks[0], self._looks[-1]
        parts = [] if last.share is None else [f"{int(100 * last.share)} %"]
        parts.append(f"{last.read:,} records")
        if (seconds := last.at - first.at) < LEAST_S:
            return parts
        if last.read > first.read:
            parts.append(f"{(last.read - first.read) / seconds:,.0f} a second")
        if last.share is not None and first.share is not None and last.share > first.share:
            parts.append(f"{_span((1 - last.share) * seconds / (last.share - first.share))} left")
        return parts

    def _say(self, words: str, share: float | None) -> None:
        self._open = True
        if not self._watched:
            self._out.write(f"{words}\n")
        else:
            filled = round(BAR * (share or 0))
            bar = "" if share is None else f"[{'#' * filled}{'.' * (BAR - filled)}] "
            self._out.write(f"\r{(bar + words)[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        self._out.flush()

    def _close(self, words: str) -> None:
        self._out.write(f"\r\x1b[K{words}\n" if self._watched and self._open else f"{words}\n")
        self._out.flush()
        self._open = False


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
