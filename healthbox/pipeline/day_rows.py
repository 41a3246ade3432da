"""Day rows: from what is stored about a run of days to the rows that say what they come to. Pure, so that any process can do it."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from healthbox.domain.days import BucketPoint, DayResult, DayRow, Reading, fold
from healthbox.domain.merge import Share

_start = attrgetter("start")


class Strand(msgspec.Struct, array_like=True, frozen=True):
    """One series' samples in the order of their starts; ``rows`` are (start ms, end ms, value, and what no day asks for)."""

    source: int
    name: str
    rank: int
    rows: list[tuple[int, int, float, int | None]]


class Day(NamedTuple):
    date: dt.date
    bounds: tuple[int, int]
    readings: list[Reading]
    buckets: list[BucketPoint]
    stated: list[BucketPoint]


class Material(msgspec.Struct, array_like=True, frozen=True):
    """Everything stored about a metric in a run of consecutive dates; ``bounds``, ``buckets`` and ``stated`` by date."""

    dates: list[dt.date]
    bounds: list[tuple[int, int]]
    strands: list[Strand]
    buckets: list[list[BucketPoint]]
    stated: list[list[BucketPoint]]

    def days(self) -> Iterator[Day]:
        return map(Day._make, zip(self.dates, self.bounds, self._readings(), self.buckets, self.stated, strict=True))

    def _readings(self) -> list[list[Reading]]:
        """By date, those it touches: whole stretches at a time, then those that reach further."""
        found: list[list[Reading]] = [[] for _ in self.dates]
        first_low = self.bounds[0][0]
        for strand in self.strands:
            source, name, rank = strand.source, strand.name, strand.rank
            readings = [Reading(source, name, rank, start, end, value) for start, end, value, _ in strand.rows]
            starts = [row[0] for row in strand.rows]
            until = bisect_left(starts, first_low)
            over = [reading for reading in readings[:until] if reading.end >= first_low]  # from before the first day
            for mine, (_, high) in zip(found, self.bounds, strict=True):
                first, until = until, bisect_left(starts, high, until)
                today = readings[first:until]
                mine += over
                mine += today
                over = [reading for reading in chain(over, today) if reading.end >= high]
        return found


def day_rows(metric: str, aggregation: str, material: Material) -> tuple[list[DayRow], list[str]]:
    """The rows of these days, and the dates of which nothing stored tells."""
    rows: list[DayRow] = []
    absent: list[str] = []
    for day in material.days():
        result = fold(aggregation, day.bounds, day.readings, day.buckets, day.stated)
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
    )


def _share(share: Share) -> dict[str, Any]:
    name, _, kind = share.name.partition("\x00")
    return {"name": name, "kind": kind, "value": share.value, "raw": share.raw, "discarded": share.discarded}
