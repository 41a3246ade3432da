"""GET /api/v1/metrics: what is measured, with units."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described

routes = Blueprint("api_metrics", __name__)


class Metrics(msgspec.Struct):
    metrics: list[dict[str, Any]]


@routes.get("/api/v1/metrics")
@opens("read")
@described("The metrics that this person has data of.", answer=Metrics)
def index() -> Response:
    return json_answer({"metrics": records.metrics(reading(), person_id())})
