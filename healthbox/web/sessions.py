"""The cookie of a logged-in browser. What it stands for is a row on the server; the cookie is only its name.

Over https it is ``__Host-healthbox``, or ``__Secure-healthbox`` where ``base_url`` has a path that the cookie must keep to;
over plain http, where browsers refuse both prefixes, ``healthbox``.
"""

from typing import NamedTuple

from flask import request
from werkzeug.wrappers import Response

from healthbox.domain.errors import DiskFull, Unavailable
from healthbox.store import accounts, logins
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now


class Visitor(NamedTuple):
    account: accounts.Account
    session: logins.Session


def cookie_name() -> str:
    if not request.is_secure:
        return "healthbox"
    return "__Secure-healthbox" if request.script_root else "__Host-healthbox"


def find() -> Visitor | None:
    """Who the request's cookie says is there; notes at most once a minute that they are."""
    cookie = request.cookies.get(cookie_name())
    if not cookie:
        return None
    at = now()
    session = logins.find_session(reading(), cookie, at, house().settings)
    if session is None:
        return None
    visitor = Visitor(accounts.get_account(reading(), session.account_id), session)
    if logins.seen_is_due(session, at):
        try:
            with writing() as c:
                logins.touch_session(c, session.id, at)
        except (DiskFull, Unavailable):
            pass  # a full disk must not keep people from looking
    return visitor


def start(answer: Response, cookie: str) -> None:
    _set(answer, cookie, house().settings.session_max_days * 86_400)


def end(answer: Response) -> None:
    _set(answer, "", 0)


def _set(answer: Response, value: str, max_age: int) -> None:
    path = request.script_root or "/"
    answer.set_cookie(cookie_name(), value, max_age, path=path, secure=request.is_secure, httponly=True, samesite="Lax")
