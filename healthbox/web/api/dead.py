"""Dead letters: chunks that failed for good; tried again, or given up."""

import msgspec
from flask import Blueprint, Response

from healthbox.pipeline import repair
from healthbox.store import receipts
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_dead", __name__)


class Letter(msgspec.Struct):
    """A chunk: ``batch`` and ``chunk`` name it, ``accepted`` is in ms, ``bytes`` the size of its body."""

    id: int
    batch: str
    chunk: int
    format: str
    device: str
    attempts: int
    error: str | None
    bytes: int
    accepted: int


class Letters(msgspec.Struct):
    dead: list[Letter]


class Done(msgspec.Struct):
    """``status`` is what it is now: pending or discarded."""

    id: int
    batch: str
    chunk: int
    status: str


@routes.get("/api/v1/dead")
@opens("ingest")
@described("Dead letters, the oldest first; at most 1000.", answer=Letters)
def index() -> Response:
    return json_answer(Letters([msgspec.convert(letter, Letter) for letter in receipts.dead(reading(), person_id())]))


@routes.post("/api/v1/dead/<int:letter>/replay")
@opens("ingest")
@described("Try a dead letter again, from where it stopped.", answer=Done, status=202)
def replay(letter: int) -> Response:
    found = receipts.dead_letter(reading(), letter, person_id())
    repair.replay_dead(house().database, [letter], now())
    house().door.ring()
    return json_answer(Done(letter, found["batch"], found["chunk"], "pending"), 202)


@routes.post("/api/v1/dead/<int:letter>/discard")
@opens("ingest")
@described("Give a dead letter up: anchors that it held back may move.", answer=Done)
def discard(letter: int) -> Response:
    found = receipts.dead_letter(reading(), letter, person_id())
    repair.discard_dead(house().database, [letter], now())
    return json_answer(Done(letter, found["batch"], found["chunk"], "discarded"))
