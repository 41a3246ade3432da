"""POST /api/v1/sync: our own protocol, chunk by chunk. GET /api/v1/sync/state: where a client goes on."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.store import anchors
from healthbox.web.answers import json_answer
from healthbox.web.api.ingest import Receipted, receipted
from healthbox.web.auth import device, opens
from healthbox.web.bodies import body
from healthbox.web.database import reading
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_sync", __name__)


class Origin(msgspec.Struct):
    name: str | None = None
    bundle: str | None = None
    product: str | None = None


class SyncSample(msgspec.Struct):
    """``value``: a number, or a category by number or name. Instants are RFC 3339."""

    type: str
    start: str
    end: str
    value: float | str | None
    uuid: str | None = None
    unit: str | None = None
    source: Origin | None = None
    metadata: dict[str, Any] | None = None


class SyncChunk(msgspec.Struct):
    """``batch`` is the client's own name for the sync, ``index`` counts its chunks from 0, ``final`` marks the last."""

    batch: str
    index: int
    final: bool
    anchor: str | None = None
    metric: str | None = None
    zone: str | None = None
    samples: list[SyncSample] = []
    workouts: list[dict[str, Any]] = []
    clinical: list[dict[str, Any]] = []
    deleted: list[str] = []


@routes.post("/api/v1/sync")
@opens("ingest")
@described("Send one chunk of a sync.", body=SyncChunk, answer=Receipted, status=202)
def sync() -> Response:
    return receipted(house().door.sync(device(), body(house().settings.max_json_bytes), now()))


@routes.get("/api/v1/sync/state")
@opens("ingest")
@described("The epoch, and this device's anchors: where to go on.", answer=dict[str, Any])
def state() -> Response:
    return json_answer(anchors.state(reading(), device().id, now()))
