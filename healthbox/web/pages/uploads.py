"""Uploads: all of them, and the receipt of each one."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.pipeline import repair, supersede
from healthbox.store import days, receipts
from healthbox.web import arriving
from healthbox.web.arriving import Reader, Upload
from healthbox.web.auth import opens, person_id
from healthbox.web.database import reading
from healthbox.web.frame import page, person
from healthbox.web.house import house, now

routes = Blueprint("uploads", __name__)

PAGE = 25
REJECTIONS = 25
FAR = 2**53
LATELY_MS = 3_600_000  # so long the page of an upload says how many days are still to be counted


@routes.get("/uploads")
@opens("account")
def show() -> str:
    reader = Reader.of(person(), now())
    cursor = _cursor()
    found = receipts.listing(reading(), person_id(), limit=PAGE, cursor=cursor)
    return page("uploads.html", "data", uploads=arriving.uploads(found["batches"], reader), cursor=found["cursor"], first=cursor is None)


def being_read() -> list[Upload]:
    """The person's uploads that are worked on or wait for it, oldest first."""
    reader = Reader.of(person(), now())
    recent = receipts.listing(reading(), person_id(), limit=PAGE)["batches"]
    return [arriving.upload(batch, reader, arriving.density(batch, recent)) for batch in receipts.being_read(reading(), person_id())]


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
        ("Finished", reader.moment(times["closed"]) if times["closed"] else None, "not yet"),
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
        days_left=days.dirty_count(reading(), person_id()) if times["closed"] is None or now() - times["closed"] < LATELY_MS else 0,
        first=cursor == 0,
        aside=_aside_words(receipt["superseded"], reader),
    )


@routes.post("/uploads/<public>/replay")
@opens("account")
def replay(public: str) -> AnyResponse:
    """Read it again from what was sent; pressed twice, it is read once."""
    repair.replay(house().database, person_id(), public, now())
    house().door.ring()
    return redirect(url_for("uploads.one", public=public), 303)


@routes.post("/uploads/<public>/aside")
@opens("account")
def aside(public: str) -> AnyResponse:
    """Count again what this export set aside, or set it aside once more."""
    supersede.put_in_force(house().database, person_id(), public, undo=request.form.get("put") == "undo")
    house().door.ring()
    return redirect(url_for("uploads.one", public=public) + "#aside", 303)


def _aside_words(aside: dict[str, Any] | None, reader: Reader) -> str:
    """'12 stages of sleep and 1 workout', "" where a whole export lacks nothing."""
    kinds = (("stages", "stage", " of sleep"), ("workouts", "workout", ""), ("samples", "sample", ""))
    said = [f"{reader.figure(n)} {one}{'' if n == 1 else 's'}{of}" for name, one, of in kinds if aside and (n := aside[name])]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _cursor() -> int | None:
    """Where the page before ended; anything else than a number is the beginning."""
    text = request.args.get("cursor", "")
    return min(int(text), FAR) if text.isascii() and text.isdigit() and len(text) < 20 else None
