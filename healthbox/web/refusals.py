"""What a phone that is being paired was refused for, noted so that the page which waits for it can say what to do."""

from flask import Response
from sqlalchemy.exc import DBAPIError

from healthbox.domain.errors import Problem
from healthbox.store import devices
from healthbox.web.auth import given_token
from healthbox.web.database import writing
from healthbox.web.house import house, now


def note(answer: Response) -> Response:
    """After every request. Also of one that met no route, or whose token is right in its first half only."""
    if not 400 <= answer.status_code < 500 or (token := given_token()) is None:
        return answer
    at = now()
    try:
        with house().database.glance() as c:
            due = devices.refusal_is_due(c, token, answer.status_code, at)
        if due:
            with writing() as c:
                devices.note_refusal(c, token, answer.status_code, at)
    except (Problem, DBAPIError):
        pass  # the answer itself has its own words
    return answer
