"""Health Auto Export's JSON, versions 1 and 2: ``{"data": {"metrics": [], "workouts": [], ...}}``.

Aggregated points become buckets, raw ones samples (``metrics``); nights and stages are in ``sleep``, sessions in
``workouts``, the remaining kinds are kept whole by ``others``. Every date carries the exporting phone's offset, which says
when but not where: no record gets a ``zone``.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.health_auto_export import metrics, others, workouts
from healthbox.formats.wire import each, text

SECTIONS = ("metrics", "workouts", *others.KINDS)
# Washing comes as events or as how long it took: seconds added up do not say how often.
_TIMED = {"handwashing": "handwashing_time", "toothbrushing": "toothbrushing_time"}
_OF_TIME = ("s", "sec", "seconds", "min", "minutes")
_FOREIGN = {"provider", "sdkVersion", "exportDate", "syncSource", "anchor_token", "is_final_chunk", "batch", "time", "app_version"}


def claims(body: Any, envelope: Envelope) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict) or not _FOREIGN.isdisjoint(body):
        return False
    return not body["data"] or any(section in body["data"] for section in SECTIONS)


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    widths = metrics.Widths(envelope.headers.get("automation-aggregation", ""), body["data"].get("metrics"), envelope.zone)
    for section, items in body["data"].items():
        at = f"data.{section}"
        if section == "metrics":
            yield from each(items, at, lambda metric, position: metrics.points(_timed(metric), position, widths, envelope.zone))
        elif section == "workouts":
            yield from each(items, at, lambda workout, position: workouts.workout(workout, position, envelope.zone))
        else:
            yield from others.clinical(section, items, at, envelope.zone)


def _timed(metric: dict[str, Any]) -> dict[str, Any]:
    timed = _TIMED.get(text(metric.get("name")) or "") if text(metric.get("units")) in _OF_TIME else None
    return metric if timed is None else metric | {"name": timed}


FORMAT = Format(
    name="health-auto-export",
    looks_for='"data" as an object with "metrics", "workouts" or another of its lists',
    claims=claims,
    records=records,
)
