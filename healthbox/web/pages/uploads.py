"""Uploads: all of them, and the receipt of each one."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.pipeline import repair
from healthbox.store import receipts
from healthbox.web import arriving
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.frame import page, person
from healthbox.web.house import house, now

routes = Blueprint("uploads", __name__)

PAGE = 25
REJECTIONS = 25
FAR = 2**53


@routes.get("/uploads")
@opens("account")
def show() -> str:
    reader = Reader.of(person(), now())
    cursor = _cursor()
    found = receipts.listing(reading(), person_id(), limit=PAGE, cursor=cursor)
    return page("uploads.html", "data", uploads=arriving.uploads(found["batches"], reader), cursor=found["cursor"], first=cursor is None)


@routes.get("/uploads/<public>")
@opens("account")
def one(public: str) -> str:
    reader = Reader.of(person(), now())
    cursor = _cursor() or 0
    receipt = receipts.receipt(reading(), person_id(), public, cursor=cursor, limit=REJECTIONS)
    times = receipt["timings"]
    recent = receipts.listing(reading(), person_id(), limit=PAGE)["batches"]
    waited = [
        ("Received", reader.moment(times["accepted"]), ""),
        ("Waited", arriving.took(times["accepted"], times["started"]), "not begun yet"),
        ("Worked on", arriving.took(times["started"], times["processed"] if times["closed"] else None), "still being read"),
        ("Closed", reader.moment(times["closed"]) if times["closed"] else None, "still open"),
    ]
    return page(
        "upload.html",
        "data",
        receipt=receipt,
        upload=arriving.upload(receipt, reader, arriving.density(receipt, recent)),
        counts=[(word, reader.figure(receipt["records"][name])) for name, word in arriving.OUTCOMES],
        size=arriving.size_words(receipt["bytes"], reader),
        waited=waited,
        discarded=receipt["chunks"]["total"] - sum(receipt["chunks"][name] for name in ("pending", "running", "done", "dead")),
        first=cursor == 0,
    )


@routes.post("/uploads/<public>/replay")
@opens("account")
def replay(public: str) -> AnyResponse:
    """Read every kept body of it again."""
    repair.replay(house().database, person_id(), public, now())
    house().door.ring()
    return redirect(url_for("uploads.one", public=public), 303)


def _cursor() -> int | None:
    """Where the page before ended; anything else than a number is the beginning."""
    text = request.args.get("cursor", "")
    return min(int(text), FAR) if text.isascii() and text.isdigit() and len(text) < 20 else None
