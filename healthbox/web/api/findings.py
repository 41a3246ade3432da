"""GET /api/v1/findings: what was unusual."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.api.samples import Cursor, Limit
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.openapi import described

routes = Blueprint("api_findings", __name__)


class FindingsQuery(msgspec.Struct):
    cursor: Cursor | None = None
    limit: Limit = 100


class Findings(msgspec.Struct):
    findings: list[dict[str, Any]]
    cursor: str | None


@routes.get("/api/v1/findings")
@opens("read")
@described("Findings, the newest first.", query=FindingsQuery, answer=Findings)
def index(query: FindingsQuery) -> Response:
    return json_answer(records.findings(reading(), person_id(), query.cursor, query.limit))
