"""Import: a file from the browser, in slices where scripts run, else as a plain form. Told first: how much disk it needs."""

from typing import cast

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from healthbox import render
from healthbox.domain.errors import Invalid, Problem
from healthbox.pipeline.slices import SLICE
from healthbox.store import devices
from healthbox.store.devices import Device
from healthbox.store.slices import Upload
from healthbox.web import arriving
from healthbox.web.answers import for_problem
from healthbox.web.api import files
from healthbox.web.api.files import SliceQuery, slices
from healthbox.web.arriving import Reader
from healthbox.web.auth import opens, person_id
from healthbox.web.database import writing
from healthbox.web.frame import page, person
from healthbox.web.house import now
from healthbox.web.openapi import checked
from healthbox.web.pages import uploads

routes = Blueprint("imports", __name__)

TYPES = ".zip,.xml,.json,.jsonl,.csv,.tsv,.txt,.fit,.gpx,.tcx,.gz,.db"
RECEIPT = "uploads.one"
FORM_BYTES = 100_000  # what a form adds to its file, and more
FOR_SCRIPTS = ("imports.begin", "imports.one", "imports.add")
GB = 1_000_000_000


@routes.get("/import")
@opens("account")
def show() -> str:
    return _page("")


@routes.post("/import")
@opens("account")
def send() -> AnyResponse:
    """The whole file in one form, for browsers without scripts."""
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise Invalid("Choose a file first.")
        batch = _taken(given)
    except Problem as problem:
        return make_response(_page(f"{problem.message} {problem.hint}".strip()), problem.status)
    return redirect(url_for(RECEIPT, public=batch), 303)


@routes.post("/import/files")
@opens("account")
def begin() -> Response:
    return files.begun(_importer())


@routes.get("/import/files/<public>")
@opens("account")
def one(public: str) -> Response:
    return files.state(_own(public), RECEIPT)


@routes.put("/import/files/<public>")
@opens("account")
def add(public: str) -> Response:
    return files.added(_own(public), cast(SliceQuery, checked(SliceQuery)).offset, RECEIPT)


@routes.post("/import/files/<public>/cancel")
@opens("account")
def cancel(public: str) -> AnyResponse:
    slices().cancel(_own(public))
    return redirect(url_for("imports.show"), 303)


@routes.errorhandler(Problem)
def _refused(problem: Problem) -> Response:
    return files.told(problem) if request.endpoint in FOR_SCRIPTS else for_problem(problem)


def _taken(given: FileStorage) -> str:
    """Through the same slices; the batch."""
    size = given.stream.seek(0, 2)
    given.stream.seek(0)
    upload = slices().begin(_importer(), name=given.filename or "", size=size, now=now())
    try:
        while raw := given.stream.read(SLICE):
            upload = slices().add(upload, upload.offset, raw, now())
    except Problem:
        slices().cancel(upload)  # nobody could continue it
        raise
    return cast(str, upload.batch)


def _importer() -> Device:
    with writing() as c:
        return devices.importer(c, person_id(), now())


def _own(public: str) -> Upload:
    return slices().find(public, person_id=person_id())


def _size(size: int, reader: Reader) -> str:
    if size < GB:
        return arriving.size_words(size, reader)
    return f"{render.number(size / GB, 1, reader.locale)}{render.SPACE}GB"


def _page(error: str) -> str:
    reader = Reader.of(person(), now())
    needed, free = slices().room(0)
    waiting = [
        {
            "id": upload.id,
            "name": upload.name,
            "words": f"{_size(upload.offset, reader)} of {_size(upload.size, reader)}",
            "share": 100 * upload.offset // upload.size,
            "when": reader.moment(upload.touched_at),
        }
        for upload in slices().unfinished(person_id())
    ]
    most = int(current_app.config["MAX_CONTENT_LENGTH"])
    return page(
        "imports.html",
        "data",
        error=error,
        types=TYPES,
        waiting=waiting,
        reads=uploads.being_read(),
        free=free,
        reserve=needed,
        free_words=_size(free, reader),
        most_words=_size(most - FORM_BYTES, reader),
    )
