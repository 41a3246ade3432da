"""GET /api/v1/compare: our days beside what the client's own system states of them."""

import msgspec
from flask import Blueprint, Response

from healthbox.analytics import drift
from healthbox.analytics.drift import Cause
from healthbox.pipeline import compare
from healthbox.store.reading import iso, metric_of
from healthbox.web.answers import json_answer
from healthbox.web.api.samples import Metric
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described
from healthbox.web.times import dates

routes = Blueprint("api_compare", __name__)


class CompareQuery(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """Local dates, both included; by default the last 30 days. The metric sleep_analysis compares nights."""

    metric: Metric
    since: str | None = None
    until: str | None = None


class CauseAnswer(msgspec.Struct):
    """``code`` is rounding, early, zone, clock, naps, missing, extra, doubled, alone, left_out, overlap, coverage, other or unknown."""

    code: str
    value: float | None
    share: float | None
    usual: float | None
    name: str | None
    at: str | None


class ComparedDay(msgspec.Struct):
    """``ours`` by ``made_of`` (raw, minute or hour), ``drift`` is ours less stated, ``share`` the drift as a part of the stated one
    (null where that is 0), ``layer`` what makes the day; ``final`` when it was stated after the day was over."""

    date: str
    ours: float
    made_of: str
    coverage: float | None
    stated: float
    app: str
    sources: list[str]
    as_of: str | None
    final: bool
    drift: float
    share: float | None
    layer: str
    causes: list[CauseAnswer]


class Compared(msgspec.Struct):
    """``summary``: the days, how many of them lie within one percent (``close``), the median of the shares."""

    metric: str
    unit: str | None
    summary: drift.Summary
    days: list[ComparedDay]


@routes.get("/api/v1/compare")
@opens("read")
@described("Our days beside the totals that the phone states, the drift and its causes.", query=CompareQuery, answer=Compared)
def index(query: CompareQuery) -> Response:
    since, until = dates(query.since, query.until, person_id(), days=30)
    found = compare.pairs(reading(), person_id(), since, until, query.metric).get(query.metric, [])
    known = metric_of(reading(), query.metric)
    rows = [_day(pair, causes) for pair, causes in compare.explained(reading(), person_id(), found, [pair.coverage for pair in found])]
    return json_answer(Compared(query.metric, known.unit if known else None, drift.summary([pair.share for pair in found]), rows))


def _day(pair: compare.Pair, causes: list[Cause]) -> ComparedDay:
    stated = pair.stated
    return ComparedDay(
        date=pair.date.isoformat(), ours=pair.ours, made_of=pair.kind, coverage=pair.coverage, stated=stated.value, app=stated.app,
        sources=list(stated.sources), as_of=_iso(stated.as_of), final=stated.final, drift=pair.apart, share=pair.share, layer=pair.layer,
        causes=[CauseAnswer(c.code, c.value, c.share, c.usual, c.name or None, _iso(c.at)) for c in causes],
    )  # fmt: skip


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
