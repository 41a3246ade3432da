"""A thousand bodies and more that no client should send, against every door that takes one: a clear 4xx, never a 5xx."""

import base64
import gzip
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from place import Place

QUICK = settings(max_examples=350, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)

NASTY_NUMBERS = st.sampled_from([float("nan"), float("inf"), -float("inf"), 2**53, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 5e-324])
NASTY_TEXTS = st.sampled_from(
    ["", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufeff", "0001-01-01", "9999-12-31T23:59:59+14:00", "2025-02-30", "NaN", "1e999", "-",
     "٣", "a" * 5000]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | NASTY_NUMBERS | NASTY_TEXTS
KEYS = st.sampled_from([
    "batch", "index", "final", "anchor", "metric", "zone", "samples", "workouts", "clinical", "deleted", "data", "metrics",
    "type", "start", "end", "value", "unit", "source", "name", "units", "qty", "date", "uuid", "anchor_token", "is_final_chunk",
    "date_from", "date_to", "dateFrom", "dateTo", "dates", "values", "metadata", "Min", "Avg", "Max", "sleepStart", "route",
    "heartRateData", "bundle", "\x00"
])  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6), max_leaves=25
)

NATIVE = {"batch": "b", "index": 0, "final": True, "anchor": "a", "metric": None, "zone": "Europe/Berlin", "samples": [
    {"uuid": "u", "type": "steps", "start": "2025-11-20T08:00:00Z", "end": "2025-11-20T08:05:00Z", "value": 1, "unit": "count",
     "source": {"name": "Watch"}}]}  # fmt: skip
SEED = {"anchor_token": "t", "is_final_chunk": False, "data": [
    {"uuid": "u", "type": "STEPS", "value": 1, "unit": "COUNT", "date_from": "2025-11-20T08:00:00", "date_to": "2025-11-20T08:05:00",
     "source": "Watch"}]}  # fmt: skip
EXPORT = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": [{"date": "2025-11-20 08:00:00 +0100", "qty": 1}]}]}}
SHORTCUT = {"type": "Steps", "dates": "2025-11-20T08:00:00\n2025-11-20T09:00:00", "values": "1\n2"}


def places_in(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, child in inner for found in places_in(child, (*path, key)))]


def with_value(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = node.copy()
    copy[path[0]] = with_value(node[path[0]], path[1:], value)
    return copy


@st.composite
def bent(draw: st.DrawFn) -> Any:
    """A body as a client sends it, with something else in one to three places."""
    own = {**NATIVE, "batch": draw(st.uuids(allow_nil=True)).hex}  # else most were conflicts with the first one
    shape: Any = draw(st.sampled_from([own, SEED, EXPORT, SHORTCUT]))
    for _ in range(draw(st.integers(1, 3))):
        shape = with_value(shape, draw(st.sampled_from(places_in(shape))), draw(VALUES))
    return shape


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


BODIES = st.binary(max_size=200) | VALUES.map(as_bytes) | bent().map(as_bytes)

OTHERS = ("/api/apple/", "/api/v1/sdk/")  # doors that answer as other apps' servers do
DEEP = 100_000
EXTREMES = {
    "empty": b"",
    "blank": b" \n",
    "not utf-8": b'{"data": "\xff\xfe"}',
    "utf-16": json.dumps(NATIVE).encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + as_bytes(NATIVE),
    "raw surrogate": b'{"batch": "\xed\xa0\x80", "index": 0, "final": true, "samples": []}',
    "escaped surrogate": rb'{"batch": "\ud800", "index": 0, "final": true, "samples": []}',
    "nul": rb'{"batch": "a\u0000b", "index": 0, "final": true, "samples": []}',
    "bare NaN": as_bytes(EXPORT).replace(b'"qty": 1', b'"qty": NaN'),
    "1e999": as_bytes(EXPORT).replace(b'"qty": 1', b'"qty": 1e999'),
    "2^63": b'{"batch": "b", "index": 9223372036854775808, "final": true, "samples": []}',
    "5000 digits": b'{"batch": "b", "index": ' + b"9" * 5000 + b', "final": true, "samples": []}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep lists, open": b"[" * DEEP,
    "deep objects": b'{"data":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a sample": b'{"batch": "b", "index": 0, "final": true, "samples": [' + b"[" * DEEP + b"]" * DEEP + b"]}",
    "the same key twice": b'{"data": 1, "data": {"metrics": []}, "data": []}',
    "a number": b"7",
    "null": b"null",
    "trailing text": as_bytes(NATIVE) + b" x",
}


def doors(place: Place) -> list[str]:
    rules = [rule.rule for rule in place.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    return [re.sub(r"<[^>]+>", "x", rule) for rule in rules]


def knock(place: Place, bearer: dict[str, str], path: str, body: bytes, **headers: str) -> int:
    kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    answer = place.client().post(path, data=body, content_type=kind, headers={**bearer, **headers})
    assert answer.status_code < 500, (path, body[:300], answer.text[:300])
    assert "Traceback" not in answer.text
    if path.startswith(OTHERS) and answer.status_code >= 400:
        assert set(answer.json) == {"detail"}
    elif path.startswith("/api/") and answer.status_code >= 400:
        assert set(answer.json["error"]) == {"code", "message", "hint"}
    return answer.status_code


def test_no_body_breaks_a_door(place: Place) -> None:
    bearer, paths = place.bearer(), [path for path in doors(place) if path.startswith("/api/")]
    seen: set[int] = set()

    @QUICK
    @given(BODIES)
    def knock_everywhere(body: bytes) -> None:
        seen.update(knock(place, bearer, path, body) for path in paths)

    knock_everywhere()
    assert len(paths) * QUICK.max_examples >= 1000
    assert {202, 400, 422} <= seen, "some are taken, some are not"


def test_no_form_breaks_a_page(place: Place) -> None:
    browser = place.browser()
    paths = [path for path in doors(place) if not path.startswith("/api/")]

    fields = st.sampled_from(["login", "password", "next", "csrf", "name", "zone"])

    @settings(QUICK, max_examples=60)
    @given(st.dictionaries(fields, st.text(max_size=30) | NASTY_TEXTS), st.binary(max_size=99))
    def knock_everywhere(form: dict[str, str], raw: bytes) -> None:
        for path in paths:
            for data in ({key: value.encode("utf-8", "surrogatepass") for key, value in form.items()}, raw):
                answer = browser.client.post(path, data=data, content_type="application/x-www-form-urlencoded")
                assert answer.status_code < 500, (path, data)

    knock_everywhere()


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_get_a_clear_answer(place: Place, name: str) -> None:
    bearer = place.bearer()
    for path in doors(place):
        knock(place, bearer, path, EXTREMES[name])
        knock(place, bearer, path, gzip.compress(EXTREMES[name]), **{"Content-Encoding": "gzip"})


def test_bombs_and_giants_are_refused(place: Place) -> None:
    bearer = place.bearer()
    for path in ("/api/v1/ingest", "/api/v1/sync"):
        assert knock(place, bearer, path, gzip.compress(b" " * 100_000_000), **{"Content-Encoding": "gzip"}) == 413
        assert knock(place, bearer, path, b" " * 100_000_000) == 413


def test_no_query_breaks_a_reading_door(place: Place) -> None:
    bearer = place.bearer()
    names = st.sampled_from(["metric", "from", "to", "cursor", "limit", "state", "since", "x"])
    dates = st.sampled_from(["1900-01-01", "2199-12-31", "2025-11-20T08:00:00Z", "2199-12-31T23:59:59-23:59", "1900-01-01T00:00:00+23:59"])

    @settings(QUICK, max_examples=80)
    @given(st.dictionaries(names, st.text(max_size=30) | NASTY_TEXTS | dates | st.just("steps") | st.just("sleep_analysis")))
    def ask_everywhere(query: dict[str, str]) -> None:
        encoded = {key: value.encode("utf-8", "replace") for key, value in query.items()}
        for noun in ("samples", "days", "nights", "workouts", "findings", "batches", "days/steps/2025-11-20/why"):
            for wanted in (encoded, {"metric": "steps", **encoded}):
                answer = place.client().get(f"/api/v1/{noun}", query_string=wanted, headers=bearer)
                assert answer.status_code < 500, (noun, query)

    ask_everywhere()


@pytest.mark.parametrize("key", ['[0,0,0,""]', '[Infinity,0,0,""]', '[99999999999999999999,0,0,""]', r'[0,0,0,"\ud800"]', "[" * 300, "7"])
def test_a_forged_cursor_is_refused_or_harmless(place: Place, key: str) -> None:
    bearer, cursor = place.bearer(), base64.urlsafe_b64encode(key.encode()).decode()
    for metric in ("steps", "sleep_analysis"):
        answer = place.client().get("/api/v1/samples", query_string={"metric": metric, "cursor": cursor}, headers=bearer)
        assert answer.status_code in (200, 422)
