"""The small answer that an open page asks for now and then: is there something new?"""

from flask import Blueprint, Response

from healthbox.store import days, freshness
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.house import now
from healthbox.web.pages import uploads

routes = Blueprint("pulse", __name__)


@routes.get("/pulse")
@opens("account")
def show() -> Response:
    pill, _ = freshness.pill(reading(), person_id(), now())
    reads = (
        [{"batch": one.public, "words": one.words, "read": one.read, "share": one.told} for one in uploads.being_read()]
        if pill["busy"]
        else []
    )
    busy = pill["busy"] or days.dirty_count(reading(), person_id()) > 0
    return json_answer(pill | {"busy": busy, "at": now(), "uploads": reads, "stamp": freshness.stamp(reading(), person_id())})
