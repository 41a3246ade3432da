"""The sleep regularity index: how alike the same clock time is from one day to the next (Phillips 2017, Sci Rep 7:3216)."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

LEAST_PAIRS = 5
DAY = 86_400_000


def sri(days: Sequence[Sequence[int | None] | None]) -> float | None:
    """100 for identical days, 0 for chance, -100 for opposite ones; None with fewer than 5 pairs of neighbouring days.

    A day is its epochs (1 asleep, 0 awake, None unknown), all days equally many; a day without a record is None, never awake.
    Raises ValueError when two days differ in length.
    """
    same = compared = pairs = 0
    for today, tomorrow in pairwise(days):
        if today is None or tomorrow is None:
            continue
        known = [a == b for a, b in zip(today, tomorrow, strict=True) if a is not None and b is not None]
        same += sum(known)
        compared += len(known)
        pairs += bool(known)
    return 200 * same / compared - 100 if pairs >= LEAST_PAIRS else None


def epochs(asleep: Sequence[tuple[int, int]], begin: int, days: int, minutes: int = 1) -> list[list[int | None] | None]:
    """Rows for ``sri`` from the times asleep (ms, naps included, not overlapping), in steps of 24 h elapsed from ``begin``.

    Begin at a noon, so that a night falls into one row. A row that no sleep touches is None: nothing was recorded.
    """
    spans = sorted(asleep)
    starts = [start for start, _ in spans]
    step = minutes * 60_000
    rows: list[list[int | None] | None] = []
    for low in range(begin, begin + days * DAY, DAY):
        row: list[int | None] = []
        for middle in range(low + step // 2, low + DAY, step):
            index = bisect_right(starts, middle) - 1
            row.append(int(index >= 0 and middle < spans[index][1]))
        rows.append(row if any(row) else None)
    return rows
