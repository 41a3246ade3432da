"""/healthz: the process answers. /readyz: it can do its work."""

import msgspec
from flask import Blueprint, Response

from healthbox import __version__
from healthbox.domain.errors import Problem
from healthbox.store import disk, ledger, settings
from healthbox.web.answers import json_answer
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_health", __name__)

SILENT_MS = 60_000  # a worker that has not gone round for so long hangs


class Alive(msgspec.Struct):
    status: str
    version: str


class Ready(msgspec.Struct):
    """``checks`` are "ok" or say what is wrong. ``waiting`` chunks are not worked off yet, the oldest for ``oldest_s``; ``dead``
    ones failed and wait for a person, which is no reason to take the server down."""

    status: str
    version: str
    checks: dict[str, str]
    waiting: int | None
    oldest_s: int | None
    dead: int | None


@routes.get("/healthz")
@opens("public")
@described("Whether the process answers.", answer=Alive)
def healthz() -> Response:
    return json_answer(Alive("ok", __version__))


@routes.get("/readyz")
@opens("public")
@described("Whether database, worker and disk are fit for work; 503 when not.", answer=Ready)
def readyz() -> Response:
    waiting = oldest = dead = None
    checks = {"worker": _worker(), "disk": _disk()}
    try:
        settings.epoch(reading())
        waiting, oldest = ledger.depth(reading())
        dead = ledger.dead_count(reading())
        checks["database"] = "ok"
    except Problem as problem:
        checks["database"] = problem.message
    well = all(said == "ok" for said in checks.values())
    since = None if oldest is None else max(0, (now() - oldest) // 1000)
    return json_answer(Ready("ok" if well else "failing", __version__, checks, waiting, since, dead), 200 if well else 503)


def _worker() -> str:
    pump = house().pump
    if pump is None:
        return "ok"  # an application without one, as in tests, has nothing that could hang
    beat = pump.beat()
    if beat is None:
        return "not at work"
    return "ok" if now() - beat < SILENT_MS else f"silent for {(now() - beat) // 1000} s"


def _disk() -> str:
    least = house().settings.min_free_mb
    free = disk.room(house().settings.data).free // 1024**2
    return "ok" if free >= least else f"only {free} MB free, {least} MB are needed"
