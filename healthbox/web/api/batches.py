"""Receipts: what became of what was sent, and sending it through once more."""

from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response

from healthbox.pipeline import repair
from healthbox.store import receipts
from healthbox.web.answers import json_answer
from healthbox.web.auth import device, opens, person_id
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
    return json_answer(receipts.listing(reading(), person_id(), limit=query.limit, cursor=query.cursor))


@routes.get("/api/v1/batches/<public>")
@opens("ingest", "read")
@described("The receipt of one upload: chunks, counts, rejections.", query=ReceiptQuery, answer=dict[str, Any])
def one(public: str, query: ReceiptQuery) -> Response:
    return _receipt(public, query.cursor, query.limit)


@routes.post("/api/v1/batches/<public>/replay")
@opens("ingest")
@described("Read a whole upload again from what was sent; its counts and rejections start anew.", answer=dict[str, Any], status=202)
def replay(public: str) -> Response:
    repair.replay(house().database, person_id(), public, now())
    house().door.ring()
    return _receipt(public, 0, 100, 202)


def _receipt(public: str, cursor: int, limit: int, status: int = 200) -> Response:
    found = receipts.receipt(reading(), person_id(), public, cursor=cursor, limit=limit)
    if "read" not in device().scopes:  # a token that may only send must not show what was measured
        for rejection in found["rejections"]:
            del rejection["raw"]
    return json_answer(found, status)
