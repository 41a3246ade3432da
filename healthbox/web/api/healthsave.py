"""The doors of HealthSave, which reads a receipt from the answer to its upload: paths, shapes and refusals are its contract.

An upload is kept first and never answered before; then its receipt is waited for, a few seconds at most. A key that the client
gives for an upload (``Idempotency-Key``) stands for these bytes: sent again it answers the same receipt, with others 409.
"""

import hashlib
import time
from typing import Any

from flask import Blueprint, Response, request

from healthbox.domain.errors import Conflict, Malformed
from healthbox.formats.healthsave import window
from healthbox.formats.json_body import decode
from healthbox.store import people, receipts, workouts
from healthbox.store import reading as records
from healthbox.web.answers import json_answer
from healthbox.web.auth import device, opens
from healthbox.web.bodies import body
from healthbox.web.database import reading
from healthbox.web.details import detail, speak
from healthbox.web.house import house, now
from healthbox.web.openapi import described

routes = Blueprint("api_healthsave", __name__)
speak(routes)

WAIT_S, STEP_S = 3.0, 0.05
SETTLED = ("completed", "completed_with_errors")
MISMATCH = {
    "error_code": "idempotency_key_payload_mismatch",
    "message": "This idempotency key was already received with a different payload hash.",
    "status": "rejected",
}
# What the app's status page lists → our metrics; all others are "quantity_samples".
_LISTED = {
    "heart_rate": ("heart_rate",),
    "hrv": ("hrv_sdnn",),
    "blood_oxygen": ("oxygen_saturation",),
    "daily_activity": ("steps", "active_energy", "basal_energy", "exercise_time", "stand_time", "stand_hour", "flights_climbed"),
    "sleep_sessions": ("sleep_analysis",),
}


@routes.get("/api/health")
@opens("public")
@described("HealthSave: whether the server answers.", answer=dict[str, str])
def health() -> Response:
    return json_answer({"status": "ok"})


@routes.post("/api/apple/batch")
@opens("ingest")
@described("HealthSave: send a batch of one metric.", body=dict[str, Any], answer=dict[str, Any])
def batch() -> Response:
    raw = body(house().settings.max_json_bytes)
    try:
        said = decode(raw)
    except Malformed:
        return detail("invalid JSON body", 400)
    if (wrong := _wrong(said)) is not None:
        return detail([wrong], 422)
    key = _key(said)
    try:
        public = house().door.ingest(device(), raw, headers={}, now=now(), client=key).batch
    except Conflict:
        return detail(MISMATCH, 409)
    answer = _receipt(said, key or hashlib.sha256(raw).hexdigest()[:32], public, _settled(public))
    return json_answer(answer, 202 if answer["status"] == "accepted" else 200)


@routes.get("/api/apple/status")
@opens("ingest", "read")
@described("HealthSave: how much of each kind is here, in days, nights and workouts.", answer=dict[str, Any])
def status() -> Response:
    person = device().person_id
    rows = records.metrics(reading(), person)
    listed = {name: [row for row in rows if row["metric"] in keys] for name, keys in _LISTED.items()}
    named = {key for keys in _LISTED.values() for key in keys}
    listed["quantity_samples"] = [row for row in rows if row["metric"] not in named]
    answer = {name: _extent(found, together=name == "daily_activity") for name, found in listed.items()}
    sessions = workouts.between(reading(), person, -(2**62), 2**62, limit=1_000_000)
    span = (records.iso(sessions[-1].start), records.iso(sessions[0].start)) if sessions else (None, None)
    answer["workouts"] = {"count": len(sessions), "newest": span[1], "oldest": span[0]}
    return json_answer(dict(sorted(answer.items())))


def _extent(rows: list[dict[str, Any]], *, together: bool) -> dict[str, Any]:
    """Days of several metrics: of one kind of thing the same days, else each metric's own."""
    counts = [row["days"] for row in rows]
    return {
        "count": (max(counts) if together else sum(counts)) if counts else 0,
        "newest": max((row["last"] for row in rows), default=None),
        "oldest": min((row["first"] for row in rows), default=None),
    }


def _wrong(said: Any) -> dict[str, Any] | None:
    """What the contract asks of a body, and this one lacks."""
    if not isinstance(said, dict):
        return {"loc": [], "type": "dict_type"}
    if not isinstance(said.get("metric"), str) or not said["metric"].strip():
        return {"loc": ["metric"], "type": "string_type" if "metric" in said else "missing"}
    if not isinstance(said.get("samples"), list):
        return {"loc": ["samples"], "type": "list_type" if "samples" in said else "missing"}
    for name in ("batch_index", "batch", "total_batches"):
        number = said.get(name)
        if number is not None and (type(number) is not int or not 0 <= number < 2**31):
            return {"loc": [name], "type": "int_type"}
    return None


def _key(said: dict[str, Any]) -> str | None:
    """The client's own name for this upload, from the header or the body."""
    given = request.headers.get("Idempotency-Key") or request.headers.get("X-Idempotency-Key") or said.get("idempotency_key")
    return given.strip().encode("utf-8", "replace").decode()[:200] or None if isinstance(given, str) else None


def _settled(public: str) -> dict[str, Any]:
    """The receipt as soon as all is worked off, or as it stands after a few seconds; at once where no worker is."""
    until = time.monotonic() + (WAIT_S if house().pump is not None else 0.0)
    while True:
        with house().database.reading() as c:
            found = receipts.receipt(c, device().person_id, public, limit=1)
        if found["status"] in (*SETTLED, "failed") or time.monotonic() >= until:
            return found
        time.sleep(STEP_S)


def _receipt(said: dict[str, Any], key: str, public: str, found: dict[str, Any]) -> dict[str, Any]:
    """The contract's receipt at its level "accepted_only", where what was new and what was known is not told apart."""
    received, metric = len(said["samples"]), said["metric"].strip()
    rejected = min(received, found["records"]["rejected"])
    settled = found["status"] in SETTLED
    index = said.get("batch_index") if said.get("batch_index") is not None else said.get("batch")
    within = window(said["samples"], people.get_person(reading(), device().person_id).zone)
    spanned = {"max_sample_time": _time(within and within[1]), "min_sample_time": _time(within and within[0])}
    counts = {"accepted": received - rejected, "deduped_existing": None, "deduped_in_batch": 0, "inserted_new": None, "received": received,
              "rejected": rejected}  # fmt: skip
    run = request.headers.get("X-Sync-Run-Id") or said.get("sync_run_id")
    return {
        "batch": index or 0,
        "batch_id": public,
        "batch_index": index or 0,
        "idempotency_key": key,
        "metric": metric,
        "per_metric": {metric: {**counts, "sample_window": spanned}},
        "receipt_id": public,
        "records": counts["accepted"],
        **{f"records_{name}": value for name, value in counts.items()},
        "sample_window": spanned,
        "status": "accepted" if not settled else "processed" if received else "empty",
        "storage_result_level": "accepted_only",
        "sync_run_id": run[:200] if isinstance(run, str) and run else public,
        "total_batches": said.get("total_batches") or 1,
        "verification_level": "delivery_receipt",
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else records.iso(ms - ms % 1000)
