"""POST /api/v1/ingest: the body of any known client."""

from typing import Any

import msgspec
from flask import Blueprint, Response, request

from healthbox.pipeline.accept import KEPT_HEADERS, Accepted
from healthbox.web.answers import json_answer
from healthbox.web.auth import device, opens
from healthbox.web.bodies import body
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_ingest", __name__)


class Receipted(msgspec.Struct):
    """What was accepted is on disk. ``receipt`` is the path of what becomes of it; ``chunk`` the index of this body in its batch."""

    batch: str
    status: str
    receipt: str
    chunk: int
    again: bool


def receipted(accepted: Accepted) -> Response:
    address = f"{request.script_root}/api/v1/batches/{accepted.batch}"  # what url_for says, without its cost for every chunk
    answer = json_answer(Receipted(accepted.batch, accepted.status, address, accepted.chunk, accepted.again), 202)
    answer.headers["Location"] = address
    return answer


@routes.post("/api/v1/ingest")
@opens("ingest")
@described("Send the body of any known client.", body=dict[str, Any], answer=Receipted, status=202)
def ingest() -> Response:
    raw = body(house().settings.max_json_bytes)
    headers = {name: request.headers[name][:200] for name in KEPT_HEADERS if name in request.headers}
    return receipted(house().door.ingest(device(), raw, headers=headers, now=now()))
