"""The door of the Open Wearables phone SDK: its path, its answer. The user in the path is theirs; whose data it is, the token says."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from healthbox.web.answers import json_answer
from healthbox.web.auth import device, opens
from healthbox.web.bodies import body
from healthbox.web.details import speak
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_open_wearables", __name__)
speak(routes)


class Uploaded(msgspec.Struct):
    """What that SDK reads: the status once more, words for its log, the user it named."""

    status_code: int
    response: str
    user_id: str


@routes.post("/api/v1/sdk/users/<user_id>/sync")
@opens("ingest")
@described("Open Wearables SDK: send a sync.", body=dict[str, Any], answer=Uploaded, status=202)
def sync(user_id: str) -> Response:
    raw = body(house().settings.max_json_bytes)
    house().door.ingest(device(), raw, headers={}, now=now())
    return json_answer(Uploaded(202, "The upload is kept and will be processed.", user_id[:200]), 202)
