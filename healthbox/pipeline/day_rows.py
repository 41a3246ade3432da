"""Day rows: from what is stored about a run of days to the rows that say what they come to. Pure, so that any process can do it."""

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from healthbox.analytics import drift
from healthbox.domain.columns import Run, last_said, stretched
from healthbox.domain.days import DayResult, DayRow, Reading, fold
from healthbox.domain.layers import BucketPoint, compared
from healthbox.domain.merge import Share


class Strand(msgspec.Struct, array_like=True, frozen=True):
    """One series' samples in the order of their starts; ``rows`` are (start ms, end ms, value, and what no day asks for)."""

    source: int
    name: str
    rank: int
    rows: list[tuple[int, int, float, int | None]]


class Day(NamedTuple):
    date: dt.date
    bounds: tuple[int, int]
    runs: list[Run]
    buckets: list[BucketPoint]
    stated: list[BucketPoint]

    def readings(self) -> list[Reading]:
        return [reading for run in self.runs for reading in run.readings()]


class Material(msgspec.Struct, array_like=True, frozen=True):
    """Everything stored about a metric in a run of consecutive dates; ``bounds``, ``buckets`` and ``stated`` by date. ``continuous``:
    what devices count all the time, see ``columns.last_said`` and ``stretched``."""

    dates: list[dt.date]
    bounds: list[tuple[int, int]]
    strands: list[Strand]
    buckets: list[list[BucketPoint]]
    stated: list[list[BucketPoint]]
    continuous: bool = False

    def days(self) -> Iterator[Day]:
        runs: list[list[Run]] = [[] for _ in self.dates]
        for strand in self.strands:
            for mine, run in zip(runs, _runs(strand, self.bounds), strict=True):
                if run.starts:
                    mine.append(run)
        if self.continuous:
            runs = [[_lasting(run, high) for run in mine] for mine, (_, high) in zip(runs, self.bounds, strict=True)]
        return map(Day._make, zip(self.dates, self.bounds, runs, self.buckets, self.stated, strict=True))


def _lasting(run: Run, high: int) -> Run:
    return run if run.name.endswith("\x00manual") else stretched(last_said(run), high)  # what somebody typed in says when, not for how long


def _runs(strand: Strand, bounds: list[tuple[int, int]]) -> Iterator[Run]:
    """By day, the samples that touch it: those that start in it, and those from before that reach into it."""
    starts, ends, values, _ = zip(*strand.rows, strict=True)
    furthest = list(accumulate(ends, max))
    until = bisect_left(starts, bounds[0][0])
    for low, high in bounds:
        first, until = until, bisect_left(starts, high, until)
        back = first
        while back and furthest[back - 1] > low:
            back -= 1
        over = [at for at in range(back, first) if ends[at] > low]
        columns = (starts, ends, values)
        if len(over) == first - back:
            own = [column[back:until] for column in columns]
        else:
            own = [(*map(column.__getitem__, over), *column[first:until]) for column in columns]
        yield Run(strand.source, strand.name, strand.rank, *own)


def day_rows(metric: str, aggregation: str, material: Material) -> tuple[list[DayRow], list[str]]:
    """The rows of these days, and the dates of which nothing stored tells."""
    rows: list[DayRow] = []
    absent: list[str] = []
    for day in material.days():
        result = fold(aggregation, day.bounds, day.runs, day.buckets, day.stated)
        if result is None:
            absent.append(day.date.isoformat())
        else:
            rows.append(day_row(metric, day.date, result))
    return rows, absent


def day_row(metric: str, date: dt.date, result: DayResult) -> DayRow:
    detail = {
        "sources": [_share(share) for share in result.shares],
        "overlap": result.overlap,
        "layers": result.layers,
    }
    if result.beside:
        detail["beside"] = [_share(share) for share in result.beside]
    return DayRow(
        metric,
        date.isoformat(),
        result.value,
        result.low,
        result.high,
        result.mean,
        result.n,
        result.coverage,
        result.layer,
        result.rule,
        msgspec.json.encode(detail, order="sorted").decode(),
        *_drift(result),
    )


def _drift(result: DayResult) -> tuple[float, float] | tuple[()]:
    found = compared(result.layers)
    if found is None:
        return ()
    ours, stated, covered = found
    share = drift.share(ours, stated)
    return math.inf if share is None else share, covered


def _share(share: Share) -> dict[str, Any]:
    name, _, kind = share.name.partition("\x00")
    return {"name": name, "kind": kind, "value": share.value, "raw": share.raw, "discarded": share.discarded}
