"""Gather: what is stored about some days of one metric, as the pure functions of ``domain`` want it."""

import datetime as dt
from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import cast

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory, is_zone, zone_of
from healthbox.domain.layers import BucketPoint
from healthbox.domain.nights import StageSpan
from healthbox.domain.records import Stage
from healthbox.pipeline.day_rows import Material, Strand
from healthbox.store import buckets, days, series, sleep, sources

WIDEST_OFFSET_S = 26 * 3600
CLOCK_SKEW_MS = 3_600_000
PLAIN = Catalogue.load()
_start = itemgetter(0)

Row = tuple[int, int, float, int | None]


def gather(c: Connection, person_id: int, metric: str, dates: list[dt.date], zones: ZoneHistory) -> Material:
    """``dates`` are consecutive. A reading with a zone of its own is placed by its own wall clock on the person's days."""
    bounds = [zones.bounds(date) for date in dates]
    low, high = bounds[0][0], bounds[-1][1]
    ranks = sources.ranks(c, person_id, metric)
    zone_names = {zone_id: name for zone_id, name in series.zone_names(c).items() if is_zone(name)}
    strands: list[Strand] = []
    for one in series.of_metric(c, person_id, metric):
        rank, name = ranks[one.source_id]
        wide = WIDEST_OFFSET_S if one.zoned else 0
        rows = days.samples_between(c, one, low // 1000 - wide, high // 1000 + wide)
        if metric == "stand_hour":
            rows = [row for row in rows if row[2] == 0]  # 0 means stood, 1 means idle: only the first is an hour stood
        if one.zoned:
            rows = sorted((_moved(row, zones, zone_names) for row in rows), key=_start)
        if rows:
            strands.append(Strand(one.source_id, name, rank, rows))
    known = PLAIN.get(metric)
    continuous = known is not None and known.continuous
    material = Material(dates, bounds, strands, [[] for _ in dates], [[] for _ in dates], continuous)
    _place_buckets(c, person_id, metric, material)
    return material


def _moved(row: Row, zones: ZoneHistory, zone_names: dict[int, str]) -> Row:
    start, end, value, zone_id = row
    zone = zone_names.get(zone_id) if zone_id is not None else None  # what this machine does not know tells nothing
    shift = 0 if zone is None else _offset(start, zone) - _offset(start, zones.zone_at(start))
    return start + shift, end + shift, value, None


def _place_buckets(c: Connection, person_id: int, metric: str, material: Material) -> None:
    starts = [bound[0] for bound in material.bounds]
    for row in buckets.between(c, person_id, metric, starts[0], material.bounds[-1][1]):
        end = row.start + buckets.LASTS[row.width]
        for at in range(max(bisect_right(starts, row.start) - 1, 0), bisect_left(starts, end)):  # where midnight is no full hour: two
            material.buckets[at].append(_point(row, row.start, end))
    first = material.dates[0].toordinal()
    for row in buckets.dated(c, person_id, metric, first, material.dates[-1].toordinal()):
        at = row.start - first
        target = material.stated if row.width == "stated" else material.buckets
        target[at].append(_point(row, *material.bounds[at]))


def _point(row: buckets.BucketRow, start: int, end: int) -> BucketPoint:
    return BucketPoint(row.app, row.width, start, end, row.value, row.low, row.high, row.source, row.as_of)


class LocalTime:
    """Wall-clock time of an instant: in the zone its own record carries, else in the person's."""

    def __init__(self, zones: ZoneHistory) -> None:
        self._zones = zones
        self._own: dict[int, str] = {}

    def tie(self, instant: int, zone: str) -> None:
        self._own[instant] = zone

    def __call__(self, instant: int) -> dt.datetime:
        zone = self._own.get(instant) or self._zones.zone_at(instant)
        return dt.datetime.fromtimestamp(instant / 1000, zone_of(zone))


def _offset(instant: int, zone: str) -> int:
    """How far the zone's wall clock is ahead of UTC at an instant (ms)."""
    ahead = dt.datetime.fromtimestamp(instant / 1000, zone_of(zone)).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds()) * 1000


def gather_stages(c: Connection, person_id: int, low: int, high: int, zones: ZoneHistory) -> tuple[list[StageSpan], LocalTime]:
    """The stages in force that overlap [low, high] ms, and the clock to read them by."""
    ranks = sources.ranks(c, person_id, "sleep_analysis")
    local = LocalTime(zones)
    spans = []
    for source, start, end, stage, as_of, zone in sleep.between(c, person_id, low, high):
        if end > as_of + CLOCK_SKEW_MS:
            continue  # a bedtime schedule written ahead is a plan, not a measurement
        rank, name = ranks[source]
        spans.append(StageSpan(source=source, name=name, rank=rank, start=start, end=end, stage=cast(Stage, stage), order=as_of))
        if zone and is_zone(zone):
            local.tie(start, zone)
            local.tie(end, zone)
    return spans, local


def runs(dates: list[dt.date], longest: int = 31) -> list[list[dt.date]]:
    """Consecutive runs of the given dates, at most ``longest`` days each."""
    found: list[list[dt.date]] = []
    for date in sorted(dates):
        if found and (date - found[-1][-1]).days == 1 and len(found[-1]) < longest:
            found[-1].append(date)
        else:
            found.append([date])
    return found
