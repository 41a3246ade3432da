"""Log in and out."""

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from healthbox.store import accounts, logins
from healthbox.web import passwords, sessions, throttle
from healthbox.web.auth import maybe_visitor, opens, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import now

routes = Blueprint("login", __name__)


@routes.get("/login")
@opens("public")
def show() -> AnyResponse:
    if maybe_visitor():
        return redirect(local_address(request.args.get("next", "")), 303)
    return make_response(_page(request.args.get("next", "")))


@routes.post("/login")
@opens("public")
def enter() -> AnyResponse:
    form = request.form
    target, login, password = form.get("next", ""), form.get("login", ""), form.get("password", "")
    try:
        cookie = _cookie(login, password)
    except throttle.Throttled as slow:
        answer = make_response(_page(target, login, f"{slow.message} {slow.hint}"), 429)
        answer.headers["Retry-After"] = str(slow.wait_s)
        return answer
    if cookie is None:
        return make_response(_page(target, login, "Login and password do not match."), 401)
    response = redirect(local_address(target), 303)
    sessions.start(response, cookie)
    return response


@routes.post("/logout")
@opens("account")
def leave() -> AnyResponse:
    here = visitor()
    with writing() as c:
        logins.revoke_session(c, here.account.id, here.session.id)
    response = redirect(local_address("/login"), 303)
    sessions.end(response)
    return response


def local_address(path: str) -> str:
    """A path of ours under the mount point; anything that a browser could read as another site becomes the first page."""
    own = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and "\\" not in path
    return request.script_root + (path if own else "/")


def _cookie(login: str, password: str) -> str | None:
    """The cookie of a new session when the password is right; any session from before ends."""
    someone = throttle.who(login, request.remote_addr or "")
    with writing() as c:
        throttle.take_turn(c, someone, now())
    account = accounts.find_account(reading(), login)
    kept = accounts.password_hash(reading(), account.id) if account else None
    if not passwords.matches(kept, password) or account is None or kept is None:
        return None
    fresh = passwords.hashed(password) if passwords.is_outdated(kept) else None
    before = maybe_visitor()
    with writing() as c:
        logins.forgive(c, someone)
        if fresh:
            accounts.set_password(c, account.id, fresh)
        if before:
            logins.revoke_session(c, before.account.id, before.session.id)
        return logins.create_session(c, account.id, request.user_agent.string, now())[1]


def _page(target: str, login: str = "", error: str = "") -> str:
    return render_template("login.html", target=target, login=login, error=error, is_set_up=accounts.count_accounts(reading()) > 0)
