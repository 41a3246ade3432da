"""Refusals in the one shape that the clients behind the compat doors know: ``{"detail": ...}``, never ours."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Problem
from healthbox.store.engine import translated
from healthbox.web import answers


def detail(said: Any, status: int) -> Response:
    return answers.json_answer({"detail": said}, status)


def speak(routes: Blueprint) -> None:
    """Every refusal on these routes, the ones before the view too, says ``detail``; headers are what they are elsewhere."""
    routes.register_error_handler(Problem, _for_problem)
    routes.register_error_handler(HTTPException, _for_http)
    routes.register_error_handler(DBAPIError, _for_database)


def _for_problem(problem: Problem) -> Response:
    return _reworded(answers.for_problem(problem), f"{problem.message} {problem.hint}".strip())


def _for_http(error: HTTPException) -> AnyResponse:
    answer = answers.for_http(error)
    words = answers.WORDS.get(error.code or 500, ("", "The request was refused.", ""))
    return _reworded(answer, " ".join(words[1:]).strip()) if answer.status_code >= 400 else answer


def _for_database(error: DBAPIError) -> Response:
    problem = translated(error)
    return _for_problem(problem) if problem else answers.for_mistake(error)


def _reworded(answer: AnyResponse, said: str) -> Response:
    fresh = detail(said, answer.status_code)
    for name in ("Retry-After", "WWW-Authenticate", "Allow"):
        if name in answer.headers:
            fresh.headers[name] = answer.headers[name]
    return fresh
