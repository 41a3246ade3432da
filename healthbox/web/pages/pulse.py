"""The small answer that an open page asks for now and then: is there something new?"""

from flask import Blueprint, Response

from healthbox.store import freshness
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.house import now

routes = Blueprint("pulse", __name__)


@routes.get("/pulse")
@opens("account")
def show() -> Response:
    pill, _ = freshness.pill(reading(), person_id(), now())
    return json_answer(pill | {"stamp": freshness.stamp(reading(), person_id())})
