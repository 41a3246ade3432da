"""What leaves as lines: the faithful export that ``formats.healthbox_export`` reads back.

Deletions come first and what is gone before what stands, so that nothing deleted comes back by an import; the sources come
in the order in which they become the same rows again.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import Connection

from healthbox.domain.records import Naming, Width
from healthbox.formats.healthbox_export import lines
from healthbox.formats.healthbox_export.reading import GONE
from healthbox.store import leaving, people
from healthbox.store.leaving import LeavingWorkout, Origin
from healthbox.store.people import Person

SLEEP = "sleep_analysis"


def export_lines(c: Connection, person: Person, now: int) -> Iterator[lines.AnyLine]:
    yield lines.Head(version=lines.VERSION, person=person.name, exported_at=now)
    yield lines.Zones(history=people.zone_history(c, person.id))
    for key, naming, name, unit in leaving.unknown_metrics(c, person.id):
        yield lines.Unknown(key=key, naming=cast(Naming, naming), name=name, unit=unit)
    for key, label, unit, aggregation, aliases in leaving.named_metrics(c, person.id):
        named = [(cast(Naming, naming), name, wire_unit) for naming, name, wire_unit in aliases]
        yield lines.Named(key=key, label=label, unit=unit, aggregation=aggregation, aliases=named)
    for uuid, metric in leaving.tombstones(c, person.id):
        if not uuid.startswith(GONE):  # made up by an import: its line of what is gone says it again
            yield lines.Deleted(uuid=uuid, metric=metric)
    origins = leaving.origins(c, person.id)
    yield from _sources(c, person.id, origins)
    for origin in origins:
        yield from _of_source(c, person.id, origin)
    for one in leaving.clinical(c, person.id, None):
        yield _clinical(one, None)
    for origin in origins:  # after every workout that stands: its times alone must not make one of those deleted
        yield from _gone_workouts(c, person.id, origin)
    number = {origin.id: origin.number for origin in origins}
    for as_of, covers in leaving.whole_exports(c, person.id):
        yield lines.WholeExportLine(as_of=as_of, covers=sorted((number[source], first, last) for source, first, last in covers))
    yield from _statements(c, person.id)
    for metric, date, value, low, high, mean, n, coverage, layer, rule in leaving.days(c, person.id):
        yield lines.DayLine(
            metric=metric, date=date, n=n, layer=layer, rule=rule, value=value, low=low, high=high, mean=mean, coverage=coverage
        )
    for date, night in leaving.nights(c, person.id):
        yield lines.NightLine(date=date, night=night)


def _sources(c: Connection, person_id: int, origins: list[Origin]) -> Iterator[lines.AnyLine]:
    number = {origin.id: origin.number for origin in origins}
    for one in origins:
        yield lines.Source(
            id=one.number, name=one.name, kind_of=one.kind, bundle=one.bundles[0] if one.bundles else None,
            product=one.product, names=one.names, bundles=one.bundles,
        )  # fmt: skip
    for metric, order in leaving.orders(c, person_id).items():
        yield lines.Order(metric=metric, sources=[number[identity] for identity in order])


def _of_source(c: Connection, person_id: int, origin: Origin) -> Iterator[lines.AnyLine]:
    at = origin.number
    for series_id, metric in leaving.series_of(c, person_id, origin.id):
        if metric == SLEEP:
            yield from _sleep(c, series_id, at)
            continue
        for start, end, value in leaving.gone(c, series_id):
            yield lines.Gone(metric=metric, source=at, start=start, end=end, value=value)
        for aside, found in ((True, leaving.set_aside), (False, leaving.samples)):  # what counts did not meet what stood aside
            for one in found(c, series_id):
                yield lines.SampleLine(
                    metric=metric, source=at, start=one.start, end=one.end, value=one.value, uuids=_names(one.names), tag=one.tag,
                    zone=one.zone, metadata=one.metadata, set_aside=aside,
                )  # fmt: skip
    for workout in leaving.workouts(c, person_id, origin.id):
        if workout.state != 2:
            yield _workout(workout, at)
    for record in leaving.clinical(c, person_id, origin.id):
        yield _clinical(record, at)


def _names(names: list[leaving.Naming]) -> list[lines.Name]:
    return [(name.uuid, name.as_of, name.parent) for name in names]


def _sleep(c: Connection, series_id: int, source: int) -> Iterator[lines.AnyLine]:
    for start, end, stage in leaving.gone_stages(c, series_id):
        yield lines.GoneStage(source=source, start=start, end=end, stage=stage)
    for one in leaving.stages(c, series_id):
        yield lines.StageLine(
            source=source, start=one.start, end=one.end, stage=one.stage, as_of=one.as_of, uuids=_names(one.names), zone=one.zone,
            superseded=one.superseded,
        )  # fmt: skip


def _workout(one: LeavingWorkout, source: int) -> lines.WorkoutLine:
    return lines.WorkoutLine(
        source=source, activity=one.activity, start=one.start, end=one.end, as_of=one.as_of, uuid=one.uuid, zone=one.zone,
        totals=dict(one.totals), laps=one.laps, metadata=one.metadata, series=cast(Any, one.series), route=cast(Any, one.route),
        superseded=one.state == 1,
    )  # fmt: skip


def _gone_workouts(c: Connection, person_id: int, origin: Origin) -> Iterator[lines.GoneWorkout]:
    last = None
    for one in leaving.workouts(c, person_id, origin.id):
        line = lines.GoneWorkout(source=origin.number, activity=one.activity, start=one.start, end=one.end)
        if one.state == 2 and line != last:  # after an import where it came from it is known twice
            yield line
            last = line


def _clinical(one: leaving.LeavingClinical, source: int | None) -> lines.ClinicalLine:
    return lines.ClinicalLine(record=one.kind, data=one.data, as_of=one.as_of, source=source, uuid=one.uuid, start=one.start, end=one.end)


def _statements(c: Connection, person_id: int) -> Iterator[lines.AnyLine]:
    for metric, app, width, start, date, value, low, high, source, as_of, uuid in leaving.buckets(c, person_id):
        if width == "stated":
            yield lines.TotalLine(
                metric=metric, app=app, date=date or dt.date.fromordinal(start).isoformat(), as_of=as_of, value=value, low=low,
                high=high, source_text=source,
            )  # fmt: skip
        else:
            yield lines.BucketLine(
                metric=metric, app=app, width=cast(Width, width), as_of=as_of, start=0 if date else start, date=date, value=value,
                low=low, high=high, source_text=source, uuid=uuid,
            )  # fmt: skip
    for app, date, numbers, source, as_of in leaving.stated_nights(c, person_id):
        yield lines.StatedNightLine(app=app, date=date, as_of=as_of, source_text=source, **numbers)
