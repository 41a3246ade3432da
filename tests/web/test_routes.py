import re
from typing import Any

import pytest
from place import NOON, Place

from healthbox.store import reading as records
from healthbox.store import settings as facts
from healthbox.web.database import reading, writing

CHUNK = {"batch": "sync-1", "index": 0, "final": True, "anchor": "a1", "metric": None, "zone": "Europe/Berlin", "samples": [
    {"uuid": "6F0E1C1A-8A5C-4C3A-9E83-0D2E1B8F3A10", "type": "HKQuantityTypeIdentifierStepCount", "start": "2025-11-20T08:00:00Z",
     "end": "2025-11-20T08:05:00Z", "value": 120, "unit": "count", "source": {"name": "Watch"}}]}  # fmt: skip

ROUTES = {
    "POST /api/v1/ingest": {"ingest"},
    "POST /api/v1/sync": {"ingest"},
    "GET /api/v1/sync/state": {"ingest"},
    "GET /api/v1/batches": {"ingest", "read"},
    "GET /api/v1/batches/{public}": {"ingest", "read"},
    "POST /api/v1/batches/{public}/replay": {"ingest"},
    "GET /api/v1/dead": {"ingest"},
    "POST /api/v1/dead/{letter}/replay": {"ingest"},
    "POST /api/v1/dead/{letter}/discard": {"ingest"},
    "POST /api/v1/files": {"ingest"},
    "GET /api/v1/files/{public}": {"ingest"},
    "PUT /api/v1/files/{public}": {"ingest"},
    "DELETE /api/v1/files/{public}": {"ingest"},
    "GET /api/v1/metrics": {"read"},
    "GET /api/v1/samples": {"read"},
    "GET /api/v1/days": {"read"},
    "GET /api/v1/days/{metric}/{date_text}/why": {"read"},
    "GET /api/v1/compare": {"read"},
    "GET /api/v1/nights": {"read"},
    "GET /api/v1/workouts": {"read"},
    "GET /api/v1/findings": {"read"},
    "GET /api/v1/openapi.json": {"public"},
    "POST /api/v1/sdk/users/{user_id}/sync": {"ingest"},
    "POST /api/apple/batch": {"ingest"},
    "GET /api/apple/status": {"ingest", "read"},
    "GET /api/health": {"public"},
    "GET /healthz": {"public"},
    "GET /readyz": {"public"},
}


def test_the_document_lists_every_route_of_the_api_with_its_scopes(place: Place) -> None:
    document = place.client().get("/api/v1/openapi.json").json
    found = {
        f"{method.upper()} {path}": set(what["x-scopes"]) for path, methods in document["paths"].items() for method, what in methods.items()
    }
    assert found == ROUTES
    rules = {rule.rule for rule in place.app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert len(rules) == len([path for path in document["paths"] if path.startswith("/api/")])


def test_the_document_is_sound(place: Place) -> None:
    document = place.client().get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "http://localhost"}]
    samples = document["paths"]["/api/v1/samples"]["get"]
    by_name = {parameter["name"]: parameter for parameter in samples["parameters"]}
    assert set(by_name) == {"metric", "from", "to", "cursor", "limit"}
    assert by_name["metric"]["required"] and not by_name["from"]["required"]
    assert by_name["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 5000, "default": 1000}
    shapes = document["components"]["schemas"]
    for name in _references(document):
        assert name in shapes
    assert set(shapes["Refusal"]["properties"]) == {"code", "message", "hint"}


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].rsplit("/", 1)[1]} if "$ref" in node else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def test_a_chunk_is_kept_and_its_receipt_has_an_address(place: Place) -> None:
    headers = place.bearer()
    answer = place.client().post("/api/v1/sync", json=CHUNK, headers=headers)
    assert answer.status_code == 202
    assert answer.json["status"] == "pending"
    assert answer.json["chunk"] == 0
    assert answer.json["receipt"] == answer.headers["Location"] == f"/api/v1/batches/{answer.json['batch']}"
    assert place.rings == [NOON]
    receipt = place.client().get(answer.json["receipt"], headers=headers)
    assert receipt.status_code == 200
    again = place.client().post("/api/v1/sync/", json=CHUNK, headers=headers)
    assert (again.status_code, again.json["batch"], again.json["again"]) == (202, answer.json["batch"], True)


def test_other_content_under_the_same_index_is_a_conflict(place: Place) -> None:
    headers = place.bearer()
    place.client().post("/api/v1/sync", json=CHUNK, headers=headers)
    answer = place.client().post("/api/v1/sync", json={**CHUNK, "samples": []}, headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")


def test_ingest_takes_any_known_body_and_refuses_the_unknown(place: Place) -> None:
    headers = place.bearer()
    assert place.client().post("/api/v1/ingest", json=CHUNK, headers=headers).status_code == 202
    answer = place.client().post("/api/v1/ingest", json={"what": "is this"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json["error"]["hint"] or answer.json["error"]["message"]


def test_state_tells_the_epoch_and_where_to_begin(place: Place) -> None:
    state = place.client().get("/api/v1/sync/state", headers=place.bearer()).json
    assert state["epoch"]
    assert state["anchors"] == {}
    assert "since" in state


def test_the_reading_doors_answer(place: Place) -> None:
    headers = place.bearer()
    for path, key in (("metrics", "metrics"), ("samples?metric=steps", "samples"), ("days?metric=steps", "days"), ("nights", "nights"),
                      ("workouts", "workouts"), ("findings", "findings"), ("batches", "batches")):  # fmt: skip
        answer = place.client().get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json[key] == [], path


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("days", "metric is missing"),
        ("days?metric=steps&from=yesterday", "from: not a date"),
        ("days?metric=steps&to=2025-02-30", "to: not a date"),
        ("days?metric=steps&from=0001-01-01", "from: the year"),
        ("days?metric=steps&from=2025-11-21&to=2025-11-20", "from: lies after to"),
        ("days?metric=steps&metric=weight", "metric is given 2 times"),
        ("days?metric=steps&limit=5", "no parameter 'limit'"),
        ("days?metric=", "metric: expected"),
        ("samples?metric=steps&limit=0", "limit: expected int >= 1"),
        ("samples?metric=steps&limit=5001", "limit: expected int <= 5000"),
        ("samples?metric=steps&limit=many", "limit: expected int"),
        ("samples?metric=steps&from=2025-11-20T08:00:00", "from: the time has no zone"),
        ("samples?metric=steps&from=2025-11-20T99:00:00Z", "from: not a time"),
        ("samples?metric=steps&from=9999-12-31T23:59:59-12:00", "from: the year"),
        ("batches?cursor=-1", "cursor: expected int >= 0"),
        ("batches?limit=99999999999999999999999", "limit: "),
        ("days/steps/20251120x/why", "date: not a date"),
    ],
)
def test_a_wrong_parameter_is_named(place: Place, path: str, words: str) -> None:
    answer = place.client().get(f"/api/v1/{path}", headers=place.bearer())
    assert answer.status_code == 422
    assert words in answer.json["error"]["message"]


@pytest.mark.parametrize("number", [10**18, 2**63, 2**70, "9" * 5000])
def test_an_id_beyond_any_is_not_there(place: Place, number: int | str) -> None:
    browser, headers = place.browser(), place.bearer()
    asked = 0
    for rule in place.app.url_map.iter_rules():
        if "<int:" not in rule.rule:
            continue
        path = re.sub("<int:[a-z_]+>", str(number), rule.rule)
        for method in (rule.methods or set()) & {"GET", "POST"}:
            form = {"csrf": browser.csrf, "note": "x", "password": "12345678", "name": "x", "address": "x"} if method == "POST" else None
            client, sent = (place.client(), {"headers": headers}) if "/api/" in path else (browser.client, {"data": form})
            answer = client.open(path, method=method, **sent)
            assert answer.status_code == 404, (method, rule.rule)
            asked += 1
    assert asked > 15


def test_the_highest_id_of_all_is_asked_for(place: Place) -> None:
    assert "There is no such workout." in place.browser().client.get(f"/workouts/{10**18 - 1}").text


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, -(2**70), 10**30, "9" * 5000])
def test_a_number_beyond_any_in_a_parameter_is_named(place: Place, number: int | str) -> None:
    """Every parameter of every door that reads, by its own description."""
    headers, asked = place.bearer(), 0
    paths = place.client().get("/api/v1/openapi.json").json["paths"]
    for path, methods in paths.items():
        for part in methods.get("get", {}).get("parameters", ()):
            if part["in"] == "query" and "{" not in path:
                given = {p["name"]: "steps" for p in methods["get"]["parameters"] if p["required"]} | {part["name"]: str(number)}
                answer = place.client().get(path, query_string=given, headers=headers)
                assert answer.status_code in (200, 403, 404, 422), (path, part["name"])
                asked += 1
    assert asked > 8


def test_dates_mean_whole_days_of_the_person(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def samples(_c: object, _person: int, *rest: object) -> dict[str, Any]:
        seen.append(rest)
        return {"samples": [], "cursor": None}

    monkeypatch.setattr(records, "samples", samples)
    headers = place.bearer()
    place.client().get("/api/v1/samples?metric=steps&from=2025-03-30&to=2025-03-30&limit=7&cursor=abc", headers=headers)
    place.client().get("/api/v1/samples?metric=steps&from=2025-03-30T00:00:00%2B01:00&to=2025-03-30T00:00:00+01:00", headers=headers)
    metric, since, until, cursor, limit = seen[0]
    assert (metric, cursor, limit) == ("steps", "abc", 7)
    assert (until - since) / 3_600_000 == 23, "clocks went forward in Berlin that day"
    assert seen[1][1:3] == (since, since)


def test_health_and_readiness(place: Place) -> None:
    assert place.client().get("/healthz").json["status"] == "ok"
    ready = place.client().get("/readyz")
    assert ready.status_code == 200
    assert ready.json["checks"] == {"worker": "ok", "disk": "ok", "database": "ok"}


def test_a_silent_worker_is_not_ready(place: Place) -> None:
    class Pump:
        at: int | None = None

        def beat(self) -> int | None:
            return self.at

    pump = Pump()
    object.__setattr__(place.app.extensions["healthbox"], "pump", pump)
    assert place.client().get("/readyz").status_code == 503
    pump.at = place.clock()
    assert place.client().get("/readyz").status_code == 200
    place.clock.at += 61_000
    answer = place.client().get("/readyz")
    assert (answer.status_code, answer.json["checks"]["worker"]) == (503, "silent for 61 s")


def test_what_was_written_in_a_request_is_read_in_it(place: Place) -> None:

    with place.app.test_request_context():
        assert facts.get(reading(), "mark") is None
        with writing() as c:
            facts.put(c, "mark", "1")
        assert facts.get(reading(), "mark") == "1"
        with pytest.raises(Exception, match="readonly"):
            facts.put(reading(), "mark", "2")
