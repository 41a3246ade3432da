"""Nights from sleep stages: a pure recomputation over whatever is stored, with no state of its own.

1. Spans without length or longer than 24 h are dropped. (Some clients write schedules ahead: what had not happened yet is not given.)
2. Inside one source a stage outranks unspecified sleep; at one level the later statement wins, then the longer span.
3. Sleep with pauses of up to 90 min is one session. Two sessions of one source that both begin between 20:00 and 10:00 with a
   pause of up to 3 h are one broken night: the pause counts as awake. In-bed spans extend the session they overlap.
4. Sessions of several sources that overlap by half of the shorter are one sleep: the source with stages wins, then the better
   rank, then more sleep, then the name. The others are alternates; stages of two devices are never stitched together.
5. The date is the local date of waking. The longest sleep of a date is its night (ties: the later), the others are naps. Sleeps
   under 3 h that begin after 09:00 of that same date are naps also where they are all there is: a date without a night.
6. Where a date has no sleep from anybody, time in bed alone makes an estimated night: asleep stays None.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from healthbox.domain.records import Stage

MINUTE = 60_000
PAUSE = 90 * MINUTE
BROKEN = 180 * MINUTE
NAP = 180 * MINUTE
LONGEST = 24 * 60 * MINUTE
_STAGED = ("core", "deep", "rem")
_ASLEEP = (*_STAGED, "asleep_unspecified")

Local = Callable[[int], dt.datetime]
Span = tuple[int, int, Stage]


class StageSpan(msgspec.Struct, frozen=True):
    """One stored interval in ms; the smaller ``rank`` wins between sources, the larger ``order`` inside one."""

    source: int
    name: str
    rank: int
    start: int
    end: int
    stage: Stage
    order: int


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """A night on its wake-up date. Instants in ms, durations in minutes, ``efficiency`` 0 to 1; None is unknown.

    ``start`` and ``end`` are first and last asleep (in bed, when only ``estimated``). ``asleep`` is None for an estimated night
    and on a date that holds only ``naps``, which has no source either. ``awake`` is the time between ``start`` and ``end`` not
    asleep; stages are None when the source tells none; efficiency, latency and time in bed are None without in-bed spans.
    """

    date: dt.date
    source: int | None
    name: str
    start: int
    end: int
    midpoint_ms: int
    bed_start: int | None = None
    bed_end: int | None = None
    asleep: float | None = None
    core: float | None = None
    deep: float | None = None
    rem: float | None = None
    unspecified: float | None = None
    awake: float | None = None
    in_bed: float | None = None
    latency: float | None = None
    efficiency: float | None = None
    spans: list[Span] = []  # resolved, ascending, not overlapping, from start to end
    naps: list[tuple[int, int, float]] = []  # start, end, minutes asleep
    alternates: list[tuple[str, float, int, int]] = []  # name, minutes asleep, start, end
    estimated: bool = False
    stated: bool = False


class _Session(msgspec.Struct, frozen=True):
    source: int
    name: str
    rank: int
    start: int
    end: int
    asleep: int  # ms
    spans: list[Span]
    bed: list[tuple[int, int]]

    @property
    def staged(self) -> bool:
        return any(stage in _STAGED for _, _, stage in self.spans)


def nights(spans: Sequence[StageSpan], local: Local) -> list[Night]:
    """All nights in these spans, by date. ``local`` turns an instant into the person's aware local time.

    Give at least a day more on both sides than the dates that are asked for, and keep only those.
    """
    own: defaultdict[int, list[StageSpan]] = defaultdict(list)
    for span in spans:
        if 0 < span.end - span.start <= LONGEST:
            own[span.source].append(span)
    sessions: list[_Session] = []
    beds: list[_Session] = []
    for mine in own.values():
        slept, only_in_bed = _sessions(mine, local)
        sessions += slept
        beds += only_in_bed
    dates: defaultdict[dt.date, list[tuple[_Session, list[_Session]]]] = defaultdict(list)
    for session, others in _chosen(sessions):
        dates[local(session.end).date()].append((session, others))
    found = [_night(date, group, local) for date, group in dates.items()]
    lain: defaultdict[dt.date, list[_Session]] = defaultdict(list)
    for bed in beds:
        lain[local(bed.end).date()].append(bed)
    found += [_estimated(date, group) for date, group in lain.items() if date not in dates]
    return sorted(found, key=lambda night: night.date)


def stated_night(
    date: dt.date,
    name: str,
    *,
    start: int | None,
    end: int | None,
    in_bed_start: int | None = None,
    in_bed_end: int | None = None,
    asleep: float | None = None,
    core: float | None = None,
    deep: float | None = None,
    rem: float | None = None,
    awake: float | None = None,
    in_bed: float | None = None,
) -> Night | None:
    """A night as the client's system states it (minutes, ms), for dates without stages; None when it says not even when."""
    first = in_bed_start if start is None else start
    last = in_bed_end if end is None else end
    if first is None or last is None or last <= first:
        return None
    stages = [part for part in (core, deep, rem) if part is not None]
    if asleep is None and stages:
        asleep = sum(stages)
    if in_bed is None and in_bed_start is not None and in_bed_end is not None:
        in_bed = (in_bed_end - in_bed_start) / MINUTE
    return Night(
        date=date,
        source=None,
        name=name,
        start=first,
        end=last,
        midpoint_ms=(first + last) // 2,
        bed_start=in_bed_start,
        bed_end=in_bed_end,
        asleep=asleep,
        core=core,
        deep=deep,
        rem=rem,
        awake=awake,
        in_bed=in_bed,
        latency=_minutes(start - in_bed_start) if start is not None and in_bed_start is not None and start >= in_bed_start else None,
        efficiency=asleep / in_bed if asleep is not None and in_bed and asleep <= in_bed else None,
        stated=True,
    )


def _minutes(ms: int) -> float:
    return ms / MINUTE


# ── one source ──


def _sessions(mine: list[StageSpan], local: Local) -> tuple[list[_Session], list[_Session]]:
    """The sleeps of one source, and its stays in bed that hold no sleep of its own."""
    resolved = _resolve([span for span in mine if span.stage != "in_bed"])
    beds = _union((span.start, span.end) for span in mine if span.stage == "in_bed")
    groups: list[list[Span]] = []
    for span in resolved:
        if span[2] in _ASLEEP:
            if groups and _one_night(groups[-1], span, local):
                groups[-1].append(span)
            else:
                groups.append([span])
    head = mine[0]
    slept = []
    for index, group in enumerate(groups):
        start, end = group[0][0], group[-1][1]
        before = groups[index - 1][-1][1] if index else start - LONGEST
        after = groups[index + 1][0][0] if index + 1 < len(groups) else end + LONGEST
        bed = [(max(low, before), min(high, after)) for low, high in beds[_touching(beds, start, end)]]
        inside = resolved[_touching(resolved, start, end)]
        slept.append(_Session(head.source, head.name, head.rank, start, end, sum(b - a for a, b, _ in group), inside, bed))
    times = [(session.start, session.end) for session in slept]
    empty = [bed for bed in beds if not times[_touching(times, *bed)]]
    return slept, [
        _Session(head.source, head.name, head.rank, stay[0][0], stay[-1][1], 0, [(low, high, "in_bed") for low, high in stay], stay)
        for stay in _stays(empty)
    ]


def _touching(spans: Sequence[tuple[int, int] | Span], low: int, high: int) -> slice:
    """Those of ascending, disjoint spans that share time with (low, high)."""
    return slice(bisect_right(spans, low, key=lambda span: span[1]), bisect_left(spans, high, key=lambda span: span[0]))


def _one_night(group: list[Span], following: Span, local: Local) -> bool:
    pause = following[0] - group[-1][1]
    if pause <= PAUSE:
        return True
    return pause <= BROKEN and _by_night(local(group[0][0])) and _by_night(local(following[0]))


def _by_night(moment: dt.datetime) -> bool:
    return moment.hour >= 20 or moment.hour < 10


def _resolve(mine: list[StageSpan]) -> list[Span]:
    """Spans that do not overlap: at every instant the most specific, then latest, then longest statement."""
    if not mine:
        return []

    def weight(span: StageSpan) -> tuple[bool, int, int, int, str]:
        return span.stage != "asleep_unspecified", span.order, span.end - span.start, span.start, span.stage

    cuts = sorted({edge for span in mine for edge in (span.start, span.end)})
    ahead = sorted(mine, key=lambda span: span.start)
    active: list[StageSpan] = []
    result: list[Span] = []
    upcoming = 0
    for now, after in pairwise(cuts):
        while upcoming < len(ahead) and ahead[upcoming].start <= now:
            active.append(ahead[upcoming])
            upcoming += 1
        active = [span for span in active if span.end > now]
        if not active:
            continue
        stage = max(active, key=weight).stage
        if result and result[-1][1] == now and result[-1][2] == stage:
            result[-1] = (result[-1][0], after, stage)
        else:
            result.append((now, after, stage))
    return result


def _union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _stays(beds: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    stays: list[list[tuple[int, int]]] = []
    for bed in beds:
        if stays and bed[0] - stays[-1][-1][1] <= PAUSE:
            stays[-1].append(bed)
        else:
            stays.append([bed])
    return stays


# ── between sources, and the date ──


def _chosen(sessions: list[_Session]) -> list[tuple[_Session, list[_Session]]]:
    """The sleeps to believe, each with what other sources said about the same sleep."""
    ranked = sorted(sessions, key=lambda s: (not s.staged, s.rank, -s.asleep, s.name, s.start, s.spans))
    chosen: list[tuple[_Session, list[_Session]]] = []
    touching: defaultdict[int, list[int]] = defaultdict(list)  # 24 h slot -> winners, so that years of nights stay linear
    for session in ranked:
        slots = range(session.start // LONGEST, session.end // LONGEST + 1)
        for index in sorted({index for slot in slots for index in touching[slot]}):
            winner, others = chosen[index]
            shared = min(winner.end, session.end) - max(winner.start, session.start)
            if winner.source != session.source and 2 * shared >= min(winner.end - winner.start, session.end - session.start):
                others.append(session)
                break
        else:
            for slot in slots:
                touching[slot].append(len(chosen))
            chosen.append((session, []))
    return chosen


def _night(date: dt.date, group: list[tuple[_Session, list[_Session]]], local: Local) -> Night:
    main, others = max(group, key=lambda pair: (pair[0].asleep, pair[0].end, pair[0].name))
    rest = sorted((session for session, _ in group if session is not main), key=lambda s: (s.start, s.end, s.name))
    everything = sorted([main, *rest], key=lambda s: (s.start, s.end, s.name))
    if all(_by_day(s, date, local) for s in everything):
        start, end = everything[0].start, max(s.end for s in everything)
        naps = _naps(everything)
        return Night(date=date, source=None, name="", start=start, end=end, midpoint_ms=(start + end) // 2, naps=naps)
    apart = [s for s in rest if s.end <= main.start or s.start >= main.end]
    alternates = others + [s for s in rest if s not in apart]
    return _told(date, main, apart, sorted(alternates, key=lambda s: (s.start, s.end, s.name)))


def _by_day(session: _Session, date: dt.date, local: Local) -> bool:
    begun = local(session.start)
    return session.end - session.start < NAP and begun.hour >= 9 and begun.date() == date


def _told(date: dt.date, main: _Session, naps: list[_Session], alternates: list[_Session]) -> Night:
    spent: defaultdict[str, int] = defaultdict(int)
    for start, end, stage in main.spans:
        spent[stage] += end - start
    length = main.end - main.start
    staged = main.staged
    quiet = not staged and not spent["awake"] and main.asleep == length  # nothing tells whether the person ever woke
    around = _union([*main.bed, (main.start, main.end)]) if main.bed else []
    in_bed = sum(end - start for start, end in around)
    latency = main.start - around[0][0] if around and main.bed[0][0] <= main.start else None
    return Night(
        date=date,
        source=main.source,
        name=main.name,
        start=main.start,
        end=main.end,
        midpoint_ms=(main.start + main.end) // 2,
        bed_start=around[0][0] if around else None,
        bed_end=around[-1][1] if around else None,
        asleep=_minutes(main.asleep),
        core=_minutes(spent["core"]) if staged else None,
        deep=_minutes(spent["deep"]) if staged else None,
        rem=_minutes(spent["rem"]) if staged else None,
        unspecified=_minutes(spent["asleep_unspecified"]),
        awake=None if quiet else _minutes(length - main.asleep),
        in_bed=_minutes(in_bed) if around else None,
        latency=None if latency is None else _minutes(latency),
        efficiency=main.asleep / in_bed if around else None,
        spans=main.spans,
        naps=_naps(naps),
        alternates=[(other.name, _minutes(other.asleep), other.start, other.end) for other in alternates],
    )


def _naps(sessions: list[_Session]) -> list[tuple[int, int, float]]:
    return [(nap.start, nap.end, _minutes(nap.asleep)) for nap in sessions]


def _estimated(date: dt.date, stays: list[_Session]) -> Night:
    main = max(stays, key=lambda s: (s.end - s.start, -s.rank, s.end, s.name))
    return Night(
        date=date,
        source=main.source,
        name=main.name,
        start=main.start,
        end=main.end,
        midpoint_ms=(main.start + main.end) // 2,
        bed_start=main.start,
        bed_end=main.end,
        in_bed=_minutes(sum(end - start for start, end in main.bed)),
        spans=main.spans,
        estimated=True,
    )
