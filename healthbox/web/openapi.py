"""The description of the API, made of the routes themselves, and the checks of their query parameters.

``@described`` stands between ``@opens`` and the function. ``query`` is a msgspec Struct: its fields are the parameters, and the
function gets it, checked, as keyword ``query``. ``answer`` and ``body`` are types that only describe.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, cast

import msgspec
from flask import Flask, request

from healthbox import __version__
from healthbox.domain.errors import Invalid
from healthbox.web.answers import ErrorAnswer
from healthbox.web.auth import opening_of
from healthbox.web.hosts import links_root

SHAPE = "#/components/schemas/{name}"
ERRORS = {
    400: "Malformed",
    401: "No valid token",
    403: "A token without the scope",
    404: "Not there",
    413: "Too large",
    422: "Not understood",
}


class Description(NamedTuple):
    summary: str
    query: type[msgspec.Struct] | None
    answer: Any
    body: Any
    status: int


def described(
    summary: str, *, query: type[msgspec.Struct] | None = None, answer: Any = None, body: Any = None, status: int = 200
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def asked(**parts: Any) -> Any:
            if query is not None:
                parts["query"] = checked(query)
            return view(**parts)

        asked.description = Description(summary, query, answer, body, status)  # type: ignore[attr-defined]
        return asked

    return mark


def checked(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The request's query parameters as ``kind``. Raises Invalid, naming the parameter."""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for name, values in request.args.lists():
        if name not in known:
            raise Invalid(f"There is no parameter {name[:40]!r} here.", hint=f"Known: {', '.join(known) or 'none'}.", code="parameter")
        if len(values) > 1:
            raise Invalid(f"{name} is given {len(values)} times.", hint="Give it once.", code="parameter")
    try:
        return msgspec.convert(request.args.to_dict(), kind, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
        if missing := re.search(r"required field `(\w+)`", message):
            raise Invalid(f"The parameter {missing[1]} is missing.", hint=f"Known: {', '.join(known)}.", code="parameter") from None
        field = re.search(r" - at `\$\.(\w+)`", message)
        reason = message.split(" - at ")[0].replace("`", "")
        raise Invalid(f"{field[1] if field else 'parameters'}: {reason[:1].lower()}{reason[1:]}", code="parameter") from None


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every described route."""
    found = list(_described_routes(app))
    types = [kind for _, _, what in found for kind in (what.query, what.answer, what.body) if kind is not None]
    shapes, components = msgspec.json.schema_components([*types, ErrorAnswer], ref_template=SHAPE)
    shape_of = {id(kind): shape for kind, shape in zip([*types, ErrorAnswer], shapes, strict=True)}
    paths: dict[str, Any] = {}
    for path, endpoint, what in found:
        for method in sorted(_methods(app, endpoint)):
            paths.setdefault(path, {})[method.lower()] = _operation(app, path, endpoint, what, shape_of, components)
    token = {"type": "http", "scheme": "bearer", "description": "A device token. X-API-Key and api-key are taken as well."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "healthbox", "version": __version__, "description": "All errors have one shape; instants are RFC 3339 in UTC."},
        "servers": [{"url": links_root()}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": token}},
    }


def _described_routes(app: Flask) -> list[tuple[str, str, Description]]:
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
    views = [(rule, app.view_functions[rule.endpoint]) for rule in rules]
    return [
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), rule.endpoint, cast(Any, view).description)
        for rule, view in views
        if hasattr(view, "description")
    ]


def _methods(app: Flask, endpoint: str) -> set[str]:
    return {method for rule in app.url_map.iter_rules(endpoint) for method in rule.methods or ()} - {"HEAD", "OPTIONS"}


def _operation(
    app: Flask, path: str, endpoint: str, what: Description, shape_of: dict[int, Any], components: dict[str, Any]
) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    if what.query is not None:
        shape = components[what.query.__name__]
        needed = shape["required"]
        parameters += [{"name": n, "in": "query", "required": n in needed, "schema": schema} for n, schema in shape["properties"].items()]
    right = {"application/json": {"schema": shape_of[id(what.answer)]}} if what.answer is not None else {}
    wrong = {"application/json": {"schema": shape_of[id(ErrorAnswer)]}}
    scopes = sorted(opening_of(app, endpoint).scopes)
    operation: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": what.summary,
        "x-scopes": scopes,
        "security": [] if scopes == ["public"] else [{"token": []}],
        "parameters": parameters,
        "responses": {str(what.status): {"description": "Done", "content": right}}
        | {str(status): {"description": words, "content": wrong} for status, words in ERRORS.items()},
    }
    if what.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": shape_of[id(what.body)]}}}
    return operation
