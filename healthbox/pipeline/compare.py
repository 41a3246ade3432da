"""Compare: our days and nights, as their samples make them, beside what the client's own system states of them."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from healthbox.analytics import drift
from healthbox.analytics.drift import Cause, Part, Statement
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory, zone_of
from healthbox.domain.layers import DATED, Layer
from healthbox.domain.sources import normalise_name
from healthbox.store import comparing, metrics, people
from healthbox.store.comparing import SLEEP, StatedDay, StatedNight

PLAIN = Catalogue.load()
ADDED = ("sum", "duration", "count")
HOUR_MS = 3_600_000


class Pair(msgspec.Struct, frozen=True):
    """A day on which both exist, in the metric's canonical unit. ``kind`` says what ours was made of (samples, minutes, hours),
    ``layer`` what makes the day in the end; ``apart`` is ours less the stated one, ``share`` the same as its part."""

    metric: str
    date: dt.date
    ours: float
    kind: str
    stated: Statement
    apart: float
    share: float | None
    layer: str
    coverage: float | None = None
    others: tuple[Statement, ...] = ()
    account: str = ""
    naps: float = 0.0
    parts: tuple[Part, ...] = ()


class Drifts(NamedTuple):
    """How far each day lies off: all that a summary of years asks. ISO dates, ascending; shares as ``Pair`` has them."""

    dates: Sequence[str]
    shares: Sequence[float | None]


class _Layers(msgspec.Struct, frozen=True):
    layers: list[Layer] = []


class _Parts(msgspec.Struct, frozen=True):
    sources: list[Part] = []
    beside: list[Part] = []


_layers, _parts = msgspec.json.Decoder(_Layers).decode, msgspec.json.Decoder(_Parts).decode


def pairs(c: Connection, person_id: int, first: dt.date, last: dt.date, metric: str | None = None) -> dict[str, list[Pair]]:
    """By metric, ascending by date, from ``first`` to ``last``; of one metric or of all, nights among them."""
    found: dict[str, list[Pair]] = {}
    if metric != SLEEP:
        stated = comparing.stated_days(c, person_id, first, last, metric)
        for (key, _), rows in groupby(stated, lambda row: (row.metric, row.date)):
            pair = _of_day(list(rows))
            if pair is not None:
                found.setdefault(key, []).append(pair)
    if metric in (None, SLEEP):
        nights = comparing.stated_nights(c, person_id, first, last)
        made = [_of_night(list(rows)) for _, rows in groupby(nights, lambda row: row.date)]
        found |= {SLEEP: made} if made else {}
    return found


def drifts(c: Connection, person_id: int, first: dt.date, last: dt.date) -> dict[str, Drifts]:
    """As ``pairs`` of all metrics, of years at a time: only how far each day lies off."""
    found = {
        metric: Drifts([date for date, _ in rows], [None if share == math.inf else share for _, share in rows])
        for metric, rows in comparing.drifts(c, person_id, first, last)
    }
    nights = comparing.asleep(c, person_id, first, last)
    return found | ({SLEEP: Drifts(list(nights), [drift.share(*both) for both in nights.values()])} if nights else {})


def _of_day(rows: Sequence[StatedDay]) -> Pair | None:
    layers = [layer for layer in _layers(rows[0].detail).layers if layer.value is not None]
    ours = next((layer for layer in layers if layer.kind not in DATED), None)
    stated = [layer for layer in layers if layer.kind in DATED]
    if ours is None or ours.value is None or not stated:
        return None
    named = {(row.width, row.app): row.source for row in rows}
    said = [
        Statement(layer.app, layer.value or 0.0, layer.as_of, layer.final, _names(named.get((layer.kind, layer.app), "")))
        for layer in stated
    ]
    return Pair(
        rows[0].metric, dt.date.fromisoformat(rows[0].date), ours.value, ours.kind, said[0], ours.value - said[0].value,
        drift.share(ours.value, said[0].value), layers[0].kind, ours.coverage, tuple(said[1:]), rows[0].detail,
    )  # fmt: skip


def _of_night(rows: Sequence[StatedNight]) -> Pair:
    """The newest statement against the night made of stages."""
    name, naps, alternates = msgspec.json.decode(rows[0].night)
    said = [Statement(row.app, row.stated, row.as_of, row.end is None or row.as_of >= row.end, _names(row.source)) for row in rows]
    ours = rows[0].asleep
    others = [Part(normalise_name(other), 0.0, asleep, 0.0) for other, asleep, *_ in alternates or ()]
    return Pair(
        SLEEP, dt.date.fromisoformat(rows[0].date), ours, "raw", said[0], ours - said[0].value, drift.share(ours, said[0].value),
        "raw", others=tuple(said[1:]), naps=sum(nap[2] for nap in naps or ()),
        parts=(Part(normalise_name(name), ours, ours, 0.0), *others),
    )  # fmt: skip


def _names(source: str) -> tuple[str, ...]:
    return tuple(name for part in source.split("|") if (name := normalise_name(part)))


def explained(c: Connection, person_id: int, chosen: Iterable[Pair], coverages: Sequence[float | None]) -> list[tuple[Pair, list[Cause]]]:
    """Each of the ``chosen`` days with its causes; ``coverages`` say what is usual for the metric."""
    zones, known = ZoneHistory(people.zone_history(c, person_id)), metrics.catalogue(c, PLAIN)
    usual = drift.usual_coverage(coverages)
    found = []
    for pair in chosen:
        row = known.get(pair.metric)
        night = pair.metric == SLEEP
        start, end = zones.bounds(pair.date)
        account = _parts(pair.account) if pair.account else _Parts()
        parts = pair.parts or [
            Part(normalise_name(part.name), part.value, part.raw, part.discarded) for part in account.sources or account.beside
        ]
        day = drift.Day(
            date=pair.date, ours=pair.ours, stated=pair.stated, others=pair.others, parts=parts, naps=pair.naps,
            added=night or (row is not None and row.aggregation in ADDED), coverage=pair.coverage, usual_coverage=usual,
            hours=24.0 if night else (end - start) / HOUR_MS, zones=() if night else _zones(zones, start, end),
        )  # fmt: skip
        found.append((pair, drift.causes(day)))
    return found


def _zones(zones: ZoneHistory, start: int, end: int) -> tuple[str, ...]:
    """Where the person was a moment before the day, at its start and at its end, if the clocks there differ."""
    names = [zones.zone_at(at) for at in (start - 1, start, end - 1)]
    clocks = {dt.datetime.fromtimestamp(start / 1000, zone_of(name)).utcoffset() for name in names}
    return (names[0], names[-1]) if len(clocks) > 1 else ()
