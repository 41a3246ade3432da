"""The doors of HealthSave and of the Open Wearables SDK: their paths, their receipts, their refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from place import Place

from healthbox.pipeline import remove_upload
from healthbox.pipeline.pump import Pump
from healthbox.store import people, receipts
from healthbox.web.api import healthsave

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "healthsave"
BATCH = "/api/apple/batch"
BEATS = {
    "metric": "heart_rate",
    "batch_index": 2,
    "total_batches": 3,
    "samples": [
        {"date": "2025-11-20T08:00:00.000Z", "qty": 72, "source": "Apple Watch"},
        {"date": "2025-11-20T09:30:00Z", "qty": 60, "source": "Apple Watch"},
        {"date": "2025-11-20T08:10:00Z", "source": "Apple Watch"},
    ],
}


class AtWork:
    """A worker in the place of the threads: it has done the work before anybody asks."""

    def __init__(self, place: Place) -> None:
        self._pump = Pump(place.database, place.settings.data, place.clock, lambda: None)

    def beat(self) -> int | None:
        self._pump.run()
        return 1


@pytest.fixture
def working(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose worker has worked every upload off by the time that its receipt is first looked at."""
    worker = AtWork(place)
    object.__setattr__(place.app.extensions["healthbox"], "pump", worker)
    waiting = healthsave._settled
    monkeypatch.setattr(healthsave, "_settled", lambda public: [worker.beat(), waiting(public)][1])
    return place


def send(place: Place, body: Any, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return place.client().post(BATCH, data=data, headers={"x-api-key": place.token("Alice", "ingest"), **headers})


def test_an_upload_is_answered_with_its_receipt(working: Place) -> None:
    answer = send(working, BEATS, **{"X-Sync-Run-Id": "run-7", "Idempotency-Key": "key-1"})
    assert answer.status_code == 200
    window = {"max_sample_time": "2025-11-20T09:30:00Z", "min_sample_time": "2025-11-20T08:00:00Z"}
    counts = {"accepted": 2, "deduped_existing": None, "deduped_in_batch": 0, "inserted_new": None, "received": 3, "rejected": 1}
    public = answer.json["batch_id"]
    assert answer.json == {
        "batch": 2,
        "batch_id": public,
        "batch_index": 2,
        "idempotency_key": "key-1",
        "metric": "heart_rate",
        "per_metric": {"heart_rate": {**counts, "sample_window": window}},
        "receipt_id": public,
        "records": 2,
        **{f"records_{name}": count for name, count in counts.items()},
        "sample_window": window,
        "status": "processed",
        "storage_result_level": "accepted_only",
        "sync_run_id": "run-7",
        "total_batches": 3,
        "verification_level": "delivery_receipt",
    }
    receipt = working.client().get(f"/api/v1/batches/{public}", headers=working.bearer()).json
    assert receipt["records"] == {"new": 2, "updated": 0, "duplicate": 0, "deleted": 0, "rejected": 1}


def test_without_a_worker_it_is_accepted_and_on_disk(place: Place) -> None:
    answer = send(place, BEATS)
    assert (answer.status_code, answer.json["status"], answer.json["records_received"]) == (202, "accepted", 3)
    receipt = place.client().get(f"/api/v1/batches/{answer.json['receipt_id']}", headers=place.bearer()).json
    assert (receipt["format"], receipt["status"]) == ("healthsave", "pending")
    assert place.rings


def test_a_worker_that_is_slow_is_not_waited_for_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Asleep:
        def beat(self) -> int | None:
            return None

    object.__setattr__(place.app.extensions["healthbox"], "pump", Asleep())
    monkeypatch.setattr(healthsave, "WAIT_S", 0.12)
    assert send(place, BEATS).json["status"] == "accepted"


def test_another_method_is_refused_in_the_doors_own_words(place: Place) -> None:
    for path, allowed in ((BATCH, "POST"), ("/api/v1/sdk/users/u1/sync", "POST"), ("/api/apple/status", "GET")):
        answer = place.client().delete(path, headers={"x-api-key": place.token("Alice", "ingest", "read")})
        assert (answer.status_code, list(answer.json)) == (405, ["detail"]), path
        assert isinstance(answer.json["detail"], str) and allowed in answer.headers["Allow"]
    ours = place.client().get("/api/v1/ingest", headers=place.bearer())
    assert (ours.status_code, ours.json["error"]["code"]) == (405, "method_not_allowed")


def test_a_batch_without_samples_is_empty(working: Place) -> None:
    answer = send(working, {"metric": "heart_rate", "batch_index": 0, "total_batches": 1, "samples": []})
    assert (answer.status_code, answer.json["status"], answer.json["records"]) == (200, "empty", 0)
    assert answer.json["sample_window"] == {"max_sample_time": None, "min_sample_time": None}


def test_a_key_stands_for_its_bytes(working: Place) -> None:
    token = {"x-api-key": working.token("Alice", "ingest"), "Idempotency-Key": "key-1"}
    post = working.client().post
    first, again = post(BATCH, json=BEATS, headers=token), post(BATCH, json=BEATS, headers=token)
    assert again.status_code == 200
    assert again.json == first.json
    other = post(BATCH, json={**BEATS, "samples": []}, headers=token)
    assert (other.status_code, other.json) == (409, {"detail": healthsave.MISMATCH})
    assert send(working, {**BEATS, "samples": []}, **{"Idempotency-Key": "key-1"}).status_code == 200, "another device's key is another key"


def test_a_key_of_somebody_removed_hinders_nobody_who_comes_later(working: Place) -> None:
    def post() -> Any:
        return working.client().post(BATCH, json=BEATS, headers={**working.bearer("Bob"), "Idempotency-Key": "key-1"})

    assert post().status_code == 200
    with working.database.writing() as c:
        people.remove(c, working.persons["Bob"])
        working.persons["Bob"] = people.add_person(c, "Bob", "Europe/Berlin", working.clock()).id
    again = post()
    assert (again.status_code, again.json["status"]) == (200, "processed")
    receipt = working.client().get(f"/api/v1/batches/{again.json['receipt_id']}", headers=working.bearer("Bob")).json
    assert (receipt["client"], receipt["records"]["new"]) == ("key-1", 2)


def test_an_upload_that_was_removed_arrives_when_it_is_sent_again_under_its_key(working: Place) -> None:
    token = {"x-api-key": working.token("Alice", "ingest", "read"), "Idempotency-Key": "key-1"}
    first = working.client().post(BATCH, json=BEATS, headers=token)
    remove_upload.remove(working.database, working.settings.data, first.json["batch_id"], working.clock())
    again = working.client().post(BATCH, json=BEATS, headers=token)
    assert (again.status_code, again.json["status"]) == (200, "processed")
    with working.database.reading() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM sample").scalar() == 2
        assert receipts.receipt(c, working.persons["Alice"], again.json["batch_id"])["records"]["new"] == 2


def test_a_key_may_be_any_text(working: Place) -> None:
    for key in ("\ud800", "ключ\x00", " " * 3):
        assert send(working, {**BEATS, "idempotency_key": key}).status_code == 200, ascii(key)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 400, "invalid JSON body"),
        (b"", 400, "invalid JSON body"),
        (b"[]", 422, [{"loc": [], "type": "dict_type"}]),
        (b'{"samples": []}', 422, [{"loc": ["metric"], "type": "missing"}]),
        (b'{"metric": 3, "samples": []}', 422, [{"loc": ["metric"], "type": "string_type"}]),
        (b'{"metric": "steps", "samples": {}}', 422, [{"loc": ["samples"], "type": "list_type"}]),
        (b'{"metric": "steps"}', 422, [{"loc": ["samples"], "type": "missing"}]),
        (b'{"metric": "steps", "samples": [], "batch_index": "0"}', 422, [{"loc": ["batch_index"], "type": "int_type"}]),
        (
            b'{"metric": "steps", "samples": [], "total_batches": 99999999999999999999}',
            422,
            [{"loc": ["total_batches"], "type": "int_type"}],
        ),
    ],
)
def test_a_body_that_breaks_the_contract_is_refused_in_its_words(place: Place, body: bytes, status: int, detail: Any) -> None:
    answer = send(place, body)
    assert (answer.status_code, answer.json) == (status, {"detail": detail})
    assert place.rings == []


def test_refusals_before_and_beside_the_contract_say_detail_too(furnished: Callable[..., Place]) -> None:
    place = furnished(max_json_bytes=1_000_000)
    nobody = place.client().post(BATCH, json=BEATS)
    assert (nobody.status_code, set(nobody.json)) == (401, {"detail"})
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    reader = place.client().post(BATCH, json=BEATS, headers=place.bearer("Alice", "read"))
    assert (reader.status_code, set(reader.json)) == (403, {"detail"})
    large = send(place, b" " * 3_000_000)
    assert (large.status_code, set(large.json)) == (413, {"detail"})
    foreign = send(place, {"metric": "steps", "samples": [], "data": 3})
    assert (foreign.status_code, set(foreign.json)) == (422, {"detail"})


def test_status_counts_what_is_here(working: Place) -> None:
    token = working.bearer()
    assert set(working.client().get("/api/apple/status", headers=token).json) == {
        "blood_oxygen", "daily_activity", "heart_rate", "hrv", "quantity_samples", "sleep_sessions", "workouts",
    }  # fmt: skip
    walk = {"name": "Walking", "start": "2025-11-20T06:10:00Z", "end": "2025-11-20T06:55:00Z", "duration": 2700, "source": "Apple Watch"}
    for metric, samples in (
        ("heart_rate", BEATS["samples"]),
        ("step_count", [{"date": f"2025-11-{day}", "qty": 5000, "source": "HealthKit Statistics"} for day in (18, 19)]),
        ("vo2_max", [{"date": "2025-11-20T08:00:00Z", "qty": 40, "unit": "mL/min·kg", "source": "Apple Watch"}]),
        ("workouts", [walk]),
    ):
        assert send(working, {"metric": metric, "batch_index": 0, "total_batches": 1, "samples": samples}).status_code == 200
    working.clock.at += 10_000
    working.app.extensions["healthbox"].pump.beat()  # folded by now
    found = working.client().get("/api/apple/status", headers=token).json
    assert found["heart_rate"] == {"count": 1, "newest": "2025-11-20", "oldest": "2025-11-20"}
    assert found["daily_activity"] == {"count": 2, "newest": "2025-11-19", "oldest": "2025-11-18"}
    assert found["quantity_samples"]["count"] == 1
    assert found["workouts"] == {"count": 1, "newest": "2025-11-20T06:10:00Z", "oldest": "2025-11-20T06:10:00Z"}
    assert found["hrv"] == {"count": 0, "newest": None, "oldest": None}
    bob = working.client().get("/api/apple/status", headers=working.bearer("Bob")).json
    assert {entry["count"] for entry in bob.values()} == {0}


def test_health_needs_no_token(place: Place) -> None:
    answer = place.client().get("/api/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_the_open_wearables_sdk_gets_its_202(place: Place) -> None:
    body = {"provider": "apple", "sdkVersion": "1", "data": {"records": []}}
    path = "/api/v1/sdk/users/5f0c/sync"
    answer = place.client().post(path, json=body, headers=place.bearer("Alice", "ingest"))
    assert (answer.status_code, answer.json["status_code"], answer.json["user_id"]) == (202, 202, "5f0c")
    (batch,) = place.client().get("/api/v1/batches", headers=place.bearer()).json["batches"]
    assert batch["format"] == "open-wearables"
    assert place.client().post(f"{path}/", json=body, headers=place.bearer("Alice", "ingest")).status_code == 202
    wrong = place.client().post(path, data=b"{", headers=place.bearer("Alice", "ingest"))
    assert (wrong.status_code, set(wrong.json)) == (400, {"detail"})
    assert place.client().post(path, json=body).status_code == 401


def shape(node: Any) -> Any:
    """Keys and types; a name that stands for a metric keeps its place."""
    if isinstance(node, dict):
        return {key: shape(value) for key, value in node.items()}
    return [shape(child) for child in node] if isinstance(node, list) else type(node).__name__


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder with other people's sample files is not beside this checkout")
def test_every_answer_has_the_shape_of_the_reference_servers(working: Place) -> None:
    def expected(name: str) -> Any:
        (path,) = SAMPLES.glob(f"*__response_{name}.json")
        return json.loads(path.read_bytes())

    for name in ("body_temperature", "heart_rate", "medication_dose_event", "quantity_step_count", "sleep_analysis", "workout"):
        (path,) = SAMPLES.glob(f"*__apple_{name}_batch.json")
        told, answer = expected(f"batch_receipt_{name}"), send(working, path.read_bytes())
        assert (answer.status_code, shape(answer.json)) == (told["status"], shape(told["body"])), name
        for key in ("metric", "status", "batch_index", "total_batches", "records_received", "records_rejected"):
            assert answer.json[key] == told["body"][key], (name, key)
    (path,) = SAMPLES.glob("*__apple_heart_rate_batch.json")
    token = {"x-api-key": working.token("Alice", "ingest"), "Idempotency-Key": "corpus"}
    post = working.client().post
    post(BATCH, data=path.read_bytes(), headers=token)
    again = post(BATCH, data=path.read_bytes(), headers=token)
    assert (again.status_code, shape(again.json)) == (200, shape(expected("batch_receipt_duplicate")["body"]))
    for name, answer in (
        ("batch_conflict_409", post(BATCH, data=path.read_bytes() + b" ", headers=token)),
        ("batch_invalid_json_400", send(working, b"{")),
        ("batch_rejected_422", send(working, {"metric": "heart_rate", "samples": 3})),
        ("health", working.client().get("/api/health")),
    ):
        told = expected(name)
        assert (answer.status_code, answer.json) == (told["status"], told["body"]), name
    with working.database.writing() as c:
        working.persons["Carol"] = people.add_person(c, "Carol", "UTC", working.clock()).id
    status = working.client().get("/api/apple/status", headers=working.bearer("Carol"))
    assert (status.status_code, status.json) == (200, expected("status")["body"])
