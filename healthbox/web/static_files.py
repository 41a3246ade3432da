"""Files under /static: addressed by their content's hash, so that a browser keeps them for ever and an upgrade shows at once."""

import hashlib
import mimetypes
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, Response, abort, request
from werkzeug.security import safe_join

from healthbox.folders import folder
from healthbox.web.auth import opens

ENDPOINT = "static"
FOR_EVER = "public, max-age=31536000, immutable"


class File(NamedTuple):
    content: bytes
    version: str  # twelve hex digits of its SHA-256


@lru_cache(maxsize=64)
def _read(path: str, _changed: int, _size: int) -> File:
    with open(path, "rb") as file:
        content = file.read()
    return File(content, hashlib.sha256(content).hexdigest()[:12])


def found(filename: str) -> File | None:
    """From memory, unless it changed on disk."""
    root = folder("static")
    path = safe_join(str(root), filename)
    try:
        stat = (root / filename).stat()
        return _read(path, stat.st_mtime_ns, stat.st_size) if path else None
    except (OSError, ValueError):
        return None


@opens("public")
def static(filename: str) -> Response:
    file = found(filename)
    if file is None:
        abort(404)
    kind = "text/javascript" if filename.endswith(".js") else mimetypes.guess_type(filename)[0] or "application/octet-stream"
    answer = Response(file.content, mimetype=kind)
    answer.headers["Cache-Control"] = FOR_EVER if request.args.get("v") == file.version else "no-cache"
    answer.set_etag(file.version)
    answer.make_conditional(request)
    return answer


def _with_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == ENDPOINT and "v" not in values and (file := found(values["filename"])):
        values["v"] = file.version


def mount(app: Flask) -> None:
    """``url_for("static", filename=...)`` works as everywhere in Flask and carries the hash."""
    app.add_url_rule("/static/<path:filename>", ENDPOINT, static)
    app.url_default_functions.setdefault(None, []).append(_with_version)
