"""Leaving: what there is about the person, to be taken away as one zip. Asks for the password again: it is everything."""

from collections.abc import Iterator

from flask import Blueprint, Response, make_response, request
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Invalid
from healthbox.pipeline import leave
from healthbox.pipeline.leave import Part
from healthbox.store import accounts, leaving, logins
from healthbox.web import frame, passwords, throttle
from healthbox.web.auth import opens, person_id, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now

routes = Blueprint("leaving", __name__)

CHOICES: dict[str, tuple[str, tuple[Part, ...]]] = {
    "both": ("both", ("csv", "jsonl")),
    "csv": ("tables for spreadsheets, and routes for maps", ("csv",)),
    "jsonl": ("the file that another healthbox reads", ("jsonl",)),
}
BYTES_A_RECORD = {"both": 37, "csv": 19, "jsonl": 18}  # packed, as measured on samples, a third of them with uuid
SMALLEST = 20_000


@routes.get("/settings/export")
@opens("account")
def show() -> str:
    return _page("")


@routes.post("/settings/export")
@opens("account")
def download() -> AnyResponse:
    here, who, at = visitor(), person_id(), now()
    someone = throttle.who(here.account.login, request.remote_addr or "")
    try:
        chosen = CHOICES.get(request.form.get("what", ""))
        if chosen is None:
            raise Invalid("Choose one of what is offered.")
        with writing() as c:
            throttle.take_turn(c, someone, at)
        if not passwords.matches(accounts.password_hash(reading(), here.account.id), request.form.get("password", "")):
            raise Invalid("The password is not right.")
    except (Invalid, throttle.Throttled) as wrong:
        return make_response(_page(f"{wrong.message} {wrong.hint}".strip()), wrong.status)
    with writing() as c:
        logins.forgive(c, someone)
    name = leave.file_name(frame.person(), at)
    pieces: Iterator[bytes] = leave.stream(house().database, who, chosen[1], at)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pieces, mimetype="application/zip", headers=headers)


def _page(error: str) -> str:
    amounts = leaving.amounts(reading(), person_id())
    sizes = {key: max(amounts["records"] * each, SMALLEST) for key, each in BYTES_A_RECORD.items()}
    return frame.page(
        "leaving.html",
        None,
        amounts=amounts,
        choices=[(key, f"{label}, about {_size(sizes[key])}") for key, (label, _) in CHOICES.items()],
        account=visitor().account,
        error=error,
        given=request.form.get("what", "both"),
        live=None,
    )


def _size(count: int) -> str:
    """'20 kB', '3 MB': one digit is what an estimate is good for."""
    for step, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= step:
            return f"{float(f'{count / step:.1g}'):g} {unit}"
    return f"{count} bytes"
