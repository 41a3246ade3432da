"""GET /api/v1/samples: raw readings as they were measured."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response

from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described
from healthbox.web.times import instants

routes = Blueprint("api_samples", __name__)

Metric = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="A metric's key: steps, heart_rate …")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=5000)]
Cursor = Annotated[str, msgspec.Meta(max_length=500, description="From the previous page.")]


class SamplesQuery(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """``from`` inclusive, ``to`` exclusive: RFC 3339, or a date for the whole day in the person's zone."""

    metric: Metric
    since: str | None = None
    until: str | None = None
    cursor: Cursor | None = None
    limit: Limit = 1000


class SampleAnswer(msgspec.Struct):
    uuid: str | None
    start: str
    end: str
    value: float | str
    unit: str | None
    source: str


class Samples(msgspec.Struct):
    samples: list[SampleAnswer]
    cursor: str | None


@routes.get("/api/v1/samples")
@opens("read")
@described("Raw readings of a metric, oldest first, of every source.", query=SamplesQuery, answer=Samples)
def index(query: SamplesQuery) -> Response:
    since, until = instants(query.since, query.until, person_id())
    return json_answer(records.samples(reading(), person_id(), query.metric, since, until, query.cursor, query.limit))
