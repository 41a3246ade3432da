"""Readings into equal slots of time, so that a chart draws few points and a slot without a reading is really a gap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

MOST = 120


@dataclass(frozen=True)
class Slots:
    """``values`` are means, one a slot of ``step`` ms from ``start`` on; None where nothing was measured."""

    start: int
    step: int
    values: tuple[float | None, ...]

    def middle(self, index: int) -> int:
        return self.start + self.step * index + self.step // 2

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]


def slotted(readings: Sequence[tuple[int, float]], start: int, end: int, *, least: int, most: int = MOST) -> Slots:
    """(instant, value) pairs in [start, end) ms. A slot is ``least`` ms or wider: wide enough for the source's own habit, so that
    only a pause longer than usual shows as a gap, and never more than ``most`` slots."""
    inside = sorted((at, value) for at, value in readings if start <= at < end)
    apart = sorted(b[0] - a[0] for a, b in pairwise(inside) if b[0] > a[0])
    habit = apart[int(len(apart) * 0.9)] if apart else 0
    length = max(1, end - start)
    step = max(least, math.ceil(length / most), min(math.ceil(habit * 1.1), length // 12))
    held: dict[int, list[float]] = {}
    for at, value in inside:
        held.setdefault((at - start) // step, []).append(value)
    count = math.ceil(length / step)
    return Slots(start, step, tuple(fmean(held[index]) if index in held else None for index in range(count)))
