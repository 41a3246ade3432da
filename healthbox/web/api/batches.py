"""Receipts: what became of what was sent, and sending it through once more."""

from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response

from healthbox.pipeline import repair
from healthbox.store import receipts
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_batches", __name__)

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Cursor = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class BatchesQuery(msgspec.Struct):
    limit: Limit = 100
    cursor: Cursor | None = None


class ReceiptQuery(msgspec.Struct):
    """``cursor`` and ``limit`` page through the rejections."""

    limit: Limit = 100
    cursor: Cursor = 0


@routes.get("/api/v1/batches")
@opens("ingest", "read")
@described("The person's uploads, the newest first.", query=BatchesQuery, answer=dict[str, Any])
def index(query: BatchesQuery) -> Response:
    return json_answer(receipts.listing(reading(), person_id(), query.limit, query.cursor))


@routes.get("/api/v1/batches/<public>")
@opens("ingest", "read")
@described("The receipt of one upload: chunks, counts, rejections.", query=ReceiptQuery, answer=dict[str, Any])
def one(public: str, query: ReceiptQuery) -> Response:
    return json_answer(receipts.receipt(reading(), person_id(), public, cursor=query.cursor, limit=query.limit))


@routes.post("/api/v1/batches/<public>/replay")
@opens("ingest")
@described("Work through the failed chunks of an upload again.", answer=dict[str, Any], status=202)
def replay(public: str) -> Response:
    repair.replay(house().database, person_id(), public, now())
    return json_answer(receipts.receipt(reading(), person_id(), public), 202)
