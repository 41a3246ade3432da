"""Daily values, and why one is what it is."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.pipeline import explain
from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.api.samples import Metric
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.house import house
from healthbox.web.openapi import described
from healthbox.web.times import date, dates

routes = Blueprint("api_days", __name__)


class DaysQuery(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """Local dates, both included; by default the last 30 days."""

    metric: Metric
    since: str | None = None
    until: str | None = None


class DayAnswer(msgspec.Struct):
    """``value`` is null where there is no data; ``coverage`` is 0 to 1; ``layer`` says what the value was made of."""

    date: str
    value: float | None
    min: float | None
    max: float | None
    mean: float | None
    count: int
    coverage: float | None
    sources: list[Any]
    layer: str
    rule: str


class Days(msgspec.Struct):
    metric: str
    unit: str | None
    days: list[DayAnswer]


@routes.get("/api/v1/days")
@opens("read")
@described("Daily values of a metric.", query=DaysQuery, answer=Days)
def index(query: DaysQuery) -> Response:
    since, until = dates(query.since, query.until, person_id(), days=30)
    return json_answer(records.days(reading(), person_id(), query.metric, since, until))


@routes.get("/api/v1/days/<metric>/<date_text>/why")
@opens("read")
@described("Why a value is what it is: contributions by source, overlap discarded, layers not chosen, rule.", answer=dict[str, Any])
def why(metric: str, date_text: str) -> Response:
    return json_answer(explain.why(house().database, person_id(), metric, date(date_text, "date")))
