"""GET /api/v1/workouts: training sessions."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described
from healthbox.web.times import instants

routes = Blueprint("api_workouts", __name__)


class WorkoutsQuery(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """By their start: RFC 3339, or dates for whole days in the person's zone."""

    since: str | None = None
    until: str | None = None


class Workouts(msgspec.Struct):
    workouts: list[dict[str, Any]]


@routes.get("/api/v1/workouts")
@opens("read")
@described("Training sessions, the newest first, at most 500: go on with an earlier to.", query=WorkoutsQuery, answer=Workouts)
def index(query: WorkoutsQuery) -> Response:
    since, until = instants(query.since, query.until, person_id())
    return json_answer(records.workouts(reading(), person_id(), since, until))
