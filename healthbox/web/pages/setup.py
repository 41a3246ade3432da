"""The first page ever: makes the first person and the admin account. Its address holds a token that works once."""

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Invalid, NotFound
from healthbox.store import accounts, logins, people, settings
from healthbox.web import passwords, sessions
from healthbox.web.auth import opens
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.times import zone_names

routes = Blueprint("setup", __name__)

OFFERED = ("en-GB", "en-US", "de", "fr")  # what the browser prefers of these; changed on the page Settings
FIELDS = ("name", "zone", "login")


@routes.get("/setup/<token>")
@opens("public")
def show(token: str) -> str:
    if not settings.is_setup_token(reading(), token):
        raise _used()
    return _page({}, "")


@routes.post("/setup/<token>")
@opens("public")
def create(token: str) -> AnyResponse:
    if not settings.is_setup_token(reading(), token):
        raise _used()
    given = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        cookie = _first_account(token, given, passwords.hashed(request.form.get("password", "")))
    except Invalid as wrong:
        return make_response(_page(given, f"{wrong.message} {wrong.hint}".strip()), 422)
    (house().settings.data / settings.SETUP).unlink(missing_ok=True)  # where the start wrote it for people without the log at hand
    response = redirect(request.script_root + "/pair", 303)
    sessions.start(response, cookie)
    return response


def _first_account(token: str, given: dict[str, str], password_hash: str) -> str:
    """Person, account and session in the one transaction that uses the token up; a second submit finds it used."""
    at = now()
    with writing() as c:
        if not settings.claim_setup(c, token):
            raise _used()
        person = people.add_person(c, given["name"], given["zone"], at)
        locale = (request.accept_languages.best_match(OFFERED) or "en-GB").replace("-", "_")
        people.update(c, person.id, locale=locale, units="imperial" if locale == "en_US" else "metric")
        account = accounts.add_account(c, given["login"], password_hash, person.id, True, at)
        return logins.create_session(c, account.id, request.user_agent.string, at)[1]


def _used() -> NotFound:
    hint = "If healthbox is set up already, log in; else start it anew for a new link."
    return NotFound("This setup link does not work any more.", hint=hint)


def _page(given: dict[str, str], error: str) -> str:
    return render_template("setup.html", given=given, error=error, zones=zone_names())
