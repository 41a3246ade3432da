"""People and accounts of this server, for admins: names and logins, never anybody's data."""

from typing import Any, NamedTuple

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Conflict, Invalid, Problem
from healthbox.store import accounts, people
from healthbox.store.people import Person
from healthbox.web import frame
from healthbox.web.auth import opens, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import now
from healthbox.web.times import zone_names

routes = Blueprint("people", __name__)


class Member(NamedTuple):
    """A person and who logs in to see them."""

    person: Person
    logins: list[str]


@routes.get("/settings/people")
@opens("keeper")
def show() -> str:
    return household()


@routes.post("/settings/people")
@opens("keeper")
def add() -> AnyResponse:
    try:
        with writing() as c:
            made = people.add_person(c, request.form.get("name", ""), request.form.get("zone", "").strip(), now())
    except (Invalid, Conflict) as problem:
        return refused("add-person", problem)
    return redirect(url_for("people.show", saved=f"person-{made.id}"), 303)


@routes.post("/settings/people/<int:other_id>")
@opens("keeper")
def rename(other_id: int) -> AnyResponse:
    try:
        with writing() as c:
            people.rename(c, other_id, request.form.get("name", ""))
    except (Invalid, Conflict) as problem:
        return refused(f"person-{other_id}", problem)
    return redirect(url_for("people.show", saved=f"person-{other_id}"), 303)


def refused(part: str, problem: Problem) -> AnyResponse:
    """The page again, with words beside the form that was not taken."""
    return make_response(household(part, f"{problem.message} {problem.hint}".strip()), problem.status)


def household(wrong: str = "", error: str = "") -> str:
    known = accounts.list_accounts(reading())
    everybody = people.list_persons(reading())
    values: dict[str, Any] = {
        "members": [Member(person, [account.login for account in known if account.person_id == person.id]) for person in everybody],
        "accounts": known, "names": {person.id: person.name for person in everybody}, "here": visitor().account, "zones": zone_names(),
        "people": [(str(person.id), person.name) for person in everybody],
        "admin": True, "saved": request.args.get("saved", ""), "wrong": wrong, "error": error,
        "given": {name: request.form.get(name, "") for name in ("name", "zone", "login", "person")} if wrong.startswith("add-") else {},
    }  # fmt: skip
    return frame.page("people.html", None, **values)
