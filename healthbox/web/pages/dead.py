"""Dead letters: parts of uploads that could not be read. Look into one, try it again, or give it up."""

import zlib
from typing import Any

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.pipeline import repair
from healthbox.store import ledger, receipts
from healthbox.web import arriving
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.frame import page, person
from healthbox.web.house import house, now

routes = Blueprint("dead", __name__)

PEEK = 600  # characters of the body that the page shows


@routes.get("/dead")
@opens("account")
def show() -> str:
    reader, letters = Reader.of(person(), now()), receipts.dead(reading(), person_id())
    count = ledger.dead_count(reading(), person_id())
    return page("dead.html", "data", letters=[_row(letter, reader) for letter in letters], count=count, figure=reader.figure)


@routes.get("/dead/<int:letter>")
@opens("account")
def one(letter: int) -> str:
    found = receipts.dead_letter(reading(), letter, person_id())
    return page("dead_letter.html", "data", letter=_row(found, Reader.of(person(), now())), peek=_peek(letter))


@routes.post("/dead/replay")
@opens("account")
def replay_all() -> AnyResponse:
    repair.replay_dead(house().database, ledger.dead_ids(reading(), person_id()), now())
    house().door.ring()
    return redirect(url_for("data.show"), 303)


@routes.post("/dead/<int:letter>/replay")
@opens("account")
def replay(letter: int) -> AnyResponse:
    found = receipts.dead_letter(reading(), letter, person_id())
    repair.replay_dead(house().database, [letter], now())
    house().door.ring()
    return redirect(url_for("uploads.one", public=found["batch"]), 303)


@routes.post("/dead/<int:letter>/discard")
@opens("account")
def discard(letter: int) -> AnyResponse:
    found = receipts.dead_letter(reading(), letter, person_id())
    repair.discard_dead(house().database, [letter], now())
    house().door.ring()
    return redirect(url_for("uploads.one", public=found["batch"]), 303)


def _row(letter: dict[str, Any], reader: Reader) -> dict[str, Any]:
    return letter | {
        "part": letter["chunk"] + 1,
        "when": reader.moment(letter["accepted"]),
        "iso": reader.iso(letter["accepted"]),
        "size": arriving.size_words(letter["bytes"], reader),
        "sender": arriving.SENDERS.get(letter["format"], letter["format"]),
    }


def _peek(letter: int) -> str | None:
    """The beginning of the body, as text; ``None`` when it is gone. Never unpacks more than it shows."""
    body, spool = ledger.body_of(reading(), letter)
    try:
        if body is None and spool is not None:
            with (house().settings.data / "spool" / spool).open("rb") as file:
                body = file.read(PEEK * 4)
        return None if body is None else zlib.decompressobj().decompress(body, PEEK).decode("utf-8", "replace")
    except (OSError, zlib.error):
        return None
