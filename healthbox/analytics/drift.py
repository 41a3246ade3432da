"""How far a day's own number lies from the one that the client's system states, and why: from facts of that day alone.

``apart`` is ours less the stated one; the share is that as a part of the stated one. A cause is only named when the facts could
have moved the number the way it moved: a statement made too early explains that we count more, readings left out that we count
less. Where nothing fits, the one cause is ``unknown``; a guess is worse than none.
"""

import datetime as dt
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal

import msgspec

CLOSE = 0.01
ROUNDING = 0.005
HALF = 0.5
NOTABLE = 0.1  # of the gap: what is smaller does not explain it
EXACT = ("doubled", "alone", "naps")  # the numbers fit: nothing more is to be explained
LEAST_DAYS = 7  # before a coverage is usual
LEAST_LESS = 2 / 24  # of a day: an hour without a step is nothing

Code = Literal[
    "rounding",
    "early",
    "zone",
    "clock",
    "missing",
    "extra",
    "doubled",
    "alone",
    "left_out",
    "overlap",
    "coverage",
    "naps",
    "other",
    "unknown",
]


class Part(msgspec.Struct, frozen=True):
    """What one source measured: ``value`` counted, ``raw`` its own plain sum, ``discarded`` the rest of it; readings for means."""

    name: str = ""
    value: float = 0.0
    raw: float = 0.0
    discarded: float = 0.0


class Statement(msgspec.Struct, frozen=True):
    """What an app states of the whole day: ``as_of`` in ms, ``final`` when that lies after the day's end; ``sources`` it names."""

    app: str
    value: float
    as_of: int | None = None
    final: bool = True
    sources: tuple[str, ...] = ()


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a day. ``added``: its parts add up (else they count readings). ``zones`` in force during it, first to last."""

    date: dt.date
    ours: float
    stated: Statement
    others: Sequence[Statement] = ()
    parts: Sequence[Part] = ()
    added: bool = True
    coverage: float | None = None
    usual_coverage: float | None = None
    hours: float = 24.0
    zones: Sequence[str] = ()
    naps: float = 0.0


class Cause(msgspec.Struct, frozen=True):
    """``value`` is in the metric's unit (readings for means, hours for ``clock``), ``share`` and ``usual`` 0 to 1, ``at`` in ms;
    ``name`` is a source, an app or the zones. What a code does not use is None or empty."""

    code: Code
    value: float | None = None
    share: float | None = None
    usual: float | None = None
    name: str = ""
    at: int | None = None


class Summary(msgspec.Struct, frozen=True):
    """``median`` of the signed shares, None without days; ``close`` of ``days`` lie within one percent."""

    days: int
    close: int
    median: float | None


def share(ours: float, stated: float) -> float | None:
    """The drift as a part of what was stated; None where nothing was stated and something counted."""
    if ours == stated:
        return 0.0
    return (ours - stated) / abs(stated) if stated else None


def is_close(drift: float | None) -> bool:
    return drift is not None and abs(drift) <= CLOSE


def summary(drifts: Sequence[float | None]) -> Summary:
    known = sorted(drift for drift in drifts if drift is not None)
    close = bisect_right(known, CLOSE) - bisect_left(known, -CLOSE)
    return Summary(len(drifts), close, statistics.median(known) if known else None)


def usual_coverage(coverages: Sequence[float | None]) -> float | None:
    """The median share of the day that readings cover; None until there are enough days to say."""
    known = [coverage for coverage in coverages if coverage is not None]
    return statistics.median(known) if len(known) >= LEAST_DAYS else None


def causes(day: Day) -> list[Cause]:
    """Why the two differ, the most telling first; none where they are equal."""
    apart, drift = day.ours - day.stated.value, share(day.ours, day.stated.value)
    if apart == 0:
        return []
    if drift is not None and abs(drift) <= ROUNDING:
        return [Cause("rounding")]
    found = [*_times(day, apart), *_sources(day, apart), *_others(day)]
    if not any(cause.code in EXACT for cause in found):
        found += _coverage(day, apart)
    return found or [Cause("unknown")]


def _times(day: Day, apart: float) -> list[Cause]:
    found = []
    if not day.stated.final and (apart > 0 or not day.added):
        found.append(Cause("early", at=day.stated.as_of))
    if len(set(day.zones)) > 1:
        found.append(Cause("zone", name=f"{day.zones[0]} → {day.zones[-1]}"))
    elif day.hours != 24:
        found.append(Cause("clock", value=day.hours))
    if day.naps and _near(day.stated.value, day.ours + day.naps):
        found.append(Cause("naps", value=day.naps))
    return found


def _sources(day: Day, apart: float) -> list[Cause]:
    """What other sources it was made of, or the same ones added in another way."""
    ours, theirs = {part.name for part in day.parts if part.raw}, set(day.stated.sources)
    found = []
    if ours and theirs and (apart < 0 or not day.added):
        found += [Cause("missing", name=name) for name in sorted(theirs - ours)]
    if ours and theirs and (apart > 0 or not day.added):
        given = {part.name: part.value for part in day.parts if part.value}
        found += [
            Cause("extra", name=name, value=value)
            for name, value in sorted(given.items())
            if name not in theirs and _notable(value, apart, day)
        ]
    return found + (_adding(day, apart) if day.added else _choosing(day))


def _notable(value: float, apart: float, day: Day) -> bool:
    return not day.added or value >= NOTABLE * abs(apart)


def _adding(day: Day, apart: float) -> list[Cause]:
    if len(day.parts) < 2:
        return []
    discarded = sum(part.discarded for part in day.parts)
    if discarded > 0 and _near(day.stated.value, sum(part.raw for part in day.parts)):
        return [Cause("doubled", value=discarded)]
    alone = next((part for part in day.parts if part.raw and _near(day.stated.value, part.raw)), None)
    if alone is not None:
        return [Cause("alone", name=alone.name, value=alone.raw)]
    if apart > 0 or discarded < HALF * -apart:  # what was left out cannot make up for it
        return []
    return [_left(part) for part in sorted(day.parts, key=lambda part: (-part.discarded, part.name)) if part.discarded > 0]


def _choosing(day: Day) -> list[Cause]:
    """Of means and the like: in an hour the readings of one source count, those of the others are passed over."""
    return [_left(part) for part in sorted(day.parts, key=lambda part: (-part.discarded, part.name)) if part.discarded > 0]


def _left(part: Part) -> Cause:
    return Cause("overlap" if part.value else "left_out", name=part.name, value=part.discarded)


def _coverage(day: Day, apart: float) -> list[Cause]:
    covered, usual = day.coverage, day.usual_coverage
    if covered is None or (apart > 0 and day.added):
        return []
    less = covered < HALF if usual is None else covered <= usual - LEAST_LESS
    return [Cause("coverage", share=covered, usual=usual)] if less else []


def _others(day: Day) -> list[Cause]:
    """Another app's statement that agrees with us speaks against the one compared."""
    return [Cause("other", name=other.app, value=other.value) for other in day.others if _near(other.value, day.ours)]


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * abs(one)
