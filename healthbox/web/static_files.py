"""Files under /static: addressed by their content's hash, so that a browser keeps them for ever and an upgrade shows at once."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_from_directory

from healthbox.folders import folder
from healthbox.web.auth import opens

ENDPOINT = "static"
FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=256)
def _hash(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def version(filename: str) -> str | None:
    """Twelve hex digits of the file's SHA-256, or None when there is no such file."""
    path = folder("static") / filename
    try:
        found = path.stat()
        return _hash(path, found.st_mtime_ns, found.st_size)
    except OSError:
        return None


@opens("public")
def static(filename: str) -> Response:
    answer = send_from_directory(folder("static"), filename, conditional=True)
    answer.headers["Cache-Control"] = FOR_EVER if "v" in request.args and request.args["v"] == version(filename) else "no-cache"
    return answer


def _with_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == ENDPOINT and "v" not in values and (found := version(values["filename"])):
        values["v"] = found


def mount(app: Flask) -> None:
    """``url_for("static", filename=...)`` works as everywhere in Flask and carries the hash."""
    app.add_url_rule("/static/<path:filename>", ENDPOINT, static)
    app.url_default_functions.setdefault(None, []).append(_with_version)
