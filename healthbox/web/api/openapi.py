"""GET /api/v1/openapi.json"""

from typing import Any

from flask import Blueprint, Response, current_app

from healthbox.web.answers import json_answer
from healthbox.web.auth import opens
from healthbox.web.openapi import described, document

routes = Blueprint("api_openapi", __name__)


@routes.get("/api/v1/openapi.json")
@opens("public")
@described("This document.", answer=dict[str, Any])
def index() -> Response:
    return json_answer(document(current_app))
