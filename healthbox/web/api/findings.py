"""GET /api/v1/findings: what was unusual."""

import datetime as dt
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import findings
from healthbox.store.findings import FindingRow, State
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described
from healthbox.web.times import date

routes = Blueprint("api_findings", __name__)


class FindingsQuery(msgspec.Struct):
    """``since`` leaves out episodes whose last day lies before that date."""

    state: State | None = None
    since: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 100


class FindingAnswer(msgspec.Struct):
    """An episode: from ``started`` to ``latest``, with each day's finding as the rule gave it."""

    id: int
    rule: str
    metric: str
    started: dt.date
    latest: dt.date
    state: str
    severity: str
    note: str | None
    quiet_until: dt.date | None
    days: list[dict[str, Any]]


class Findings(msgspec.Struct):
    findings: list[FindingAnswer]


@routes.get("/api/v1/findings")
@opens("read")
@described("Findings, the newest first.", query=FindingsQuery, answer=Findings)
def index(query: FindingsQuery) -> Response:
    since = None if query.since is None else date(query.since, "since")
    rows = findings.of_person(reading(), person_id(), state=query.state, since=since, limit=query.limit)
    return json_answer(Findings([_answer(row) for row in rows]))


def _answer(row: FindingRow) -> FindingAnswer:
    days = msgspec.json.decode(row.json)["findings"]
    return FindingAnswer(row.id, row.rule, row.metric, row.started, row.latest, row.state, row.severity, row.note, row.quiet_until, days)
