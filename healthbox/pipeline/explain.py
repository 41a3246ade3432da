"""Why a day's number is what it is: every contribution, what was discarded, the layers not chosen, the rule."""

import datetime as dt
from typing import Any

import msgspec

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.days import DayResult, explain
from healthbox.domain.errors import NotFound
from healthbox.domain.merge import Share
from healthbox.pipeline.gather import gather
from healthbox.store import metrics, people
from healthbox.store.engine import Database
from healthbox.store.reading import iso

PLAIN = Catalogue.load()


def why(database: Database, person_id: int, metric: str, date: dt.date) -> dict[str, Any]:
    """The same computation as the fold's, told. Contributions sum to the value. Raises ``NotFound`` for a day without data."""
    with database.reading() as c:
        zones = ZoneHistory(people.zone_history(c, person_id))
        known = metrics.catalogue(c, PLAIN).get(metric)
        material = gather(c, person_id, metric, [date], zones)
    (day,) = material.days()
    names = {strand.source: strand.name for strand in material.strands}
    aggregation = known.aggregation if known else "mean"
    told = explain(aggregation, day.bounds, day.readings(), day.buckets, day.stated)
    if told is None:
        raise NotFound("There is no data for this metric on this day.", hint="Choose another day.")
    result = told.result
    return {
        "metric": metric,
        "date": date.isoformat(),
        "unit": known.unit if known else None,
        "aggregation": aggregation,
        "start": iso(day.bounds[0]),
        "end": iso(day.bounds[1]),
        "value": result.value,
        "min": result.low,
        "max": result.high,
        "mean": result.mean,
        "count": result.n,
        "coverage": result.coverage,
        "layer": result.layer,
        "rule": result.rule,
        "overlap": result.overlap,
        "contributions": [_share(share) for share in result.shares or _merged_by_client(result)],
        "beside": [_share(share) for share in result.beside],
        "layers": [msgspec.to_builtins(layer) | {"chosen": at == 0} for at, layer in enumerate(result.layers)],
        "lanes": [
            {"source": _name(names[lane.source]), "start": iso(lane.start), "end": iso(lane.end), "value": lane.value}
            for lane in told.lanes
        ],
        "readings": [{"source": _name(r.name), "start": iso(r.start), "end": iso(r.end), "value": r.value} for r in told.readings],
    }


def _merged_by_client(result: DayResult) -> list[Share]:
    """Where the client had added up its sources itself, the app that did is the one contribution."""
    if result.value is None:
        return []
    return [Share(0, f"{result.layers[0].app}\x00app", result.value, result.value, 0.0)]


def _share(share: Share) -> dict[str, Any]:
    return {"source": _name(share.name), "kind": _kind(share.name), "value": share.value, "raw": share.raw, "discarded": share.discarded}


def _name(name: str) -> str:
    return name.partition("\x00")[0]


def _kind(name: str) -> str:
    return name.partition("\x00")[2]
