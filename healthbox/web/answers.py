"""Answers: JSON for programs, and what is said when something fails, to both. No answer holds a traceback or a value."""

import logging
import secrets
import traceback
from typing import Any

import msgspec
from flask import Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Problem
from healthbox.store.engine import translated
from healthbox.web.auth import given_token

log = logging.getLogger("healthbox.web")

FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics")
_encoder = msgspec.json.Encoder()

WORDS = {
    400: ("bad_request", "The request could not be read.", "Check what is sent: uploads are JSON."),
    404: ("not_found", "There is nothing at this address.", "Check the address, to its end: uploads go to …/api/v1/ingest."),
    405: ("method_not_allowed", "This address does not take that method.", "Uploads are sent by POST to …/api/v1/ingest."),
    413: ("too_large", "The body is too large.", "Send less at a time: most apps have a setting for the batch or the period."),
    415: ("unsupported_media_type", "This kind of body is not understood here.", "Send JSON."),
}
PEOPLE = {404: "Check the address.", 413: WORDS[413][2]}  # hints on a page; the others are for apps that upload


class Refusal(msgspec.Struct):
    code: str
    message: str
    hint: str


class ErrorAnswer(msgspec.Struct):
    error: Refusal


def json_answer(data: Any, status: int = 200) -> Response:
    return Response(_encoder.encode(data), status, mimetype="application/json")


def for_program() -> bool:
    """A phone that was given the wrong address shows what it can read: whoever sends a token is no browser."""
    # /metrics is Prometheus' door; the page of a metric is /metrics/KEY.
    return request.path.startswith("/api/") or request.path.rstrip("/") in ("/api", *FOR_PROGRAMS[1:]) or given_token() is not None


def refusal(status: int, code: str, message: str, hint: str = "") -> Response:
    if for_program():
        return json_answer(ErrorAnswer(Refusal(code, message, hint)), status)
    page = render_template("error.html", status=status, code=code, message=message, hint=hint)
    return make_response(page, status)


def for_problem(problem: Problem) -> Response:
    answer = refusal(problem.status, problem.code, problem.message, problem.hint)
    if problem.status == 401 and for_program():
        answer.headers["WWW-Authenticate"] = 'Bearer realm="healthbox"'
    if not problem.permanent:
        answer.headers["Retry-After"] = str(getattr(problem, "wait_s", 30))
    return answer


def for_http(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error.get_response()  # the router's own redirect
    code, message, hint = WORDS.get(status, ("refused", "The request was refused.", "The page Data shows what arrived."))
    answer = refusal(status, code, message, hint if for_program() else PEOPLE.get(status, ""))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


def for_method(error: MethodNotAllowed) -> AnyResponse:
    """Where only the method is wrong no room is asked, though the address is one's: it has its own words."""
    adapter = current_app.create_url_adapter(request)
    endpoint = str(adapter.match(method=next(iter(error.valid_methods)))[0]) if adapter and error.valid_methods else ""
    own = current_app.error_handler_spec.get(endpoint.rpartition(".")[0], {}).get(None, {}).get(HTTPException)
    return own(error) if own else for_http(error)  # type: ignore[return-value]  # a room's handlers answer as ours do


def for_database(error: DBAPIError) -> Response:
    problem = translated(error)
    return for_problem(problem) if problem else for_mistake(error)


def for_mistake(error: Exception) -> Response:
    """A mistake of ours: the log gets where, under an id that the answer names. Messages stay out of both: they may quote values."""
    name = secrets.token_hex(4)
    frames = reversed(traceback.extract_tb(error.__traceback__)[-6:])
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
    route = request.url_rule.rule if request.url_rule else "-"
    log.error("mistake id=%s type=%s route=%s where=%s", name, type(error).__name__, route, where)
    hint = f"It is in the log under {name}. Trying again may help."
    return refusal(500, "internal", "Something went wrong inside healthbox.", hint)


def equip(app: Flask) -> None:
    app.register_error_handler(Problem, for_problem)
    app.register_error_handler(HTTPException, for_http)
    app.register_error_handler(MethodNotAllowed, for_method)
    app.register_error_handler(DBAPIError, for_database)
    app.register_error_handler(Exception, for_mistake)
