"""What another order of sources would change: the fold of the last days by the proposed ranks, and nothing written."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.days import fold
from healthbox.domain.nights import nights
from healthbox.domain.sources import RANK
from healthbox.pipeline.gather import gather, gather_stages, runs
from healthbox.store import metrics, people, preferences, sources
from healthbox.store.engine import Database
from healthbox.store.preferences import EVERYTHING

PLAIN = Catalogue.load()
SLEEP = "sleep_analysis"
DAYS = 30
DAY = dt.timedelta(days=1)

Ranks = Mapping[int, int]


class Shift(NamedTuple):
    """A day's value in the metric's canonical unit (minutes asleep for sleep) by the order in force and by the proposed one."""

    date: dt.date
    before: float | None
    after: float | None


def preview(database: Database, person_id: int, scope: str, order: Sequence[int], until: dt.date) -> dict[str, list[Shift]]:
    """By metric: each of the 30 days up to ``until`` that has data, where the sources of a metric of the scope change places.

    ``scope`` is a metric or ``*`` for all of them; an empty ``order`` is the rule by class."""
    dates = [until - at * DAY for at in range(DAYS - 1, -1, -1)]
    found: dict[str, list[Shift]] = {}
    with database.reading() as c:
        zones = ZoneHistory(people.zone_history(c, person_id))
        for metric, measured in sorted(preferences.measured_by(c, person_id).items()):
            if scope not in (EVERYTHING, metric) or len(measured) < 2:
                continue
            old = {source: rank for source, (rank, _) in sources.ranks(c, person_id, metric).items()}
            new = proposed(c, person_id, metric, scope, order)
            if any((old[a] < old[b]) != (new[a] < new[b]) for a in measured for b in measured):
                found[metric] = (_nights if metric == SLEEP else _days)(c, person_id, metric, dates, zones, (old, new))
    return {metric: shifts for metric, shifts in found.items() if shifts}


def proposed(c: Connection, person_id: int, metric: str, scope: str, order: Sequence[int]) -> dict[int, int]:
    """source → rank for a metric, as ``sources.ranks`` would say once ``order`` were kept under ``scope``."""
    orders = preferences.own_orders(c, person_id) | {scope: list(order)}
    own = {source: rank for kept in (EVERYTHING, metric) for rank, source in enumerate(orders.get(kept, []))}
    return {source.id: own.get(source.id, 1000 + RANK[source.kind]) for source in sources.list_sources(c, person_id)}


def _days(c: Connection, person_id: int, metric: str, dates: list[dt.date], zones: ZoneHistory, both: tuple[Ranks, Ranks]) -> list[Shift]:
    known = metrics.catalogue(c, PLAIN).get(metric)
    found: list[Shift] = []
    for run in runs(dates):
        for day in gather(c, person_id, metric, run, zones).days():
            folded = [
                fold(
                    known.aggregation if known else "mean",
                    day.bounds,
                    [msgspec.structs.replace(reading, rank=ranks[reading.source]) for reading in day.readings()],
                    day.buckets,
                    day.stated,
                )
                for ranks in both
            ]
            if any(folded):
                found.append(Shift(day.date, *(result.value if result else None for result in folded)))
    return found


def _nights(c: Connection, person_id: int, metric: str, dates: list[dt.date], zones: ZoneHistory, both: tuple[Ranks, Ranks]) -> list[Shift]:
    low, high = zones.bounds(dates[0] - 2 * DAY)[0], zones.bounds(dates[-1] + 2 * DAY)[1]
    spans, local = gather_stages(c, person_id, low, high, zones)
    before, after = (
        {night.date: night.asleep for night in nights([msgspec.structs.replace(s, rank=ranks[s.source]) for s in spans], local)}
        for ranks in both
    )
    return [Shift(date, before.get(date), after.get(date)) for date in dates if date in before or date in after]
