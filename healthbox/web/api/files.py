"""/api/v1/files: a file in slices, for what is too large to send in one go. The page /import takes files by the same functions."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response, url_for

from healthbox.domain.errors import Invalid, Malformed, Problem
from healthbox.pipeline.accept import Owner
from healthbox.pipeline.slices import SLICE, NoRoom, Slices, WrongOffset
from healthbox.store.slices import Upload
from healthbox.web.answers import Refusal, json_answer
from healthbox.web.auth import device, opens
from healthbox.web.bodies import body
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_files", __name__)

ANNOUNCEMENT_BYTES = 16 * 1024


class FileAnnounced(msgspec.Struct):
    """``size`` in bytes. With ``sha256`` (hex), or with a ``mark`` of the client's own, announcing the same file again continues it."""

    name: str
    size: int
    sha256: str | None = None
    mark: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class FileBegun(msgspec.Struct):
    """Send from ``offset`` on, at most ``slice`` bytes at a time. ``needed`` and ``free``: bytes on the server's disk."""

    id: str
    offset: int
    size: int
    slice: int
    needed: int
    free: int


class FileState(msgspec.Struct):
    """Once ``offset`` is ``size`` the file is accepted: ``batch`` and ``receipt`` tell where to see what becomes of it."""

    id: str
    name: str
    offset: int
    size: int
    batch: str | None
    receipt: str | None


class FileRefused(msgspec.Struct, omit_defaults=True):
    """The error, and what a client needs to go on: where the next slice begins, or how many bytes are needed and free."""

    error: Refusal
    offset: int | None = None
    needed: int | None = None
    free: int | None = None


class SliceQuery(msgspec.Struct):
    """``offset``: where the slice begins, in bytes."""

    offset: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


def slices() -> Slices:
    return Slices(house().database, house().settings, house().door)


def begun(owner: Owner) -> Response:
    """Announce a file: 201 and its id; 200 where it is continued."""
    try:
        told = msgspec.json.decode(body(ANNOUNCEMENT_BYTES), type=FileAnnounced)
    except msgspec.ValidationError as error:
        raise Invalid(f"The file is not announced as it should be: {error}.", hint='Send {"name": "export.zip", "size": 123456}.') from None
    except msgspec.DecodeError:
        raise Malformed("The body is not JSON.", hint='Send {"name": "export.zip", "size": 123456}.') from None
    at, all_of_them = now(), slices()
    upload = all_of_them.begin(owner, name=told.name, size=told.size, sha256=told.sha256, mark=told.mark, now=at)
    needed, free = all_of_them.room(upload.size, upload)
    answer = FileBegun(upload.id, upload.offset, upload.size, SLICE, needed, free)
    return json_answer(answer, 201 if upload.created_at == at and not upload.offset else 200)


def added(upload: Upload, offset: int, receipt: str) -> Response:
    """Keep the request's body as the slice that begins at ``offset``; ``receipt`` is the endpoint that shows a batch."""
    return state(slices().add(upload, offset, body(SLICE), now()), receipt)


def state(upload: Upload, receipt: str) -> Response:
    address = url_for(receipt, public=upload.batch) if upload.batch else None
    return json_answer(FileState(upload.id, upload.name, upload.offset, upload.size, upload.batch, address))


def told(problem: Problem) -> Response:
    """The problem as JSON with what the client needs to go on."""
    refused = FileRefused(Refusal(problem.code, problem.message, problem.hint))
    if isinstance(problem, WrongOffset):
        refused.offset = problem.offset
    if isinstance(problem, NoRoom):
        refused.needed, refused.free = problem.needed, problem.free
    answer = json_answer(refused, problem.status)
    if not problem.permanent:
        answer.headers["Retry-After"] = str(getattr(problem, "wait_s", 30))
    return answer


routes.register_error_handler(WrongOffset, told)
routes.register_error_handler(NoRoom, told)


def _own(public: str) -> Upload:
    return slices().find(public, device_id=device().id)


@routes.post("/api/v1/files")
@opens("ingest")
@described("Announce a file that will come in slices.", body=FileAnnounced, answer=FileBegun, status=201)
def begin() -> Response:
    return begun(device())


@routes.get("/api/v1/files/<public>")
@opens("ingest")
@described("How much of a file has arrived, and what became of it.", answer=FileState)
def one(public: str) -> Response:
    return state(_own(public), "api_batches.one")


@routes.put("/api/v1/files/<public>")
@opens("ingest")
@described("Send the raw bytes from an offset on; the last ones make the file accepted.", query=SliceQuery, answer=FileState)
def add(public: str, query: SliceQuery) -> Response:
    return added(_own(public), query.offset, "api_batches.one")


@routes.delete("/api/v1/files/<public>")
@opens("ingest")
@described("Forget a file that has not arrived whole.", status=204)
def cancel(public: str) -> Response:
    slices().cancel(_own(public))
    return Response(status=204)
