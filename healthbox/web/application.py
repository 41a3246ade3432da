"""The application: what every request passes, and the rooms that answer it."""

import logging
import pkgutil
import time
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from flask import Blueprint, Flask, Response, g, request, url_for

from healthbox import render
from healthbox.config import Settings
from healthbox.folders import folder
from healthbox.pipeline.accept import Door
from healthbox.store.engine import Database
from healthbox.web import answers, api, auth, hosts, masks, pages, refusals, security, static_files
from healthbox.web.database import bind
from healthbox.web.house import House, Pulse
from healthbox.web.row_ids import RowId
from healthbox.web.squeeze import squeeze

log = logging.getLogger("healthbox.web")

FORM_BYTES = 2 * 1024 * 1024
ROOMS = (api, pages)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def create_app(
    settings: Settings, database: Database, door: Door, *, clock: Callable[[], int] = now_ms, vault: Any = None, pump: Pulse | None = None
) -> Flask:
    """The WSGI application. ``clock`` gives milliseconds since the epoch; ``pump`` is asked for its heartbeat by /readyz."""
    app = Flask("healthbox", static_folder=None, template_folder=str(folder("templates")))
    app.extensions["healthbox"] = House(settings, database, door, clock, vault, pump)
    app.config["MAX_CONTENT_LENGTH"] = max(FORM_BYTES, settings.max_json_bytes)
    app.url_map.strict_slashes = False
    app.url_map.converters["int"] = RowId
    bind(app, database)
    static_files.mount(app)
    for routes in found_routes():
        app.register_blueprint(routes)
    _equip_templates(app)
    answers.equip(app)
    app.before_request(_begin)
    app.before_request(hosts.refuse_other_hosts)
    app.before_request(auth.admit)
    app.after_request(squeeze)
    app.after_request(_note)
    app.after_request(refusals.note)
    auth.insist_on_scopes(app)
    app.wsgi_app = hosts.Front(security.Secured(app.wsgi_app), settings)  # type: ignore[method-assign]
    return app


def found_routes() -> list[Blueprint]:
    """The blueprint of every file in ``api`` and ``pages``; a file without one is a mistake of ours."""
    return [_routes(import_module(f"{room.__name__}.{info.name}")) for room in ROOMS for info in pkgutil.iter_modules(room.__path__)]


def _routes(module: ModuleType) -> Blueprint:
    routes = getattr(module, "routes", None)
    if not isinstance(routes, Blueprint):
        raise RuntimeError(f"{module.__name__} exports no blueprint named routes")
    return routes


def _equip_templates(app: Flask) -> None:
    render.equip(app.jinja_env)
    app.jinja_env.globals["static"] = lambda filename: url_for(static_files.ENDPOINT, filename=filename)
    app.jinja_env.globals["href"] = lambda page, **parts: url_for(f"{page}.show", **parts)
    app.context_processor(_words_of_the_visitor)


def _words_of_the_visitor() -> dict[str, Any]:
    """For every page, also the one that says that the database is gone: from what the request knows already."""
    visitor = g.get("visitor")
    return {"theme": visitor.account.theme if visitor else None, "csrf": masks.mask(visitor.session.csrf) if visitor else ""}


def _begin() -> None:
    g.started = time.perf_counter()


def _note(answer: Response) -> Response:
    """One line a request: the route, never the address, which may hold a setup token or a search."""
    route = request.url_rule.rule if request.url_rule else "-"
    took = (time.perf_counter() - g.started) * 1000 if "started" in g else 0.0
    log.info("request method=%s route=%s status=%d ms=%.1f", request.method, route, answer.status_code, took)
    return answer
