"""GET /api/v1/nights: sleep, by the date of waking up."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described
from healthbox.web.times import dates

routes = Blueprint("api_nights", __name__)


class NightsQuery(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """Dates of waking up, both included; by default the last 30 nights."""

    since: str | None = None
    until: str | None = None


class Nights(msgspec.Struct):
    nights: list[dict[str, Any]]


@routes.get("/api/v1/nights")
@opens("read")
@described("Nights with their stages.", query=NightsQuery, answer=Nights)
def index(query: NightsQuery) -> Response:
    since, until = dates(query.since, query.until, person_id(), days=30)
    return json_answer(records.nights(reading(), person_id(), since, until))
